// The two pieces that every C2SP text format shares: lines that end in \n, and plain decimals.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sigillo::audit {

// Sizes and indices stay below 2^63, so that they fit the signed integers of SQL, Go and Java.
inline constexpr std::uint64_t kMaxTreeSize = (std::uint64_t{1} << 63) - 1;

// take_line moves the first line out of `rest`, without its \n. Nothing if no \n is left: every
// line of these formats is ended, and a cut file must not look like a shorter one.
[[nodiscard]] inline std::optional<std::string_view> take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

// parse_decimal reads the one decimal form of a number of at most kMaxTreeSize: digits only, no
// leading zero.
[[nodiscard]] inline std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kMaxTreeSize - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

}  // namespace sigillo::audit
