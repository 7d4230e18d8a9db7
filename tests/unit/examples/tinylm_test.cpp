#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>

#include "examples/tinylm/bpe.hpp"
#include "examples/tinylm/model_file.hpp"
#include "examples/tinylm/texts.hpp"
#include "sigillo/core/files.hpp"

namespace core = sigillo::core;
namespace watermark = sigillo::watermark;
using core::ErrorCode;
using tinylm::TokenId;

namespace {

std::string sample() {
  const auto bytes = core::read_file(SIGILLO_SAMPLE, 1 << 20).value();
  return std::string(core::as_text(bytes));
}

// The sample's paragraphs as documents.
std::vector<std::string> sample_documents() {
  std::vector<std::string> documents;
  std::string text = sample();
  for (std::size_t end = 0; !text.empty(); text.erase(0, end)) {
    end = text.find("\n\n");
    end = end == std::string::npos ? text.size() : end + 2;
    documents.push_back(text.substr(0, end));
  }
  return documents;
}

struct Trained {
  tinylm::LearnedBpe bpe;
  std::string tokenizer;
  tinylm::Model model;
  tinylm::TrainingReport report;
};

Trained train(const std::vector<std::string>& documents, std::int32_t vocabulary,
              std::int32_t order = 3) {
  Trained made;
  made.bpe = tinylm::learn_bpe(documents, vocabulary).value();
  made.tokenizer = tinylm::tokenizer_json(made.bpe);
  auto [model, report] = tinylm::train_model(made.bpe.documents, made.bpe.tokens, order).value();
  made.model = std::move(model);
  made.model.tokenizer = core::sha256(made.tokenizer);
  made.report = report;
  return made;
}

const Trained& trained_sample() {
  static const Trained made = train({sample()}, 400);
  return made;
}

std::string random_text(std::mt19937_64& random, std::size_t length) {
  static constexpr std::string_view alphabet = "aabbc  de\n'sl\xC3\xA9\xFF";
  std::string text;
  while (text.size() < length) text.push_back(alphabet[random() % alphabet.size()]);
  return text;
}

// Learns merges by counting everything again for each of them.
std::vector<std::pair<TokenId, TokenId>> slow_merges(const std::vector<std::string>& documents,
                                                     std::size_t vocabulary) {
  std::vector<std::vector<TokenId>> words;
  for (const auto& document : documents) {
    const auto pieces = watermark::gpt2_pieces(document).value();
    for (const auto piece : pieces) {
      auto& word = words.emplace_back();
      for (const char c : piece) word.push_back(static_cast<unsigned char>(c));
    }
  }
  std::vector<std::string> tokens;
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  const auto spelt = [&](std::pair<TokenId, TokenId> pair) {
    return tokens[static_cast<std::size_t>(pair.first)] +
           tokens[static_cast<std::size_t>(pair.second)];
  };
  std::vector<std::pair<TokenId, TokenId>> merges;
  while (tokens.size() < vocabulary) {
    std::map<std::pair<TokenId, TokenId>, int> counts;
    for (const auto& word : words)
      for (std::size_t i = 1; i < word.size(); ++i) ++counts[{word[i - 1], word[i]}];
    std::pair<TokenId, TokenId> best;
    int most = 1;
    for (const auto& [pair, count] :
         counts) {  // ascending pairs: the first of equals is the smallest
      const bool usable = spelt(pair).size() <= tinylm::kMaxLearnedTokenBytes &&
                          std::find(tokens.begin(), tokens.end(), spelt(pair)) == tokens.end();
      if (usable && count > most) most = count, best = pair;
    }
    if (most < 2) break;
    const auto token = static_cast<TokenId>(tokens.size());
    tokens.push_back(spelt(best));
    merges.push_back(best);
    for (auto& word : words) {
      std::vector<TokenId> merged;
      for (std::size_t i = 0; i < word.size(); ++i) {
        const bool here =
            i + 1 < word.size() && word[i] == best.first && word[i + 1] == best.second;
        merged.push_back(here ? token : word[i]);
        if (here) ++i;
      }
      word = merged;
    }
  }
  return merges;
}

// The formula of model.hpp as it stands, one token at a time.
double slow_probability(const tinylm::Model& m, std::uint32_t d, tinylm::Context context,
                        TokenId w) {
  const auto share = [&](tinylm::CountTable::Row row) {
    for (const auto& s : row.successors)
      if (s.token == w) return s.count / static_cast<double>(row.total);
    return 0.0;
  };
  const auto bits = [](std::uint64_t n) {
    std::size_t k = 0;
    for (; n > 0; n /= 2) ++k;
    return k;
  };
  const double unit = std::ldexp(1.0, -32);
  const double unigram =
      m.unigrams[static_cast<std::size_t>(w)] / static_cast<double>(m.unigram_total);
  const auto own = m.documents.find(d);
  const double m1 = m.weights.unigram * unit, md = m.weights.document * unit;
  double p =
      (1 - m1 - md) / m.vocabulary + m1 * unigram + md * (own.total == 0 ? unigram : share(own));
  if (const auto row = m.bigrams.find(static_cast<std::uint64_t>(context.newer)); row.total > 0) {
    const double l2 = m.weights.bigram[bits(row.total)] * unit;
    p = (1 - l2) * p + l2 * share(row);
  }
  if (const auto row = m.trigrams.find(m.trigram_key(context)); row.total > 0) {
    const double l3 = m.weights.trigram[bits(row.total)] * unit;
    p = (1 - l3) * p + l3 * share(row);
  }
  return p;
}

core::Bytes with_new_digest(core::Bytes bytes) {
  if (bytes.size() < 32) return bytes;
  const auto body = core::ByteView(bytes).first(bytes.size() - 32);
  const core::Digest digest = core::sha256(body);
  std::copy(digest.bytes.begin(), digest.bytes.end(), bytes.end() - 32);
  return bytes;
}

tinylm::WriteOptions options_for(std::uint64_t seed, std::optional<std::uint64_t> key = {}) {
  tinylm::WriteOptions options;
  options.seed = seed;
  options.profile = watermark::text_profile("vllm-gumbel").value();
  if (key.has_value()) options.key.emplace(*key);
  return options;
}

tinylm::TextWriter writer_for(const Trained& made, tinylm::WriteOptions options) {
  return tinylm::TextWriter::create(made.model,
                                    watermark::Tokenizer::from_json(made.tokenizer).value(),
                                    std::move(options))
      .value();
}

}  // namespace

