// What a report says, before it is a page.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "app/report/gate_identity.hpp"
#include "app/report/lineage.hpp"
#include "app/report/report.hpp"

namespace sigillo::report {
namespace {

using core::Json;

const core::Cell& cell(const core::ViewSchema& view, const core::Row& row, std::string_view name) {
  std::size_t i = 0;
  while (i < view.columns.size() && view.columns[i].name != name) ++i;
  SIGILLO_CHECK(i < row.size());
  return row[i];
}

Json findings(const audit::FsckReport& ledger) {
  Json list = Json::array();
  for (const audit::Finding& f : ledger.findings)
    list.push_back({{"severity", to_string(f.severity)},
                    {"check", f.check},
                    {"place", f.place},
                    {"message", f.message}});
  return list;
}

}  // namespace

std::string_view to_string(Claim claim) {
  switch (claim) {
    case Claim::measured:
      return "measured";
    case Claim::recorded:
      return "recorded";
    case Claim::asserted:
      return "asserted";
  }
  return "asserted";
}

Claim claim_of_column(std::string_view column) {
  const std::string_view view = column.substr(0, column.find('.'));
  if (view == "ev1_outputs" || view == "ev1_runs" || view == "ev1_run_datasets" ||
      view == "ev1_run_outputs")
    return column.ends_with("_basis") || column.ends_with(".sample_basis") ? Claim::asserted
                                                                           : Claim::recorded;
  // What a program computed when it sealed; names, licences and sources were typed.
  for (const char* computed : {"ev1_datasets.root", "ev1_datasets.files", "ev1_datasets.bytes",
                               "ev1_releases.model_digest", "ev1_releases.run_id"})
    if (column == computed) return Claim::recorded;
  return Claim::asserted;
}

Histogram histogram(const app::GateResult& gate) {
  Histogram result;
  for (const policy::Rule& rule : gate.pack.rules) {
    const auto limit = rule.params.find("max_log10_p_micro");
    if (limit == rule.params.end()) continue;
    if (const auto* micro = std::get_if<std::int64_t>(&limit->second))
      result.threshold = *micro / 1'000'000;
  }
  const core::ViewSchema* view = core::find_view("ev1_outputs");
  SIGILLO_CHECK(view != nullptr);
  const auto rows = gate.ledger.evidence.rows.find(view->name);
  if (!gate.verdicts.has_value() || rows == gate.ledger.evidence.rows.end()) return result;
  const std::string& scope = gate.verdicts->scope_release;
  std::vector<std::int64_t> decades;
  for (const core::Row& row : rows->second) {
    if (!scope.empty() && cell(*view, row, "release") != core::Cell{scope}) continue;
    const auto* micro = std::get_if<std::int64_t>(&cell(*view, row, "log10_p_micro"));
    ++result.total;
    result.inconclusive += cell(*view, row, "result") == core::Cell{std::string("inconclusive")};
    if (micro == nullptr) continue;
    result.at_or_below += *micro <= result.threshold * 1'000'000;
    // Floor division: -6.5 lies in the decade that begins at -7.
    decades.push_back(*micro >= 0 ? 0 : -((-*micro + 999'999) / 1'000'000));
  }
  if (decades.empty()) return result;
  const std::int64_t strongest = *std::min_element(decades.begin(), decades.end());
  std::int64_t width = 1;
  for (const std::int64_t w : {1, 2, 3, 6, 12, 24, 60, 120, 300, 600, 3000})
    if ((width = w) * 24 >= -strongest) break;
  // A bin ends at the threshold, so that none lies on both sides of it.
  std::int64_t edge = result.threshold;
  while (edge > strongest) edge -= width;
  for (; edge <= 0; edge += width) result.bins.push_back({edge, edge + width, 0});
  for (const std::int64_t decade : decades)
    for (HistogramBin& bin : result.bins)
      if (decade >= bin.from && decade < bin.to) ++bin.count;
  return result;
}

Json report_content(const ReportInput& input) {
  const app::GateResult& gate = input.gate;
  Json content = {{"schema", "sigillo.report/v1"},
                  {"kind", "art50"},
                  {"generated_at", core::to_rfc3339(input.generated_at)},
                  {"tool_version", SIGILLO_VERSION},
                  {"conclusion", conclusion(gate)},
                  {"exit_code", static_cast<int>(gate.exit)},
                  {"checkpoint", gate.ledger.evidence.checkpoint},
                  {"log_vkey", input.log_vkey},
                  {"ledger",
                   {{"sound", gate.ledger.sound()},
                    {"size", gate.ledger.head.size},
                    {"root", gate.ledger.head.root.hex()},
                    {"records", gate.ledger.records},
                    {"checkpoints", gate.ledger.checkpoints},
                    {"blobs", gate.ledger.blobs},
                    {"findings", findings(gate.ledger)}}},
                  {"lineage", lineage_json(input.lineage)}};
  if (gate.verdicts.has_value()) content["verdicts"] = policy::to_json(*gate.verdicts);
  const Histogram h = histogram(gate);
  Json bins = Json::array();
  for (const HistogramBin& bin : h.bins)
    bins.push_back({{"log10_from", bin.from}, {"log10_to", bin.to}, {"count", bin.count}});
  content["detections"] = {{"total", h.total},
                           {"at_or_below_threshold", h.at_or_below},
                           {"inconclusive", h.inconclusive},
                           {"threshold_log10", h.threshold},
                           {"bins", std::move(bins)}};
  return content;
}

}  // namespace sigillo::report
