#include "sigillo/policy/verdict.hpp"

#include <nlohmann/json.hpp>
#include <numeric>

namespace sigillo::policy {
namespace {

using core::Json;

constexpr std::array kAllStatuses = {
#define SIGILLO_X(name) Status::name,
    SIGILLO_POLICY_STATUSES(SIGILLO_X)
#undef SIGILLO_X
};
static_assert(kAllStatuses.size() == kStatusCount);

int badness(Status status) {
  switch (status) {
    case Status::error:
      return 7;
    case Status::no_evidence:
      return 6;
    case Status::manual:
      return 5;
    case Status::fail:
      return 4;
    case Status::waived:
      return 3;
    case Status::not_yet_due:
      return 2;
    case Status::pass:
      return 1;
    case Status::not_applicable:
      return 0;
  }
  SIGILLO_CHECK(false);
  return 7;
}

Json counts_json(const Counts& counts) {
  Json object = Json::object();
  for (const Status status : kAllStatuses) object[std::string(to_string(status))] = counts[status];
  return object;
}

Json basis_json(const std::vector<Basis>& basis) {
  Json list = Json::array();
  for (const Basis& one : basis)
    list.push_back({{"law", one.law}, {"ref", one.ref}, {"url", one.url}});
  return list;
}

Json subject_json(const SubjectVerdict& subject) {
  Json object = {{"resource", subject.resource},
                 {"status", to_string(subject.status)},
                 {"reason", subject.reason}};
  if (subject.evidence) object["evidence"] = *subject.evidence;
  return object;
}

Json rule_json(const RuleVerdict& rule) {
  Json subjects = Json::array();
  for (const SubjectVerdict& subject : rule.subjects) subjects.push_back(subject_json(subject));
  return {{"id", rule.id},
          {"title", rule.title},
          {"severity", to_string(rule.severity)},
          {"enforcement", to_string(rule.enforcement)},
          {"level", to_string(rule.level)},
          {"confidence", rule.confidence},
          {"basis", basis_json(rule.basis)},
          {"binds", rule.binds},
          {"applies_from", rule.applies_from},
          {"remediation", rule.remediation},
          {"file", rule.file},
          {"line", rule.line},
          {"outcome", to_string(rule.outcome)},
          {"reason", rule.reason},
          {"counts", counts_json(rule.counts)},
          {"subject_count", rule.subjects.size()},
          {"subjects", std::move(subjects)},
          {"footprint", rule.footprint}};
}

Json pack_json(const Verdicts& verdicts) {
  Json sources = Json::array();
  for (const Source& source : verdicts.sources) {
    sources.push_back({{"title", source.title}, {"url", source.url}, {"state", source.state}});
  }
  return {{"name", verdicts.pack_name},
          {"version", verdicts.pack_version},
          {"title", verdicts.pack_title},
          {"digest", verdicts.pack_digest},
          {"sources", std::move(sources)}};
}

}  // namespace

std::int64_t Counts::total() const {
  return std::accumulate(by_status.begin(), by_status.end(), std::int64_t{0});
}

Status worse(Status a, Status b) { return badness(a) >= badness(b) ? a : b; }

void summarise(Verdicts& verdicts) {
  verdicts.counts = {};
  verdicts.outcomes = {};
  for (RuleVerdict& rule : verdicts.rules) {
    rule.counts = {};
    if (!rule.subjects.empty()) rule.outcome = rule.subjects.front().status;
    for (const SubjectVerdict& subject : rule.subjects) {
      ++rule.counts[subject.status];
      rule.outcome = worse(rule.outcome, subject.status);
    }
    SIGILLO_CHECK(rule.counts.total() == static_cast<std::int64_t>(rule.subjects.size()));
    for (const Status status : kAllStatuses) verdicts.counts[status] += rule.counts[status];
    ++verdicts.outcomes[rule.outcome];
  }
}

core::ExitCode gate_exit(const Verdicts& verdicts) {
  bool checked = false, undecided = false, failed = false;
  for (const RuleVerdict& rule : verdicts.rules) {
    if (rule.enforcement == Enforcement::advisory) continue;
    checked = true;
    undecided |= rule.outcome == Status::error || rule.outcome == Status::no_evidence ||
                 rule.outcome == Status::manual;
    failed |= rule.outcome == Status::fail;
  }
  if (undecided || !checked) return core::ExitCode::undecided;
  return failed ? core::ExitCode::not_verified : core::ExitCode::done;
}

Json to_json(const Verdicts& verdicts) {
  Json rules = Json::array();
  for (const RuleVerdict& rule : verdicts.rules) rules.push_back(rule_json(rule));
  Json scope = {{"kind", verdicts.scope_release.empty() ? "all" : "release"}};
  if (!verdicts.scope_release.empty()) scope["release"] = verdicts.scope_release;
  return {
      {"schema", "sigillo.verdicts/v1"},
      {"tool_version", verdicts.tool_version},
      {"pack", pack_json(verdicts)},
      {"as_of", verdicts.as_of},
      {"checkpoint",
       {{"origin", verdicts.origin}, {"size", verdicts.size}, {"root", verdicts.root}}},
      {"evidence_digest", verdicts.evidence_digest},
      {"scope", std::move(scope)},
      {"rules", std::move(rules)},
      {"summary",
       {{"rules", verdicts.rules.size()},
        {"rules_by_outcome", counts_json(verdicts.outcomes)},
        {"subjects", verdicts.counts.total()},
        {"subjects_by_status", counts_json(verdicts.counts)}}},
      {"exit_code", static_cast<int>(gate_exit(verdicts))},
      {"notes", Json::array({"A verdict is evidence for a duty, never a statement of conformity.",
                             "The as-of date moves the law's clock, not the evidence."})}};
}

}  // namespace sigillo::policy
