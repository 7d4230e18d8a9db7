#include "app/pipeline/text_detector.hpp"

#include "app/pipeline/detect_text.hpp"
#include "sigillo/core/bytes.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::app {
namespace fs = std::filesystem;
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

}  // namespace

Result<TextDetector> TextDetector::open(const audit::Workspace& workspace,
                                        const TextDetectorSpec& spec) {
  SIGILLO_TRY(watermark::TextProfile profile, watermark::text_profile(spec.profile));
  SIGILLO_TRY(const core::KeyInfo info, workspace.keyring().info(spec.key));
  SIGILLO_TRY(const watermark::TextKey key, workspace.keyring().watermark_values(spec.key));
  SIGILLO_TRY(std::optional<Tokenizer> tokenizer, load_tokenizer(spec.tokenizer));
  return TextDetector(std::move(profile), key, info.key_id, std::move(tokenizer));
}

std::string TextDetector::profile_digest() const {
  return watermark::profile_digest(profile_).hex();
}

std::string TextDetector::tokenizer_digest() const {
  return tokenizer_.has_value() ? tokenizer_->digest().hex() : "";
}

Result<core::Detection> TextDetector::detect(std::string_view text,
                                             const watermark::DetectOptions& options) const {
  return detect_in_text(
      {&profile_, &key_, key_id_, tokenizer_.has_value() ? &*tokenizer_ : nullptr},
      core::as_bytes(text), options);
}

}  // namespace sigillo::app
