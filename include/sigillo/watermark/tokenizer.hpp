// Tokenizer: byte-level BPE read from a Hugging Face `tokenizer.json`.
//
// Supported: model.type "BPE" with vocab and merges (both the "a b" string and the ["a","b"] pair
// form), pre_tokenizer ByteLevel (add_prefix_space false, use_regex true: GPT-2's split pattern),
// no normalizer. Anything else is refused by name (unsupported): a tokenizer that is read half
// would tokenize wrongly in silence. Added and special tokens in untrusted text are plain text.
//
// What is checked when a file is read: ids are dense 0..V-1 and unique, all 256 byte symbols are
// tokens, every merge joins two tokens into a third, no pair is merged twice. Members that this
// reader does not know are refused, because they may change ids.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sigillo/core/digest.hpp"
#include "sigillo/watermark/text.hpp"

namespace sigillo::watermark {

// Limits: past each, an input_too_large that names it.
inline constexpr std::size_t kMaxTokenizerFileBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxTokenizerTextBytes = std::size_t{64}
                                                      << 20;  // encode's input, decode's output
inline constexpr std::size_t kMaxTokenizerVocabulary = std::size_t{1} << 20;
inline constexpr std::size_t kMaxTokenBytes = 1024;

class Tokenizer {
 public:
  // From the bytes of a tokenizer.json (at most kMaxTokenizerFileBytes).
  [[nodiscard]] static core::Result<Tokenizer> from_json(std::string_view text);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // encode: any bytes, at most kMaxTokenizerTextBytes. A run of bytes that is not well-formed UTF-8
  // is a piece of its own, and the text on either side of it is split as if it stood alone.
  // decode(encode(x)) == x for every x. Thread-safe. Time: O(n log n) in the length of the longest
  // piece; memory: about 100 bytes for each of its bytes.
  [[nodiscard]] core::Result<std::vector<TokenId>> encode(std::string_view text) const;
  // decode: ids in [0, vocabulary_size), else invalid_input with the position. Added tokens give
  // their content. Thread-safe.
  [[nodiscard]] core::Result<std::string> decode(std::span<const TokenId> tokens) const;
  [[nodiscard]] std::int32_t vocabulary_size() const;
  // SHA-256 of the file it was read from: part of every detection.
  [[nodiscard]] const core::Digest& digest() const;

 private:
  struct Impl;
  explicit Tokenizer(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

// gpt2_pieces cuts text where GPT-2's pattern does; no token crosses a cut. The pieces view `text`,
// follow each other without a gap and make up all of it. White space is Unicode's White_Space,
// letters and numbers are those of the PCRE2 that is linked. For programs that learn a byte-level
// BPE. At most kMaxTokenizerTextBytes. Thread-safe.
[[nodiscard]] core::Result<std::vector<std::string_view>> gpt2_pieces(std::string_view text);

// byte_symbol is the printable character that stands for a byte in tokenizer.json (GPT-2's byte
// map), as UTF-8. Pure.
[[nodiscard]] std::string byte_symbol(std::uint8_t byte);

}  // namespace sigillo::watermark
