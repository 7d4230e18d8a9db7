#include "sigillo/core/statistics.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "sigillo/core/result.hpp"

namespace sigillo::core {
namespace {

// Both tails are sums of positive terms, summed from the largest one; the largest is computed by
// Loader's saddle-point form
// ("Fast and accurate computation of binomial probabilities", 2000), which has no cancellation.
// Inner arithmetic has the 64-bit significand of x86's long double, so that the promised accuracy
// holds for 2^20 terms and more.
using Real = long double;
constexpr Real kNegativeInfinity = -std::numeric_limits<Real>::infinity();
constexpr Real kLn2Pi = 1.837877066409345483560659472811235L;
constexpr Real kNegligible = 1e-22L;  // a term so small beside the sum ends it

// ln n! - (n + 1/2) ln n + n - ln(2 pi) / 2, for n >= 1.
Real stirling_error(Real n) {
  if (n < 16) {
    Real log_factorial = 0;
    for (Real j = 2; j <= n; ++j) log_factorial += std::log(j);
    return log_factorial - (n + 0.5L) * std::log(n) + n - 0.5L * kLn2Pi;
  }
  // B_2k / (2k (2k - 1)) for k = 8 .. 1; the next term is below 1e-20 here.
  constexpr std::array<Real, 8> kSeries = {-3617.0L / 122400, 1.0L / 156,   -691.0L / 360360,
                                           1.0L / 1188,       -1.0L / 1680, 1.0L / 1260,
                                           -1.0L / 360,       1.0L / 12};
  const Real inverse_square = 1 / (n * n);
  Real sum = 0;
  for (const Real coefficient : kSeries) sum = sum * inverse_square + coefficient;
  return sum / n;
}

// x ln(x / mean) + mean - x without cancellation; x, mean > 0.
Real deviance(Real x, Real mean) {
  const Real difference = x - mean;
  if (std::fabs(difference) >= 0.1L * (x + mean)) return x * std::log(x / mean) - difference;
  const Real v = difference / (x + mean);
  Real sum = difference * v;
  Real power = 2 * x * v;
  for (int j = 3; j < 200; j += 2) {
    power *= v * v;
    const Real next = sum + power / static_cast<Real>(j);
    if (next == sum) break;
    sum = next;
  }
  return sum;
}

// ln(s^k e^-s / k!), s > 0.
Real log_poisson(Real k, Real s) {
  if (k == 0) return -s;
  return -stirling_error(k) - deviance(k, s) - 0.5L * (kLn2Pi + std::log(k));
}

// ln of the binomial probability of k in n; 0 < p < 1, q = 1 - p.
Real log_binomial(Real k, Real n, Real p, Real q) {
  if (k == 0) return p < 0.5L ? n * std::log1p(-p) : n * std::log(q);
  if (k == n) return q < 0.5L ? n * std::log1p(-q) : n * std::log(p);
  return stirling_error(n) - stirling_error(k) - stirling_error(n - k) - deviance(k, n * p) -
         deviance(n - k, n * q) + 0.5L * (std::log(n) - kLn2Pi - std::log(k) - std::log(n - k));
}

// ln P(X >= k), 1 <= k <= n, by its own terms: right where k is above the mean.
Real log_upper_sum(Real k, Real n, Real p, Real q) {
  Real term = 1, sum = 1;
  for (Real j = k; j < n; ++j) {
    term *= (n - j) * p / ((j + 1) * q);
    sum += term;
    if (term < sum * kNegligible) break;
  }
  return log_binomial(k, n, p, q) + std::log(sum);
}

// ln P(X >= k) for 0 < p < 1, with q = 1 - p given apart so that a tiny q keeps its bits.
Real log_tail(std::int64_t k, std::int64_t n, Real p, Real q) {
  if (k <= 0) return 0;
  if (k > n) return kNegativeInfinity;
  const auto real_k = static_cast<Real>(k), real_n = static_cast<Real>(n);
  if (real_k > real_n * p) return log_upper_sum(real_k, real_n, p, q);
  // P(X <= k - 1) is P(n - X >= n - k + 1) of the mirrored law.
  const Real below = log_upper_sum(real_n - real_k + 1, real_n, q, p);
  return std::log1p(-std::exp(below));
}

// The doubles in [0, 1] are in the order of their bit patterns, so this bisection ends with two
// neighbours after at most 62 steps. Returns the largest p with holds(p), and through `next` the
// double above it; holds must be monotone, and hold at 0.
template <class Predicate>
double last_that_holds(Predicate holds, double& next) {
  std::uint64_t low = std::bit_cast<std::uint64_t>(0.0), high = std::bit_cast<std::uint64_t>(1.0);
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (holds(std::bit_cast<double>(middle)) ? low : high) = middle;
  }
  next = std::bit_cast<double>(high);
  return std::bit_cast<double>(low);
}

void check_counts(std::int64_t k, std::int64_t n, double confidence) {
  SIGILLO_CHECK(n >= 0 && k >= 0 && k <= n);
  SIGILLO_CHECK(confidence > 0 && confidence < 1);
}

}  // namespace

