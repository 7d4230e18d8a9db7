// Verdicts: what a pack says about evidence. docs/formats/verdict.md is the form. Values; pure
// functions; thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sigillo/core/json.hpp"
#include "sigillo/policy/pack.hpp"

namespace sigillo::policy {

// Counts by status, in the order of Status.
struct Counts {
  std::array<std::int64_t, kStatusCount> by_status{};
  [[nodiscard]] std::int64_t& operator[](Status s) {
    return by_status[static_cast<std::size_t>(s)];
  }
  [[nodiscard]] std::int64_t operator[](Status s) const {
    return by_status[static_cast<std::size_t>(s)];
  }
  [[nodiscard]] std::int64_t total() const;
};

struct SubjectVerdict {
  std::string resource;
  Status status = Status::error;
  std::string reason;
  std::optional<std::int64_t> evidence;  // ledger entry
};

struct RuleVerdict {
  std::string id, title;
  Severity severity = Severity::high;
  Enforcement enforcement = Enforcement::mandatory;
  Level level = Level::law;
  std::string confidence;
  std::vector<Basis> basis;
  std::string binds, applies_from, remediation;
  std::string file;
  int line = 0;
  std::vector<SubjectVerdict> subjects;  // sorted by resource
  std::vector<std::string>
      footprint;  // "ev1_outputs.result": columns that the rule may read, sorted
  // The worst of the subjects, or what the rule says when it has none; `reason` explains the
  // latter.
  Status outcome = Status::error;
  std::string reason;
  Counts counts;
};

struct Verdicts {
  std::string tool_version;
  std::string pack_name, pack_version, pack_title, pack_digest;
  std::vector<Source> sources;
  std::string as_of;  // date
  std::string origin, root;
  std::int64_t size = 0;
  std::string evidence_digest;
  std::string scope_release;  // empty: all evidence
  std::vector<RuleVerdict> rules;
  Counts counts;    // subjects of all rules
  Counts outcomes;  // rules by outcome
};

// worse orders statuses for an outcome, worst first: error, no_evidence, manual, fail, waived,
// not_yet_due, pass, not_applicable. Undecided outranks failed, since its denominator is unknown.
[[nodiscard]] Status worse(Status a, Status b);

// summarise recomputes counts and outcomes from the subjects. A caller that waives subjects calls
// it afterwards. A rule without subjects keeps its outcome.
void summarise(Verdicts& verdicts);

// gate_exit: undecided if a mandatory rule's outcome is error, no_evidence or manual; else
// not_verified if one is fail; else done. Advisory rules have no say. A verdict without a mandatory
// rule is undecided: nothing was checked.
[[nodiscard]] core::ExitCode gate_exit(const Verdicts& verdicts);

// to_json gives strings and integers only, in a form that canonical_json accepts.
[[nodiscard]] core::Json to_json(const Verdicts& verdicts);

}  // namespace sigillo::policy
