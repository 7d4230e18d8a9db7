#include "sigillo/audit/compute.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sigillo/core/json.hpp"

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Result;

namespace {

__extension__ typedef unsigned __int128 Uint128;

constexpr std::uint64_t kE12 = 1000000000000;
constexpr std::int64_t kMicro = 1000000;

std::string decimal(Uint128 value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return digits;
}

Error out_of_range(std::string_view what, std::int64_t value, std::int64_t max) {
  return Error{ErrorCode::invalid_argument,
               fmt::format("{} is {}, and has to be 1 to {}", what, value, max),
               "check the number and its unit"};
}

Result<std::int64_t> units_of_e12(Uint128 flop, bool up) {
  const Uint128 units = flop / kE12 + (up && flop % kE12 != 0 ? 1 : 0);
  if (units > static_cast<Uint128>(core::kMaxJsonInteger))
    return Error{ErrorCode::invalid_argument,
                 "the amount is beyond 9 x 10^27 operations, more than a record can hold",
                 "check count, duration and peak"};
  return static_cast<std::int64_t>(units);
}

Result<ComputeAmount> amount_of(Uint128 flop) {
  ComputeAmount amount;
  amount.exact = decimal(flop);
  SIGILLO_TRY(amount.e12, units_of_e12(flop, true));
  const Uint128 low = flop * static_cast<unsigned>(100 - kMarginPercent) / 100;
  const Uint128 high = (flop * static_cast<unsigned>(100 + kMarginPercent) + 99) / 100;
  SIGILLO_TRY(amount.low_e12, units_of_e12(low, false));
  SIGILLO_TRY(amount.high_e12, units_of_e12(high, true));
  return amount;
}

core::Status check_period(const ComputePeriod& period) {
  if (period.units < 1 || period.units > kMaxUnits)
    return out_of_range("the number of accelerators", period.units, kMaxUnits);
  if (period.peak_gflops < 1 || period.peak_gflops > kMaxPeakGflops)
    return out_of_range("the peak (10^9 operations a second)", period.peak_gflops, kMaxPeakGflops);
  if (period.utilisation_micro < 1 || period.utilisation_micro > kMicro)
    return Error{ErrorCode::invalid_argument, "the utilisation has to be above 0 and at most 1",
                 "give model FLOP utilisation as a fraction, such as 0.4; not per cent, and not "
                 "what nvidia-smi calls utilisation"};
  return {};
}

core::Status check_periods(std::span<const ComputePeriod> periods, bool with_seconds) {
  if (periods.empty() || periods.size() > kMaxPeriods)
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("an estimate has 1 to {} periods, not {}", kMaxPeriods, periods.size()), ""};
  for (const ComputePeriod& period : periods) {
    SIGILLO_TRY_VOID(check_period(period));
    if (with_seconds && (period.seconds < 1 || period.seconds > kMaxSeconds))
      return out_of_range("the duration in seconds", period.seconds, kMaxSeconds);
  }
  return {};
}

// Millionths of 10^9 operations: at most 27 + 27 + 20 bits a second, 32 more over the duration, 6
// for the periods. No product of checked numbers wraps.
Uint128 per_second(const ComputePeriod& period, std::int64_t utilisation_micro) {
  return static_cast<Uint128>(period.units) * static_cast<Uint128>(period.peak_gflops) *
         static_cast<Uint128>(utilisation_micro);
}

constexpr unsigned kFlopPerMicroGflop = 1000;

}  // namespace

Result<ComputeAmount> hardware_compute(std::span<const ComputePeriod> periods) {
  SIGILLO_TRY_VOID(check_periods(periods, true));
  Uint128 sum = 0;
  for (const ComputePeriod& period : periods)
    sum += per_second(period, period.utilisation_micro) * static_cast<Uint128>(period.seconds);
  return amount_of(sum * kFlopPerMicroGflop);
}

Result<ComputeAmount> architecture_compute(std::int64_t parameters, std::int64_t tokens) {
  constexpr std::int64_t max = 1000000000000000000;
  if (parameters < 1 || parameters > max) return out_of_range("parameters", parameters, max);
  if (tokens < 1 || tokens > max) return out_of_range("tokens", tokens, max);
  const Uint128 product = static_cast<Uint128>(parameters) * static_cast<Uint128>(tokens);
  if (product / kE12 > static_cast<Uint128>(core::kMaxJsonInteger))
    return units_of_e12(product, true).error();
  return amount_of(product * 6);
}

