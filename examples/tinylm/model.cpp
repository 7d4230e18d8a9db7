#include "examples/tinylm/model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

namespace tinylm {
namespace core = sigillo::core;
using core::Error;
using core::ErrorCode;
using core::Result;
namespace {

std::size_t index(TokenId token) { return static_cast<std::size_t>(token); }
std::size_t weight_class(std::uint64_t count) {
  return static_cast<std::size_t>(std::bit_width(count));
}
double weight(std::uint32_t units) { return units * kWeightUnit; }

// ---- Which tokens are held out
// --------------------------------------------------------------------------------------

enum class Part { train, tune, test };
constexpr std::uint64_t kBlockTokens = 64;

// Blocks of consecutive tokens, counted through the corpus: every document contributes to every
// part.
Part part_of(std::uint64_t position) {
  const std::uint64_t block = position / kBlockTokens % 16;
  return block == 3 ? Part::tune : block == 11 ? Part::test : Part::train;
}

// Calls visit(part, document, context, token) for each token of the corpus in order.
template <class Visit>
void for_each_token(std::span<const std::vector<TokenId>> documents, Context start, Visit visit) {
  std::uint64_t position = 0;
  for (std::size_t d = 0; d < documents.size(); ++d) {
    Context context = start;
    for (const TokenId token : documents[d]) {
      visit(part_of(position++), static_cast<std::uint32_t>(d), context, token);
      context = {context.newer, token};
    }
  }
}

// ---- Counting
// -------------------------------------------------------------------------------------------------------

// events are key * width + token; sorting them is faster than hashing and has one result.
CountTable count_events(std::vector<std::uint64_t> events, std::uint64_t width) {
  std::sort(events.begin(), events.end());
  CountTable table;
  std::vector<Successor> row;
  for (std::size_t i = 0; i < events.size();) {
    const std::uint64_t key = events[i] / width;
    row.clear();
    while (i < events.size() && events[i] / width == key) {
      const std::uint64_t event = events[i];
      Successor successor{static_cast<TokenId>(event % width), 0};
      for (; i < events.size() && events[i] == event; ++i) ++successor.count;
      row.push_back(successor);
    }
    table.append(key, row);
  }
  return table;
}

void count_ngrams(Model& model, std::span<const std::vector<TokenId>> documents) {
  const auto width = static_cast<std::uint64_t>(model.vocabulary) + 1;
  std::vector<std::uint64_t> bigrams, trigrams, by_document;
  model.unigrams.assign(index(model.vocabulary), 0);
  for_each_token(documents, model.start_mark(),
                 [&](Part part, std::uint32_t d, Context context, TokenId token) {
                   if (part != Part::train) return;
                   const auto w = static_cast<std::uint64_t>(token);
                   ++model.unigrams[index(token)];
                   ++model.unigram_total;
                   by_document.push_back(d * width + w);
                   if (model.order >= 2)
                     bigrams.push_back(static_cast<std::uint64_t>(context.newer) * width + w);
                   if (model.order >= 3) trigrams.push_back(model.trigram_key(context) * width + w);
                 });
  model.documents = count_events(std::move(by_document), width);
  model.bigrams = count_events(std::move(bigrams), width);
  model.trigrams = count_events(std::move(trigrams), width);
}

// ---- Estimating the weights
// -----------------------------------------------------------------------------------------

// What each level says about one held-out token. A level without the context has count class 0.
struct Evidence {
  double unigram = 0, document = 0, bigram = 0, trigram = 0;
  std::uint8_t bigram_class = 0, trigram_class = 0;
};

struct Share {
  double probability = 0;
  std::size_t count_class = 0;
};

Share share(const CountTable::Row& row, TokenId token, std::uint64_t& flop) {
  if (row.total == 0) return {};
  const auto found = std::lower_bound(row.successors.begin(), row.successors.end(), token,
                                      [](const Successor& s, TokenId t) { return s.token < t; });
  const bool seen = found != row.successors.end() && found->token == token;
  flop += seen ? 1 : 0;
  return {seen ? found->count / static_cast<double>(row.total) : 0.0, weight_class(row.total)};
}

std::vector<Evidence> gather_evidence(const Model& model,
                                      std::span<const std::vector<TokenId>> documents,
                                      std::uint64_t& flop) {
  std::vector<Evidence> all;
  for_each_token(
      documents, model.start_mark(),
      [&](Part part, std::uint32_t d, Context context, TokenId token) {
        if (part != Part::tune) return;
        Evidence evidence;
        evidence.unigram = model.unigrams[index(token)] / static_cast<double>(model.unigram_total);
        ++flop;
        const Share document = share(model.documents.find(d), token, flop);
        evidence.document = document.count_class == 0 ? evidence.unigram : document.probability;
        const Share bigram =
            share(model.bigrams.find(static_cast<std::uint64_t>(context.newer)), token, flop);
        const Share trigram = share(model.trigrams.find(model.trigram_key(context)), token, flop);
        evidence.bigram = bigram.probability;
        evidence.bigram_class = static_cast<std::uint8_t>(bigram.count_class);
        evidence.trigram = trigram.probability;
        evidence.trigram_class = static_cast<std::uint8_t>(trigram.count_class);
        all.push_back(evidence);
      });
  return all;
}

// Expectation maximization over the tree of mixtures in model.hpp.
class WeightEstimator {
 public:
  WeightEstimator(std::int32_t vocabulary, std::uint64_t& flop)
      : uniform_(1.0 / vocabulary), flop_(flop) {
    bigram_.fill(0.5);
    trigram_.fill(0.5);
  }

