#include "examples/tinylm/bpe.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <queue>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "sigillo/watermark/tokenizer.hpp"

namespace tinylm {
namespace core = sigillo::core;
using core::Result;
using core::Status;
namespace {

struct Word {
  std::vector<TokenId> tokens;
  std::int64_t count = 0;
};

std::uint64_t pair_key(TokenId left, TokenId right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

struct PairHash {
  std::size_t operator()(std::uint64_t key) const {
    key *= 0x9E3779B97F4A7C15U;
    return static_cast<std::size_t>(key ^ key >> 32);
  }
};

class Learner {
 public:
  explicit Learner(const Control& control) : control_(control) {
    for (int byte = 0; byte < 256; ++byte) add_token(std::string(1, static_cast<char>(byte)));
  }

  // Each different piece is a word; a document is the list of its words.
  Status read(std::span<const std::string> documents) {
    std::unordered_map<std::string_view, std::uint32_t> known;
    for (const std::string& document : documents) {
      if (control_.stop_requested()) return stopped();
      control_.progress("split", documents_.size(), documents.size());
      SIGILLO_TRY(const auto pieces, sigillo::watermark::gpt2_pieces(document));
      auto& indexes = documents_.emplace_back();
      indexes.reserve(pieces.size());
      for (const std::string_view piece : pieces) {
        const auto [entry, is_new] =
            known.emplace(piece, static_cast<std::uint32_t>(words_.size()));
        if (is_new) words_.push_back(spell(piece));
        ++words_[entry->second].count;
        indexes.push_back(entry->second);
      }
    }
    return {};
  }

  Status learn(std::int32_t vocabulary) {
    count_pairs();
    while (static_cast<std::int32_t>(result_.tokens.size()) < vocabulary && !queue_.empty()) {
      if (control_.stop_requested()) return stopped();
      control_.progress("merge", result_.tokens.size(), static_cast<std::uint64_t>(vocabulary));
      const Candidate best = queue_.top();
      queue_.pop();
      const std::int64_t count = pairs_[pair_key(best.left, best.right)].count;
      if (count < 2) continue;
      if (count != best.count)
        queue_.push({count, best.left, best.right});  // stale: back to its true place
      else merge(best);
    }
    return {};
  }

  LearnedBpe finish() && {
    for (const auto& indexes : documents_) {
      auto& tokens = result_.documents.emplace_back();
      for (const std::uint32_t index : indexes) {
        const auto& word = words_[index].tokens;
        tokens.insert(tokens.end(), word.begin(), word.end());
      }
    }
    return std::move(result_);
  }

 private:
  struct Pair {
    std::int64_t count = 0;
    std::vector<std::uint32_t> words;  // every word that holds the pair, and some that did
  };
  struct Candidate {
    std::int64_t count;
    TokenId left, right;
    bool operator<(const Candidate& other) const {
      if (count != other.count) return count < other.count;
      return left != other.left ? left > other.left : right > other.right;
    }
  };

  static Word spell(std::string_view piece) {
    Word word;
    for (const char c : piece) word.tokens.push_back(static_cast<unsigned char>(c));
    return word;
  }

  bool add_token(std::string bytes) {
    if (!spellings_.insert(bytes).second) return false;
    result_.tokens.push_back(std::move(bytes));
    return true;
  }

  void count_pairs() {
    for (std::uint32_t index = 0; index < words_.size(); ++index) {
      const Word& word = words_[index];
      for (std::size_t i = 1; i < word.tokens.size(); ++i)
        add(word.tokens[i - 1], word.tokens[i], index);
    }
    for (const auto& [key, pair] : pairs_)
      queue_.push(
          {pair.count, static_cast<TokenId>(key >> 32), static_cast<TokenId>(key & 0xFFFFFFFFU)});
  }

  void add(TokenId left, TokenId right, std::uint32_t index) {
    Pair& pair = pairs_[pair_key(left, right)];
    pair.count += words_[index].count;
    if (pair.words.empty() || pair.words.back() != index) pair.words.push_back(index);
  }

  void remove(TokenId left, TokenId right, std::uint32_t index) {
    pairs_[pair_key(left, right)].count -= words_[index].count;
  }

  void merge(const Candidate& best) {
    const auto at = [&](TokenId token) -> const std::string& {
      return result_.tokens[static_cast<std::size_t>(token)];
    };
    std::string bytes = at(best.left) + at(best.right);
    if (bytes.size() > kMaxLearnedTokenBytes) return;
    const auto token = static_cast<TokenId>(result_.tokens.size());
    if (!add_token(std::move(bytes))) return;
    result_.merges.emplace_back(best.left, best.right);
    const auto node = pairs_.extract(pair_key(best.left, best.right));
    std::unordered_set<std::uint64_t> fresh;
    for (const std::uint32_t index : node.mapped().words)
      rewrite(index, best.left, best.right, token, fresh);
    pairs_.erase(
        pair_key(best.left, best.right));  // "aaa" counts (a, a) once more while it is rewritten
    for (const std::uint64_t key : fresh) {
      const auto pair = pairs_.find(key);
      if (pair != pairs_.end() && pair->second.count >= 2)
        queue_.push({pair->second.count, static_cast<TokenId>(key >> 32),
                     static_cast<TokenId>(key & 0xFFFFFFFFU)});
    }
  }

  // Replaces (left, right) by token, left to right, and keeps the counts of the neighbours' pairs
  // true.
  void rewrite(std::uint32_t index, TokenId left, TokenId right, TokenId token,
               std::unordered_set<std::uint64_t>& fresh) {
    auto& tokens = words_[index].tokens;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i] != left || i + 1 == tokens.size() || tokens[i + 1] != right) {
        tokens[kept++] = tokens[i];
        continue;
      }
      ++i;
      if (kept > 0) {
        remove(tokens[kept - 1], left, index);
        add(tokens[kept - 1], token, index);
        fresh.insert(pair_key(tokens[kept - 1], token));
      }
      if (i + 1 < tokens.size()) {
        remove(right, tokens[i + 1], index);
        add(token, tokens[i + 1], index);
        fresh.insert(pair_key(token, tokens[i + 1]));
      }
      tokens[kept++] = token;
    }
    tokens.resize(kept);
  }

