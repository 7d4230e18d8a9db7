#include "audit/process.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "sigillo/core/files.hpp"

namespace sigillo::audit {
namespace {

constexpr std::array kPassedOn = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2};

std::vector<char*> pointers(const std::vector<std::string>& argv) {
  std::vector<char*> out;
  for (const std::string& argument : argv) out.push_back(const_cast<char*>(argument.c_str()));
  out.push_back(nullptr);
  return out;
}

// failed: where the cause is written if the program cannot be started; closed when it can. -1:
// nobody wants to know.
[[noreturn]] void become(const std::vector<std::string>& argv, int failed = -1) {
  ::execvp(argv[0].c_str(), pointers(argv).data());
  const int cause = errno;
  if (failed >= 0) static_cast<void>(!::write(failed, &cause, sizeof cause));
  ::dprintf(STDERR_FILENO, "sigillo: cannot run %s: %s\n", argv[0].c_str(), std::strerror(cause));
  ::_exit(cause == ENOENT ? 127 : 126);
}

std::int64_t milliseconds(const timeval& time) {
  return std::int64_t{time.tv_sec} * 1000 + time.tv_usec / 1000;
}

int wait_and_pass_on(pid_t child, const HeldSignals& held, rusage& usage) {
  for (;;) {
    int status = 0;
    if (::wait4(child, &status, WNOHANG, &usage) == child) return status;
    siginfo_t info{};
    const int signal = ::sigwaitinfo(&held.watched(), &info);
    if (signal < 0 || signal == SIGCHLD) continue;
    const bool from_terminal = info.si_code == SI_KERNEL && (signal == SIGINT || signal == SIGQUIT);
    if (!from_terminal) ::kill(child, signal);
  }
}

}  // namespace

HeldSignals::HeldSignals() {
  sigemptyset(&watched_);
  sigaddset(&watched_, SIGCHLD);
  for (const int signal : kPassedOn) sigaddset(&watched_, signal);
  sigprocmask(SIG_BLOCK, &watched_, &previous_);
}

HeldSignals::~HeldSignals() {
  const timespec now{};
  while (::sigtimedwait(&watched_, nullptr, &now) > 0) {
  }
  sigprocmask(SIG_SETMASK, &previous_, nullptr);
}

core::Result<ProcessEnd> supervise(
    const HeldSignals& held, const std::vector<std::string>& argv,
    const std::vector<std::pair<std::string, std::string>>& environment) {
  SIGILLO_CHECK(!argv.empty());
  // A parent that ignores SIGCHLD would have its choice inherited here, and the end of the program
  // would be lost.
  std::signal(SIGCHLD, SIG_DFL);
  std::array<int, 2> failed{};
  if (::pipe2(failed.data(), O_CLOEXEC) != 0)
    return core::error_from_errno(errno, "cannot make a pipe for", argv[0]);
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    sigprocmask(SIG_SETMASK, &held.previous(), nullptr);
    become(argv, failed[1]);
  }
  const int fork_error = errno;
  ::close(failed[1]);
  ProcessEnd end;
  int cause = 0;
  end.started = child > 0 && ::read(failed[0], &cause, sizeof cause) != sizeof cause;
  ::close(failed[0]);
  if (child < 0) return core::error_from_errno(fork_error, "cannot make a process for", argv[0]);
  rusage usage{};
  const int status = wait_and_pass_on(child, held, usage);
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  else end.signal = WTERMSIG(status);
  end.wall_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                    std::chrono::steady_clock::now() - start)
                    .count();
  end.cpu_ms = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
  end.max_rss_kib = usage.ru_maxrss;
  return end;
}

std::optional<std::string> capture(const std::vector<std::string>& argv) {
  constexpr std::size_t limit = 65536;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere < 0 || ::dup2(nowhere, STDIN_FILENO) < 0 || ::dup2(ends[1], STDOUT_FILENO) < 0 ||
        ::dup2(nowhere, STDERR_FILENO) < 0)
      ::_exit(126);
    become(argv);
  }
  ::close(ends[1]);
  std::string out;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0;
       child > 0 && (count = ::read(ends[0], buffer.data(), buffer.size())) != 0;) {
    if (count < 0 && errno != EINTR) break;
    if (count > 0 && out.size() < limit) out.append(buffer.data(), static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (child <= 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0 || out.size() > limit)
    return std::nullopt;
  return out;
}

}  // namespace sigillo::audit
