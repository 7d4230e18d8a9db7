#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <set>

#include "app/report/junit.hpp"
#include "app/report/plain_text.hpp"
#include "app/report/sarif.hpp"
#include "fixture.hpp"

namespace sigillo::report::test {
namespace {

const SarifOptions kOptions{{"packs/example"}, false};

core::Json sarif(const app::GateResult& result, bool all = false) {
  return core::Json::parse(render_sarif(result, {{"packs/example"}, all}));
}

std::vector<std::string> case_names(const std::string& junit) {
  std::vector<std::string> names;
  static const std::regex pattern("<testcase classname=\"([^\"]*)\" name=\"([^\"]*)\"");
  for (std::sregex_iterator it(junit.begin(), junit.end(), pattern), end; it != end; ++it)
    names.push_back((*it)[2]);
  return names;
}

}  // namespace

TEST_CASE("JUnit is green exactly if the gate is") {
  for (const auto& [name, result] : all_results()) {
    INFO(name);
    const std::string junit = render_junit(result, {"packs/example"});
    const bool red = occurrences(junit, "<failure ") + occurrences(junit, "<error ") > 0;
    CHECK(red == (result.exit != core::ExitCode::done));
    // Undecided is an <error>, whatever else there is.
    if (result.exit == core::ExitCode::undecided) CHECK(occurrences(junit, "<error ") > 0);
    const std::size_t cases = occurrences(junit, "<testcase ");
    CHECK(cases > 0);
    CHECK(occurrences(junit, fmt::format("tests=\"{}\"", cases)) == 2);
  }
}

TEST_CASE("JUnit names are unique, whatever the resources are called") {
  std::mt19937 random(20261125);
  const std::string alphabet = "a1 ()2\\x\x01\x1b<:";
  for (int round = 0; round < 60; ++round) {
    std::set<std::string> names;
    while (names.size() < 40) {
      std::string name;
      for (std::size_t length = 1 + random() % 7; length > 0; --length)
        name += alphabet[random() % alphabet.size()];
      names.insert(name);
    }
    const auto result = GateFixture()
                            .systems({names.begin(), names.end()})
                            .with(rule("X-1", "'pass'"))
                            .with(rule("X-1: a", "'pass'"))
                            .judge();
    const auto cases = case_names(render_junit(result, {"p"}));
    REQUIRE(cases.size() == 80);
    CHECK(std::set<std::string>(cases.begin(), cases.end()).size() == 80);
  }
}

TEST_CASE("SARIF: every result has a place, a fingerprint and a level that fits its kind") {
  for (const auto& [name, result] : all_results()) {
    INFO(name);
    for (const bool all : {false, true}) {
      const core::Json run = sarif(result, all).at("runs").at(0);
      const core::Json& invocation = run.at("invocations").at(0);
      CHECK(invocation.at("executionSuccessful") == (result.exit != core::ExitCode::undecided));
      CHECK(invocation.at("exitCode") == static_cast<int>(result.exit));
      const core::Json& rules = run.at("tool").at("driver").at("rules");
      std::set<std::string> fingerprints;
      for (const core::Json& r : run.at("results")) {
        CHECK(rules.at(r.at("ruleIndex").get<std::size_t>()).at("id") == r.at("ruleId"));
        const core::Json& place = r.at("locations").at(0).at("physicalLocation");
        CHECK(place.at("artifactLocation")
                  .at("uri")
                  .get<std::string>()
                  .starts_with("packs/example/"));
        CHECK(place.at("region").at("startLine").get<int>() >= 1);
        CHECK((r.at("level") == "none") == (r.at("kind") != "fail"));
        fingerprints.insert(r.at("partialFingerprints").at("primaryLocationLineHash"));
        if (!all) CHECK(r.at("kind") != "pass");
      }
      CHECK(fingerprints.size() == run.at("results").size());
      if (!result.verdicts.has_value()) CHECK(run.at("results").size() == 1);
    }
  }
}

TEST_CASE("SARIF: a fingerprint follows rule and resource, nothing else") {
  const auto of = [](const app::GateResult& result) {
    return sarif(result).at("runs").at(0).at("results").at(0).at("partialFingerprints");
  };
  GateFixture before = GateFixture().systems({"chat"}).with(rule("X-1", "'fail'"));
  GateFixture after = GateFixture().systems({"chat", "zoo"}).with(rule("X-1", "'no_evidence'"));
  after.evidence.size = 99;
  after.pack.rules[0].line = 50;
  CHECK(of(before.judge()) == of(after.judge()));
  GateFixture other = GateFixture().systems({"chat"}).with(rule("X-2", "'fail'"));
  CHECK(of(before.judge()) != of(other.judge()));
}

TEST_CASE("SARIF: GitHub's limit keeps the gravest results and says so") {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kMaxSarifResults + 1; ++i) names.push_back(fmt::format("s{}", i));
  policy::Rule advisory = rule("A-1", "CASE system WHEN 's7' THEN 'fail' ELSE 'fail' END");
  advisory.enforcement = policy::Enforcement::advisory;
  const auto result = GateFixture()
                          .systems(names)
                          .with(advisory)
                          .with(rule("X-1", "CASE system WHEN 's7' THEN 'fail' ELSE 'pass' END"))
                          .judge();
  const core::Json run = sarif(result).at("runs").at(0);
  CHECK(run.at("results").size() == kMaxSarifResults);
  CHECK(run.at("results").at(0).at("ruleId") == "X-1");
  CHECK(run.at("invocations").at(0).at("toolExecutionNotifications").size() == 1);
  names.pop_back();
  const core::Json fits = sarif(GateFixture().systems(names).with(rule("X-1", "'fail'")).judge());
  CHECK(fits.at("runs").at(0).at("invocations").at(0).at("toolExecutionNotifications").empty());
}

