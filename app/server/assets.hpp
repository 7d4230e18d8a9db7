// Files of app/server/assets, embedded when the program is built.
#pragma once

#include <string_view>

namespace sigillo::server {

[[nodiscard]] std::string_view asset_openapi();
[[nodiscard]] std::string_view asset_style();
[[nodiscard]] std::string_view asset_script();

}  // namespace sigillo::server
