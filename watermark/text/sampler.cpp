#include "watermark/kernels/gumbel_prf.hpp"
#include "watermark/text/scheme.hpp"
#include "watermark/text/windows.hpp"

namespace sigillo::watermark {

struct TextSampler::Impl {
  TextProfile profile;
  std::optional<TextKey> key;
  std::uint64_t seed;
  float temperature;
  std::vector<TokenId> history{};
  WindowSet windows{profile.context_width};
};

TextSampler::TextSampler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TextSampler::TextSampler(TextSampler&&) noexcept = default;
TextSampler& TextSampler::operator=(TextSampler&&) noexcept = default;
TextSampler::~TextSampler() = default;

core::Result<TextSampler> TextSampler::create(const TextProfile& profile,
                                              std::optional<TextKey> key, std::uint64_t seed,
                                              float temperature) {
  SIGILLO_TRY_VOID(check_profile(profile));
  ChooseBatch probe;  // an empty batch: checks the temperature by the same rule as every step
  probe.vocabulary = 1;
  probe.stride = 1;
  probe.temperature = temperature;
  SIGILLO_TRY_VOID(check_batch(probe, 0));
  return TextSampler(std::make_unique<Impl>(Impl{profile, std::move(key), seed, temperature}));
}

core::Result<TokenId> TextSampler::next(std::span<const float> logits) {
  Impl& self = *impl_;
  if (self.history.size() >= kMaxTokens) {
    return core::Error{core::ErrorCode::input_too_large, "TextSampler: 2^20 tokens were sampled",
                       "start a new sequence"};
  }
  if (logits.empty() || logits.size() > static_cast<std::size_t>(kMaxVocabulary)) {
    return core::Error{
        core::ErrorCode::invalid_argument,
        "TextSampler: " + std::to_string(logits.size()) + " logits are not in 1..2^24", ""};
  }
  const std::vector<TokenId> window = self.windows.window(self.history);
  const std::uint8_t plain = self.key.has_value() && !self.windows.contains(window) ? 0 : 1;
  const std::uint64_t plain_seed = kernels::step_seed(self.seed, self.history.size());

  ChooseBatch batch;
  batch.rows = 1;
  batch.vocabulary = static_cast<std::int32_t>(logits.size());
  batch.logits = logits.data();
  batch.stride = batch.vocabulary;
  batch.contexts = window.data();
  batch.plain = &plain;
  batch.plain_seeds = &plain_seed;
  batch.temperature = self.temperature;
  TokenId token = -1;
  SIGILLO_TRY_VOID(choose_tokens(self.profile, self.key.value_or(TextKey(0)), batch, {&token, 1}));
  (void)self.windows.insert(window);
  self.history.push_back(token);
  return token;
}

std::span<const TokenId> TextSampler::history() const { return impl_->history; }

}  // namespace sigillo::watermark
