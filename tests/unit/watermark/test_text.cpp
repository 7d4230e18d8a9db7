// Profiles, the host back end, the sampler and the detector.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "core/gpu/backend.hpp"
#include "sigillo/core/statistics.hpp"
#include "sigillo/watermark/text.hpp"

using namespace sigillo;
using namespace sigillo::watermark;

namespace {

const TextProfile& gumbel() { return text_profiles().front(); }

std::vector<float> random_logits(std::mt19937_64& random, std::size_t count, double spread) {
  std::normal_distribution<double> normal(0, spread);
  std::vector<float> out(count);
  for (float& logit : out) logit = static_cast<float>(normal(random));
  return out;
}

struct Fixture {
  std::vector<float> logits;
  std::vector<TokenId> contexts;
  std::vector<std::uint8_t> plain;
  std::vector<std::uint64_t> seeds;
  ChooseBatch batch;
};
Fixture make_fixture(std::int32_t rows, std::int32_t vocabulary, std::int64_t stride,
                     std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Fixture f;
  f.logits = random_logits(random, static_cast<std::size_t>(rows * stride), 3);
  for (std::int32_t i = 0; i < rows * 4; ++i)
    f.contexts.push_back(static_cast<TokenId>(random() % 50000));
  for (std::int32_t i = 0; i < rows; ++i) {
    f.plain.push_back(random() % 3 == 0);
    f.seeds.push_back(random());
  }
  f.batch = {rows,           vocabulary, f.logits.data(), stride, f.contexts.data(), f.plain.data(),
             f.seeds.data(), 0.8F};
  return f;
}

std::vector<TokenId> sample(TextSampler& sampler, int steps, std::size_t vocabulary,
                            std::uint64_t seed, double spread) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < steps; ++i)
    (void)sampler.next(random_logits(random, vocabulary, spread)).value();
  return {sampler.history().begin(), sampler.history().end()};
}

}  // namespace

TEST_CASE("profiles: known names, canonical digest, refusals") {
  const TextProfile profile = text_profile("vllm-gumbel").value();
  CHECK(profile == gumbel());
  CHECK(core::canonical_json(to_json(profile)).value() ==
        R"({"context_width":4,"name":"vllm-gumbel","prf":"philox4x32-10-v1","scheme":"gumbel"})");
  CHECK(profile_digest(profile).hex() ==
        core::sha256(core::canonical_json(to_json(profile)).value()).hex());
  const auto unknown = text_profile("vllm-gumbal");
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().code == core::ErrorCode::not_found);
  CHECK(unknown.error().remedy.find("vllm-gumbel") != std::string::npos);

  const std::vector<TokenId> tokens(20, 1);
  TextProfile other = profile;
  other.prf = "hmac";
  CHECK(score_text(other, TextKey(1), tokens).error().code == core::ErrorCode::unsupported);
  for (const std::int32_t width : {0, -1, 65}) {
    other = profile;
    other.context_width = width;
    CHECK(score_text(other, TextKey(1), tokens).error().code == core::ErrorCode::invalid_argument);
  }
  for (const std::int32_t width : {1, 64}) {
    other.context_width = width;
    CHECK(score_text(other, TextKey(1), tokens).has_value());
    CHECK(profile_digest(other) != profile_digest(profile));
  }
}

TEST_CASE("choose: the result does not depend on batch, order, stride or padding") {
  for (const std::int32_t vocabulary : {1, 2, 3, 4, 5, 31, 257, 1000}) {
    Fixture f =
        make_fixture(13, vocabulary, vocabulary + 7, 77u + static_cast<std::uint64_t>(vocabulary));
    std::vector<TokenId> whole(13);
    REQUIRE(choose_tokens(gumbel(), TextKey(42), f.batch, whole).has_value());
    const auto at = [](auto* data, std::int32_t row, std::int64_t width) {
      return data + row * width;
    };
    for (std::int32_t row = 12; row >= 0;
         --row) {  // one at a time, backwards, unpadded, from another address
      std::vector<float> copy(static_cast<std::size_t>(vocabulary) + 1);
      std::copy_n(at(f.batch.logits, row, f.batch.stride), vocabulary, copy.begin() + 1);
      ChooseBatch one{1,
                      vocabulary,
                      copy.data() + 1,
                      vocabulary,
                      at(f.batch.contexts, row, 4),
                      at(f.batch.plain, row, 1),
                      at(f.batch.plain_seeds, row, 1),
                      f.batch.temperature};
      TokenId token = -1;
      REQUIRE(choose_tokens(gumbel(), TextKey(42), one, {&token, 1}).has_value());
      CHECK(token == whole[static_cast<std::size_t>(row)]);
      CHECK((token >= 0 && token < vocabulary));
    }
    for (std::int32_t row = 0; row < 13; ++row) {  // what lies between the rows is not read
      for (std::int64_t i = vocabulary; i < f.batch.stride; ++i)
        f.logits[static_cast<std::size_t>(row * f.batch.stride + i)] = INFINITY;
    }
    std::vector<TokenId> again(13);
    REQUIRE(choose_tokens(gumbel(), TextKey(42), f.batch, again).has_value());
    CHECK(again == whole);
  }
}