double log_erlang_tail(std::int64_t n, double s) {
  SIGILLO_CHECK(n >= 0 && !std::isnan(s));
  if (n == 0 || s <= 0) return 0;
  if (std::isinf(s)) return -std::numeric_limits<double>::infinity();
  const auto shape = static_cast<Real>(n);
  const Real x = s;
  Real term = 1, sum = 1;
  if (x > shape) {  // Q = sum of the Poisson terms below n, from n - 1 down
    for (Real k = shape - 1; k > 0; --k) {
      term *= k / x;
      sum += term;
      if (term < sum * kNegligible) break;
    }
    return static_cast<double>(log_poisson(shape - 1, x) + std::log(sum));
  }
  for (Real k = shape + 1;; ++k) {  // 1 - Q = sum of the terms from n up
    term *= x / k;
    sum += term;
    if (term < sum * kNegligible) break;
  }
  return static_cast<double>(std::log1p(-std::exp(log_poisson(shape, x) + std::log(sum))));
}

double log_binomial_tail(std::int64_t k, std::int64_t n, double p) {
  SIGILLO_CHECK(n >= 0 && p >= 0 && p <= 1);
  if (k <= 0) return 0;
  if (k > n || p == 0) return -std::numeric_limits<double>::infinity();
  if (p == 1) return 0;
  return static_cast<double>(log_tail(k, n, p, 1 - static_cast<Real>(p)));
}

double clopper_pearson_upper(std::int64_t k, std::int64_t n, double confidence) {
  check_counts(k, n, confidence);
  if (k == n) return 1;
  const Real log_alpha = std::log1p(-static_cast<Real>(confidence));
  double bound = 1;  // the first p whose P(X <= k; p) is below alpha
  (void)last_that_holds(
      [&](double p) { return log_tail(n - k, n, 1 - static_cast<Real>(p), p) >= log_alpha; },
      bound);
  return bound;
}

double clopper_pearson_lower(std::int64_t k, std::int64_t n, double confidence) {
  check_counts(k, n, confidence);
  if (k == 0) return 0;
  const Real log_alpha = std::log1p(-static_cast<Real>(confidence));
  double above = 0;
  return last_that_holds(
      [&](double p) { return log_tail(k, n, p, 1 - static_cast<Real>(p)) <= log_alpha; }, above);
}

std::int64_t log10_micro(double ln_p) {
  SIGILLO_CHECK(ln_p <= 0);
  constexpr Real kMicroPerNat = 434294.4819032518276511289189166051L;  // 1e6 / ln 10
  const Real scaled = std::floor(static_cast<Real>(ln_p) * kMicroPerNat);
  constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
  return scaled <= static_cast<Real>(kLowest) ? kLowest : static_cast<std::int64_t>(scaled);
}

}  // namespace sigillo::core
