#include "sigillo/policy/pack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "policies/engine/yaml.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::policy {
namespace {

using core::Error;
using core::ErrorCode;
using yaml::Kind;
using yaml::Node;
using yaml::Reader;

bool is_name(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), letter);
}

bool is_parameter_name(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && text.size() <= 64 && text[0] >= 'a' && text[0] <= 'z' &&
         std::all_of(text.begin(), text.end(), letter);
}

// One of an enumeration's words; the last value bounds the search.
template <class Enum>
core::Result<Enum> word(Reader& reader, std::string_view key, Enum last, std::string_view wanted) {
  SIGILLO_TRY(const Node* node, reader.need(key));
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (node->kind == Kind::scalar && node->text == to_string(static_cast<Enum>(i)))
      return static_cast<Enum>(i);
  }
  return reader.wrong(*node, key, wanted);
}

core::Result<const Node*> list(Reader& reader, std::string_view key, bool may_be_empty) {
  SIGILLO_TRY(const Node* node, reader.need(key));
  if (node->kind != Kind::list || (node->items.empty() && !may_be_empty)) {
    return reader.wrong(*node, key, may_be_empty ? "a list" : "a list that is not empty");
  }
  return node;
}

core::Result<Basis> read_basis(const Node& node, std::string_view file) {
  SIGILLO_TRY(Reader reader, Reader::of(node, file, "basis"));
  Basis basis;
  SIGILLO_TRY(basis.law, reader.text("law"));
  SIGILLO_TRY(basis.ref, reader.text("ref"));
  SIGILLO_TRY(basis.url, reader.text("url"));
  SIGILLO_TRY_VOID(reader.finish());
  return basis;
}

core::Result<Transition> read_transition(const Node& node, std::string_view file) {
  SIGILLO_TRY(Reader reader, Reader::of(node, file, "transition"));
  Transition transition;
  SIGILLO_TRY(transition.name, reader.text("name"));
  if (!is_parameter_name(transition.name))
    return yaml::error_at(file, node.line, "transition: name must be [a-z][a-z0-9_]*");
  SIGILLO_TRY(transition.placed_before, reader.date("placed_before"));
  SIGILLO_TRY(transition.due, reader.date("due"));
  SIGILLO_TRY(transition.ref, reader.text("ref"));
  SIGILLO_TRY_VOID(reader.finish());
  return transition;
}

core::Result<std::map<std::string, Param>> read_params(const Node& node, std::string_view file) {
  std::map<std::string, Param> params;
  if (node.kind != Kind::map)
    return yaml::error_at(file, node.line, "params must be a map (write {} for none)");
  for (const auto& [name, value] : node.members) {
    if (!is_parameter_name(name) || name == "as_of") {
      return yaml::error_at(
          file, value.line,
          fmt::format("params: \"{}\" must be [a-z][a-z0-9_]* and not as_of", name));
    }
    std::int64_t integer = 0;
    if (yaml::integer_of(value, integer)) {
      params[name] = integer;
    } else if (value.kind == Kind::scalar && value.quoted) {
      params[name] = value.text;
    } else {
      return yaml::error_at(
          file, value.line, fmt::format("params: \"{}\" must be an integer or a quoted text", name),
          "there is no floating point: give a large threshold in units, such as 10^12 FLOP");
    }
  }
  return params;
}

// "{n}" in a repeated fixture row becomes the row's number, from 1.
std::string numbered(std::string text, std::int64_t n) {
  for (std::size_t at = text.find("{n}"); at != std::string::npos; at = text.find("{n}", at)) {
    text.replace(at, 3, std::to_string(n));
  }
  return text;
}

core::Result<core::Cell> read_cell(const Node& value, const core::ColumnSchema& column,
                                   std::string_view file) {
  if (value.kind == Kind::null) return core::Cell{};
  if (column.type == core::ColumnType::integer) {
    std::int64_t integer = 0;
    if (!yaml::integer_of(value, integer)) {
      return yaml::error_at(file, value.line,
                            fmt::format("given: \"{}\" must be an integer or null", column.name));
    }
    return core::Cell{integer};
  }
  if (value.kind != Kind::scalar) {
    return yaml::error_at(file, value.line,
                          fmt::format("given: \"{}\" must be a text or null", column.name));
  }
  return core::Cell{value.text};
}