TEST_CASE("hostile names stay text in JUnit and SARIF") {
  for (const auto& [name, result] : all_results()) {
    for (const std::string& out :
         {render_junit(result, {"packs/example"}), render_sarif(result, kOptions)}) {
      INFO(name);
      CHECK(core::is_utf8(out));
      for (const char* raw : {"\x1b", "\xE2\x80\xAE", "\xEF\xBF\xBF"})
        CHECK(out.find(raw) == std::string::npos);
    }
    CHECK(render_junit(result, {"p"}).find("<img") == std::string::npos);
  }
}

TEST_CASE("golden files of the CI formats") {
  policy::Rule advisory = rule("X-2", "'no_evidence'");
  advisory.enforcement = policy::Enforcement::advisory;
  const auto result = GateFixture()
                          .systems({"chat", "voice <1>"})
                          .with(rule("X-1", "CASE system WHEN 'chat' THEN 'pass' ELSE 'fail' END"))
                          .with(advisory)
                          .judge();
  golden("gate.junit.xml", render_junit(result, {"packs/example"}));
  golden("gate.sarif", render_sarif(result, kOptions));
  golden("gate_refused.junit.xml", render_junit(refused(), {"packs/example"}));
  golden("gate_refused.sarif", render_sarif(refused(), kOptions));
}

TEST_CASE("where a pack lies in the repository") {
  CHECK(gate_source("eu-ai-act").pack_uri == "eu-ai-act");
  CHECK(gate_source("./policies/x/").pack_uri == "policies/x");
  CHECK(gate_source("/opt/packs/x").pack_uri == "x");
  CHECK(gate_source("../../x").pack_uri == "x");
}

TEST_CASE("shortened cuts between characters") {
  CHECK(shortened("abc", 3) == "abc");
  CHECK(shortened("abcdef", 5) == "ab\xE2\x80\xA6");
  CHECK(shortened("a\xC3\xA9\xC3\xA9\xC3\xA9", 6) == "a\xC3\xA9\xE2\x80\xA6");
  for (std::size_t limit = 3; limit < 12; ++limit)
    CHECK(core::is_utf8(shortened("\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80", limit)));
}

}  // namespace sigillo::report::test
