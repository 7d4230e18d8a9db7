#include "core/sqlite.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "sigillo/core/files.hpp"

namespace sigillo::core::sqlite {
namespace {

struct Meaning {
  ErrorCode code;
  std::string_view remedy;
};

Meaning meaning_of(int primary) {
  switch (primary) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::locked, "another process holds the database: wait for it, then try again"};
    case SQLITE_FULL:
      return {ErrorCode::disk_full,
              "free some space on this file system, then try again; nothing was lost"};
    case SQLITE_READONLY:
      return {ErrorCode::read_only, "make the workspace writable, or use a copy of it"};
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {ErrorCode::permission_denied, "check owner and mode of the workspace's files"};
    case SQLITE_CANTOPEN:
      return {ErrorCode::permission_denied,
              "check that the file and its folder exist and can be read and written"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::ledger_corrupt,
              "run `sigillo log fsck`; keep the damaged file and restore a backup"};
    default:
      return {ErrorCode::io_error, "check the disk and the system log, then try again"};
  }
}

// SQLite opens what it is given, and waits for ever for the other end of a FIFO; its side files are
// opened in the same way.
Status check_regular(const std::filesystem::path& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    const std::filesystem::path file = path.string() + suffix;
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
      return Error{ErrorCode::ledger_corrupt,
                   fmt::format("{} is not a regular file", file.string()),
                   "remove it, and restore the file from a backup"};
  }
  return {};
}

using SchemaObject = std::array<std::string, 4>;  // type, name, table, SQL

std::string single_spaced(std::string_view sql) {
  std::string out;
  for (const char c : sql) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) out.push_back(c);
    else if (out.empty() || out.back() != ' ') out.push_back(' ');
  }
  return out;
}

// At most `limit` of them: a file can name more than memory holds.
Result<std::vector<SchemaObject>> schema_of(Database& database, std::size_t limit) {
  SIGILLO_TRY(auto select,
              database.prepare("SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_schema "
                               "ORDER BY type, name"));
  std::vector<SchemaObject> objects;
  while (objects.size() < limit) {
    SIGILLO_TRY(const bool row, select.step());
    if (!row) break;
    objects.push_back(
        {select.text(0), select.text(1), select.text(2), single_spaced(select.text(3))});
  }
  return objects;
}

// A file that cannot be created is tried once more for reading, so that SQLite forgets why.
bool nothing_left(const char* file) {
  struct statvfs space {};
  return ::statvfs(file, &space) == 0 &&
         (space.f_bavail == 0 || (space.f_files > 0 && space.f_favail == 0));
}

}  // namespace

Error error_from_sqlite(sqlite3* database, int code, std::string_view action) {
  int primary = code & 0xFF;
  const char* name = database != nullptr ? sqlite3_db_filename(database, "main") : nullptr;
  const bool named = name != nullptr && *name != '\0';
  // Shared memory that cannot grow is told as an input/output error, and whatever stops an open(2)
  // as a file that cannot be opened.
  if ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) && database != nullptr) {
    const int cause = sqlite3_system_errno(database);
    const bool full = cause == ENOSPC || cause == EDQUOT ||
                      (primary == SQLITE_CANTOPEN && named && nothing_left(name));
    if (cause == EIO) primary = SQLITE_IOERR;
    else if (named && ::access(name, W_OK) != 0 && errno == EROFS) primary = SQLITE_READONLY;
    else if (full) primary = SQLITE_FULL;
  }
  const Meaning meaning = meaning_of(primary);
  const char* detail = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  return Error{meaning.code,
               fmt::format("{}: {} ({})", action, detail, named ? name : "memory database"),
               std::string(meaning.remedy)};
}

Statement& Statement::bind(int index, std::int64_t value) {
  SIGILLO_CHECK(sqlite3_bind_int64(handle(), index, value) == SQLITE_OK);
  return *this;
}
Statement& Statement::bind(int index, std::string_view text) {
  SIGILLO_CHECK(sqlite3_bind_text64(handle(), index, text.data() != nullptr ? text.data() : "",
                                    text.size(), SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK);
  return *this;
}
Statement& Statement::bind(int index, ByteView blob) {
  SIGILLO_CHECK(sqlite3_bind_blob64(handle(), index,
                                    blob.empty() ? "" : reinterpret_cast<const char*>(blob.data()),
                                    blob.size(), SQLITE_TRANSIENT) == SQLITE_OK);
  return *this;
}
Statement& Statement::bind_null(int index) {
  SIGILLO_CHECK(sqlite3_bind_null(handle(), index) == SQLITE_OK);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(handle());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = error_from_sqlite(sqlite3_db_handle(handle()), code, "database");
  sqlite3_reset(handle());
  return error;
}

Status Statement::run() {
  SIGILLO_TRY(const bool row, step());
  reset();
  SIGILLO_CHECK(!row);
  return {};
}

void Statement::reset() {
  sqlite3_reset(handle());
  sqlite3_clear_bindings(handle());
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle(), column); }
std::string Statement::text(int column) const {
  const auto* data = sqlite3_column_text(handle(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle(), column));
  return data != nullptr ? std::string(reinterpret_cast<const char*>(data), size) : std::string();
}
ByteView Statement::blob_view(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle(), column));
  return data != nullptr ? ByteView(data, size) : ByteView();
}
Bytes Statement::blob(int column) const {
  const ByteView view = blob_view(column);
  return Bytes(view.begin(), view.end());
}
bool Statement::is_null(int column) const { return type(column) == SQLITE_NULL; }
int Statement::type(int column) const { return sqlite3_column_type(handle(), column); }
int Statement::columns() const { return sqlite3_column_count(handle()); }
std::string_view Statement::name(int column) const { return sqlite3_column_name(handle(), column); }