  const Control& control_;
  LearnedBpe result_;
  std::unordered_set<std::string> spellings_;
  std::vector<Word> words_;
  std::vector<std::vector<std::uint32_t>> documents_;
  std::unordered_map<std::uint64_t, Pair, PairHash> pairs_;
  std::priority_queue<Candidate> queue_;
};

std::string symbols(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += sigillo::watermark::byte_symbol(static_cast<std::uint8_t>(c));
  return text;
}

std::string quoted(const std::string& text) { return core::Json(text).dump(); }

}  // namespace

Result<LearnedBpe> learn_bpe(std::span<const std::string> documents, std::int32_t vocabulary,
                             const Control& control) {
  if (vocabulary < kMinVocabulary || vocabulary > kMaxVocabulary)
    return core::Error{core::ErrorCode::invalid_argument,
                       fmt::format("a vocabulary of {} is outside {} to {}", vocabulary,
                                   kMinVocabulary, kMaxVocabulary),
                       "choose another size"};
  Learner learner(control);
  SIGILLO_TRY_VOID(learner.read(documents));
  SIGILLO_TRY_VOID(learner.learn(vocabulary));
  return std::move(learner).finish();
}

std::string tokenizer_json(const LearnedBpe& bpe) {
  std::string out =
      "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  "
      "\"added_tokens\": [],\n"
      "  \"normalizer\": null,\n"
      "  \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, "
      "\"trim_offsets\": true, \"use_regex\": true},\n"
      "  \"post_processor\": null,\n"
      "  \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": "
      "true, \"use_regex\": true},\n"
      "  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": null,\n"
      "    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n    "
      "\"fuse_unk\": false,\n"
      "    \"byte_fallback\": false,\n    \"ignore_merges\": false,\n    \"vocab\": {";
  for (std::size_t id = 0; id < bpe.tokens.size(); ++id)
    out += fmt::format("{}\n      {}: {}", id == 0 ? "" : ",", quoted(symbols(bpe.tokens[id])), id);
  out += "\n    },\n    \"merges\": [";
  for (std::size_t rank = 0; rank < bpe.merges.size(); ++rank) {
    const auto [left, right] = bpe.merges[rank];
    const std::string pair = symbols(bpe.tokens[static_cast<std::size_t>(left)]) + " " +
                             symbols(bpe.tokens[static_cast<std::size_t>(right)]);
    out += fmt::format("{}\n      {}", rank == 0 ? "" : ",", quoted(pair));
  }
  return out + "\n    ]\n  }\n}\n";
}

}  // namespace tinylm
