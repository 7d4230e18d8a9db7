// A SQLite VFS whose clock stands still: the operating system's VFS with one function replaced.
// Private to the engine.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "sigillo/core/clock.hpp"
#include "sigillo/core/result.hpp"

namespace sigillo::policy {

// StoppedClock owns one VFS. A database that was opened with name() reads this time as `now`,
// whatever other threads do; the clock must outlive the database. Registered for its own lifetime
// only; not copied or moved, since SQLite keeps its address.
class StoppedClock {
 public:
  [[nodiscard]] static core::Result<std::unique_ptr<StoppedClock>> create(core::Timestamp time);
  ~StoppedClock();
  StoppedClock(const StoppedClock&) = delete;
  StoppedClock& operator=(const StoppedClock&) = delete;
  [[nodiscard]] const char* name() const { return name_.c_str(); }

 private:
  struct Vfs : sqlite3_vfs {
    sqlite3_int64 julian_milliseconds = 0;
  };
  StoppedClock() = default;
  static int now_milliseconds(sqlite3_vfs* vfs, sqlite3_int64* out);
  static int now_days(sqlite3_vfs* vfs, double* out);

  Vfs vfs_{};
  std::string name_;
};

}  // namespace sigillo::policy
