#include "app/pipeline/text_detector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "sigillo/core/bytes.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::app {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;
using watermark::TokenId;
using watermark::Tokenizer;

namespace {

constexpr std::size_t kMaxTokenizerBytes = std::size_t{64} << 20;

// Token ids as decimal numbers between spaces, commas or brackets: a JSON list, or plain columns.
Result<std::vector<TokenId>> parse_token_ids(std::string_view text) {
  constexpr std::string_view separators = " \t\r\n,[]";
  std::vector<TokenId> tokens;
  for (std::size_t start = text.find_first_not_of(separators); start != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(separators, start), text.size());
    TokenId token = 0;
    const auto [stop, error] = std::from_chars(text.data() + start, text.data() + end, token);
    if (error != std::errc() || stop != text.data() + end || token < 0)
      return Error{
          ErrorCode::invalid_input,
          fmt::format("\"{}\" is no token id",
                      text.substr(start, std::min<std::size_t>(end - start, 40))),
          "give non-negative integers below 2^31, or name the --tokenizer if this is text"};
    tokens.push_back(token);
    start = text.find_first_not_of(separators, end);
  }
  return tokens;
}

Result<std::optional<Tokenizer>> load_tokenizer(const std::optional<fs::path>& file) {
  if (!file.has_value()) return std::optional<Tokenizer>();
  SIGILLO_TRY(const core::Bytes bytes, core::read_file(*file, kMaxTokenizerBytes));
  auto tokenizer = Tokenizer::from_json(core::as_text(bytes));
  if (!tokenizer.has_value()) return tokenizer.error().in(file->string());
  return std::optional<Tokenizer>(*std::move(tokenizer));
}

}  // namespace

std::string p_value_text(std::int64_t log10_micro) {
  const double log10 = static_cast<double>(log10_micro) / 1e6;
  double exponent = std::floor(log10);
  double mantissa = std::round(std::pow(10.0, log10 - exponent) * 10) / 10;
  if (mantissa >= 10) {
    mantissa /= 10;
    exponent += 1;
  }
  return exponent >= -2 ? fmt::format("{:.3f}", std::pow(10.0, log10))
                        : fmt::format("{:.1f}e{:.0f}", mantissa, exponent);
}

Result<TextDetector> TextDetector::open(const audit::Workspace& workspace,
                                        const TextDetectorSpec& spec) {
  SIGILLO_TRY(watermark::TextProfile profile, watermark::text_profile(spec.profile));
  SIGILLO_TRY(const core::KeyInfo info, workspace.keyring().info(spec.key));
  SIGILLO_TRY(const std::uint64_t secret, workspace.keyring().watermark_key(spec.key));
  SIGILLO_TRY(std::optional<Tokenizer> tokenizer, load_tokenizer(spec.tokenizer));
  return TextDetector(std::move(profile), watermark::TextKey(secret), info.key_id,
                      std::move(tokenizer));
}

std::string TextDetector::profile_digest() const {
  return watermark::profile_digest(profile_).hex();
}

std::string TextDetector::tokenizer_digest() const {
  return tokenizer_.has_value() ? tokenizer_->digest().hex() : "";
}

Result<core::Detection> TextDetector::detect(std::string_view text,
                                             const watermark::DetectOptions& asked) const {
  // A byte-level tokenizer takes an image too, and "not found" would be said of it.
  if (!core::is_utf8(text) || text.find('\0') != std::string_view::npos)
    return Error{ErrorCode::invalid_input, "it is no UTF-8 text",
                 "give the text as the model wrote it, in UTF-8"};
  SIGILLO_TRY(const std::vector<TokenId> tokens,
              tokenizer_.has_value() ? tokenizer_->encode(text) : parse_token_ids(text));
  if (tokens.empty())
    return Error{ErrorCode::invalid_input, "there is no text in it",
                 "give a file that is not empty"};
  watermark::DetectOptions options = asked;
  options.vocabulary = tokenizer_.has_value() ? tokenizer_->vocabulary_size() : 0;
  SIGILLO_TRY(core::Detection detection, watermark::detect_text(profile_, key_, tokens, options));
  detection.detector = kTextDetector;
  detection.key_id = key_id_;
  detection.artefact_digest = core::sha256(text).hex();
  detection.tokenizer_digest = tokenizer_digest();
  return detection;
}

}  // namespace sigillo::app
