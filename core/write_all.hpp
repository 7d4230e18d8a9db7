// write_all: what write(2) leaves to its caller. Private to the project.
#pragma once

#include <filesystem>

#include "sigillo/core/bytes.hpp"

namespace sigillo::core {

// Writes all of the bytes at the descriptor's place. path: for the Error.
[[nodiscard]] Status write_all(int descriptor, ByteView bytes, const std::filesystem::path& path);

}  // namespace sigillo::core
