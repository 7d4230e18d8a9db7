// TextDetector: one text mark to look for (profile, key, tokenizer), loaded once.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "sigillo/audit/workspace.hpp"
#include "sigillo/core/detection.hpp"
#include "sigillo/watermark/text.hpp"
#include "sigillo/watermark/tokenizer.hpp"

namespace sigillo::app {

struct TextDetectorSpec {
  std::string key;  // name in the keyring
  std::string profile = "vllm-gumbel";
  std::optional<std::filesystem::path> tokenizer;  // without it, texts are lists of token ids
};

// Immutable after open; detect is thread-safe and reads no file.
class TextDetector {
 public:
  [[nodiscard]] static core::Result<TextDetector> open(const audit::Workspace& workspace,
                                                       const TextDetectorSpec& spec);
  // detect_in_text with what was loaded.
  [[nodiscard]] core::Result<core::Detection> detect(std::string_view text,
                                                     const watermark::DetectOptions& options) const;
  [[nodiscard]] const std::string& profile() const { return profile_.name; }
  [[nodiscard]] std::string profile_digest() const;
  [[nodiscard]] const std::string& key_id() const { return key_id_; }
  [[nodiscard]] std::string tokenizer_digest() const;  // empty without a tokenizer

 private:
  TextDetector(watermark::TextProfile profile, const watermark::TextKey& key, std::string key_id,
               std::optional<watermark::Tokenizer> tokenizer)
      : profile_(std::move(profile)),
        key_(key),
        key_id_(std::move(key_id)),
        tokenizer_(std::move(tokenizer)) {}

  watermark::TextProfile profile_;
  watermark::TextKey key_;
  std::string key_id_;
  std::optional<watermark::Tokenizer> tokenizer_;
};

}  // namespace sigillo::app
