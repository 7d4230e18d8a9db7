// The profiles of accelerators, clusters and the law's lines: a strict reader.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "sigillo/audit/compute.hpp"
#include "sigillo/audit/runs.hpp"
#include "sigillo/core/clock.hpp"
#include "sigillo/core/json.hpp"

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

constexpr std::size_t kMaxProfileBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxProfiles = 1000;
constexpr std::size_t kMaxProfileText = 1000;
constexpr std::int64_t kProfileFormat = 1;

Error wrong(std::string_view where, std::string_view what) {
  return Error{ErrorCode::invalid_input, fmt::format("{}: {}", where, what),
               "docs/formats/compute-profile.md describes the form"};
}

Status check_members(const Json& object, std::string_view where,
                     const std::set<std::string_view>& known) {
  if (!object.is_object()) return wrong(where, "not an object");
  for (const auto& [name, value] : object.items())
    if (!known.contains(name)) return wrong(where, fmt::format("unknown member \"{}\"", name));
  return {};
}

Result<std::string> text(const Json& object, std::string_view member, std::string_view where,
                         bool may_be_empty = false) {
  SIGILLO_TRY(std::string value, core::json_string(object, member, where));
  if ((value.empty() && !may_be_empty) || value.size() > kMaxProfileText)
    return wrong(where,
                 fmt::format("{} is empty or longer than {} bytes", member, kMaxProfileText));
  return value;
}

Result<std::int64_t> number(const Json& object, std::string_view member, std::string_view where,
                            std::int64_t max) {
  SIGILLO_TRY(const std::int64_t value, core::json_integer(object, member, where));
  if (value < 1 || value > max) return wrong(where, fmt::format("{} is not 1 to {}", member, max));
  return value;
}

Result<FactStatus> status_of(const Json& object, std::string_view where) {
  SIGILLO_TRY(const std::string word, core::json_string(object, "status", where));
  constexpr std::array all = {FactStatus::confirmed, FactStatus::secondary, FactStatus::claimed,
                              FactStatus::hypothetical, FactStatus::unverified};
  for (const FactStatus status : all)
    if (to_string(status) == word) return status;
  return wrong(where, fmt::format("unknown status \"{}\"", word));
}

// The items of a file, and that it has nothing else.
Result<Json> items_of(std::string_view file, const char* member) {
  core::JsonLimits limits;
  limits.max_bytes = kMaxProfileBytes;
  limits.max_depth = 8;
  const std::string where = fmt::format("{}.json", member);
  auto value = core::parse_json(file, limits);
  if (!value.has_value()) return value.error().in(where);
  SIGILLO_TRY_VOID(check_members(*value, where, {"format", member}));
  SIGILLO_TRY(const std::int64_t format, core::json_integer(*value, "format", where));
  if (format != kProfileFormat) return wrong(where, fmt::format("format {} is not known", format));
  SIGILLO_TRY(Json items, core::json_member(*value, member, where));
  if (!items.is_array() || items.empty() || items.size() > kMaxProfiles)
    return wrong(where, fmt::format("{} is not a list of 1 to {}", member, kMaxProfiles));
  return items;
}

Result<Peak> read_peak(const Json& json, const std::string& where) {
  SIGILLO_TRY_VOID(check_members(json, where, {"dtype", "dense_gflops", "status"}));
  Peak peak;
  SIGILLO_TRY(peak.dtype, text(json, "dtype", where));
  SIGILLO_TRY(peak.dense_gflops, number(json, "dense_gflops", where, kMaxPeakGflops));
  SIGILLO_TRY(peak.status, status_of(json, where));
  return peak;
}

Result<Accelerator> read_accelerator(const Json& json, const std::string& place) {
  SIGILLO_TRY_VOID(
      check_members(json, place, {"sku", "name", "peaks", "tdp_watts", "source", "note"}));
  Accelerator a;
  SIGILLO_TRY(a.sku, text(json, "sku", place));
  const std::string where = fmt::format("accelerator {}", a.sku);
  SIGILLO_TRY(a.name, text(json, "name", where));
  SIGILLO_TRY(a.source, text(json, "source", where));
  SIGILLO_TRY(a.note, text(json, "note", where, true));
  if (json.contains("tdp_watts")) {
    SIGILLO_TRY(a.tdp_watts, number(json, "tdp_watts", where, 1000000));
  }
  SIGILLO_TRY(const Json peaks, core::json_member(json, "peaks", where));
  if (!peaks.is_array() || peaks.empty()) return wrong(where, "peaks is not a list of some");
  for (const Json& item : peaks) {
    SIGILLO_TRY(Peak peak, read_peak(item, where));
    if (!a.peaks.empty() && a.peaks.back().dtype >= peak.dtype)
      return wrong(where, "peaks are not sorted by dtype, each once");
    a.peaks.push_back(std::move(peak));
  }
  return a;
}

Result<ClusterUnits> read_units(const Json& json, const std::string& where,
                                const ComputeProfiles& profiles) {
  SIGILLO_TRY_VOID(check_members(json, where, {"sku", "count"}));
  ClusterUnits units;
  SIGILLO_TRY(units.sku, text(json, "sku", where));
  SIGILLO_TRY(units.count, number(json, "count", where, kMaxUnits));
  if (!profiles.accelerator(units.sku).has_value())
    return wrong(where, fmt::format("\"{}\" is no accelerator of accelerators.json", units.sku));
  return units;
}

