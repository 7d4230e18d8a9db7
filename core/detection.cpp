#include "sigillo/core/detection.hpp"

#include <fmt/format.h>

#include <cmath>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace sigillo::core {
namespace {

constexpr std::string_view kWhere = "detection";
constexpr std::size_t kMaxReasonBytes = 1024;
constexpr std::size_t kMaxNameBytes = 256;
constexpr std::array<std::string_view, 12> kMembers = {
    "artefact_digest", "detector", "key_id", "log10_p_micro",         "profile_digest",   "reason",
    "result",          "scored",   "tokens", "threshold_log10_micro", "tokenizer_digest", "tries"};

Error bad(const std::string& message) {
  return {ErrorCode::invalid_input, "detection: " + message,
          "docs/formats/detection.md lists the members and their bounds"};
}

Result<DetectionResult> result_from(std::string_view text) {
  for (const auto result :
       {DetectionResult::found, DetectionResult::not_found, DetectionResult::inconclusive}) {
    if (text == to_string(result)) return result;
  }
  return bad("result is none of found, not_found, inconclusive");
}

Result<std::string> bounded_string(const Json& value, std::string_view member, std::size_t limit) {
  SIGILLO_TRY(std::string text, json_string(value, member, kWhere));
  if (text.size() > limit) {
    return bad(std::string(member) + " is longer than " + std::to_string(limit) + " bytes");
  }
  return text;
}

Result<std::string> hex_digest(const Json& value, std::string_view member, bool may_be_empty) {
  SIGILLO_TRY(std::string text, json_string(value, member, kWhere));
  if (text.empty() && may_be_empty) return text;
  const bool hex = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (text.size() != 64 || !hex) {
    return bad(std::string(member) + " is not 64 lower-case hex digits");
  }
  return text;
}

Result<std::int64_t> bounded_integer(const Json& value, std::string_view member, std::int64_t least,
                                     std::int64_t most) {
  SIGILLO_TRY(const std::int64_t number, json_integer(value, member, kWhere));
  if (number < least || number > most) {
    return bad(std::string(member) + " is not in " + std::to_string(least) + ".." +
               std::to_string(most));
  }
  return number;
}

// A detection must not contradict itself: the result follows from the numbers.
Status check_verdict(const Detection& d) {
  const bool reached = d.log10_p_micro <= d.threshold_log10_micro;
  if (d.result == DetectionResult::found && !reached) {
    return bad("result is found, but log10_p_micro is above threshold_log10_micro");
  }
  if (d.result == DetectionResult::not_found && reached) {
    return bad("result is not_found, but log10_p_micro is not above threshold_log10_micro");
  }
  if (d.result == DetectionResult::inconclusive && d.reason.empty()) {
    return bad("result is inconclusive without a reason");
  }
  return {};
}

}  // namespace

std::string_view to_string(DetectionResult result) {
  switch (result) {
    case DetectionResult::found:
      return "found";
    case DetectionResult::not_found:
      return "not_found";
    case DetectionResult::inconclusive:
      return "inconclusive";
  }
  SIGILLO_CHECK(false);
  return {};
}

Json to_json(const Detection& detection) {
  return Json{{"artefact_digest", detection.artefact_digest},
              {"detector", detection.detector},
              {"key_id", detection.key_id},
              {"log10_p_micro", detection.log10_p_micro},
              {"profile_digest", detection.profile_digest},
              {"reason", detection.reason},
              {"result", to_string(detection.result)},
              {"scored", detection.scored},
              {"threshold_log10_micro", detection.threshold_log10_micro},
              {"tokenizer_digest", detection.tokenizer_digest},
              {"tokens", detection.tokens},
              {"tries", detection.tries}};
}

Result<Detection> detection_from_json(const Json& value) {
  if (!value.is_object()) return bad("not an object");
  for (const auto& item : value.items()) {
    if (std::find(kMembers.begin(), kMembers.end(), item.key()) == kMembers.end()) {
      return bad("unknown member " + item.key());
    }
  }
  Detection d;
  SIGILLO_TRY(const std::string result, json_string(value, "result", kWhere));
  SIGILLO_TRY(d.result, result_from(result));
  SIGILLO_TRY(d.reason, bounded_string(value, "reason", kMaxReasonBytes));
  SIGILLO_TRY(d.detector, bounded_string(value, "detector", kMaxNameBytes));
  if (d.detector.empty()) return bad("detector is empty");
  SIGILLO_TRY(d.key_id, bounded_string(value, "key_id", kMaxNameBytes));
  SIGILLO_TRY(d.profile_digest, hex_digest(value, "profile_digest", false));
  SIGILLO_TRY(d.artefact_digest, hex_digest(value, "artefact_digest", true));
  SIGILLO_TRY(d.tokenizer_digest, hex_digest(value, "tokenizer_digest", true));
  SIGILLO_TRY(d.tokens, bounded_integer(value, "tokens", 0, kMaxJsonInteger));
  SIGILLO_TRY(d.scored, bounded_integer(value, "scored", 0, kMaxJsonInteger));
  SIGILLO_TRY(d.tries, bounded_integer(value, "tries", 1, kMaxJsonInteger));
  SIGILLO_TRY(d.log10_p_micro, bounded_integer(value, "log10_p_micro", -kMaxJsonInteger, 0));
  SIGILLO_TRY(d.threshold_log10_micro,
              bounded_integer(value, "threshold_log10_micro", -kMaxJsonInteger, 0));
  SIGILLO_TRY_VOID(check_verdict(d));
  return d;
}

std::string p_value_text(std::int64_t log10_micro) {
  const double log10 = static_cast<double>(log10_micro) / 1e6;
  double exponent = std::floor(log10);
  double mantissa = std::round(std::pow(10.0, log10 - exponent) * 10) / 10;
  if (mantissa >= 10) {
    mantissa /= 10;
    exponent += 1;
  }
  return exponent >= -2 ? fmt::format("{:.3f}", std::pow(10.0, log10))
                        : fmt::format("{:.1f}e{:.0f}", mantissa, exponent);
}

}  // namespace sigillo::core
