// What the policy tests share: small packs and evidence.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "sigillo/policy/engine.hpp"

namespace sigillo::policy::test {

inline std::filesystem::path shipped_pack() {
  return std::filesystem::path(SIGILLO_SOURCE_DIR) / "policies/packs/eu-ai-act";
}

inline core::Timestamp day(std::string_view text) {
  auto time = core::timestamp_from_date(text);
  REQUIRE(time);
  return *time;
}

// A row by column name; what is not named is NULL.
inline void add(core::Evidence& evidence, std::string_view view,
                std::initializer_list<std::pair<std::string_view, core::Cell>> cells) {
  const core::ViewSchema* schema = core::find_view(view);
  REQUIRE(schema != nullptr);
  core::Row row(schema->columns.size());
  for (const auto& [name, value] : cells) {
    bool known = false;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (schema->columns[i].name != name) continue;
      row[i] = value;
      known = true;
    }
    REQUIRE(known);
  }
  evidence.add(view, std::move(row));
}

inline core::Cell text(std::string value) { return core::Cell{std::move(value)}; }
inline core::Cell number(std::int64_t value) { return core::Cell{value}; }

// A pack of one rule about systems, with this query.
inline Rule rule_with(std::string query,
                      std::string subjects = "SELECT system AS id FROM ev1_systems") {
  Rule rule;
  rule.id = "T-1";
  rule.title = "test";
  rule.applies_from = "2020-01-01";
  rule.subjects = std::move(subjects);
  rule.query = std::move(query);
  rule.file = "rules/T-1.yaml";
  return rule;
}
inline Pack pack_of(Rule rule) {
  Pack pack;
  pack.name = "test";
  pack.version = "1";
  pack.rules.push_back(std::move(rule));
  return pack;
}
inline core::Evidence systems(std::initializer_list<std::string_view> names) {
  core::Evidence evidence;
  for (const std::string_view name : names)
    add(evidence, "ev1_systems", {{"system", text(std::string(name))}});
  return evidence;
}

inline Verdicts run(const Pack& pack, const core::Evidence& evidence,
                    std::string_view as_of = "2026-12-03",
                    std::optional<std::string> scope = std::nullopt) {
  auto verdicts = evaluate(pack, evidence, {day(as_of), "test", std::move(scope)});
  if (!verdicts) FAIL(verdicts.error().message);
  return std::move(*verdicts);
}
inline RuleVerdict run_rule(const Rule& rule, const core::Evidence& evidence,
                            std::string_view as_of = "2026-12-03") {
  return run(pack_of(rule), evidence, as_of).rules.at(0);
}
inline std::string bytes_of(const Verdicts& verdicts) {
  auto bytes = core::canonical_json(to_json(verdicts));
  REQUIRE(bytes);
  return *bytes;
}

}  // namespace sigillo::policy::test
