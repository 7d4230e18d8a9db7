#include "core/sqlite.hpp"

#include <sys/stat.h>

#include "support.hpp"

using namespace sigillo::core;
using namespace sigillo::core::sqlite;
using namespace sigillo::test;

namespace {

Database open(const std::filesystem::path& path, OpenMode mode = OpenMode::create) {
  auto database = Database::open(path, mode, 0);
  REQUIRE_OK(database);
  return *std::move(database);
}

void make_table(Database& database) {
  REQUIRE_OK(database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, b BLOB) STRICT"));
}

std::int64_t rows(Database& database) {
  const auto count = database.integer("SELECT count(*) FROM t");
  REQUIRE_OK(count);
  return *count;
}

}  // namespace

TEST_CASE("values are bound and read back") {
  Database database = open("", OpenMode::memory);
  make_table(database);
  auto insert = database.prepare("INSERT INTO t (id, v, b) VALUES (?1, ?2, ?3)");
  REQUIRE_OK(insert);
  const std::string text("a\0b", 3);
  const Bytes blob{0, 1, 255};
  REQUIRE_OK(insert->bind(1, INT64_MIN).bind(2, text).bind(3, ByteView(blob)).run());
  REQUIRE_OK(insert->bind(1, std::int64_t{2}).bind_null(2).bind(3, ByteView()).run());
  REQUIRE_OK(insert->bind(1, std::int64_t{3}).bind(2, std::string_view()).run());

  auto select = database.prepare("SELECT id, v, b FROM t ORDER BY id");
  REQUIRE_OK(select);
  REQUIRE(select->columns() == 3);
  REQUIRE(select->name(1) == "v");
  REQUIRE(select->step().value());
  REQUIRE(select->integer(0) == INT64_MIN);
  REQUIRE(select->text(1) == text);
  REQUIRE(select->blob(2) == blob);
  REQUIRE(select->step().value());
  REQUIRE(select->is_null(1));
  REQUIRE(select->text(1).empty());
  REQUIRE_FALSE(select->is_null(2));  // an empty blob is not null
  REQUIRE(select->blob(2).empty());
  REQUIRE(select->step().value());
  REQUIRE_FALSE(select->is_null(1));  // neither is an empty text
  REQUIRE(select->is_null(2));        // bindings do not outlive run()
  REQUIRE_FALSE(select->step().value());
}

TEST_CASE("mistakes in SQL are errors, double-quoted strings among them") {
  Database database = open("", OpenMode::memory);
  make_table(database);
  REQUIRE_FALSE(database.prepare("SELEKT 1").has_value());
  REQUIRE_FALSE(database.execute("INSERT INTO none VALUES (1)").has_value());
  REQUIRE_FALSE(database.prepare("SELECT \"no column\" FROM t").has_value());
  REQUIRE_CODE(database.integer("SELECT id FROM t"), not_found);
  REQUIRE_FALSE(database.execute("INSERT INTO t (id) VALUES ('text')").has_value());
}

TEST_CASE("a transaction lasts only if it was committed") {
  const TemporaryFolder folder;
  Database database = open(folder / "db");
  make_table(database);
  {
    auto transaction = Transaction::begin(database);
    REQUIRE_OK(transaction);
    REQUIRE_OK(database.execute("INSERT INTO t (id) VALUES (1)"));
    REQUIRE(rows(database) == 1);
  }
  REQUIRE(rows(database) == 0);
  {
    auto transaction = Transaction::begin(database);
    REQUIRE_OK(transaction);
    REQUIRE_OK(database.execute("INSERT INTO t (id) VALUES (1)"));
    Transaction moved = *std::move(transaction);
    REQUIRE_OK(moved.commit());
  }
  REQUIRE(rows(database) == 1);
  REQUIRE_OK(Transaction::begin(database));  // the first one is over
}

TEST_CASE("a locked database is named as locked, and is free afterwards") {
  const TemporaryFolder folder;
  Database first = open(folder / "db");
  make_table(first);
  Database second = open(folder / "db", OpenMode::read_write);
  {
    auto held = Transaction::begin(first);
    REQUIRE_OK(held);
    REQUIRE_CODE(Transaction::begin(second), locked);
    REQUIRE(Transaction::begin(second).error().message.find((folder / "db").string()) !=
            std::string::npos);
  }
  REQUIRE_OK(Transaction::begin(second));
}

TEST_CASE("a read-only database refuses writes") {
  const TemporaryFolder folder;
  {
    Database database = open(folder / "db");
    make_table(database);
  }
  Database database = open(folder / "db", OpenMode::read_only);
  REQUIRE(rows(database) == 0);
  REQUIRE_CODE(database.execute("INSERT INTO t (id) VALUES (1)"), read_only);
}

TEST_CASE("a database is never made by accident") {
  const TemporaryFolder folder;
  for (const OpenMode mode : {OpenMode::read_only, OpenMode::read_write}) {
    REQUIRE_CODE(Database::open(folder / "none", mode), permission_denied);
    REQUIRE_FALSE(std::filesystem::exists(folder / "none"));
  }
  REQUIRE_CODE(Database::open(folder / "no" / "db", OpenMode::create), permission_denied);
  REQUIRE_CODE(Database::open(folder.path(), OpenMode::create), ledger_corrupt);
}

TEST_CASE("a file that is no database is named as corrupt") {
  const TemporaryFolder folder;
  write_text(folder / "db", std::string(4096, 'x'));
  Database database = open(folder / "db", OpenMode::read_write);
  REQUIRE_CODE(database.integer("SELECT count(*) FROM sqlite_schema"), ledger_corrupt);
  REQUIRE(read_text(folder / "db") == std::string(4096, 'x'));
}

TEST_CASE("a database that was cut short is named as corrupt") {
  const TemporaryFolder folder;
  {
    Database database = open(folder / "db");
    make_table(database);
    auto insert = database.prepare("INSERT INTO t (v) VALUES (?1)");
    for (int i = 0; i < 200; ++i) REQUIRE_OK(insert->bind(1, std::string(200, 'v')).run());
  }
  std::filesystem::resize_file(folder / "db", std::filesystem::file_size(folder / "db") / 2);
  Database database = open(folder / "db", OpenMode::read_only);
  REQUIRE_CODE(database.integer("SELECT sum(length(v)) FROM t"), ledger_corrupt);
}

TEST_CASE("a full database is named as a full disk") {
  const TemporaryFolder folder;
  Database database = open(folder / "db");
  make_table(database);
  REQUIRE_OK(database.execute("PRAGMA max_page_count=8"));
  auto insert = database.prepare("INSERT INTO t (v) VALUES (?1)");
  REQUIRE_CODE(insert->bind(1, std::string(100000, 'v')).run(), disk_full);
  REQUIRE(rows(database) == 0);
}

TEST_CASE("an unprivileged reader of a closed file is told so") {
  const TemporaryFolder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  {
    Database database = open(folder / "db");
    make_table(database);
  }
  REQUIRE(::chmod((folder / "db").c_str(), 0600) == 0);
  const auto as_nobody = [&] {
    return in_child([&] {
             if (!become_nobody()) return 97;
             const auto database = Database::open(folder / "db", OpenMode::read_only);
             return database.has_value() ? 0 : 1 + static_cast<int>(database.error().code);
           })
        .exit;
  };
  if (::geteuid() == 0) REQUIRE(as_nobody() == 1 + static_cast<int>(ErrorCode::permission_denied));
  REQUIRE(::chmod((folder / "db").c_str(), 0644) == 0);
  REQUIRE(as_nobody() == 0);
}
