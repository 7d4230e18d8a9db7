#include "app/cli/output.hpp"

#include <nlohmann/json.hpp>

namespace sigillo::cli {

void write_text(std::FILE* stream, std::string_view text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stream));
}

std::string json_line(const core::Json& value) {
  return value.dump(-1, ' ', true, core::Json::error_handler_t::replace) + "\n";
}

}  // namespace sigillo::cli
