#include <fmt/format.h>

#include "app/cli/render.hpp"

namespace sigillo::cli {
namespace {

std::string_view word(policy::Status status) {
  switch (status) {
    case policy::Status::pass:
      return "PASS";
    case policy::Status::fail:
      return "FAIL";
    case policy::Status::error:
      return "ERROR";
    case policy::Status::no_evidence:
      return "NO EVIDENCE";
    case policy::Status::not_applicable:
      return "NOT APPLICABLE";
    case policy::Status::not_yet_due:
      return "NOT YET DUE";
    case policy::Status::manual:
      return "MANUAL";
    case policy::Status::waived:
      return "WAIVED";
  }
  return "?";
}

bool needs_work(policy::Status status) {
  return status == policy::Status::fail || status == policy::Status::no_evidence ||
         status == policy::Status::error || status == policy::Status::manual;
}

std::string render_rule(const policy::RuleVerdict& rule) {
  std::string citation;
  for (const policy::Basis& basis : rule.basis)
    citation += fmt::format("{}{}, {}", citation.empty() ? "" : "; ", basis.law, basis.ref);
  std::string out =
      fmt::format("{:<14} {}  {}{}\n", word(rule.outcome), rule.id, printable(rule.title),
                  rule.enforcement == policy::Enforcement::advisory ? "  (advisory)" : "");
  out += fmt::format("               {}\n", printable(citation));
  if (rule.subjects.empty()) out += fmt::format("               - {}\n", printable(rule.reason));
  for (const policy::SubjectVerdict& subject : rule.subjects) {
    const std::string entry =
        subject.evidence.has_value() ? fmt::format(" [entry {}]", *subject.evidence) : "";
    out += fmt::format("               - {}: {}: {}{}\n", printable(subject.resource),
                       to_string(subject.status), printable(subject.reason), entry);
  }
  if (needs_work(rule.outcome))
    out += fmt::format("               what to do: {}\n", printable(rule.remediation));
  return out;
}

std::string_view conclusion(core::ExitCode exit) {
  switch (exit) {
    case core::ExitCode::done:
      return "PASSED: every mandatory rule holds on this evidence, does not apply, or is not yet "
             "due";
    case core::ExitCode::not_verified:
      return "FAILED: at least one mandatory rule does not hold on this evidence";
    default:
      return "UNDECIDED: at least one mandatory rule cannot be decided on this evidence";
  }
}

}  // namespace

std::string render_verdicts(const policy::Verdicts& verdicts) {
  std::string out = fmt::format(
      "{} {} ({}), the law as of {}\npack: sha256:{}\n", verdicts.pack_name, verdicts.pack_version,
      printable(verdicts.pack_title), verdicts.as_of, verdicts.pack_digest);
  out += fmt::format("evidence: {} at checkpoint size {}, root {}\n", printable(verdicts.origin),
                     verdicts.size, verdicts.root);
  out += fmt::format("scope: {}\n\n", verdicts.scope_release.empty()
                                          ? "all releases"
                                          : "release " + printable(verdicts.scope_release));
  for (const policy::RuleVerdict& rule : verdicts.rules) out += render_rule(rule);
  std::string counts;
  for (std::size_t i = 0; i < policy::kStatusCount; ++i) {
    const auto status = static_cast<policy::Status>(i);
    if (verdicts.outcomes[status] > 0)
      counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", verdicts.outcomes[status],
                            to_string(status));
  }
  out += fmt::format("\n{} ({} rules: {})\n", conclusion(policy::gate_exit(verdicts)),
                     verdicts.rules.size(), counts);
  out +=
      "This is evidence for the duties named, never a statement of conformity. --as-of moves the "
      "law's clock, not the evidence.\n";
  return out;
}

}  // namespace sigillo::cli
