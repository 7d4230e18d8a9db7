#include "sigillo/core/files.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>

#include "support.hpp"

using namespace sigillo::core;
using namespace sigillo::test;
namespace fs = std::filesystem;

namespace {

unsigned mode_of(const fs::path& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777U;
}

int entries(const fs::path& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// The code of a Status as a child's exit status: 0 for success, 1 + the code otherwise.
int as_exit(const Status& status) {
  return status.has_value() ? 0 : 1 + static_cast<int>(status.error().code);
}
constexpr int exit_of(ErrorCode code) { return 1 + static_cast<int>(code); }

}  // namespace

TEST_CASE("a device, a FIFO and a folder are not replaced by a file") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  fs::create_symlink("/dev/null", folder / "link");
  for (const fs::path& path : {folder / "fifo", folder / "link", folder.path(), fs::path("-")}) {
    const Status written = write_file_atomically(path, as_bytes("x"), 0600);
    INFO(path);
    REQUIRE(!written.has_value());
    CHECK(written.error().code == ErrorCode::invalid_input);
  }
  CHECK(fs::is_fifo(folder / "fifo"));
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(entries(folder.path()) == 2);
  REQUIRE(write_file_atomically(folder / "new", as_bytes("x"), 0600).has_value());
}

TEST_CASE("a file is read up to the limit, and not one byte past it") {
  const TemporaryFolder folder;
  const fs::path file = folder / "file";
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{65535}, std::size_t{65536},
                           std::size_t{65537}, std::size_t{200000}}) {
    write_text(file, std::string(size, 'x'));
    REQUIRE(read_file(file, size).value() == Bytes(size, 'x'));
    REQUIRE(read_file(file, size + 1).value().size() == size);
    if (size > 0) REQUIRE_CODE(read_file(file, size - 1), input_too_large);
  }
}

TEST_CASE("what is no regular file is refused at once, and every message names the path") {
  const TemporaryFolder folder;
  const fs::path fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  REQUIRE_CODE(read_file(fifo, 100), invalid_input);  // a FIFO without a writer must not block
  REQUIRE_CODE(digest_file(fifo), invalid_input);
  REQUIRE_CODE(read_file(folder.path(), 100), invalid_input);
  REQUIRE_CODE(digest_file(folder.path()), invalid_input);
  REQUIRE_CODE(read_file("/dev/null", 100), invalid_input);
  REQUIRE_CODE(read_file(folder / "missing", 100), not_found);
  REQUIRE_CODE(digest_file(folder / "missing"), not_found);
  write_text(folder / "file", "x");
  REQUIRE_CODE(read_file(folder / "file" / "below", 100), not_found);
  REQUIRE_CODE(read_file("", 100), not_found);
  for (const char* name : {"fifo", "missing"})
    REQUIRE(read_file(folder / name, 100).error().message.find((folder / name).string()) !=
            std::string::npos);
}

TEST_CASE("\"-\" is standard input") {
  const TemporaryFolder folder;
  write_text(folder / "in", "from a pipe");
  const auto read_stdin = [&](std::size_t limit) {
    return in_child([&] {
      const int descriptor = ::open((folder / "in").c_str(), O_RDONLY | O_CLOEXEC);
      if (descriptor < 0 || ::dup2(descriptor, STDIN_FILENO) < 0) return 50;
      const auto content = read_file("-", limit);
      if (!content.has_value()) return exit_of(content.error().code);
      return as_text(*content) == "from a pipe" ? 0 : 51;
    });
  };
  REQUIRE(read_stdin(11).exit == 0);
  REQUIRE(read_stdin(10).exit == exit_of(ErrorCode::input_too_large));
}

TEST_CASE("an atomic write leaves the content, the mode and nothing else") {
  const TemporaryFolder folder;
  const fs::path file = folder / "file";
  REQUIRE_OK(write_file_atomically(file, as_bytes("first")));
  REQUIRE(read_text(file) == "first");
  REQUIRE(mode_of(file) == 0644);
  REQUIRE_OK(write_file_atomically(file, as_bytes("second"), 0600));
  REQUIRE(read_text(file) == "second");
  REQUIRE(mode_of(file) == 0600);
  REQUIRE_OK(write_file_atomically(file, {}));
  REQUIRE(read_text(file).empty());
  REQUIRE(entries(folder.path()) == 1);
  // The mode does not depend on the umask, in either direction.
  REQUIRE(in_child([&] {
            ::umask(077);
            return as_exit(write_file_atomically(folder / "open", as_bytes("x"), 0644));
          }).exit == 0);
  REQUIRE(mode_of(folder / "open") == 0644);
  REQUIRE(in_child([&] {
            ::umask(0);
            return as_exit(write_file_atomically(folder / "closed", as_bytes("x"), 0600));
          }).exit == 0);
  REQUIRE(mode_of(folder / "closed") == 0600);
}

TEST_CASE("a relative name writes into the current folder") {
  const TemporaryFolder folder;
  REQUIRE(in_child([&] {
            if (::chdir(folder.path().c_str()) != 0) return 50;
            return as_exit(write_file_atomically("name", as_bytes("x")));
          }).exit == 0);
  REQUIRE(read_text(folder / "name") == "x");
}

