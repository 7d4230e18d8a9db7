// FolderLock: one at a time, among processes too. The folder itself is locked (flock), so that no
// file is left behind and a process that dies leaves no lock. Private to the project.
#pragma once

#include <filesystem>

#include "sigillo/core/result.hpp"

namespace sigillo::core {

// Held until destroyed. Two locks of one folder exclude each other, in one process as well.
class FolderLock {
 public:
  // Waits until nobody else has it.
  [[nodiscard]] static Result<FolderLock> take(const std::filesystem::path& folder);
  // Does not wait: `busy` if somebody else has it.
  [[nodiscard]] static Result<FolderLock> try_take(const std::filesystem::path& folder, Error busy);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace sigillo::core
