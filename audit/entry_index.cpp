#include "sigillo/audit/entry_index.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/sqlite.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
namespace sqlite = core::sqlite;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

namespace {

constexpr std::uint64_t kReadAtOnce = 10'000;  // entries in one transaction

// A record may have several subjects and signers. `state` says how far the ledger was read, and
// what its last entry was: another history has another one there.
constexpr std::string_view kIndexSchema = R"(
  CREATE TABLE state(size INTEGER NOT NULL, last_leaf_hash TEXT NOT NULL) STRICT;
  CREATE TABLE entry(idx INTEGER PRIMARY KEY, kind TEXT NOT NULL, recorded_at TEXT NOT NULL,
                     run TEXT NOT NULL) STRICT;
  CREATE TABLE subject(digest TEXT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, idx INTEGER NOT NULL) STRICT;
  CREATE TABLE signer(key TEXT NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (key, idx)) STRICT, WITHOUT ROWID;
  CREATE INDEX entry_kind ON entry(kind, idx);
  CREATE INDEX entry_time ON entry(recorded_at, idx);
  CREATE INDEX entry_run ON entry(run, idx);
  CREATE INDEX subject_digest ON subject(digest, idx);
  CREATE INDEX subject_name ON subject(name, idx);
  CREATE INDEX subject_label ON subject(label, idx);
)";

std::string run_of(const Record& record) {
  const auto run = record.fields.find("run_id");
  return run != record.fields.end() && run->is_string() ? run->get<std::string>() : "";
}

