#include <cmath>
#include <limits>

#include "watermark/kernels/fixed_choice.hpp"
#include "watermark/text/choose_row.hpp"
#include "watermark/text/scheme.hpp"
#ifdef SIGILLO_HAVE_CUDA
#include "core/gpu/cuda_device.hpp"
#endif

namespace sigillo::watermark {
namespace {

core::Error argument_error(std::string message) {
  return {core::ErrorCode::invalid_argument, "choose_tokens: " + std::move(message), ""};
}

core::Status choose_on_host(const TextScheme& scheme, const TextProfile& profile,
                            const TextKey& key, const ChooseBatch& batch, std::span<TokenId> out) {
  SIGILLO_TRY(const auto mark, scheme.bind(profile, key));
  for (std::int32_t row = 0; row < batch.rows; ++row) {
    const bool plain = batch.plain != nullptr && batch.plain[row] != 0;
    const MarkedRow input = {batch.logits + row * batch.stride, batch.vocabulary, batch.temperature,
                             batch.contexts + std::int64_t{row} * profile.context_width,
                             batch.plain_seeds != nullptr ? batch.plain_seeds[row] : 0};
    out[static_cast<std::size_t>(row)] = plain ? choose_plain(input) : mark->choose(input);
  }
  return {};
}

core::Status choose_on(std::string_view backend, const TextScheme& scheme,
                       const TextProfile& profile, const TextKey& key, const ChooseBatch& batch,
                       std::span<TokenId> out) {
#ifdef SIGILLO_HAVE_CUDA
  if (backend == "cuda") {
    SIGILLO_CHECK(scheme.choose_on_device != nullptr);
    SIGILLO_TRY(const auto device, core::gpu::cuda::open_device());
    return scheme.choose_on_device(*device, profile, key, batch, out);
  }
#endif
  SIGILLO_CHECK(backend == "host");
  return choose_on_host(scheme, profile, key, batch, out);
}

// The back end that will choose. A scheme without a kernel has the host only, whatever the machine.
core::Result<core::gpu::Backend> select_backend(const TextScheme& scheme, std::string_view name) {
  if (scheme.has_kernel) return core::gpu::select_backend(name);
  if (name == "auto") return core::gpu::select_backend("host");
  for (const core::gpu::Backend& known : core::gpu::backends()) {
    if (known.name != name || name == "host") continue;
    return core::Error{core::ErrorCode::unsupported,
                       "scheme \"" + std::string(scheme.scheme) +
                           "\" has no kernel for back end \"" + std::string(name) + "\"",
                       "use \"host\" or \"auto\""};
  }
  return core::gpu::select_backend(name);
}

// invalid_input for the first row whose token is -1: it had no entry to choose.
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

}  // namespace

TokenId choose_row(const MarkedRow& row, const kernels::CandidateStream& stream) {
  kernels::Best best = kernels::no_entry();
  const std::int32_t groups = (row.vocabulary + 3) / 4;
  for (std::int32_t group = 0; group < groups; ++group) {
    const std::int32_t valid = std::min(4, row.vocabulary - group * 4);
    float four[4] = {0, 0, 0, 0};
    for (std::int32_t i = 0; i < valid; ++i) four[i] = row.logits[group * 4 + i];
    kernels::consider_group(best, kernels::bound_of(best), stream,
                            static_cast<std::uint32_t>(group), four, valid, row.temperature);
  }
  return best.id;
}

TokenId choose_plain(const MarkedRow& row) {
  return choose_row(row, kernels::plain_stream(row.seed));
}

core::Status check_batch(const TextScheme& scheme, const ChooseBatch& batch, std::size_t out_size) {
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
  if (scheme.draws && batch.rows > 0 && batch.plain_seeds == nullptr) {
    return argument_error("scheme \"" + std::string(scheme.scheme) +
                          "\" draws: plain_seeds is needed");
  }
  return {};
}

core::Status choose_tokens(const TextProfile& profile, const TextKey& key, const ChooseBatch& batch,
                           std::span<TokenId> out, std::string_view backend) {
  SIGILLO_TRY(const TextScheme* scheme, scheme_of(profile));
  SIGILLO_TRY_VOID(check_batch(*scheme, batch, out.size()));
  SIGILLO_TRY(const core::gpu::Backend chosen, select_backend(*scheme, backend));
  if (batch.rows == 0) return {};
  SIGILLO_TRY_VOID(choose_on(chosen.name, *scheme, profile, key, batch, out));
  return check_chosen(out);
}

}  // namespace sigillo::watermark
