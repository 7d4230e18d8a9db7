// The training text: the regular files below a folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "examples/tinylm/control.hpp"

namespace tinylm {

inline constexpr std::size_t kMaxDocuments = 16384;
inline constexpr std::size_t kMaxDocumentBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxCorpusBytes = std::size_t{256} << 20;

// read_corpus reads every regular file below `folder`, in the byte order of their paths, so that
// the same folder gives the same documents everywhere. Empty files and symbolic links are left out.
// Errors: not_found, invalid_input (no text at all), input_too_large (a limit above), or the file's
// own.
[[nodiscard]] sigillo::core::Result<std::vector<std::string>> read_corpus(
    const std::filesystem::path& folder, const Control& control = {});

}  // namespace tinylm
