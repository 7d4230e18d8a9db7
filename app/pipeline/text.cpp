#include "app/pipeline/text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/pipeline/text_detector.hpp"
#include "sigillo/core/bytes.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::app {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;

Result<std::vector<fs::path>> expand_folders(const std::vector<fs::path>& paths) {
  std::vector<fs::path> files;
  for (const fs::path& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    std::vector<fs::path> inside;
    for (fs::directory_iterator entry(path, error); !error && entry != fs::directory_iterator();
         entry.increment(error))
      if (entry->is_regular_file(error)) inside.push_back(entry->path());
    if (error) return core::error_from_errno(error.value(), "cannot list", path);
    if (inside.empty())
      return Error{ErrorCode::invalid_input, fmt::format("{} holds no files", path.string()),
                   "check the path"};
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

Result<std::vector<FileDetection>> detect_text_files(const audit::Workspace& workspace,
                                                     const TextDetectRequest& request) {
  SIGILLO_TRY(const TextDetector detector,
              TextDetector::open(workspace, {request.key, request.profile, request.tokenizer}));
  watermark::DetectOptions options;
  options.threshold_log10_micro = request.threshold_log10_micro;
  SIGILLO_TRY(const std::vector<fs::path> files, expand_folders(request.files));
  std::vector<FileDetection> detections;
  for (const fs::path& file : files) {
    SIGILLO_TRY(const core::Bytes bytes, core::read_file(file, kMaxTextBytes));
    auto detection = detector.detect(core::as_text(bytes), options);
    if (!detection.has_value()) return detection.error().in(file.string());
    detections.push_back({file, *std::move(detection)});
  }
  return detections;
}

}  // namespace sigillo::app