TEST_CASE("the learner's merges are those of the slow learner") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 25; ++round) {
    std::vector<std::string> documents;
    for (int d = 0; d < 3; ++d) documents.push_back(random_text(random, 300));
    documents.push_back(std::string(200, 'a'));  // pairs that overlap themselves
    CHECK(tinylm::learn_bpe(documents, 330).value().merges == slow_merges(documents, 330));
  }
  CHECK(tinylm::learn_bpe(sample_documents(), 320).value().merges ==
        slow_merges(sample_documents(), 320));
}

TEST_CASE("the reader encodes as the learner did") {
  std::mt19937_64 random(2);
  std::vector<std::vector<std::string>> corpora{sample_documents()};
  for (int round = 0; round < 20; ++round)
    corpora.push_back({random_text(random, 2000), random_text(random, 100), "aaaaaaaaaaaaa"});
  for (const auto& corpus : corpora) {
    const auto bpe = tinylm::learn_bpe(corpus, 500).value();
    const auto tokenizer = watermark::Tokenizer::from_json(tinylm::tokenizer_json(bpe)).value();
    REQUIRE(static_cast<std::size_t>(tokenizer.vocabulary_size()) == bpe.tokens.size());
    for (std::size_t d = 0; d < corpus.size(); ++d)
      CHECK(tokenizer.encode(corpus[d]).value() == bpe.documents[d]);
    for (std::size_t id = 0; id < bpe.tokens.size(); ++id)
      CHECK(tokenizer.decode(std::vector{static_cast<TokenId>(id)}).value() == bpe.tokens[id]);
  }
}

TEST_CASE("learning stops where no pair occurs twice, and refuses odd sizes") {
  CHECK(tinylm::learn_bpe(std::vector<std::string>{"abcdef"}, 400).value().tokens.size() == 256);
  const std::vector<std::string> documents{"text"};
  CHECK_FALSE(tinylm::learn_bpe(documents, tinylm::kMinVocabulary - 1).has_value());
  CHECK(tinylm::learn_bpe(documents, tinylm::kMinVocabulary).has_value());
  CHECK(tinylm::learn_bpe(documents, tinylm::kMaxVocabulary).has_value());
  CHECK_FALSE(tinylm::learn_bpe(documents, tinylm::kMaxVocabulary + 1).has_value());
}

TEST_CASE("training is deterministic to the byte") {
  const Trained again = train({sample()}, 400);
  CHECK(again.tokenizer == trained_sample().tokenizer);
  CHECK(tinylm::model_bytes(again.model) == tinylm::model_bytes(trained_sample().model));
  CHECK(again.report.flop == trained_sample().report.flop);
}

