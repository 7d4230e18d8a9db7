#include "app/cli/policy_file.hpp"

#include "sigillo/core/files.hpp"

namespace sigillo::cli {

core::Result<audit::WitnessPolicy> read_policy(const std::string& file) {
  SIGILLO_TRY(const core::Bytes bytes, core::read_file(file, audit::kMaxPolicyBytes));
  auto policy = audit::WitnessPolicy::parse(core::as_text(bytes));
  if (!policy.has_value()) return policy.error().in(file);
  return policy;
}

}  // namespace sigillo::cli