TEST_CASE("choose: marked rows follow the key and not the seed, plain rows the other way round") {
  Fixture f = make_fixture(400, 64, 64, 5);
  const auto run = [&](std::uint64_t key) {
    std::vector<TokenId> out(400);
    REQUIRE(choose_tokens(gumbel(), TextKey(key), f.batch, out).has_value());
    return out;
  };
  const auto first = run(1), other_key = run(2);
  for (std::uint64_t& seed : f.seeds) seed ^= 0x9E3779B97F4A7C15u;
  const auto other_seed = run(1);
  int changed_by_key = 0, changed_by_seed = 0;
  for (std::size_t row = 0; row < 400; ++row) {
    if (f.plain[row] != 0) {
      CHECK(first[row] == other_key[row]);
      changed_by_seed += first[row] != other_seed[row];
    } else {
      CHECK(first[row] == other_seed[row]);
      changed_by_key += first[row] != other_key[row];
    }
  }
  CHECK(changed_by_key > 50);
  CHECK(changed_by_seed > 20);
}

TEST_CASE("choose: plain sampling follows the softmax") {
  // Four entries with known probabilities; exact binomial bounds on the counts, both ways.
  const std::vector<double> probability = {0.5, 0.25, 0.2, 0.05};
  std::vector<float> logits;
  for (const double p : probability) logits.push_back(static_cast<float>(std::log(p)));
  const std::vector<TokenId> context = {1, 2, 3, 4};
  const std::uint8_t plain = 1;
  std::vector<std::int64_t> count(4);
  constexpr std::int64_t kRows = 20000;
  for (std::uint64_t seed = 0; seed < kRows; ++seed) {
    const ChooseBatch batch{1, 4, logits.data(), 4, context.data(), &plain, &seed, 1.0F};
    TokenId token = -1;
    REQUIRE(choose_tokens(gumbel(), TextKey(9), batch, {&token, 1}).has_value());
    ++count[static_cast<std::size_t>(token)];
  }
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(core::log_binomial_tail(count[i], kRows, probability[i]) > std::log(1e-6));
    CHECK(core::log_binomial_tail(kRows - count[i], kRows, 1 - probability[i]) > std::log(1e-6));
  }
}

TEST_CASE("choose: refusals name the argument or the row") {
  Fixture f = make_fixture(3, 8, 8, 6);
  std::vector<TokenId> out(3);
  const auto code = [&](ChooseBatch batch, std::size_t size = 3,
                        std::string_view backend = "host") {
    const auto status =
        choose_tokens(gumbel(), TextKey(1), batch, std::span(out).first(size), backend);
    return status.has_value() ? std::string("ok")
                              : std::string(core::to_string(status.error().code));
  };
  const auto with = [&](auto change) {
    ChooseBatch batch = f.batch;
    change(batch);
    return code(batch);
  };
  CHECK(code(f.batch) == "ok");
  CHECK(code(f.batch, 2) == "invalid-argument");
  CHECK(with([](ChooseBatch& b) { b.rows = -1; }) == "invalid-argument");
  CHECK(with([](ChooseBatch& b) { b.vocabulary = 0; }) == "invalid-argument");
  CHECK(with([](ChooseBatch& b) {
          b.vocabulary = (1 << 24) + 1;
          b.stride = b.vocabulary;
        }) == "invalid-argument");
  CHECK(with([](ChooseBatch& b) { b.stride = 7; }) == "invalid-argument");
  CHECK(with([](ChooseBatch& b) { b.logits = nullptr; }) == "invalid-argument");
  CHECK(with([](ChooseBatch& b) { b.contexts = nullptr; }) == "invalid-argument");
  CHECK(with([](ChooseBatch& b) { b.plain_seeds = nullptr; }) == "invalid-argument");
  for (const float bad : {0.0F, -1.0F, INFINITY, NAN, 1e-40F}) {
    CHECK(with([bad](ChooseBatch& b) { b.temperature = bad; }) == "invalid-argument");
  }
  CHECK(code(f.batch, 3, "hots") == "device-unavailable");
  ChooseBatch none = f.batch;
  none.rows = 0;
  CHECK(code(none, 0) == "ok");
  for (std::size_t i = 8; i < 16; ++i) f.logits[i] = i % 2 == 0 ? -INFINITY : NAN;
  const auto status = choose_tokens(gumbel(), TextKey(1), f.batch, out);
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == core::ErrorCode::invalid_input);
  CHECK(status.error().message.find("row 1") != std::string::npos);
}

