// SHA-256 (FIPS 180-4) with a reused context, HMAC-SHA-256 (RFC 2104) and digest values.
#pragma once

#include <array>
#include <compare>
#include <memory>

#include "sigillo/core/bytes.hpp"

namespace sigillo::core {

// Digest is 32 bytes of SHA-256. Its text form is 64 lower-case hex digits, without a prefix.
struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Digest&) const =
      default;  // NOLINT(modernize-use-nullptr): a false report on <=>
  [[nodiscard]] ByteView view() const { return bytes; }
  [[nodiscard]] std::string hex() const { return hex_encode(bytes); }
  [[nodiscard]] static Result<Digest> from_hex(std::string_view text);
  [[nodiscard]] static Result<Digest> from_bytes(ByteView bytes);
};

// Sha256 hashes a stream. One object serves many messages: finish() makes it ready for the next, at
// a fraction of the cost of a fresh context in OpenSSL 3.0. Not thread-safe; use one per thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256& update(ByteView bytes);
  Sha256& update(std::string_view text) { return update(as_bytes(text)); }
  [[nodiscard]] Digest finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One message; uses a context that the calling thread keeps. Thread-safe.
[[nodiscard]] Digest sha256(ByteView bytes);
[[nodiscard]] Digest sha256(std::string_view text);
// hmac_sha256(key, message): RFC 2104, any key length.
[[nodiscard]] Digest hmac_sha256(ByteView key, ByteView message);

}  // namespace sigillo::core
