// SARIF 2.1.0 as GitHub's code scanning takes it (docs/formats/sarif-junit.md).
#pragma once

#include "app/report/gate_identity.hpp"

namespace sigillo::report {

struct SarifOptions {
  GateSource source;
  // Also what passed, does not apply or is not yet due. Without it: fail, error, no_evidence and
  // manual, since GitHub shows an alert for all that it is sent.
  bool all = false;
};

// Limits of GitHub: more results than these are left out, worst kept, and a notification says so.
inline constexpr std::size_t kMaxSarifResults = 5000;

// render_sarif gives one result for each subject that needs work, anchored at its rule's line in
// the pack, with a fingerprint of rule and resource alone, so that an alert keeps its identity from
// run to run. A gate that refuses gives one result and one notification for each finding. Pure;
// equal results give equal bytes.
[[nodiscard]] std::string render_sarif(const app::GateResult& result, const SarifOptions& options);

}  // namespace sigillo::report
