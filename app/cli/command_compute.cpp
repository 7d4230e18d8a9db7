#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "app/pipeline/compute.hpp"

namespace sigillo::cli {
namespace {

using core::ExitCode;
using core::Json;
using core::Result;

// "3.42e+26" from units of 10^12, rounded to two places; for people alone.
std::string flop_text(std::int64_t e12) {
  return fmt::format("{:.2e}", static_cast<double>(e12) * 1e12);
}
std::string peak_text(std::int64_t gflops) {
  return fmt::format("{}.{} TFLOP/s", gflops / 1000, gflops % 1000 / 100);
}
std::string micro_text(std::int64_t micro) {
  return fmt::format("{}.{:03}", micro / 1000000, micro % 1000000 / 1000);
}
std::string days_text(std::int64_t seconds) {
  return fmt::format("{}.{:02} d", seconds / 86400, seconds % 86400 * 100 / 86400);
}

std::string passed_text(const app::ComputeReport& report,
                        const std::optional<std::int64_t>& seconds) {
  if (!seconds.has_value()) return "not in 100 years";
  const std::string after = days_text(*seconds);
  return report.request.start.has_value()
             ? fmt::format("{} ({})", after, app::day_of(*report.request.start, *seconds))
             : after;
}

std::string hardware_text(const app::ComputeReport& report) {
  std::string out;
  if (report.cluster.has_value())
    out +=
        fmt::format("{} [{}]\n  {}\n", report.cluster->title, to_string(report.cluster->status),
                    report.cluster->note.empty() ? report.cluster->source : report.cluster->note);
  for (const app::DeviceUse& device : report.devices)
    out += fmt::format("  {} x {}, {} dense {} [{}]\n", device.count, device.accelerator.name,
                       peak_text(device.peak.dense_gflops), device.peak.dtype,
                       to_string(device.peak.status));
  return out + fmt::format("  {} at a utilisation of {}\n\n", days_text(report.seconds),
                           micro_text(report.utilisation_micro));
}

std::string render_compute(const app::ComputeReport& report) {
  std::string out = hardware_text(report);
  out +=
      fmt::format("estimated  {} FLOP, between {} and {} (+-{} %)\nmethod     {}\n",
                  flop_text(report.amount.e12), flop_text(report.amount.low_e12),
                  flop_text(report.amount.high_e12), audit::kMarginPercent, app::kHardwareMethod);
  if (report.architecture.has_value())
    out += fmt::format("second     {} FLOP, which a utilisation of {} would give\nmethod     {}\n",
                       flop_text(report.architecture->e12),
                       micro_text(*report.implied_utilisation_micro), app::kArchitectureMethod);
  std::vector<std::vector<std::string>> rows = {
      {"LINE", "ABOVE", "AT THE END", "PASSED AFTER", "EARLIEST", "LATEST"}};
  for (const app::LineCrossing& c : report.lines)
    rows.push_back({c.line.id, flop_text(c.line.flop_e12), c.verdict,
                    passed_text(report, c.seconds), passed_text(report, c.earliest_seconds),
                    passed_text(report, c.latest_seconds)});
  out += "\n" + table(rows) + "\n";
  for (const app::LineCrossing& c : report.lines)
    out += fmt::format("{}: {} ({}) [{}]\n  {}\n", c.line.id, c.line.title, c.line.ref,
                       to_string(c.line.status), c.line.note);
  return out;
}

struct ComputeArguments {
  app::ComputeRequest request;
  std::string start;
};

Result<ExitCode> estimate(const Context& context, ComputeArguments arguments) {
  SIGILLO_TRY(const audit::ComputeProfiles profiles, app::load_profiles());
  if (!arguments.start.empty()) {
    SIGILLO_TRY(arguments.request.start, core::timestamp_from_date(arguments.start));
  }
  SIGILLO_TRY(const app::ComputeReport report, app::estimate_compute(profiles, arguments.request));
  for (const std::string& warning : report.warnings)
    print_err("sigillo: warning: {}\n", printable(warning));
  print_out("{}", context.json ? json_line(app::to_json(report))
                               : printable_lines(render_compute(report)));
  return ExitCode::done;
}

Result<ExitCode> list_accelerators(const Context& context) {
  SIGILLO_TRY(const audit::ComputeProfiles profiles, app::load_profiles());
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {{"SKU", "NAME", "DTYPE", "DENSE PEAK", "STATUS"}};
  for (const audit::Accelerator& a : profiles.accelerators) {
    Json peaks = Json::array();
    for (const audit::Peak& peak : a.peaks) {
      peaks.push_back(Json{{"dtype", peak.dtype},
                           {"dense_gflops", peak.dense_gflops},
                           {"status", to_string(peak.status)}});
      rows.push_back({a.sku, printable(a.name), peak.dtype, peak_text(peak.dense_gflops),
                      std::string(to_string(peak.status))});
    }
    json.push_back(Json{{"sku", a.sku},
                        {"name", a.name},
                        {"peaks", peaks},
                        {"source", a.source},
                        {"note", a.note}});
    if (a.tdp_watts.has_value()) json.back()["tdp_watts"] = *a.tdp_watts;
  }
  print_out("{}", context.json ? json_line(json) : table(rows));
  return ExitCode::done;
}

std::string units_text(const audit::Cluster& cluster) {
  std::string text;
  for (const audit::ClusterUnits& units : cluster.units)
    text += fmt::format("{}{} {}", text.empty() ? "" : " + ", units.count, units.sku);
  return text;
}

Result<ExitCode> list_clusters(const Context& context) {
  SIGILLO_TRY(const audit::ComputeProfiles profiles, app::load_profiles());
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {{"CLUSTER", "UNITS", "STATUS", "SOURCE"}};
  for (const audit::Cluster& c : profiles.clusters) {
    Json units = Json::array();
    for (const audit::ClusterUnits& u : c.units)
      units.push_back(Json{{"sku", u.sku}, {"count", u.count}});
    json.push_back(Json{{"name", c.name},
                        {"title", c.title},
                        {"units", units},
                        {"status", to_string(c.status)},
                        {"source", c.source},
                        {"note", c.note}});
    if (!c.claimed_by.empty()) {
      json.back()["claimed_by"] = c.claimed_by;
      json.back()["claimed_at"] = c.claimed_at;
    }
    rows.push_back({c.name, units_text(c), std::string(to_string(c.status)), printable(c.source)});
  }
  print_out("{}", context.json ? json_line(json) : table(rows));
  return ExitCode::done;
}

}  // namespace

void add_compute_commands(Command app, Context& context) {
  Command compute =
      app.group("compute", "training compute: estimates, and the lines that laws draw");
  auto arguments = std::make_shared<ComputeArguments>();
  Command command = add_command(
      compute, context, "estimate",
      "estimate a run from its hardware, with the margin and the day on which each line is passed",
      [&context, arguments] { return estimate(context, *arguments); });
  app::ComputeRequest& request = arguments->request;
  command.option("--cluster", request.cluster, "a known cluster (`sigillo compute clusters`)");
  command
      .option("--gpus", request.gpus,
              "SKU:COUNT, several for a mixed cluster (`sigillo compute accelerators`)")
      .repeated();
  command.option("--days", request.days, "duration in days").required();
  command.option("--mfu", request.mfu, "model FLOP utilisation as a fraction, such as 0.4")
      .required();
  command.option("--dtype", request.dtype, "the precision whose dense peak counts").show_default();
  command.option("--start", arguments->start,
                 "the first day, such as 2024-07-22: lines then get dates");
  command.option("--parameters", request.parameters,
                 "for a second opinion, 6 x P x D: parameters, such as 405e9");
  command.option("--tokens", request.tokens, "and training tokens, such as 15.6e12");
  add_json_flag(command, context);
  command.footer(
      "Example: sigillo compute estimate --cluster memphis --days 100 --mfu 0.4 --start "
      "2024-07-22");

  command =
      add_command(compute, context, "clusters", "list the known clusters, with source and status",
                  [&context] { return list_clusters(context); });
  add_json_flag(command, context);
  command = add_command(compute, context, "accelerators",
                        "list the known accelerators and their dense peaks, with status",
                        [&context] { return list_accelerators(context); });
  add_json_flag(command, context);
}

}  // namespace sigillo::cli