TEST_CASE("the report adds up, and the entropy is enough for a mark") {
  const auto& [bpe, tokenizer, model, report] = trained_sample();
  std::size_t tokens = 0;
  for (const auto& document : bpe.documents) tokens += document.size();
  CHECK(report.tokens == tokens);
  CHECK(model.unigram_total + report.tuning_tokens + report.test_tokens == tokens);
  CHECK(report.test_tokens > 0);
  CHECK(report.mean_entropy >= 2.0);
  CHECK(report.mean_entropy <= std::log(400.0));
  CHECK(report.cross_entropy > 1.0);
  CHECK(report.cross_entropy < std::log(400.0));  // better than knowing nothing
  // At least the weights' 24 passes over the tuning tokens, at 19 operations for the parts that
  // every token has.
  CHECK(report.flop > 24 * 19 * report.tuning_tokens);
  CHECK(model.parameters() > 400);
}

TEST_CASE("a corpus that is too small and an odd order are refused") {
  const std::vector<std::string> tiny{"a few words"};
  const auto bpe = tinylm::learn_bpe(tiny, 300).value();
  CHECK(tinylm::train_model(bpe.documents, bpe.tokens, 3).error().code == ErrorCode::invalid_input);
  for (const int order : {0, 4}) {
    const auto& made = trained_sample().bpe;
    CHECK(tinylm::train_model(made.documents, made.tokens, order).error().code ==
          ErrorCode::invalid_argument);
  }
}

TEST_CASE("predictions follow the formula, sum to one and have the entropy of a dense sum") {
  std::mt19937_64 random(3);
  for (const int order : {1, 2, 3}) {
    const Trained made = train(sample_documents(), 400, order);
    for (int round = 0; round < 60; ++round) {
      const auto d = static_cast<std::uint32_t>(random() % made.bpe.documents.size());
      const tinylm::Predictor predictor(made.model, d);
      const auto& tokens = made.bpe.documents[d];
      const std::size_t at = 2 + random() % (tokens.size() - 2);
      tinylm::Context context{tokens[at - 2], tokens[at - 1]};
      if (round % 10 == 0) context = made.model.start_mark();
      if (round % 10 == 1) context = {0, 1};  // never seen
      tinylm::Predictor::Prediction prediction;
      predictor.predict(context, prediction);
      double sum = 0, entropy = 0;
      for (TokenId w = 0; w < made.model.vocabulary; ++w) {
        const double p = predictor.probability(prediction, w);
        REQUIRE(p == Approx(slow_probability(made.model, d, context, w)).epsilon(1e-9));
        sum += p;
        entropy -= p * std::log(p);
      }
      CHECK(sum == Approx(1.0).epsilon(1e-9));
      CHECK(predictor.entropy(prediction) == Approx(entropy).epsilon(1e-9));
    }
  }
}

TEST_CASE("the model's file gives back the model") {
  for (const int order : {1, 2, 3}) {
    const Trained made = train(sample_documents(), 400, order);
    const auto bytes = tinylm::model_bytes(made.model);
    const auto read = tinylm::model_from_bytes(bytes);
    REQUIRE(read.has_value());
    CHECK(*read == made.model);
    CHECK(tinylm::model_bytes(*read) == bytes);
  }
}

TEST_CASE("the README's example is how a model begins") {
  const auto readme = core::read_file(SIGILLO_TINYLM_README, 1 << 20).value();
  const std::string_view text = core::as_text(readme);
  const std::size_t begin = text.find("74 69 6e");
  REQUIRE(begin != std::string_view::npos);
  std::string digits(text.substr(begin, text.find('\n', begin) - begin));
  digits.erase(std::remove(digits.begin(), digits.end(), ' '), digits.end());
  tinylm::Model model;
  model.vocabulary = 4096;
  model.document_count = 207;
  model.unigrams.assign(4096, 1);
  model.unigram_total = 4096;
  model.starts.push_back({0, model.start_mark()});
  const auto bytes = tinylm::model_bytes(model);
  REQUIRE(digits.size() == 40);
  CHECK(core::hex_encode(core::ByteView(bytes).first(20)) == digits);
  CHECK(tinylm::model_from_bytes(bytes).value() == model);
}

TEST_CASE("a cut model file is refused at every length") {
  const auto bytes = tinylm::model_bytes(trained_sample().model);
  for (std::size_t length = 0; length < bytes.size(); length += length < 2200 ? 1 : 97) {
    core::Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    CHECK_FALSE(tinylm::model_from_bytes(cut).has_value());
    CHECK_FALSE(tinylm::model_from_bytes(with_new_digest(std::move(cut))).has_value());
  }
}

