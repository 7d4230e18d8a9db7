// Witness policies as the command line meets them.
#pragma once

#include <string>

#include "sigillo/audit/witness_policy.hpp"

namespace sigillo::cli {

// Reads a policy; errors name the file.
[[nodiscard]] core::Result<audit::WitnessPolicy> read_policy(const std::string& file);

}  // namespace sigillo::cli
