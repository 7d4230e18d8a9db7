// SynthID-Text: its law against a slow obvious one, its tournament against floating point, sampler
// and detector.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <deque>
#include <nlohmann/json.hpp>
#include <random>

#include "core/gpu/backend.hpp"
#include "sigillo/core/statistics.hpp"
#include "sigillo/watermark/text.hpp"
#include "tests/sanitizer.hpp"

using namespace sigillo;
using namespace sigillo::watermark;

namespace {

const TextProfile& published() {
  static const TextProfile profile = text_profile("synthid-transformers").value();
  return profile;
}
TextProfile small_profile() {  // two layers on 256 places: every key can be tried
  TextProfile profile = published();
  profile.parameters["depth"] = 2;
  profile.parameters["sampling_table_size"] = 256;
  return profile;
}

// ---- A reference that shares nothing with the library: transformers' processor, one number at a
// time, in binary64.
namespace reference {

struct Processor {
  std::vector<std::int64_t> keys;
  std::vector<int> table;
  std::vector<std::int64_t> context = {0, 0, 0, 0};
  std::deque<std::int64_t> history;

  explicit Processor(std::vector<std::int64_t> numbers) : keys(std::move(numbers)) {
    std::mt19937 engine(0);
    for (int i = 0; i < 65536; ++i) table.push_back(static_cast<int>(engine() % 2));
  }
  static std::int64_t hash(std::int64_t current, const std::vector<std::int64_t>& data) {
    for (const std::int64_t datum : data) {
      const auto sum = static_cast<std::uint64_t>(current) + static_cast<std::uint64_t>(datum);
      current = static_cast<std::int64_t>(sum * 6364136223846793005ULL + 1ULL);
    }
    return current;
  }
  [[nodiscard]] int g(std::int64_t token, std::size_t layer) const {
    const std::int64_t place = hash(hash(hash(1, context), {token}), {keys[layer]}) % 65536;
    return table[static_cast<std::size_t>(place < 0 ? place + 65536 : place)];
  }
  [[nodiscard]] bool repeated() const {
    const std::int64_t now = hash(1, context);
    return std::find(history.begin(), history.end(), now) != history.end();
  }
  [[nodiscard]] std::vector<double> law(const std::vector<double>& scores) const {
    std::vector<double> p;
    double sum = 0;
    for (const double score : scores) p.push_back(std::exp(score));
    for (const double one : p) sum += one;
    for (double& one : p) one /= sum;
    for (std::size_t layer = 0; layer < keys.size(); ++layer) {
      double ones = 0;
      for (std::size_t v = 0; v < p.size(); ++v)
        ones += p[v] * g(static_cast<std::int64_t>(v), layer);
      for (std::size_t v = 0; v < p.size(); ++v)
        p[v] *= 1 + g(static_cast<std::int64_t>(v), layer) - ones;
    }
    return p;
  }
  void accept(std::int64_t token) {
    history.push_front(hash(1, context));
    if (history.size() > 1024) history.pop_back();
    context.erase(context.begin());
    context.push_back(token);
  }
};

}  // namespace reference

std::vector<std::uint64_t> random_numbers(std::mt19937_64& random, std::size_t count) {
  std::vector<std::uint64_t> out(count);
  for (std::uint64_t& number : out) number = random();
  return out;
}

std::vector<float> random_logits(std::mt19937_64& random, std::size_t count, double spread) {
  std::normal_distribution<double> normal(0, spread);
  std::vector<float> out(count);
  for (float& logit : out) logit = static_cast<float>(normal(random));
  return out;
}

std::vector<TokenId> sample(TextSampler& sampler, int steps, std::size_t vocabulary,
                            std::uint64_t seed, double spread) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < steps; ++i)
    (void)sampler.next(random_logits(random, vocabulary, spread)).value();
  return {sampler.history().begin(), sampler.history().end()};
}

}  // namespace

