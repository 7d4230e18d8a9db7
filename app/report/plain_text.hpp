// Text from records and files, made safe to show. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sigillo::report {

// Text may hold terminal escapes: control characters, marks that reorder text, characters that XML
// does not know and bytes that are not UTF-8 are shown as \xNN. The result is valid UTF-8.
[[nodiscard]] std::string printable(std::string_view text);
// The same, line by line.
[[nodiscard]] std::string printable_lines(std::string_view text);
// printable, then &, <, >, " and ' as references: for XML and HTML, in text as in attributes.
[[nodiscard]] std::string markup(std::string_view text);
// At most `limit` bytes, cut between characters, with an ellipsis if something was cut.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t limit);

}  // namespace sigillo::report
