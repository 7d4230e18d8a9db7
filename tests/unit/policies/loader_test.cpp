// The strict reader of packs and rules: what it refuses, and where it says the fault is.
#include <unistd.h>

#include <fstream>

#include "tests/unit/policies/support.hpp"

namespace sigillo::policy {
namespace {

using Catch::Contains;

const std::string kRule = R"(apiVersion: policy/v1
id: T-1
title: A title
severity: high
enforcement: mandatory
level: law
confidence: A
basis: [{ law: L, ref: R, url: U }]
binds: somebody
applies_from: 2026-08-02
params: { limit: 5, word: "x" }
subjects: SELECT system AS id FROM ev1_systems
on_empty: no_evidence
min_subjects: 0
remediation: do it
query: |
  SELECT system AS resource, 'fail' AS status, 'no' AS reason FROM ev1_systems
tests:
  - { name: one, kind: fail, as_of: 2026-12-03, given: { ev1_systems: [{ system: s, entry: 3 }] }, expect: [{ resource: s, status: fail }] }
)";

std::string with(const std::string& from, const std::string& to) {
  std::string text = kRule;
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}
std::string refusal(const std::string& text) {
  const auto rule = parse_rule(text, "rules/T-1.yaml");
  INFO(text.substr(0, 2000));
  REQUIRE_FALSE(rule);
  CHECK((rule.error().code == core::ErrorCode::invalid_input ||
         rule.error().code == core::ErrorCode::input_too_large));
  return rule.error().message;
}

class Folder {
 public:
  Folder() {
    path =
        std::filesystem::temp_directory_path() / ("sigillo-policies-" + std::to_string(::getpid()));
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path / "rules");
  }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
  }
  std::filesystem::path path;
};

const std::string kPack = R"(apiVersion: policy/v1
name: test
version: 0.0.1
title: Test
documentation: none
sources: [{ title: T, url: U, state: 2026-11-23 }]
)";

TEST_CASE("loader: a rule is read as written", "[policies]") {
  const auto rule = parse_rule(kRule, "rules/T-1.yaml");
  if (!rule) FAIL(rule.error().message);
  CHECK(rule->id == "T-1");
  CHECK(rule->line == 2);
  CHECK(rule->query_line == 17);
  CHECK(rule->params ==
        std::map<std::string, Param>{{"limit", std::int64_t{5}}, {"word", std::string("x")}});
  CHECK(rule->on_empty == Status::no_evidence);
  REQUIRE(rule->cases.size() == 1);
  CHECK(rule->cases[0].kind == CaseKind::fail);
  CHECK(rule->cases[0].given.rows.at("ev1_systems").size() == 1);
}

TEST_CASE("loader: every key must be there, known, and of its type", "[policies]") {
  for (const char* line :
       {"apiVersion: policy/v1\n", "id: T-1\n", "title: A title\n", "severity: high\n",
        "enforcement: mandatory\n", "level: law\n", "confidence: A\n", "binds: somebody\n",
        "applies_from: 2026-08-02\n", "params: { limit: 5, word: \"x\" }\n",
        "subjects: SELECT system AS id FROM ev1_systems\n", "on_empty: no_evidence\n",
        "min_subjects: 0\n", "remediation: do it\n", "basis: [{ law: L, ref: R, url: U }]\n"}) {
    CHECK_THAT(refusal(with(line, "")), Contains("missing key"));
  }
  CHECK_THAT(refusal(with("title: A title\n", "title: A title\ntitel: B\n")),
             Contains("rules/T-1.yaml:4: rule: unknown key \"titel\""));
  CHECK_THAT(refusal(with("title: A title\n", "title: A title\ntitle: B\n")),
             Contains("rules/T-1.yaml:4: duplicate key \"title\""));
  CHECK_THAT(refusal(with("system: s, entry: 3", "system: s, system: t")),
             Contains("duplicate key \"system\""));
  CHECK_THAT(refusal(with("policy/v1", "policy/v2")), Contains("not known"));
  CHECK_THAT(refusal(with("id: T-1", "id: ../x")), Contains("\"id\" must be"));
  CHECK_THAT(refusal(with("severity: high", "severity: awful")), Contains("severity"));
  CHECK_THAT(refusal(with("level: law", "level: must")), Contains("level"));
  CHECK_THAT(refusal(with("confidence: A", "confidence: E")), Contains("confidence"));
  CHECK_THAT(refusal(with("applies_from: 2026-08-02", "applies_from: 2026-02-30")),
             Contains(":10: rule: \"applies_from\" must be a date"));
  CHECK_THAT(refusal(with("on_empty: no_evidence", "on_empty: fail")), Contains("on_empty"));
  CHECK_THAT(refusal(with("min_subjects: 0", "min_subjects: -1")), Contains("min_subjects"));
  CHECK_THAT(refusal(with("min_subjects: 0", "min_subjects: \"0\"")), Contains("min_subjects"));
  CHECK_THAT(refusal(with("min_subjects: 0", "min_subjects: 99999999999999999999")),
             Contains("min_subjects"));
  CHECK_THAT(refusal(with("limit: 5", "limit: 1e25")), Contains("integer or a quoted text"));
  CHECK_THAT(refusal(with("limit: 5", "limit: 0.5")), Contains("integer or a quoted text"));
  CHECK_THAT(refusal(with("limit: 5", "as_of: 5")), Contains("not as_of"));
  CHECK_THAT(refusal(with("basis: [{ law: L, ref: R, url: U }]", "basis: []")),
             Contains("list that is not empty"));
  CHECK_THAT(refusal(with("basis: [{ law: L, ref: R, url: U }]", "basis: x")), Contains("list"));
  CHECK_THAT(refusal(with("title: A title", "title: [x]")), Contains("title"));
  CHECK_THAT(refusal(with("title: A title", "title: ~")), Contains("title"));
}

