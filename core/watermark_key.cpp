#include "sigillo/core/watermark_key.hpp"

#include <algorithm>

#include "sigillo/core/bytes.hpp"
#include "sigillo/core/keyring.hpp"

namespace sigillo::core {
namespace {

constexpr std::string_view kSeparators = " \t\r\n,";

Error not_a_list() {
  return {ErrorCode::invalid_input, "neither a 64-bit watermark key nor a list of them",
          "write one decimal or 0x-hex number below 2^64, or a list of 2 to 64 of them"};
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

WatermarkKey::~WatermarkKey() { secure_zero(values_.data(), sizeof values_); }

Result<WatermarkKey> WatermarkKey::from_values(std::span<const std::uint64_t> values) {
  if (values.empty() || values.size() > kMaxValues)
    return Error{ErrorCode::invalid_argument,
                 "a watermark key of " + std::to_string(values.size()) + " numbers",
                 "give 1 to 64 numbers"};
  WatermarkKey key(0);
  std::copy(values.begin(), values.end(), key.values_.begin());
  key.size_ = values.size();
  return key;
}

Result<WatermarkKey> parse_watermark_values(std::string_view text) {
  if (const auto one = parse_watermark_key(text); one.has_value()) return WatermarkKey(*one);
  text = trimmed(text);
  if (text.starts_with('[') != text.ends_with(']')) return not_a_list();
  if (text.starts_with('[')) text = trimmed(text.substr(1, text.size() - 2));
  std::array<std::uint64_t, WatermarkKey::kMaxValues> values{};
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(kSeparators), text.size());
    const auto value = parse_watermark_key(text.substr(0, end));
    if (!value.has_value() || count == values.size()) {
      secure_zero(values.data(), sizeof values);
      return not_a_list();
    }
    values[count++] = *value;
    // One comma at most between two numbers, and none after the last.
    std::string_view rest = trimmed(text.substr(end));
    const bool comma = rest.starts_with(',');
    if (comma) rest = trimmed(rest.substr(1));
    if (comma && rest.empty()) count = 0;
    text = rest;
  }
  auto key = count >= 2 ? WatermarkKey::from_values(std::span(values).first(count))
                        : Result<WatermarkKey>(not_a_list());
  secure_zero(values.data(), sizeof values);
  return key;
}

}  // namespace sigillo::core