core::Status read_fixture_row(const Node& node, const core::ViewSchema& view, std::string_view file,
                              core::Evidence& evidence) {
  if (node.kind != Kind::map) return yaml::error_at(file, node.line, "given: a row must be a map");
  core::Row row(view.columns.size());
  std::int64_t repeat = 1;
  for (const auto& [name, value] : node.members) {
    if (name == "repeat") {
      if (!yaml::integer_of(value, repeat) || repeat < 1 || repeat > kMaxCaseRepeat) {
        return yaml::error_at(
            file, value.line,
            fmt::format("given: repeat must be an integer from 1 to {}", kMaxCaseRepeat));
      }
      continue;
    }
    const auto column =
        std::find_if(view.columns.begin(), view.columns.end(),
                     [&, &wanted = name](const auto& c) { return c.name == wanted; });
    if (column == view.columns.end()) {
      return yaml::error_at(file, value.line,
                            fmt::format("given: view {} has no column \"{}\"", view.name, name),
                            "`sigillo policy facts` lists views and columns");
    }
    SIGILLO_TRY(row[static_cast<std::size_t>(column - view.columns.begin())],
                read_cell(value, *column, file));
  }
  for (std::int64_t n = 1; n <= repeat; ++n) {
    core::Row copy = row;
    for (core::Cell& cell : copy) {
      if (auto* text = std::get_if<std::string>(&cell)) *text = numbered(std::move(*text), n);
    }
    evidence.add(view.name, std::move(copy));
  }
  return {};
}

core::Result<core::Evidence> read_given(const Node& node, std::string_view file) {
  core::Evidence evidence;
  evidence.origin = "case";
  if (node.kind != Kind::map)
    return yaml::error_at(file, node.line, "given must be a map (write {} for no evidence)");
  for (const auto& [name, rows] : node.members) {
    const core::ViewSchema* view = core::find_view(name);
    if (view == nullptr) {
      return yaml::error_at(file, rows.line, fmt::format("given: unknown view \"{}\"", name),
                            "`sigillo policy facts` lists the views");
    }
    if (rows.kind != Kind::list)
      return yaml::error_at(file, rows.line, fmt::format("given: {} must be a list", name));
    for (const Node& row : rows.items)
      SIGILLO_TRY_VOID(read_fixture_row(row, *view, file, evidence));
  }
  return evidence;
}

core::Result<Expectation> read_expectation(const Node& node, std::string_view file) {
  SIGILLO_TRY(Reader reader, Reader::of(node, file, "expect"));
  Expectation expectation;
  SIGILLO_TRY(expectation.resource, reader.text("resource"));
  SIGILLO_TRY(expectation.status, word(reader, "status", Status::waived, "a status"));
  if (reader.find("reason") != nullptr) {
    SIGILLO_TRY(expectation.reason, reader.text("reason"));
  }
  SIGILLO_TRY_VOID(reader.finish());
  return expectation;
}

core::Result<Case> read_case(const Node& node, std::string_view file) {
  SIGILLO_TRY(Reader reader, Reader::of(node, file, "case"));
  Case result;
  result.line = node.line;
  SIGILLO_TRY(result.name, reader.text("name"));
  SIGILLO_TRY(result.kind,
              word(reader, "kind", CaseKind::other, "pass, fail, empty, boundary, null or other"));
  SIGILLO_TRY(const std::string as_of, reader.date("as_of"));
  SIGILLO_TRY(result.as_of, core::timestamp_from_date(as_of));
  if (reader.find("scope_release") != nullptr) {
    SIGILLO_TRY(result.scope_release, reader.text("scope_release"));
  }
  SIGILLO_TRY(const Node* given, reader.need("given"));
  SIGILLO_TRY(result.given, read_given(*given, file));
  SIGILLO_TRY(const Node* expect, list(reader, "expect", true));
  for (const Node& item : expect->items) {
    SIGILLO_TRY(Expectation expectation, read_expectation(item, file));
    result.expect.push_back(std::move(expectation));
  }
  if (reader.find("outcome") != nullptr) {
    SIGILLO_TRY(const Status outcome, word(reader, "outcome", Status::waived, "a status"));
    result.outcome = to_string(outcome);
  }
  if (result.expect.empty() && result.outcome.empty()) {
    return yaml::error_at(
        file, node.line, "case: without expected subjects, `outcome` must say what the rule gives");
  }
  SIGILLO_TRY_VOID(reader.finish());
  return result;
}

core::Result<Status> read_on_empty(Reader& reader) {
  SIGILLO_TRY(const Node* node, reader.need("on_empty"));
  for (const Status allowed : {Status::not_applicable, Status::no_evidence, Status::pass}) {
    if (node->kind == Kind::scalar && node->text == to_string(allowed)) return allowed;
  }
  return reader.wrong(*node, "on_empty", "not_applicable, no_evidence or pass");
}

