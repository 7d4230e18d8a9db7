// Learning a byte-level BPE vocabulary from text.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "examples/tinylm/control.hpp"
#include "sigillo/watermark/text.hpp"

namespace tinylm {

using sigillo::watermark::TokenId;

inline constexpr std::int32_t kMinVocabulary = 257;  // the bytes and one merge
inline constexpr std::int32_t kMaxVocabulary = 65535;
inline constexpr std::size_t kMaxLearnedTokenBytes =
    64;  // keeps rules and tables of the corpus from becoming tokens

struct LearnedBpe {
  std::vector<std::string> tokens;  // bytes by id; ids 0 to 255 are the bytes themselves
  std::vector<std::pair<TokenId, TokenId>> merges;  // by rank; merge r makes token 256 + r
  std::vector<std::vector<TokenId>> documents;      // the corpus, encoded by the learner itself
};

// learn_bpe merges the most frequent pair of neighbours again and again until there are
// `vocabulary` tokens or no pair occurs twice. Pairs never cross GPT-2's cuts (gpt2_pieces). Ties
// go to the smaller left, then the smaller right id: the result depends on the texts only. A pair
// whose bytes are a token already is passed over, so that each token has one way to be made and the
// order of merging cannot matter to a reader.
[[nodiscard]] sigillo::core::Result<LearnedBpe> learn_bpe(std::span<const std::string> documents,
                                                          std::int32_t vocabulary,
                                                          const Control& control = {});

// tokenizer_json writes the vocabulary as a Hugging Face tokenizer.json.
[[nodiscard]] std::string tokenizer_json(const LearnedBpe& bpe);

}  // namespace tinylm
