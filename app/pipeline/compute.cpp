#include "app/pipeline/compute.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/pipeline/shipped.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::app {
namespace fs = std::filesystem;
using audit::ComputePeriod;
using audit::FactStatus;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

constexpr std::size_t kMaxProfileBytes = std::size_t{1} << 20;

Result<std::string> profile_text(const fs::path& folder, const char* name) {
  SIGILLO_TRY(const core::Bytes bytes, core::read_file(folder / name, kMaxProfileBytes));
  return std::string(core::as_text(bytes));
}

Result<audit::ClusterUnits> parse_units(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0)
    return Error{ErrorCode::invalid_argument, fmt::format("\"{}\" is no SKU:COUNT", text),
                 "write for example h100-sxm5:100000"};
  audit::ClusterUnits units;
  units.sku = text.substr(0, colon);
  auto count = audit::parse_count(std::string_view(text).substr(colon + 1));
  if (!count.has_value()) return count.error().in(fmt::format("--gpus {}", text));
  units.count = *count;
  return units;
}

Result<std::vector<audit::ClusterUnits>> units_of(const audit::ComputeProfiles& profiles,
                                                  ComputeReport& report) {
  const ComputeRequest& request = report.request;
  if (request.cluster.empty() == request.gpus.empty())
    return Error{ErrorCode::invalid_argument, "the hardware is not given, or given twice",
                 "give either --cluster NAME or --gpus SKU:COUNT"};
  if (!request.cluster.empty()) {
    SIGILLO_TRY(report.cluster, profiles.cluster(request.cluster));
    return report.cluster->units;
  }
  std::vector<audit::ClusterUnits> units;
  for (const std::string& text : request.gpus) {
    SIGILLO_TRY(audit::ClusterUnits one, parse_units(text));
    units.push_back(std::move(one));
  }
  return units;
}

Status add_device(const audit::ComputeProfiles& profiles, const audit::ClusterUnits& units,
                  ComputeReport& report) {
  SIGILLO_TRY(audit::Accelerator accelerator, profiles.accelerator(units.sku));
  const audit::Peak* peak = accelerator.peak(report.request.dtype);
  if (peak == nullptr) {
    std::string known;
    for (const audit::Peak& other : accelerator.peaks)
      known += fmt::format("{}{}", known.empty() ? "" : ", ", other.dtype);
    return Error{ErrorCode::not_found,
                 fmt::format("no peak of {} for \"{}\" is known", units.sku, report.request.dtype),
                 fmt::format("--dtype may be {}", known)};
  }
  report.devices.push_back({accelerator, *peak, units.count});
  return {};
}

std::vector<ComputePeriod> periods_of(const ComputeReport& report) {
  std::vector<ComputePeriod> periods;
  for (const DeviceUse& device : report.devices)
    periods.push_back(
        {device.count, report.seconds, device.peak.dense_gflops, report.utilisation_micro});
  return periods;
}

std::optional<std::int64_t> crossing(const std::vector<ComputePeriod>& periods,
                                     std::int64_t line_e12, std::int64_t percent) {
  const auto seconds = audit::seconds_until_above(periods, line_e12, percent);
  return seconds.has_value() ? std::optional(*seconds) : std::nullopt;
}

LineCrossing cross(const audit::ComputeLine& line, const std::vector<ComputePeriod>& periods,
                   const audit::ComputeAmount& amount) {
  LineCrossing result;
  result.line = line;
  result.seconds = crossing(periods, line.flop_e12, 100);
  result.earliest_seconds = crossing(periods, line.flop_e12, 100 + audit::kMarginPercent);
  result.latest_seconds = crossing(periods, line.flop_e12, 100 - audit::kMarginPercent);
  result.verdict = amount.low_e12 > line.flop_e12    ? "above"
                   : amount.high_e12 > line.flop_e12 ? "straddles"
                                                     : "below";
  return result;
}

Status add_architecture(ComputeReport& report, const std::vector<ComputePeriod>& periods) {
  const ComputeRequest& request = report.request;
  if (request.parameters.empty() != request.tokens.empty())
    return Error{ErrorCode::invalid_argument, "parameters and tokens belong together",
                 "give both --parameters and --tokens, or neither"};
  if (request.parameters.empty()) return {};
  SIGILLO_TRY(const std::int64_t parameters, audit::parse_count(request.parameters));
  SIGILLO_TRY(const std::int64_t tokens, audit::parse_count(request.tokens));
  SIGILLO_TRY(report.architecture, audit::architecture_compute(parameters, tokens));
  SIGILLO_TRY(report.implied_utilisation_micro,
              audit::implied_utilisation_micro(periods, report.architecture->exact));
  const audit::ComputeAmount& second = *report.architecture;
  if (second.e12 < report.amount.low_e12 || second.e12 > report.amount.high_e12)
    report.warnings.push_back(
        "the two methods differ by more than 30 %: one of the inputs is wrong, or the hardware did "
        "more than one pass over these tokens");
  return {};
}

void add_warnings(ComputeReport& report) {
  if (report.utilisation_micro < audit::kLowUtilisationMicro ||
      report.utilisation_micro > audit::kHighUtilisationMicro)
    report.warnings.push_back(
        "a model FLOP utilisation outside 0.2 to 0.6 is implausible for training (published runs: "
        "0.30 to 0.45); what nvidia-smi calls utilisation is another quantity");
  if (report.cluster.has_value() && report.cluster->status == FactStatus::claimed)
    report.warnings.push_back(fmt::format("cluster {} is a claim of {}, {}", report.cluster->name,
                                          report.cluster->claimed_by, report.cluster->claimed_at));
  else if (report.cluster.has_value() && report.cluster->status != FactStatus::confirmed)
    report.warnings.push_back(
        fmt::format("cluster {} is {}", report.cluster->name, to_string(report.cluster->status)));
  for (const DeviceUse& device : report.devices)
    if (device.peak.status != FactStatus::confirmed)
      report.warnings.push_back(fmt::format("the {} peak of {} is {}", device.peak.dtype,
                                            device.accelerator.sku, to_string(device.peak.status)));
  for (const LineCrossing& crossing : report.lines)
    if (crossing.verdict == "straddles")
      report.warnings.push_back(fmt::format(
          "the margin holds the line {}: the estimate cannot tell on which side the run ends",
          crossing.line.id));
}

