#include <fmt/format.h>

#include <memory>
#include <set>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "app/pipeline/gate.hpp"
#include "app/report/junit.hpp"
#include "app/report/sarif.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
namespace {
namespace fs = std::filesystem;

using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Json;
using core::Result;

struct GateArguments {
  std::string pack, as_of, release, output_folder, rule;
  std::vector<std::string> formats = {"text"};
  bool sarif_all = false;
};

std::string refusal_text(const audit::FsckReport& report) {
  return render_fsck(report) +
         "\nUNDECIDED: the gate refuses to judge: what is stored is not what was sealed\n";
}

Json gate_json(const app::GateResult& result) {
  Json json = result.verdicts.has_value() ? policy::to_json(*result.verdicts)
                                          : Json{{"refused", "the ledger is not sound"},
                                                 {"exit_code", static_cast<int>(result.exit)}};
  json["ledger"] = fsck_json(result.ledger);
  return json;
}

// A format of `gate`: its name, and the file that --output-dir gets.
struct GateFormat {
  std::string_view name, file;
};
constexpr GateFormat kGateFormats[] = {{"text", "gate.txt"},
                                       {"json", "gate.json"},
                                       {"sarif", "gate.sarif"},
                                       {"junit", "gate.junit.xml"}};

Result<const GateFormat*> gate_format(const std::string& name) {
  for (const GateFormat& format : kGateFormats)
    if (format.name == name) return &format;
  return Error{ErrorCode::invalid_argument, fmt::format("there is no format \"{}\"", name),
               "choose among text, json, sarif and junit"};
}

Result<std::string> gate_output(const app::GateResult& result, std::string_view format,
                                const report::SarifOptions& options) {
  if (format == "sarif") return report::render_sarif(result, options);
  if (format == "junit") return report::render_junit(result, options.source);
  if (format == "text")
    return result.verdicts.has_value() ? render_verdicts(*result.verdicts)
                                       : refusal_text(result.ledger);
  SIGILLO_TRY(const std::string json, core::canonical_json(gate_json(result)));
  return json + "\n";
}

// Whatever this call ends with, the folder must not keep the answer of an earlier one: a pipeline
// that collects it would show a green that nobody computed.
core::Status remove_old_outputs(const fs::path& folder) {
  for (const GateFormat& format : kGateFormats) {
    std::error_code error;
    fs::remove(folder / format.file, error);
    if (error && error != std::errc::not_a_directory)
      return core::error_from_errno(error.value(), "cannot remove", folder / format.file);
  }
  return {};
}

Result<ExitCode> run_gate(const Context& context, GateArguments arguments) {
  if (context.json) arguments.formats = {"json"};
  if (!arguments.output_folder.empty()) {
    SIGILLO_TRY_VOID(remove_old_outputs(arguments.output_folder));
  }
  std::vector<const GateFormat*> formats;
  for (const std::string& name : arguments.formats) {
    SIGILLO_TRY(const GateFormat* format, gate_format(name));
    formats.push_back(format);
  }
  if (formats.size() > 1 && arguments.output_folder.empty())
    return Error{ErrorCode::invalid_argument, "several formats need --output-dir",
                 "or ask for one format"};
  SIGILLO_TRY(const app::GateRequest request,
              app::gate_request(arguments.pack, arguments.as_of, arguments.release, context.clock));
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const app::GateResult result, app::gate(workspace, request));
  if (!result.projection_problem.empty())
    print_err("sigillo: note: evidence.db was not written: {}\n",
              printable(result.projection_problem));
  for (const audit::Finding& finding : result.ledger.findings)
    if (finding.check == "pruned" && finding.severity == audit::Severity::note)
      print_err("sigillo: note: {}: {}\n", printable(finding.place), printable(finding.message));
  const report::SarifOptions options{report::gate_source(arguments.pack), arguments.sarif_all};
  for (const GateFormat* format : formats) {
    SIGILLO_TRY(const std::string text, gate_output(result, format->name, options));
    if (arguments.output_folder.empty()) {
      print_out("{}", text);
      continue;
    }
    std::error_code error;
    fs::create_directories(arguments.output_folder, error);
    const fs::path file = fs::path(arguments.output_folder) / format->file;
    SIGILLO_TRY_VOID(core::write_file_atomically(file, core::as_bytes(text)));
    print_err("sigillo: wrote {}\n", printable(file.string()));
  }
  return result.exit;
}

