// The gate: verify the ledger, recompute the evidence, judge it.
#pragma once

#include <optional>
#include <string>

#include "sigillo/audit/fsck.hpp"
#include "sigillo/policy/engine.hpp"

namespace sigillo::app {

struct GateRequest {
  std::filesystem::path pack;
  core::Timestamp as_of;
  std::optional<std::string> release;
};
struct GateResult {
  policy::Pack pack;  // the rules that were judged by, or would have been
  audit::FsckReport ledger;
  std::optional<policy::Verdicts>
      verdicts;  // nothing if the ledger is not sound, or has entries that no checkpoint covers
                 // (then an error, too): the gate refuses to judge
  std::string projection_problem;  // why evidence.db could not be written; no part of the verdict
  core::ExitCode exit = core::ExitCode::undecided;
};
[[nodiscard]] core::Result<GateResult> gate(const audit::Workspace& workspace,
                                            const GateRequest& request);

// The question as a person puts it: a pack by name or path, a date (empty: now), a release (empty:
// all). Errors are find_pack's, and a date that is none.
[[nodiscard]] core::Result<GateRequest> gate_request(const std::string& pack,
                                                     const std::string& as_of,
                                                     const std::string& release,
                                                     const core::Clock& clock);

// The folder of a pack that is named by path or by name (looked up in SIGILLO_PACKS, then beside
// the program).
[[nodiscard]] core::Result<std::filesystem::path> find_pack(const std::string& name_or_path);

}  // namespace sigillo::app
