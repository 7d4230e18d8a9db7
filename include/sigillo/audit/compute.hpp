// Training compute, estimated before or without a measurement: the hardware method C = N L H U and
// the architecture method C = 6 P D of the Commission's Guidelines (Annex A.2), in integers.
// Pure functions; thread-safe. docs/formats/compute-profile.md describes the profiles.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sigillo/core/result.hpp"

namespace sigillo::audit {

// How well a number is known. Only `confirmed` was read at its source.
//   confirmed     read in the source that decides
//   secondary     read in somebody's table of the sources
//   claimed       said by the party concerned
//   hypothetical  a what-if
//   unverified    written from memory: look it up before it is quoted
enum class FactStatus { confirmed, secondary, claimed, hypothetical, unverified };
[[nodiscard]] std::string_view to_string(FactStatus status);

struct Peak {
  std::string dtype;              // "bf16"
  std::int64_t dense_gflops = 0;  // dense, never sparse; 10^9 operations a second
  FactStatus status = FactStatus::unverified;
};
struct Accelerator {
  std::string sku, name, source, note;
  std::vector<Peak> peaks;
  std::optional<std::int64_t> tdp_watts;
  [[nodiscard]] const Peak* peak(std::string_view dtype) const;  // nullptr: not given
};
struct ClusterUnits {
  std::string sku;
  std::int64_t count = 0;
};
struct Cluster {
  std::string name, title, source, note;
  std::vector<ClusterUnits> units;
  FactStatus status = FactStatus::unverified;
  std::string claimed_by, claimed_at;  // together or not at all
};
// A line that the law draws: an amount of compute *above* which something holds.
struct ComputeLine {
  std::string id, title, ref, note;
  std::int64_t flop_e12 = 0;  // exact, in units of 10^12
  FactStatus status = FactStatus::unverified;
};
struct ComputeProfiles {
  std::vector<Accelerator> accelerators;  // sorted by sku
  std::vector<Cluster> clusters;          // sorted by name; each sku is an accelerator
  std::vector<ComputeLine> lines;         // ascending
  // not_found names those that are there.
  [[nodiscard]] core::Result<Accelerator> accelerator(std::string_view sku) const;
  [[nodiscard]] core::Result<Cluster> cluster(std::string_view name) const;
};
// Reads the texts of accelerators.json, clusters.json and lines.json. Strict: unknown, missing and
// duplicate members, wrong order, unknown words and numbers past their limits are invalid_input.
[[nodiscard]] core::Result<ComputeProfiles> parse_profiles(std::string_view accelerators,
                                                           std::string_view clusters,
                                                           std::string_view lines);

inline constexpr std::int64_t kMaxUnits = 100000000;       // devices in one period
inline constexpr std::int64_t kMaxPeakGflops = 100000000;  // 10^17 operations a second
inline constexpr std::int64_t kMaxSeconds = 3155760000;    // 100 years
inline constexpr std::size_t kMaxPeriods = 64;
inline constexpr std::int64_t kMarginPercent = 30;  // the Guidelines' overall error margin
// Outside of this, a stated utilisation is implausible for training; most published runs have 0.30
// to 0.45.
inline constexpr std::int64_t kLowUtilisationMicro = 200000;
inline constexpr std::int64_t kHighUtilisationMicro = 600000;

// One stretch with `units` equal devices. Mixed devices are several periods, as are changes.
struct ComputePeriod {
  std::int64_t units = 0;              // N
  std::int64_t seconds = 0;            // L
  std::int64_t peak_gflops = 0;        // H
  std::int64_t utilisation_micro = 0;  // U, millionths: model FLOP utilisation, 1 to 10^6
};

// An amount with the Guidelines' margin. The ends are rounded outward, the amount up, so that
// rounding never hides that a line is passed.
struct ComputeAmount {
  std::string exact;     // decimal, operations
  std::int64_t e12 = 0;  // units of 10^12
  std::int64_t low_e12 = 0, high_e12 = 0;
};

// The sum of N L H U. invalid_argument names the quantity that is out of range.
[[nodiscard]] core::Result<ComputeAmount> hardware_compute(std::span<const ComputePeriod> periods);
// 6 P D for a dense transformer whose parameters outnumber its context by far.
[[nodiscard]] core::Result<ComputeAmount> architecture_compute(std::int64_t parameters,
                                                               std::int64_t tokens);
// The first whole second after which `percent` per cent of what the periods do side by side is
// above the line. Each period's `seconds` is ignored.
[[nodiscard]] core::Result<std::int64_t> seconds_until_above(
    std::span<const ComputePeriod> side_by_side, std::int64_t line_e12, std::int64_t percent = 100);
// The utilisation at which the periods would do exactly this amount, in millionths; may be above
// 10^6, which says that the inputs do not fit each other.
[[nodiscard]] core::Result<std::int64_t> implied_utilisation_micro(
    std::span<const ComputePeriod> periods, std::string_view exact_flop);

// "0.4" as 400000: a plain decimal with at most six digits after the point, below 10^12.
[[nodiscard]] core::Result<std::int64_t> parse_micro(std::string_view decimal);
// "405e9", "15.6e12", "1000000": a positive whole number of at most 18 digits.
[[nodiscard]] core::Result<std::int64_t> parse_count(std::string_view text);

}  // namespace sigillo::audit
