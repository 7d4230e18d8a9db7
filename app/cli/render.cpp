#include "app/cli/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sigillo::cli {

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += fmt::format("{:<{}}", row[i], i + 1 < row.size() ? widths[i] + 2 : 0);
    out += line + "\n";
  }
  return out;
}

std::string render_error(const core::Error& error) {
  std::string out =
      fmt::format("sigillo: error [{}] {}\n", to_string(error.code), printable(error.message));
  if (!error.remedy.empty()) out += fmt::format("  what to do: {}\n", printable(error.remedy));
  return out;
}

std::string render_detections(const std::vector<app::FileDetection>& detections) {
  std::vector<std::vector<std::string>> rows = {{"FILE", "TOKENS", "SCORED", "P-VALUE", "RESULT"}};
  std::int64_t found = 0, inconclusive = 0;
  std::int64_t largest = detections.empty() ? 0 : detections.front().detection.log10_p_micro;
  std::int64_t smallest = largest;
  for (const app::FileDetection& file : detections) {
    const core::Detection& d = file.detection;
    const bool unsure = d.result == core::DetectionResult::inconclusive;
    rows.push_back(
        {printable(file.file.string()), fmt::format("{}", d.tokens), fmt::format("{}", d.scored),
         p_value_text(d.log10_p_micro),
         unsure ? fmt::format("inconclusive: {}", d.reason) : std::string(to_string(d.result))});
    found += d.result == core::DetectionResult::found ? 1 : 0;
    inconclusive += unsure ? 1 : 0;
    largest = std::max(largest, d.log10_p_micro);
    smallest = std::min(smallest, d.log10_p_micro);
  }
  std::string out = table(rows);
  if (detections.size() > 1) {
    const auto count = static_cast<std::int64_t>(detections.size());
    out += fmt::format(
        "{} texts: {} found, {} not found, {} inconclusive; p-values from {} to {}\n", count, found,
        count - found - inconclusive, inconclusive, p_value_text(smallest), p_value_text(largest));
  }
  return out;
}

std::string render_fsck(const audit::FsckReport& report) {
  std::string out;
  for (const audit::Finding& finding : report.findings) {
    out += fmt::format("{} [{}] {}: {}\n", to_string(finding.severity), finding.check,
                       printable(finding.place), printable(finding.message));
    if (!finding.remedy.empty())
      out += fmt::format("  what to do: {}\n", printable(finding.remedy));
  }
  const auto errors =
      std::count_if(report.findings.begin(), report.findings.end(),
                    [](const auto& f) { return f.severity == audit::Severity::error; });
  out += fmt::format(
      "{} entries{}, {} trusted records, {} checkpoints and {} blobs verified; root {}\n",
      report.entries, report.shards > 1 ? fmt::format(" in {} shards", report.shards) : "",
      report.records, report.checkpoints, report.blobs, report.head.root.hex());
  out += errors == 0
             ? "the ledger is sound\n"
             : fmt::format("the ledger is NOT sound: {} error{}\n", errors, errors == 1 ? "" : "s");
  return out;
}

core::Json fsck_json(const audit::FsckReport& report) {
  core::Json findings = core::Json::array();
  for (const audit::Finding& f : report.findings)
    findings.push_back(core::Json{{"severity", to_string(f.severity)},
                                  {"check", f.check},
                                  {"place", f.place},
                                  {"message", f.message},
                                  {"remedy", f.remedy}});
  return core::Json{{"sound", report.sound()},       {"size", report.head.size},
                    {"uncovered", report.uncovered}, {"root", report.head.root.hex()},
                    {"records", report.records},     {"checkpoints", report.checkpoints},
                    {"blobs", report.blobs},         {"entries", report.entries},
                    {"shards", report.shards},       {"findings", std::move(findings)}};
}

}  // namespace sigillo::cli
