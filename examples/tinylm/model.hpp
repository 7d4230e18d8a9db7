// The language model: an interpolated trigram model whose unigram part adapts to a document. It is
// not a neural network.
//
//   p(w | u v, d) = (1 - l3) p(w | v, d) + l3 count(u v w) / count(u v)          l3 = trigram
//   weight of count(u v) p(w | v, d)   = (1 - l2) p(w | d)    + l2 count(v w) / count(v) l2 =
//   bigram weight of count(v) p(w | d)      = m0 / V + m1 count(w) / N + md count_d(w) / N_d
//
// (Jelinek and Mercer 1980). u and v are the two tokens before w; before the first token of a
// document they are the start mark, whose id is V. A level whose context was never seen is left
// out. The weights l2 and l3 are shared by contexts whose count has the same number of bits.
// Weights are whole numbers of 2^-32, so that the model file holds no floating point.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "examples/tinylm/control.hpp"
#include "sigillo/core/digest.hpp"
#include "sigillo/watermark/text.hpp"

namespace tinylm {

using sigillo::watermark::TokenId;

struct Successor {
  TokenId token = 0;
  std::uint32_t count = 0;
  bool operator==(const Successor&) const = default;
};

// CountTable: for each context (ascending keys) the tokens that follow it (ascending) and how
// often.
class CountTable {
 public:
  struct Row {
    std::span<const Successor> successors;
    std::uint64_t total = 0;  // 0: the context was never seen
  };
  // Rows are added in ascending order of keys, none empty.
  void append(std::uint64_t key, std::span<const Successor> successors);
  [[nodiscard]] Row find(std::uint64_t key) const;
  [[nodiscard]] std::span<const std::uint64_t> keys() const { return keys_; }
  [[nodiscard]] Row row(std::size_t index) const;
  [[nodiscard]] std::size_t entries() const { return successors_.size(); }
  bool operator==(const CountTable&) const = default;

 private:
  std::vector<std::uint64_t> keys_;
  std::vector<std::uint64_t> ends_;    // of each row in successors_
  std::vector<std::uint64_t> totals_;  // of each row
  std::vector<Successor> successors_;
};

inline constexpr std::size_t kWeightClasses = 33;  // number of bits of a count
inline constexpr double kWeightUnit = 1.0 / 4294967296.0;
inline constexpr std::uint32_t kMinUniformWeight = 4096;  // m0 >= 2^-20: no token is impossible

struct Weights {
  std::uint32_t unigram = 0, document = 0;  // m1 and md; m0 is what is left of 1
  std::array<std::uint32_t, kWeightClasses> bigram{}, trigram{};
  bool operator==(const Weights&) const = default;
};

// Context: the two tokens before the next one.
struct Context {
  TokenId older = 0, newer = 0;
  bool operator==(const Context&) const = default;
};

// Start: where a text may begin: before a paragraph of a document of the corpus.
struct Start {
  std::uint32_t document = 0;
  Context context;
  bool operator==(const Start&) const = default;
};

struct Model {
  std::int32_t order = 3;       // 1 to 3
  std::int32_t vocabulary = 0;  // V
  sigillo::core::Digest tokenizer;
  Weights weights;
  std::vector<std::uint32_t> unigrams;  // V counts
  std::uint64_t unigram_total = 0;      // N
  std::uint32_t document_count = 0;
  CountTable bigrams;    // key v
  CountTable trigrams;   // key u * (V + 1) + v
  CountTable documents;  // key d
  std::vector<Start> starts;

  [[nodiscard]] std::uint64_t trigram_key(Context context) const {
    return static_cast<std::uint64_t>(context.older) *
               (static_cast<std::uint64_t>(vocabulary) + 1) +
           static_cast<std::uint64_t>(context.newer);
  }
  [[nodiscard]] Context start_mark() const { return {vocabulary, vocabulary}; }
  // Stored counts and weights.
  [[nodiscard]] std::uint64_t parameters() const;
  bool operator==(const Model&) const = default;
};

// What training did, beside the model.
struct TrainingReport {
  std::uint64_t tokens = 0;         // of the whole corpus
  std::uint64_t tuning_tokens = 0;  // held out to estimate the weights
  std::uint64_t test_tokens = 0;    // held out to measure
  double cross_entropy = 0;         // nats per token on the test tokens
  double mean_entropy = 0;          // nats per token: of the predictions at the test tokens
  std::uint64_t flop = 0;           // floating-point operations that ran, counted where they ran
};
inline constexpr const char* kFlopMethod =
    "counted by the program where they run: every floating-point addition, subtraction, "
    "multiplication, division and "
    "logarithm of weight estimation (expectation maximization) and of the evaluation on held-out "
    "tokens; counting n-grams "
    "and learning the vocabulary use integers only and add nothing";

// train_model counts n-grams in 14 of 16 blocks of 64 tokens, estimates the weights on one of the
// other two and measures on the last. Deterministic. tokens(d) are documents; token_bytes(t) tells
// where paragraphs end. Error: invalid_input if the corpus is too small to hold anything out.
[[nodiscard]] sigillo::core::Result<std::pair<Model, TrainingReport>> train_model(
    std::span<const std::vector<TokenId>> documents, std::span<const std::string> token_bytes,
    std::int32_t order, const Control& control = {});

// Predictor computes next-token distributions for texts that adapt to one document. The model must
// outlive it.
class Predictor {
 public:
  Predictor(const Model& model, std::uint32_t document);

  // p(w) = scale * (base[w] + extra[w]), and extra is zero but for the tokens that followed the
  // context in the corpus.
  struct Extra {
    TokenId token = 0;
    double value = 0;
  };
  struct Prediction {
    double scale = 1;
    std::vector<Extra> extras;  // ascending tokens
  };
  // Writes into `out`, which keeps its memory from call to call.
  void predict(Context context, Prediction& out) const;
  [[nodiscard]] std::span<const double> base() const { return base_; }
  [[nodiscard]] std::span<const double> log_base() const { return log_base_; }
  [[nodiscard]] double probability(const Prediction& prediction, TokenId token) const;
  // Entropy of a prediction in nats; time grows with its extras, not with V.
  [[nodiscard]] double entropy(const Prediction& prediction) const;
  // The operations of this object's calls so far.
  [[nodiscard]] std::uint64_t flop() const { return flop_; }

 private:
  const Model& model_;
  std::vector<double> base_, log_base_;
  double base_log_sum_ = 0;  // sum of base ln base
  mutable std::uint64_t flop_ = 0;
};

}  // namespace tinylm
