#include <cmath>

#include "sigillo/core/statistics.hpp"
#include "watermark/text/scheme.hpp"

namespace sigillo::watermark {
namespace {

constexpr std::int64_t kFewestPositions = 16;

core::Error input_error(core::ErrorCode code, std::string message, std::string remedy = "") {
  return {code, "text detection: " + std::move(message), std::move(remedy)};
}

core::Status check_tokens(std::span<const TokenId> tokens) {
  if (tokens.size() > kMaxTokens) {
    return input_error(core::ErrorCode::input_too_large,
                       std::to_string(tokens.size()) + " tokens are more than 2^20",
                       "test the text in parts");
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0) {
      return input_error(
          core::ErrorCode::invalid_input,
          "token " + std::to_string(i) + " is negative (" + std::to_string(tokens[i]) + ")");
    }
  }
  return {};
}

core::Status check_options(const DetectOptions& options, std::span<const TokenId> tokens) {
  if (options.tries < 1 || options.tries > core::kMaxJsonInteger) {
    return input_error(core::ErrorCode::invalid_argument, "tries is not in 1..2^53 - 1");
  }
  if (options.threshold_log10_micro > 0 || options.threshold_log10_micro < -core::kMaxJsonInteger) {
    return input_error(core::ErrorCode::invalid_argument, "the threshold is not in -(2^53 - 1)..0");
  }
  if (options.vocabulary < 0) {
    return input_error(core::ErrorCode::invalid_argument, "vocabulary is negative");
  }
  for (std::size_t i = 0; options.vocabulary > 0 && i < tokens.size(); ++i) {
    if (tokens[i] >= options.vocabulary) {
      return input_error(core::ErrorCode::invalid_input,
                         "token " + std::to_string(i) + " is " + std::to_string(tokens[i]) +
                             ", the vocabulary has " + std::to_string(options.vocabulary) +
                             " entries",
                         "check that the tokenizer is the one of the model");
    }
  }
  return {};
}

// The integer p-value after Bonferroni's correction; never above 1.
std::int64_t corrected_log10_micro(double ln_p, std::int64_t tries) {
  return core::log10_micro(std::min(0.0, ln_p + std::log(static_cast<double>(tries))));
}

// Why these positions cannot carry a verdict; empty if they can.
std::string too_little(const TextScore& score, const DetectOptions& options) {
  if (score.scored < kFewestPositions) {
    return "only " + std::to_string(score.scored) + " positions with a new context; at least " +
           std::to_string(kFewestPositions) + " are needed";
  }
  if (corrected_log10_micro(score.ln_p_least, options.tries) > options.threshold_log10_micro) {
    return "even a perfect mark at " + std::to_string(score.scored) +
           " positions could not reach the threshold";
  }
  return {};
}

}  // namespace

core::Result<TextScore> score_text(const TextProfile& profile, const TextKey& key,
                                   std::span<const TokenId> tokens) {
  SIGILLO_TRY(const TextScheme* scheme, scheme_of(profile));
  SIGILLO_TRY_VOID(check_tokens(tokens));
  SIGILLO_TRY(const auto mark, scheme->bind(profile, key));
  TextScore score = mark->score(tokens);
  score.tokens = static_cast<std::int64_t>(tokens.size());
  return score;
}

core::Result<core::Detection> detect_text(const TextProfile& profile, const TextKey& key,
                                          std::span<const TokenId> tokens,
                                          const DetectOptions& options) {
  SIGILLO_TRY_VOID(check_options(options, tokens));
  SIGILLO_TRY(const TextScore score, score_text(profile, key, tokens));
  core::Detection detection;
  detection.detector = "sigillo-text/0.1.0";
  detection.profile_digest = profile_digest(profile).hex();
  detection.tokens = score.tokens;
  detection.scored = score.scored;
  detection.tries = options.tries;
  detection.threshold_log10_micro = options.threshold_log10_micro;
  detection.log10_p_micro = corrected_log10_micro(score.ln_p, options.tries);
  detection.reason = too_little(score, options);
  if (!detection.reason.empty()) {
    detection.result = core::DetectionResult::inconclusive;
  } else if (detection.log10_p_micro <= options.threshold_log10_micro) {
    detection.result = core::DetectionResult::found;
    detection.reason = "the tokens depend on the key at the stated false-positive rate";
  } else {
    detection.result = core::DetectionResult::not_found;
    detection.reason = "no dependence on the key at the stated false-positive rate";
  }
  return detection;
}

}  // namespace sigillo::watermark
