// The canonical form of a detection; docs/formats/detection.md's example is read from the document
// itself.
#include "sigillo/core/detection.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sigillo/core/digest.hpp"

using namespace sigillo::core;

namespace {

std::string document() {
  std::ifstream file(SIGILLO_DOCS "/formats/detection.md");
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}
// The line after `heading`'s next fence.
std::string example(const std::string& heading) {
  const std::string text = document();
  const std::size_t at = text.find(heading);
  REQUIRE(at != std::string::npos);
  const std::size_t fence = text.find("```\n", at);
  REQUIRE(fence != std::string::npos);
  return text.substr(fence + 4, text.find('\n', fence + 4) - fence - 4);
}
Detection sample() {
  Detection d;
  d.result = DetectionResult::not_found;
  d.reason = "no dependence on the key at the stated false-positive rate";
  d.detector = "sigillo-text/0.1.0";
  d.profile_digest = std::string(64, 'a');
  d.artefact_digest = std::string(64, '0');
  d.key_id = "k1";
  d.tokens = 64;
  d.scored = 64;
  d.log10_p_micro = -358854;
  return d;
}
ErrorCode code_after(const std::string& member, const Json& value) {
  Json json = to_json(sample());
  json[member] = value;
  const auto read = detection_from_json(json);
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().message.find("detection") != std::string::npos);
  return read.error().code;
}

}  // namespace

TEST_CASE("detection: the document's example") {
  const std::string line = example("## Worked example");
  const Json json = parse_canonical_json(line).value();
  const Detection detection = detection_from_json(json).value();
  CHECK(detection.result == DetectionResult::not_found);
  CHECK(detection.scored == 64);
  CHECK(detection.log10_p_micro == -358854);
  CHECK(canonical_json(to_json(detection)).value() == line);
  CHECK(sha256(line).hex() == example("SHA-256 of these bytes"));
}

TEST_CASE("detection: round trip, bounds at and past the limit") {
  Detection d = sample();
  CHECK(detection_from_json(to_json(d)).value() == d);
  for (const auto result :
       {DetectionResult::found, DetectionResult::not_found, DetectionResult::inconclusive}) {
    d.result = result;
    d.log10_p_micro = result == DetectionResult::found ? -6000000 : -5999999;
    CHECK(detection_from_json(to_json(d)).value() == d);
  }
  d = sample();
  d.reason = std::string(1024, 'x');
  d.key_id = std::string(256, 'x');
  d.tokens = kMaxJsonInteger;
  CHECK(detection_from_json(to_json(d)).value() == d);
  CHECK(code_after("reason", std::string(1025, 'x')) == ErrorCode::invalid_input);
  CHECK(code_after("key_id", std::string(257, 'x')) == ErrorCode::invalid_input);
  CHECK(code_after("detector", std::string(257, 'x')) == ErrorCode::invalid_input);
  CHECK(code_after("detector", "") == ErrorCode::invalid_input);
  CHECK(code_after("tokens", kMaxJsonInteger + 1) == ErrorCode::invalid_input);
  CHECK(code_after("tokens", -1) == ErrorCode::invalid_input);
  CHECK(code_after("tokens", 1.5) == ErrorCode::invalid_input);
  CHECK(code_after("scored", -1) == ErrorCode::invalid_input);
  CHECK(code_after("tries", 0) == ErrorCode::invalid_input);
  CHECK(code_after("log10_p_micro", 1) == ErrorCode::invalid_input);
  CHECK(code_after("threshold_log10_micro", 1) == ErrorCode::invalid_input);
}

TEST_CASE("detection: strict reader") {
  CHECK(detection_from_json(Json::array()).error().code == ErrorCode::invalid_input);
  CHECK(code_after("extra", 1) == ErrorCode::invalid_input);
  CHECK(code_after("result", "human") == ErrorCode::invalid_input);
  CHECK(code_after("profile_digest", "") == ErrorCode::invalid_input);
  CHECK(code_after("profile_digest", std::string(64, 'A')) == ErrorCode::invalid_input);
  CHECK(code_after("artefact_digest", "00") == ErrorCode::invalid_input);
  const Json whole = to_json(sample());
  CHECK(whole.size() == 12);
  for (const auto& item : whole.items()) {
    Json json = whole;
    json.erase(item.key());
    CHECK(detection_from_json(json).error().code == ErrorCode::invalid_input);
    json[item.key()] = nullptr;
    CHECK(detection_from_json(json).error().code == ErrorCode::invalid_input);
  }
}

TEST_CASE("detection: a result that its own numbers contradict is refused") {
  CHECK(code_after("result", "found") == ErrorCode::invalid_input);
  CHECK(code_after("log10_p_micro", -6000000) == ErrorCode::invalid_input);
  Json json = to_json(sample());
  json["result"] = "inconclusive";
  CHECK(detection_from_json(json).has_value());
  json["reason"] = "";
  CHECK(detection_from_json(json).error().code == ErrorCode::invalid_input);
}
