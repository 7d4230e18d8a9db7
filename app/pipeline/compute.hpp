// Estimates of training compute from profiles, and when they pass the law's lines.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sigillo/audit/compute.hpp"
#include "sigillo/core/clock.hpp"
#include "sigillo/core/json.hpp"

namespace sigillo::app {

// The profiles in SIGILLO_PROFILES, or those beside the program.
[[nodiscard]] core::Result<audit::ComputeProfiles> load_profiles();

struct ComputeRequest {
  std::string cluster;            // a cluster, or
  std::vector<std::string> gpus;  // "SKU:COUNT", one or more kinds side by side
  std::string days, mfu;          // decimals
  std::string dtype = "bf16";
  std::optional<core::Timestamp> start;  // the first day
  std::string parameters, tokens;        // both or neither: the second opinion, 6 P D
};

struct DeviceUse {
  audit::Accelerator accelerator;
  audit::Peak peak;
  std::int64_t count = 0;
};
// When a line is passed: seconds after the start at the estimate and at the two ends of its margin;
// nothing if not within 100 years.
struct LineCrossing {
  audit::ComputeLine line;
  std::optional<std::int64_t> seconds, earliest_seconds, latest_seconds;
  // Of the amount after the whole duration: "above", "straddles" (the margin holds the line) or
  // "below".
  std::string verdict;
};
struct ComputeReport {
  ComputeRequest request;
  std::optional<audit::Cluster> cluster;
  std::vector<DeviceUse> devices;
  std::int64_t seconds = 0, utilisation_micro = 0;
  audit::ComputeAmount amount;
  std::optional<audit::ComputeAmount> architecture;
  std::optional<std::int64_t> implied_utilisation_micro;
  std::vector<LineCrossing> lines;
  std::vector<std::string> warnings;
};
[[nodiscard]] core::Result<ComputeReport> estimate_compute(const audit::ComputeProfiles& profiles,
                                                           const ComputeRequest& request);
// Integers and strings only: a record may hold it.
[[nodiscard]] core::Json to_json(const ComputeReport& report);
// The calendar day in which the second falls.
[[nodiscard]] std::string day_of(core::Timestamp start, std::int64_t seconds);

inline constexpr const char* kHardwareMethod =
    "EU GPAI Guidelines C(2025) 5045 final, Annex A.2.1 (hardware): C = N x L x H x U";
inline constexpr const char* kArchitectureMethod =
    "EU GPAI Guidelines C(2025) 5045 final, Annex A.2.2 (architecture): C = 6 x P x D";

}  // namespace sigillo::app
