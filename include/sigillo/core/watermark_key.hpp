// WatermarkKey: the secret of a watermark. Names no scheme.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sigillo/core/result.hpp"

namespace sigillo::core {

// WatermarkKey holds one 64-bit number, or a list of 2 to 64 of them: published schemes take both.
// What a scheme makes of a single number where it needs many is the scheme's (it derives them).
// Copies are independent; each is cleansed when it goes out of scope. Thread-safe to read.
class WatermarkKey {
 public:
  static constexpr std::size_t kMaxValues = 64;

  explicit WatermarkKey(std::uint64_t value) : size_(1) { values_[0] = value; }
  // 1..64 numbers, else invalid_argument. Signed ones are given as two's complement.
  [[nodiscard]] static Result<WatermarkKey> from_values(std::span<const std::uint64_t> values);
  WatermarkKey(const WatermarkKey&) = default;
  WatermarkKey& operator=(const WatermarkKey&) = default;
  ~WatermarkKey();

  // The first number, which is the whole key of a scheme that takes one.
  [[nodiscard]] std::uint64_t value() const { return values_[0]; }
  [[nodiscard]] std::span<const std::uint64_t> values() const {
    return std::span(values_).first(size_);
  }

 private:
  std::array<std::uint64_t, kMaxValues> values_{};
  std::size_t size_ = 0;
};

// parse_watermark_values reads the text of a key file: one decimal or 0x-hex number in [0, 2^64)
// with at most one newline after it, or a list of 2 to 64 of them between commas, spaces or line
// ends, in [ ] or not (so that the key list of a published configuration can be pasted). The
// message shows no part of the text. invalid_input.
[[nodiscard]] Result<WatermarkKey> parse_watermark_values(std::string_view text);

}  // namespace sigillo::core
