// What the unit tests share: a folder that goes away, checks of error codes, child processes.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "sigillo/core/result.hpp"

namespace sigillo::core {
// Catch2 prints codes by their text.
inline std::ostream& operator<<(std::ostream& out, ErrorCode code) {
  return out << to_string(code);
}
}  // namespace sigillo::core

namespace sigillo::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sigillo-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.flush();
  if (!out) throw std::runtime_error("cannot write " + path.string());
}
inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// What a child process did. exit: its exit status, or -1. signal: what killed it, or 0.
struct ChildEnd {
  int exit = -1;
  int signal = 0;
};
// Runs `body` in a forked child; the child exits with what it returns.
inline ChildEnd in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    int result = 99;
    try {
      result = body();
    } catch (...) {
      result = 98;
    }
    ::_exit(result);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid failed");
  if (WIFEXITED(status)) return {WEXITSTATUS(status), 0};
  return {-1, WIFSIGNALED(status) ? WTERMSIG(status) : 0};
}

// Gives up root for good: permission bits do not bind root. True if the process is now
// unprivileged.
inline bool become_nobody() {
  constexpr unsigned nobody = 65534;
  if (::geteuid() != 0) return true;
  return ::setgid(nobody) == 0 && ::setuid(nobody) == 0 && ::geteuid() == nobody;
}

}  // namespace sigillo::test

// The Result holds a value; a failure shows the error's message.
#define REQUIRE_OK(result)                                     \
  do {                                                         \
    const auto& checked_ = (result);                           \
    if (!checked_.has_value()) FAIL(checked_.error().message); \
    SUCCEED();                                                 \
  } while (false)

// The Result holds an error of this code.
#define REQUIRE_CODE(result, expected)                                      \
  do {                                                                      \
    const auto& checked_ = (result);                                        \
    REQUIRE_FALSE(checked_.has_value());                                    \
    REQUIRE(checked_.error().code == ::sigillo::core::ErrorCode::expected); \
    REQUIRE_FALSE(checked_.error().message.empty());                        \
  } while (false)
