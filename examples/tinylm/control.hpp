// What a long-running step may ask and say: has somebody asked the process to stop, and how far is
// it.
#pragma once

#include <functional>
#include <string_view>

#include "sigillo/core/result.hpp"

namespace tinylm {

struct Control {
  std::function<bool()> stop_requested = [] { return false; };
  // progress(step, done, total): for people who watch; never part of the result.
  std::function<void(std::string_view, std::uint64_t, std::uint64_t)> progress =
      [](std::string_view, std::uint64_t, std::uint64_t) {};
};

[[nodiscard]] inline sigillo::core::Error stopped() {
  return {sigillo::core::ErrorCode::io_error, "stopped by a signal", "start the command again"};
}

}  // namespace tinylm
