#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "sigillo/core/result.hpp"
#include "sigillo/core/statistics.hpp"

namespace sigillo::core {
namespace {

// The common law of the X_l, by the distance i from its largest value: X = largest - i. All
// exponents below are then at most 0, so that nothing overflows.
struct Law {
  std::vector<double> probability;
};

// E exp(-angle * i), and through `mean` the mean of i under the law tilted by it.
double moment(const Law& law, double angle, double& mean) {
  double sum = 0, first = 0;
  for (std::size_t i = 0; i < law.probability.size(); ++i) {
    const double mass = law.probability[i] * std::exp(-angle * static_cast<double>(i));
    sum += mass;
    first += mass * static_cast<double>(i);
  }
  mean = first / sum;
  return sum;
}

// ln of the joint moment of D = sum of weights[l] * i_l, and its tilted mean.
double log_moment(const Law& law, std::span<const std::int64_t> weights, double angle,
                  double& mean) {
  double sum = 0;
  mean = 0;
  for (const std::int64_t weight : weights) {
    double one = 0;
    sum += std::log(moment(law, angle * static_cast<double>(weight), one));
    mean += static_cast<double>(weight) * one;
  }
  return sum;
}

// The angle >= 0 at which the tilted mean of D is d; any other one is only less tight.
double saddle(const Law& law, std::span<const std::int64_t> weights, double d) {
  double low = 0, high = 1.0 / 1024, mean = 0;
  (void)log_moment(law, weights, 0, mean);
  if (mean <= d) return 0;
  constexpr double kSteepest = 64;  // e^-64 a step: all mass is at the largest value
  for (;; high *= 2) {
    (void)log_moment(law, weights, high, mean);
    if (mean <= d) break;
    if (high >= kSteepest) return high;
  }
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (void)log_moment(law, weights, middle, mean);
    (mean > d ? low : high) = middle;
  }
  return high;
}

// P(D <= d) * exp(angle * d) / moment, by convolution of the tilted laws; D's values above d are
// never needed, because no term lowers D.
double tilted_tail(const Law& law, std::span<const std::int64_t> weights, std::int64_t d,
                   double angle) {
  std::vector<double> sum(1, 1.0), next;
  for (const std::int64_t weight : weights) {
    const double tilt = angle * static_cast<double>(weight);
    double mean = 0;
    const double scale = 1 / moment(law, tilt, mean);
    const std::int64_t longest = static_cast<std::int64_t>(sum.size()) - 1 +
                                 weight * (static_cast<std::int64_t>(law.probability.size()) - 1);
    next.assign(static_cast<std::size_t>(std::min(longest, d)) + 1, 0.0);
    for (std::size_t i = 0; i < law.probability.size(); ++i) {
      const std::size_t shift = static_cast<std::size_t>(weight) * i;
      if (shift >= next.size()) break;
      const double mass = law.probability[i] * std::exp(-tilt * static_cast<double>(i)) * scale;
      if (mass == 0) continue;
      const std::size_t count = std::min(sum.size(), next.size() - shift);
      for (std::size_t k = 0; k < count; ++k) next[shift + k] += mass * sum[k];
    }
    std::swap(sum, next);
  }
  double tail = 0;
  for (std::size_t k = 0; k < sum.size(); ++k)
    tail += sum[k] * std::exp(-angle * static_cast<double>(d - static_cast<std::int64_t>(k)));
  return tail;
}

std::int64_t work(const Law& law, std::span<const std::int64_t> weights, std::int64_t d) {
  const auto width = static_cast<std::int64_t>(law.probability.size());
  std::int64_t size = 1, total = 0;
  for (const std::int64_t weight : weights) {
    total += size * width;
    size = std::min(size + weight * (width - 1), d + 1);
  }
  return total;
}

}  // namespace

WeightedSumTail log_weighted_sum_tail(std::span<const std::int64_t> counts, std::int64_t smallest,
                                      std::span<const std::int64_t> weights, std::int64_t t,
                                      std::int64_t most_work) {
  SIGILLO_CHECK(!counts.empty() && counts.front() > 0 && counts.back() > 0);
  Law law;
  double total = 0;
  for (const std::int64_t count : counts) {
    SIGILLO_CHECK(count >= 0);
    total += static_cast<double>(count);
  }
  for (auto count = counts.rbegin(); count != counts.rend(); ++count)
    law.probability.push_back(static_cast<double>(*count) / total);
  const std::int64_t largest = smallest + static_cast<std::int64_t>(counts.size()) - 1;
  std::int64_t all = 0;
  for (const std::int64_t weight : weights) {
    SIGILLO_CHECK(weight >= 1 && weight <= std::int64_t{1} << 20);
    all += weight;
  }
  WeightedSumTail out;
  out.ln_least = static_cast<double>(weights.size()) * std::log(law.probability.front());
  const std::int64_t d = largest * all - t;  // T >= t is D <= d
  const std::int64_t most = all * (largest - smallest);
  if (d >= most) return out;  // certain
  if (d < 0) {
    out.ln_tail = -std::numeric_limits<double>::infinity();
    return out;
  }
  const double angle = saddle(law, weights, static_cast<double>(d));
  double mean = 0;
  const double bound = log_moment(law, weights, angle, mean) + angle * static_cast<double>(d);
  out.exact = work(law, weights, d) <= most_work;
  out.ln_tail =
      std::min(0.0, bound + (out.exact ? std::log(tilted_tail(law, weights, d, angle)) : 0.0));
  return out;
}

}  // namespace sigillo::core