TEST_CASE("loader: cases name views and columns that exist", "[policies]") {
  CHECK_THAT(refusal(with("ev1_systems: [{", "ev2_systems: [{")), Contains("unknown view"));
  CHECK_THAT(refusal(with("entry: 3", "entri: 3")), Contains("no column \"entri\""));
  CHECK_THAT(refusal(with("entry: 3", "entry: three")), Contains("integer or null"));
  CHECK_THAT(refusal(with("entry: 3", "entry: \"3\"")), Contains("integer or null"));
  CHECK_THAT(refusal(with("entry: 3", "repeat: 0")), Contains("repeat"));
  CHECK_THAT(refusal(with("entry: 3", "repeat: 10001")), Contains("from 1 to 10000"));
  CHECK(parse_rule(with("entry: 3", "repeat: 10000"), "f"));
  CHECK_THAT(refusal(with("kind: fail", "kind: sad")), Contains("kind"));
  CHECK_THAT(refusal(with("status: fail }]", "status: bad }]")), Contains("status"));
  CHECK_THAT(refusal(with("expect: [{ resource: s, status: fail }]", "expect: []")),
             Contains("outcome"));
  CHECK_THAT(refusal(with("as_of: 2026-12-03", "as_of: 2026-13-03")), Contains("as_of"));
}

TEST_CASE("loader: hostile YAML", "[policies]") {
  CHECK_THAT(refusal(""), Contains("empty file"));
  CHECK_THAT(refusal("just text"), Contains("must be a map"));
  CHECK_THAT(refusal("[1, 2]"), Contains("must be a map"));
  CHECK_THAT(refusal(kRule + "---\nid: x\n"), Contains("second document"));
  CHECK_THAT(refusal(with("title: A title", "title: &a A title")),
             Contains("anchors are not allowed"));
  CHECK_THAT(refusal("a: &x [1]\nb: *x\n"), Contains("not allowed"));
  CHECK_THAT(refusal("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c "
                     "[*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"),
             Contains("anchors are not allowed"));
  CHECK_THAT(refusal("<<: {a: 1}\n"), Contains("merge keys"));
  CHECK_THAT(refusal(with("title: A title", "title: !!binary aGk=")),
             Contains("tags are not allowed"));
  CHECK_THAT(refusal(with("title: A title", "title: !x y")), Contains("tags are not allowed"));
  CHECK_THAT(refusal("? [a]\n: b\n"), Contains("key"));
  CHECK_THAT(refusal("\xff\xfe"), Contains("UTF-8"));
  CHECK_THAT(refusal(std::string("a\0b", 3)), Contains("NUL"));
  CHECK_THAT(refusal(std::string(kMaxRuleBytes + 1, 'a')), Contains("the limit is"));
  CHECK_THAT(refusal(std::string(kMaxRuleBytes, 'a')), Contains("must be a map"));
  std::string nodes = "a: [";
  for (std::size_t i = 0; i < kMaxYamlNodes; ++i) nodes += "1,";
  CHECK_THAT(refusal(nodes + "]"), Contains("nodes"));
  CHECK_THAT(refusal(std::string(kMaxYamlDepth + 1, '[')), Contains("deeper than"));
  CHECK_THAT(refusal(std::string(100000, '[')), Contains("deeper than"));
  CHECK_THAT(refusal(std::string(100000, '{')), Contains("T-1.yaml"));
  // Every prefix of a valid file is refused or read; nothing crashes.
  for (std::size_t size = 0; size < kRule.size(); ++size) {
    const auto rule = parse_rule(std::string_view(kRule).substr(0, size), "f");
    if (!rule) CHECK(rule.error().message.starts_with("f:"));
  }
}

TEST_CASE("loader: a pack is its files, and its digest covers them", "[policies]") {
  const Folder folder;
  CHECK(load_pack(folder.path).error().code == core::ErrorCode::not_found);
  folder.write("pack.yaml", kPack);
  CHECK_THAT(load_pack(folder.path).error().message, Contains("no rule"));
  folder.write("rules/T-1.yaml", kRule);
  const auto pack = load_pack(folder.path);
  if (!pack) FAIL(pack.error().message);
  CHECK(pack->files.size() == 2);
  const auto sha = [](const std::string& text) { return core::sha256(text).hex(); };
  CHECK(pack->digest == sha(R"([{"path":"pack.yaml","sha256":")" + sha(kPack) +
                            R"("},{"path":"rules/T-1.yaml","sha256":")" + sha(kRule) + R"("}])"));
  folder.write("rules/T-1.yaml", with("do it", "do that"));
  CHECK(load_pack(folder.path)->digest != pack->digest);

  folder.write("rules/T-2.yaml", kRule);
  CHECK_THAT(load_pack(folder.path).error().message,
             Contains("named after the rule") || Contains("two rules"));
  std::filesystem::remove(folder.path / "rules/T-2.yaml");
  folder.write("rules/notes.txt", "x");
  CHECK_THAT(load_pack(folder.path).error().message, Contains("rules/notes.txt"));
  std::filesystem::remove(folder.path / "rules/notes.txt");
  folder.write("pack.yaml", kPack + "extra: 1\n");
  CHECK_THAT(load_pack(folder.path).error().message, Contains("pack.yaml:7: pack: unknown key"));
  folder.write("pack.yaml", "");
  CHECK_FALSE(load_pack(folder.path));
}

}  // namespace
}  // namespace sigillo::policy
