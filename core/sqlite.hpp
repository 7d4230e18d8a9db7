// A small RAII wrapper of SQLite. Private to the project: no public header includes it.
//
// Every failure is an Error with a code that says what the reader can do: locked, disk_full,
// read_only, permission_denied, ledger_corrupt (not a database), io_error. Not thread-safe: one
// Database per thread.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "sigillo/core/bytes.hpp"

namespace sigillo::core::sqlite {

class Statement {
 public:
  // Binding by position, from 1. Text and blobs are copied.
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, ByteView blob);
  Statement& bind_null(int index);

  // step() gives true while there is a row. run() expects none and resets for the next execution.
  [[nodiscard]] Result<bool> step();
  [[nodiscard]] Status run();
  void reset();

  // Columns from 0, valid until the next step.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] Bytes blob(int column) const;
  [[nodiscard]] ByteView blob_view(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] int type(int column) const;  // SQLITE_INTEGER, SQLITE_TEXT, ...
  [[nodiscard]] int columns() const;
  [[nodiscard]] std::string_view name(int column) const;
  [[nodiscard]] sqlite3_stmt* handle() const { return statement_.get(); }

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  explicit Statement(sqlite3_stmt* s) : statement_(s) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

enum class OpenMode { read_only, read_write, create, memory };

class Database {
 public:
  // busy_ms: how long a statement waits for another process's lock. ledger_corrupt if the file, or
  // a side file of it, is there and is not a regular file. Triggers and views are switched off.
  [[nodiscard]] static Result<Database> open(const std::filesystem::path& path, OpenMode mode,
                                             int busy_ms = 10000, const char* vfs = nullptr);
  // Read-only, for a file that nobody writes (read-only media): no lock and no WAL.
  [[nodiscard]] static Result<Database> open_immutable(const std::filesystem::path& path);
  // ledger_corrupt unless tables, indexes, views and triggers are exactly what executing `sql` in
  // an empty database makes (white space aside).
  [[nodiscard]] Status require_schema(std::string_view sql);
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  [[nodiscard]] Status execute(std::string_view sql);  // one or more statements without results
  [[nodiscard]] Result<std::int64_t> integer(
      std::string_view sql);  // first column of the first row
  // Makes all that this connection can read durable (WAL): a process that was killed before its own
  // sync may have left it, and SQLite recovers it from the log without one.
  [[nodiscard]] Status sync_log();
  // A copy of one moment in a new file, while others go on writing here.
  [[nodiscard]] Status copy_to(const std::filesystem::path& file);
  [[nodiscard]] sqlite3* handle() const { return database_.get(); }

 private:
  [[nodiscard]] static Result<Database> open_uri(const std::string& uri, int flags, int busy_ms,
                                                 const char* vfs);
  struct Close {
    void operator()(sqlite3* d) const { sqlite3_close_v2(d); }
  };
  explicit Database(sqlite3* d) : database_(d) {}
  std::unique_ptr<sqlite3, Close> database_;
};

// Transaction: BEGIN IMMEDIATE; rolls back unless commit() succeeded.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  [[nodiscard]] Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

// The Error for a SQLite result code on this connection.
[[nodiscard]] Error error_from_sqlite(sqlite3* database, int code, std::string_view action);

}  // namespace sigillo::core::sqlite
