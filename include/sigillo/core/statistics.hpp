// Exact tails and intervals. All tails are natural logarithms, so that 1e-300 and below do not
// underflow. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <span>

namespace sigillo::core {

// log_erlang_tail(n, s) = ln P(X >= s) for X the sum of n independent Exp(1) variables (Gamma(n,
// 1)): ln Q(n, s) = -s + ln sum_{k<n} s^k / k!. n = 0 gives 0 (probability 1). s <= 0 gives 0.
// Relative error of p below 1e-12 * (1 + |ln p|).
[[nodiscard]] double log_erlang_tail(std::int64_t n, double s);

// log_binomial_tail(k, n, p) = ln P(X >= k) for X ~ Binomial(n, p). 0 <= p <= 1, 0 <= n. k <= 0
// gives 0; k > n gives -infinity.
[[nodiscard]] double log_binomial_tail(std::int64_t k, std::int64_t n, double p);

// log_weighted_sum_tail: ln P(T >= t) for T = sum over l of weights[l] * X_l, with X_l independent
// and all of one law: X = smallest + i with probability counts[i] / (sum of counts). Counts are not
// negative, the first and the last are positive; weights are 1..2^20. Exact up to rounding
// (relative error of p below 1e-9) by convolution of exponentially tilted laws, unless that would
// need more than `most_work` multiplications: then `exact` is false and ln_tail is Chernoff's upper
// bound, which is never below the tail. ln_least is ln P(T = its largest value): no smaller tail is
// possible.
struct WeightedSumTail {
  double ln_tail = 0, ln_least = 0;
  bool exact = true;
};
[[nodiscard]] WeightedSumTail log_weighted_sum_tail(std::span<const std::int64_t> counts,
                                                    std::int64_t smallest,
                                                    std::span<const std::int64_t> weights,
                                                    std::int64_t t,
                                                    std::int64_t most_work = std::int64_t{1} << 28);

// One-sided Clopper-Pearson bounds for k successes in n trials at `confidence` in (0, 1): the true
// rate is below the upper bound (above the lower) with at least that confidence. n = 0 gives 1 (0).
[[nodiscard]] double clopper_pearson_upper(std::int64_t k, std::int64_t n, double confidence);
[[nodiscard]] double clopper_pearson_lower(std::int64_t k, std::int64_t n, double confidence);

// floor(log10(p) * 1e6) of a natural logarithm ln p <= 0, saturating at the 64-bit minimum: the
// integer form of a p-value.
[[nodiscard]] std::int64_t log10_micro(double ln_p);

}  // namespace sigillo::core
