// What a browser's form sends: multipart/form-data (RFC 7578), read strictly; and query strings.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sigillo/core/result.hpp"

namespace sigillo::server {

struct FormPart {
  std::string name;
  bool is_file = false;
  std::string_view content;  // views the body
};

inline constexpr std::size_t kMaxFormParts = 16;
inline constexpr std::size_t kMaxPartHeadBytes = 2048;

// content_type is the header's value. Every byte of the body must be accounted for: invalid_input.
[[nodiscard]] core::Result<std::vector<FormPart>> read_form(std::string_view content_type,
                                                            std::string_view body);

// "a=1&b=2", each name once, %XX and + decoded: invalid_input otherwise.
[[nodiscard]] core::Result<std::map<std::string, std::string>> read_query(std::string_view query);

// "text/plain" of "Text/Plain; charset=utf-8".
[[nodiscard]] std::string media_type(std::string_view content_type);
// The value of a parameter of a media type, unquoted; empty if it has none.
[[nodiscard]] std::string media_parameter(std::string_view content_type, std::string_view name);
// Whether an Accept field lets a media type through. Weights other than 0 are not compared: each
// path has one type of answer.
[[nodiscard]] bool accepts(std::string_view accept, std::string_view type);

}  // namespace sigillo::server
