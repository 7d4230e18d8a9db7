// Verification for people outside: does this content carry one of our marks, and what does the
// answer not say. Nothing of the content is kept.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/pipeline/text_detector.hpp"
#include "sigillo/core/clock.hpp"
#include "sigillo/core/detection.hpp"
#include "sigillo/core/dsse.hpp"

namespace sigillo::app {

inline constexpr std::size_t kMaxVerifyBytes = std::size_t{256} << 10;
inline constexpr std::string_view kVerifyReceiptType = "https://sigillo.dev/receipt/verify/v1";

// There is no value for "human", "real" or "authentic".
enum class Verdict { watermark_found, not_found, inconclusive };
[[nodiscard]] std::string_view to_string(Verdict verdict);

// One thing that was looked for. basis "measured": computed from the submitted bytes by us.
struct Signal {
  std::string kind = "text-watermark";
  std::string basis = "measured";
  std::string profile;
  core::Detection detection;
};

struct Verification {
  Verdict verdict = Verdict::inconclusive;
  std::vector<Signal> signals;  // one a detector, in the order configured
  std::string content_sha256;
  std::size_t content_bytes = 0;
  std::string verified_at;  // RFC 3339
  std::vector<std::string> limits_of_result;
};
[[nodiscard]] core::Json to_json(const Verification& verification);

struct DetectorInfo {
  std::string kind, detector, profile, profile_digest, key_id, tokenizer_digest;
};

// Verifier holds what a request needs, so that a request reads no file. Immutable after open and
// thread-safe.
class Verifier {
 public:
  // No specification, or one that cannot be loaded: an Error that names it.
  [[nodiscard]] static core::Result<Verifier> open(const audit::Workspace& workspace,
                                                   const std::vector<TextDetectorSpec>& specs,
                                                   const core::Clock& clock);
  // At most kMaxVerifyBytes. p-values are corrected for the number of detectors.
  [[nodiscard]] core::Result<Verification> verify_text(std::string_view text) const;
  // A DSSE envelope with an in-toto Statement under the workspace's record key
  // (docs/formats/verify.md). It is not stored.
  [[nodiscard]] core::Result<std::string> receipt(const Verification& verification) const;
  [[nodiscard]] std::vector<DetectorInfo> detectors() const;
  [[nodiscard]] std::string receipt_key_pem() const { return key_.public_key().pem(); }

 private:
  Verifier(std::vector<TextDetector> detectors, core::PrivateKey key, const core::Clock& clock)
      : detectors_(std::move(detectors)), key_(std::move(key)), clock_(&clock) {}
  std::vector<TextDetector> detectors_;
  core::PrivateKey key_;
  const core::Clock* clock_;
};

}  // namespace sigillo::app
