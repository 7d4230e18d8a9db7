// Text detection on files: read, tokenize, score.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sigillo/audit/workspace.hpp"
#include "sigillo/core/detection.hpp"

namespace sigillo::app {

inline constexpr std::size_t kMaxTextBytes = std::size_t{16} << 20;

struct TextDetectRequest {
  std::vector<std::filesystem::path>
      files;  // files, folders (their files, by name), or "-" for standard input
  std::string profile = "vllm-gumbel";
  std::string key;  // name in the keyring
  std::optional<std::filesystem::path>
      tokenizer;  // tokenizer.json; without it the files hold token ids
  std::int64_t threshold_log10_micro = -6000000;
};

struct FileDetection {
  std::filesystem::path file;
  core::Detection detection;
};

// One detection a file, in the order given. The first file that cannot be read or tokenized is the
// Error: a table with a hole could be mistaken for a result. Each p-value stands for its file
// alone; reading many files is the reader's multiplicity.
[[nodiscard]] core::Result<std::vector<FileDetection>> detect_text_files(
    const audit::Workspace& workspace, const TextDetectRequest& request);

// Folders replaced by their regular files, sorted by name.
[[nodiscard]] core::Result<std::vector<std::filesystem::path>> expand_folders(
    const std::vector<std::filesystem::path>& paths);

}  // namespace sigillo::app
