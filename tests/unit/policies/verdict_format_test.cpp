// docs/formats/verdict.md holds a worked example; it is a test vector.
#include <fstream>
#include <sstream>

#include "tests/unit/policies/support.hpp"

namespace sigillo::policy {
namespace {

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path);
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The first fenced block after a heading.
std::string block(const std::string& document, const std::string& heading,
                  const std::string& fence) {
  const auto at = document.find("\n" + heading + "\n");
  REQUIRE(at != std::string::npos);
  const auto start = document.find("```" + fence + "\n", at);
  REQUIRE(start != std::string::npos);
  const auto from = start + fence.size() + 4;
  const auto end = document.find("\n```", from);
  REQUIRE(end != std::string::npos);
  return document.substr(from, end - from);
}

TEST_CASE("verdict.md: the worked example is what the engine writes", "[policies]") {
  const std::string document =
      slurp(std::filesystem::path(SIGILLO_SOURCE_DIR) / "docs/formats/verdict.md");
  const auto rule = parse_rule(block(document, "### The rule", "yaml") + "\n", "rules/EX-1.yaml");
  if (!rule) FAIL(rule.error().message);
  Pack pack;
  pack.name = "example";
  pack.version = "1";
  pack.title = "Example";
  pack.digest = core::sha256("example").hex();
  pack.sources = {{"Example law", "https://example.org/law", "2026-11-23"}};
  pack.rules = {*rule};
  core::Evidence evidence;
  evidence.origin = "example.org/log";
  evidence.size = 3;
  evidence.root = core::sha256("root").hex();
  test::add(evidence, "ev1_systems",
            {{"system", test::text("chat")},
             {"placed_on", test::text("2026-05-01")},
             {"entry", test::number(2)}});
  test::add(evidence, "ev1_systems", {{"system", test::text("voice")}});
  const Verdicts verdicts = test::run(pack, evidence, "2026-12-03");
  CHECK(to_json(verdicts).dump(2) == block(document, "### The verdict", "json"));
  CHECK(test::bytes_of(verdicts) == to_json(verdicts).dump());  // ASCII keys: sorted alike
  CHECK(gate_exit(verdicts) == core::ExitCode::undecided);
}

TEST_CASE("rule.md: the example rule loads, and its cases agree", "[policies]") {
  const std::string document =
      slurp(std::filesystem::path(SIGILLO_SOURCE_DIR) / "docs/formats/rule.md");
  const auto rule = parse_rule(block(document, "## Example", "yaml") + "\n", "rules/EX-2.yaml");
  if (!rule) FAIL(rule.error().message);
  const auto results = run_pack_tests(test::pack_of(*rule));
  REQUIRE(results);
  CHECK(results->size() == 5);
  for (const CaseResult& result : *results) {
    INFO(result.name << ": " << result.difference);
    CHECK(result.passed);
  }
  const auto findings = lint(test::pack_of(*rule));
  REQUIRE(findings);
  for (const Finding& finding : *findings) FAIL_CHECK(finding.code << " " << finding.message);
}

}  // namespace
}  // namespace sigillo::policy
