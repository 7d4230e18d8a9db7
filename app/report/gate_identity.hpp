// What every rendering of a gate says about the gate itself: on which evidence, under which rules,
// as of when, with which end.
#pragma once

#include <string>

#include "app/pipeline/gate.hpp"

namespace sigillo::report {

// {"schema", "exit_code", "conclusion", "ledger_sound"}, and with a verdict also "as_of",
// "checkpoint_origin", "checkpoint_size", "checkpoint_root", "pack", "pack_version", "pack_digest",
// "evidence_digest", "scope", "tool_version". Strings and integers only.
[[nodiscard]] core::Json gate_identity(const app::GateResult& result);

// One sentence: passed, failed, undecided, or refused.
[[nodiscard]] std::string conclusion(const app::GateResult& result);

// The name of a pack that was not judged (refused) is what the caller asked for.
struct GateSource {
  // Where the pack's files lie, as a URI relative to the repository's root: "policies/packs/x".
  std::string pack_uri;
};

// A URI for the pack that was asked for by name or path: a relative path without ".." as it is,
// otherwise the last component.
[[nodiscard]] GateSource gate_source(const std::string& name_or_path);

}  // namespace sigillo::report
