// JSON with the strictness that signed bytes need.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "sigillo/core/bytes.hpp"

namespace sigillo::core {

using Json = nlohmann::json;

// Largest integer that RFC 8785 and I-JSON carry exactly: 2^53 - 1.
inline constexpr std::int64_t kMaxJsonInteger = 9007199254740991;

struct JsonLimits {
  std::size_t max_bytes = std::size_t{16} << 20;
  int max_depth = 64;
};

// parse_json reads one RFC 8259 text. Refused: duplicate member names, invalid UTF-8, anything
// after the value, more than the limits. Numbers with a fraction or exponent parse (as double), so
// that foreign files can be read.
[[nodiscard]] Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

// canonical_json writes RFC 8785 (JCS): members sorted by UTF-16 code units, no white space. Only
// null, booleans, strings and integers within +-(2^53 - 1) are accepted: signed bytes hold no
// floating point. Error: invalid_argument.
[[nodiscard]] Result<std::string> canonical_json(const Json& value);

// parse_canonical_json accepts exactly the bytes that canonical_json would write for the value they
// hold.
[[nodiscard]] Result<Json> parse_canonical_json(std::string_view text,
                                                const JsonLimits& limits = {});

// Typed access to a member of an object; `where` names the object in messages. Missing or of
// another type: invalid_input.
[[nodiscard]] Result<std::string> json_string(const Json& object, std::string_view member,
                                              std::string_view where);
[[nodiscard]] Result<std::int64_t> json_integer(const Json& object, std::string_view member,
                                                std::string_view where);
[[nodiscard]] Result<Json> json_member(const Json& object, std::string_view member,
                                       std::string_view where);
// Absent or null gives the fallback; another type is still an error.
[[nodiscard]] Result<std::string> json_string_or(const Json& object, std::string_view member,
                                                 std::string_view fallback, std::string_view where);
[[nodiscard]] Result<std::int64_t> json_integer_or(const Json& object, std::string_view member,
                                                   std::int64_t fallback, std::string_view where);

}  // namespace sigillo::core
