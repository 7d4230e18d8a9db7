// What a rule's SQL cannot do, one by one; and the clock that stands still.
#include "policies/engine/sandbox.hpp"

#include <atomic>
#include <thread>

#include "policies/engine/sql_tokens.hpp"
#include "tests/unit/policies/support.hpp"

namespace sigillo::policy {
namespace {

using test::day;
using test::number;
using test::text;

std::unique_ptr<Sandbox> sandbox(const SandboxLimits& limits = {},
                                 std::string_view as_of = "2026-12-03") {
  core::Evidence evidence;
  test::add(evidence, "ev1_systems",
            {{"system", text("s")}, {"placed_on", text("2026-05-01")}, {"entry", number(2)}});
  test::add(evidence, "ev1_systems", {{"system", text("t")}});
  auto made = Sandbox::create(evidence, day(as_of), std::nullopt, limits);
  REQUIRE(made);
  return std::move(*made);
}

std::string refusal(const std::string& sql) {
  const auto result = sandbox()->query(sql, {});
  INFO(sql);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == core::ErrorCode::rule_error);
  return result.error().message;
}

std::string only_text(std::string_view sql, std::string_view as_of = "2026-12-03") {
  const auto result = sandbox({}, as_of)->query(sql, {});
  if (!result) FAIL(result.error().message);
  REQUIRE(result->rows.size() == 1);
  return std::get<std::string>(result->rows[0][0]);
}

TEST_CASE("sandbox: a plain query over a view works", "[policies]") {
  const auto table = sandbox()->query(
      "SELECT system, entry FROM ev1_systems ORDER BY system -- a comment\n;  ", {});
  REQUIRE(table);
  CHECK(table->columns == std::vector<std::string>{"system", "entry"});
  CHECK(table->rows == std::vector<core::Row>{{text("s"), number(2)}, {text("t"), core::Cell{}}});
}

TEST_CASE("sandbox: only SELECT", "[policies]") {
  using Catch::Contains;
  CHECK_THAT(refusal("DELETE FROM ev1_systems"), Contains("only SELECT") || Contains("prohibited"));
  CHECK_THAT(refusal("INSERT INTO ev1_systems (system) VALUES ('x')"), Contains("only SELECT"));
  CHECK_THAT(refusal("UPDATE ev1_systems SET system = 'x'"),
             Contains("only SELECT") || Contains("refused"));
  CHECK_THAT(refusal("CREATE TABLE x (y)"), Contains("only SELECT"));
  CHECK_THAT(refusal("CREATE TEMP VIEW x AS SELECT 1"), Contains("only SELECT"));
  CHECK_THAT(refusal("DROP TABLE ev1_systems"), Contains("only SELECT"));
  CHECK_THAT(refusal("ATTACH ':memory:' AS x"), Contains("only SELECT"));
  CHECK_THAT(refusal("DETACH main"), Contains("only SELECT"));
  CHECK_THAT(refusal("PRAGMA query_only"), Contains("only SELECT"));
  CHECK_THAT(refusal("BEGIN"), Contains("only SELECT"));
  CHECK_THAT(refusal("VACUUM"), Contains("only"));
  CHECK_THAT(refusal("EXPLAIN SELECT 1"), Contains("plain SELECT"));
  CHECK_THAT(refusal("EXPLAIN QUERY PLAN SELECT 1"), Contains("plain SELECT"));
}

TEST_CASE("sandbox: nothing but evidence can be read", "[policies]") {
  using Catch::Contains;
  CHECK_THAT(refusal("SELECT sql FROM sqlite_master"), Contains("not an evidence view"));
  CHECK_THAT(refusal("SELECT name FROM sqlite_schema"), Contains("not an evidence view"));
  CHECK_THAT(refusal("SELECT name FROM temp.sqlite_schema"), Contains("not an evidence view"));
  CHECK_THAT(refusal("SELECT count(*) FROM sqlite_master"), Contains("not an evidence view"));
  CHECK_THAT(refusal("SELECT name FROM pragma_table_info('ev1_systems')"), Contains("SQL refused"));
  CHECK_THAT(refusal("SELECT name FROM pragma_database_list"), Contains("SQL refused"));
  CHECK_THAT(refusal("SELECT value FROM json_each('[1]')"), Contains("SQL refused"));
  CHECK_THAT(refusal("SELECT sql FROM sqlite_stmt"), Contains("SQL refused"));
  CHECK_THAT(refusal("SELECT system FROM base_systems"), Contains("no such table"));
  CHECK_THAT(refusal("SELECT rowid FROM ev1_systems"), Contains("may read"));
  CHECK_THAT(refusal("SELECT count(*) AS n FROM main.sqlite_master"),
             Contains("not an evidence view"));
  CHECK_THAT(refusal("SELECT count(*) AS n FROM SQLITE_MASTER"), Contains("not an evidence view"));
  CHECK_THAT(
      refusal("WITH sqlite_master AS (SELECT 1) SELECT count(*) AS n FROM main.sqlite_master"),
      Contains("view"));
  CHECK_THAT(refusal("SELECT count(*) AS n FROM json_each('[1]')"), Contains("SQL refused"));
  CHECK_THAT(refusal("SELECT count(*) AS n FROM pragma_database_list"), Contains("SQL refused"));
  CHECK_THAT(refusal("SELECT count(*) AS n FROM dbstat"), Contains("SQL refused"));
  CHECK_THAT(refusal("SELECT count(*) AS n FROM sqlite_stmt"), Contains("SQL refused"));
  CHECK(sandbox()->query("SELECT count(*) AS n FROM EV1_SYSTEMS", {}));
  CHECK(sandbox()->query("WITH n AS (SELECT 1) SELECT count(*) AS n FROM n", {}));
  // A table expression that borrows a view's name opens nothing: SQLite's authorizer would report
  // that name as the context.
  CHECK_THAT(refusal("WITH ev1_runs AS (SELECT sql FROM sqlite_master) SELECT sql FROM ev1_runs"),
             Contains("not an evidence view"));
}

TEST_CASE("sandbox: functions are on a list", "[policies]") {
  using Catch::Contains;
  for (const char* call : {"random()", "randomblob(4)", "load_extension('x')", "sqlite_version()",
                           "changes()", "total(entry)", "avg(entry)", "zeroblob(4)", "json('{}')",
                           "fts5(1)", "last_insert_rowid()", "hex('a')", "RANDOM()", "pow(2, 3)"}) {
    CHECK_THAT(refusal(std::string("SELECT ") + call + " FROM ev1_systems"),
               Contains("SQL refused"));
  }
  CHECK_THAT(refusal("SELECT random()"), Contains("random() is not allowed"));
}

TEST_CASE("sandbox: one statement, no double-quoted strings, no stray parameters", "[policies]") {
  using Catch::Contains;
  CHECK_THAT(refusal("SELECT 1; SELECT 2"), Contains("second statement"));
  CHECK_THAT(refusal("SELECT 1; DELETE FROM ev1_systems"), Contains("second statement"));
  CHECK_THAT(refusal("SELECT 1; nonsense"), Contains("second statement"));
  CHECK(sandbox()->query("SELECT 1 AS x; /* a */ ; -- b", {}));
  CHECK_THAT(refusal(""), Contains("no statement"));
  CHECK_THAT(refusal("-- only a comment"), Contains("no statement"));
  CHECK_THAT(refusal(std::string("SELECT 1\0 ; DELETE", 18)), Contains("NUL"));
  CHECK_THAT(refusal("SELECT \"text\" AS x"), Contains("no such column"));
  CHECK_THAT(refusal("SELECT :nobody AS x"), Contains(":nobody has no value"));
  CHECK_THAT(refusal("SELECT ? AS x"), Contains("has no value"));
  CHECK_THAT(refusal("SELECT @a AS x"), Contains("has no value"));
}

TEST_CASE("sandbox: work is bounded", "[policies]") {
  using Catch::Contains;
  SandboxLimits limits;
  limits.steps = 1'000'000;
  const auto endless = sandbox(limits)->query(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n",
      {});
  REQUIRE_FALSE(endless);
  CHECK_THAT(endless.error().message, Contains("stopped after 1000000 steps"));

  limits = {};
  limits.rows = 10;
  const std::string ten =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT i FROM "
      "n";
  CHECK(sandbox(limits)->query(ten, {}));
  limits.rows = 9;
  CHECK_THAT(sandbox(limits)->query(ten, {}).error().message, Contains("more than 9 rows"));

  limits = {};
  limits.memory_bytes = 8 << 20;
  const auto fat = sandbox(limits)->query(
      "WITH RECURSIVE n(i, s) AS (SELECT 1, '' UNION ALL SELECT i + 1, printf('%100000d', i) FROM "
      "n) "
      "SELECT count(*) AS c FROM (SELECT i, s FROM n ORDER BY s)",
      {});
  REQUIRE_FALSE(fat);
  CHECK_THAT(fat.error().message, Contains("bytes of memory"));

  CHECK_THAT(refusal("SELECT replace(printf('%1000d', 1), ' ', printf('%1000d', 1)) AS x"),
             Contains("too big"));
  std::string deep = "1";
  for (int i = 0; i < 200; ++i) deep = "(" + deep + "+1)";
  CHECK_THAT(refusal("SELECT " + deep + " AS x"),
             Contains("maximum depth") || Contains("overflow"));
  CHECK_THAT(refusal("SELECT '" + std::string(70000, 'x') + "' AS x"), Contains("longer than"));
}

TEST_CASE("sandbox: floats and bytes are no answers", "[policies]") {
  using Catch::Contains;
  CHECK_THAT(refusal("SELECT 1.5 AS x"), Contains("column x holds a floating-point"));
  CHECK_THAT(refusal("SELECT x'00' AS x"), Contains("bytes"));
  CHECK_THAT(refusal("SELECT char(55296) AS x"),
             Contains("column x holds a text that is not UTF-8"));
  CHECK_THAT(refusal("SELECT CAST(x'ff' AS TEXT) AS x"), Contains("not UTF-8"));
  CHECK_THAT(refusal("SELECT sum(9223372036854775807) AS x FROM ev1_systems"),
             Contains("integer overflow"));
}

TEST_CASE("sandbox: the clock stands at the as-of date", "[policies]") {
  CHECK(only_text("SELECT date('now') AS x") == "2026-12-03");
  CHECK(only_text("SELECT current_date AS x") == "2026-12-03");
  CHECK(only_text("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS x") == "2026-12-03T00:00:00Z");
  CHECK(only_text("SELECT date() AS x", "2030-02-28") == "2030-02-28");
  CHECK(only_text("SELECT date('2028-02-28', '+1 day') AS x") == "2028-02-29");
  for (const char* call :
       {"date('now', 'localtime')", "datetime('now', 'LocalTime')", "strftime('%H', 'now', 'utc')",
        "time('now', 'local' || 'time')", "julianday('now', 'localtime')"}) {
    CHECK_THAT(refusal(std::string("SELECT ") + call + " AS x"),
               Catch::Contains("local time is refused"));
  }
}

TEST_CASE("sandbox: two clocks do not disturb each other", "[policies]") {
  std::atomic<int> wrong{0};
  const auto work = [&](const std::string& date) {
    for (int i = 0; i < 20; ++i) {
      core::Evidence empty;
      auto made = Sandbox::create(empty, *core::timestamp_from_date(date), std::nullopt);
      auto table =
          made ? (*made)->query("SELECT date('now') AS x", {}) : core::Result<Table>(made.error());
      if (!table || table->rows.at(0).at(0) != core::Cell{date}) ++wrong;
    }
  };
  std::thread one(work, "2026-11-23"), two(work, "2027-12-02");
  one.join();
  two.join();
  CHECK(wrong == 0);
}

TEST_CASE("sandbox: the footprint lists what is read", "[policies]") {
  std::set<std::string> footprint;
  REQUIRE(sandbox()->query(
      "WITH a AS (SELECT system, entry FROM ev1_systems) SELECT a.system FROM a WHERE "
      "(SELECT count(*) FROM ev1_runs) = 0",
      {}, &footprint));
  CHECK(footprint == std::set<std::string>{"ev1_runs", "ev1_systems.entry", "ev1_systems.system"});
}

TEST_CASE("sandbox: Clopper-Pearson in parts per million", "[policies]") {
  const auto value = [](const std::string& arguments) {
    const auto table =
        sandbox()->query("SELECT clopper_pearson_upper_ppm(" + arguments + ") AS x", {});
    if (!table) FAIL(table.error().message);
    return table->rows[0][0];
  };
  // With no event in n trials the bound is 1 - 0.05^(1/n), here rounded up.
  CHECK(value("0, 200, 950000") == number(14868));
  CHECK(value("0, 1, 950000") == number(950000));
  CHECK(value("0, 0, 950000") == number(1000000));
  CHECK(value("200, 200, 950000") == number(1000000));
  CHECK(value("NULL, 200, 950000") == core::Cell{});
  CHECK_THAT(refusal("SELECT clopper_pearson_upper_ppm(2, 1, 950000) AS x"),
             Catch::Contains("needs 0 <= k <= n"));
  CHECK_THAT(refusal("SELECT clopper_pearson_upper_ppm(0, 1, 1000000) AS x"),
             Catch::Contains("confidence_ppm"));
  CHECK_THAT(refusal("SELECT clopper_pearson_upper_ppm('0', 1, 950000) AS x"),
             Catch::Contains("integers only"));
  // The work grows with the square root of n, and is taken from the same budget.
  CHECK(value("0, 1000000000, 950000") == number(1));
  CHECK(value("500000000, 1000000000, 950000") == number(500027));
  CHECK_THAT(refusal("SELECT clopper_pearson_upper_ppm(4611686018427387904, 9223372036854775807, "
                     "950000) AS x"),
             Catch::Contains("stopped after"));
  CHECK_THAT(
      refusal("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
              "SELECT sum(clopper_pearson_upper_ppm(i, 1000000000, 950000)) AS x FROM n"),
      Catch::Contains("stopped after"));
}

TEST_CASE("sandbox: integers and texts stay what they are", "[policies]") {
  CHECK(only_text(
            "SELECT typeof(entry) || typeof(placed_on) AS x FROM ev1_systems WHERE system = 's'") ==
        "integertext");
  core::Evidence broken;
  broken.rows["ev1_systems"].push_back({number(1)});
  const auto made = Sandbox::create(broken, day("2026-12-03"), std::nullopt);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == core::ErrorCode::evidence_corrupt);
  core::Evidence unknown;
  unknown.rows["ev2_systems"] = {};
  CHECK(Sandbox::create(unknown, day("2026-12-03"), std::nullopt).error().code ==
        core::ErrorCode::evidence_corrupt);
}

TEST_CASE("tokens: strings, comments, names and numbers", "[policies]") {
  const auto tokens = tokenize("SELECT 'it''s' -- '\n, \"a b\".c<=1e-5 /* ELSE */ AND :p || [x]");
  std::vector<std::string> texts;
  for (const Token& token : tokens) texts.push_back(token.text);
  CHECK(texts == std::vector<std::string>{"SELECT", "it's", ",", "a b", ".", "c", "<=", "1e-5",
                                          "AND", ":p", "||", "x"});
  CHECK(tokens[2].line == 1);
  CHECK(tokenize("'open").size() == 1);
  CHECK(tokenize("/* open").empty());
}

}  // namespace
}  // namespace sigillo::policy
