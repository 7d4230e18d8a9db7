// The integer noise over all 2^24 mantissas, and the choice against a binary64 reference.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <random>

#include "sigillo/core/statistics.hpp"
#include "sigillo/watermark/text.hpp"
#include "watermark/kernels/fixed_choice.hpp"

using namespace sigillo;
using namespace sigillo::watermark;

namespace {

constexpr std::uint32_t kMantissas = 1u << 24;

struct Row {
  std::vector<float> logits;
  std::uint64_t seed = 0;
};

// argmax of logit / temperature - ln(-ln u) in binary64 with libm, lowest id on a tie: the
// textbook's loop.
TokenId reference_choice(const Row& row, double temperature) {
  const auto stream = kernels::plain_stream(row.seed);
  double best = -INFINITY;
  TokenId winner = -1;
  for (std::size_t id = 0; id < row.logits.size(); ++id) {
    const auto words = kernels::candidate_words(stream, static_cast<std::uint32_t>(id / 4));
    const auto u = kernels::uniform_of(kernels::mantissa_of(words.word[id % 4]));
    const double uniform =
        std::ldexp(static_cast<double>(u.numerator), -static_cast<int>(u.exponent));
    const double score =
        static_cast<double>(row.logits[id]) / temperature - std::log(-std::log(uniform));
    if (score > best) {
      best = score;
      winner = static_cast<TokenId>(id);
    }
  }
  return winner;
}

TokenId fixed_choice(const Row& row, float temperature) {
  kernels::Best best = kernels::no_entry();
  const auto stream = kernels::plain_stream(row.seed);
  for (std::size_t group = 0; group * 4 < row.logits.size(); ++group) {
    float four[4];
    std::copy_n(row.logits.begin() + static_cast<std::ptrdiff_t>(group * 4), 4, four);
    kernels::consider_group(best, kernels::bound_of(best), stream,
                            static_cast<std::uint32_t>(group), four, 4, temperature);
  }
  return best.id;
}

// Rows of 32 entries with binary32 logits; the noise alone decides most of them, which is the hard
// case.
std::int64_t disagreements(std::int64_t rows, float temperature, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::int64_t different = 0;
  Row row;
  row.logits.resize(32);
  for (std::int64_t i = 0; i < rows; ++i) {
    row.seed = random();
    for (float& logit : row.logits) {
      logit =
          static_cast<float>(static_cast<std::int64_t>(random() >> 32) - (std::int64_t{1} << 31)) *
          0x1p-29F;
    }
    different += fixed_choice(row, temperature) != reference_choice(row, temperature);
  }
  return different;
}

}  // namespace

TEST_CASE("noise: all 2^24 mantissas against long double") {
  long double largest_noise = 0, largest_score = 0;
  std::int64_t previous = INT64_MIN, least = INT64_MAX, most = INT64_MIN;
  bool increasing = true;
  for (std::uint32_t m = 0; m < kMantissas; ++m) {
    const auto u = kernels::uniform_of(m);
    // u is far from 1 for small m, and 1 - u is an exact integer ratio for all: -ln u by log1p of
    // it where u is large.
    const long double scale = std::ldexp(1.0L, -static_cast<int>(u.exponent));
    const long double complement =
        static_cast<long double>((std::uint64_t{1} << u.exponent) - u.numerator) * scale;
    const long double exact =
        -std::log(complement < 0.5L ? -std::log1p(-complement)
                                    : -std::log(static_cast<long double>(u.numerator) * scale));
    const std::int64_t noise = kernels::gumbel_noise_q32(m);
    largest_noise =
        std::max(largest_noise, std::fabs(static_cast<long double>(noise) - exact * 0x1p32L));
    increasing = increasing && noise > previous;
    previous = noise;
    least = std::min(least, noise);
    most = std::max(most, noise);
    if (m % 16 == 0 || m > kMantissas - 4096) {
      const long double score =
          (complement < 0.5L ? -std::log(complement) : -std::log1p(complement - 1)) /
          std::log(2.0L);
      largest_score =
          std::max(largest_score,
                   std::fabs(static_cast<long double>(kernels::score_q58(m)) - score * 0x1p58L));
    }
  }
  std::printf(
      "largest error of the integer noise: %.4Lf units of 2^-32 nat; of the score: %.4Lf units of "
      "2^-58 bit\n",
      largest_noise, largest_score);
  CHECK(increasing);
  CHECK(least == kernels::kMinNoiseQ32);
  CHECK(most == kernels::kMaxNoiseQ32);
  CHECK(largest_noise < 0.7L);
  CHECK(largest_score < 1.0L);
}

