#include "core/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "sigillo/core/files.hpp"

namespace sigillo::core {
namespace fs = std::filesystem;

namespace {

Result<int> open_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return error_from_errno(errno, "cannot open", folder);
  return descriptor;
}

}  // namespace

Result<FolderLock> FolderLock::take(const fs::path& folder) {
  SIGILLO_TRY(const int descriptor, open_folder(folder));
  FolderLock lock(descriptor);
  while (::flock(descriptor, LOCK_EX) != 0)
    if (errno != EINTR) return error_from_errno(errno, "cannot lock", folder);
  return lock;
}

Result<FolderLock> FolderLock::try_take(const fs::path& folder, Error busy) {
  SIGILLO_TRY(const int descriptor, open_folder(folder));
  FolderLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) return busy;
  return error_from_errno(errno, "cannot lock", folder);
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace sigillo::core
