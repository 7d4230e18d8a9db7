#include "policies/engine/clock.hpp"

#include <fmt/format.h>

namespace sigillo::policy {
namespace {
// 1970-01-01T00:00:00Z as SQLite counts time: milliseconds since noon in Greenwich on 24 November
// 4714 BC (Gregorian).
constexpr sqlite3_int64 kUnixEpoch = 210866760000000;
}  // namespace

core::Result<std::unique_ptr<StoppedClock>> StoppedClock::create(core::Timestamp time) {
  const sqlite3_vfs* base = sqlite3_vfs_find(nullptr);
  if (base == nullptr || base->iVersion < 2) {
    return core::Error{core::ErrorCode::unsupported, "SQLite has no VFS of version 2",
                       "use Debian's SQLite, 3.40 or later"};
  }
  std::unique_ptr<StoppedClock> clock(new StoppedClock());
  static_cast<sqlite3_vfs&>(clock->vfs_) = *base;
  clock->name_ = fmt::format("sigillo-as-of-{}", static_cast<const void*>(clock.get()));
  clock->vfs_.zName = clock->name_.c_str();
  clock->vfs_.pNext = nullptr;
  clock->vfs_.julian_milliseconds = kUnixEpoch + time.seconds * 1000 + time.nanoseconds / 1000000;
  clock->vfs_.xCurrentTime = &StoppedClock::now_days;
  clock->vfs_.xCurrentTimeInt64 = &StoppedClock::now_milliseconds;
  if (sqlite3_vfs_register(&clock->vfs_, 0) != SQLITE_OK) {
    return core::Error{core::ErrorCode::io_error, "SQLite refused the as-of clock",
                       "try again with more memory"};
  }
  return clock;
}

StoppedClock::~StoppedClock() { sqlite3_vfs_unregister(&vfs_); }

int StoppedClock::now_milliseconds(sqlite3_vfs* vfs, sqlite3_int64* out) {
  *out = static_cast<const Vfs*>(vfs)->julian_milliseconds;
  return SQLITE_OK;
}

int StoppedClock::now_days(sqlite3_vfs* vfs, double* out) {
  *out = static_cast<double>(static_cast<const Vfs*>(vfs)->julian_milliseconds) / 86400000.0;
  return SQLITE_OK;
}

}  // namespace sigillo::policy