// "chat" of "system:chat": what a person calls it.
std::string_view label_of(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::string leaf_hash_at(const Ledger& ledger, std::uint64_t index) {
  const auto leaf = ledger.leaf(index);
  return leaf.has_value() ? leaf_hash(core::as_bytes(*leaf)).hex() : "";
}

// What the index says about how far it goes.
struct IndexState {
  std::uint64_t size = 0;
  std::string last_leaf_hash;
};
Result<IndexState> read_index_state(sqlite::Database& database) {
  SIGILLO_TRY(auto select, database.prepare("SELECT size, last_leaf_hash FROM state"));
  SIGILLO_TRY(const bool row, select.step());
  if (!row || select.integer(0) < 0)
    return Error{ErrorCode::ledger_corrupt, "the index has no state", ""};
  return IndexState{static_cast<std::uint64_t>(select.integer(0)), select.text(1)};
}

Result<sqlite::Database> open_file(const fs::path& file) {
  SIGILLO_TRY(auto database, sqlite::Database::open(file, sqlite::OpenMode::create));
  // Losing the newest rows in a power cut costs reading them again.
  SIGILLO_TRY_VOID(database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"));
  return database;
}

// Makes the tables if there are none; false if the file is not this ledger's index.
Result<bool> is_index_of(sqlite::Database& database, const Ledger& ledger) {
  SIGILLO_TRY(auto transaction, sqlite::Transaction::begin(database));
  SIGILLO_TRY(const std::int64_t objects, database.integer("SELECT count(*) FROM sqlite_schema"));
  if (objects == 0) {
    SIGILLO_TRY_VOID(database.execute(kIndexSchema));
    SIGILLO_TRY_VOID(database.execute("INSERT INTO state VALUES (0, '')"));
  }
  SIGILLO_TRY_VOID(transaction.commit());
  if (!database.require_schema(kIndexSchema).has_value()) return false;
  const auto state = read_index_state(database);
  if (!state.has_value()) return false;
  return state->size == 0 || leaf_hash_at(ledger, state->size - 1) == state->last_leaf_hash;
}

void remove_index(const fs::path& file) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"})
    fs::remove(fs::path(file.string() + suffix), ignored);
}

// Not the fault of what the file holds: a new one would not help.
bool cannot_write(const Error& error) {
  return error.code == ErrorCode::read_only || error.code == ErrorCode::permission_denied ||
         error.code == ErrorCode::disk_full;
}
bool is_damage(const Error& error) { return error.code == ErrorCode::ledger_corrupt; }

// Nothing: the file is damaged, or another ledger's index, and is to be made anew.
Result<std::optional<sqlite::Database>> open_if_ours(const fs::path& file, const Ledger& ledger) {
  using Found = std::optional<sqlite::Database>;
  auto database = open_file(file);
  if (!database.has_value())
    return is_damage(database.error()) ? Result<Found>(Found()) : database.error();
  const auto ours = is_index_of(*database, ledger);
  if (!ours.has_value() && !is_damage(ours.error())) return ours.error();
  return ours.has_value() && *ours ? Found(*std::move(database)) : Found();
}

Result<sqlite::Database> open_database(const fs::path& file, const Ledger& ledger) {
  SIGILLO_TRY(auto found, open_if_ours(file, ledger));
  if (found.has_value()) return *std::move(found);
  remove_index(file);
  SIGILLO_TRY(found, open_if_ours(file, ledger));
  if (found.has_value()) return *std::move(found);
  return Error{ErrorCode::io_error, fmt::format("{} cannot be made anew", file.string()),
               "remove it by hand: it is derived from the ledger"};
}

class Writer {
 public:
  static Result<Writer> create(sqlite::Database& database) {
    SIGILLO_TRY(auto entry, database.prepare("INSERT INTO entry VALUES (?, ?, ?, ?)"));
    SIGILLO_TRY(auto subject, database.prepare("INSERT INTO subject VALUES (?, ?, ?, ?)"));
    SIGILLO_TRY(auto signer, database.prepare("INSERT OR IGNORE INTO signer VALUES (?, ?)"));
    return Writer(std::move(entry), std::move(subject), std::move(signer));
  }

  Status add(std::uint64_t index, const Record& record) {
    const auto idx = static_cast<std::int64_t>(index);
    entry_.bind(1, idx).bind(2, record.kind->name).bind(3, std::string_view(record.recorded_at));
    const std::string run = run_of(record);
    entry_.bind(4, std::string_view(run));
    SIGILLO_TRY_VOID(entry_.run());
    for (const core::Subject& subject : record.statement.subjects) {
      const std::string digest = subject.sha256.hex();
      subject_.bind(1, std::string_view(digest)).bind(2, std::string_view(subject.name));
      subject_.bind(3, label_of(subject.name)).bind(4, idx);
      SIGILLO_TRY_VOID(subject_.run());
    }
    for (const core::EnvelopeSignature& signature : record.envelope.signatures) {
      signer_.bind(1, std::string_view(signature.key_id)).bind(2, idx);
      SIGILLO_TRY_VOID(signer_.run());
    }
    return {};
  }

 private:
  Writer(sqlite::Statement entry, sqlite::Statement subject, sqlite::Statement signer)
      : entry_(std::move(entry)), subject_(std::move(subject)), signer_(std::move(signer)) {}
  sqlite::Statement entry_, subject_, signer_;
};

// Reads on towards `size`, one transaction; false if there was nothing left.
Result<bool> read_some(sqlite::Database& database, const Ledger& ledger, std::uint64_t size) {
  SIGILLO_TRY(auto transaction, sqlite::Transaction::begin(database));
  SIGILLO_TRY(IndexState state, read_index_state(database));  // another process may have gone on
  if (state.size >= size) return false;
  SIGILLO_TRY(Writer writer, Writer::create(database));
  const std::uint64_t end = std::min(size, state.size + kReadAtOnce);
  SIGILLO_TRY_VOID(ledger.for_each(state.size, end, [&](const StoredEntry& entry) -> Status {
    state.last_leaf_hash = leaf_hash(entry.leaf).hex();
    // What is no record has nothing to be found by; fsck names it.
    const auto record = read_record(core::as_text(entry.leaf));
    return record.has_value() ? writer.add(entry.index, *record) : Status();
  }));
  SIGILLO_TRY(auto update, database.prepare("UPDATE state SET size = ?, last_leaf_hash = ?"));
  update.bind(1, static_cast<std::int64_t>(end)).bind(2, std::string_view(state.last_leaf_hash));
  SIGILLO_TRY_VOID(update.run());
  SIGILLO_TRY_VOID(transaction.commit());
  return true;
}

Status catch_up(sqlite::Database& database, const Ledger& ledger) {
  SIGILLO_TRY(const LedgerHead head, ledger.head());
  for (;;) {
    SIGILLO_TRY(const bool more, read_some(database, ledger, head.size));
    if (!more) return {};
  }
}

// The statement that finds, and what is bound to it in order.
struct Search {
  std::string sql = "SELECT idx FROM entry WHERE 1";
  std::vector<std::string> values;
  // `condition` has ?{v} for the value, once or more.
  void require(std::string_view condition, std::string value) {
    values.push_back(std::move(value));
    sql += " AND " + fmt::format(fmt::runtime(condition), fmt::arg("v", values.size()));
  }
};
Search search_for(const EntryQuery& query) {
  Search search;
  if (query.subject_digest.has_value())
    search.require("idx IN (SELECT idx FROM subject WHERE digest = ?{v})",
                   query.subject_digest->hex());
  if (!query.subject_name.empty())
    search.require("idx IN (SELECT idx FROM subject WHERE name = ?{v} OR label = ?{v})",
                   query.subject_name);
  if (!query.signer.empty())
    search.require("idx IN (SELECT idx FROM signer WHERE key = ?{v})", query.signer);
  if (!query.kind.empty()) search.require("kind = ?{v}", query.kind);
  if (!query.run.empty()) search.require("run = ?{v}", query.run);
  if (!query.since.empty()) search.require("recorded_at >= ?{v}", query.since);
  if (!query.before.empty()) search.require("recorded_at < ?{v}", query.before);
  search.sql += " ORDER BY idx";
  return search;
}

}  // namespace

