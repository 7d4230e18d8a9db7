#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "policies/engine/evaluate.hpp"
#include "policies/engine/sql_tokens.hpp"
#include "sigillo/policy/engine.hpp"

namespace sigillo::policy {
namespace {

using Tokens = std::vector<Token>;

class RuleLint {
 public:
  RuleLint(const Rule& rule, Sandbox& sandbox, std::vector<Finding>& findings)
      : rule_(rule), sandbox_(sandbox), findings_(findings) {}

  void run() {
    check_compiles();
    const Tokens query = tokenize(rule_.query);
    const Tokens subjects = tokenize(rule_.subjects);
    for (const Tokens* tokens : {&subjects, &query}) {
      check_else_pass(*tokens);
      check_select_star(*tokens);
      check_text_compared_with_number(*tokens);
    }
    check_statuses(query);
    check_cases();
  }

 private:
  void add(int line, std::string code, std::string message) {
    findings_.push_back({rule_.id, rule_.file, line, std::move(code), std::move(message)});
  }
  [[nodiscard]] int line_of(const Token& token) const { return rule_.query_line + token.line; }

  // Refused functions, tables and statements, unbound parameters: the sandbox itself says so.
  void check_compiles() {
    const auto params = parameters_of(rule_, rule_.applies_from);
    std::set<std::string> used;
    for (const auto& [what, sql] :
         {std::pair{"subjects", &rule_.subjects}, std::pair{"query", &rule_.query}}) {
      const auto status = sandbox_.check(*sql, params, nullptr, &used);
      if (!status)
        add(rule_.query_line, "sql-refused", fmt::format("{}: {}", what, status.error().message));
    }
    for (const auto& [name, value] : rule_.params) {
      const bool transition =
          std::any_of(rule_.transitions.begin(), rule_.transitions.end(),
                      [&, &n = name](const auto& t) { return n.starts_with(t.name + "_"); });
      if (!transition && !used.contains(name)) {
        add(rule_.line, "unused-parameter", fmt::format("the parameter {} is used nowhere", name));
      }
    }
  }

  void check_else_pass(const Tokens& tokens) {
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      if (tokens[i].upper == "ELSE" && tokens[i + 1].kind == TokenKind::string &&
          tokens[i + 1].text == "pass") {
        add(line_of(tokens[i]), "else-pass",
            "ELSE 'pass' lets every NULL through: write WHEN ... THEN 'pass' and ELSE "
            "'no_evidence'");
      }
    }
  }

  void check_select_star(const Tokens& tokens) {
    static constexpr std::array<std::string_view, 3> kBefore = {"SELECT", "DISTINCT", "ALL"};
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      if (tokens[i].text != "*" || tokens[i].kind != TokenKind::symbol) continue;
      const Token& before = tokens[i - 1];
      const bool keyword = std::find(kBefore.begin(), kBefore.end(), before.upper) != kBefore.end();
      if (keyword || before.text == "." || before.text == ",") {
        add(line_of(tokens[i]), "select-star",
            "SELECT * reads columns that the rule does not name: list them");
      }
    }
  }

  // Column names keep one type over all views (checked below), so a name is enough. An alias
  // `column AS name` is followed; a column inside an expression is not.
  void check_text_compared_with_number(const Tokens& tokens) {
    std::map<std::string, bool> text;  // name -> is TEXT
    for (const core::ViewSchema& view : core::evidence_schema()) {
      for (const core::ColumnSchema& column : view.columns) {
        const bool is_text = column.type == core::ColumnType::text;
        const auto [at, fresh] = text.emplace(column.name, is_text);
        SIGILLO_CHECK(fresh || at->second == is_text);
      }
    }
    for (std::size_t i = 0; i + 2 < tokens.size(); ++i) {
      if (tokens[i].kind == TokenKind::word && tokens[i + 1].upper == "AS" &&
          tokens[i + 2].kind == TokenKind::word && text.contains(tokens[i].text)) {
        text.emplace(tokens[i + 2].text, text[tokens[i].text]);
      }
    }
    for (std::size_t i = 1; i + 1 < tokens.size(); ++i) {
      if (!is_comparison(tokens[i])) continue;
      std::size_t right = i + 1;
      if (tokens[right].upper == "NOT" && right + 1 < tokens.size()) ++right;
      if (tokens[right].text == "-" && right + 1 < tokens.size()) ++right;
      std::size_t name = right;  // of `alias.column`, the column
      while (name + 2 < tokens.size() && tokens[name + 1].text == ".") name += 2;
      const bool left_text = is_text_column(tokens[i - 1], text),
                 right_text = is_text_column(tokens[name], text);
      if ((left_text && is_number(tokens[right])) || (right_text && is_number(tokens[i - 1]))) {
        add(line_of(tokens[i]), "text-number",
            fmt::format("\"{}\" is TEXT and is compared with a number, which compares letters: use "
                        "an INTEGER column",
                        left_text ? tokens[i - 1].text : tokens[name].text));
      }
    }
  }
  static bool is_comparison(const Token& token) {
    static constexpr std::array<std::string_view, 8> kSymbols = {
        "=", "==", "<>", "!=", "<", "<=", ">", ">="};
    return std::find(kSymbols.begin(), kSymbols.end(), token.text) != kSymbols.end() ||
           (token.kind == TokenKind::word && (token.upper == "IS" || token.upper == "BETWEEN"));
  }
  [[nodiscard]] bool is_number(const Token& token) const {
    if (token.kind == TokenKind::number) return true;
    if (token.kind != TokenKind::parameter) return false;
    const auto found = rule_.params.find(token.text.substr(1));
    return found != rule_.params.end() && std::holds_alternative<std::int64_t>(found->second);
  }
  static bool is_text_column(const Token& token, const std::map<std::string, bool>& text) {
    const auto found = text.find(token.text);
    return token.kind == TokenKind::word && found != text.end() && found->second;
  }

