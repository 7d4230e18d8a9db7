#include "sigillo/core/clock.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "sigillo/core/digest.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::core {
namespace {

using Days = std::chrono::sys_days;

Error bad_time(std::string_view text, std::string_view form) {
  return Error{ErrorCode::invalid_argument, fmt::format("\"{}\" is no valid time", text),
               fmt::format("write it as {}", form)};
}

// Reads exactly `digits` decimal digits at `position`; -1 if they are not all digits.
int number_at(std::string_view text, std::size_t position, std::size_t digits) {
  int value = 0;
  for (std::size_t i = position; i < position + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

std::string to_rfc3339(Timestamp time) {
  const std::int64_t day_seconds = ((time.seconds % 86400) + 86400) % 86400;
  return fmt::format("{}T{:02}:{:02}:{:02}Z", to_date(time), day_seconds / 3600,
                     day_seconds / 60 % 60, day_seconds % 60);
}

std::string to_date(Timestamp time) {
  const std::int64_t day_seconds = ((time.seconds % 86400) + 86400) % 86400;
  const std::chrono::year_month_day date{
      Days{std::chrono::days{(time.seconds - day_seconds) / 86400}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

Result<Timestamp> timestamp_from_date(std::string_view text) {
  constexpr std::string_view form = "2026-11-23";
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return bad_time(text, form);
  const int year = number_at(text, 0, 4);
  const int month = number_at(text, 5, 2);
  const int day = number_at(text, 8, 2);
  if (year < 0 || month < 1 || day < 1) return bad_time(text, form);
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return bad_time(text, form);
  return Timestamp{std::int64_t{Days{date}.time_since_epoch().count()} * 86400, 0};
}

Result<Timestamp> timestamp_from_rfc3339(std::string_view text) {
  constexpr std::string_view form = "2026-11-23T09:30:00Z";
  if (text.size() != 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != 'Z')
    return bad_time(text, form);
  SIGILLO_TRY(Timestamp time, timestamp_from_date(text.substr(0, 10)));
  const int hour = number_at(text, 11, 2);
  const int minute = number_at(text, 14, 2);
  const int second = number_at(text, 17, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return bad_time(text, form);
  time.seconds += hour * 3600 + minute * 60 + second;
  return time;
}

Timestamp SystemClock::now() const {
  timespec time{};
  SIGILLO_CHECK(clock_gettime(CLOCK_REALTIME, &time) == 0);
  return {time.tv_sec, static_cast<std::int32_t>(time.tv_nsec)};
}

Status SystemEntropy::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return error_from_errno(errno, "cannot read random bytes", "getrandom");
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Status SeededEntropy::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    Bytes block;
    append_u64(block, seed_);
    append_u64(block, counter_++);
    const Digest digest = sha256(block);
    const std::size_t count = std::min(out.size(), digest.bytes.size());
    std::copy_n(digest.bytes.begin(), count, out.begin());
    out = out.subspan(count);
  }
  return {};
}

}  // namespace sigillo::core
