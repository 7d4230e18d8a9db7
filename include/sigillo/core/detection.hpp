// Detection: what a mark detector found in one artefact. A value that crosses modules: `watermark`
// makes it, `audit` records it, `policies` judge it.
#pragma once

#include <cstdint>
#include <string>

#include "sigillo/core/json.hpp"

namespace sigillo::core {

// found: p <= threshold. not_found: enough evidence, none for the mark. inconclusive: too little to
// say, with the reason. There is no value for "human", "real" or "fake": no detector can say that.
enum class DetectionResult { found, not_found, inconclusive };
[[nodiscard]] std::string_view to_string(DetectionResult result);

// Detection carries its own denominator: what was tested, with which profile and key, how often.
// The p-value is kept as floor(log10(p) * 1e6), an integer (so that it can be signed) rounded down
// by at most 1e-6 in log10; it does not underflow. It is already corrected for the `tries` that
// were made.
struct Detection {
  DetectionResult result = DetectionResult::inconclusive;
  std::string reason;            // why inconclusive; otherwise a plain sentence
  std::string detector;          // detector id, such as "sigillo-text/0.1.0"
  std::string profile_digest;    // hex SHA-256 of the profile's canonical JSON
  std::string key_id;            // names the key; never derived from its bits alone
  std::string artefact_digest;   // hex SHA-256 of exactly the bytes that were tested
  std::string tokenizer_digest;  // hex SHA-256 of the tokenizer file; empty if token ids were given
  std::int64_t tokens = 0;       // tokens in the artefact
  std::int64_t scored = 0;       // positions that entered the statistic after de-duplication
  std::int64_t tries = 1;        // choices that were tried and paid for in the p-value
  std::int64_t log10_p_micro = 0;                 // floor(log10(p) * 1e6)
  std::int64_t threshold_log10_micro = -6000000;  // found means log10_p_micro <= this

  bool operator==(const Detection&) const = default;
};

// A p-value from its integer form: "3.2e-45", "0.478". Never rounded to zero. For people.
[[nodiscard]] std::string p_value_text(std::int64_t log10_micro);

// The canonical JSON form (docs/formats/detection.md) and its strict reader: unknown or missing
// members are errors.
[[nodiscard]] Json to_json(const Detection& detection);
[[nodiscard]] Result<Detection> detection_from_json(const Json& value);

}  // namespace sigillo::core
