// Detection in one text that is in memory: check, tokenize, score. Every door calls it; it knows no
// workspace.
#pragma once

#include <string>

#include "sigillo/core/detection.hpp"
#include "sigillo/watermark/text.hpp"
#include "sigillo/watermark/tokenizer.hpp"

namespace sigillo::app {

inline constexpr std::size_t kMaxTextBytes = std::size_t{16} << 20;
inline constexpr const char* kTextDetector = "sigillo-text/" SIGILLO_VERSION;

// What is looked for. The pointers' objects outlive the call.
struct TextMark {
  const watermark::TextProfile* profile = nullptr;
  const watermark::TextKey* key = nullptr;
  std::string key_id;
  const watermark::Tokenizer* tokenizer = nullptr;  // null: the text holds token ids
};

// detect_in_text: the detection of these bytes, artefact and tokenizer named by their digests.
// invalid_input: no UTF-8 text, or nothing in it; input_too_large: above kMaxTextBytes.
[[nodiscard]] core::Result<core::Detection> detect_in_text(
    const TextMark& mark, core::ByteView bytes, const watermark::DetectOptions& options = {});

// detect_in_tokens: the same for token ids in memory; the artefact has no bytes and no digest.
[[nodiscard]] core::Result<core::Detection> detect_in_tokens(
    const TextMark& mark, std::span<const watermark::TokenId> tokens,
    const watermark::DetectOptions& options = {});

}  // namespace sigillo::app
