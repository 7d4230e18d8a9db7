#include "app/server/limiter.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace sigillo::server {

RateLimiter::Key RateLimiter::key_of(std::string_view address) {
  const std::string text(address.substr(0, INET6_ADDRSTRLEN));
  Key key{};
  if (::inet_pton(AF_INET, text.c_str(), key.data() + 1) == 1) {
    key[0] = 4;
    return key;
  }
  std::array<std::uint8_t, 16> v6{};
  if (::inet_pton(AF_INET6, text.c_str(), v6.data()) != 1) return Key{};
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(mapped.begin(), mapped.end(), v6.begin())) {
    key[0] = 4;
    std::copy_n(v6.begin() + 12, 4, key.begin() + 1);
  } else {
    key[0] = 6;
    std::copy_n(v6.begin(), 8, key.begin() + 1);
  }
  return key;
}

RateLimiter::Bucket& RateLimiter::bucket_of(const Key& key, double now) {
  if (const auto found = newer_.find(key); found != newer_.end()) return found->second;
  Bucket bucket{rate_.burst, now};
  if (const auto found = older_.find(key); found != older_.end()) bucket = found->second;
  if (newer_.size() >= std::max<std::size_t>(capacity_ / 2, 1)) {
    older_ = std::move(newer_);
    newer_.clear();
  }
  return newer_.insert_or_assign(key, bucket).first->second;
}

std::optional<int> RateLimiter::take(std::string_view address, core::Timestamp now) {
  const double seconds = static_cast<double>(now.seconds) + now.nanoseconds * 1e-9;
  const std::lock_guard lock(mutex_);
  Bucket& bucket = bucket_of(key_of(address), seconds);
  // A clock that was set back gives nothing and takes nothing.
  const double passed = std::max(0.0, seconds - bucket.updated);
  bucket.level = std::min(rate_.burst, bucket.level + passed * rate_.per_second);
  bucket.updated = seconds;
  if (bucket.level >= 1) {
    bucket.level -= 1;
    return std::nullopt;
  }
  if (rate_.per_second <= 0) return 3600;
  return static_cast<int>(
      std::clamp(std::ceil((1 - bucket.level) / rate_.per_second), 1.0, 3600.0));
}

std::size_t RateLimiter::size() const {
  const std::lock_guard lock(mutex_);
  return newer_.size() + older_.size();
}

}  // namespace sigillo::server