TEST_CASE("back ends: forced, preferred, unavailable and unknown") {
  using core::gpu::Backend;
  using core::gpu::select_backend;
  const std::vector<Backend> broken = {{"cuda", false, "no driver", "install one"}, {"host", true}};
  const std::vector<Backend> whole = {{"cuda", true}, {"host", true}};
  CHECK(select_backend(broken, "auto").value().name == "host");
  CHECK(select_backend(whole, "auto").value().name == "cuda");
  CHECK(select_backend(whole, "host").value().name == "host");
  const auto refused = select_backend(broken, "cuda");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == core::ErrorCode::device_unavailable);
  CHECK(refused.error().message.find("no driver") != std::string::npos);
  CHECK(refused.error().remedy == "install one");
  const auto unknown = select_backend(broken, "emu");
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().remedy.find("host") != std::string::npos);
  CHECK(unknown.error().remedy.find("cuda") == std::string::npos);
  CHECK(core::gpu::backends().back().name == "host");
  CHECK(core::gpu::backends().back().available);
}

TEST_CASE(
    "back ends: every back end of this build agrees with the host or says why it cannot run") {
  Fixture f = make_fixture(9, 5003, 5008, 12);
  std::vector<TokenId> host(9), other(9);
  REQUIRE(choose_tokens(gumbel(), TextKey(3), f.batch, host).has_value());
  for (const auto& backend : core::gpu::backends()) {
    const auto status = choose_tokens(gumbel(), TextKey(3), f.batch, other, backend.name);
    CHECK(status.has_value() == backend.available);
    if (status.has_value()) {
      CHECK(other == host);
    } else {
      CHECK(status.error().code == core::ErrorCode::device_unavailable);
      CHECK_FALSE(status.error().remedy.empty());
      std::printf("back end %s: %s\n", std::string(backend.name).c_str(),
                  status.error().message.c_str());
    }
  }
}

TEST_CASE("sampler: deterministic, detectable with the key only") {
  auto a = TextSampler::create(gumbel(), TextKey(42), 7).value();
  auto b = TextSampler::create(gumbel(), TextKey(42), 7).value();
  const auto tokens = sample(a, 200, 500, 3, 1.0);
  CHECK(tokens == sample(b, 200, 500, 3, 1.0));
  CHECK(detect_text(gumbel(), TextKey(42), tokens).value().result == core::DetectionResult::found);
  CHECK(detect_text(gumbel(), TextKey(43), tokens).value().result ==
        core::DetectionResult::not_found);
  auto unmarked = TextSampler::create(gumbel(), std::nullopt, 7).value();
  CHECK(detect_text(gumbel(), TextKey(42), sample(unmarked, 200, 500, 3, 1.0)).value().result ==
        core::DetectionResult::not_found);
  auto other_seed = TextSampler::create(gumbel(), TextKey(42), 8).value();
  CHECK(tokens ==
        sample(other_seed, 200, 500, 3, 1.0));  // no window repeats, so the seed is never asked
}

TEST_CASE("sampler: a repeated window is sampled from the seed, without the key") {
  // With two entries, windows of four repeat at once; the steps after a repeat must depend on the
  // seed, and on it alone.
  std::set<std::vector<TokenId>> outcomes;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    auto sampler = TextSampler::create(gumbel(), TextKey(42), seed).value();
    const auto tokens = sample(sampler, 120, 2, 3, 0.1);
    outcomes.insert(tokens);
    std::set<std::vector<TokenId>> windows;
    std::vector<TokenId> padded(4, -1);
    padded.insert(padded.end(), tokens.begin(), tokens.end());
    std::int64_t fresh = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      fresh += windows
                   .emplace(padded.begin() + static_cast<std::ptrdiff_t>(i),
                            padded.begin() + static_cast<std::ptrdiff_t>(i + 4))
                   .second;
    }
    CHECK(score_text(gumbel(), TextKey(42), tokens).value().scored == fresh);
    CHECK(fresh < 30);
  }
  CHECK(outcomes.size() == 8);
  // Without a key, two samplers of one seed agree; the unmarked steps of a keyed one use that same
  // stream.
  auto plain = TextSampler::create(gumbel(), std::nullopt, 5).value();
  auto again = TextSampler::create(gumbel(), std::nullopt, 5).value();
  CHECK(sample(plain, 50, 100, 1, 2) == sample(again, 50, 100, 1, 2));
}

