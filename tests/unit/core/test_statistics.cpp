// Properties of the exact tails; their values are tests/vectors/text/tails.txt.
#include "sigillo/core/statistics.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

using namespace sigillo::core;

TEST_CASE("erlang tail: edges, monotone, recurrence") {
  CHECK(log_erlang_tail(0, 5) == 0);
  CHECK(log_erlang_tail(5, 0) == 0);
  CHECK(log_erlang_tail(5, -1) == 0);
  CHECK(std::isinf(log_erlang_tail(5, INFINITY)));
  CHECK(log_erlang_tail(1, 12345.5) == -12345.5);
  for (const std::int64_t n : {1, 2, 15, 16, 17, 200, 100000, 1 << 20}) {
    double previous = 0.5;
    for (int step = 0; step <= 400; ++step) {  // across the change of formula at s = n
      const double s = static_cast<double>(n) * (0.5 + step / 200.0);
      const double tail = log_erlang_tail(n, s);
      CHECK(tail <= previous);
      CHECK(tail <= 0);
      CHECK(log_erlang_tail(n + 1, s) >= tail);
      previous = tail;
    }
  }
  // Q(n + 1, s) = Q(n, s) + s^n e^-s / n!
  for (const double s : {0.5, 3.0, 10.0, 19.5}) {
    double log_factorial = 0;
    for (std::int64_t n = 1; n < 30; ++n) {
      log_factorial += std::log(static_cast<double>(n));
      const double term = std::exp(static_cast<double>(n) * std::log(s) - s - log_factorial);
      CHECK(std::exp(log_erlang_tail(n + 1, s)) ==
            Approx(std::exp(log_erlang_tail(n, s)) + term).epsilon(1e-14).margin(0));
    }
  }
}

TEST_CASE("binomial tail: edges, complement, exhaustive small laws") {
  CHECK(log_binomial_tail(0, 10, 0.3) == 0);
  CHECK(log_binomial_tail(-3, 10, 0.3) == 0);
  CHECK(std::isinf(log_binomial_tail(11, 10, 0.3)));
  CHECK(std::isinf(log_binomial_tail(1, 10, 0)));
  CHECK(log_binomial_tail(10, 10, 1) == 0);
  CHECK(log_binomial_tail(0, 0, 0.5) == 0);
  CHECK(std::isinf(log_binomial_tail(1, 0, 0.5)));
  for (const double p : {0.001, 0.25, 0.5, 0.75, 0.999}) {
    for (std::int64_t n = 1; n <= 12; ++n) {
      for (std::int64_t k = 1; k <= n; ++k) {  // every outcome of n trials, counted one by one
        double sum = 0;
        for (unsigned outcome = 0; outcome < 1u << n; ++outcome) {
          const int successes = __builtin_popcount(outcome);
          if (successes >= k)
            sum += std::pow(p, successes) * std::pow(1 - p, static_cast<double>(n) - successes);
        }
        CHECK(std::exp(log_binomial_tail(k, n, p)) == Approx(sum).epsilon(1e-12).margin(0));
      }
    }
  }
  for (const std::int64_t n : {20, 1000, 1000000}) {
    double previous = 0;
    for (std::int64_t k = 1; k <= n; k += n / 20) {
      const double tail = log_binomial_tail(k, n, 0.25);
      CHECK(tail <= previous);
      previous = tail;
      // P(X >= k) + P(n - X >= n - k + 1) = 1
      CHECK(std::exp(tail) + std::exp(log_binomial_tail(n - k + 1, n, 0.75)) ==
            Approx(1).epsilon(1e-13).margin(0));
    }
  }
}

