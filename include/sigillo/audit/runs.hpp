// Runs: evidence around a command (docs/formats/record.md, run-start and run-end).
//
// The start is durable before the command is started. The command is never disturbed after that:
// whatever goes wrong with the recording is told on the diagnostics channel, and the command's own
// exit code stands. A run whose recorder was killed has a start and no end, and the evidence says
// so.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sigillo/audit/manifest.hpp"
#include "sigillo/audit/workspace.hpp"
#include "sigillo/core/evidence.hpp"

namespace sigillo::audit {

struct RunRequest {
  std::string model;
  std::vector<std::string> datasets;  // names of sealed datasets
  // Folder or file whose files are hashed after the end, without those that were there before the
  // command started and have not been touched since.
  std::optional<std::filesystem::path> outputs;
  std::vector<std::string> command;  // program and arguments
};

struct RunResult {
  std::string run_id;
  std::uint64_t start_entry = 0;
  std::optional<std::uint64_t> end_entry;  // nothing if the end could not be recorded
  int exit_code = 0;                       // the command's own; 128 + signal if a signal ended it
};

// Runs the command between a run-start and a run-end record. The command finds SIGILLO_RUN_ID, and
// SIGILLO_RUN_REPORT: the path of a JSON file that it may write, with "flop" (a decimal string) and
// "flop_method". An Error means that the command was not started.
[[nodiscard]] core::Result<RunResult> run_recorded(
    const Workspace& workspace, const RunRequest& request, core::Entropy& entropy,
    const core::Clock& clock, const std::function<void(const std::string&)>& warn);

// The run that made these files: the first, by entry, whose recorded outputs hold every file of the
// manifest by digest; empty if there is none. The first, because a later run that finds the files
// in its folder did not make them. `run_outputs` are rows of ev1_run_outputs.
[[nodiscard]] std::string producing_run(std::span<const core::Row> run_outputs,
                                        const Manifest& manifest);

// The name and root of the latest sealed dataset of this name; not_found with the names that are
// there.
[[nodiscard]] core::Result<std::string> dataset_root(const core::Evidence& evidence,
                                                     std::string_view name);

// flop_e12("5300000000") = 1: units of 10^12, rounded up, so that rounding never hides a threshold.
// invalid_input if it is no decimal integer or beyond 9e27.
[[nodiscard]] core::Result<std::int64_t> flop_e12(std::string_view decimal);

}  // namespace sigillo::audit
