// RateLimiter: a token bucket an address, in bounded memory.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>

#include "sigillo/core/clock.hpp"

namespace sigillo::server {

struct Rate {
  double per_second = 2;
  double burst = 30;
};

// Thread-safe. Addresses are kept in memory until `capacity` others came after them, and are never
// written anywhere.
class RateLimiter {
 public:
  explicit RateLimiter(Rate rate, std::size_t capacity = 65536)
      : rate_(rate), capacity_(capacity) {}
  // Takes one from the bucket of an address: an IPv4 address, or the /64 of an IPv6 address, which
  // is what one subscriber gets. What is no address shares one bucket. Nothing: it may go on.
  // Otherwise the seconds until it may, at least 1.
  [[nodiscard]] std::optional<int> take(std::string_view address, core::Timestamp now);
  [[nodiscard]] std::size_t size() const;

 private:
  using Key = std::array<std::uint8_t, 9>;  // family, network
  struct Bucket {
    double level;
    double updated;
  };
  [[nodiscard]] static Key key_of(std::string_view address);
  [[nodiscard]] Bucket& bucket_of(const Key& key, double now);

  Rate rate_;
  std::size_t capacity_;
  mutable std::mutex mutex_;
  // Two generations: when the newer is half the capacity, the older is forgotten.
  std::map<Key, Bucket> newer_, older_;
};

}  // namespace sigillo::server
