// The doctor: looks at what a workspace and its machine need, and says what to do. Writes nothing.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sigillo/audit/workspace.hpp"

namespace sigillo::app {

enum class Health { ok, warn, fail };
[[nodiscard]] std::string_view to_string(Health health);

struct Examination {
  std::string name;  // stable: "workspace", "keys", "disk", ...
  Health health = Health::ok;
  std::string message;
  std::string remedy;  // empty if ok
};
// Never an Error: what cannot be looked at is an Examination that fails.
[[nodiscard]] std::vector<Examination> examine(const std::filesystem::path& workspace_folder,
                                               const core::Clock& clock);

}  // namespace sigillo::app