bool EntryQuery::everything() const {
  return kind.empty() && !subject_digest.has_value() && subject_name.empty() && signer.empty() &&
         run.empty() && since.empty() && before.empty();
}

bool matches(const Record& record, const EntryQuery& query) {
  const auto any = [](const auto& list, const auto& holds) {
    return std::any_of(list.begin(), list.end(), holds);
  };
  const auto& subjects = record.statement.subjects;
  return (query.kind.empty() || record.kind->name == query.kind) &&
         (!query.subject_digest.has_value() ||
          any(subjects, [&](const auto& s) { return s.sha256 == *query.subject_digest; })) &&
         (query.subject_name.empty() || any(subjects,
                                            [&](const auto& s) {
                                              return s.name == query.subject_name ||
                                                     label_of(s.name) == query.subject_name;
                                            })) &&
         (query.signer.empty() || any(record.envelope.signatures,
                                      [&](const auto& s) { return s.key_id == query.signer; })) &&
         (query.run.empty() || run_of(record) == query.run) &&
         (query.since.empty() || record.recorded_at >= query.since) &&
         (query.before.empty() || record.recorded_at < query.before);
}

struct EntryIndex::Impl {
  mutable sqlite::Database database;
};
EntryIndex::EntryIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EntryIndex::EntryIndex(EntryIndex&&) noexcept = default;
EntryIndex& EntryIndex::operator=(EntryIndex&&) noexcept = default;
EntryIndex::~EntryIndex() = default;

Result<EntryIndex> EntryIndex::open(const fs::path& file, const Ledger& ledger) {
  auto database = open_database(file, ledger);
  if (!database.has_value() && cannot_write(database.error())) {
    database = sqlite::Database::open("", sqlite::OpenMode::memory);
    if (database.has_value()) SIGILLO_TRY_VOID(is_index_of(*database, ledger));
  }
  if (!database.has_value()) return database.error();
  SIGILLO_TRY_VOID(catch_up(*database, ledger));
  return EntryIndex(std::make_unique<Impl>(Impl{*std::move(database)}));
}

Status EntryIndex::find(
    const Ledger& ledger, const EntryQuery& query,
    const std::function<Status(std::uint64_t index, const Record& record)>& visit) const {
  const Search search = search_for(query);
  SIGILLO_TRY(auto select, impl_->database.prepare(search.sql));
  for (std::size_t i = 0; i < search.values.size(); ++i)
    select.bind(static_cast<int>(i) + 1, std::string_view(search.values[i]));
  for (;;) {
    SIGILLO_TRY(const bool row, select.step());
    if (!row) return {};
    const auto index = static_cast<std::uint64_t>(select.integer(0));
    const auto leaf = ledger.leaf(index);
    if (!leaf.has_value() && leaf.error().code != ErrorCode::not_found) return leaf.error();
    if (!leaf.has_value()) continue;  // the index says more than the ledger
    const auto record = read_record(*leaf);
    if (!record.has_value() || !matches(*record, query)) continue;
    SIGILLO_TRY_VOID(visit(index, *record));
  }
}

}  // namespace sigillo::audit
