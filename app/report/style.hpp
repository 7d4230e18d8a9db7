// The report's style sheet: light, dark and print.
#pragma once

#include <string_view>

namespace sigillo::report {

[[nodiscard]] std::string_view report_style();

}  // namespace sigillo::report
