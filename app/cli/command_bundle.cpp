#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "app/pipeline/bundle.hpp"
#include "app/pipeline/gate.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
namespace {

using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Json;
using core::Result;

struct BundleArguments {
  std::string file, pack, as_of, release, log_key, since;
};

Result<ExitCode> export_to(const Context& context, const BundleArguments& arguments) {
  app::BundleRequest request;
  request.output = arguments.file;
  request.as_of = context.clock.now();
  if (arguments.pack.empty() && !(arguments.as_of.empty() && arguments.release.empty()))
    return Error{ErrorCode::invalid_argument, "--as-of and --release belong to a verdict",
                 "give --pack too"};
  if (!arguments.pack.empty()) {
    SIGILLO_TRY(request.pack, app::find_pack(arguments.pack));
  }
  if (!arguments.as_of.empty()) {
    SIGILLO_TRY(request.as_of, core::timestamp_from_date(arguments.as_of));
  }
  if (!arguments.release.empty()) request.release = arguments.release;
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const app::BundleSummary summary, app::export_bundle(workspace, request));
  if (context.json) {
    Json json{{"file", arguments.file},
              {"members", summary.members},
              {"entries", summary.entries},
              {"root", summary.root}};
    if (summary.verdict.has_value()) json["verdict_exit_code"] = static_cast<int>(*summary.verdict);
    print_out("{}", json_line(json));
  } else {
    print_out("{}: {} members, {} entries, root {}\n", printable(arguments.file), summary.members,
              summary.entries, summary.root);
    print_out(
        "check it anywhere, without this workspace: sigillo bundle verify {} --log-key KEY, with "
        "the key of `sigillo keys export log --format vkey`\n",
        printable(arguments.file));
  }
  return ExitCode::done;
}

std::string render(const app::BundleReport& report) {
  std::string out;
  for (const app::BundleCheck& check : report.checks)
    out += fmt::format("{:<6}  {:<10}  {}\n", check.holds ? "holds" : "FAILS", check.check,
                       printable(check.message));
  if (!report.log_key_sha256.empty())
    out += fmt::format("\nledger {}, {} entries, root {}\nlog key {}\n  fingerprint sha256:{}\n",
                       printable(report.origin), report.entries, report.root, report.log_key,
                       report.log_key_sha256);
  if (report.verdict.has_value()) {
    const policy::Verdicts& verdict = *report.verdict;
    out += fmt::format("rules of {} {}\n  digest sha256:{}\n", printable(verdict.pack_name),
                       printable(verdict.pack_version), verdict.pack_digest);
    out += fmt::format("verdict as of {}: exit code {}, {} rules, {} subjects\n", verdict.as_of,
                       static_cast<int>(policy::gate_exit(verdict)), verdict.rules.size(),
                       verdict.counts.total());
  }
  for (const std::string& remark : report.remarks)
    out += fmt::format("note: {}\n", printable(remark));
  const std::string_view answer = report.exit == ExitCode::done        ? "VERIFIED"
                                  : report.exit == ExitCode::undecided ? "UNDECIDED"
                                                                       : "NOT VERIFIED";
  return out + fmt::format("\n{}\n", answer);
}

Result<ExitCode> verify(const Context& context, const BundleArguments& arguments) {
  audit::KnownBefore known{arguments.log_key, ""};
  if (!arguments.since.empty()) {
    SIGILLO_TRY(const core::Bytes note, core::read_file(arguments.since, std::size_t{1} << 20));
    known.checkpoint = core::as_text(note);
  }
  SIGILLO_TRY(app::BundleReport report, app::verify_bundle(arguments.file, known));
  SIGILLO_TRY_VOID(app::check_rules(report, arguments.pack));
  // What is only consistent with itself could have been made by anybody.
  if (report.exit == ExitCode::done && arguments.log_key.empty()) report.exit = ExitCode::undecided;
  print_out("{}", context.json ? json_line(app::to_json(report)) : printable_lines(render(report)));
  return report.exit;
}

}  // namespace

void add_bundle_commands(Command app, Context& context) {
  Command bundle =
      app.group("bundle", "everything that an auditor needs, in one file that is checked offline");
  auto arguments = std::make_shared<BundleArguments>();
  Command command = add_command(
      bundle, context, "export",
      "write entries, checkpoint, blobs, trust list, and a verdict with its pack and receipts",
      [&context, arguments] { return export_to(context, *arguments); });
  command.option("-o,--output", arguments->file, "file to write (a tar)").required();
  command.option("--pack", arguments->pack,
                 "judge by this pack and include the verdict (default: no verdict)");
  command.option("--as-of", arguments->as_of, "date of the question (default: today)");
  command.option("--release", arguments->release, "judge this release only");
  add_json_flag(command, context);
  command.footer(
      "No secret and no private value is in it. Example: sigillo bundle export -o audit.tar --pack "
      "eu-ai-act --as-of 2026-12-03");

  command = add_command(bundle, context, "verify", "check a bundle offline; needs no workspace",
                        [&context, arguments] { return verify(context, *arguments); });
  command.option("file", arguments->file, "the bundle").required();
  command.option("--log-key", arguments->log_key,
                 "verifier key (vkey) that the ledger must have, known from elsewhere");
  command.option("--since", arguments->since,
                 "a checkpoint that was seen earlier: its entries must still be the first; "
                 "needs --log-key");
  command.option("--pack", arguments->pack,
                 "the verdict's rules must be those of this pack (default: of the installed "
                 "pack of the same name and version, if there is one)");
  add_json_flag(command, context);
  command.footer(
      "Exit codes: 0 all holds, 1 something does not, 2 no --log-key was given, or the verdict is "
      "of another version of the tool and comes out differently here. The verdict inside may say "
      "that rules failed: that is no failure of the bundle.");
}

}  // namespace sigillo::cli
