// What every command shares: where the workspace is, how to print, which clock and randomness to
// use.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/command.hpp"
#include "sigillo/audit/workspace.hpp"
#include "sigillo/core/clock.hpp"

namespace sigillo::cli {

// Exit code of `run` when its command was not started.
inline constexpr int kStartNotRecorded = 125;

struct Context {
  std::filesystem::path workspace_folder;
  bool json = false;
  std::vector<std::string> command;  // what follows "--" of `run`
  core::SystemClock clock;
  core::SystemEntropy entropy;
  // The chosen command; set while the arguments are parsed, called afterwards.
  std::function<core::Result<core::ExitCode>()> action;
  // What the command did for good, such as an entry in the ledger; empty if nothing. It is told if
  // standard output cannot be written, so that nobody does it twice.
  std::string lasting;
  std::optional<int> exact_exit;  // `run`: the command's own exit code

  [[nodiscard]] core::Result<audit::Workspace> workspace() const {
    return audit::Workspace::open(workspace_folder);
  }
};

// Adds a leaf command: its options are declared by `options`, its work is `action`.
Command add_command(Command parent, Context& context, const std::string& name,
                    const std::string& help, std::function<core::Result<core::ExitCode>()> action);
void add_json_flag(Command command, Context& context);

// One file a group of commands.
void add_workspace_commands(Command app, Context& context);  // init, keys
void add_record_commands(Command app, Context& context);     // record, dataset, model, outputs
void add_run_command(Command app, Context& context);         // run
void add_text_commands(Command app, Context& context);       // text
void add_log_commands(Command app, Context& context);        // log
void add_tile_commands(Command app, Context& context);       // log export, log verify-tiles
void add_gate_commands(Command app, Context& context);       // gate, policy
void add_compute_commands(Command app, Context& context);    // compute
void add_bundle_commands(Command app, Context& context);     // bundle
void add_care_commands(Command app, Context& context);       // backup, restore, migrate, doctor
void add_lineage_command(Command app, Context& context);     // lineage
void add_report_command(Command app, Context& context);      // report
void add_serve_commands(Command app, Context& context);      // serve, tokens
void add_witness_commands(Command app, Context& context);    // witness, log cosign
void add_values_commands(Command app, Context& context);     // values
void add_stamp_commands(Command app, Context& context);      // log stamp, log stamps
void add_sigstore_command(Command app, Context& context);    // log sigstore-bundle
void add_shard_commands(Command app, Context& context);      // log rotate, shards, handovers
void add_trust_commands(Command app, Context& context);      // keys rotate, keys revoke
void add_cose_commands(Command app, Context& context);       // log cose-receipt, log verify-cose
void add_completion_command(Command app, Context& context);  // completion

// Puts an example into the help of every command; called when all are there.
void add_examples(Command app);

// The whole manual as a roff page, from the same table as the help.
[[nodiscard]] std::string man_page(Command app);

}  // namespace sigillo::cli
