#include "sigillo/core/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "core/write_all.hpp"

namespace sigillo::core {
namespace fs = std::filesystem;
namespace {

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int get() const { return descriptor_; }
  // close(2) reports delayed write errors: it has to be looked at before the content counts as
  // written.
  [[nodiscard]] bool close_now() { return ::close(std::exchange(descriptor_, -1)) == 0; }

 private:
  int descriptor_;
};

Result<ssize_t> read_some(int descriptor, std::span<std::uint8_t> out, const fs::path& path) {
  ssize_t count = 0;
  do count = ::read(descriptor, out.data(), out.size());
  while (count < 0 && errno == EINTR);
  if (count < 0) return error_from_errno(errno, "cannot read", path);
  return count;
}

Result<int> open_regular(const fs::path& path) {
  // O_NONBLOCK: opening a FIFO that nobody writes must fail, not wait.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return error_from_errno(errno, "cannot open", path);
  struct stat info {};
  const int failure = ::fstat(descriptor, &info) != 0 ? errno : 0;
  if (failure != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor);
    if (failure != 0) return error_from_errno(failure, "cannot read", path);
    return Error{ErrorCode::invalid_input, fmt::format("{} is not a regular file", path.string()),
                 "name a regular file"};
  }
  return descriptor;
}

Status sync_folder(const fs::path& folder) {
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() < 0 || ::fsync(file.get()) != 0)
    return error_from_errno(errno, "cannot sync folder", folder);
  return {};
}

Status write_temporary(const fs::path& temporary, ByteView bytes, unsigned mode) {
  File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                   static_cast<mode_t>(mode)));
  if (file.get() < 0) return error_from_errno(errno, "cannot create", temporary);
  SIGILLO_TRY_VOID(write_all(file.get(), bytes, temporary));
  if (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0 || ::fsync(file.get()) != 0 ||
      !file.close_now())
    return error_from_errno(errno, "cannot write", temporary);
  return {};
}

}  // namespace

Error error_from_errno(int error_number, std::string_view action, const fs::path& path) {
  ErrorCode code = ErrorCode::io_error;
  std::string_view remedy = "check the disk and the system log, then try again";
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      code = ErrorCode::not_found;
      remedy = "check the path";
      break;
    case EACCES:
    case EPERM:
      code = ErrorCode::permission_denied;
      remedy = "check owner and mode of the file and its folders";
      break;
    case ENOSPC:
    case EDQUOT:
      code = ErrorCode::disk_full;
      remedy = "free some space on this file system, then try again";
      break;
    case EROFS:
      code = ErrorCode::read_only;
      remedy = "use a writable file system";
      break;
    case EEXIST:
      code = ErrorCode::already_exists;
      remedy = "choose another name, or remove the old one";
      break;
    case EISDIR:
      code = ErrorCode::invalid_input;
      remedy = "name a regular file";
      break;
    default:
      break;
  }
  return Error{code, fmt::format("{} {}: {}", action, path.string(), std::strerror(error_number)),
               std::string(remedy)};
}

Result<Bytes> read_file(const fs::path& path, std::size_t limit) {
  int descriptor = STDIN_FILENO;
  std::optional<File> owned;
  if (path != "-") {
    SIGILLO_TRY(descriptor, open_regular(path));
    owned.emplace(descriptor);
  }
  Bytes content;
  Bytes buffer(std::size_t{1} << 16);
  for (;;) {
    SIGILLO_TRY(const ssize_t count, read_some(descriptor, buffer, path));
    if (count == 0) return content;
    if (content.size() + static_cast<std::size_t>(count) > limit)
      return Error{ErrorCode::input_too_large,
                   fmt::format("{} is larger than the limit of {} bytes", path.string(), limit),
                   "give a smaller input"};
    content.insert(content.end(), buffer.begin(), buffer.begin() + count);
  }
}

// A file is replaced by another file. A device or FIFO (such as /dev/stdout, which is a link to
// one) would be replaced by a file, too, for everybody.
Status check_replaceable(const fs::path& path) {
  struct stat info {};
  if (path == "-" || (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)))
    return Error{ErrorCode::invalid_input,
                 fmt::format("{} is not a regular file, and is not replaced by one", path.string()),
                 path == "-" ? "name a file, or \"./-\" for one of this name"
                             : "name a file; `cat` brings it to where you want it"};
  return {};
}

Status write_file_atomically(const fs::path& path, ByteView bytes, unsigned mode) {
  SIGILLO_TRY_VOID(check_replaceable(path));
  static std::atomic<unsigned> serial{0};
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const fs::path temporary =
      folder / fmt::format(".{}.{}.{}.tmp", path.filename().string(), ::getpid(), serial++);
  auto status = write_temporary(temporary, bytes, mode);
  if (status.has_value() && ::rename(temporary.c_str(), path.c_str()) != 0)
    status = error_from_errno(errno, "cannot replace", path);
  if (!status.has_value()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return sync_folder(folder);
}

Status write_file_unsynced(const fs::path& path, ByteView bytes, const fs::path& temporary,
                           unsigned mode) {
  auto status = [&]() -> Status {
    File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                     static_cast<mode_t>(mode)));
    if (file.get() < 0) return error_from_errno(errno, "cannot create", temporary);
    SIGILLO_TRY_VOID(write_all(file.get(), bytes, temporary));
    if (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0 || !file.close_now())
      return error_from_errno(errno, "cannot write", temporary);
    if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
    if (errno != ENOENT) return error_from_errno(errno, "cannot replace", path);
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) return error_from_errno(error.value(), "cannot create folder", path.parent_path());
    if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
    return error_from_errno(errno, "cannot replace", path);
  }();
  if (!status.has_value()) ::unlink(temporary.c_str());
  return status;
}

Status make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  return error ? error_from_errno(error.value(), "cannot create", folder) : Status();
}

Status write_all(int descriptor, ByteView bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return error_from_errno(errno, "cannot write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Status sync_file_system(const fs::path& folder) {
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() < 0 || ::syncfs(file.get()) != 0)
    return error_from_errno(errno, "cannot sync the file system of", folder);
  return {};
}

Result<FileDigest> digest_file(const fs::path& path, std::size_t chunk_size,
                               const std::function<void(ByteView)>& chunk) {
  SIGILLO_CHECK(chunk_size > 0);
  SIGILLO_TRY(const int descriptor, open_regular(path));
  const File file(descriptor);
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  Sha256 whole;
  FileDigest result;
  Bytes buffer(chunk_size);
  for (;;) {
    std::size_t filled = 0;
    while (filled < chunk_size) {
      SIGILLO_TRY(const ssize_t count,
                  read_some(descriptor, std::span(buffer).subspan(filled), path));
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    if (filled == 0) break;
    const ByteView part = ByteView(buffer).first(filled);
    whole.update(part);
    if (chunk) chunk(part);
    result.size += filled;
    if (filled < chunk_size) break;
  }
  result.digest = whole.finish();
  return result;
}

}  // namespace sigillo::core