Result<Cluster> read_cluster(const Json& json, const std::string& place,
                             const ComputeProfiles& profiles) {
  SIGILLO_TRY_VOID(check_members(
      json, place,
      {"name", "title", "units", "status", "source", "note", "claimed_by", "claimed_at"}));
  Cluster c;
  SIGILLO_TRY(c.name, text(json, "name", place));
  const std::string where = fmt::format("cluster {}", c.name);
  SIGILLO_TRY(c.title, text(json, "title", where));
  SIGILLO_TRY(c.source, text(json, "source", where));
  SIGILLO_TRY(c.note, text(json, "note", where, true));
  SIGILLO_TRY(c.status, status_of(json, where));
  SIGILLO_TRY(c.claimed_by, core::json_string_or(json, "claimed_by", "", where));
  SIGILLO_TRY(c.claimed_at, core::json_string_or(json, "claimed_at", "", where));
  const bool claimed = c.status == FactStatus::claimed;
  if (claimed == c.claimed_by.empty() || claimed == c.claimed_at.empty())
    return wrong(where, "claimed_by and claimed_at belong to status claimed, and to no other");
  if (claimed && !core::timestamp_from_date(c.claimed_at).has_value())
    return wrong(where, "claimed_at is no date");
  SIGILLO_TRY(const Json units, core::json_member(json, "units", where));
  if (!units.is_array() || units.empty() || units.size() > kMaxPeriods)
    return wrong(where, fmt::format("units is not a list of 1 to {}", kMaxPeriods));
  for (const Json& item : units) {
    SIGILLO_TRY(ClusterUnits one, read_units(item, where, profiles));
    c.units.push_back(std::move(one));
  }
  return c;
}

Result<ComputeLine> read_line(const Json& json, const std::string& place) {
  SIGILLO_TRY_VOID(check_members(json, place, {"id", "title", "flop", "status", "ref", "note"}));
  ComputeLine line;
  SIGILLO_TRY(line.id, text(json, "id", place));
  const std::string where = fmt::format("line {}", line.id);
  SIGILLO_TRY(line.title, text(json, "title", where));
  SIGILLO_TRY(line.ref, text(json, "ref", where));
  SIGILLO_TRY(line.note, text(json, "note", where, true));
  SIGILLO_TRY(line.status, status_of(json, where));
  SIGILLO_TRY(const std::string flop, text(json, "flop", where));
  const bool whole = flop.size() > 12 && flop.front() != '0' && flop.ends_with("000000000000");
  if (!whole) return wrong(where, "flop is no decimal multiple of 10^12");
  SIGILLO_TRY(line.flop_e12, flop_e12(flop));
  return line;
}

template <class T, class Read, class Before>
Status read_sorted(std::string_view file, const char* member, std::vector<T>& out, const Read& read,
                   const Before& before) {
  SIGILLO_TRY(const Json items, items_of(file, member));
  for (const Json& item : items) {
    SIGILLO_TRY(T one, read(item, fmt::format("{}.json item {}", member, out.size() + 1)));
    if (!out.empty() && !before(out.back(), one))
      return wrong(fmt::format("{}.json item {}", member, out.size() + 1),
                   "the list is not sorted, or names one twice");
    out.push_back(std::move(one));
  }
  return {};
}

template <class List, class Name>
auto find(const List& list, std::string_view wanted, std::string_view what, const Name& name)
    -> Result<typename List::value_type> {
  std::string names;
  for (const auto& item : list) {
    if (name(item) == wanted) return item;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name(item));
  }
  return Error{ErrorCode::not_found, fmt::format("there is no {} \"{}\"", what, wanted),
               fmt::format("there are: {}", names)};
}

}  // namespace

std::string_view to_string(FactStatus status) {
  switch (status) {
    case FactStatus::confirmed:
      return "confirmed";
    case FactStatus::secondary:
      return "secondary";
    case FactStatus::claimed:
      return "claimed";
    case FactStatus::hypothetical:
      return "hypothetical";
    case FactStatus::unverified:
      break;
  }
  return "unverified";
}

const Peak* Accelerator::peak(std::string_view dtype) const {
  for (const Peak& peak : peaks)
    if (peak.dtype == dtype) return &peak;
  return nullptr;
}

Result<Accelerator> ComputeProfiles::accelerator(std::string_view sku) const {
  return find(accelerators, sku, "accelerator", [](const Accelerator& a) { return a.sku; });
}

Result<Cluster> ComputeProfiles::cluster(std::string_view name) const {
  return find(clusters, name, "cluster", [](const Cluster& c) { return c.name; });
}

Result<ComputeProfiles> parse_profiles(std::string_view accelerators, std::string_view clusters,
                                       std::string_view lines) {
  ComputeProfiles profiles;
  SIGILLO_TRY_VOID(
      read_sorted(accelerators, "accelerators", profiles.accelerators, read_accelerator,
                  [](const Accelerator& a, const Accelerator& b) { return a.sku < b.sku; }));
  SIGILLO_TRY_VOID(read_sorted(
      clusters, "clusters", profiles.clusters,
      [&](const Json& json, const std::string& place) {
        return read_cluster(json, place, profiles);
      },
      [](const Cluster& a, const Cluster& b) { return a.name < b.name; }));
  SIGILLO_TRY_VOID(read_sorted(
      lines, "lines", profiles.lines, read_line,
      [](const ComputeLine& a, const ComputeLine& b) { return a.flop_e12 < b.flop_e12; }));
  return profiles;
}

}  // namespace sigillo::audit