TEST_CASE("a damaged model file is refused; with a fitting digest it is refused or usable") {
  const auto bytes = tinylm::model_bytes(trained_sample().model);
  std::mt19937_64 random(4);
  int refused = 0, usable = 0;
  for (int round = 0; round < 3000; ++round) {
    core::Bytes damaged = bytes;
    // Half of the damage goes where the structure is: the header and the weights.
    const std::size_t place = random() % (round % 2 == 0 ? 330 : bytes.size() - 32);
    damaged[place] = static_cast<std::uint8_t>(damaged[place] ^ (1U << random() % 8));
    CHECK_FALSE(tinylm::model_from_bytes(damaged).has_value());
    const auto read = tinylm::model_from_bytes(with_new_digest(damaged));
    ++(read.has_value() ? usable : refused);
    if (!read.has_value()) continue;
    tinylm::Predictor::Prediction prediction;
    for (std::size_t i = 0; i < std::min<std::size_t>(read->starts.size(), 5); ++i) {
      const tinylm::Predictor predictor(*read, read->starts[i].document);
      predictor.predict(read->starts[i].context, prediction);
      CHECK(std::isfinite(predictor.entropy(prediction)));
      for (TokenId w = 0; w < read->vocabulary; ++w)
        REQUIRE(predictor.probability(prediction, w) > 0);
    }
  }
  CHECK(refused > 100);  // the checks behind the digest do refuse,
  CHECK(usable > 100);   // and not everything
}

TEST_CASE("texts keep to their lengths, depend on seed and number only, and are readable") {
  auto writer = writer_for(trained_sample(), options_for(7));
  auto other = writer_for(trained_sample(), options_for(8));
  const auto tokenizer = watermark::Tokenizer::from_json(trained_sample().tokenizer).value();
  const std::string first = writer.write(1).value().bytes;
  std::int64_t shortest = 1000, longest = 0;
  for (std::uint64_t i = 1; i <= 40; ++i) {
    const auto text = writer.write(i).value();
    CHECK(static_cast<std::int64_t>(tokenizer.encode(text.bytes).value().size()) == text.tokens);
    CHECK(text.tokens >= 230);
    CHECK(text.tokens <= 290);
    CHECK(text.differing <= text.sampled);
    CHECK(text.entropy_sum / static_cast<double>(text.entropy_steps) > 1.0);
    CHECK(core::is_utf8(text.bytes));
    CHECK(other.write(i).value().bytes != text.bytes);
    shortest = std::min(shortest, text.tokens);
    longest = std::max(longest, text.tokens);
  }
  CHECK(longest - shortest > 30);
  CHECK(writer.write(1).value().bytes == first);
}

TEST_CASE(
    "a model and a tokenizer of two trainings do not go together, and odd lengths are refused") {
  const Trained other = train({sample()}, 390);
  const auto& model = trained_sample().model;
  CHECK_FALSE(tinylm::TextWriter::create(
                  model, watermark::Tokenizer::from_json(other.tokenizer).value(), options_for(1))
                  .has_value());
  for (const auto& [mean, spread] :
       std::vector<std::pair<int, int>>{{10, -1}, {10, 10}, {0, 0}, {65536, 1}}) {
    auto options = options_for(1);
    options.tokens_mean = mean;
    options.tokens_spread = spread;
    const auto writer = tinylm::TextWriter::create(
        model, watermark::Tokenizer::from_json(trained_sample().tokenizer).value(), options);
    CHECK_FALSE(writer.has_value());
  }
}

TEST_CASE("the mark is found in marked texts with the right key, and nowhere else") {
  const auto profile = watermark::text_profile("vllm-gumbel").value();
  const auto tokenizer = watermark::Tokenizer::from_json(trained_sample().tokenizer).value();
  auto marked = writer_for(trained_sample(), options_for(1, 42));
  auto plain = writer_for(trained_sample(), options_for(1));
  const auto ln_p = [&](const std::string& text, std::uint64_t key) {
    return watermark::score_text(profile, watermark::TextKey(key), tokenizer.encode(text).value())
        .value()
        .ln_p;
  };
  for (std::uint64_t i = 1; i <= 20; ++i) {
    const std::string text = marked.write(i).value().bytes;
    CHECK(ln_p(text, 42) < std::log(1e-6));
    CHECK(ln_p(text, 43) > std::log(1e-6));  // fixed seeds: this cannot flicker
    CHECK(ln_p(plain.write(i).value().bytes, 42) > std::log(1e-6));
  }
}