TEST_CASE("synthid: the profile, its bounds and its keys") {
  CHECK(
      core::canonical_json(to_json(published())).value() ==
      R"({"context_history_size":1024,"context_width":4,"depth":30,"name":"synthid-transformers",)"
      R"("prf":"transformers-table-cpu-v1","sampling_table_seed":0,"sampling_table_size":65536,)"
      R"("scheme":"synthid"})");
  for (const TextProfile& profile : text_profiles()) {
    const std::string text = core::canonical_json(to_json(profile)).value();
    CHECK(text_profile_from_json(text).value() == profile);
  }
  const std::vector<TokenId> tokens(20, 1);
  const auto refused = [&](std::string_view name, std::int64_t value) {
    TextProfile profile = published();
    profile.parameters[std::string(name)] = value;
    const bool from_json =
        text_profile_from_json(core::canonical_json(to_json(profile)).value()).has_value();
    const auto score = score_text(profile, TextKey(1), tokens);
    CHECK(from_json == score.has_value());
    return !score.has_value() && score.error().code == core::ErrorCode::invalid_argument;
  };
  CHECK(refused("depth", 1));
  CHECK_FALSE(refused("depth", 2));
  CHECK_FALSE(refused("depth", 64));
  CHECK(refused("depth", 65));
  CHECK(refused("sampling_table_size", 128));
  CHECK(refused("sampling_table_size", 65537));
  CHECK(refused("sampling_table_size", 1 << 19));
  CHECK_FALSE(refused("sampling_table_size", 1 << 18));
  CHECK(refused("sampling_table_seed", -1));
  CHECK(refused("sampling_table_seed", std::int64_t{1} << 32));
  CHECK(refused("context_history_size", 0));
  CHECK(refused("temperature", 1));
  TextProfile incomplete = published();
  incomplete.parameters.erase("depth");
  CHECK(score_text(incomplete, TextKey(1), tokens).error().message.find("depth is missing") !=
        std::string::npos);

  std::mt19937_64 random(1);
  const auto code = [&](const TextProfile& profile, std::size_t count) {
    const TextKey key = TextKey::from_values(random_numbers(random, count)).value();
    const auto score = score_text(profile, key, tokens);
    return score.has_value() ? "ok" : std::string(core::to_string(score.error().code));
  };
  CHECK(code(published(), 1) == "ok");
  CHECK(code(published(), 30) == "ok");
  CHECK(code(published(), 29) == "invalid-argument");
  CHECK(code(published(), 31) == "invalid-argument");
  CHECK(code(text_profiles().front(), 2) == "invalid-argument");
  for (const char* bad : {"{}", "[]", "1", "", R"({"name":"x"})",
                          R"({"name":"x","scheme":"gumbel","prf":"philox4x32-10-v1",)"
                          R"("context_width":4294967300})",
                          R"({"name":"x","scheme":"gumbel","prf":"philox4x32-10-v1",)"
                          R"("context_width":4.0})",
                          R"({"name":"x","scheme":"gumbel","prf":"philox4x32-10-v1",)"
                          R"("context_width":4,"depth":30})"}) {
    INFO(bad);
    CHECK_FALSE(text_profile_from_json(bad).has_value());
  }
}

TEST_CASE("synthid: the law of the statistic is that over all keys, counted one by one") {
  const TextProfile profile = small_profile();
  std::mt19937_64 random(20261125);
  // A text with repeated n-grams and one without.
  for (const std::uint64_t entries : {std::uint64_t{3}, std::uint64_t{50000}}) {
    std::vector<TokenId> tokens;
    for (int i = 0; i < 40; ++i) tokens.push_back(static_cast<TokenId>(random() % entries));
    std::map<double, std::int64_t> counts;
    std::map<double, double> claimed;
    double least = 0;
    for (std::uint64_t a = 0; a < 256; ++a) {
      for (std::uint64_t b = 0; b < 256; ++b) {
        const std::vector<std::uint64_t> pair = {a, b};
        const TextScore score =
            score_text(profile, TextKey::from_values(pair).value(), tokens).value();
        ++counts[score.sum];
        claimed[score.sum] = score.ln_p;
        least = score.ln_p_least;
      }
    }
    REQUIRE(counts.size() > 10);
    std::int64_t above = 0;
    for (auto entry = counts.rbegin(); entry != counts.rend(); ++entry) {
      above += entry->second;
      CHECK(std::exp(claimed[entry->first]) ==
            Approx(static_cast<double>(above) / 65536.0).epsilon(1e-12).margin(0));
    }
    CHECK(claimed[counts.rbegin()->first] == Approx(least).epsilon(1e-12).margin(0));
  }
}

TEST_CASE("synthid: null p-values are super-uniform over keys, a repeated text's too") {
  std::mt19937_64 random(31);
  constexpr std::int64_t kTexts = test::kSanitized ? 600 : 3000;
  const std::vector<double> levels = {0.5, 1e-1, 1e-2};
  std::vector<std::int64_t> below(levels.size());
  for (std::int64_t text = 0; text < kTexts; ++text) {
    std::vector<TokenId> tokens;
    const std::uint64_t entries = text % 2 == 0 ? 50257 : 3;
    for (std::uint64_t i = 0, length = 24 + random() % 40; i < length; ++i)
      tokens.push_back(static_cast<TokenId>(random() % entries));
    const TextScore score = score_text(published(), TextKey(random()), tokens).value();
    for (std::size_t i = 0; i < levels.size(); ++i) below[i] += score.ln_p <= std::log(levels[i]);
  }
  for (std::size_t i = 0; i < levels.size(); ++i) {
    std::printf("synthid p <= %g: %lld of %lld null texts\n", levels[i],
                static_cast<long long>(below[i]), static_cast<long long>(kTexts));
    CHECK(core::log_binomial_tail(below[i], kTexts, levels[i]) > std::log(1e-4));
    // Not far below either: a p-value that is always 1 would be no test.
    CHECK(core::log_binomial_tail(kTexts - below[i], kTexts, 1 - levels[i]) > std::log(1e-4));
  }
}