TEST_CASE("sampler: refusals leave the history as it was") {
  CHECK(TextSampler::create(gumbel(), TextKey(1), 1, 0.0F).error().code ==
        core::ErrorCode::invalid_argument);
  auto sampler = TextSampler::create(gumbel(), TextKey(1), 1).value();
  CHECK(sampler.next({}).error().code == core::ErrorCode::invalid_argument);
  const std::vector<float> masked(10, -INFINITY);
  CHECK(sampler.next(masked).error().code == core::ErrorCode::invalid_input);
  CHECK(sampler.history().empty());
}

TEST_CASE("detector: verdicts, limits and corrections") {
  std::vector<TokenId> tokens;
  for (TokenId i = 0; i < 40; ++i) tokens.push_back(i * 17 % 97);
  const auto few = detect_text(gumbel(), TextKey(1), std::span(tokens).first(15)).value();
  CHECK(few.result == core::DetectionResult::inconclusive);
  CHECK(few.reason.find("15 positions") != std::string::npos);
  CHECK(detect_text(gumbel(), TextKey(1), std::span(tokens).first(16)).value().result ==
        core::DetectionResult::not_found);
  CHECK(detect_text(gumbel(), TextKey(1), {}).value().result ==
        core::DetectionResult::inconclusive);

  DetectOptions unreachable;
  unreachable.threshold_log10_micro = -1000000000;  // 16 tokens cannot give 1e-1000
  const auto hopeless =
      detect_text(gumbel(), TextKey(1), std::span(tokens).first(16), unreachable).value();
  CHECK(hopeless.result == core::DetectionResult::inconclusive);

  const auto once = detect_text(gumbel(), TextKey(1), tokens).value();
  DetectOptions many;
  many.tries = 1000000;
  const auto corrected = detect_text(gumbel(), TextKey(1), tokens, many).value();
  CHECK(corrected.log10_p_micro == std::min<std::int64_t>(0, once.log10_p_micro + 6000000));
  CHECK(corrected.tries == 1000000);
  CHECK(once.profile_digest == profile_digest(gumbel()).hex());
  CHECK(core::detection_from_json(core::to_json(once)).value() == once);

  tokens[3] = -1;
  CHECK(score_text(gumbel(), TextKey(1), tokens).error().code == core::ErrorCode::invalid_input);
  tokens[3] = 97;
  DetectOptions options;
  options.vocabulary = 97;
  const auto outside = detect_text(gumbel(), TextKey(1), tokens, options);
  CHECK(outside.error().code == core::ErrorCode::invalid_input);
  CHECK(outside.error().message.find("token 3") != std::string::npos);
  options.vocabulary = 98;
  CHECK(detect_text(gumbel(), TextKey(1), tokens, options).has_value());
  options.tries = 0;
  CHECK(detect_text(gumbel(), TextKey(1), tokens, options).error().code ==
        core::ErrorCode::invalid_argument);
  const std::vector<TokenId> limit(std::size_t{1} << 20, 5), above((std::size_t{1} << 20) + 1, 5);
  CHECK(score_text(gumbel(), TextKey(1), limit).value().scored == 5);
  CHECK(score_text(gumbel(), TextKey(1), above).error().code == core::ErrorCode::input_too_large);
}

TEST_CASE("detector: the false-positive rate is the nominal one, both ways") {
  std::mt19937_64 random(20260802);
  constexpr std::int64_t kTexts = 100000;
  const std::vector<double> levels = {1e-1, 1e-2, 1e-3};
  std::vector<std::int64_t> below(levels.size());
  for (std::int64_t text = 0; text < kTexts; ++text) {
    std::vector<TokenId> tokens;
    const std::uint64_t entries =
        text % 2 == 0 ? 50257 : 3;  // half of them full of repeated windows
    for (std::uint64_t i = 0, length = 20 + random() % 60; i < length; ++i) {
      tokens.push_back(static_cast<TokenId>(random() % entries));
    }
    const TextScore score = score_text(gumbel(), TextKey(random()), tokens).value();
    for (std::size_t i = 0; i < levels.size(); ++i) below[i] += score.ln_p <= std::log(levels[i]);
  }
  for (std::size_t i = 0; i < levels.size(); ++i) {
    std::printf("p <= %g: %lld of %lld null texts\n", levels[i], static_cast<long long>(below[i]),
                static_cast<long long>(kTexts));
    CHECK(core::log_binomial_tail(below[i], kTexts, levels[i]) > std::log(1e-4));
    CHECK(core::log_binomial_tail(kTexts - below[i], kTexts, 1 - levels[i]) > std::log(1e-4));
  }
}
