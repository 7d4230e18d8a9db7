#include <fmt/format.h>

#include <optional>

#include "policies/engine/evaluate.hpp"
#include "sigillo/policy/engine.hpp"

namespace sigillo::policy {
namespace {

// What came against what was expected; empty if they agree.
std::string difference(const Case& one, const RuleVerdict& verdict) {
  std::string text;
  std::map<std::string, const SubjectVerdict*> came;
  for (const SubjectVerdict& subject : verdict.subjects) came[subject.resource] = &subject;
  for (const Expectation& expected : one.expect) {
    const auto found = came.find(expected.resource);
    if (found == came.end()) {
      text += fmt::format("{}: expected {}, but it is not a subject\n", expected.resource,
                          to_string(expected.status));
      continue;
    }
    const SubjectVerdict& subject = *found->second;
    if (subject.status != expected.status) {
      text += fmt::format("{}: expected {}, came {} ({})\n", expected.resource,
                          to_string(expected.status), to_string(subject.status), subject.reason);
    } else if (subject.reason.find(expected.reason) == std::string::npos) {
      text += fmt::format("{}: expected a reason with \"{}\", came \"{}\"\n", expected.resource,
                          expected.reason, subject.reason);
    }
    came.erase(found);
  }
  for (const auto& [resource, subject] : came) {
    text += fmt::format("{}: not expected, came {} ({})\n", resource, to_string(subject->status),
                        subject->reason);
  }
  if (!one.outcome.empty() && one.outcome != to_string(verdict.outcome)) {
    text += fmt::format("outcome: expected {}, came {} ({})\n", one.outcome,
                        to_string(verdict.outcome), verdict.reason);
  }
  return text;
}

core::Result<std::string> run_case(const Rule& rule, const Case& one) {
  std::optional<std::string> scope;
  if (!one.scope_release.empty()) scope = one.scope_release;
  auto sandbox = Sandbox::create(one.given, one.as_of, scope);
  if (!sandbox) {
    if (sandbox.error().code == core::ErrorCode::not_found) return sandbox.error().message + "\n";
    return std::move(sandbox).error();
  }
  Verdicts verdicts;
  verdicts.rules.push_back(judge_rule(rule, **sandbox, core::to_date(one.as_of)));
  summarise(verdicts);
  return difference(one, verdicts.rules.front());
}

}  // namespace

core::Result<std::vector<CaseResult>> run_pack_tests(const Pack& pack) {
  std::vector<CaseResult> results;
  for (const Rule& rule : pack.rules) {
    for (const Case& one : rule.cases) {
      SIGILLO_TRY(std::string text, run_case(rule, one));
      results.push_back(
          {rule.id, one.name, one.kind, rule.file, one.line, text.empty(), std::move(text)});
    }
  }
  return results;
}

}  // namespace sigillo::policy