core::Status read_header(Reader& reader, Rule& rule) {
  SIGILLO_TRY(const std::string version, reader.text("apiVersion"));
  if (version != "policy/v1") {
    return yaml::error_at(reader.file(), reader.line(),
                          fmt::format("apiVersion \"{}\" is not known: use policy/v1", version));
  }
  SIGILLO_TRY(const Node* id, reader.need("id"));
  if (id->kind != Kind::scalar || !is_name(id->text)) {
    return reader.wrong(*id, "id", "at most 64 letters, digits, \"-\", \"_\" and \".\"");
  }
  rule.id = id->text;
  rule.line = id->line;
  SIGILLO_TRY(rule.title, reader.text("title"));
  SIGILLO_TRY(rule.severity,
              word(reader, "severity", Severity::critical, "info, low, medium, high or critical"));
  SIGILLO_TRY(rule.enforcement,
              word(reader, "enforcement", Enforcement::advisory, "mandatory or advisory"));
  SIGILLO_TRY(rule.level, word(reader, "level", Level::law, "will, encouraged, may or law"));
  SIGILLO_TRY(rule.confidence, reader.text("confidence"));
  if (rule.confidence.size() != 1 || rule.confidence[0] < 'A' || rule.confidence[0] > 'D') {
    return yaml::error_at(reader.file(), reader.line(), "confidence must be A, B, C or D");
  }
  SIGILLO_TRY(rule.binds, reader.text("binds"));
  SIGILLO_TRY(rule.applies_from, reader.date("applies_from"));
  SIGILLO_TRY(rule.remediation, reader.text("remediation"));
  return {};
}

core::Status read_lists(Reader& reader, Rule& rule) {
  const std::string file(reader.file());
  SIGILLO_TRY(const Node* basis, list(reader, "basis", false));
  for (const Node& item : basis->items) {
    SIGILLO_TRY(Basis one, read_basis(item, file));
    rule.basis.push_back(std::move(one));
  }
  if (reader.find("transitions") != nullptr) {
    SIGILLO_TRY(const Node* transitions, list(reader, "transitions", false));
    for (const Node& item : transitions->items) {
      SIGILLO_TRY(Transition one, read_transition(item, file));
      rule.transitions.push_back(std::move(one));
    }
  }
  SIGILLO_TRY(const Node* cases, list(reader, "tests", true));
  std::set<std::string> names;
  for (const Node& item : cases->items) {
    SIGILLO_TRY(Case one, read_case(item, file));
    if (!names.insert(one.name).second)
      return yaml::error_at(file, one.line, "two cases are named \"" + one.name + "\"");
    rule.cases.push_back(std::move(one));
  }
  return {};
}

core::Status read_logic(Reader& reader, Rule& rule) {
  SIGILLO_TRY(rule.subjects, reader.text("subjects"));
  SIGILLO_TRY(rule.on_empty, read_on_empty(reader));
  SIGILLO_TRY(rule.min_subjects, reader.integer("min_subjects"));
  SIGILLO_TRY(const Node* params, reader.need("params"));
  SIGILLO_TRY(rule.params, read_params(*params, reader.file()));
  SIGILLO_TRY(const Node* query, reader.need("query"));
  SIGILLO_TRY(rule.query, reader.text("query"));
  // A block scalar's text starts on the line after its mark.
  rule.query_line =
      query->quoted && rule.query.find('\n') != std::string::npos ? query->line + 1 : query->line;
  for (const Transition& transition : rule.transitions) {
    for (const auto& [suffix, value] :
         {std::pair{"_placed_before", &transition.placed_before},
          std::pair{"_due", &transition.due}, std::pair{"_ref", &transition.ref}}) {
      if (!rule.params.emplace(transition.name + suffix, *value).second) {
        return yaml::error_at(reader.file(), reader.line(),
                              "two parameters are named " + transition.name + suffix);
      }
    }
  }
  return {};
}

core::Result<Source> read_source(const Node& node, std::string_view file) {
  SIGILLO_TRY(Reader reader, Reader::of(node, file, "source"));
  Source source;
  SIGILLO_TRY(source.title, reader.text("title"));
  SIGILLO_TRY(source.url, reader.text("url"));
  SIGILLO_TRY(source.state, reader.date("state"));
  SIGILLO_TRY_VOID(reader.finish());
  return source;
}

