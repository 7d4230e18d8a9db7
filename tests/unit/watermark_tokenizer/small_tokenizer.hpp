// Small tokenizers for tests, and slow, obvious implementations to compare with. They share no code
// with the reader.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sigillo/core/json.hpp"
#include "sigillo/watermark/tokenizer.hpp"

namespace test {

using sigillo::core::Json;
using sigillo::watermark::TokenId;
using Merges = std::vector<std::pair<std::string, std::string>>;  // bytes

// GPT-2's byte map, as its authors state it: printable Latin-1 as it is, the others from U+0100 on,
// in order.
inline std::string symbol(unsigned char byte) {
  unsigned next = 256, value = 0;
  for (unsigned b = 0; b <= byte; ++b) {
    const bool printable =
        (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
    value = printable ? b : next++;
  }
  if (value < 128) return std::string(1, static_cast<char>(value));
  return {static_cast<char>(0xC0 + value / 64), static_cast<char>(0x80 + value % 64)};
}

inline std::string symbols(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) text += symbol(static_cast<unsigned char>(c));
  return text;
}

// The bytes of each id: the 256 bytes, then what the merges make, each once.
inline std::vector<std::string> spellings(const Merges& merges) {
  std::vector<std::string> tokens;
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  for (const auto& [left, right] : merges)
    if (std::find(tokens.begin(), tokens.end(), left + right) == tokens.end())
      tokens.push_back(left + right);
  return tokens;
}

inline Json tokenizer_json(const Merges& merges, bool pairs = false) {
  Json vocabulary = Json::object();
  TokenId id = 0;
  for (const std::string& token : spellings(merges)) vocabulary[symbols(token)] = id++;
  Json list = Json::array();
  for (const auto& [left, right] : merges) {
    if (pairs) list.push_back(Json::array({symbols(left), symbols(right)}));
    else list.push_back(symbols(left) + " " + symbols(right));
  }
  return {{"version", "1.0"},
          {"normalizer", nullptr},
          {"pre_tokenizer",
           {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", list}}}};
}

// Merges the leftmost of the pairs with the lowest rank until none is left.
inline std::vector<TokenId> slow_bpe(const std::string& piece, const Merges& merges) {
  std::vector<std::string> parts;
  for (const char c : piece) parts.emplace_back(1, c);
  for (;;) {
    std::size_t best = merges.size(), where = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto pair = std::pair(parts[i], parts[i + 1]);
      const auto rank =
          static_cast<std::size_t>(std::find(merges.begin(), merges.end(), pair) - merges.begin());
      if (rank < best) best = rank, where = i;
    }
    if (best == merges.size()) break;
    parts[where] += parts[where + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(where) + 1);
  }
  const auto tokens = spellings(merges);
  std::vector<TokenId> ids;
  for (const std::string& part : parts)
    ids.push_back(
        static_cast<TokenId>(std::find(tokens.begin(), tokens.end(), part) - tokens.begin()));
  return ids;
}

// GPT-2's pattern for ASCII text, one alternative after the other as it is written.
inline std::size_t slow_ascii_match(const std::string& s) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  for (const char* suffix : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
    if (s.rfind(suffix, 0) == 0) return std::string(suffix).size();
  const auto run = [&](auto belongs) -> std::size_t {
    const std::size_t first = s[0] == ' ' ? 1 : 0;
    std::size_t end = first;
    while (end < s.size() && belongs(s[end])) ++end;
    return end > first ? end : 0;
  };
  if (const auto n = run(letter)) return n;
  if (const auto n = run(digit)) return n;
  if (const auto n = run([&](char c) { return !letter(c) && !digit(c) && !space(c); })) return n;
  std::size_t n = 0;
  while (n < s.size() && space(s[n])) ++n;
  return n < s.size() && n > 1 ? n - 1 : n;
}

inline std::vector<std::string> slow_ascii_pieces(std::string text) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    pieces.push_back(text.substr(0, slow_ascii_match(text)));
    text.erase(0, pieces.back().size());
  }
  return pieces;
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(engine_() % end); }
  std::string text(std::size_t length, std::string_view alphabet) {
    std::string out;
    while (out.size() < length) out.push_back(alphabet[below(alphabet.size())]);
    return out;
  }
  std::string bytes(std::size_t length) {
    std::string out;
    while (out.size() < length) out.push_back(static_cast<char>(below(256)));
    return out;
  }
  // Merges of tokens that exist by then; a string may be reached in two ways, and ranks need not
  // follow its growth.
  Merges merges(std::size_t count, std::string_view alphabet) {
    Merges made;
    std::vector<std::string> tokens;
    for (const char c : alphabet) tokens.emplace_back(1, c);
    while (made.size() < count) {
      const auto pair = std::pair(tokens[below(tokens.size())], tokens[below(tokens.size())]);
      if (pair.first.size() + pair.second.size() > 12 ||
          std::find(made.begin(), made.end(), pair) != made.end())
        continue;
      made.push_back(pair);
      tokens.push_back(pair.first + pair.second);
    }
    std::shuffle(made.begin(), made.end(), engine_);
    return made;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace test