  void iterate(std::span<const Evidence> all) {
    sums_ = {};
    for (const Evidence& evidence : all) expect(evidence);
    maximize();
  }

  [[nodiscard]] Weights weights() {
    Weights weights;
    flop_ += 4 + 2 + 2 * kWeightClasses;
    // Rounded down, so that the uniform part keeps at least its minimum.
    const double room = 1.0 - kMinUniformWeight * kWeightUnit;
    weights.unigram = units(base_[1] * room);
    weights.document = units(base_[2] * room);
    for (std::size_t c = 0; c < kWeightClasses; ++c) {
      weights.bigram[c] = units(bigram_[c]);
      weights.trigram[c] = units(trigram_[c]);
    }
    return weights;
  }

 private:
  struct Sums {
    std::array<double, 3> base{};
    std::array<double, kWeightClasses> bigram{}, bigram_all{}, trigram{}, trigram_all{};
  };

  static std::uint32_t units(double weight) {
    return static_cast<std::uint32_t>(std::min(weight / kWeightUnit, 4294967295.0));
  }

  // The probability that each part of the mixture gave this token, added up.
  void expect(const Evidence& e) {
    const std::array<double, 3> parts{base_[0] * uniform_, base_[1] * e.unigram,
                                      base_[2] * e.document};
    const double base = parts[0] + parts[1] + parts[2];
    const double l2 = e.bigram_class == 0 ? 0.0 : bigram_[e.bigram_class];
    const double l3 = e.trigram_class == 0 ? 0.0 : trigram_[e.trigram_class];
    const double second = (1 - l2) * base + l2 * e.bigram;
    const double third = (1 - l3) * second + l3 * e.trigram;
    const double from_third = l3 * e.trigram / third;
    double left = 1 - from_third;
    const double from_second = left * (l2 * e.bigram / second);
    flop_ += 3 + 2 + 4 + 4 + 2 + 1 + 3;
    if (e.trigram_class != 0) {
      sums_.trigram[e.trigram_class] += from_third;
      sums_.trigram_all[e.trigram_class] += 1;
      flop_ += 2;
    }
    if (e.bigram_class != 0) {
      sums_.bigram[e.bigram_class] += from_second;
      sums_.bigram_all[e.bigram_class] += left;
      flop_ += 2;
    }
    left -= from_second;
    const double each = left / base;
    for (std::size_t k = 0; k < 3; ++k) sums_.base[k] += each * parts[k];
    flop_ += 2 + 3 * 2;
  }

  void maximize() {
    const double total = sums_.base[0] + sums_.base[1] + sums_.base[2];
    for (std::size_t k = 0; k < 3; ++k) base_[k] = sums_.base[k] / total;
    flop_ += 2 + 3;
    for (std::size_t c = 1; c < kWeightClasses; ++c) {
      if (sums_.bigram_all[c] > 0) bigram_[c] = sums_.bigram[c] / sums_.bigram_all[c], ++flop_;
      if (sums_.trigram_all[c] > 0) trigram_[c] = sums_.trigram[c] / sums_.trigram_all[c], ++flop_;
    }
  }