TEST_CASE("clopper-pearson: closed forms, inversion, coverage") {
  CHECK(clopper_pearson_upper(0, 0, 0.95) == 1);
  CHECK(clopper_pearson_lower(0, 0, 0.95) == 0);
  CHECK(clopper_pearson_upper(7, 7, 0.95) == 1);
  CHECK(clopper_pearson_lower(0, 7, 0.95) == 0);
  for (const std::int64_t n : {1, 10, 1000, 1000000000}) {  // the closed forms of k = 0 and k = n
    const double alpha_root = std::log(0.05) / static_cast<double>(n);
    CHECK(clopper_pearson_upper(0, n, 0.95) ==
          Approx(-std::expm1(alpha_root)).epsilon(1e-13).margin(0));
    CHECK(clopper_pearson_lower(n, n, 0.95) ==
          Approx(std::exp(alpha_root)).epsilon(1e-13).margin(0));
  }
  for (const std::int64_t k : {1, 3, 50, 99}) {
    const double upper = clopper_pearson_upper(k, 100, 0.99),
                 lower = clopper_pearson_lower(k, 100, 0.99);
    CHECK(lower < static_cast<double>(k) / 100);
    CHECK(upper > static_cast<double>(k) / 100);
    CHECK(std::exp(log_binomial_tail(k, 100, lower)) == Approx(0.01).epsilon(1e-10).margin(0));
    CHECK(1 - std::exp(log_binomial_tail(k + 1, 100, upper)) ==
          Approx(0.01).epsilon(1e-10).margin(0));
    CHECK(upper == Approx(1 - clopper_pearson_lower(100 - k, 100, 0.99)).epsilon(1e-12).margin(0));
  }
  for (const double p :
       {0.02, 0.3, 0.9}) {  // exact coverage of the upper bound: at least the confidence
    double covered = 0;
    for (std::int64_t k = 0; k <= 40; ++k) {
      if (clopper_pearson_upper(k, 40, 0.95) < p) continue;
      covered += std::exp(log_binomial_tail(k, 40, p)) - std::exp(log_binomial_tail(k + 1, 40, p));
    }
    CHECK(covered >= 0.95);
  }
}

TEST_CASE("log10_micro: floor, zero, saturation") {
  CHECK(log10_micro(0) == 0);
  CHECK(log10_micro(-1e-9) == -1);
  CHECK(log10_micro(std::log(0.5)) == -301030);
  CHECK(log10_micro(-2.302585092994045 * 400) == -400000000);
  CHECK(log10_micro(-2.302585092994047 * 400) == -400000001);
  CHECK(log10_micro(-INFINITY) == std::numeric_limits<std::int64_t>::min());
  CHECK(log10_micro(-1e300) == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("weighted sum tail: small laws, counted outcome by outcome") {
  const std::vector<std::int64_t> counts = {2, 0, 5, 1};
  const std::vector<std::int64_t> weights = {3, 1, 2};
  constexpr std::int64_t kSmallest = 4, kOutcomes = 8 * 8 * 8;
  for (std::int64_t t = 20; t <= 45; ++t) {
    std::int64_t ways = 0;
    for (std::size_t a = 0; a < 4; ++a) {
      for (std::size_t b = 0; b < 4; ++b) {
        for (std::size_t c = 0; c < 4; ++c) {
          const auto sum = static_cast<std::int64_t>(3 * a + b + 2 * c) + 6 * kSmallest;
          if (sum >= t) ways += counts[a] * counts[b] * counts[c];
        }
      }
    }
    const WeightedSumTail tail = log_weighted_sum_tail(counts, kSmallest, weights, t);
    CHECK(tail.exact);
    CHECK(std::exp(tail.ln_least) == Approx(1.0 / kOutcomes).epsilon(1e-13).margin(0));
    if (ways == 0) {
      CHECK(std::isinf(tail.ln_tail));
    } else {
      CHECK(std::exp(tail.ln_tail) ==
            Approx(static_cast<double>(ways) / kOutcomes).epsilon(1e-12).margin(0));
    }
    CHECK(tail.ln_tail <= 0);
  }
}

TEST_CASE("weighted sum tail: agrees with the binomial law down to 1e-300") {
  // The sum of 60 tosses of 20 coins is that of 1200 coins.
  std::vector<std::int64_t> counts(21, 1);
  for (std::int64_t k = 1; k <= 20; ++k) {
    counts[static_cast<std::size_t>(k)] = counts[static_cast<std::size_t>(k) - 1] * (21 - k) / k;
  }
  const std::vector<std::int64_t> weights(60, 1);
  for (const std::int64_t t : {500, 600, 700, 900, 1100, 1190, 1200}) {
    const double expected = log_binomial_tail(t, 1200, 0.5);
    const WeightedSumTail exact = log_weighted_sum_tail(counts, 0, weights, t);
    CHECK(exact.ln_tail == Approx(expected).epsilon(1e-11).margin(1e-11));
    const WeightedSumTail bound = log_weighted_sum_tail(counts, 0, weights, t, 0);
    CHECK(bound.exact == false);
    CHECK(bound.ln_tail >= expected - 1e-9);  // equal at the largest value, but for rounding
    CHECK(bound.ln_tail <= expected + 6);
  }
}
