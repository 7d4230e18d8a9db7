// The log as static files: export, and the check that needs nothing else.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "sigillo/audit/tile_folder.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
namespace {

using core::ExitCode;
using core::Json;
using core::Result;

struct TileArguments {
  std::string folder, key, since;
};

// One line on a terminal that is written over and over; nothing elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(std::string what)
      : what_(std::move(what)), terminal_(::isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (shown_) print_err("\r\033[K");
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void operator()(std::uint64_t done, std::uint64_t of) {
    if (!terminal_) return;
    shown_ = true;
    print_err("\r{} of {} entries {}", done, of, what_);
  }

 private:
  std::string what_;
  bool terminal_;
  bool shown_ = false;
};

Result<audit::TileExport> export_with_progress(const audit::Workspace& workspace,
                                               const std::string& folder) {
  SIGILLO_TRY_VOID(workspace.stays_outside(folder));
  SIGILLO_TRY(const audit::Ledger ledger, workspace.ledger(audit::Ledger::Access::read));
  SIGILLO_TRY(const audit::NoteVerifier log, audit::log_verifier(workspace, ledger));
  ProgressLine progress("written");
  return audit::export_tiles(ledger, log, folder, std::ref(progress));
}

Result<ExitCode> export_log(Context& context, const TileArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::TileExport done, export_with_progress(workspace, arguments.folder));
  context.lasting = fmt::format("{} holds {} entries", arguments.folder, done.checkpoint.size);
  if (context.json)
    print_out("{}", json_line(Json{{"folder", arguments.folder},
                                   {"origin", done.checkpoint.origin},
                                   {"size", done.checkpoint.size},
                                   {"root", done.checkpoint.root.hex()},
                                   {"size_before", done.before},
                                   {"files_written", done.files}}));
  else if (done.files == 0)
    print_out("{} is up to date: {} at size {}\n", printable(arguments.folder),
              printable(done.checkpoint.origin), done.checkpoint.size);
  else
    print_out("{}: {} at size {}, {} entries more than before, {} files written\n",
              printable(arguments.folder), printable(done.checkpoint.origin), done.checkpoint.size,
              done.checkpoint.size - done.before, done.files);
  return ExitCode::done;
}

Json report_json(const audit::TileReport& report) {
  Json findings = Json::array();
  for (const audit::TileFinding& finding : report.findings)
    findings.push_back(Json{{"place", finding.place}, {"message", finding.message}});
  return Json{{"verified", report.sound()},     {"origin", report.checkpoint.origin},
              {"size", report.checkpoint.size}, {"root", report.checkpoint.root.hex()},
              {"tiles", report.tiles},          {"entries", report.entries},
              {"findings", findings},           {"more_findings", report.more_findings}};
}

void print_report(const audit::TileReport& report) {
  for (const audit::TileFinding& finding : report.findings)
    print_out("{}: {}\n", printable(finding.place), printable(finding.message));
  if (report.more_findings > 0) print_out("and {} findings more\n", report.more_findings);
  if (report.sound())
    print_out("verified: {} tiles and {} entries of {} at size {}\n", report.tiles, report.entries,
              printable(report.checkpoint.origin), report.checkpoint.size);
  else
    print_out("not verified: {} of {} entries hold; get the files that are named again\n",
              report.entries, report.checkpoint.size);
}

// That the folder's log has what an older checkpoint of it signed.
core::Status check_growth(const TileArguments& arguments, const audit::NoteVerifier& log) {
  SIGILLO_TRY(const core::Bytes note, core::read_file(arguments.since, std::size_t{1} << 20));
  SIGILLO_TRY(const audit::Checkpoint older, audit::open_checkpoint(core::as_text(note), log));
  const audit::TileFolder folder(arguments.folder);
  SIGILLO_TRY(const std::string newer_note, folder.checkpoint());
  SIGILLO_TRY(const audit::Checkpoint newer, audit::open_checkpoint(newer_note, log));
  if (older.size > newer.size)
    return core::Error{
        core::ErrorCode::proof_invalid,
        fmt::format("the log is at size {}; it was at size {} before", newer.size, older.size),
        "an old copy is served, or history was rewritten; keep both as evidence"};
  SIGILLO_TRY(const audit::ConsistencyProof proof, audit::prove_growth(folder, older.size, log));
  SIGILLO_TRY(const audit::Checkpoint checked,
              audit::verify_consistency_proof(proof, core::as_text(note), log));
  static_cast<void>(checked);
  return {};
}

Result<ExitCode> verify_tiles(const Context& context, const TileArguments& arguments) {
  SIGILLO_TRY(const audit::NoteVerifier log, audit::NoteVerifier::parse(arguments.key));
  const audit::TileFolder folder(arguments.folder);
  const auto report = [&] {
    ProgressLine progress("checked");
    return audit::verify_tiles(folder, log, std::ref(progress));
  }();
  if (!report.has_value()) return report.error().in(printable(arguments.folder));
  if (report->sound() && !arguments.since.empty()) SIGILLO_TRY_VOID(check_growth(arguments, log));
  if (context.json) print_out("{}", json_line(report_json(*report)));
  else print_report(*report);
  return report->sound() ? ExitCode::done : ExitCode::not_verified;
}

}  // namespace

void add_tile_commands(Command app, Context& context) {
  Command log = app.find_group("log");
  auto arguments = std::make_shared<TileArguments>();

  Command command = add_command(log, context, "export",
                                "write the log as static files that any web server can serve and "
                                "any tlog client can check (C2SP tlog-tiles)",
                                [&context, arguments] { return export_log(context, *arguments); });
  command
      .option("folder", arguments->folder,
              "a new folder, or one that holds an earlier export of this log")
      .required();
  command.footer(
      "Every entry becomes public with the folder. It goes up to the latest checkpoint; run it "
      "again to add what is new.");
  add_json_flag(command, context);

  command = add_command(log, context, "verify-tiles",
                        "check an exported log offline, file by file; needs no workspace",
                        [&context, arguments] { return verify_tiles(context, *arguments); });
  command.option("folder", arguments->folder, "the folder with its checkpoint").required();
  command.option("--log-key", arguments->key, "the ledger's verifier key").required();
  command.option("--since", arguments->since,
                 "a checkpoint that was seen earlier: its entries must still be the first");
  add_json_flag(command, context);
}

}  // namespace sigillo::cli
