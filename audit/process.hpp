// Runs other programs. Private to audit.
#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sigillo/core/result.hpp"

namespace sigillo::audit {

struct ProcessEnd {
  bool started = false;          // the program itself ran; if not, exit_code is 126 or 127
  std::optional<int> exit_code;  // one of the two is set
  std::optional<int> signal;
  std::int64_t wall_ms = 0;
  std::int64_t cpu_ms =
      0;  // user and system time of the program and the children that it waited for
  std::int64_t max_rss_kib = 0;
};

// While a HeldSignals lives, the signals that supervise() passes on end nobody: one that comes
// after the program's own end must not keep that end from being recorded. Those that came too late
// to be passed on are dropped. Not thread-safe: it changes the signal mask of the calling thread.
class HeldSignals {
 public:
  HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals();
  [[nodiscard]] const sigset_t& watched() const { return watched_; }
  [[nodiscard]] const sigset_t& previous() const { return previous_; }

 private:
  sigset_t watched_{}, previous_{};
};

// supervise runs argv with our standard streams and waits for its end. TERM, HUP, USR1 and USR2 are
// passed on, as are INT and QUIT unless the terminal sent them to the whole group already. A
// program that cannot be started ends with 127 (not found) or 126, and stderr says why. Not
// thread-safe. Error: no process could be made.
[[nodiscard]] core::Result<ProcessEnd> supervise(
    const HeldSignals& held, const std::vector<std::string>& argv,
    const std::vector<std::pair<std::string, std::string>>& environment);

// capture gives what a short program prints, up to 64 KiB; nullopt if it is not there or fails. Its
// stderr is discarded.
[[nodiscard]] std::optional<std::string> capture(const std::vector<std::string>& argv);

}  // namespace sigillo::audit
