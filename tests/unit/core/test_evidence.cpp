#include "sigillo/core/evidence.hpp"

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "support.hpp"

using namespace sigillo::core;
using sigillo::test::in_child;

namespace {

Row actor(const char* name, std::int64_t entry) {
  return {std::string(name), std::string("provider"),
          std::monostate{},  std::string("EU"),
          std::int64_t{1},   entry,
          std::string("k"),  std::string("2026-08-02T00:00:00Z")};
}

}  // namespace

TEST_CASE("the schema is well-formed") {
  std::set<std::string_view> views;
  REQUIRE(evidence_schema().size() >= 13);  // views are never removed within a version
  for (const ViewSchema& view : evidence_schema()) {
    INFO(view.name);
    REQUIRE(view.name.starts_with("ev1_"));
    REQUIRE_FALSE(view.meaning.empty());
    REQUIRE(views.insert(view.name).second);
    REQUIRE(find_view(view.name) == &view);
    std::set<std::string_view> columns;
    for (const ColumnSchema& column : view.columns) REQUIRE(columns.insert(column.name).second);
    for (const char* always : {"entry", "signer", "recorded_at"}) REQUIRE(columns.contains(always));
  }
  REQUIRE(find_view("ev1_none") == nullptr);
  REQUIRE(find_view("") == nullptr);
}

TEST_CASE("rows must fit their view") {
  Evidence evidence;
  evidence.add("ev1_actors", actor("a", 1));
  REQUIRE(evidence.rows.at("ev1_actors").size() == 1);
  const auto dies = [&](std::string_view view, const Row& row) {
    return in_child([&] {
             evidence.add(view, row);
             return 0;
           }).signal == SIGABRT;
  };
  REQUIRE_FALSE(dies("ev1_actors", actor("a", 1)));
  REQUIRE(dies("ev1_none", actor("a", 1)));
  Row row = actor("a", 1);
  row.pop_back();
  REQUIRE(dies("ev1_actors", row));
  row = actor("a", 1);
  row[0] = std::int64_t{1};  // an integer where TEXT belongs
  REQUIRE(dies("ev1_actors", row));
  row = actor("a", 1);
  row[5] = std::string("1");  // a text where INTEGER belongs
  REQUIRE(dies("ev1_actors", row));
}

TEST_CASE("equal evidence has equal bytes, whatever the order in which it came") {
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 20; ++i) rows.push_back(actor(i % 2 == 0 ? "a" : "b", i));
  const auto digest_of = [](const std::vector<Row>& list) {
    Evidence evidence;
    evidence.origin = "example.com/ledger";
    for (const Row& row : list) evidence.add("ev1_actors", row);
    evidence.sort();
    return evidence_digest(evidence);
  };
  const Digest expected = digest_of(rows);
  std::mt19937 random(5);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(rows.begin(), rows.end(), random);
    REQUIRE(digest_of(rows) == expected);
  }
  rows.pop_back();
  REQUIRE(digest_of(rows) != expected);
}

TEST_CASE("the digest covers every cell and the head") {
  Evidence evidence;
  evidence.origin = "o";
  evidence.size = 3;
  evidence.root = "r";
  evidence.add("ev1_actors", actor("a", 1));
  const Digest digest = evidence_digest(evidence);
  for (std::size_t i = 0; i < actor("a", 1).size(); ++i) {
    Evidence changed = evidence;
    changed.rows.at("ev1_actors")[0][i] =
        i == 4 || i == 5 ? Cell(std::int64_t{77}) : Cell(std::string("changed"));
    REQUIRE(evidence_digest(changed) != digest);
  }
  Evidence changed = evidence;
  changed.origin = "p";
  REQUIRE(evidence_digest(changed) != digest);
  changed = evidence;
  changed.size = 4;
  REQUIRE(evidence_digest(changed) != digest);
  changed = evidence;
  changed.root = "s";
  REQUIRE(evidence_digest(changed) != digest);
}

TEST_CASE("the JSON form names every view and keeps null apart from empty") {
  Evidence evidence;
  evidence.add("ev1_actors", actor("a", 1));
  const Json json = to_json(evidence);
  REQUIRE(json.at("views").size() == evidence_schema().size());
  const Json& row = json.at("views").at("ev1_actors").at(0);
  REQUIRE(row.at("actor") == "a");
  REQUIRE(row.at("size").is_null());
  REQUIRE(row.at("entry") == 1);
  REQUIRE(json.at("views").at("ev1_runs").empty());
}
