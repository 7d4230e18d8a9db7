// Care of a workspace: backup, restore, migrate, doctor.
#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "app/pipeline/doctor.hpp"
#include "sigillo/audit/backup.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
namespace {

using core::ExitCode;
using core::Json;
using core::Result;

struct CareArguments {
  std::string file, folder, since, log_key, checkpoint_store;
  bool without_keys = false, accept_loss = false, take_over = false;
};

Json summary_json(const audit::BackupSummary& summary) {
  return Json{{"size", summary.size},
              {"root", summary.root.hex()},
              {"files", summary.files},
              {"with_keys", summary.with_keys}};
}

Result<ExitCode> backup(const Context& context, const CareArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::BackupSummary summary,
              audit::backup(workspace, arguments.file, !arguments.without_keys));
  if (context.json) print_out("{}", json_line(summary_json(summary)));
  else
    print_out("{}: {} entries, {} files, root {}\n", printable(arguments.file), summary.size,
              summary.files, summary.root.hex());
  print_err("sigillo: note: the backup holds {}: whoever can read it can read them\n",
            summary.with_keys ? "the keys and the private values" : "the private values");
  return ExitCode::done;
}

Result<audit::KnownBefore> known_before(const CareArguments& arguments) {
  audit::KnownBefore known{arguments.log_key, ""};
  if (arguments.since.empty()) return known;
  SIGILLO_TRY(const core::Bytes note, core::read_file(arguments.since, std::size_t{1} << 20));
  known.checkpoint = core::as_text(note);
  return known;
}

Result<ExitCode> resume(const Context& context, const CareArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::KnownBefore known, known_before(arguments));
  SIGILLO_TRY(const audit::Resumed resumed,
              audit::resume(workspace, known, arguments.accept_loss, context.clock));
  print_out("{}", context.json ? json_line(Json{{"checkpoint", resumed.checkpoint},
                                                {"loss_recorded", resumed.loss_recorded}})
                               : resumed.checkpoint);
  if (resumed.loss_recorded)
    print_err("sigillo: note: the possible loss is recorded as the last entry\n");
  else if (arguments.accept_loss)
    print_err("sigillo: note: nothing shows a loss: nothing was recorded\n");
  return ExitCode::done;
}

Result<ExitCode> restore(const Context& context, const CareArguments& arguments) {
  audit::RestoreRequest request{
      arguments.file,        arguments.folder,           {},
      arguments.accept_loss, arguments.checkpoint_store, arguments.take_over};
  SIGILLO_TRY(request.known, known_before(arguments));
  SIGILLO_TRY(const audit::BackupSummary summary, audit::restore(request, context.clock));
  if (context.json) print_out("{}", json_line(summary_json(summary)));
  else
    print_out("{}: {} entries, {} files, root {}{}\n", printable(arguments.folder), summary.size,
              summary.files, summary.root.hex(),
              arguments.accept_loss ? "; the possible loss is recorded as the next entry" : "");
  if (arguments.accept_loss)
    print_err(
        "Values that were erased after this backup are back, and their erasure is not in its "
        "ledger: erase them anew.\n");
  return ExitCode::done;
}

// There is one version of each so far: opening refuses a later one and anything that is neither.
Result<ExitCode> migrate(const Context& context) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::Ledger ledger, workspace.ledger(audit::Ledger::Access::read));
  if (context.json)
    print_out("{}", json_line(Json{{"ledger_schema", audit::kLedgerVersion}, {"changed", false}}));
  else
    print_out("ledger {} has schema {}, the current one: nothing to do\n",
              printable(ledger.origin()), audit::kLedgerVersion);
  return ExitCode::done;
}

Result<ExitCode> doctor(const Context& context) {
  const std::vector<app::Examination> all = app::examine(context.workspace_folder, context.clock);
  ExitCode exit = ExitCode::done;
  Json json = Json::array();
  for (const app::Examination& one : all) {
    if (one.health == app::Health::fail) exit = ExitCode::not_verified;
    json.push_back(Json{{"name", one.name},
                        {"health", to_string(one.health)},
                        {"message", one.message},
                        {"remedy", one.remedy}});
    if (context.json) continue;
    print_out("{:<4}  {:<9}  {}\n", to_string(one.health), one.name, printable(one.message));
    if (!one.remedy.empty()) print_out("        what to do: {}\n", printable(one.remedy));
  }
  if (context.json) print_out("{}", json_line(json));
  return exit;
}

}  // namespace

void add_care_commands(Command app, Context& context) {
  auto arguments = std::make_shared<CareArguments>();
  Command command = add_command(
      app, context, "backup", "write the whole workspace to one file, while others go on appending",
      [&context, arguments] { return backup(context, *arguments); });
  command.option("file", arguments->file, "file to write; never overwritten").required();
  command.flag("--without-keys", arguments->without_keys,
               "leave the keys out: the copy can be read and checked, not appended to");
  add_json_flag(command, context);

  const auto add_decision = [&](Command& one) {
    one.option("--since", arguments->since,
               "the last published checkpoint: the copy must hold all that it covers");
    one.option("--log-key", arguments->log_key,
               "verifier key that the ledger must have, known from elsewhere");
    one.flag("--accept-loss", arguments->accept_loss,
             "go on although later entries may be lost; recorded in the ledger");
    add_json_flag(one, context);
  };
  command = add_command(app, context, "restore", "make a workspace from a backup",
                        [&context, arguments] { return restore(context, *arguments); });
  command.option("file", arguments->file, "the backup").required();
  command.option("--to", arguments->folder, "folder to make").required();
  add_decision(command);
  command.option("--checkpoint-store", arguments->checkpoint_store,
                 "a store of its own for the copy, as for a rehearsal");
  command.flag("--take-over", arguments->take_over,
               "let the copy sign although its store knows a later checkpoint; the ledger that "
               "signed that one can sign no more");
  command.footer(
      "A ledger that goes on from an old copy forks: receipts that were given out since are about "
      "entries that it no longer has. Hence one of --since and --accept-loss is needed.");

  Command log = app.find_group("log");
  command = add_command(log, context, "resume",
                        "let the log go on from a copy whose checkpoint store does not know it",
                        [&context, arguments] { return resume(context, *arguments); });
  add_decision(command);
  command.footer(
      "Needed once for a workspace that was copied without its checkpoint store, is older than the "
      "store, or was made by a sigillo that had none. Prints the checkpoint that the log goes on "
      "from.");

  command = add_command(app, context, "migrate",
                        "bring an older workspace to this version's formats; there is one so far",
                        [&context] { return migrate(context); });
  add_json_flag(command, context);

  command = add_command(app, context, "doctor",
                        "look at workspace and machine: ok, warn or fail, and what to do",
                        [&context] { return doctor(context); });
  add_json_flag(command, context);
  command.footer("Exit codes: 0 nothing fails, 1 something does.");
}

}  // namespace sigillo::cli