Result<std::int64_t> seconds_until_above(std::span<const ComputePeriod> side_by_side,
                                         std::int64_t line_e12, std::int64_t percent) {
  SIGILLO_TRY_VOID(check_periods(side_by_side, false));
  if (line_e12 < 0 || line_e12 > core::kMaxJsonInteger || percent < 1 || percent > 1000)
    return Error{ErrorCode::invalid_argument, "the line or the share is out of range", ""};
  Uint128 rate = 0;
  for (const ComputePeriod& period : side_by_side)
    rate += per_second(period, period.utilisation_micro);
  rate *= static_cast<Uint128>(kFlopPerMicroGflop) * static_cast<Uint128>(percent);
  const Uint128 line = static_cast<Uint128>(line_e12) * kE12 * 100;
  const Uint128 seconds = line / rate + 1;
  if (seconds > static_cast<Uint128>(kMaxSeconds))
    return Error{ErrorCode::not_found, "not within 100 years", ""};
  return static_cast<std::int64_t>(seconds);
}

Result<std::int64_t> implied_utilisation_micro(std::span<const ComputePeriod> periods,
                                               std::string_view exact_flop) {
  SIGILLO_TRY_VOID(check_periods(periods, true));
  const bool digits = !exact_flop.empty() && exact_flop.size() <= 28 &&
                      exact_flop.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits) return Error{ErrorCode::invalid_argument, "not an amount of operations", ""};
  Uint128 wanted = 0;
  for (const char digit : exact_flop) wanted = wanted * 10 + static_cast<unsigned>(digit - '0');
  Uint128 at_one = 0;  // 10^9 operations
  for (const ComputePeriod& period : periods)
    at_one += per_second(period, 1) * static_cast<Uint128>(period.seconds);
  const Uint128 micro = wanted / kFlopPerMicroGflop / at_one;
  if (micro > static_cast<Uint128>(core::kMaxJsonInteger))
    return Error{ErrorCode::invalid_argument, "the two estimates have nothing in common",
                 "check parameters, tokens, count and duration"};
  return static_cast<std::int64_t>(micro);
}

Result<std::int64_t> parse_micro(std::string_view text) {
  const Error wrong{ErrorCode::invalid_argument,
                    fmt::format("\"{}\" is no plain decimal", text.substr(0, 40)),
                    "write it as 0.4 or 100, with at most six digits after the point"};
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view rest = point < text.size() ? text.substr(point + 1) : "";
  const bool fits = !whole.empty() && whole.size() <= 12 && rest.size() <= 6 &&
                    (point == text.size() || !rest.empty());
  if (!fits || whole.find_first_not_of("0123456789") != std::string_view::npos ||
      rest.find_first_not_of("0123456789") != std::string_view::npos)
    return wrong;
  std::int64_t value = 0;
  for (const char digit : whole) value = value * 10 + (digit - '0');
  for (std::size_t i = 0; i < 6; ++i) value = value * 10 + (i < rest.size() ? rest[i] - '0' : 0);
  return value;
}

Result<std::int64_t> parse_count(std::string_view text) {
  const Error wrong{ErrorCode::invalid_argument,
                    fmt::format("\"{}\" is no positive whole number", text.substr(0, 40)),
                    "write it as 405000000000 or 405e9"};
  const std::size_t e = std::min(text.find('e'), text.size());
  SIGILLO_TRY(std::int64_t value, parse_micro(text.substr(0, e)));
  int exponent = -6;
  if (e < text.size()) {
    const std::string_view digits = text.substr(e + 1);
    if (digits.empty() || digits.size() > 2 ||
        digits.find_first_not_of("0123456789") != std::string_view::npos)
      return wrong;
    for (int power = 0; const char digit : digits) {
      power = power * 10 + (digit - '0');
      exponent = power - 6;
    }
  }
  for (; exponent < 0; ++exponent, value /= 10)
    if (value % 10 != 0) return wrong;
  for (; exponent > 0; --exponent) {
    if (value > 99999999999999999) return wrong;
    value *= 10;
  }
  return value == 0 || value > 999999999999999999 ? Result<std::int64_t>(wrong) : value;
}

}  // namespace sigillo::audit
