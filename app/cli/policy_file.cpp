#include "app/cli/policy_file.hpp"

#include "sigillo/core/files.hpp"

namespace sigillo::cli {

core::Result<audit::WitnessPolicy> read_policy(const std::string& file) {
  SIGILLO_TRY(const core::Bytes bytes, core::read_file(file, audit::kMaxPolicyBytes));
  auto policy = audit::WitnessPolicy::parse(core::as_text(bytes));
  if (!policy.has_value()) return policy.error().in(file);
  return policy;
}

std::string rfc3339(std::uint64_t seconds) {
  constexpr std::uint64_t kYear10000 = 253402300800;
  return seconds < kYear10000 ? core::to_rfc3339({static_cast<std::int64_t>(seconds), 0})
                              : std::to_string(seconds);
}

}  // namespace sigillo::cli