  double uniform_;
  std::array<double, 3> base_{0.1, 0.5, 0.4};
  std::array<double, kWeightClasses> bigram_{}, trigram_{};
  Sums sums_;
  std::uint64_t& flop_;
};

constexpr std::uint64_t kIterations = 24;

Result<Weights> estimate_weights(const Model& model, std::span<const Evidence> evidence,
                                 std::uint64_t& flop, const Control& control) {
  WeightEstimator estimator(model.vocabulary, flop);
  for (std::uint64_t i = 0; i < kIterations; ++i) {
    if (control.stop_requested()) return stopped();
    control.progress("weights", i, kIterations);
    estimator.iterate(evidence);
  }
  return estimator.weights();
}

// ---- Measuring
// ------------------------------------------------------------------------------------------------------

Result<TrainingReport> evaluate(const Model& model, std::span<const std::vector<TokenId>> documents,
                                TrainingReport report, const Control& control) {
  std::optional<Predictor> predictor;
  std::uint32_t document = 0;
  Predictor::Prediction prediction;
  bool stop = false;
  for_each_token(documents, model.start_mark(),
                 [&](Part part, std::uint32_t d, Context context, TokenId token) {
                   if (part != Part::test || stop) return;
                   if (!predictor.has_value() || document != d) {
                     stop = control.stop_requested();
                     control.progress("evaluate", d, documents.size());
                     if (predictor.has_value()) report.flop += predictor->flop();
                     document = d;
                     predictor.emplace(model, d);
                   }
                   predictor->predict(context, prediction);
                   report.cross_entropy -= std::log(predictor->probability(prediction, token));
                   report.mean_entropy += predictor->entropy(prediction);
                   report.flop += 3;
                   ++report.test_tokens;
                 });
  if (stop) return stopped();
  if (predictor.has_value()) report.flop += predictor->flop();
  report.cross_entropy /= static_cast<double>(report.test_tokens);
  report.mean_entropy /= static_cast<double>(report.test_tokens);
  report.flop += 2;
  return report;
}

// ---- Where texts may start
// ------------------------------------------------------------------------------------------

constexpr std::size_t kStartsPerDocument = 32;

// The document's beginning, and up to 31 of its paragraphs, evenly spread.
void add_starts(Model& model, std::uint32_t d, const std::vector<TokenId>& tokens,
                std::span<const std::string> bytes) {
  std::vector<Start> found;
  for (std::size_t i = 2; i < tokens.size(); ++i) {
    if (bytes[index(tokens[i - 1])].ends_with("\n\n"))
      found.push_back({d, {tokens[i - 2], tokens[i - 1]}});
  }
  model.starts.push_back({d, model.start_mark()});
  const std::size_t kept = std::min(found.size(), kStartsPerDocument - 1);
  for (std::size_t k = 0; k < kept; ++k) model.starts.push_back(found[k * found.size() / kept]);
}

}  // namespace

void CountTable::append(std::uint64_t key, std::span<const Successor> successors) {
  SIGILLO_CHECK(!successors.empty() && (keys_.empty() || keys_.back() < key));
  std::uint64_t total = 0;
  for (const Successor& successor : successors) total += successor.count;
  keys_.push_back(key);
  totals_.push_back(total);
  successors_.insert(successors_.end(), successors.begin(), successors.end());
  ends_.push_back(successors_.size());
}

CountTable::Row CountTable::row(std::size_t i) const {
  const std::uint64_t first = i == 0 ? 0 : ends_[i - 1];
  return {std::span(successors_).subspan(first, ends_[i] - first), totals_[i]};
}

CountTable::Row CountTable::find(std::uint64_t key) const {
  const auto found = std::lower_bound(keys_.begin(), keys_.end(), key);
  if (found == keys_.end() || *found != key) return {};
  return row(static_cast<std::size_t>(found - keys_.begin()));
}

std::uint64_t Model::parameters() const {
  const std::uint64_t weights_held =
      2 + (order >= 2 ? kWeightClasses : 0) + (order >= 3 ? kWeightClasses : 0);
  return unigrams.size() + bigrams.entries() + trigrams.entries() + documents.entries() +
         weights_held;
}

Result<std::pair<Model, TrainingReport>> train_model(
    std::span<const std::vector<TokenId>> documents, std::span<const std::string> token_bytes,
    std::int32_t order, const Control& control) {
  if (order < 1 || order > 3)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("an order of {} is outside 1 to 3", order), "choose 1, 2 or 3"};
  Model model;
  model.order = order;
  model.vocabulary = static_cast<std::int32_t>(token_bytes.size());
  model.document_count = static_cast<std::uint32_t>(documents.size());
  TrainingReport report;
  for (const auto& tokens : documents) report.tokens += tokens.size();
  if (report.tokens < 16 * kBlockTokens)
    return Error{ErrorCode::invalid_input,
                 fmt::format("{} tokens are too few to hold any out", report.tokens),
                 fmt::format("give a corpus of at least {} tokens", 16 * kBlockTokens)};
  control.progress("count", 0, 1);
  count_ngrams(model, documents);
  const auto evidence = gather_evidence(model, documents, report.flop);
  report.tuning_tokens = evidence.size();
  SIGILLO_TRY(model.weights, estimate_weights(model, evidence, report.flop, control));
  for (std::size_t d = 0; d < documents.size(); ++d)
    add_starts(model, static_cast<std::uint32_t>(d), documents[d], token_bytes);
  SIGILLO_TRY(report, evaluate(model, documents, report, control));
  return std::pair(std::move(model), report);
}

