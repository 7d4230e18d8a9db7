#include "app/pipeline/gate.hpp"

#include <fmt/format.h>

#include "app/pipeline/shipped.hpp"

namespace sigillo::app {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;

Result<GateResult> gate(const audit::Workspace& workspace, const GateRequest& request) {
  GateResult result;
  SIGILLO_TRY(result.pack, policy::load_pack(request.pack));
  SIGILLO_TRY(result.ledger, audit::fsck(workspace));
  // Entries that no checkpoint covers would be left out of the evidence in silence: what is only
  // worth a warning in a ledger is an error in what a verdict rests on.
  for (audit::Finding& finding : result.ledger.findings)
    if (finding.check == "uncovered") finding.severity = audit::Severity::error;
  if (!result.ledger.sound()) return result;
  policy::EvaluateOptions options;
  options.as_of = request.as_of;
  options.tool_version = SIGILLO_VERSION;
  options.scope_release = request.release;
  SIGILLO_TRY(result.verdicts, policy::evaluate(result.pack, result.ledger.evidence, options));
  result.exit = policy::gate_exit(*result.verdicts);
  const auto projected = audit::write_projection(workspace, result.ledger.evidence);
  if (!projected.has_value()) result.projection_problem = projected.error().message;
  return result;
}

Result<GateRequest> gate_request(const std::string& pack, const std::string& as_of,
                                 const std::string& release, const core::Clock& clock) {
  GateRequest request;
  SIGILLO_TRY(request.pack, find_pack(pack));
  request.as_of = clock.now();
  if (!as_of.empty()) {
    SIGILLO_TRY(request.as_of, core::timestamp_from_date(as_of));
  }
  if (!release.empty()) request.release = release;
  return request;
}

Result<fs::path> find_pack(const std::string& name_or_path) {
  std::vector<fs::path> candidates;
  if (name_or_path.find('/') != std::string::npos) {
    candidates.emplace_back(name_or_path);
  } else {
    for (const fs::path& folder : shipped_folders("SIGILLO_PACKS", "packs"))
      candidates.push_back(folder / name_or_path);
  }
  std::error_code ignored;
  for (const fs::path& candidate : candidates)
    if (fs::exists(candidate / "pack.yaml", ignored)) return candidate;
  return Error{
      ErrorCode::not_found,
      fmt::format("no pack \"{}\" (looked at {})", name_or_path, candidates.back().string()),
      "`sigillo policy list` shows the packs that are installed; a path with a \"/\" names a "
      "folder"};
}

}  // namespace sigillo::app