TEST_CASE("synthid: the choice follows the tournament of a binary64 reference") {
  std::mt19937_64 random(77);
  std::vector<std::uint64_t> numbers = random_numbers(random, 30);
  const TextKey key = TextKey::from_values(numbers).value();
  reference::Processor processor({numbers.begin(), numbers.end()});
  constexpr std::int64_t kDraws = 4000;
  for (const std::size_t vocabulary : {std::size_t{2}, std::size_t{5}, std::size_t{40}}) {
    const std::vector<float> logits = random_logits(random, vocabulary, 1.5);
    for (int i = 0; i < 4; ++i) processor.accept(static_cast<std::int64_t>(random() % 50000));
    const std::vector<TokenId> context(processor.context.begin(), processor.context.end());
    const float temperature = 0.8F;
    std::vector<double> scores;
    for (const float logit : logits) scores.push_back(static_cast<double>(logit / temperature));
    const std::vector<double> law = processor.law(scores);
    std::vector<std::int64_t> count(vocabulary);
    ChooseBatch batch;
    batch.rows = 1;
    batch.vocabulary = static_cast<std::int32_t>(vocabulary);
    batch.stride = batch.vocabulary;
    batch.logits = logits.data();
    batch.contexts = context.data();
    batch.temperature = temperature;
    for (std::int64_t draw = 0; draw < kDraws; ++draw) {
      const std::uint64_t seed = random();
      batch.plain_seeds = &seed;
      TokenId token = -1;
      REQUIRE(choose_tokens(published(), key, batch, {&token, 1}).has_value());
      ++count[static_cast<std::size_t>(token)];
    }
    for (std::size_t v = 0; v < vocabulary; ++v) {
      const double p = std::min(1.0, law[v]);
      INFO(v << ": " << count[v] << " of " << kDraws << ", p " << p);
      CHECK(core::log_binomial_tail(count[v], kDraws, p) > std::log(1e-6));
      CHECK(core::log_binomial_tail(kDraws - count[v], kDraws, 1 - p) > std::log(1e-6));
    }
  }
}

TEST_CASE("synthid: over random keys the tournament does not change the distribution") {
  const std::vector<double> probability = {0.5, 0.25, 0.2, 0.05};
  std::vector<float> logits;
  for (const double p : probability) logits.push_back(static_cast<float>(std::log(p)));
  const std::vector<TokenId> context = {1, 2, 3, 4};
  std::mt19937_64 random(5);
  std::vector<std::int64_t> count(4);
  constexpr std::int64_t kRows = 6000;
  for (std::int64_t row = 0; row < kRows; ++row) {
    const std::uint64_t seed = random();
    const ChooseBatch batch{1, 4, logits.data(), 4, context.data(), nullptr, &seed, 1.0F};
    TokenId token = -1;
    REQUIRE(choose_tokens(published(), TextKey(random()), batch, {&token, 1}).has_value());
    ++count[static_cast<std::size_t>(token)];
  }
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(core::log_binomial_tail(count[i], kRows, probability[i]) > std::log(1e-6));
    CHECK(core::log_binomial_tail(kRows - count[i], kRows, 1 - probability[i]) > std::log(1e-6));
  }
}

TEST_CASE("synthid: sampled text is found with its key only") {
  std::mt19937_64 random(8);
  const auto numbers = random_numbers(random, 30);
  for (const TextKey& key : {TextKey(42), TextKey::from_values(numbers).value()}) {
    auto a = TextSampler::create(published(), key, 7).value();
    auto b = TextSampler::create(published(), key, 7).value();
    const auto tokens = sample(a, 120, 500, 3, 1.0);
    CHECK(tokens == sample(b, 120, 500, 3, 1.0));
    const auto detection = detect_text(published(), key, tokens).value();
    CHECK(detection.result == core::DetectionResult::found);
    CHECK(detection.scored == 116);
    CHECK(detection.profile_digest == profile_digest(published()).hex());
    CHECK(core::detection_from_json(core::to_json(detection)).value() == detection);
    for (std::uint64_t wrong = 1000; wrong < 1010; ++wrong)
      CHECK(detect_text(published(), TextKey(wrong), tokens).value().result ==
            core::DetectionResult::not_found);
    auto other_seed = TextSampler::create(published(), key, 8).value();
    CHECK(tokens != sample(other_seed, 120, 500, 3, 1.0));  // the marked choice is a draw
    auto unmarked = TextSampler::create(published(), std::nullopt, 7).value();
    CHECK(detect_text(published(), key, sample(unmarked, 120, 500, 3, 1.0)).value().result ==
          core::DetectionResult::not_found);
  }
}

