// Time and randomness as parameters, so that every test can fix them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sigillo/core/bytes.hpp"

namespace sigillo::core {

// Timestamp: seconds and nanoseconds of UTC since 1970. Text form: RFC 3339 with a "Z", to the
// second.
struct Timestamp {
  std::int64_t seconds = 0;
  std::int32_t nanoseconds = 0;
  auto operator<=>(const Timestamp&) const =
      default;  // NOLINT(modernize-use-nullptr): a false report on <=>
};
[[nodiscard]] std::string to_rfc3339(Timestamp time);  // "2026-11-23T09:30:00Z"
[[nodiscard]] Result<Timestamp> timestamp_from_rfc3339(std::string_view text);
// A calendar date, "2026-11-23", as midnight UTC. Impossible dates (month 13, 30 February) are
// refused.
[[nodiscard]] Result<Timestamp> timestamp_from_date(std::string_view text);
[[nodiscard]] std::string to_date(Timestamp time);

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Timestamp now() const = 0;  // thread-safe
};
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override;
};
class FixedClock final : public Clock {
 public:
  explicit FixedClock(Timestamp time) : time_(time) {}
  [[nodiscard]] Timestamp now() const override { return time_; }
  void set(Timestamp time) { time_ = time; }

 private:
  Timestamp time_;
};

class Entropy {
 public:
  virtual ~Entropy() = default;
  [[nodiscard]] virtual Status fill(
      std::span<std::uint8_t> out) = 0;  // thread-safe; all or an error
};
// The operating system's generator (getrandom).
class SystemEntropy final : public Entropy {
 public:
  [[nodiscard]] Status fill(std::span<std::uint8_t> out) override;
};
// A reproducible stream for tests: SHA-256(seed || counter). Never for real keys.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : seed_(seed) {}
  [[nodiscard]] Status fill(std::span<std::uint8_t> out) override;

 private:
  std::uint64_t seed_, counter_ = 0;
};

}  // namespace sigillo::core
