#include "policies/engine/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sigillo/policy/engine.hpp"

namespace sigillo::policy {
namespace {

using core::Error;
using core::ErrorCode;

Error broken(std::string message) {
  return Error{ErrorCode::rule_error, std::move(message), "correct the rule"};
}

// A resource is a text, or an integer in decimal.
core::Result<std::string> resource_of(const core::Cell& cell, std::string_view what) {
  if (const auto* text = std::get_if<std::string>(&cell); text != nullptr && !text->empty())
    return *text;
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return std::to_string(*integer);
  return broken(fmt::format("{} is NULL or empty", what));
}

core::Result<std::vector<std::string>> list_subjects(const Rule& rule, Sandbox& sandbox,
                                                     const std::map<std::string, Param>& params,
                                                     std::set<std::string>& footprint) {
  auto table = sandbox.query(rule.subjects, params, &footprint);
  if (!table) return std::move(table).error().in("subjects");
  if (table->columns != std::vector<std::string>{"id"})
    return broken("subjects must give exactly the column id");
  std::set<std::string> ids;
  for (const core::Row& row : table->rows) {
    SIGILLO_TRY(std::string id, resource_of(row[0], "a subject's id"));
    if (!ids.insert(id).second) return broken(fmt::format("subjects names \"{}\" twice", id));
  }
  return std::vector<std::string>(ids.begin(), ids.end());
}

struct Columns {
  std::size_t resource = 0, status = 0, reason = 0;
  std::optional<std::size_t> evidence;
};

core::Result<Columns> columns_of(const Table& table) {
  Columns columns;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const std::string& name = table.columns[i];
    if (!seen.insert(name).second)
      return broken(fmt::format("the query gives the column {} twice", name));
    if (name == "resource") {
      columns.resource = i;
    } else if (name == "status") {
      columns.status = i;
    } else if (name == "reason") {
      columns.reason = i;
    } else if (name == "evidence") {
      columns.evidence = i;
    } else {
      return broken(fmt::format(
          "the query gives the column {}, which is none of resource, status, reason, evidence",
          name));
    }
  }
  if (seen.size() < 3 || (seen.size() == 3 && columns.evidence)) {
    return broken("the query must give resource, status and reason");
  }
  return columns;
}

SubjectVerdict error_verdict(std::string resource, std::string reason) {
  return {std::move(resource), Status::error, std::move(reason), std::nullopt};
}

SubjectVerdict read_row(const core::Row& row, const Columns& columns, const std::string& resource) {
  const auto* status = std::get_if<std::string>(&row[columns.status]);
  if (status == nullptr)
    return error_verdict(resource, "the rule gave no status (NULL), which is not a pass");
  const auto known = status_from_string(*status);
  if (!known || *known == Status::waived) {
    return error_verdict(
        resource,
        fmt::format("the rule gave the status \"{}\", which a rule may not give", *status));
  }
  const auto* reason = std::get_if<std::string>(&row[columns.reason]);
  if (reason == nullptr || reason->empty()) {
    return error_verdict(resource, fmt::format("the rule gave {} without a reason", *status));
  }
  SubjectVerdict verdict{resource, *known, *reason, std::nullopt};
  if (columns.evidence) {
    const core::Cell& entry = row[*columns.evidence];
    if (std::holds_alternative<std::string>(entry)) {
      return error_verdict(resource, "the rule gave an evidence entry that is not an integer");
    }
    if (const auto* integer = std::get_if<std::int64_t>(&entry)) verdict.evidence = *integer;
  }
  return verdict;
}

// Every subject gets its row. A row for something else means that the rule and its denominator
// disagree: all is in doubt.
core::Result<std::vector<SubjectVerdict>> answer(const std::vector<std::string>& subjects,
                                                 const Table& table) {
  SIGILLO_TRY(const Columns columns, columns_of(table));
  std::map<std::string, std::vector<const core::Row*>> rows;
  for (const std::string& id : subjects) rows[id];
  for (const core::Row& row : table.rows) {
    SIGILLO_TRY(const std::string resource, resource_of(row[columns.resource], "a resource"));
    const auto found = rows.find(resource);
    if (found == rows.end())
      return broken(fmt::format("the rule answered for \"{}\", which is not a subject", resource));
    found->second.push_back(&row);
  }
  std::vector<SubjectVerdict> verdicts;
  for (const auto& [id, list] : rows) {
    if (list.empty()) {
      verdicts.push_back(error_verdict(id, "the rule gave no row for this subject"));
    } else if (list.size() > 1) {
      verdicts.push_back(
          error_verdict(id, fmt::format("the rule gave {} rows for this subject", list.size())));
    } else {
      verdicts.push_back(read_row(*list.front(), columns, id));
    }
  }
  return verdicts;
}

std::vector<SubjectVerdict> same_for_all(const std::vector<std::string>& subjects, Status status,
                                         const std::string& reason) {
  std::vector<SubjectVerdict> verdicts;
  for (const std::string& id : subjects) verdicts.push_back({id, status, reason, std::nullopt});
  return verdicts;
}

// The digest of the evidence in sorted order; `audit` hands it over sorted, so the copy is rarely
// made.
core::Digest sorted_digest(const core::Evidence& evidence) {
  const auto in_order = [](const auto& view) {
    return std::is_sorted(view.second.begin(), view.second.end());
  };
  if (std::all_of(evidence.rows.begin(), evidence.rows.end(), in_order))
    return core::evidence_digest(evidence);
  core::Evidence sorted = evidence;
  sorted.sort();
  return core::evidence_digest(sorted);
}

RuleVerdict header_of(const Rule& rule) {
  RuleVerdict verdict;
  verdict.id = rule.id;
  verdict.title = rule.title;
  verdict.severity = rule.severity;
  verdict.enforcement = rule.enforcement;
  verdict.level = rule.level;
  verdict.confidence = rule.confidence;
  verdict.basis = rule.basis;
  verdict.binds = rule.binds;
  verdict.applies_from = rule.applies_from;
  verdict.remediation = rule.remediation;
  verdict.file = rule.file;
  verdict.line = rule.line;
  return verdict;
}

}  // namespace

