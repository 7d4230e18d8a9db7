// The two streams. Nothing here throws: a full disk behind standard output is found by main when
// the command is done, and what cannot be told on standard error changes no result.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "sigillo/core/json.hpp"

namespace sigillo::cli {

void write_text(std::FILE* stream, std::string_view text);

// Data.
template <typename... Arguments>
void print_out(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write_text(stdout, fmt::format(format, std::forward<Arguments>(arguments)...));
}
// Diagnostics.
template <typename... Arguments>
void print_err(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write_text(stderr, fmt::format(format, std::forward<Arguments>(arguments)...));
}

// One line of ASCII: other characters, which a terminal could obey, are written as \uXXXX. File
// names need not be UTF-8, JSON has to be: what is not becomes U+FFFD.
[[nodiscard]] std::string json_line(const core::Json& value);

}  // namespace sigillo::cli