Predictor::Predictor(const Model& model, std::uint32_t document) : model_(model) {
  const auto v = index(model.vocabulary);
  const CountTable::Row own = model.documents.find(document);
  const double uniform =
      (1.0 - weight(model.weights.unigram) - weight(model.weights.document)) / model.vocabulary;
  // A document that was held out whole has no counts of its own; the unigram then stands in.
  const double unigram =
      weight(model.weights.unigram) + (own.total == 0 ? weight(model.weights.document) : 0.0);
  const double unigram_scale = unigram / static_cast<double>(model.unigram_total);
  base_.resize(v);
  log_base_.resize(v);
  for (std::size_t w = 0; w < v; ++w) base_[w] = uniform + unigram_scale * model.unigrams[w];
  for (const Successor& s : own.successors)
    base_[index(s.token)] +=
        weight(model.weights.document) * s.count / static_cast<double>(own.total);
  for (std::size_t w = 0; w < v; ++w) {
    log_base_[w] = std::log(base_[w]);
    base_log_sum_ += base_[w] * log_base_[w];
  }
  flop_ += 9 + 5 * v + 4 * own.successors.size();
}

void Predictor::predict(Context context, Prediction& out) const {
  const auto second = model_.bigrams.find(static_cast<std::uint64_t>(context.newer));
  const auto third = model_.trigrams.find(model_.trigram_key(context));
  const double l2 =
      second.total == 0 ? 0.0 : weight(model_.weights.bigram[weight_class(second.total)]);
  const double l3 =
      third.total == 0 ? 0.0 : weight(model_.weights.trigram[weight_class(third.total)]);
  out.scale = (1 - l2) * (1 - l3);
  out.extras.clear();
  const double unit2 = second.total == 0 ? 0.0 : l2 / (1 - l2) / static_cast<double>(second.total);
  const double unit3 = third.total == 0 ? 0.0 : l3 / out.scale / static_cast<double>(third.total);
  flop_ += 10;
  // Whatever followed two tokens also followed the second of them: the trigram's row is a part of
  // the bigram's.
  auto longer = third.successors.begin();
  for (const Successor& s : second.successors) {
    double value = unit2 * s.count;
    if (longer != third.successors.end() && longer->token == s.token) {
      value += unit3 * longer->count;
      ++longer;
      flop_ += 2;
    }
    out.extras.push_back({s.token, value});
  }
  flop_ += second.successors.size();
}

double Predictor::probability(const Prediction& prediction, TokenId token) const {
  const auto found = std::lower_bound(prediction.extras.begin(), prediction.extras.end(), token,
                                      [](const Extra& e, TokenId t) { return e.token < t; });
  const double extra =
      found != prediction.extras.end() && found->token == token ? found->value : 0.0;
  flop_ += 2;
  return prediction.scale * (base_[index(token)] + extra);
}

double Predictor::entropy(const Prediction& prediction) const {
  // -sum p ln p with p = scale * q: scale * (-sum q ln q) - scale * ln scale * sum q, where q
  // differs from base in few places.
  double sum = 1, log_sum = base_log_sum_;
  for (const Extra& extra : prediction.extras) {
    const std::size_t w = index(extra.token);
    const double q = base_[w] + extra.value;
    sum += extra.value;
    log_sum += q * std::log(q) - base_[w] * log_base_[w];
  }
  flop_ += 6 * prediction.extras.size() + prediction.extras.size() + 6;
  return -prediction.scale * (log_sum + sum * std::log(prediction.scale));
}

}  // namespace tinylm