  // The words that `... AS status` can give: a string, or the THEN and ELSE strings of a CASE,
  // nested or not.
  void check_statuses(const Tokens& tokens) {
    bool found = false;
    for (std::size_t i = 1; i + 1 < tokens.size(); ++i) {
      if (tokens[i].upper != "AS" || tokens[i + 1].upper != "STATUS") continue;
      found = true;
      if (tokens[i - 1].kind == TokenKind::string) {
        check_status(tokens[i - 1]);
      } else if (tokens[i - 1].upper == "END") {
        check_case_statuses(tokens, i - 1);
      } else {
        add(line_of(tokens[i]), "status-computed",
            "status must be a string or a CASE of strings, so that it can be checked");
      }
    }
    if (!found) add(rule_.query_line, "status-missing", "the query has no `AS status`");
  }
  void check_case_statuses(const Tokens& tokens, std::size_t end) {
    int depth = 0;
    for (std::size_t i = end + 1; i-- > 0;) {
      if (tokens[i].upper == "END") ++depth;
      if (tokens[i].upper == "CASE" && --depth == 0) return;
      const bool gives = tokens[i].upper == "THEN" || tokens[i].upper == "ELSE";
      if (!gives || depth != 1) continue;
      const Token& value = tokens[i + 1];
      const Token& after = tokens[i + 2];
      const bool alone = after.upper == "WHEN" || after.upper == "ELSE" || after.upper == "END";
      if (value.kind == TokenKind::string && alone) {
        check_status(value);
      } else {
        add(line_of(value), "status-computed",
            "status must be a string or a CASE of strings, so that it can be checked");
      }
    }
  }
  void check_status(const Token& token) {
    const auto status = status_from_string(token.text);
    if (!status || *status == Status::waived || *status == Status::error) {
      add(line_of(token), "status-unknown",
          fmt::format("\"{}\" is not a status that a rule may give", token.text));
    } else {
      given_.insert(*status);
    }
  }

  // Five kinds of case; pass and fail only where the rule can give them. A boundary or NULL case
  // exists for every rule.
  void check_cases() {
    std::set<CaseKind> kinds;
    for (const Case& one : rule_.cases) {
      kinds.insert(one.kind);
      check_case_keeps_its_word(one);
    }
    for (const CaseKind kind :
         {CaseKind::pass, CaseKind::fail, CaseKind::empty, CaseKind::boundary, CaseKind::null}) {
      const bool cannot = (kind == CaseKind::pass && !given_.contains(Status::pass)) ||
                          (kind == CaseKind::fail && !given_.contains(Status::fail));
      if (!cannot && !kinds.contains(kind)) {
        add(rule_.line, "case-missing", fmt::format("no case of the kind {}", to_string(kind)));
      }
    }
  }
  void check_case_keeps_its_word(const Case& one) {
    const auto expects = [&](Status status) {
      return std::any_of(one.expect.begin(), one.expect.end(),
                         [&](const auto& e) { return e.status == status; });
    };
    const bool broken = (one.kind == CaseKind::pass && !expects(Status::pass)) ||
                        (one.kind == CaseKind::fail && !expects(Status::fail)) ||
                        (one.kind == CaseKind::empty && !one.expect.empty()) ||
                        (one.kind == CaseKind::null && expects(Status::pass));
    if (!broken) return;
    add(one.line, "case-kind",
        fmt::format("the case \"{}\" does not expect what its kind {} says", one.name,
                    to_string(one.kind)));
  }

  const Rule& rule_;
  Sandbox& sandbox_;
  std::vector<Finding>& findings_;
  std::set<Status> given_;
};

}  // namespace

core::Result<std::vector<Finding>> lint(const Pack& pack) {
  std::vector<Finding> findings;
  SIGILLO_TRY(const std::unique_ptr<Sandbox> sandbox, Sandbox::create({}, {}, std::nullopt));
  for (const Rule& rule : pack.rules) RuleLint(rule, *sandbox, findings).run();
  std::sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.file, a.line, a.code, a.message) <
           std::tie(b.file, b.line, b.code, b.message);
  });
  return findings;
}

}  // namespace sigillo::policy
