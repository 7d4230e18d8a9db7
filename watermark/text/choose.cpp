#include <cmath>
#include <limits>

#include "core/gpu/backend.hpp"
#include "watermark/kernels/fixed_choice.hpp"
#include "watermark/text/scheme.hpp"
#ifdef SIGILLO_HAVE_CUDA
#include "core/gpu/cuda_device.hpp"
#include "watermark/text/choose_device.hpp"
#endif

namespace sigillo::watermark {
namespace {

core::Error argument_error(std::string message) {
  return {core::ErrorCode::invalid_argument, "choose_tokens: " + std::move(message), ""};
}

// One row, in the order of its ids. The best so far is the bound.
TokenId choose_row(const float* logits, std::int32_t vocabulary, float temperature,
                   const kernels::CandidateStream& stream) {
  kernels::Best best = kernels::no_entry();
  const std::int32_t groups = (vocabulary + 3) / 4;
  for (std::int32_t group = 0; group < groups; ++group) {
    const std::int32_t valid = std::min(4, vocabulary - group * 4);
    float four[4] = {0, 0, 0, 0};
    for (std::int32_t i = 0; i < valid; ++i) four[i] = logits[group * 4 + i];
    kernels::consider_group(best, kernels::bound_of(best), stream,
                            static_cast<std::uint32_t>(group), four, valid, temperature);
  }
  return best.id;
}

void choose_on_host(const TextProfile& profile, const TextKey& key, const ChooseBatch& batch,
                    std::span<TokenId> out) {
  for (std::int32_t row = 0; row < batch.rows; ++row) {
    const TokenId* context = batch.contexts + std::int64_t{row} * profile.context_width;
    const bool plain = batch.plain != nullptr && batch.plain[row] != 0;
    const kernels::CandidateStream stream =
        plain ? kernels::plain_stream(batch.plain_seeds[row])
              : kernels::marked_stream(key.value(), context, profile.context_width);
    out[static_cast<std::size_t>(row)] =
        choose_row(batch.logits + row * batch.stride, batch.vocabulary, batch.temperature, stream);
  }
}

core::Status choose_on(std::string_view backend, const TextProfile& profile, const TextKey& key,
                       const ChooseBatch& batch, std::span<TokenId> out) {
#ifdef SIGILLO_HAVE_CUDA
  if (backend == "cuda") {
    SIGILLO_TRY(const auto device, core::gpu::cuda::open_device());
    return cuda::choose_on_device(*device, profile, key, batch, out);
  }
#endif
  SIGILLO_CHECK(backend == "host");
  choose_on_host(profile, key, batch, out);
  return {};
}

}  // namespace

core::Status check_batch(const ChooseBatch& batch, std::size_t out_size) {
  if (batch.rows < 0) return argument_error("rows is negative");
  if (batch.vocabulary < 1 || batch.vocabulary > kMaxVocabulary) {
    return argument_error("vocabulary " + std::to_string(batch.vocabulary) + " is not in 1..2^24");
  }
  constexpr std::int64_t kMaxStride = std::int64_t{1}
                                      << 31;  // rows * stride * 4 bytes stays below 2^64
  if (batch.stride < batch.vocabulary || batch.stride > kMaxStride) {
    return argument_error("stride " + std::to_string(batch.stride) + " is not in vocabulary..2^31");
  }
  if (out_size != static_cast<std::size_t>(batch.rows)) {
    return argument_error("the output has " + std::to_string(out_size) + " places for " +
                          std::to_string(batch.rows) + " rows");
  }
  if (!std::isfinite(batch.temperature) || batch.temperature < std::numeric_limits<float>::min()) {
    return argument_error("temperature is not a positive, finite, normal number");
  }
  if (batch.rows > 0 && (batch.logits == nullptr || batch.contexts == nullptr)) {
    return argument_error("logits or contexts is null");
  }
  if (batch.plain != nullptr && batch.plain_seeds == nullptr) {
    return argument_error("plain is given without plain_seeds");
  }
  return {};
}

core::Status check_chosen(std::span<const TokenId> out) {
  for (std::size_t row = 0; row < out.size(); ++row) {
    if (out[row] >= 0) continue;
    return core::Error{
        core::ErrorCode::invalid_input,
        "choose_tokens: row " + std::to_string(row) + " has no logit above minus infinity",
        "leave at least one entry of each row unmasked"};
  }
  return {};
}

core::Status choose_tokens(const TextProfile& profile, const TextKey& key, const ChooseBatch& batch,
                           std::span<TokenId> out, std::string_view backend) {
  SIGILLO_TRY_VOID(check_profile(profile));
  SIGILLO_TRY_VOID(check_batch(batch, out.size()));
  SIGILLO_TRY(const core::gpu::Backend chosen, core::gpu::select_backend(backend));
  if (batch.rows == 0) return {};
  SIGILLO_TRY_VOID(choose_on(chosen.name, profile, key, batch, out));
  return check_chosen(out);
}

}  // namespace sigillo::watermark
