#include "watermark/kernels/gumbel_prf.hpp"
#include "watermark/text/scheme.hpp"
#include "watermark/text/windows.hpp"

namespace sigillo::watermark {

struct TextSampler::Impl {
  std::unique_ptr<const Mark> mark;  // null: every step is plain
  std::uint64_t seed;
  float temperature;
  WindowSet windows;
  std::vector<TokenId> history{};
};

TextSampler::TextSampler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TextSampler::TextSampler(TextSampler&&) noexcept = default;
TextSampler& TextSampler::operator=(TextSampler&&) noexcept = default;
TextSampler::~TextSampler() = default;

core::Result<TextSampler> TextSampler::create(const TextProfile& profile,
                                              std::optional<TextKey> key, std::uint64_t seed,
                                              float temperature) {
  SIGILLO_TRY(const TextScheme* scheme, scheme_of(profile));
  ChooseBatch probe;  // an empty batch: checks the temperature by the same rule as every step
  probe.vocabulary = 1;
  probe.stride = 1;
  probe.temperature = temperature;
  SIGILLO_TRY_VOID(check_batch(*scheme, probe, 0));
  std::unique_ptr<const Mark> mark;
  if (key.has_value()) {
    SIGILLO_TRY(mark, scheme->bind(profile, *key));
  }
  return TextSampler(std::make_unique<Impl>(
      Impl{std::move(mark), seed, temperature,
           WindowSet(profile.context_width, scheme->padding, scheme->history(profile))}));
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
  const MarkedRow row = {logits.data(), static_cast<std::int32_t>(logits.size()), self.temperature,
                         window.data(), kernels::step_seed(self.seed, self.history.size())};
  const bool marked = self.mark != nullptr && !self.windows.contains(window);
  const TokenId token = marked ? self.mark->choose(row) : choose_plain(row);
  if (token < 0) {
    return core::Error{core::ErrorCode::invalid_input,
                       "TextSampler: there is no logit above minus infinity",
                       "leave at least one entry unmasked"};
  }
  (void)self.windows.insert(window);
  self.history.push_back(token);
  return token;
}

std::span<const TokenId> TextSampler::history() const { return impl_->history; }

}  // namespace sigillo::watermark
