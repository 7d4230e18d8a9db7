// Gate results of every kind, made by the real engine from small evidence.
#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "app/pipeline/gate.hpp"
#include "app/report/report.hpp"
#include "app/report/seal.hpp"

namespace sigillo::report::test {

// Names as an attacker would choose them: an end of script, markup, quotes, a right-to-left mark, a
// terminal escape, a character that XML does not know, bytes that are not UTF-8.
inline const std::vector<std::string>& hostile_names() {
  static const std::vector<std::string> names = {"</script><script>alert(1)</script>",
                                                 "<!--<script>",
                                                 "\"'><img src=x onerror=alert(1)>",
                                                 "]]>&amp;&lt;",
                                                 "a\xE2\x80\xAE"
                                                 "b",
                                                 "\x1b[31mred",
                                                 "\xEF\xBF\xBF",
                                                 "\\u003c/script>",
                                                 "%s{0}%(x)"};
  return names;
}

inline void add(core::Evidence& evidence, std::string_view view,
                std::initializer_list<std::pair<std::string_view, core::Cell>> cells) {
  const core::ViewSchema* schema = core::find_view(view);
  REQUIRE(schema != nullptr);
  core::Row row(schema->columns.size());
  const auto set = [&](std::string_view name, const core::Cell& value) {
    for (std::size_t i = 0; i < row.size(); ++i)
      if (schema->columns[i].name == name) return row[i] = value, true;
    return false;
  };
  set("entry", std::int64_t{1});
  set("signer", std::string("Example AI"));
  set("recorded_at", std::string("2026-11-25T00:00:00Z"));
  for (const auto& [name, value] : cells) REQUIRE(set(name, value));
  evidence.add(view, std::move(row));
}
inline core::Cell text(std::string value) { return core::Cell{std::move(value)}; }
inline core::Cell number(std::int64_t value) { return core::Cell{value}; }

inline policy::Rule rule(std::string id, std::string status_sql) {
  policy::Rule rule;
  rule.id = std::move(id);
  rule.title = "Systems are " + rule.id;
  rule.applies_from = "2026-01-01";
  rule.basis = {{"Example law", "Article 50(2), first sentence", "https://example.org/law"}};
  rule.binds = "everybody";
  rule.remediation = "sigillo record placement --system S";
  rule.subjects = "SELECT system AS id FROM ev1_systems";
  rule.query = "SELECT system AS resource, " + status_sql +
               " AS status, 'because of ' || system AS reason, entry AS evidence FROM ev1_systems";
  rule.file = "rules/" + rule.id + ".yaml";
  rule.line = 2;
  return rule;
}

struct GateFixture {
  core::Evidence evidence;
  policy::Pack pack;

  GateFixture() {
    evidence.origin = "example.org/log";
    evidence.size = 3;
    evidence.root = std::string(64, 'a');
    pack.name = "example";
    pack.version = "1";
    pack.title = "Example";
    pack.digest = std::string(64, 'b');
    pack.sources = {{"Example law", "https://example.org/law", "2026-11-23"}};
  }
  GateFixture& systems(const std::vector<std::string>& names) {
    for (const std::string& name : names)
      add(evidence, "ev1_systems", {{"system", text(name)}, {"placed_on", text("2026-05-01")}});
    return *this;
  }
  GateFixture& with(policy::Rule r) {
    pack.rules.push_back(std::move(r));
    return *this;
  }
  [[nodiscard]] app::GateResult judge() const {
    app::GateResult result;
    result.pack = pack;
    const auto day = core::timestamp_from_date("2026-12-03");
    REQUIRE(day);
    auto verdicts = policy::evaluate(pack, evidence, {*day, "test", std::nullopt});
    if (!verdicts) FAIL(verdicts.error().message);
    result.exit = policy::gate_exit(*verdicts);
    result.verdicts = std::move(*verdicts);
    result.ledger.evidence = evidence;
    return result;
  }
};

inline app::GateResult refused() {
  app::GateResult result;
  result.ledger.findings.push_back({audit::Severity::error, "leaf-hash", "entry 3 (placement)",
                                    "the bytes are not those that were sealed", "restore"});
  result.ledger.findings.push_back(
      {audit::Severity::error, "blob", "blob \x1b<b>", "altered", "restore"});
  return result;
}

// Each status once, mandatory and advisory, hostile names, a rule without subjects.
inline std::vector<std::pair<std::string, app::GateResult>> all_results() {
  std::vector<std::pair<std::string, app::GateResult>> all;
  all.emplace_back("refused", refused());
  for (const char* status :
       {"pass", "fail", "no_evidence", "not_applicable", "not_yet_due", "manual", "nonsense"}) {
    for (const auto enforcement : {policy::Enforcement::mandatory, policy::Enforcement::advisory}) {
      policy::Rule judged = rule("X-1", "'" + std::string(status) + "'");
      judged.enforcement = enforcement;
      all.emplace_back(std::string(status) + " " + std::string(to_string(enforcement)),
                       GateFixture().systems({"chat"}).with(judged).judge());
    }
  }
  all.emplace_back("hostile",
                   GateFixture().systems(hostile_names()).with(rule("X-1", "'fail'")).judge());
  for (const auto on_empty : {policy::Status::pass, policy::Status::no_evidence}) {
    policy::Rule empty = rule("X-2", "'pass'");
    empty.on_empty = on_empty;
    all.emplace_back("empty " + std::string(to_string(on_empty)),
                     GateFixture().with(empty).judge());
  }
  all.emplace_back("no rule", GateFixture().systems({"chat"}).judge());
  return all;
}

// golden compares with tests/golden/NAME; SIGILLO_UPDATE_GOLDEN=1 writes it anew: read the
// difference.
inline void golden(const std::string& name, const std::string& actual) {
  const std::string path = std::string(SIGILLO_SOURCE_DIR) + "/tests/golden/" + name;
  if (std::getenv("SIGILLO_UPDATE_GOLDEN") != nullptr)
    std::ofstream(path, std::ios::binary) << actual;
  std::ifstream file(path, std::ios::binary);
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  REQUIRE(!expected.empty());
  CHECK(actual == expected);
}

inline core::PrivateKey report_key() {
  core::SeededEntropy entropy(20261125);
  auto key = core::PrivateKey::generate(core::KeyAlgorithm::ed25519, entropy);
  REQUIRE(key);
  return std::move(*key);
}

inline ReportInput report_input(const app::GateResult& result) {
  ReportInput input;
  input.gate = result;
  if (result.verdicts.has_value()) {
    auto lineage = audit::lineage(result.ledger.evidence, {});
    REQUIRE(lineage);
    input.lineage = std::move(*lineage);
  }
  input.generated_at = {1795600000, 0};
  input.key_id = report_key().public_key().id().hex();
  input.log_vkey = "example.org/log+00000000+AAAA";
  return input;
}

inline std::string sealed_report(const app::GateResult& result) {
  const ReportInput input = report_input(result);
  auto file = seal_page(report_page(input), report_content(input), report_key());
  if (!file) FAIL(file.error().message);
  return *file;
}

inline std::size_t occurrences(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
    ++count;
  return count;
}

}  // namespace sigillo::report::test
