// Each subject gets exactly one status, and what is wrong with a rule never looks like a pass.
#include <algorithm>

#include "tests/unit/policies/support.hpp"

namespace sigillo::policy {
namespace {

using Catch::Contains;
using test::add;
using test::number;
using test::rule_with;
using test::run;
using test::run_rule;
using test::systems;
using test::text;

const std::string kAll =
    "SELECT system AS resource, 'pass' AS status, 'fine' AS reason FROM ev1_systems";

TEST_CASE("engine: a row for each subject", "[policies]") {
  const auto verdict = run_rule(rule_with(kAll), systems({"b", "a"}));
  REQUIRE(verdict.subjects.size() == 2);
  CHECK(verdict.subjects[0].resource == "a");
  CHECK(verdict.subjects[0].status == Status::pass);
  CHECK(verdict.outcome == Status::pass);
  CHECK(verdict.counts[Status::pass] == 2);
  CHECK(verdict.footprint == std::vector<std::string>{"ev1_systems.system"});
}

TEST_CASE("engine: a subject without a row, or with two, is an error", "[policies]") {
  const auto missing = run_rule(rule_with(kAll + " WHERE system <> 'b'"), systems({"a", "b"}));
  CHECK(missing.subjects[0].status == Status::pass);
  CHECK(missing.subjects[1].status == Status::error);
  CHECK_THAT(missing.subjects[1].reason, Contains("no row"));
  CHECK(missing.outcome == Status::error);
  const auto twice = run_rule(rule_with(kAll + " UNION ALL " + kAll), systems({"a"}));
  CHECK_THAT(twice.subjects[0].reason, Contains("2 rows"));
}

TEST_CASE("engine: a row for what is no subject puts all in doubt", "[policies]") {
  const auto verdict =
      run_rule(rule_with(kAll + " UNION ALL SELECT 'x', 'pass', 'fine'"), systems({"a", "b"}));
  CHECK(verdict.counts[Status::error] == 2);
  CHECK_THAT(verdict.reason, Contains("\"x\", which is not a subject"));
}

TEST_CASE("engine: NULL and unknown statuses are errors", "[policies]") {
  for (const char* status :
       {"NULL", "''", "'PASS'", "'ok'", "1", "'waived'", "CASE WHEN NULL > 1 THEN 'pass' END"}) {
    const auto verdict = run_rule(rule_with(std::string("SELECT system AS resource, ") + status +
                                            " AS status, 'r' AS reason FROM ev1_systems"),
                                  systems({"a"}));
    CHECK(verdict.subjects.at(0).status == Status::error);
  }
  for (const char* reason : {"NULL", "''", "1"}) {
    const auto verdict =
        run_rule(rule_with(std::string("SELECT system AS resource, 'pass' AS status, ") + reason +
                           " AS reason FROM ev1_systems"),
                 systems({"a"}));
    CHECK(verdict.subjects.at(0).status == Status::error);
    CHECK_THAT(verdict.subjects.at(0).reason, Contains("without a reason"));
  }
}

TEST_CASE("engine: each status a rule may give arrives", "[policies]") {
  for (const char* word :
       {"pass", "fail", "error", "no_evidence", "not_applicable", "not_yet_due", "manual"}) {
    const auto verdict = run_rule(rule_with(std::string("SELECT system AS resource, '") + word +
                                            "' AS status, 'r' AS reason FROM ev1_systems"),
                                  systems({"a"}));
    CHECK(to_string(verdict.outcome) == word);
    CHECK(to_string(*status_from_string(word)) == word);
  }
}

TEST_CASE("engine: columns are exact, evidence is an entry", "[policies]") {
  const auto reason_of = [](const std::string& query) {
    return run_rule(rule_with(query), systems({"a"})).reason;
  };
  CHECK_THAT(reason_of("SELECT system AS resource, 'pass' AS status FROM ev1_systems"),
             Contains("must give"));
  CHECK_THAT(
      reason_of("SELECT system AS resource, 'pass' AS status, 1 AS evidence FROM ev1_systems"),
      Contains("must give"));
  CHECK_THAT(
      reason_of(
          "SELECT system AS resource, 'pass' AS status, 'r' AS reason, 1 AS x FROM ev1_systems"),
      Contains("column x"));
  CHECK_THAT(reason_of("SELECT system AS resource, 'pass' AS status, 'r' AS reason, 'q' AS reason "
                       "FROM ev1_systems"),
             Contains("twice"));
  CHECK_THAT(reason_of("SELECT NULL AS resource, 'pass' AS status, 'r' AS reason FROM ev1_systems"),
             Contains("NULL"));
  const std::string head = "SELECT system AS resource, 'pass' AS status, 'r' AS reason, ";
  CHECK(run_rule(rule_with(head + "7 AS evidence FROM ev1_systems"), systems({"a"}))
            .subjects.at(0)
            .evidence == 7);
  CHECK_FALSE(run_rule(rule_with(head + "NULL AS evidence FROM ev1_systems"), systems({"a"}))
                  .subjects.at(0)
                  .evidence);
  CHECK(run_rule(rule_with(head + "'7' AS evidence FROM ev1_systems"), systems({"a"}))
            .subjects.at(0)
            .status == Status::error);
}

TEST_CASE("engine: a query that fails is an error for every subject", "[policies]") {
  for (const char* query :
       {"SELECT nonsense", "DELETE FROM ev1_systems", "SELECT random() AS resource", "",
        "SELECT system AS resource, 'pass' AS status, 'r' AS reason FROM ev1_systems; SELECT 1",
        "SELECT system AS resource, 'pass' AS status, 1.5 AS reason FROM ev1_systems"}) {
    const auto verdict = run_rule(rule_with(query), systems({"a", "b"}));
    CHECK(verdict.counts[Status::error] == 2);
    CHECK_FALSE(verdict.reason.empty());
  }
  const auto lost = run_rule(rule_with(kAll, "SELECT system AS id FROM nowhere"), systems({"a"}));
  CHECK(lost.outcome == Status::error);
  CHECK_THAT(lost.reason, Contains("nowhere"));
  CHECK_THAT(run_rule(rule_with(kAll, "SELECT system FROM ev1_systems"), systems({"a"})).reason,
             Contains("column id"));
  CHECK_THAT(run_rule(rule_with(kAll, "SELECT NULL AS id"), systems({"a"})).reason,
             Contains("NULL"));
  CHECK_THAT(run_rule(rule_with(kAll), systems({"a", "a"})).reason, Contains("twice"));
}

TEST_CASE("engine: nothing to judge is what the rule says it is", "[policies]") {
  Rule rule = rule_with(kAll);
  for (const Status status : {Status::not_applicable, Status::no_evidence, Status::pass}) {
    rule.on_empty = status;
    CHECK(run_rule(rule, {}).outcome == status);
    CHECK(run_rule(rule, {}).counts.total() == 0);
  }
  rule.on_empty = Status::pass;
  rule.query = "SELECT broken";
  CHECK(run_rule(rule, {}).outcome == Status::error);
}

TEST_CASE("engine: too few subjects", "[policies]") {
  Rule rule = rule_with(kAll);
  rule.min_subjects = 2;
  CHECK(run_rule(rule, systems({"a", "b"})).outcome == Status::pass);
  const auto few = run_rule(rule, systems({"a"}));
  CHECK(few.outcome == Status::no_evidence);
  CHECK(few.counts[Status::no_evidence] == 1);
}

TEST_CASE("engine: the date a rule starts", "[policies]") {
  Rule rule = rule_with(kAll);
  rule.applies_from = "2026-08-02";
  CHECK(run_rule(rule, systems({"a"}), "2026-08-02").outcome == Status::pass);
  const auto early = run_rule(rule, systems({"a"}), "2026-08-01");
  CHECK(early.outcome == Status::not_yet_due);
  CHECK_THAT(early.subjects.at(0).reason, Contains("applies from 2026-08-02"));
  rule.on_empty = Status::no_evidence;
  CHECK(run_rule(rule, {}, "2026-08-01").outcome == Status::no_evidence);
}

TEST_CASE("engine: parameters", "[policies]") {
  Rule rule = rule_with(
      "SELECT system AS resource, 'pass' AS status, :as_of || :word || :n AS reason FROM "
      "ev1_systems");
  rule.params = {{"word", std::string("x")}, {"n", std::int64_t{10000000000000}}};
  CHECK(run_rule(rule, systems({"a"})).subjects.at(0).reason == "2026-12-03x10000000000000");
}

TEST_CASE("engine: the worst of several, and the exit code", "[policies]") {
  CHECK(worse(Status::fail, Status::manual) == Status::manual);
  CHECK(worse(Status::no_evidence, Status::error) == Status::error);
  CHECK(worse(Status::pass, Status::not_applicable) == Status::pass);
  CHECK(worse(Status::pass, Status::not_yet_due) == Status::not_yet_due);
  CHECK(worse(Status::waived, Status::fail) == Status::fail);

  const auto exit_of = [](std::initializer_list<std::pair<Enforcement, Status>> rules) {
    Verdicts verdicts;
    for (const auto& [enforcement, status] : rules) {
      RuleVerdict rule;
      rule.enforcement = enforcement;
      rule.subjects = {{"s", status, "r", std::nullopt}};
      verdicts.rules.push_back(rule);
    }
    summarise(verdicts);
    CHECK(verdicts.counts.total() == static_cast<std::int64_t>(rules.size()));
    return gate_exit(verdicts);
  };
  const auto must = Enforcement::mandatory;
  const auto may = Enforcement::advisory;
  CHECK(exit_of({{must, Status::pass}}) == core::ExitCode::done);
  CHECK(exit_of({{must, Status::not_applicable},
                 {must, Status::not_yet_due},
                 {must, Status::waived}}) == core::ExitCode::done);
  CHECK(exit_of({{must, Status::pass}, {must, Status::fail}}) == core::ExitCode::not_verified);
  for (const Status undecided : {Status::error, Status::no_evidence, Status::manual}) {
    CHECK(exit_of({{must, Status::fail}, {must, undecided}}) == core::ExitCode::undecided);
    CHECK(exit_of({{must, Status::pass}, {may, undecided}}) == core::ExitCode::done);
  }
  CHECK(exit_of({{must, Status::pass}, {may, Status::fail}}) == core::ExitCode::done);
  CHECK(exit_of({{may, Status::pass}}) ==
        core::ExitCode::undecided);  // nothing mandatory was checked
  CHECK(exit_of({}) == core::ExitCode::undecided);
}

TEST_CASE("engine: a caller that waives recounts", "[policies]") {
  Verdicts verdicts = run(
      test::pack_of(
          rule_with("SELECT system AS resource, 'fail' AS status, 'r' AS reason FROM ev1_systems")),
      systems({"a"}));
  CHECK(gate_exit(verdicts) == core::ExitCode::not_verified);
  verdicts.rules[0].subjects[0].status = Status::waived;
  summarise(verdicts);
  CHECK(gate_exit(verdicts) == core::ExitCode::done);
  CHECK(verdicts.counts[Status::waived] == 1);
}

core::Evidence two_releases() {
  core::Evidence evidence;
  for (const char* name : {"1", "2"}) {
    const std::string n(name);
    add(evidence, "ev1_systems", {{"system", text("s" + n)}});
    add(evidence, "ev1_system_modalities", {{"system", text("s" + n)}, {"modality", text("text")}});
    add(evidence, "ev1_releases",
        {{"release", text("r" + n)},
         {"system", text("s" + n)},
         {"model", text("m" + n)},
         {"run_id", text("run" + n)}});
    add(evidence, "ev1_outputs", {{"release", text("r" + n)}, {"output_digest", text("o")}});
    add(evidence, "ev1_runs",
        {{"run_id", text("run" + n)}, {"model", text("m" + n)}, {"flop_e12", number(1)}});
    add(evidence, "ev1_runs",
        {{"run_id", text("earlier" + n)}, {"model", text("m" + n)}, {"flop_e12", number(1)}});
    add(evidence, "ev1_run_datasets", {{"run_id", text("run" + n)}, {"dataset", text("d")}});
    add(evidence, "ev1_run_outputs", {{"run_id", text("run" + n)}, {"path", text("p")}});
    add(evidence, "ev1_marking_configs",
        {{"system", text("s" + n)}, {"release", text("r" + n)}, {"layer", text("watermark")}});
    add(evidence, "ev1_marking_configs", {{"system", text("s" + n)}, {"layer", text("log")}});
    add(evidence, "ev1_marking_configs",
        {{"system", text("s" + n)}, {"release", text("other")}, {"layer", text("log")}});
    add(evidence, "ev1_detector_releases", {{"system", text("s" + n)}});
    add(evidence, "ev1_notifications", {{"model", text("m" + n)}, {"kind", text("art52")}});
    add(evidence, "ev1_exemption_claims", {{"system", text("s" + n)}});
    add(evidence, "ev1_actors", {{"actor", text("a" + n)}});
    add(evidence, "ev1_datasets", {{"dataset", text("d" + n)}});
  }
  return evidence;
}

TEST_CASE("engine: a release's scope", "[policies]") {
  const std::vector<std::pair<std::string, int>> expected = {{"ev1_systems", 1},
                                                             {"ev1_system_modalities", 1},
                                                             {"ev1_releases", 1},
                                                             {"ev1_outputs", 1},
                                                             {"ev1_runs", 2},
                                                             {"ev1_run_datasets", 1},
                                                             {"ev1_run_outputs", 1},
                                                             {"ev1_marking_configs", 2},
                                                             {"ev1_detector_releases", 1},
                                                             {"ev1_notifications", 1},
                                                             {"ev1_exemption_claims", 1},
                                                             {"ev1_actors", 2},
                                                             {"ev1_datasets", 2}};
  CHECK(expected.size() == core::evidence_schema().size());
  for (const auto& [view, rows] : expected) {
    const Rule rule = rule_with(
        "SELECT 'x' AS resource, 'pass' AS status, 'n=' || count(*) AS reason FROM " + view,
        "SELECT 'x' AS id");
    INFO(view);
    CHECK(run(test::pack_of(rule), two_releases(), "2026-12-03", "r1")
              .rules[0]
              .subjects.at(0)
              .reason == "n=" + std::to_string(rows));
  }
  const auto unknown = evaluate(test::pack_of(rule_with(kAll)), two_releases(),
                                {test::day("2026-12-03"), "t", "r3"});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == core::ErrorCode::not_found);
  core::Evidence bare;  // an unknown system or run pulls in nothing
  add(bare, "ev1_releases", {{"release", text("r")}});
  add(bare, "ev1_runs", {{"model", text("m")}});
  add(bare, "ev1_systems", {});
  const Rule count = rule_with(
      "SELECT 'x' AS resource, 'pass' AS status, 'n=' || ((SELECT count(*) FROM ev1_runs) + "
      "(SELECT count(*) FROM ev1_systems)) AS reason",
      "SELECT 'x' AS id");
  CHECK(run(test::pack_of(count), bare, "2026-12-03", "r").rules[0].subjects.at(0).reason == "n=0");
}

TEST_CASE("engine: the same evidence in any order gives the same bytes", "[policies]") {
  const auto pack = load_pack(test::shipped_pack());
  if (!pack) FAIL(pack.error().message);
  core::Evidence evidence = two_releases();
  const std::string once = test::bytes_of(run(*pack, evidence));
  CHECK(test::bytes_of(run(*pack, evidence)) == once);
  for (auto& [view, rows] : evidence.rows) std::reverse(rows.begin(), rows.end());
  CHECK(test::bytes_of(run(*pack, evidence)) == once);
  // The time of day is dropped; the date counts.
  const auto later = evaluate(*pack, evidence,
                              {{test::day("2026-12-03").seconds + 86399, 5}, "test", std::nullopt});
  REQUIRE(later);
  CHECK(test::bytes_of(*later) == once);
}

TEST_CASE("engine: a case that disagrees says how", "[policies]") {
  Rule rule = rule_with(kAll);
  Case one;
  one.name = "c";
  one.as_of = test::day("2026-12-03");
  one.given = systems({"a", "b"});
  one.expect = {{"a", Status::fail, ""}, {"c", Status::pass, ""}};
  one.outcome = "fail";
  rule.cases = {one};
  const auto results = run_pack_tests(test::pack_of(rule));
  REQUIRE(results);
  REQUIRE(results->size() == 1);
  CHECK_FALSE(results->at(0).passed);
  CHECK(results->at(0).difference ==
        "a: expected fail, came pass (fine)\nc: expected pass, but it is not a subject\nb: not "
        "expected, came pass (fine)\n"
        "outcome: expected fail, came pass ()\n");
  one.expect = {{"a", Status::pass, "fin"}, {"b", Status::pass, ""}};
  one.outcome = "pass";
  rule.cases = {one};
  CHECK(run_pack_tests(test::pack_of(rule))->at(0).passed);
  one.expect[0].reason = "other";
  rule.cases = {one};
  CHECK_THAT(run_pack_tests(test::pack_of(rule))->at(0).difference,
             Contains("expected a reason with \"other\""));
}

}  // namespace
}  // namespace sigillo::policy