TEST_CASE("uniform: the float32 of (m + 1) / (2^24 + 1), for all mantissas") {
  bool same = true;
  for (std::uint32_t m = 0; m < kMantissas; ++m) {
    const auto u = kernels::uniform_of(m);
    // The binary64 quotient is never within its own error of a binary32 midpoint, so the double
    // rounding is innocuous.
    const auto rounded = static_cast<float>((static_cast<double>(m) + 1.0) / 16777217.0);
    same = same &&
           std::ldexp(static_cast<float>(u.numerator), -static_cast<int>(u.exponent)) == rounded;
  }
  CHECK(same);
}

TEST_CASE("choice: disagreement with a binary64 reference") {
  constexpr std::int64_t kRows = 200000;
  for (const float temperature : {1.0F, 0.7F}) {
    const std::int64_t different = disagreements(kRows, temperature, 20261125);
    const double upper = core::clopper_pearson_upper(different, kRows, 0.95);
    std::printf(
        "temperature %.1f: %lld of %lld rows differ from binary64 (rate below %.2g at 95%%)\n",
        static_cast<double>(temperature), static_cast<long long>(different),
        static_cast<long long>(kRows), upper);
    CHECK(upper < 3e-5);
  }
}

TEST_CASE("choice: masked, infinite, tied and saturated entries") {
  const float inf = INFINITY, nan = NAN;
  const auto choose = [](std::vector<float> logits, std::uint64_t seed = 1) {
    logits.resize((logits.size() + 3) / 4 * 4, -INFINITY);
    return fixed_choice({std::move(logits), seed}, 1.0F);
  };
  CHECK(choose({nan, -inf, nan, -nan}) == -1);
  CHECK(choose({nan, -3e38F, -inf, nan}) == 1);
  CHECK(choose({0, inf, 3e38F, inf}) == 1);
  CHECK(choose({inf, inf, inf, inf, inf}) == 0);
  CHECK(choose({-inf, -inf, -inf, -inf, -inf, 0}) == 5);
  // Entries at or above 2^30 are equal, so that the noise decides among them, as it would among
  // equal logits.
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CHECK(choose({3e38F, 0x1p30F, 2e20F, 0x1p31F}, seed) == choose({5, 5, 5, 5}, seed));
    CHECK(choose({-3e38F, -0x1p30F, -2e20F, -0x1p31F}, seed) == choose({5, 5, 5, 5}, seed));
  }
}

TEST_CASE("choice: the lowest id wins a tie, in either order of looking") {
  const kernels::Best low = {7, 3}, high = {7, 4}, more = {8, 9};
  CHECK(kernels::better(low, high));
  CHECK_FALSE(kernels::better(high, low));
  CHECK(kernels::better(more, low));
  CHECK(kernels::better(low, kernels::no_entry()));
  CHECK_FALSE(kernels::better(kernels::no_entry(), kernels::no_entry()));
  // Real ties: two entries of one row with the same mantissa and logit. Found by search, so that
  // noise is really equal.
  std::int64_t ties = 0;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const auto stream = kernels::plain_stream(seed);
    std::vector<std::pair<std::uint32_t, TokenId>> entries;
    for (std::uint32_t group = 0; group < 64; ++group) {
      const auto words = kernels::candidate_words(stream, group);
      for (std::uint32_t i = 0; i < 4; ++i) {
        entries.emplace_back(kernels::mantissa_of(words.word[i]),
                             static_cast<TokenId>(group * 4 + i));
      }
    }
    std::sort(entries.begin(), entries.end());
    for (std::size_t i = 0; i + 1 < entries.size(); ++i) {
      if (entries[i].first != entries[i + 1].first) continue;
      Row row{std::vector<float>(256, -INFINITY), seed};
      row.logits[static_cast<std::size_t>(entries[i].second)] = 1.5F;
      row.logits[static_cast<std::size_t>(entries[i + 1].second)] = 1.5F;
      CHECK(fixed_choice(row, 1.0F) == entries[i].second);
      ++ties;
    }
  }
  CHECK(ties > 0);
}
