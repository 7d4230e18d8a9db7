#include "app/report/gate_identity.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace sigillo::report {
using core::Json;

std::string conclusion(const app::GateResult& result) {
  if (!result.verdicts.has_value())
    return "Undecided: the gate refuses to judge, because what is stored is not what was sealed.";
  switch (result.exit) {
    case core::ExitCode::done:
      return "Passed: every mandatory rule holds on this evidence, does not apply, or is not yet "
             "due.";
    case core::ExitCode::not_verified:
      return "Failed: at least one mandatory rule does not hold on this evidence.";
    default:
      return "Undecided: at least one mandatory rule cannot be decided on this evidence.";
  }
}

Json gate_identity(const app::GateResult& result) {
  Json identity = {{"schema", "sigillo.gate/v1"},
                   {"exit_code", static_cast<int>(result.exit)},
                   {"conclusion", conclusion(result)},
                   {"ledger_sound", result.ledger.sound()}};
  if (!result.verdicts.has_value()) return identity;
  const policy::Verdicts& v = *result.verdicts;
  identity["as_of"] = v.as_of;
  identity["checkpoint_origin"] = v.origin;
  identity["checkpoint_size"] = v.size;
  identity["checkpoint_root"] = v.root;
  identity["pack"] = v.pack_name;
  identity["pack_version"] = v.pack_version;
  identity["pack_digest"] = v.pack_digest;
  identity["evidence_digest"] = v.evidence_digest;
  identity["scope"] = v.scope_release.empty() ? "all releases" : "release " + v.scope_release;
  identity["tool_version"] = v.tool_version;
  return identity;
}

GateSource gate_source(const std::string& name_or_path) {
  const std::filesystem::path path = std::filesystem::path(name_or_path).lexically_normal();
  const std::filesystem::path name = path.has_filename() ? path : path.parent_path();
  const bool inside = name.is_relative() && !name.empty() && *name.begin() != "..";
  return {inside ? name.generic_string() : name.filename().generic_string()};
}

}  // namespace sigillo::report
