#include "app/pipeline/shipped.hpp"

#include <cstdlib>

namespace sigillo::app {

namespace fs = std::filesystem;

std::vector<fs::path> shipped_folders(const char* variable, const char* name) {
  std::vector<fs::path> folders;
  if (const char* named = std::getenv(variable); named != nullptr && *named != '\0')
    folders.emplace_back(named);
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  folders.push_back(program.parent_path().parent_path() / "share/sigillo" / name);
  return folders;
}

}  // namespace sigillo::app
