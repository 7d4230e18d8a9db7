// The published and our own vectors of the text schemes. tests/vectors/text/reference.py
// recomputes the same files.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>

#include "sigillo/core/statistics.hpp"
#include "sigillo/watermark/text.hpp"
#include "tests/unit/watermark/vector_file.hpp"
#include "watermark/kernels/fixed_choice.hpp"
#include "watermark/kernels/fixed_exp.hpp"
#include "watermark/kernels/synthid_prf.hpp"
#include "watermark/text/synthid.hpp"

using namespace sigillo;
using namespace sigillo::watermark;
using sigillo::test::VectorRecord;

namespace {

std::vector<TokenId> token_ids(const std::vector<std::int64_t>& values) {
  std::vector<TokenId> out;
  for (const std::int64_t value : values) out.push_back(static_cast<TokenId>(value));
  return out;
}
std::uint32_t word_of(const kernels::CandidateStream& stream, std::int64_t token) {
  return kernels::candidate_words(stream, static_cast<std::uint32_t>(token >> 2))
      .word[static_cast<std::size_t>(token & 3)];
}
kernels::CandidateStream marked(VectorRecord& record) {
  const std::uint64_t key = record.word64("key");
  const auto context = token_ids(record.integers("context"));
  return kernels::marked_stream(key, context.data(), static_cast<std::int32_t>(context.size()));
}
float float_of(std::int64_t bits) {
  const auto narrow = static_cast<std::uint32_t>(bits);
  float value = 0;
  std::memcpy(&value, &narrow, sizeof value);
  return value;
}

void philox_record(VectorRecord& record) {
  kernels::Philox4 counter{};
  const auto words = record.integers("counter", 16), key = record.integers("key", 16);
  REQUIRE((words.size() == 4 && key.size() == 2));
  for (std::size_t i = 0; i < 4; ++i) counter.word[i] = static_cast<std::uint32_t>(words[i]);
  const auto out = kernels::philox4x32_10(counter, static_cast<std::uint32_t>(key[0]),
                                          static_cast<std::uint32_t>(key[1]));
  CHECK(record.integers("output", 16) == std::vector<std::int64_t>(out.word, out.word + 4));
}
void state_record(VectorRecord& record) {
  const std::uint64_t key = record.word64("key");
  const auto context = token_ids(record.integers("context"));
  const auto out =
      kernels::context_state(key, context.data(), static_cast<std::int32_t>(context.size()));
  CHECK(record.integers("state") == std::vector<std::int64_t>(out.word, out.word + 4));
}
void check_words(const kernels::CandidateStream& stream, VectorRecord& record) {
  const auto tokens = record.integers("tokens"), words = record.integers("words");
  REQUIRE(tokens.size() == words.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) CHECK(word_of(stream, tokens[i]) == words[i]);
}
void words_record(VectorRecord& record) { check_words(marked(record), record); }
void plain_record(VectorRecord& record) {
  check_words(kernels::plain_stream(record.word64("seed")), record);
}
void mantissas_record(VectorRecord& record) {
  const auto stream = marked(record);
  const auto tokens = record.integers("tokens"), mantissas = record.integers("mantissas");
  REQUIRE(tokens.size() == mantissas.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    CHECK(kernels::mantissa_of(word_of(stream, tokens[i])) == mantissas[i]);
  }
}
void detector_record(VectorRecord& record) {
  TextProfile profile = text_profile("vllm-gumbel").value();
  profile.context_width = static_cast<std::int32_t>(record.integer("context_width"));
  const TextKey key(record.word64("key"));
  const std::string sequence = record.text("sequence");
  REQUIRE((sequence == "A" || sequence == "B"));
  std::vector<TokenId> tokens;
  for (std::int32_t i = 0; i < 64; ++i)
    tokens.push_back(((sequence == "A" ? i : i % 16) * 7919 + 13) % 50257);
  const TextScore score = score_text(profile, key, tokens).value();
  CHECK(score.tokens == 64);
  CHECK(score.scored == record.integer("scored"));
  CHECK(score.sum == Approx(record.number("sum")).epsilon(1e-15).margin(0));
  const std::string p = record.text("p");  // compared to the digits that were published
  const double tolerance = std::max(1e-14, std::pow(10.0, 2.0 - static_cast<double>(p.size())));
  CHECK(std::exp(score.ln_p) == Approx(std::stod(p)).epsilon(tolerance).margin(0));
}
TextKey key_list(VectorRecord& record) {
  std::vector<std::uint64_t> values;
  std::istringstream parts(record.text("keys"));
  for (std::string part; std::getline(parts, part, ',');) values.push_back(std::stoull(part));
  return TextKey::from_values(values).value();
}
std::vector<TokenId> sequence_of(VectorRecord& record) {
  const std::string sequence = record.text("sequence");
  REQUIRE((sequence == "A" || sequence == "B"));
  std::vector<TokenId> tokens;
  for (std::int32_t i = 0; i < 64; ++i)
    tokens.push_back(((sequence == "A" ? i : i % 16) * 7919 + 13) % 50257);
  return tokens;
}
std::string bit_string(std::uint64_t bits, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += (bits >> i & 1u) != 0 ? '1' : '0';
  return text;
}
void synthid_table_record(VectorRecord& record) {
  const auto size = static_cast<std::uint32_t>(record.integer("size"));
  const auto seed = static_cast<std::uint32_t>(record.integer("seed"));
  const auto table = synthid::sampling_table(size, seed);
  std::string text;
  for (const std::uint8_t bit : *table) text += bit != 0 ? '1' : '0';
  CHECK(std::count(text.begin(), text.end(), '1') == record.integer("ones"));
  CHECK(core::sha256(core::ByteView(*table)).hex() == record.text("sha256"));
  CHECK(text.starts_with(record.text("first")));
  CHECK(text.ends_with(record.text("last")));
}
void synthid_hash_record(VectorRecord& record) {
  const auto ngram = token_ids(record.integers("ngram"));
  const auto width = static_cast<std::int32_t>(ngram.size()) - 1;
  const std::uint64_t context = kernels::synthid_context_hash(ngram.data(), width);
  const std::uint64_t whole =
      kernels::synthid_absorb(context, static_cast<std::uint64_t>(ngram.back()));
  const std::uint64_t key = record.word64("key");
  CHECK(context == record.word64("context_hash"));
  CHECK(whole == record.word64("ngram_hash"));
  CHECK(kernels::synthid_absorb(whole, key) == record.word64("key_hash"));
  CHECK(kernels::synthid_index(whole, key, 65536) == record.integer("index"));
}
void synthid_bits_record(VectorRecord& record) {
  const TextKey keys = key_list(record);
  const auto ngram = token_ids(record.integers("ngram"));
  const std::uint64_t hash = kernels::synthid_context_hash(
      ngram.data(), static_cast<std::int32_t>(ngram.size()));  // the token is absorbed as the last
  const auto table = synthid::sampling_table(65536, 0);
  CHECK(bit_string(synthid::layer_bits(*table, keys.values(), hash), keys.values().size()) ==
        record.text("bits"));
}
void synthid_detector_record(VectorRecord& record) {
  const TextKey keys = key_list(record);
  const auto tokens = sequence_of(record);
  const auto table = synthid::sampling_table(65536, 0);
  const std::vector<std::uint64_t> ngrams = synthid::scored_ngrams(4, tokens);
  // The published means, from the same bits.
  double weighted = 0, weights = 0;
  std::int64_t ones = 0;
  for (std::size_t layer = 0; layer < 30; ++layer) {
    const double weight = 10.0 - 9.0 * static_cast<double>(layer) / 29.0;
    weights += weight;
    for (const std::uint64_t ngram : ngrams) {
      const bool bit = (synthid::layer_bits(*table, keys.values(), ngram) >> layer & 1u) != 0;
      ones += bit ? 1 : 0;
      weighted += bit ? weight : 0;
    }
  }
  CHECK(ones == record.integer("ones"));
  CHECK(weighted / (weights * static_cast<double>(ngrams.size())) ==
        Approx(record.number("weighted_mean")).epsilon(1e-14).margin(0));
  const TextScore score =
      score_text(text_profile("synthid-transformers").value(), keys, tokens).value();
  CHECK(score.tokens == 64);
  CHECK(score.scored == record.integer("scored"));
  CHECK(score.scored == static_cast<std::int64_t>(ngrams.size()));
  CHECK(score.sum == static_cast<double>(record.integer("statistic")));
  CHECK(score.exact);
  CHECK(std::exp(score.ln_p) == Approx(record.number("p")).epsilon(1e-11).margin(0));
}
void synthid_derived_record(VectorRecord& record) {
  const TextKey key(record.word64("key"));
  TextProfile profile = text_profile("synthid-transformers").value();
  profile.parameters["depth"] = 64;
  const TextKey keys = synthid::layer_keys(profile, key).value();
  REQUIRE(keys.values().size() == 64);
  CHECK(keys.values()[static_cast<std::size_t>(record.integer("index"))] ==
        record.word64("number"));
}
void synthid_tournament_record(VectorRecord& record) {
  const auto parts = [&](const std::string& name) {
    std::vector<std::string> out;
    std::istringstream list(record.text(name));
    for (std::string part; std::getline(list, part, ',');) out.push_back(part);
    return out;
  };
  const auto probabilities = parts("probabilities"), rows = parts("bits"),
             expected = parts("result");
  std::vector<std::uint64_t> weights, bits;
  for (std::size_t v = 0; v < rows.size(); ++v) {
    weights.push_back(
        static_cast<std::uint64_t>(std::stod(probabilities[v]) * 0x1p60));  // finer than a row's
    bits.push_back(0);
    for (std::size_t layer = 0; layer < rows[v].size(); ++layer)
      bits[v] |= std::uint64_t{rows[v][layer] == '1'} << layer;
  }
  const auto shifts =
      synthid::run_tournament(weights, bits, static_cast<std::int64_t>(rows[0].size()));
  for (std::size_t v = 0; v < rows.size(); ++v) {
    double shift = 0;
    for (std::size_t layer = 0; layer < shifts.size(); ++layer)
      shift += static_cast<double>(shifts[layer].by_bit[bits[v] >> layer & 1u]) * 0x1p-32;
    // Both ways to the published law: by the weights that are left, and by the layers' shifts.
    CHECK(static_cast<double>(weights[v]) * 0x1p-60 ==
          Approx(std::stod(expected[v])).epsilon(1e-9).margin(0));
    CHECK(std::stod(probabilities[v]) * std::exp(shift) ==
          Approx(std::stod(expected[v])).epsilon(1e-9).margin(0));
  }
}
void exp_record(VectorRecord& record) {
  const std::uint64_t difference = record.word64("difference");
  CHECK(kernels::exp_weight_q38(difference) == record.word64("q38"));
}
void synthid_choice_record(VectorRecord& record) {
  const TextKey keys = key_list(record);
  const std::uint64_t seed = record.word64("seed");
  const auto context = token_ids(record.integers("context"));
  REQUIRE(context.size() == 4);
  std::vector<float> logits;
  for (const std::int64_t bits : record.integers("logits", 16)) logits.push_back(float_of(bits));
  ChooseBatch batch;
  batch.rows = 1;
  batch.vocabulary = static_cast<std::int32_t>(logits.size());
  batch.stride = batch.vocabulary;
  batch.logits = logits.data();
  batch.contexts = context.data();
  batch.plain_seeds = &seed;
  batch.temperature = float_of(record.integers("temperature", 16).at(0));
  TokenId token = -2;
  const core::Status status =
      choose_tokens(text_profile("synthid-transformers").value(), keys, batch, {&token, 1});
  CHECK(token == record.integer("token"));
  CHECK(status.has_value() == (token >= 0));
}
void step_record(VectorRecord& record) {
  const std::uint64_t seed = record.word64("seed"), step = record.word64("step");
  CHECK(kernels::step_seed(seed, step) == record.word64("plain_seed"));
}
void log2_record(VectorRecord& record) {
  const std::uint64_t x = record.word64("x");
  CHECK(kernels::log2_q58(x) == record.word64("q58"));
}
void noise_record(VectorRecord& record) {
  const auto mantissa = static_cast<std::uint32_t>(record.integer("mantissa"));
  CHECK(kernels::gumbel_noise_q32(mantissa) == record.integer("q32"));
  CHECK(kernels::score_q58(mantissa) == record.word64("score_q58"));
}
void logit_record(VectorRecord& record) {
  const float logit = float_of(record.integers("bits", 16).at(0));
  const float temperature = float_of(record.integers("temperature", 16).at(0));
  const std::int64_t scaled = kernels::scaled_logit_q32(logit, temperature);
  const std::string expected = record.text("q32");
  CHECK((scaled == kernels::kMasked     ? "masked"
         : scaled == kernels::kInfinite ? "infinite"
                                        : std::to_string(scaled)) == expected);
}
void choice_record(VectorRecord& record) {
  const std::string mode = record.text("mode");
  REQUIRE((mode == "marked" || mode == "plain"));
  const std::uint64_t seed = record.word64("seed");
  const std::vector<TokenId> context =
      mode == "marked" ? token_ids(record.integers("context")) : std::vector<TokenId>{0, 0, 0, 0};
  std::vector<float> logits;
  for (const std::int64_t bits : record.integers("logits", 16)) logits.push_back(float_of(bits));
  const std::uint8_t plain = mode == "plain" ? 1 : 0;
  ChooseBatch batch;
  batch.rows = 1;
  batch.vocabulary = static_cast<std::int32_t>(logits.size());
  batch.stride = batch.vocabulary;
  batch.logits = logits.data();
  batch.contexts = context.data();
  batch.plain = &plain;
  batch.plain_seeds = &seed;
  batch.temperature = float_of(record.integers("temperature", 16).at(0));
  REQUIRE(context.size() == 4);
  TokenId token = -2;
  const core::Status status =
      choose_tokens(text_profile("vllm-gumbel").value(), TextKey(seed), batch, {&token, 1});
  CHECK(token == record.integer("token"));
  CHECK(status.has_value() == (token >= 0));
  if (!status.has_value()) CHECK(status.error().code == core::ErrorCode::invalid_input);
}
void erlang_record(VectorRecord& record) {
  const std::int64_t n = record.integer("n");
  const double s = record.number("s"), expected = record.number("ln_tail");
  // The promise: the relative error of p is below 1e-12 * (1 + |ln p|); the doubles themselves add
  // 2^-53 |ln p|.
  CHECK(std::fabs(core::log_erlang_tail(n, s) - expected) <= 2e-16 * std::fabs(expected) + 1e-18);
}
void binomial_record(VectorRecord& record) {
  const std::int64_t k = record.integer("k"), n = record.integer("n");
  const double p = record.number("p"), expected = record.number("ln_tail");
  CHECK(std::fabs(core::log_binomial_tail(k, n, p) - expected) <=
        2e-16 * std::fabs(expected) + 1e-18);
}

}  // namespace

