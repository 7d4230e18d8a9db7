// Tokenizer: byte-level BPE read from a Hugging Face `tokenizer.json`.
//
// Supported: model.type "BPE" with vocab and merges (both the "a b" string and the ["a","b"] pair
// form), pre_tokenizer ByteLevel (add_prefix_space false, use_regex true: GPT-2's split pattern),
// no normalizer. Anything else is refused by name (unsupported): a tokenizer that is read half
// would tokenize wrongly in silence. Added and special tokens in untrusted text are plain text.
#pragma once

#include <memory>
#include <vector>

#include "sigillo/core/digest.hpp"
#include "sigillo/watermark/text.hpp"

namespace sigillo::watermark {

class Tokenizer {
 public:
  // From the bytes of a tokenizer.json (at most 64 MiB).
  [[nodiscard]] static core::Result<Tokenizer> from_json(std::string_view text);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // encode: any bytes (invalid UTF-8 survives byte by byte), at most 64 MiB. Thread-safe.
  [[nodiscard]] core::Result<std::vector<TokenId>> encode(std::string_view text) const;
  // decode: ids in [0, vocabulary_size), else invalid_input with the position.
  [[nodiscard]] core::Result<std::string> decode(std::span<const TokenId> tokens) const;
  [[nodiscard]] std::int32_t vocabulary_size() const;
  // SHA-256 of the file it was read from: part of every detection.
  [[nodiscard]] const core::Digest& digest() const;

 private:
  struct Impl;
  explicit Tokenizer(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace sigillo::watermark