std::map<std::string, Param> parameters_of(const Rule& rule, const std::string& as_of) {
  std::map<std::string, Param> params = rule.params;
  params["as_of"] = as_of;
  return params;
}

RuleVerdict judge_rule(const Rule& rule, Sandbox& sandbox, const std::string& as_of) {
  RuleVerdict verdict = header_of(rule);
  const auto params = parameters_of(rule, as_of);
  std::set<std::string> footprint;
  const auto subjects = list_subjects(rule, sandbox, params, footprint);
  // The query is compiled in any case, so that a broken rule shows before its duty starts.
  const auto compiled = sandbox.check(rule.query, params, &footprint);
  verdict.footprint.assign(footprint.begin(), footprint.end());
  if (!subjects) {
    verdict.outcome = Status::error;
    verdict.reason = subjects.error().message;
  } else if (!compiled) {
    verdict.outcome = Status::error;
    verdict.reason = compiled.error().message;
    verdict.subjects = same_for_all(*subjects, Status::error, verdict.reason);
  } else if (subjects->empty()) {
    verdict.outcome = rule.on_empty;
    verdict.reason = "the evidence holds no subject of this rule";
  } else if (rule.applies_from > as_of) {
    verdict.reason = "applies from " + rule.applies_from;
    verdict.subjects = same_for_all(*subjects, Status::not_yet_due, verdict.reason);
  } else if (static_cast<std::int64_t>(subjects->size()) < rule.min_subjects) {
    verdict.reason =
        fmt::format("{} subjects, the rule needs at least {}", subjects->size(), rule.min_subjects);
    verdict.subjects = same_for_all(*subjects, Status::no_evidence, verdict.reason);
  } else {
    const auto table = sandbox.query(rule.query, params);
    auto answered = table ? answer(*subjects, *table)
                          : core::Result<std::vector<SubjectVerdict>>(table.error());
    if (answered) {
      verdict.subjects = std::move(*answered);
    } else {
      verdict.reason = answered.error().message;
      verdict.subjects = same_for_all(*subjects, Status::error, verdict.reason);
    }
  }
  return verdict;
}

core::Result<Verdicts> evaluate(const Pack& pack, const core::Evidence& evidence,
                                const EvaluateOptions& options) {
  Verdicts verdicts;
  verdicts.tool_version = options.tool_version;
  verdicts.pack_name = pack.name;
  verdicts.pack_version = pack.version;
  verdicts.pack_title = pack.title;
  verdicts.pack_digest = pack.digest;
  verdicts.sources = pack.sources;
  verdicts.as_of = core::to_date(options.as_of);
  verdicts.origin = evidence.origin;
  verdicts.root = evidence.root;
  verdicts.size = evidence.size;
  verdicts.scope_release = options.scope_release.value_or("");
  SIGILLO_TRY(const core::Timestamp midnight, core::timestamp_from_date(verdicts.as_of));
  SIGILLO_TRY(const std::unique_ptr<Sandbox> sandbox,
              Sandbox::create(evidence, midnight, options.scope_release));
  verdicts.evidence_digest = sorted_digest(evidence).hex();
  for (const Rule& rule : pack.rules)
    verdicts.rules.push_back(judge_rule(rule, *sandbox, verdicts.as_of));
  summarise(verdicts);
  return verdicts;
}

core::Result<std::vector<std::string>> footprint(const Rule& rule) {
  const core::Timestamp epoch{};
  SIGILLO_TRY(const std::unique_ptr<Sandbox> sandbox, Sandbox::create({}, epoch, std::nullopt));
  std::set<std::string> columns;
  const auto params = parameters_of(rule, core::to_date(epoch));
  SIGILLO_TRY_VOID(sandbox->check(rule.subjects, params, &columns));
  SIGILLO_TRY_VOID(sandbox->check(rule.query, params, &columns));
  return std::vector<std::string>(columns.begin(), columns.end());
}

}  // namespace sigillo::policy