TEST_CASE("a write that cannot end leaves the old file") {
  const TemporaryFolder folder;
  REQUIRE_CODE(write_file_atomically(folder / "none" / "file", as_bytes("x")), not_found);
  fs::create_directory(folder / "folder");
  REQUIRE_CODE(write_file_atomically(folder / "folder", as_bytes("x")), invalid_input);
  REQUIRE(entries(folder.path()) == 1);  // the temporary file is gone

  // A file-size limit stands for any device that stops in the middle.
  write_text(folder / "file", "old");
  const ChildEnd limited = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 50;
    return as_exit(write_file_atomically(folder / "file", Bytes(5000, 'n')));
  });
  REQUIRE(limited.exit == exit_of(ErrorCode::io_error));
  REQUIRE(read_text(folder / "file") == "old");
  REQUIRE(entries(folder.path()) == 2);
}

TEST_CASE("a full disk is named as one, and leaves the old file") {
  // /dev/full gives the real errno of a full device, everywhere.
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  REQUIRE(::write(full, "x", 1) == -1);
  const Error error = error_from_errno(errno, "cannot write", "/some/file");
  ::close(full);
  REQUIRE(error.code == ErrorCode::disk_full);
  REQUIRE(error.message.find("/some/file") != std::string::npos);
  REQUIRE_FALSE(error.remedy.empty());

  // The whole way on a tiny file system of its own, where mounting is permitted.
  const TemporaryFolder folder;
  constexpr int not_permitted = 60;
  const ChildEnd child = in_child([&] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0)
      return not_permitted;
    const fs::path file = folder / "file";
    if (!write_file_atomically(file, as_bytes("old")).has_value()) return 61;
    const Status status = write_file_atomically(file, Bytes(std::size_t{1} << 20, 'n'));
    if (read_text(file) != "old") return 62;
    if (entries(folder.path()) != 1) return 63;
    if (!write_file_atomically(file, as_bytes("new")).has_value()) return 64;  // space is back
    return as_exit(status);
  });
  if (child.exit == not_permitted) WARN("mounting is not permitted: no tiny file system was tried");
  else REQUIRE(child.exit == exit_of(ErrorCode::disk_full));
}

TEST_CASE("permissions are reported as such") {
  const TemporaryFolder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  write_text(folder / "secret", "x");
  REQUIRE(::chmod((folder / "secret").c_str(), 0) == 0);
  write_text(folder / "public", "x");
  REQUIRE(::chmod((folder / "public").c_str(), 0444) == 0);
  fs::create_directory(folder / "closed");
  REQUIRE(::chmod((folder / "closed").c_str(), 0555) == 0);
  const auto as_nobody = [](const std::function<int()>& body) {
    return in_child([&] { return become_nobody() ? body() : 97; }).exit;
  };
  const auto read_code = [](const fs::path& path) {
    const auto content = read_file(path, 100);
    return content.has_value() ? 0 : exit_of(content.error().code);
  };
  REQUIRE(as_nobody([&] { return read_code(folder / "public"); }) == 0);
  REQUIRE(as_nobody([&] { return read_code(folder / "secret"); }) ==
          exit_of(ErrorCode::permission_denied));
  REQUIRE(as_nobody([&] {
            return as_exit(write_file_atomically(folder / "closed" / "file", as_bytes("x")));
          }) == exit_of(ErrorCode::permission_denied));
}

TEST_CASE("a digest comes with the size and the chunks, in order") {
  const TemporaryFolder folder;
  const fs::path file = folder / "file";
  for (std::size_t size : {0U, 1U, 9U, 10U, 11U, 20U, 25U}) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>('a' + i));
    write_text(file, text);
    std::string seen;
    std::vector<std::size_t> sizes;
    const auto digest = digest_file(file, 10, [&](ByteView part) {
      seen += as_text(part);
      sizes.push_back(part.size());
    });
    REQUIRE_OK(digest);
    REQUIRE(digest->digest == sha256(text));
    REQUIRE(digest->size == size);
    REQUIRE(seen == text);
    REQUIRE(sizes.size() == (size + 9) / 10);
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) REQUIRE(sizes[i] == 10);
  }
  write_text(file, std::string((std::size_t{1} << 20) + 7, 'z'));
  REQUIRE(digest_file(file)->digest == sha256(read_text(file)));
}

TEST_CASE("errno becomes a code and a remedy") {
  const std::pair<int, ErrorCode> table[] = {
      {ENOENT, ErrorCode::not_found},         {ENOTDIR, ErrorCode::not_found},
      {EACCES, ErrorCode::permission_denied}, {EPERM, ErrorCode::permission_denied},
      {ENOSPC, ErrorCode::disk_full},         {EDQUOT, ErrorCode::disk_full},
      {EROFS, ErrorCode::read_only},          {EEXIST, ErrorCode::already_exists},
      {EISDIR, ErrorCode::invalid_input},     {EIO, ErrorCode::io_error}};
  for (const auto& [number, code] : table) {
    const Error error = error_from_errno(number, "cannot do", "/a/path");
    REQUIRE(error.code == code);
    REQUIRE(error.message.starts_with("cannot do /a/path: "));
    REQUIRE_FALSE(error.remedy.empty());
  }
}