core::Status read_manifest(std::string_view text, Pack& pack) {
  const std::string file = "pack.yaml";
  SIGILLO_TRY(const Node node, yaml::parse(text, file));
  SIGILLO_TRY(Reader reader, Reader::of(node, file, "pack"));
  SIGILLO_TRY(const std::string version, reader.text("apiVersion"));
  if (version != "policy/v1")
    return yaml::error_at(file, node.line, "apiVersion must be policy/v1");
  SIGILLO_TRY(pack.name, reader.text("name"));
  if (!is_name(pack.name))
    return yaml::error_at(file, node.line, "name must be letters, digits, \"-\", \"_\" and \".\"");
  SIGILLO_TRY(pack.version, reader.text("version"));
  SIGILLO_TRY(pack.title, reader.text("title"));
  SIGILLO_TRY(pack.documentation, reader.text("documentation"));
  SIGILLO_TRY(const Node* sources, list(reader, "sources", false));
  for (const Node& item : sources->items) {
    SIGILLO_TRY(Source source, read_source(item, file));
    pack.sources.push_back(std::move(source));
  }
  return reader.finish();
}

// The pack's files by relative path, sorted. The digest covers all of them, so a stray file is
// refused rather than ignored.
core::Result<std::vector<std::string>> list_files(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code code;
  std::vector<std::string> paths;
  for (fs::recursive_directory_iterator it(folder, code), end; !code && it != end;
       it.increment(code)) {
    if (it->is_directory(code) && !it->is_symlink(code)) continue;
    const std::string path = it->path().lexically_relative(folder).generic_string();
    const bool rule = path.starts_with("rules/") && path.ends_with(".yaml") &&
                      path.find('/', 6) == std::string::npos;
    if (path != "pack.yaml" && !rule) {
      return Error{ErrorCode::invalid_input,
                   fmt::format("{}: a pack holds pack.yaml and rules/*.yaml only", path),
                   "move the file out of the pack's folder"};
    }
    paths.push_back(path);
    if (paths.size() > kMaxPackFiles) {
      return Error{ErrorCode::input_too_large,
                   fmt::format("{}: more than {} files", folder.string(), kMaxPackFiles),
                   "split the pack"};
    }
  }
  if (code) return core::error_from_errno(code.value(), "cannot list the pack", folder);
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string digest_of(const std::vector<PackFile>& files) {
  core::Json list = core::Json::array();
  for (const PackFile& file : files) list.push_back({{"path", file.path}, {"sha256", file.sha256}});
  const auto bytes = core::canonical_json(list);
  SIGILLO_CHECK(bytes.has_value());
  return core::sha256(*bytes).hex();
}

core::Status check_rules(const Pack& pack) {
  if (pack.rules.empty()) {
    return Error{ErrorCode::invalid_input, "pack.yaml:1: the pack has no rule",
                 "add a file to rules/"};
  }
  std::set<std::string> ids;
  for (const Rule& rule : pack.rules) {
    if (!ids.insert(rule.id).second)
      return yaml::error_at(rule.file, rule.line, "two rules have the id " + rule.id);
    if (rule.file != "rules/" + rule.id + ".yaml") {
      return yaml::error_at(rule.file, rule.line,
                            "the file must be named after the rule: rules/" + rule.id + ".yaml");
    }
  }
  return {};
}

}  // namespace

core::Result<Rule> parse_rule(std::string_view text, std::string_view file) {
  SIGILLO_TRY(const Node node, yaml::parse(text, file));
  SIGILLO_TRY(Reader reader, Reader::of(node, file, "rule"));
  Rule rule;
  rule.file = file;
  SIGILLO_TRY_VOID(read_header(reader, rule));
  SIGILLO_TRY_VOID(read_lists(reader, rule));
  SIGILLO_TRY_VOID(read_logic(reader, rule));
  SIGILLO_TRY_VOID(reader.finish());
  return rule;
}

core::Result<Pack> load_pack(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(folder / "pack.yaml", ignored)) {
    return Error{
        ErrorCode::not_found, fmt::format("{}: no pack.yaml there", folder.string()),
        "give a pack's folder, or the name of one that is installed (`sigillo policy list`)"};
  }
  Pack pack;
  SIGILLO_TRY(const std::vector<std::string> paths, list_files(folder));
  for (const std::string& path : paths) {
    SIGILLO_TRY(const core::Bytes bytes, core::read_file(folder / path, kMaxRuleBytes));
    pack.files.push_back({path, core::sha256(bytes).hex()});
    if (path == "pack.yaml") {
      SIGILLO_TRY_VOID(read_manifest(core::as_text(bytes), pack));
    } else {
      SIGILLO_TRY(Rule rule, parse_rule(core::as_text(bytes), path));
      pack.rules.push_back(std::move(rule));
    }
  }
  std::sort(pack.rules.begin(), pack.rules.end(),
            [](const Rule& a, const Rule& b) { return a.id < b.id; });
  SIGILLO_TRY_VOID(check_rules(pack));
  pack.digest = digest_of(pack.files);
  return pack;
}

}  // namespace sigillo::policy
