// Witness policies as the command line meets them.
#pragma once

#include <string>

#include "sigillo/audit/witness_policy.hpp"

namespace sigillo::cli {

// Reads a policy; errors name the file.
[[nodiscard]] core::Result<audit::WitnessPolicy> read_policy(const std::string& file);
// The time of a cosignature; the number itself where no calendar has it.
[[nodiscard]] std::string rfc3339(std::uint64_t seconds);

}  // namespace sigillo::cli