Result<ExitCode> list_packs(const Context& context) {
  SIGILLO_TRY(const fs::path known, app::find_pack("eu-ai-act"));
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {{"PACK", "VERSION", "RULES", "TITLE"}};
  std::error_code error;
  for (fs::directory_iterator folder(known.parent_path(), error);
       !error && folder != fs::directory_iterator(); folder.increment(error)) {
    SIGILLO_TRY(const policy::Pack pack, policy::load_pack(folder->path()));
    json.push_back(Json{{"name", pack.name},
                        {"version", pack.version},
                        {"rules", pack.rules.size()},
                        {"title", pack.title},
                        {"digest", pack.digest}});
    rows.push_back(
        {pack.name, pack.version, fmt::format("{}", pack.rules.size()), printable(pack.title)});
  }
  print_out("{}", context.json ? json_line(json) : table(rows));
  return ExitCode::done;
}

Result<ExitCode> test_pack(const Context& context, const GateArguments& arguments) {
  SIGILLO_TRY(const fs::path folder, app::find_pack(arguments.pack));
  SIGILLO_TRY(const policy::Pack pack, policy::load_pack(folder));
  SIGILLO_TRY(const std::vector<policy::CaseResult> cases, policy::run_pack_tests(pack));
  std::int64_t failed = 0;
  Json json = Json::array();
  for (const policy::CaseResult& c : cases) {
    failed += c.passed ? 0 : 1;
    json.push_back(Json{{"rule", c.rule},
                        {"case", c.name},
                        {"kind", policy::to_string(c.kind)},
                        {"file", c.file},
                        {"line", c.line},
                        {"passed", c.passed},
                        {"difference", c.difference}});
    if (!context.json && !c.passed)
      print_out("{}", printable_lines(fmt::format("FAILED {}:{}: {}: {}\n  {}\n", c.file, c.line,
                                                  c.rule, c.name, c.difference)));
  }
  if (context.json) print_out("{}", json_line(json));
  else
    print_out("{} {}: {} cases of {} rules, {} failed\n", pack.name, pack.version, cases.size(),
              pack.rules.size(), failed);
  if (cases.empty())
    return Error{ErrorCode::rule_error, "the pack has no test cases", "add `tests:` to its rules"};
  return failed == 0 ? ExitCode::done : ExitCode::not_verified;
}

Result<ExitCode> lint_pack(const Context& context, const GateArguments& arguments) {
  SIGILLO_TRY(const fs::path folder, app::find_pack(arguments.pack));
  SIGILLO_TRY(const policy::Pack pack, policy::load_pack(folder));
  SIGILLO_TRY(const std::vector<policy::Finding> findings, policy::lint(pack));
  Json json = Json::array();
  for (const policy::Finding& f : findings) {
    json.push_back(Json{{"rule", f.rule},
                        {"file", f.file},
                        {"line", f.line},
                        {"code", f.code},
                        {"message", f.message}});
    if (!context.json)
      print_out("{}", printable_lines(fmt::format("{}:{}: [{}] {}: {}\n", f.file, f.line, f.code,
                                                  f.rule, f.message)));
  }
  if (context.json) print_out("{}", json_line(json));
  else
    print_out("{} {}: {} rules, {} findings\n", pack.name, pack.version, pack.rules.size(),
              findings.size());
  return findings.empty() ? ExitCode::done : ExitCode::not_verified;
}

Result<std::string> rule_text(const policy::Rule& rule) {
  std::string out =
      fmt::format("{}  {}\n  severity {}, {}, level {}, binds {}, from {}\n", rule.id, rule.title,
                  policy::to_string(rule.severity), policy::to_string(rule.enforcement),
                  policy::to_string(rule.level), rule.binds, rule.applies_from);
  for (const policy::Basis& basis : rule.basis)
    out += fmt::format("  basis     {}, {} ({})\n", basis.law, basis.ref, basis.url);
  for (const policy::Transition& t : rule.transitions)
    out += fmt::format("  transition for what was placed before {}: {} ({})\n", t.placed_before,
                       t.due, t.ref);
  SIGILLO_TRY(const std::vector<std::string> columns, policy::footprint(rule));
  out += fmt::format("  reads     {}\n  subjects  {}\n  remedy    {}\n\n{}",
                     fmt::join(columns, ", "), rule.subjects, rule.remediation, rule.query);
  return out;
}

Result<ExitCode> explain(const GateArguments& arguments) {
  SIGILLO_TRY(const fs::path folder, app::find_pack(arguments.pack));
  SIGILLO_TRY(const policy::Pack pack, policy::load_pack(folder));
  for (const policy::Rule& rule : pack.rules) {
    if (!arguments.rule.empty() && rule.id != arguments.rule) continue;
    SIGILLO_TRY(const std::string text, rule_text(rule));
    print_out("{}\n", printable_lines(text));
    if (!arguments.rule.empty()) return ExitCode::done;
  }
  if (arguments.rule.empty()) return ExitCode::done;
  return Error{ErrorCode::not_found,
               fmt::format("pack {} has no rule \"{}\"", pack.name, arguments.rule),
               "`sigillo policy explain` without a rule prints all"};
}

