// Each lint finds what it is for (positive control), and the shipped pack is clean.
#include <set>

#include "tests/unit/policies/support.hpp"

namespace sigillo::policy {
namespace {

using test::rule_with;

std::set<std::string> codes(const Rule& rule) {
  const auto findings = lint(test::pack_of(rule));
  REQUIRE(findings);
  std::set<std::string> found;
  for (const Finding& finding : *findings) found.insert(finding.code);
  found.erase("case-missing");
  return found;
}
std::set<std::string> codes(const std::string& query) { return codes(rule_with(query)); }

const std::string kHead = "SELECT system AS resource, ";
const std::string kTail = ", 'r' AS reason FROM ev1_systems";

TEST_CASE("lint: a clean rule", "[policies]") {
  CHECK(codes(kHead +
              "CASE WHEN entry > 5 THEN 'pass' WHEN entry * 2 = 4 THEN 'fail' ELSE 'no_evidence' "
              "END AS status" +
              kTail) == std::set<std::string>{});
}

TEST_CASE("lint: ELSE 'pass'", "[policies]") {
  CHECK(codes(kHead + "CASE WHEN entry > 5 THEN 'fail' else 'pass' END AS status" + kTail) ==
        std::set<std::string>{"else-pass"});
  CHECK(codes(kHead + "CASE WHEN entry > 5 THEN 'fail' ELSE /* x */ 'pass' END AS status" + kTail)
            .contains("else-pass"));
}

TEST_CASE("lint: SELECT *", "[policies]") {
  CHECK(codes("WITH a AS (SELECT * FROM ev1_systems) SELECT system AS resource, 'fail' AS status, "
              "'r' AS reason FROM a") == std::set<std::string>{"select-star"});
  CHECK(codes("WITH a AS (SELECT e.* FROM ev1_systems AS e) SELECT system AS resource, 'fail' AS "
              "status, 'r' AS reason FROM a")
            .contains("select-star"));
  CHECK(codes("WITH a AS (SELECT 1, * FROM ev1_systems) SELECT system AS resource, 'fail' AS "
              "status, 'r' AS reason FROM a")
            .contains("select-star"));
}

TEST_CASE("lint: statuses", "[policies]") {
  CHECK(codes(kHead + "'ok' AS status" + kTail) == std::set<std::string>{"status-unknown"});
  CHECK(codes(kHead + "CASE WHEN entry > 5 THEN 'pased' ELSE 'fail' END AS status" + kTail) ==
        std::set<std::string>{"status-unknown"});
  CHECK(codes(kHead + "CASE WHEN entry > 5 THEN 'waived' ELSE 'fail' END AS status" + kTail)
            .contains("status-unknown"));
  CHECK(codes(kHead + "lower('PASS') AS status" + kTail) ==
        std::set<std::string>{"status-computed"});
  CHECK(codes(kHead + "CASE WHEN entry > 5 THEN 'pa' || 'ss' ELSE 'fail' END AS status" + kTail)
            .contains("status-computed"));
  CHECK(codes("SELECT 1 AS resource FROM ev1_systems") == std::set<std::string>{"status-missing"});
  // A CASE inside a condition is no status; the reason's strings are not statuses either.
  CHECK(codes("SELECT system AS resource, CASE WHEN CASE WHEN entry > 1 THEN 'x' ELSE 'y' END = "
              "'x' THEN 'pass' ELSE 'fail' END "
              "AS status, CASE WHEN entry > 1 THEN 'free text' ELSE 'more' END AS reason FROM "
              "ev1_systems") == std::set<std::string>{});
}

TEST_CASE("lint: what the sandbox refuses", "[policies]") {
  CHECK(codes("SELECT random() AS resource, 'fail' AS status, 'r' AS reason FROM ev1_systems") ==
        std::set<std::string>{"sql-refused"});
  CHECK(codes(kHead + "'fail' AS status, :nobody AS reason FROM ev1_systems") ==
        std::set<std::string>{"sql-refused"});
  Rule rule = rule_with(kHead + "'fail' AS status" + kTail, "SELECT name AS id FROM sqlite_master");
  CHECK(codes(rule) == std::set<std::string>{"sql-refused"});
  rule.subjects = "SELECT system AS id FROM ev1_systems";
  rule.params = {{"unused", std::int64_t{1}}};
  CHECK(codes(rule) == std::set<std::string>{"unused-parameter"});
}

TEST_CASE("lint: TEXT compared with a number", "[policies]") {
  const auto with = [](const std::string& condition) {
    Rule rule = rule_with(kHead + "CASE WHEN " + condition +
                          " THEN 'pass' ELSE 'fail' END AS status" + kTail);
    if (condition.find(":n") != std::string::npos) rule.params = {{"n", std::int64_t{5}}};
    return codes(rule);
  };
  const std::set<std::string> finding = {"text-number"};
  CHECK(with("placed_on > 20260802") == finding);
  CHECK(with("20260802 <= placed_on") == finding);
  CHECK(with("5 < ev1_systems.placed_on") == finding);
  CHECK(with("ev1_systems.version = 3") == finding);
  CHECK(with("version = -3") == finding);
  CHECK(with("version IS NOT 3") == finding);
  CHECK(with("version BETWEEN 1 AND 2") == finding);
  CHECK(with("version = :n") == finding);
  CHECK(with("entry = :n") == std::set<std::string>{});
  CHECK(with("version = '3'") == std::set<std::string>{});
  CHECK(with("placed_on IS NOT NULL") == std::set<std::string>{});
  CHECK(with("length(version) > 3") == std::set<std::string>{});
  CHECK(codes("WITH a AS (SELECT system, version AS v FROM ev1_systems) SELECT system AS resource, "
              "CASE WHEN v > 3 THEN 'pass' ELSE 'fail' END AS status, 'r' AS reason FROM a") ==
        finding);
}

TEST_CASE("lint: five kinds of case", "[policies]") {
  Rule rule =
      rule_with(kHead + "CASE WHEN entry > 5 THEN 'pass' ELSE 'fail' END AS status" + kTail);
  const auto missing = [&] {
    const auto findings = lint(test::pack_of(rule));
    REQUIRE(findings);
    return findings->size();
  };
  CHECK(missing() == 5);
  Case one;
  one.kind = CaseKind::pass;
  one.expect = {{"s", Status::pass, ""}};
  rule.cases.push_back(one);
  CHECK(missing() == 4);
  one.kind = CaseKind::null;  // unknown facts must not pass
  rule.cases.push_back(one);
  CHECK(codes(rule) == std::set<std::string>{"case-kind"});
  rule = rule_with(kHead + "'manual' AS status" + kTail);
  CHECK(missing() == 3);  // a rule that can neither pass nor fail needs no such case
}

}  // namespace
}  // namespace sigillo::policy
