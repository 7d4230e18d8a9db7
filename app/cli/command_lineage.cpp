#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "app/report/lineage.hpp"
#include "sigillo/audit/fsck.hpp"

namespace sigillo::cli {
namespace {

using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Result;

struct LineageArguments {
  std::string name, from, direction = "both", kind, format = "text";
  std::int64_t depth = 64;
};

// "Which models saw dataset X": the things of one kind, without the way to them.
Result<std::string> list_of(const audit::Lineage& lineage, audit::LineageKind kind, bool json) {
  core::Json list = core::Json::array();
  std::vector<std::vector<std::string>> rows = {{"NAME", "ENTRY", "RECORDED BY", "MISSING"}};
  for (const audit::LineageNode& node : lineage.nodes) {
    if (node.kind != kind) continue;
    rows.push_back({printable(node.name),
                    node.entry.has_value() ? fmt::format("{}", *node.entry) : "-",
                    node.entry.has_value() ? printable(node.signer) : "-",
                    fmt::format("{}", fmt::join(node.gaps, "; "))});
  }
  if (!json) return table(rows);
  const core::Json whole = report::lineage_json(lineage);
  for (const core::Json& node : whole.at("nodes"))
    if (node.at("kind") == to_string(kind)) list.push_back(node);
  return json_line(list);
}

Result<std::string> rendered(const audit::Lineage& lineage, const LineageArguments& arguments) {
  if (!arguments.kind.empty()) {
    SIGILLO_TRY(const audit::LineageKind kind, audit::lineage_kind(arguments.kind));
    if (arguments.format == "text" || arguments.format == "json")
      return list_of(lineage, kind, arguments.format == "json");
    return Error{ErrorCode::invalid_argument, "--kind lists things, it draws no picture",
                 "leave --kind out, or ask for text or json"};
  }
  if (arguments.format == "text") return report::lineage_text(lineage);
  if (arguments.format == "json") return json_line(report::lineage_json(lineage));
  if (arguments.format == "dot") return report::lineage_dot(lineage);
  return report::lineage_svg(lineage);
}

Result<ExitCode> run_lineage(const Context& context, LineageArguments arguments) {
  if (context.json) arguments.format = "json";
  audit::LineageRequest request;
  request.name = arguments.name;
  request.depth = arguments.depth;
  SIGILLO_TRY(request.direction, audit::lineage_direction(arguments.direction));
  if (!arguments.from.empty()) {
    SIGILLO_TRY(request.kind, audit::lineage_kind(arguments.from));
  }
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::FsckReport report, audit::fsck(workspace));
  if (!report.sound()) {
    print_err("{}", render_fsck(report));
    return ExitCode::undecided;
  }
  SIGILLO_TRY(const audit::Lineage lineage, audit::lineage(report.evidence, request));
  SIGILLO_TRY(const std::string text, rendered(lineage, arguments));
  print_out("{}", text);
  return ExitCode::done;
}

}  // namespace

void add_lineage_command(Command app, Context& context) {
  auto arguments = std::make_shared<LineageArguments>();
  Command command =
      add_command(app, context, "lineage",
                  "what went into a dataset's, run's or release's making, and what came of it",
                  [&context, arguments] { return run_lineage(context, *arguments); });
  command.option("name", arguments->name,
                 "a dataset, run, release or system (default: all that is recorded)");
  command.option("--from", arguments->from,
                 "the kind that the name is of: dataset, run, release, outputs, system");
  command.option("--direction", arguments->direction, "ancestors, descendants or both")
      .show_default();
  command.option("--depth", arguments->depth, "steps from the name").show_default();
  command.option("--kind", arguments->kind, "list the things of this kind only");
  command.option("--format", arguments->format, "text, json, dot or svg")
      .one_of({"text", "json", "dot", "svg"})
      .show_default();
  add_json_flag(command, context);
  command.footer(
      "Which models saw a dataset: sigillo lineage DATASET --direction descendants --kind release");
}

}  // namespace sigillo::cli