std::string cell_text(const core::Cell& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&cell)) return printable(*text);
  return "-";
}

Result<ExitCode> facts(const Context& context, const GateArguments& arguments) {
  if (!arguments.rule.empty() && core::find_view(arguments.rule) == nullptr)
    return Error{ErrorCode::not_found,
                 fmt::format("there is no view \"{}\"", printable(arguments.rule)),
                 "`sigillo policy facts` without a view names all"};
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::FsckReport report, audit::fsck(workspace));
  if (!report.sound()) {
    print_err("{}", render_fsck(report));
    return ExitCode::undecided;
  }
  SIGILLO_TRY_VOID(audit::write_projection(workspace, report.evidence));
  if (context.json) {
    Json json = core::to_json(report.evidence);
    if (!arguments.rule.empty()) {
      const Json view = json["views"][arguments.rule];
      json["views"] = Json{{arguments.rule, view}};
    }
    print_out("{}", json_line(json));
    return ExitCode::done;
  }
  for (const core::ViewSchema& schema : core::evidence_schema()) {
    if (!arguments.rule.empty() && schema.name != arguments.rule) continue;
    const auto found = report.evidence.rows.find(schema.name);
    const std::size_t count = found == report.evidence.rows.end() ? 0 : found->second.size();
    print_out("{}: {} ({} rows)\n", schema.name, schema.meaning, count);
    if (count == 0 || (arguments.rule.empty() && count > 20)) continue;
    std::vector<std::vector<std::string>> rows(1);
    for (const core::ColumnSchema& column : schema.columns) rows[0].emplace_back(column.name);
    for (const core::Row& row : found->second) {
      rows.emplace_back();
      for (const core::Cell& cell : row) rows.back().push_back(cell_text(cell));
    }
    print_out("{}\n", table(rows));
  }
  return ExitCode::done;
}

}  // namespace

void add_gate_commands(Command app, Context& context) {
  auto arguments = std::make_shared<GateArguments>();
  Command command =
      add_command(app, context, "gate", "judge the evidence by a pack of rules; for CI",
                  [&context, arguments] { return run_gate(context, *arguments); });
  command.option("--pack", arguments->pack, "name of an installed pack, or a folder").required();
  command.option("--as-of", arguments->as_of,
                 "date of the question, such as 2026-12-03 (default: today); moves the law's "
                 "clock, not the evidence");
  command.option("--release", arguments->release, "judge this release only");
  command
      .option("--format", arguments->formats, "text, json, sarif, junit; several with --output-dir")
      .split_at(',')
      .show_default();
  command.flag("--sarif-all", arguments->sarif_all,
               "SARIF: also what passed, does not apply or is not yet due");
  command.option("--output-dir", arguments->output_folder,
                 "write gate.txt, gate.json, gate.sarif or gate.junit.xml there; those of an "
                 "earlier call are removed first");
  add_json_flag(command, context);
  command.footer(
      "Exit codes: 0 every mandatory rule passed on this evidence, 1 at least one failed, 2 could "
      "not decide (outranks 1).");

  Command policies = app.group("policy", "packs of rules");
  command = add_command(policies, context, "list", "list the installed packs",
                        [&context] { return list_packs(context); });
  add_json_flag(command, context);
  command = add_command(policies, context, "test", "run the cases beside a pack's rules",
                        [&context, arguments] { return test_pack(context, *arguments); });
  command.option("--pack", arguments->pack, "name or folder").required();
  add_json_flag(command, context);
  command = add_command(policies, context, "lint",
                        "look for rules that could pass by silence or accident",
                        [&context, arguments] { return lint_pack(context, *arguments); });
  command.option("--pack", arguments->pack, "name or folder").required();
  add_json_flag(command, context);
  command = add_command(policies, context, "explain",
                        "print a rule: basis, dates, what it reads, its SQL",
                        [arguments] { return explain(*arguments); });
  command.option("--pack", arguments->pack, "name or folder").required();
  command.option("rule", arguments->rule, "id of the rule (default: all)");
  command = add_command(policies, context, "facts",
                        "print the evidence that rules read, recomputed from the ledger",
                        [&context, arguments] { return facts(context, *arguments); });
  command.option("view", arguments->rule, "one view in full (default: all, long ones as counts)");
  add_json_flag(command, context);
}

}  // namespace sigillo::cli
