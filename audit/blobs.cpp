#include "sigillo/audit/blobs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/folder_lock.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;

namespace {

// A new folder is durable once the folder that names it is.
core::Status make_durable_folder(const fs::path& folder) {
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (error) return core::error_from_errno(error.value(), "cannot create", folder);
  if (!made) return {};
  const int parent = ::open(folder.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = parent >= 0 && ::fsync(parent) == 0;
  const int cause = errno;
  if (parent >= 0) ::close(parent);
  if (!synced) return core::error_from_errno(cause, "cannot sync", folder.parent_path());
  return {};
}

// Whoever stores a blob is about to name it: a pruning that is under way must not take it for one
// that nobody names any more. It looks at the time under the same lock.
core::Result<bool> mark_as_new(const fs::path& folder, const fs::path& file) {
  SIGILLO_TRY(const core::FolderLock lock, core::FolderLock::take(folder));
  return ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0) == 0;
}

}  // namespace

fs::path BlobStore::path(const core::Digest& digest) const {
  const std::string name = digest.hex();
  return folder_ / name.substr(0, 2) / name.substr(2);
}

core::Result<core::Digest> BlobStore::put(core::ByteView bytes) {
  if (bytes.size() > kMaxBlobBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("a blob of {} bytes is larger than the limit of {}", bytes.size(),
                             kMaxBlobBytes),
                 "split it into several records"};
  const core::Digest digest = core::sha256(bytes);
  const fs::path target = path(digest);
  if (get(digest).has_value()) {
    SIGILLO_TRY(const bool still_there, mark_as_new(folder_, target));
    if (still_there) return digest;
  }
  SIGILLO_TRY_VOID(make_durable_folder(target.parent_path()));
  SIGILLO_TRY_VOID(core::write_file_atomically(target, bytes, 0644));
  return digest;
}

core::Result<core::Bytes> BlobStore::get_unchecked(const core::Digest& digest) const {
  auto bytes = core::read_file(path(digest), kMaxBlobBytes);
  if (!bytes.has_value()) return bytes.error().in(fmt::format("blob sha256:{}", digest.hex()));
  return bytes;
}

core::Result<core::Bytes> BlobStore::get(const core::Digest& digest) const {
  SIGILLO_TRY(core::Bytes bytes, get_unchecked(digest));
  if (const core::Digest actual = core::sha256(bytes); actual != digest)
    return Error{
        ErrorCode::evidence_corrupt,
        fmt::format("blob sha256:{}: its bytes have digest {}", digest.hex(), actual.hex()),
        "restore the blob from a copy; the ledger names the right digest"};
  return bytes;
}

}  // namespace sigillo::audit
