#include "watermark/text/choose_device.hpp"

#include "watermark/kernels/gumbel_choose.hpp"

namespace sigillo::watermark::SIGILLO_DEVICE_NAMESPACE {

core::Status choose_on_device(core::gpu::Device& device, const TextProfile& profile,
                              const TextKey& key, const ChooseBatch& batch,
                              std::span<TokenId> out) {
  using core::gpu::Buffer;
  const auto rows = static_cast<std::size_t>(batch.rows);
  const auto width = static_cast<std::size_t>(profile.context_width);
  // The last row ends after its vocabulary: the rest of its stride need not exist.
  const auto logits_count = (rows - 1) * static_cast<std::size_t>(batch.stride) +
                            static_cast<std::size_t>(batch.vocabulary);
  const std::int32_t slices =
      kernels::gumbel_slices(batch.rows, batch.vocabulary, device.resident_blocks());

  SIGILLO_TRY(const auto logits, Buffer<float>::copy_of(device, batch.logits, logits_count));
  SIGILLO_TRY(const auto contexts, Buffer<TokenId>::copy_of(device, batch.contexts, rows * width));
  SIGILLO_TRY(const auto plain, Buffer<std::uint8_t>::copy_of(device, batch.plain, rows));
  SIGILLO_TRY(const auto seeds,
              Buffer<std::uint64_t>::copy_of(
                  device, batch.plain != nullptr ? batch.plain_seeds : nullptr, rows));
  SIGILLO_TRY(const auto partial,
              Buffer<kernels::Best>::create(
                  device, slices > 1 ? rows * static_cast<std::size_t>(slices) : 0));
  SIGILLO_TRY(const auto tokens, Buffer<TokenId>::create(device, rows));

  kernels::GumbelChooseArguments arguments;
  arguments.logits = logits.data();
  arguments.stride = batch.stride;
  arguments.rows = batch.rows;
  arguments.vocabulary = batch.vocabulary;
  arguments.contexts = contexts.data();
  arguments.context_width = profile.context_width;
  arguments.plain = plain.data();
  arguments.plain_seeds = seeds.data();
  arguments.key = key.value();
  arguments.temperature = batch.temperature;
  arguments.slices = slices;
  arguments.partial = partial.data();
  arguments.out = tokens.data();
  const int error = kernels::SIGILLO_DEVICE_NAMESPACE::gumbel_choose(arguments, device.stream());
  core::secure_zero(&arguments.key, sizeof arguments.key);
  SIGILLO_TRY_VOID(device.check(error, "cannot launch gumbel_choose"));
  return device.download(out.data(), tokens.data(), rows * sizeof(TokenId));
}

}  // namespace sigillo::watermark::SIGILLO_DEVICE_NAMESPACE
