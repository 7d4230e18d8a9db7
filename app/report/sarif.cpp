#include "app/report/sarif.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/report/plain_text.hpp"

namespace sigillo::report {
namespace {

using core::Json;
using policy::Status;

constexpr std::string_view kLedgerRule = "SIGILLO-LEDGER";
// A name in the project's own space, as for records; where a rule cites no address.
constexpr std::string_view kProject = "https://sigillo.dev/gate";

// SARIF's word for what is known: a result whose kind is not "fail" has the level "none".
std::string_view kind_of(Status status) {
  switch (status) {
    case Status::pass:
      return "pass";
    case Status::fail:
      return "fail";
    case Status::error:
    case Status::no_evidence:
      return "open";
    case Status::manual:
      return "review";
    case Status::not_applicable:
    case Status::not_yet_due:
      return "notApplicable";
    case Status::waived:
      return "fail";  // with a suppression
  }
  return "open";
}

std::string_view level_of(const policy::RuleVerdict& rule) {
  if (rule.enforcement == policy::Enforcement::advisory) return "note";
  return rule.severity >= policy::Severity::high     ? "error"
         : rule.severity >= policy::Severity::medium ? "warning"
                                                     : "note";
}

std::string_view security_severity(policy::Severity severity) {
  switch (severity) {
    case policy::Severity::critical:
      return "9.5";
    case policy::Severity::high:
      return "8.0";
    case policy::Severity::medium:
      return "5.5";
    case policy::Severity::low:
      return "3.0";
    case policy::Severity::info:
      return "0.0";
  }
  return "0.0";
}

bool needs_work(Status status) {
  return status == Status::fail || status == Status::error || status == Status::no_evidence ||
         status == Status::manual;
}

// A sentence: SARIF viewers join messages, and a validator asks for the full stop.
std::string sentence(std::string_view text) {
  std::string out = printable(text);
  if (out.empty() || (out.back() != '.' && out.back() != '!' && out.back() != '?')) out += '.';
  return out;
}

// A title as one PascalCase identifier. Validators want no digits and no word of one letter in it.
std::string pascal_case(std::string_view title) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  std::string name, word;
  const auto finish = [&] {
    if (word.size() > 1) name += static_cast<char>(word[0] - 32) + word.substr(1);
    word.clear();
  };
  for (const char c : title) {
    if (lower(c) >= 'a' && lower(c) <= 'z') word += lower(c);
    else finish();
  }
  finish();
  return name.empty() ? "Rule" : name.substr(0, 255);
}

// RFC 3986: what a path segment cannot hold is percent-encoded.
std::string uri(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Json location(const std::string& pack_uri, const std::string& file, int line) {
  const int at = std::max(line, 1);
  return Json{
      {"physicalLocation",
       {{"artifactLocation", {{"uri", uri(pack_uri + "/" + file)}, {"uriBaseId", "SRCROOT"}}},
        {"region", {{"startLine", at}, {"startColumn", 1}, {"endLine", at}, {"endColumn", 2}}}}}};
}

std::string fingerprint(std::string_view rule, std::string_view resource) {
  return core::sha256(fmt::format("{}\n{}", rule, resource)).hex().substr(0, 16) + ":1";
}

std::string citation(const policy::RuleVerdict& rule) {
  std::string text;
  for (const policy::Basis& basis : rule.basis)
    text += fmt::format("{}{}, {}", text.empty() ? "" : "; ", basis.law, basis.ref);
  return text.empty() ? "no basis is stated" : text;
}

std::string markdown(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (std::string_view("\\`*_{}[]<>()#+-!|&").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string_view help_uri(const policy::RuleVerdict& rule) {
  for (const policy::Basis& basis : rule.basis)
    if (basis.url.starts_with("https://")) return basis.url;
  return kProject;
}

Json descriptor(const policy::RuleVerdict& rule) {
  const std::string law = citation(rule);
  const std::string full = fmt::format("{} Basis: {}", sentence(rule.title), sentence(law));
  const std::string help = fmt::format("{} Binds: {} What to do: {}", full, sentence(rule.binds),
                                       sentence(rule.remediation));
  return Json{
      {"id", rule.id},
      {"name", pascal_case(rule.title)},
      {"shortDescription", {{"text", shortened(sentence(rule.title), 1024)}}},
      {"fullDescription", {{"text", shortened(full, 1024)}}},
      {"help",
       {{"text", help},
        {"markdown",
         fmt::format("**{}**\n\n*Basis:* {}\n\n*Binds:* {}\n\n*What to do:*\n\n```\n{}\n```\n",
                     markdown(rule.title), markdown(law), markdown(rule.binds),
                     printable(rule.remediation))}}},
      {"helpUri", help_uri(rule)},
      {"defaultConfiguration", {{"level", level_of(rule)}}},
      {"properties",
       {{"tags",
         {"compliance", std::string(to_string(rule.enforcement)),
          std::string(to_string(rule.level))}},
        {"precision", "very-high"},
        {"problem.severity", level_of(rule) == "error"     ? "error"
                             : level_of(rule) == "warning" ? "warning"
                                                           : "recommendation"},
        {"security-severity", security_severity(rule.severity)},
        {"applies_from", rule.applies_from},
        {"footprint", rule.footprint}}}};
}

Json ledger_descriptor() {
  return Json{
      {"id", kLedgerRule},
      {"name", "LedgerIsSound"},
      {"shortDescription", {{"text", "What is stored is what was sealed."}}},
      {"fullDescription",
       {{"text",
         "The gate recomputes the ledger before it judges, and refuses if what is stored is "
         "not what was sealed."}}},
      {"help",
       {{"text",
         "Run `sigillo log fsck`: it names each entry and blob that is damaged. Restore "
         "them from a copy."},
        {"markdown",
         "Run `sigillo log fsck`: it names each entry and blob that is damaged. Restore "
         "them from a copy."}}},
      {"helpUri", kProject},
      {"defaultConfiguration", {{"level", "error"}}},
      {"properties",
       {{"tags", {"compliance", "mandatory"}},
        {"precision", "very-high"},
        {"problem.severity", "error"},
        {"security-severity", "9.5"}}}};
}

struct Weighted {
  int weight;
  Json result;
};

int weight_of(Status status, const policy::RuleVerdict& rule) {
  const int advisory = rule.enforcement == policy::Enforcement::advisory ? 0 : 100;
  const int work = needs_work(status) ? 1000 : 0;
  return work + advisory + static_cast<int>(rule.severity);
}

Json subject_result(const policy::RuleVerdict& rule, std::size_t rule_index,
                    const std::string& resource, Status status, const std::string& reason,
                    std::optional<std::int64_t> entry, const SarifOptions& options) {
  Json place = location(options.source.pack_uri, rule.file, rule.line);
  place["logicalLocations"] =
      Json::array({{{"name", printable(resource)},
                    {"fullyQualifiedName", rule.id + "/" + printable(resource)},
                    {"kind", "resource"}}});
  const std::string_view kind = kind_of(status);
  Json result = {{"ruleId", rule.id},
                 {"ruleIndex", rule_index},
                 {"kind", kind},
                 {"level", kind == "fail" ? level_of(rule) : "none"},
                 {"message",
                  {{"text", fmt::format("'{}' is '{}': {}", printable(resource), to_string(status),
                                        sentence(reason))}}},
                 {"locations", Json::array({place})},
                 {"partialFingerprints",
                  {{"primaryLocationLineHash", fingerprint(rule.id, resource)},
                   {"ledgerResource/v1", core::sha256(rule.id + "\n" + resource).hex()}}},
                 {"properties",
                  {{"status", to_string(status)}, {"enforcement", to_string(rule.enforcement)}}}};
  if (entry.has_value()) result["properties"]["ledger_entry"] = *entry;
  if (status == Status::waived)
    result["suppressions"] = Json::array(
        {{{"kind", "external"}, {"status", "accepted"}, {"justification", sentence(reason)}}});
  return result;
}

Json notification(std::string_view level, const std::string& text) {
  return Json{{"level", level}, {"message", {{"text", sentence(text)}}}};
}

struct Content {
  Json rules = Json::array(), results = Json::array(), notifications = Json::array();
};

Content judged(const policy::Verdicts& verdicts, const SarifOptions& options) {
  Content content;
  std::vector<Weighted> results;
  for (std::size_t index = 0; index < verdicts.rules.size(); ++index) {
    const policy::RuleVerdict& rule = verdicts.rules[index];
    content.rules.push_back(descriptor(rule));
    if (rule.outcome == Status::error)
      content.notifications.push_back(notification(
          "error", fmt::format("rule '{}' is broken: {}", rule.id,
                               rule.reason.empty() ? "see its results" : rule.reason)));
    const auto add = [&](const std::string& resource, Status status, const std::string& reason,
                         std::optional<std::int64_t> entry) {
      if (options.all || needs_work(status))
        results.push_back({weight_of(status, rule),
                           subject_result(rule, index, resource, status, reason, entry, options)});
    };
    if (rule.subjects.empty()) add("no subject", rule.outcome, rule.reason, std::nullopt);
    for (const policy::SubjectVerdict& s : rule.subjects)
      add(s.resource, s.status, s.reason, s.evidence);
  }
  std::stable_sort(results.begin(), results.end(),
                   [](const Weighted& a, const Weighted& b) { return a.weight > b.weight; });
  if (results.size() > kMaxSarifResults) {
    content.notifications.push_back(notification(
        "warning",
        fmt::format("{} results are left out: the {} gravest of {} are here",
                    results.size() - kMaxSarifResults, kMaxSarifResults, results.size())));
    results.resize(kMaxSarifResults);
  }
  for (Weighted& result : results) content.results.push_back(std::move(result.result));
  return content;
}

Content refused(const audit::FsckReport& ledger, const SarifOptions& options) {
  Content content;
  content.rules.push_back(ledger_descriptor());
  std::size_t errors = 0;
  std::string first;
  for (const audit::Finding& finding : ledger.findings) {
    if (finding.severity != audit::Severity::error) continue;
    const std::string text = fmt::format("{}: {}", finding.place, finding.message);
    if (errors++ == 0) first = text;
    if (content.notifications.size() < kMaxSarifResults)
      content.notifications.push_back(notification("error", text));
  }
  content.results.push_back(Json{
      {"ruleId", kLedgerRule},
      {"ruleIndex", 0},
      {"kind", "fail"},
      {"level", "error"},
      {"message",
       {{"text", fmt::format("The gate refuses to judge: {}",
                             sentence(errors > 1 ? fmt::format("{}; and {} more", first, errors - 1)
                                                 : first))}}},
      {"locations", Json::array({location(options.source.pack_uri, "pack.yaml", 1)})},
      {"partialFingerprints", {{"primaryLocationLineHash", fingerprint(kLedgerRule, "ledger")}}},
      {"properties", {{"status", "refused"}}}});
  return content;
}

}  // namespace

std::string render_sarif(const app::GateResult& result, const SarifOptions& options) {
  Content content = result.verdicts.has_value() ? judged(*result.verdicts, options)
                                                : refused(result.ledger, options);
  const std::string pack =
      result.verdicts.has_value() ? result.verdicts->pack_name : options.source.pack_uri;
  Json invocation = {{"executionSuccessful", result.exit != core::ExitCode::undecided},
                     {"exitCode", static_cast<int>(result.exit)},
                     {"exitCodeDescription", conclusion(result)},
                     {"toolExecutionNotifications", std::move(content.notifications)}};
  Json run = {{"tool",
               {{"driver",
                 {{"name", "Sigillo"},
                  {"fullName", fmt::format("Sigillo {} gate", SIGILLO_VERSION)},
                  {"organization", "Sigillo"},
                  {"semanticVersion", SIGILLO_VERSION},
                  {"version", SIGILLO_VERSION},
                  {"informationUri", kProject},
                  {"rules", std::move(content.rules)}}}}},
              {"automationDetails", {{"id", fmt::format("compliance/{}/", pack)}}},
              {"invocations", Json::array({std::move(invocation)})},
              {"originalUriBaseIds",
               {{"SRCROOT", {{"description", {{"text", "The root of the repository."}}}}}}},
              {"columnKind", "utf16CodeUnits"},
              {"properties", gate_identity(result)},
              {"results", std::move(content.results)}};
  const Json log = {{"$schema",
                     "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
                     "sarif-schema-2.1.0.json"},
                    {"version", "2.1.0"},
                    {"runs", Json::array({std::move(run)})}};
  return log.dump(1, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace sigillo::report
