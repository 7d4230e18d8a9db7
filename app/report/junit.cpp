#include "app/report/junit.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "app/report/plain_text.hpp"

namespace sigillo::report {
namespace {

using policy::Status;

enum class Outcome { passed, failure, error, skipped };

Outcome outcome_of(Status status, policy::Enforcement enforcement) {
  if (status == Status::pass) return Outcome::passed;
  if (enforcement == policy::Enforcement::advisory) return Outcome::skipped;
  switch (status) {
    case Status::fail:
      return Outcome::failure;
    case Status::not_applicable:
    case Status::not_yet_due:
    case Status::waived:
      return Outcome::skipped;
    default:  // error, no_evidence, manual: nobody knows, which is not green
      return Outcome::error;
  }
}

struct Suite {
  std::string cases;
  int tests = 0, failures = 0, errors = 0, skipped = 0;
  std::set<std::string> names;

  // Two resources that print alike must not become one case.
  std::string unique(const std::string& name) {
    std::string candidate = name;
    for (int n = 2; !names.insert(candidate).second; ++n)
      candidate = fmt::format("{} ({})", name, n);
    return candidate;
  }

  void add(const std::string& classname, const std::string& name, const std::string& file, int line,
           Outcome outcome, const std::string& type, const std::string& message,
           const std::string& detail) {
    ++tests;
    const std::string place =
        file.empty() ? "" : fmt::format(" file=\"{}\" line=\"{}\"", markup(file), line);
    cases += fmt::format("    <testcase classname=\"{}\" name=\"{}\"{} time=\"0\"",
                         markup(classname), markup(unique(printable(name))), place);
    const std::string attributes =
        fmt::format(" message=\"{}\" type=\"{}\"", markup(message), markup(type));
    switch (outcome) {
      case Outcome::passed:
        cases +=
            fmt::format(">\n      <system-out>{}</system-out>\n    </testcase>\n", markup(message));
        return;
      case Outcome::failure:
        ++failures;
        cases += fmt::format(">\n      <failure{}>{}</failure>\n    </testcase>\n", attributes,
                             markup(detail));
        return;
      case Outcome::error:
        ++errors;
        cases += fmt::format(">\n      <error{}>{}</error>\n    </testcase>\n", attributes,
                             markup(detail));
        return;
      case Outcome::skipped:
        ++skipped;
        cases += fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n",
                             markup(fmt::format("{}: {}", type, message)));
        return;
    }
  }
};

void add_subject(Suite& suite, const policy::RuleVerdict& rule, const std::string& resource,
                 Status status, const std::string& reason, const std::string& pack_uri) {
  std::string type(to_string(status));
  if (rule.enforcement == policy::Enforcement::advisory) type = "advisory " + type;
  std::string detail = reason;
  for (const policy::Basis& basis : rule.basis)
    detail += fmt::format(" | {}, {}", basis.law, basis.ref);
  detail += " | what to do: " + rule.remediation;
  suite.add(fmt::format("{} {}", rule.id, rule.title), fmt::format("{}: {}", rule.id, resource),
            fmt::format("{}/{}", pack_uri, rule.file), rule.line,
            outcome_of(status, rule.enforcement), type, reason, detail);
}

void add_rule(Suite& suite, const policy::RuleVerdict& rule, const std::string& pack_uri) {
  if (rule.subjects.empty())
    return add_subject(suite, rule, "no subject", rule.outcome, rule.reason, pack_uri);
  for (const policy::SubjectVerdict& subject : rule.subjects)
    add_subject(suite, rule, subject.resource, subject.status, subject.reason, pack_uri);
}

void add_refusal(Suite& suite, const app::GateResult& result) {
  std::string detail;
  for (const audit::Finding& finding : result.ledger.findings)
    if (finding.severity == audit::Severity::error)
      detail +=
          fmt::format("{}{}: {}", detail.empty() ? "" : " | ", finding.place, finding.message);
  suite.add("sigillo gate", "the ledger is sound", "", 0, Outcome::error, "refused",
            conclusion(result), detail);
}

std::string properties(const app::GateResult& result) {
  const core::Json identity = gate_identity(result);
  std::string out;
  for (const auto& [name, value] : identity.items())
    out += fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", markup(name),
                       markup(value.is_string() ? value.get<std::string>() : value.dump()));
  return out;
}

}  // namespace

std::string render_junit(const app::GateResult& result, const GateSource& source) {
  Suite suite;
  std::string name = "sigillo gate";
  if (!result.verdicts.has_value()) {
    add_refusal(suite, result);
  } else {
    name += fmt::format(" {} {}", result.verdicts->pack_name, result.verdicts->pack_version);
    for (const policy::RuleVerdict& rule : result.verdicts->rules)
      add_rule(suite, rule, source.pack_uri);
    if (result.exit == core::ExitCode::undecided && suite.errors == 0)
      suite.add("sigillo gate", "a mandatory rule was judged", "", 0, Outcome::error, "undecided",
                "the pack has no mandatory rule: nothing was checked", conclusion(result));
  }
  const std::string counts = fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\"", suite.tests,
                                         suite.failures, suite.errors);
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {0} time=\"0\">\n"
      "  <testsuite name=\"{1}\" {0} skipped=\"{2}\" time=\"0\">\n    <properties>\n{3}"
      "    </properties>\n{4}  </testsuite>\n</testsuites>\n",
      counts, markup(name), suite.skipped, properties(result), suite.cases);
}

}  // namespace sigillo::report
