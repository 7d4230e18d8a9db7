// JSON: what parses and can be written canonically reads back as the same value and bytes.
#include <nlohmann/json.hpp>

#include "harness.hpp"
#include "sigillo/core/json.hpp"

using namespace sigillo::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(ByteView(data, size));
  const auto value = parse_json(text);
  const auto strict = parse_canonical_json(text);
  FUZZ_CHECK(value.has_value() || !strict.has_value());
  if (!value.has_value()) return 0;
  const auto written = canonical_json(*value);
  if (!written.has_value()) {
    FUZZ_CHECK(!strict.has_value());
    return 0;
  }
  FUZZ_CHECK(strict.has_value() == (*written == text));
  const auto again = parse_canonical_json(*written);
  FUZZ_CHECK(again.has_value() && *again == *value);
  return 0;
}
