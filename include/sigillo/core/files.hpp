// Files: bounded reads and writes that are all or nothing.
#pragma once

#include <filesystem>
#include <functional>

#include "sigillo/core/digest.hpp"

namespace sigillo::core {

// read_file reads a regular file (or, for "-", standard input) of at most `limit` bytes. Errors
// name the path: not_found, permission_denied, input_too_large, invalid_input (a directory or
// device), io_error.
[[nodiscard]] Result<Bytes> read_file(const std::filesystem::path& path, std::size_t limit);

// write_file_atomically writes a temporary file beside `path`, syncs it, renames it over `path` and
// syncs the directory: after a crash the old or the new content is there, never a part. mode:
// permission bits, such as 0600 for secrets.
[[nodiscard]] Status write_file_atomically(const std::filesystem::path& path, ByteView bytes,
                                           unsigned mode = 0644);

// make_folders makes a folder, and those above it that are not there.
[[nodiscard]] Status make_folders(const std::filesystem::path& folder);

// write_file_unsynced writes a temporary file, which must be on the same file system, and renames
// it over `path`, whose folders it makes: nobody sees a part, but only sync_file_system makes it
// last. For many files at once.
[[nodiscard]] Status write_file_unsynced(const std::filesystem::path& path, ByteView bytes,
                                         const std::filesystem::path& temporary,
                                         unsigned mode = 0644);
// sync_file_system returns when everything that was written to the file system of `folder` is
// durable (syncfs), at the price of one sync, not of one for each file.
[[nodiscard]] Status sync_file_system(const std::filesystem::path& folder);

struct FileDigest {
  Digest digest;
  std::uint64_t size = 0;
};
// digest_file streams a regular file through SHA-256. `chunk`, if given, is called with each
// chunk_size bytes (the last may be shorter), in order, so that chunk hashes need no second pass.
[[nodiscard]] Result<FileDigest> digest_file(const std::filesystem::path& path,
                                             std::size_t chunk_size = std::size_t{1} << 20,
                                             const std::function<void(ByteView)>& chunk = {});

// errno of a failed call on `path` as an Error with the right code and remedy (full disk,
// permission, read-only...).
[[nodiscard]] Error error_from_errno(int error_number, std::string_view action,
                                     const std::filesystem::path& path);

}  // namespace sigillo::core
