// Where the data files are that come with the program.
#pragma once

#include <filesystem>
#include <vector>

namespace sigillo::app {

// The folders in which to look for `name` ("packs", "profiles"), best first: the one that the
// environment's `variable` names, if it is set and not empty, then share/sigillo/NAME beside the
// program's own folder. Nothing says that they exist.
[[nodiscard]] std::vector<std::filesystem::path> shipped_folders(const char* variable,
                                                                 const char* name);

}  // namespace sigillo::app
