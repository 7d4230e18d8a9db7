#include "app/pipeline/verify.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/pipeline/detect_text.hpp"

namespace sigillo::app {
using core::DetectionResult;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;

namespace {

Verdict verdict_of(const std::vector<Signal>& signals) {
  const auto any = [&](DetectionResult result) {
    return std::any_of(signals.begin(), signals.end(),
                       [&](const Signal& signal) { return signal.detection.result == result; });
  };
  if (any(DetectionResult::found)) return Verdict::watermark_found;
  return any(DetectionResult::inconclusive) ? Verdict::inconclusive : Verdict::not_found;
}

std::vector<std::string> limits_of(Verdict verdict) {
  std::vector<std::string> limits;
  if (verdict == Verdict::watermark_found)
    limits = {
        "A mark shows that a system with this key chose the tokens. It does not show who "
        "asked for them, or whether the text is true.",
        "The text may have been edited after it was marked."};
  else
    limits = {"This does not show that a person made it.",
              "Editing, translating or shortening a text can remove its mark."};
  limits.emplace_back("Marks of other systems and other keys are not checked.");
  return limits;
}

Json signal_json(const Signal& signal) {
  const core::Detection& d = signal.detection;
  return Json{{"kind", signal.kind},
              {"basis", signal.basis},
              {"result", core::to_string(d.result)},
              {"reason", d.reason},
              {"p_value", core::p_value_text(d.log10_p_micro)},
              {"log10_p_micro", d.log10_p_micro},
              {"threshold", core::p_value_text(d.threshold_log10_micro)},
              {"threshold_log10_micro", d.threshold_log10_micro},
              {"detector", d.detector},
              {"profile", signal.profile},
              {"profile_digest", d.profile_digest},
              {"key_id", d.key_id},
              {"tokenizer_digest", d.tokenizer_digest},
              {"tokens", d.tokens},
              {"scored", d.scored},
              {"tries", d.tries}};
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::watermark_found:
      return "watermark_found";
    case Verdict::not_found:
      return "not_found";
    case Verdict::inconclusive:
      break;
  }
  return "inconclusive";
}

Json to_json(const Verification& verification) {
  Json signals = Json::array();
  for (const Signal& signal : verification.signals) signals.push_back(signal_json(signal));
  return Json{{"verdict", to_string(verification.verdict)},
              {"signals", std::move(signals)},
              {"content_sha256", verification.content_sha256},
              {"content_bytes", verification.content_bytes},
              {"verified_at", verification.verified_at},
              {"limits_of_result", verification.limits_of_result}};
}

Result<Verifier> Verifier::open(const audit::Workspace& workspace,
                                const std::vector<TextDetectorSpec>& specs,
                                const core::Clock& clock) {
  if (specs.empty())
    return Error{ErrorCode::invalid_argument, "there is no detector to verify with",
                 "give --detector KEY:PROFILE:TOKENIZER.json"};
  std::vector<TextDetector> detectors;
  for (const TextDetectorSpec& spec : specs) {
    if (!spec.tokenizer.has_value())
      return Error{ErrorCode::invalid_argument,
                   fmt::format("the detector with key \"{}\" has no tokenizer", spec.key),
                   "name the tokenizer.json of the model"};
    auto detector = TextDetector::open(workspace, spec);
    if (!detector.has_value()) return detector.error().in("detector " + spec.key);
    detectors.push_back(*std::move(detector));
  }
  SIGILLO_TRY(core::PrivateKey key, workspace.keyring().signing_key(workspace.config().record_key));
  return Verifier(std::move(detectors), std::move(key), clock);
}

Result<Verification> Verifier::verify_text(std::string_view text) const {
  if (text.size() > kMaxVerifyBytes)
    return Error{ErrorCode::input_too_large, "the text is longer than 256 KiB", "test it in parts"};
  watermark::DetectOptions options;
  options.tries = static_cast<std::int64_t>(detectors_.size());
  Verification verification;
  for (const TextDetector& detector : detectors_) {
    Signal signal;
    signal.profile = detector.profile();
    SIGILLO_TRY(signal.detection, detector.detect(text, options));
    verification.signals.push_back(std::move(signal));
  }
  verification.verdict = verdict_of(verification.signals);
  verification.content_sha256 = verification.signals.front().detection.artefact_digest;
  verification.content_bytes = text.size();
  verification.verified_at = core::to_rfc3339(clock_->now());
  verification.limits_of_result = limits_of(verification.verdict);
  return verification;
}

Result<std::string> Verifier::receipt(const Verification& verification) const {
  SIGILLO_TRY(const core::Digest digest, core::Digest::from_hex(verification.content_sha256));
  core::Statement statement;
  statement.subjects = {{"content", digest}};
  statement.predicate_type = kVerifyReceiptType;
  statement.predicate = to_json(verification);
  SIGILLO_TRY(const std::string payload, core::statement_bytes(statement));
  SIGILLO_TRY(const core::Envelope envelope,
              core::sign_envelope(core::kStatementPayloadType, core::as_bytes(payload), key_));
  return core::envelope_bytes(envelope);
}

std::vector<DetectorInfo> Verifier::detectors() const {
  std::vector<DetectorInfo> list;
  for (const TextDetector& detector : detectors_)
    list.push_back({"text-watermark", kTextDetector, detector.profile(), detector.profile_digest(),
                    detector.key_id(), detector.tokenizer_digest()});
  return list;
}

}  // namespace sigillo::app
