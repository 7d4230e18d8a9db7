#include "sigillo/core/result.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace sigillo::core {
namespace {
struct CodeRow {
  std::string_view text;
  ExitCode exit;
};
constexpr std::array kCodes = {
#define SIGILLO_X(name, text, exit) CodeRow{text, ExitCode::exit},
    SIGILLO_ERROR_CODES(SIGILLO_X)
#undef SIGILLO_X
};
}  // namespace

std::string_view to_string(ErrorCode code) {
  return kCodes.at(static_cast<std::size_t>(code)).text;
}
ExitCode exit_code(ErrorCode code) { return kCodes.at(static_cast<std::size_t>(code)).exit; }

Error Error::in(std::string_view prefix) const {
  return Error{code, std::string(prefix) + ": " + message, remedy};
}

void detail::check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "sigillo: internal error: %s does not hold (%s:%d). Please report this.\n",
               expression, file, line);
  std::abort();
}

}  // namespace sigillo::core