Json amount_json(const audit::ComputeAmount& amount) {
  return Json{{"exact", amount.exact},
              {"e12", amount.e12},
              {"low_e12", amount.low_e12},
              {"high_e12", amount.high_e12}};
}

Json seconds_json(const ComputeReport& report, const std::optional<std::int64_t>& seconds) {
  if (!seconds.has_value()) return nullptr;
  Json json{{"seconds", *seconds}, {"day", (*seconds - 1) / 86400 + 1}};
  if (report.request.start.has_value()) json["date"] = day_of(*report.request.start, *seconds);
  return json;
}

Json cluster_json(const audit::Cluster& cluster) {
  Json json{{"name", cluster.name},
            {"title", cluster.title},
            {"status", to_string(cluster.status)},
            {"source", cluster.source},
            {"note", cluster.note}};
  if (!cluster.claimed_by.empty()) {
    json["claimed_by"] = cluster.claimed_by;
    json["claimed_at"] = cluster.claimed_at;
  }
  return json;
}

}  // namespace

Result<audit::ComputeProfiles> load_profiles() {
  const fs::path folder = shipped_folders("SIGILLO_PROFILES", "profiles").front();
  SIGILLO_TRY(const std::string accelerators, profile_text(folder, "accelerators.json"));
  SIGILLO_TRY(const std::string clusters, profile_text(folder, "clusters.json"));
  SIGILLO_TRY(const std::string lines, profile_text(folder, "lines.json"));
  auto profiles = audit::parse_profiles(accelerators, clusters, lines);
  if (!profiles.has_value()) return profiles.error().in(folder.string());
  return profiles;
}

Result<ComputeReport> estimate_compute(const audit::ComputeProfiles& profiles,
                                       const ComputeRequest& request) {
  ComputeReport report;
  report.request = request;
  SIGILLO_TRY(const std::vector<audit::ClusterUnits> units, units_of(profiles, report));
  for (const audit::ClusterUnits& one : units) SIGILLO_TRY_VOID(add_device(profiles, one, report));
  SIGILLO_TRY(const std::int64_t micro_days, audit::parse_micro(request.days));
  if (micro_days < 1 || micro_days / 1000000 > audit::kMaxSeconds / 86400)
    return Error{ErrorCode::invalid_argument, "--days has to be above 0 and at most 36,525",
                 "give the training time in days"};
  // A second is 12 micro-days: parts of one are rounded up, as all that counts here is.
  report.seconds = (micro_days * 864 + 9999) / 10000;
  SIGILLO_TRY(report.utilisation_micro, audit::parse_micro(request.mfu));
  const std::vector<ComputePeriod> periods = periods_of(report);
  SIGILLO_TRY(report.amount, audit::hardware_compute(periods));
  for (const audit::ComputeLine& line : profiles.lines)
    report.lines.push_back(cross(line, periods, report.amount));
  SIGILLO_TRY_VOID(add_architecture(report, periods));
  add_warnings(report);
  return report;
}

std::string day_of(core::Timestamp start, std::int64_t seconds) {
  return core::to_date({start.seconds + seconds - 1, 0});
}

Json to_json(const ComputeReport& report) {
  Json devices = Json::array();
  for (const DeviceUse& device : report.devices)
    devices.push_back(Json{{"sku", device.accelerator.sku},
                           {"name", device.accelerator.name},
                           {"count", device.count},
                           {"dtype", device.peak.dtype},
                           {"dense_gflops", device.peak.dense_gflops},
                           {"peak_status", to_string(device.peak.status)},
                           {"source", device.accelerator.source}});
  Json lines = Json::array();
  for (const LineCrossing& c : report.lines)
    lines.push_back(Json{{"id", c.line.id},
                         {"title", c.line.title},
                         {"ref", c.line.ref},
                         {"note", c.line.note},
                         {"status", to_string(c.line.status)},
                         {"above_e12", c.line.flop_e12},
                         {"after_duration", c.verdict},
                         {"passed", seconds_json(report, c.seconds)},
                         {"passed_earliest", seconds_json(report, c.earliest_seconds)},
                         {"passed_latest", seconds_json(report, c.latest_seconds)}});
  Json json{{"basis", "estimated"},
            {"method", kHardwareMethod},
            {"margin_percent", audit::kMarginPercent},
            {"devices", devices},
            {"duration_seconds", report.seconds},
            {"utilisation_micro", report.utilisation_micro},
            {"flop", amount_json(report.amount)},
            {"lines", lines},
            {"warnings", report.warnings}};
  if (report.cluster.has_value()) json["cluster"] = cluster_json(*report.cluster);
  if (report.request.start.has_value()) json["start"] = core::to_date(*report.request.start);
  if (report.architecture.has_value())
    json["second_opinion"] = Json{{"method", kArchitectureMethod},
                                  {"flop", amount_json(*report.architecture)},
                                  {"implied_utilisation_micro", *report.implied_utilisation_micro}};
  return json;
}

}  // namespace sigillo::app
