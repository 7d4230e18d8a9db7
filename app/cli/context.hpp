// What every command shares: where the workspace is, how to print, which clock and randomness to
// use.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

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
CLI::App* add_command(CLI::App& parent, Context& context, const std::string& name,
                      const std::string& help,
                      std::function<core::Result<core::ExitCode>()> action);
void add_json_flag(CLI::App& command, Context& context);

// One file a group of commands.
void add_workspace_commands(CLI::App& app, Context& context);  // init, keys
void add_record_commands(CLI::App& app, Context& context);     // record, dataset, model, outputs
void add_run_command(CLI::App& app, Context& context);         // run
void add_text_commands(CLI::App& app, Context& context);       // text
void add_log_commands(CLI::App& app, Context& context);        // log
void add_tile_commands(CLI::App& app, Context& context);       // log export, log verify-tiles
void add_gate_commands(CLI::App& app, Context& context);       // gate, policy
void add_compute_commands(CLI::App& app, Context& context);    // compute
void add_bundle_commands(CLI::App& app, Context& context);     // bundle
void add_care_commands(CLI::App& app, Context& context);       // backup, restore, migrate, doctor
void add_lineage_command(CLI::App& app, Context& context);     // lineage
void add_report_command(CLI::App& app, Context& context);      // report
void add_serve_commands(CLI::App& app, Context& context);      // serve, tokens
void add_witness_commands(CLI::App& app, Context& context);    // witness, log cosign
void add_stamp_commands(CLI::App& app, Context& context);      // log stamp, log stamps
void add_completion_command(CLI::App& app, Context& context);  // completion

// Puts an example into the help of every command; called when all are there.
void add_examples(CLI::App& app);

// The whole manual as a roff page, from the same table as the help.
[[nodiscard]] std::string man_page(const CLI::App& app);

}  // namespace sigillo::cli
