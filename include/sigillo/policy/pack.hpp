// Packs: rules as data. A pack is a folder with pack.yaml and rules/*.yaml, one rule a file;
// docs/formats/rule.md is the grammar. Values only: a loaded pack owns everything that it holds and
// may be read by many threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sigillo/core/clock.hpp"
#include "sigillo/core/evidence.hpp"

namespace sigillo::policy {

// The word for one subject under one rule. Silence is never `pass`.
//   pass            the evidence meets the rule
//   fail            the evidence contradicts the rule
//   error           the rule itself is broken: no row, two rows, an unknown status, a failed query
//   no_evidence     what the rule needs is not recorded
//   not_applicable  the rule does not bind this subject, for the reason given
//   not_yet_due     the duty starts, or the deadline ends, after the as-of date
//   manual          a person has to judge; the reason names the point
//   waived          a waiver file sets the subject aside (never a rule)
#define SIGILLO_POLICY_STATUSES(X) \
  X(pass)                          \
  X(fail)                          \
  X(error)                         \
  X(no_evidence)                   \
  X(not_applicable)                \
  X(not_yet_due)                   \
  X(manual)                        \
  X(waived)

enum class Status {
#define SIGILLO_X(name) name,
  SIGILLO_POLICY_STATUSES(SIGILLO_X)
#undef SIGILLO_X
};
inline constexpr std::size_t kStatusCount = 8;

[[nodiscard]] std::string_view to_string(Status status);
// status_from_string knows the eight words exactly; anything else is invalid_input.
[[nodiscard]] core::Result<Status> status_from_string(std::string_view text);

enum class Severity { info, low, medium, high, critical };
enum class Enforcement { mandatory, advisory };   // advisory never changes the exit code
enum class Level { will, encouraged, may, law };  // the Code of Practice's verbs; law for a statute
[[nodiscard]] std::string_view to_string(Severity severity);
[[nodiscard]] std::string_view to_string(Enforcement enforcement);
[[nodiscard]] std::string_view to_string(Level level);

struct Basis {
  std::string law, ref, url;  // "Regulation (EU) 2024/1689", "Article 50(2)", where to read it
};

// Transition: a later due date for subjects placed before a date. The query reads it as the
// parameters :NAME_placed_before, :NAME_due and :NAME_ref.
struct Transition {
  std::string name, placed_before, due, ref;
};

// Param: bound as :name. There is no floating point: large thresholds are integers in a stated
// unit.
using Param = std::variant<std::int64_t, std::string>;

// Expectation: one subject of a test case. `reason`, if not empty, must occur in the subject's
// reason.
struct Expectation {
  std::string resource;
  Status status = Status::error;
  std::string reason;
};

// The five kinds of case that each rule needs; `other` is for more.
enum class CaseKind { pass, fail, empty, boundary, null, other };
[[nodiscard]] std::string_view to_string(CaseKind kind);

struct Case {
  std::string name;
  CaseKind kind = CaseKind::other;
  core::Timestamp as_of;
  std::string scope_release;  // empty: all evidence
  core::Evidence given;
  std::vector<Expectation> expect;  // exactly these subjects
  std::string outcome;              // the rule's outcome, if the case states it
  int line = 0;
};

struct Rule {
  std::string id, title;
  Severity severity = Severity::high;
  Enforcement enforcement = Enforcement::mandatory;
  Level level = Level::law;
  std::string confidence;  // A to D: how the law's text was read
  std::vector<Basis> basis;
  std::string binds;         // whom the duty binds
  std::string applies_from;  // "2026-08-02"
  std::vector<Transition> transitions;
  std::string subjects;  // SQL with the column `id`: the denominator
  Status on_empty = Status::no_evidence;
  std::int64_t min_subjects = 0;
  std::map<std::string, Param> params;
  std::string remediation;
  std::string query;  // SQL with the columns resource, status, reason and perhaps evidence
  std::vector<Case> cases;
  std::string file;  // relative to the pack, "rules/EU50-2m.yaml"
  int line = 0;      // of the member `id`
  int query_line = 0;
};

struct Source {
  std::string title, url, state;  // state: the date to which the text was read, "2026-11-23"
};

struct PackFile {
  std::string path;    // relative, with "/"
  std::string sha256;  // hex
};

struct Pack {
  std::string name, version, title, documentation;
  std::vector<Source> sources;
  std::vector<Rule> rules;      // sorted by id
  std::vector<PackFile> files;  // sorted by path
  std::string digest;           // hex SHA-256 of the canonical JSON of `files`
};

// Limits, tested at and past each.
inline constexpr std::size_t kMaxRuleBytes = std::size_t{256} << 10;
inline constexpr std::size_t kMaxPackFiles = 500;
inline constexpr std::size_t kMaxYamlDepth = 16;
inline constexpr std::size_t kMaxYamlNodes = 50000;
inline constexpr std::int64_t kMaxCaseRepeat = 10000;

// load_pack reads a pack's folder strictly. Unknown, missing and duplicate keys, wrong types,
// impossible dates, anchors, aliases and tags are invalid_input with "file:line"; a file past its
// limit is input_too_large; a folder without pack.yaml is not_found; a file that is neither
// pack.yaml nor rules/*.yaml is invalid_input, since the digest would not cover it.
[[nodiscard]] core::Result<Pack> load_pack(const std::filesystem::path& folder);

// parse_rule reads one rule file's text; `file` names it in errors. The same strictness.
[[nodiscard]] core::Result<Rule> parse_rule(std::string_view text, std::string_view file);

}  // namespace sigillo::policy
