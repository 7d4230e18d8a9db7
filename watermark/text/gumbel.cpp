// Scheme "gumbel", PRF philox4x32-10-v1.
#include <array>

#include "sigillo/core/statistics.hpp"
#include "watermark/kernels/fixed_log2.hpp"
#include "watermark/text/choose_row.hpp"
#include "watermark/text/scheme.hpp"
#include "watermark/text/windows.hpp"
#ifdef SIGILLO_HAVE_CUDA
#include "watermark/text/choose_device.hpp"
#endif

namespace sigillo::watermark {
namespace {

constexpr std::uint32_t kTopMantissa = (1u << 24) - 1;
constexpr TokenId kGumbelPadding = -1;

// A sum of score_q58 values in nats. Exact up to the last rounding: the sum itself is an integer.
double nats(kernels::Uint128 sum_q58) {
  return static_cast<double>(static_cast<long double>(sum_q58) * 0x1p-58L *
                             0.693147180559945309417232121458176568L);
}

class GumbelMark final : public Mark {
 public:
  GumbelMark(const TextProfile& profile, const TextKey& key)
      : width_(profile.context_width), key_(key) {}

  TokenId choose(const MarkedRow& row) const override {
    return choose_row(row, kernels::marked_stream(key_.value(), row.context, width_));
  }
  TextScore score(std::span<const TokenId> tokens) const override {
    WindowSet windows(width_, kGumbelPadding);
    TextScore score;
    kernels::Uint128 sum_q58 = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const std::vector<TokenId> window = windows.window(tokens.first(i));
      if (!windows.insert(window)) continue;
      sum_q58 += kernels::score_q58(kernels::mantissa_of(word(window, tokens[i])));
      ++score.scored;
    }
    score.sum = nats(sum_q58);
    score.ln_p = core::log_erlang_tail(score.scored, score.sum);
    score.ln_p_least = core::log_erlang_tail(
        score.scored, nats(kernels::Uint128{kernels::score_q58(kTopMantissa)} *
                           static_cast<std::uint64_t>(score.scored)));
    return score;
  }

 private:
  [[nodiscard]] std::uint32_t word(const std::vector<TokenId>& window, TokenId token) const {
    const auto id = static_cast<std::uint32_t>(token);
    const kernels::CandidateStream stream =
        kernels::marked_stream(key_.value(), window.data(), width_);
    return kernels::candidate_words(stream, id >> 2).word[id & 3];
  }
  std::int32_t width_;
  TextKey key_;
};

core::Result<std::unique_ptr<const Mark>> bind_gumbel(const TextProfile& profile,
                                                      const TextKey& key) {
  if (key.values().size() != 1) {
    return core::Error{core::ErrorCode::invalid_argument,
                       "text profile \"" + profile.name +
                           "\" takes one 64-bit key, not a list of " +
                           std::to_string(key.values().size()) + " numbers",
                       "name a key that holds one number"};
  }
  return std::unique_ptr<const Mark>(std::make_unique<GumbelMark>(profile, key));
}

#ifdef SIGILLO_HAVE_CUDA
core::Status on_device(core::gpu::Device& device, const TextProfile& profile, const TextKey& key,
                       const ChooseBatch& batch, std::span<TokenId> out) {
  SIGILLO_TRY_VOID(bind_gumbel(profile, key));  // the key's count
  return cuda::choose_on_device(device, profile, key, batch, out);
}
#endif

}  // namespace

const TextScheme& gumbel_scheme() {
  static const std::array<TextProfile, 1> built_in = {
      TextProfile{"vllm-gumbel", "gumbel", "philox4x32-10-v1", 4, {}}};
  static const TextScheme scheme = {
      .scheme = "gumbel",
      .prf = "philox4x32-10-v1",
      .built_in = built_in,
      .parameters = {},
      .draws = false,
      .has_kernel = true,
      .padding = kGumbelPadding,
      .history = [](const TextProfile&) { return std::optional<std::int64_t>(); },
      .bind = bind_gumbel,
#ifdef SIGILLO_HAVE_CUDA
      .choose_on_device = on_device,
#else
      .choose_on_device = nullptr,
#endif
  };
  return scheme;
}

}  // namespace sigillo::watermark
