#include "app/pipeline/detect_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace sigillo::app {
using core::Error;
using core::ErrorCode;
using core::Result;
using watermark::TokenId;

namespace {

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

}  // namespace

Result<core::Detection> detect_in_tokens(const TextMark& mark, std::span<const TokenId> tokens,
                                         const watermark::DetectOptions& options) {
  SIGILLO_TRY(core::Detection detection,
              watermark::detect_text(*mark.profile, *mark.key, tokens, options));
  detection.detector = kTextDetector;
  detection.key_id = mark.key_id;
  return detection;
}

Result<core::Detection> detect_in_text(const TextMark& mark, core::ByteView bytes,
                                       const watermark::DetectOptions& options) {
  if (bytes.size() > kMaxTextBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("a text of {} bytes is above the limit of 16 MiB", bytes.size()),
                 "test the text in parts"};
  const std::string_view text = core::as_text(bytes);
  // A byte-level tokenizer takes an image too, and "not found" would be said of it.
  if (!core::is_utf8(text) || text.find('\0') != std::string_view::npos)
    return Error{ErrorCode::invalid_input, "it is no UTF-8 text",
                 "give the text as the model wrote it, in UTF-8"};
  SIGILLO_TRY(const std::vector<TokenId> tokens,
              mark.tokenizer != nullptr ? mark.tokenizer->encode(text) : parse_token_ids(text));
  if (tokens.empty())
    return Error{ErrorCode::invalid_input, "there is no text in it",
                 "give a file that is not empty"};
  watermark::DetectOptions with_vocabulary = options;
  with_vocabulary.vocabulary = mark.tokenizer != nullptr ? mark.tokenizer->vocabulary_size() : 0;
  SIGILLO_TRY(core::Detection detection, detect_in_tokens(mark, tokens, with_vocabulary));
  detection.artefact_digest = core::sha256(bytes).hex();
  detection.tokenizer_digest = mark.tokenizer != nullptr ? mark.tokenizer->digest().hex() : "";
  return detection;
}

}  // namespace sigillo::app