Result<Database> Database::open(const std::filesystem::path& path, OpenMode mode, int busy_ms,
                                const char* vfs) {
  int flags = 0;
  switch (mode) {
    case OpenMode::read_only:
      flags = SQLITE_OPEN_READONLY;
      break;
    case OpenMode::read_write:
      flags = SQLITE_OPEN_READWRITE;
      break;
    case OpenMode::create:
      flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
      break;
    case OpenMode::memory:
      flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
      break;
  }
  if (mode != OpenMode::memory) SIGILLO_TRY_VOID(check_regular(path));
  return open_uri(mode == OpenMode::memory ? ":memory:" : path.string(), flags, busy_ms, vfs);
}

Result<Database> Database::open_immutable(const std::filesystem::path& path) {
  SIGILLO_TRY_VOID(check_regular(path));
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  if (error) return error_from_errno(error.value(), "cannot find the folder of", path);
  std::string uri = "file:";
  for (const char c : whole.string()) {
    const bool plain = c == '/' || c == '.' || c == '-' || c == '_' || (c >= '0' && c <= '9') ||
                       (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return open_uri(uri + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, 0, nullptr);
}

Result<Database> Database::open_uri(const std::string& name, int flags, int busy_ms,
                                    const char* vfs) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(name.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
  Database database(raw);
  if (code != SQLITE_OK) {
    Error error = error_from_sqlite(raw, code, "cannot open database");
    error.message += " " + name;
    return error;
  }
  sqlite3_busy_timeout(raw, busy_ms);
  // Untrusted files: no triggers, no views and no functions in schemas, no double-quoted strings;
  // corruption is found early.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  SIGILLO_TRY_VOID(database.execute("PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON"));
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code =
      sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()), 0, &raw, nullptr);
  if (code != SQLITE_OK) {
    Error error = error_from_sqlite(handle(), code, "cannot prepare a statement");
    // The statements are ours: one that does not compile has not met our tables.
    if ((code & 0xFF) == SQLITE_ERROR)
      error = Error{ErrorCode::ledger_corrupt, error.message,
                    std::string(meaning_of(SQLITE_CORRUPT).remedy)};
    return error;
  }
  return Statement(raw);
}

Status Database::execute(std::string_view sql) {
  const int code = sqlite3_exec(handle(), std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_from_sqlite(handle(), code, "database");
  return {};
}

Status Database::require_schema(std::string_view sql) {
  SIGILLO_TRY(Database model, open("", OpenMode::memory));
  SIGILLO_TRY_VOID(model.execute(sql));
  SIGILLO_TRY(const auto wanted, schema_of(model, std::size_t{1} << 16));
  SIGILLO_TRY(const auto found, schema_of(*this, wanted.size() + 1));
  if (found == wanted) return {};
  const char* name = sqlite3_db_filename(handle(), "main");
  std::string difference = "something is missing";
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (i < wanted.size() && found[i] == wanted[i]) continue;
    difference = fmt::format("{} \"{}\" is missing, altered or not ours", found[i][0], found[i][1]);
    break;
  }
  return Error{ErrorCode::ledger_corrupt,
               fmt::format("{}: its schema is not the one that sigillo makes: {}",
                           name != nullptr ? name : "database", difference),
               "keep this file as evidence, and restore a good copy"};
}

Result<std::int64_t> Database::integer(std::string_view sql) {
  SIGILLO_TRY(Statement statement, prepare(sql));
  SIGILLO_TRY(const bool row, statement.step());
  if (!row) return Error{ErrorCode::not_found, "database: a row was expected, none was there", ""};
  return statement.integer(0);
}

Status Database::sync_log() {
  sqlite3_file* log = nullptr;
  int code = sqlite3_file_control(handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  // Without methods the log is not open: nothing was written to it.
  if (code == SQLITE_OK && log != nullptr && log->pMethods != nullptr)
    code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  if (code == SQLITE_OK) return {};
  return error_from_sqlite(handle(), code, "cannot sync the log of the database");
}

Status Database::copy_to(const std::filesystem::path& file) {
  SIGILLO_TRY(Statement vacuum, prepare("VACUUM INTO ?1"));
  return vacuum.bind(1, std::string_view(file.native())).run();
}

Result<Transaction> Transaction::begin(Database& database) {
  SIGILLO_TRY_VOID(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr)
    (void)sqlite3_exec(database_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Status Transaction::commit() {
  SIGILLO_CHECK(database_ != nullptr);
  SIGILLO_TRY_VOID(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace sigillo::core::sqlite
