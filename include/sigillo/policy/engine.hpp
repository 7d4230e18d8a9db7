// The engine: evaluates a pack's rules over evidence, runs the cases beside the rules, and lints
// them.
//
// Rules are SQL in a sandbox: an in-memory database that holds nothing but the evidence, an
// allow-list of functions, bounded work, and a clock that stands at the as-of date
// (docs/decisions/0020-policy-sql.md). The same pack, evidence and options give the same value. All
// functions are thread-safe: each call has its own database and clock.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sigillo/policy/verdict.hpp"

namespace sigillo::policy {

struct EvaluateOptions {
  core::Timestamp as_of;     // its UTC date counts; the time of day is dropped
  std::string tool_version;  // recorded in the verdict
  // Only this release and what belongs to it (docs/formats/verdict.md, "Scope").
  std::optional<std::string> scope_release;
};

// evaluate gives a verdict for each rule and subject. A broken rule is an `error` in the verdict,
// not an Error. Errors: not_found (the scope's release is not in the evidence), evidence_corrupt
// (the evidence does not fit its schema), io_error.
[[nodiscard]] core::Result<Verdicts> evaluate(const Pack& pack, const core::Evidence& evidence,
                                              const EvaluateOptions& options);

struct CaseResult {
  std::string rule, name;
  CaseKind kind = CaseKind::other;
  std::string file;
  int line = 0;
  bool passed = false;
  std::string difference;  // what was expected and what came; empty if passed
};
// run_pack_tests evaluates each case beside each rule. No case at all is an error of lint, not of
// this function.
[[nodiscard]] core::Result<std::vector<CaseResult>> run_pack_tests(const Pack& pack);

struct Finding {
  std::string rule, file;
  int line = 0;
  std::string code;     // stable, "else-pass"
  std::string message;  // what and why, and what to write instead
};
// lint gives the findings, sorted by file, line and code; empty means clean. The codes and what
// each can and cannot see are in docs/formats/rule.md, "Lint".
[[nodiscard]] core::Result<std::vector<Finding>> lint(const Pack& pack);

// footprint compiles a rule without running it, for `sigillo policy explain`: the sorted columns
// that a rule reads, or why its SQL is refused (rule_error).
[[nodiscard]] core::Result<std::vector<std::string>> footprint(const Rule& rule);

}  // namespace sigillo::policy
