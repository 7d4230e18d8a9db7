#include "app/pipeline/text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sigillo/core/bytes.hpp"
#include "sigillo/core/files.hpp"
#include "sigillo/watermark/text.hpp"
#include "sigillo/watermark/tokenizer.hpp"

namespace sigillo::app {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;
using watermark::Tokenizer;

namespace {

constexpr std::size_t kMaxTokenizerBytes = std::size_t{64} << 20;

Result<std::optional<Tokenizer>> load_tokenizer(const std::optional<fs::path>& file) {
  if (!file.has_value()) return std::optional<Tokenizer>();
  SIGILLO_TRY(const core::Bytes bytes, core::read_file(*file, kMaxTokenizerBytes));
  auto tokenizer = Tokenizer::from_json(core::as_text(bytes));
  if (!tokenizer.has_value()) return tokenizer.error().in(file->string());
  return std::optional<Tokenizer>(*std::move(tokenizer));
}

class Detector {
 public:
  Detector(watermark::TextProfile profile, const watermark::TextKey& key, std::string key_id,
           std::optional<Tokenizer> tokenizer, std::int64_t threshold)
      : profile_(std::move(profile)),
        key_(key),
        key_id_(std::move(key_id)),
        tokenizer_(std::move(tokenizer)),
        threshold_(threshold) {}

  [[nodiscard]] Result<core::Detection> detect(const core::Bytes& bytes) const {
    watermark::DetectOptions options;
    options.threshold_log10_micro = threshold_;
    const Tokenizer* tokenizer = tokenizer_.has_value() ? &*tokenizer_ : nullptr;
    return detect_in_text({&profile_, &key_, key_id_, tokenizer}, bytes, options);
  }

 private:
  watermark::TextProfile profile_;
  watermark::TextKey key_;
  std::string key_id_;
  std::optional<Tokenizer> tokenizer_;
  std::int64_t threshold_;
};

Result<Detector> make_detector(const audit::Workspace& workspace,
                               const TextDetectRequest& request) {
  SIGILLO_TRY(watermark::TextProfile profile, watermark::text_profile(request.profile));
  SIGILLO_TRY(const core::KeyInfo info, workspace.keyring().info(request.key));
  SIGILLO_TRY(const watermark::TextKey key, workspace.keyring().watermark_values(request.key));
  SIGILLO_TRY(std::optional<Tokenizer> tokenizer, load_tokenizer(request.tokenizer));
  return Detector(std::move(profile), key, info.key_id, std::move(tokenizer),
                  request.threshold_log10_micro);
}

}  // namespace

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
  SIGILLO_TRY(const Detector detector, make_detector(workspace, request));
  SIGILLO_TRY(const std::vector<fs::path> files, expand_folders(request.files));
  std::vector<FileDetection> detections;
  for (const fs::path& file : files) {
    SIGILLO_TRY(const core::Bytes bytes, core::read_file(file, kMaxTextBytes));
    auto detection = detector.detect(bytes);
    if (!detection.has_value()) return detection.error().in(file.string());
    detections.push_back({file, *std::move(detection)});
  }
  return detections;
}

}  // namespace sigillo::app