TEST_CASE("vectors: vLLM gumbel words, mantissas and whole detectors") {
  test::run_vectors(SIGILLO_VECTORS "/gumbel.txt", {{"philox", philox_record},
                                                    {"state", state_record},
                                                    {"words", words_record},
                                                    {"mantissas", mantissas_record},
                                                    {"detector", detector_record}});
}
TEST_CASE("vectors: SynthID-Text tables, hashes, bits, detectors, tournaments and choices") {
  test::run_vectors(SIGILLO_VECTORS "/synthid.txt",
                    {{"synthid_table", synthid_table_record},
                     {"synthid_hash", synthid_hash_record},
                     {"synthid_bits", synthid_bits_record},
                     {"synthid_tournament", synthid_tournament_record},
                     {"synthid_detector", synthid_detector_record},
                     {"synthid_derived", synthid_derived_record},
                     {"exp", exp_record},
                     {"synthid_choice", synthid_choice_record}});
}
TEST_CASE("vectors: plain words, fixed-point numbers and choices") {
  test::run_vectors(SIGILLO_VECTORS "/fixed-point.txt", {{"plain", plain_record},
                                                         {"step", step_record},
                                                         {"log2", log2_record},
                                                         {"noise", noise_record},
                                                         {"logit", logit_record},
                                                         {"choice", choice_record}});
}
TEST_CASE("vectors: the worked example of docs/formats/text-profile.md") {
  test::run_vectors(SIGILLO_DOCS "/formats/text-profile.md",
                    {{"philox", philox_record},
                     {"state", state_record},
                     {"mantissas", mantissas_record},
                     {"log2", log2_record},
                     {"choice", choice_record},
                     {"synthid_hash", synthid_hash_record},
                     {"synthid_derived", synthid_derived_record},
                     {"exp", exp_record},
                     {"synthid_choice", synthid_choice_record},
                     {"synthid_detector", synthid_detector_record}});
  CHECK(profile_digest(text_profile("synthid-transformers").value()).hex() ==
        "b0a08824f921ec45bf49c700b53cf23fff03675998ea38bcebb6afe1f5df6821");
  CHECK(profile_digest(text_profile("vllm-gumbel").value()).hex() ==
        "affd807382f96237100493bd2f3dd44e2edf3e070214368b6128b7afecc9c657");
}
TEST_CASE("vectors: exact tails against 60-digit arithmetic") {
  test::run_vectors(SIGILLO_VECTORS "/tails.txt",
                    {{"erlang", erlang_record}, {"binomial", binomial_record}});
}
TEST_CASE("vectors: a misspelt, surplus, missing or doubled attribute fails") {
  const auto consume = [](const std::string& line) {
    VectorRecord record("here", line);
    (void)record.integer("step");
    record.finish();
  };
  CHECK_NOTHROW(consume("step step=3"));
  CHECK_THROWS(consume("step stepp=3"));
  CHECK_THROWS(consume("step step=3 sede=4"));
  CHECK_THROWS(consume("step step=3x"));
  CHECK_THROWS(consume("step step=3 step=4"));
  CHECK_THROWS(test::run_vectors(SIGILLO_VECTORS "/tails.txt", {{"erlang", erlang_record}}));
}