TEST_CASE("synthid: few positions are inconclusive, and so is what no key could mark") {
  std::vector<TokenId> tokens;
  for (TokenId i = 0; i < 40; ++i) tokens.push_back(i * 17 % 97);
  const auto result = [&](std::size_t count, std::int64_t threshold = -6000000) {
    DetectOptions options;
    options.threshold_log10_micro = threshold;
    return detect_text(published(), TextKey(1), std::span(tokens).first(count), options).value();
  };
  CHECK(result(19).result == core::DetectionResult::inconclusive);
  CHECK(result(19).reason.find("15 positions") != std::string::npos);
  CHECK(result(20).result == core::DetectionResult::not_found);
  CHECK(result(20).scored == 16);
  CHECK(result(0).result == core::DetectionResult::inconclusive);
  // 30 layers cannot give less than 65536^-30.
  const auto hopeless = result(40, -145000000);
  CHECK(hopeless.result == core::DetectionResult::inconclusive);
  CHECK(hopeless.reason.find("perfect mark") != std::string::npos);
  CHECK(result(40, -60000000).result == core::DetectionResult::not_found);
}

TEST_CASE("synthid: a context counts as used for as many steps as the profile says") {
  // With a history of one step a window that returns after two is marked again, with 1024 it is
  // not: then only the seed decides.
  TextProfile shortest = published();
  shortest.parameters["context_history_size"] = 1;
  const auto differ = [&](const TextProfile& profile) {
    int different = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      auto marked = TextSampler::create(profile, TextKey(9), seed).value();
      auto plain = TextSampler::create(profile, std::nullopt, seed).value();
      const std::vector<float> forced_a = {0, -INFINITY}, forced_b = {-INFINITY, 0}, free = {0, 0};
      // a b a b a b a b: from step 6 on windows alternate between two, each seen two steps before.
      for (int i = 0; i < 12; ++i) {
        const auto& logits = i % 2 == 0 ? forced_a : forced_b;
        REQUIRE(marked.next(logits).value() == i % 2);
        REQUIRE(plain.next(logits).value() == i % 2);
      }
      different += marked.next(free).value() != plain.next(free).value() ? 1 : 0;
    }
    return different;
  };
  CHECK(differ(published()) == 0);
  CHECK(differ(shortest) > 0);
}

TEST_CASE("synthid: refusals of the batch and of back ends") {
  const std::vector<float> logits(16, 0.0F);
  const std::vector<TokenId> contexts(8, 1);
  const std::uint8_t plain[2] = {0, 0};
  const std::uint64_t seeds[2] = {1, 2};
  std::vector<TokenId> out(2);
  ChooseBatch batch{2, 8, logits.data(), 8, contexts.data(), plain, seeds, 1.0F};
  const auto code = [&](std::string_view backend = "host") {
    const auto status = choose_tokens(published(), TextKey(1), batch, out, backend);
    return status.has_value() ? "ok" : std::string(core::to_string(status.error().code));
  };
  CHECK(code() == "ok");
  CHECK(code("auto") == "ok");
  CHECK(code("cuda") == "unsupported");
  CHECK(code("hots") == "device-unavailable");
  batch.plain = nullptr;
  CHECK(code() == "ok");
  batch.plain_seeds = nullptr;
  CHECK(code() == "invalid-argument");
}

TEST_CASE("synthid: long texts get a bound that is not below the tail") {
  // The same law, once exact and once with no work allowed.
  const std::vector<std::int64_t> counts = {1, 4, 6, 4, 1};
  const std::vector<std::int64_t> weights = {3, 2, 1};
  for (std::int64_t t = 0; t <= 24; ++t) {
    const auto exact = core::log_weighted_sum_tail(counts, 0, weights, t);
    const auto bound = core::log_weighted_sum_tail(counts, 0, weights, t, 0);
    CHECK(exact.exact);
    CHECK(bound.ln_tail >= exact.ln_tail - 1e-12);
    CHECK(bound.ln_tail <= exact.ln_tail + 4);
    CHECK(bound.ln_least == exact.ln_least);
  }
}
