// The shipped pack: its cases, its lint, and the demonstration's three verdicts.
#include <fmt/format.h>

#include "tests/unit/policies/support.hpp"

namespace sigillo::policy {
namespace {

using Catch::Contains;
using test::add;
using test::number;
using test::run;
using test::text;

Pack shipped() {
  auto pack = load_pack(test::shipped_pack());
  if (!pack) FAIL(pack.error().message);
  return std::move(*pack);
}

const RuleVerdict& rule(const Verdicts& verdicts, std::string_view id) {
  for (const RuleVerdict& one : verdicts.rules) {
    if (one.id == id) return one;
  }
  FAIL("no rule " << id);
  return verdicts.rules.front();
}

// One text system, two releases of one model: "marked" with 200 found outputs, "unmarked" with 200
// that carry no mark.
core::Evidence demonstration() {
  core::Evidence evidence;
  evidence.origin = "example.org/log";
  evidence.size = 20;
  evidence.root = std::string(64, 'a');
  const core::Cell s = text("chat"), m = text("toy-lm");
  add(evidence, "ev1_actors",
      {{"actor", text("Example")}, {"role", text("system_provider")}, {"entry", number(2)}});
  add(evidence, "ev1_systems",
      {{"system", s},
       {"actor", text("Example")},
       {"market", text("EU")},
       {"placed_on", text("2026-05-01")},
       {"high_risk", number(0)},
       {"entry", number(3)}});
  add(evidence, "ev1_system_modalities",
      {{"system", s}, {"modality", text("text")}, {"entry", number(3)}});
  add(evidence, "ev1_datasets",
      {{"dataset", text("corpus")}, {"license", text("CC0-1.0")}, {"entry", number(4)}});
  add(evidence, "ev1_runs",
      {{"run_id", text("run-1")},
       {"model", m},
       {"state", text("ended")},
       {"ended_at", text("2026-11-20T10:00:00Z")},
       {"exit_code", number(0)},
       {"flop_e12", number(1)},
       {"flop_basis", text("claimed")},
       {"entry", number(6)}});
  add(evidence, "ev1_run_datasets",
      {{"run_id", text("run-1")}, {"dataset", text("corpus")}, {"entry", number(5)}});
  add(evidence, "ev1_marking_configs",
      {{"system", s},
       {"release", text("marked")},
       {"modality", text("text")},
       {"layer", text("watermark")},
       {"scheme", text("vllm-gumbel")},
       {"profile_digest", text("profile")},
       {"key_id", text("key")},
       {"entry", number(7)}});
  add(evidence, "ev1_detector_releases",
      {{"system", s},
       {"scheme", text("vllm-gumbel")},
       {"form", text("software")},
       {"url", text("https://example.org/detector")},
       {"entry", number(8)}});
  std::int64_t entry = 9;
  for (const bool marked : {true, false}) {
    const core::Cell release = text(marked ? "marked" : "unmarked");
    add(evidence, "ev1_releases",
        {{"release", release},
         {"system", s},
         {"model", m},
         {"run_id", text("run-1")},
         {"entry", number(entry)}});
    for (int i = 0; i < 200; ++i) {
      const core::Cell digest = text(fmt::format("{}-{:03}", marked ? "m" : "u", i));
      add(evidence, "ev1_outputs",
          {{"release", release},
           {"output_digest", digest},
           {"modality", text("text")},
           {"tokens", number(300)},
           {"tested_digest", digest},
           {"result", text(marked ? "found" : "not_found")},
           {"scored", number(290)},
           {"log10_p_micro", number(marked ? -30000000 : -200000)},
           {"profile_digest", text("profile")},
           {"key_id", text("key")},
           {"sample_basis", text("chosen-by-provider")},
           {"entry", number(entry + 1)}});
    }
    entry += 2;
  }
  return evidence;
}

TEST_CASE("eu-ai-act: every case beside every rule agrees", "[policies]") {
  const Pack pack = shipped();
  CHECK(pack.rules.size() == 11);
  const auto results = run_pack_tests(pack);
  if (!results) FAIL(results.error().message);
  CHECK(results->size() >= 80);
  for (const CaseResult& result : *results) {
    INFO(result.file << ":" << result.line << " " << result.name << "\n" << result.difference);
    CHECK(result.passed);
  }
}

TEST_CASE("eu-ai-act: lint is clean", "[policies]") {
  const auto findings = lint(shipped());
  if (!findings) FAIL(findings.error().message);
  for (const Finding& finding : *findings) {
    FAIL_CHECK(finding.file << ":" << finding.line << " [" << finding.code << "] "
                            << finding.message);
  }
}

TEST_CASE("eu-ai-act: the marked release passes after the transition", "[policies]") {
  const Verdicts verdicts = run(shipped(), demonstration(), "2026-12-03", "marked");
  for (const RuleVerdict& one : verdicts.rules) {
    INFO(one.id << " " << to_string(one.outcome) << " " << one.reason
                << (one.subjects.empty() ? "" : one.subjects[0].reason));
    CHECK(one.outcome != Status::error);
    CHECK((one.outcome == Status::pass || one.outcome == Status::not_applicable ||
           one.outcome == Status::not_yet_due));
  }
  CHECK(gate_exit(verdicts) == core::ExitCode::done);
  const SubjectVerdict& subject = rule(verdicts, "EU50-2m").subjects.at(0);
  CHECK(subject.resource == "marked/text");
  CHECK(
      subject.reason ==
      "200 of 200 found at p <= 1e-6; miss rate below 1.49 % at 95 % confidence (Clopper-Pearson) "
      "if outputs are independent; sample chosen by the provider");
  CHECK(subject.evidence == 10);
  CHECK(rule(verdicts, "EU-111-4").outcome == Status::pass);
  CHECK(rule(verdicts, "GP-51").outcome == Status::not_applicable);
  CHECK(rule(verdicts, "HR-19").outcome == Status::not_yet_due);
}

TEST_CASE("eu-ai-act: the unmarked release fails and the verdict says what to do", "[policies]") {
  const Verdicts verdicts = run(shipped(), demonstration(), "2026-12-03", "unmarked");
  CHECK(gate_exit(verdicts) == core::ExitCode::not_verified);
  const RuleVerdict& failed = rule(verdicts, "EU50-2m");
  CHECK(failed.outcome == Status::fail);
  CHECK(failed.basis.at(0).ref == "Article 50(2), first sentence");
  CHECK_THAT(failed.remediation,
             Contains("sigillo record marking-config --system S --modality text"));
  const SubjectVerdict& subject = failed.subjects.at(0);
  CHECK(subject.resource == "unmarked/text");
  CHECK_THAT(subject.reason, Contains("200 of 200 outputs carry no mark at p <= 1e-6"));
  CHECK(subject.evidence == 12);
}

TEST_CASE("eu-ai-act: before the transition ends neither is due", "[policies]") {
  for (const char* release : {"marked", "unmarked"}) {
    const Verdicts verdicts = run(shipped(), demonstration(), "2026-11-23", release);
    CHECK(gate_exit(verdicts) == core::ExitCode::done);
    CHECK(rule(verdicts, "EU50-2m").outcome == Status::not_yet_due);
    CHECK_THAT(rule(verdicts, "EU50-2m").subjects.at(0).reason, Contains("until 2026-12-02"));
  }
}

TEST_CASE("eu-ai-act: without scope both releases are judged", "[policies]") {
  const Verdicts verdicts = run(shipped(), demonstration());
  CHECK(gate_exit(verdicts) == core::ExitCode::not_verified);
  const RuleVerdict& marks = rule(verdicts, "EU50-2m");
  CHECK(marks.counts[Status::pass] == 1);
  CHECK(marks.counts[Status::fail] == 1);
}

TEST_CASE("eu-ai-act: an empty ledger is never green", "[policies]") {
  CHECK(gate_exit(run(shipped(), {})) == core::ExitCode::undecided);
}

TEST_CASE("eu-ai-act: no fact may be missing for a pass", "[policies]") {
  // Each column that EU50-2m read is set to NULL in all rows, one column at a time. The verdict
  // must not stay a pass, except for the columns that name an entry (they only point) and `release`
  // of a configuration, whose NULL means every release.
  const Pack pack = shipped();
  const core::Evidence whole = demonstration();
  const std::vector<std::string> footprint =
      rule(run(pack, whole, "2026-12-03", "marked"), "EU50-2m").footprint;
  CHECK(footprint.size() > 12);
  for (const std::string& column : footprint) {
    if (column.ends_with(".entry") || column == "ev1_marking_configs.release") continue;
    const auto dot = column.find('.');
    REQUIRE(dot != std::string::npos);
    core::Evidence evidence = whole;
    const core::ViewSchema* view = core::find_view(column.substr(0, dot));
    REQUIRE(view != nullptr);
    for (core::Row& row : evidence.rows[column.substr(0, dot)]) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (view->columns[i].name == column.substr(dot + 1)) row[i] = core::Cell{};
      }
    }
    const auto verdicts = evaluate(pack, evidence, {test::day("2026-12-03"), "test", std::nullopt});
    REQUIRE(verdicts);
    INFO(column);
    CHECK(rule(*verdicts, "EU50-2m").counts[Status::pass] == 0);
  }
}

}  // namespace
}  // namespace sigillo::policy
