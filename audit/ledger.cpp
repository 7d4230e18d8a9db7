#include "sigillo/audit/ledger.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "core/sqlite.hpp"
#include "sigillo/audit/record.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
namespace sqlite = core::sqlite;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

namespace {

// docs/formats/ledger.md describes these tables. Files are compared with this text: another one is
// another kLedgerVersion.
constexpr std::string_view kLedgerSchema = R"(
  CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE entries(idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL, leaf_hash BLOB NOT NULL) STRICT;
  CREATE TABLE state(id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, root BLOB NOT NULL,
                     subtrees BLOB NOT NULL) STRICT;
  CREATE TABLE checkpoints(size INTEGER PRIMARY KEY, note TEXT NOT NULL, subtrees BLOB NOT NULL) STRICT;
)";

Error corrupt(std::string what) {
  return Error{ErrorCode::ledger_corrupt, std::move(what),
               "run `sigillo log fsck`, keep this file, and restore a good copy"};
}

core::Bytes pack(const CompactRange& range) {
  core::Bytes out;
  for (const Digest& hash : range.hashes())
    out.insert(out.end(), hash.bytes.begin(), hash.bytes.end());
  return out;
}

Result<CompactRange> unpack(std::uint64_t size, core::ByteView bytes) {
  if (bytes.size() % 32 != 0) return corrupt("the stored subtree hashes have a wrong length");
  std::vector<Digest> hashes;
  for (std::size_t i = 0; i < bytes.size(); i += 32) {
    SIGILLO_TRY(Digest hash, Digest::from_bytes(bytes.subspan(i, 32)));
    hashes.push_back(hash);
  }
  auto range = CompactRange::restore(size, std::move(hashes));
  if (!range.has_value()) return corrupt("the stored subtree hashes do not fit the stored size");
  return range;
}

struct State {
  CompactRange range;
  Digest root;  // as stored
};

Result<State> load_state(sqlite::Database& database) {
  SIGILLO_TRY(auto select, database.prepare("SELECT size, root, subtrees FROM state WHERE id = 1"));
  SIGILLO_TRY(const bool row, select.step());
  if (!row || select.integer(0) < 0) return corrupt("the ledger has no head");
  SIGILLO_TRY(CompactRange range,
              unpack(static_cast<std::uint64_t>(select.integer(0)), select.blob_view(2)));
  const auto root = Digest::from_bytes(select.blob_view(1));
  if (!root.has_value() || *root != range.root())
    return corrupt("the stored root is not the root of the stored subtree hashes");
  return State{std::move(range), *root};
}

struct Published {
  CompactRange range;
  std::string note;
};

// The latest checkpoint that the ledger holds, and the tree that it is about.
Result<std::optional<Published>> load_latest(sqlite::Database& database, const NoteVerifier& log) {
  SIGILLO_TRY(
      auto latest,
      database.prepare("SELECT note, subtrees FROM checkpoints ORDER BY size DESC LIMIT 1"));
  SIGILLO_TRY(const bool row, latest.step());
  if (!row) return std::optional<Published>();
  Published published;
  published.note = latest.text(0);
  SIGILLO_TRY(const Checkpoint checkpoint, open_checkpoint(published.note, log));
  SIGILLO_TRY(published.range, unpack(checkpoint.size, latest.blob_view(1)));
  if (published.range.root() != checkpoint.root)
    return corrupt("the latest checkpoint does not fit its subtree hashes");
  return std::optional(std::move(published));
}

// What the log signed last, as the store outside of the ledger knows it.
struct Before {
  std::optional<std::string> note;  // nothing: a first checkpoint, or a ledger without a store
  Checkpoint checkpoint;
  // Only a tree of exactly that size can be another one.
  [[nodiscard]] bool fits(const CompactRange& range) const {
    return !note.has_value() || range.size() != checkpoint.size || range.root() == checkpoint.root;
  }
};

// Of a copy that is known to lack what was signed.
constexpr std::string_view kResume =
    "stop whatever writes here, and put the newest copy back; if there is none, `sigillo log "
    "resume "
    "--accept-loss` goes on from this one and records the loss";
// Of one of which nothing is known.
constexpr std::string_view kShow =
    "stop whatever writes here, and make sure that this is the newest copy; `sigillo log resume "
    "--since CHECKPOINT` shows that nothing is missing, --accept-loss records that something may "
    "be";

Result<Before> read_before(const CheckpointStore* store, const NoteVerifier& log, bool published) {
  Before before;
  if (store == nullptr) return before;
  SIGILLO_TRY(before.note, store->last(log));
  if (before.note.has_value()) {
    SIGILLO_TRY(before.checkpoint, open_checkpoint(*before.note, log));
  } else if (published) {
    std::error_code ignored;
    if (!fs::exists(store->folder(), ignored))
      return Error{
          ErrorCode::ledger_corrupt,
          fmt::format("the folder of the checkpoint store, {}, is not there",
                      store->folder().string()),
          "mount it, or put it right in sigillo.json (\"checkpoint_store\"); only if it is "
          "lost: `sigillo log resume`"};
    return Error{ErrorCode::ledger_corrupt,
                 fmt::format("{} does not know this log, though it has signed checkpoints: nothing "
                             "shows that this is its newest copy",
                             store->folder().string()),
                 std::string(kShow)};
  }
  return before;
}

Error old_copy(std::uint64_t size, std::uint64_t was_signed) {
  return Error{ErrorCode::ledger_corrupt,
               fmt::format("the ledger has {} entries, but a checkpoint of {} was signed: an old "
                           "copy was restored",
                           size, was_signed),
               std::string(kResume)};
}

// covered: by the ledger's latest checkpoint; size: of the ledger.
Status check_sizes(const Before& before, std::uint64_t covered, std::uint64_t size) {
  if (covered > size)
    return corrupt("the latest checkpoint is larger than the ledger: an old copy was restored");
  if (!before.note.has_value()) return {};
  if (before.checkpoint.size > size) return old_copy(size, before.checkpoint.size);
  if (before.checkpoint.size < covered)
    return Error{ErrorCode::ledger_corrupt,
                 fmt::format("the ledger's latest checkpoint has size {}, the last one that is "
                             "known to be signed {}: the checkpoint store was restored",
                             covered, before.checkpoint.size),
                 std::string(kShow)};
  return {};
}

Error forked(const Checkpoint& before) {
  return Error{ErrorCode::ledger_corrupt,
               fmt::format("the ledger's first {} entries are not those that were signed: it is a "
                           "fork of another copy",
                           before.size),
               std::string(kResume)};
}

// A ledger that was closed cleanly has no WAL; on a read-only file system SQLite then needs to be
// told that nobody writes.
Result<sqlite::Database> open_read_only(const fs::path& file) {
  auto database = sqlite::Database::open(file, sqlite::OpenMode::read_only);
  std::error_code ignored;
  const bool readable =
      database.has_value() && database->integer("SELECT count(*) FROM sqlite_schema").has_value();
  if (readable || fs::exists(file.string() + "-wal", ignored)) return database;
  return sqlite::Database::open_immutable(file);
}

Status check_identity(sqlite::Database& database, const fs::path& file) {
  SIGILLO_TRY(const std::int64_t id, database.integer("PRAGMA application_id"));
  SIGILLO_TRY(const std::int64_t version, database.integer("PRAGMA user_version"));
  if (id != kApplicationId)
    return corrupt(fmt::format("{} is not a Sigillo ledger", file.string()));
  if (version > kLedgerVersion)
    return Error{ErrorCode::workspace_newer,
                 fmt::format("{} has schema {}; this sigillo knows {}", file.string(), version,
                             kLedgerVersion),
                 "use the sigillo that wrote it, or a newer one"};
  if (version != kLedgerVersion)
    return corrupt(fmt::format("{} has unknown schema {}", file.string(), version));
  return {};
}

// Nothing is acknowledged that the store does not give back.
Status check_appended(const Ledger& ledger, std::uint64_t first,
                      std::span<const std::string> leaves) {
  std::size_t same = 0;
  SIGILLO_TRY_VOID(
      ledger.for_each(first, first + leaves.size(), [&](const StoredEntry& entry) -> Status {
        const std::size_t place = entry.index - first;
        if (place < leaves.size() && core::as_text(entry.leaf) == leaves[place]) ++same;
        return {};
      }));
  SIGILLO_TRY(const LedgerHead head, ledger.head());
  if (same == leaves.size() && head.size >= first + leaves.size()) return {};
  return corrupt(
      fmt::format("of {} entries that were committed from {} on, {} are read back, and the head is "
                  "at {}",
                  leaves.size(), first, same, head.size));
}

}  // namespace

struct Ledger::Impl {
  mutable sqlite::Database database;
  std::string origin;
};

Ledger::Ledger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;
Ledger::~Ledger() = default;

Result<Ledger> Ledger::create(const fs::path& file, std::string_view origin) {
  std::error_code ignored;
  if (fs::exists(file, ignored))
    return Error{ErrorCode::already_exists, fmt::format("{} exists already", file.string()),
                 "a ledger is never overwritten"};
  SIGILLO_TRY(auto database, sqlite::Database::open(file, sqlite::OpenMode::create));
  SIGILLO_TRY_VOID(database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"));
  SIGILLO_TRY(auto transaction, sqlite::Transaction::begin(database));
  SIGILLO_TRY_VOID(database.execute(kLedgerSchema));
  SIGILLO_TRY_VOID(database.execute(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}",
                                                kApplicationId, kLedgerVersion)));
  SIGILLO_TRY(auto meta, database.prepare("INSERT INTO meta(name, value) VALUES ('origin', ?1)"));
  SIGILLO_TRY_VOID(meta.bind(1, origin).run());
  SIGILLO_TRY(auto state, database.prepare(
                              "INSERT INTO state(id, size, root, subtrees) VALUES (1, 0, ?1, ?2)"));
  SIGILLO_TRY_VOID(state.bind(1, CompactRange().root().view()).bind(2, core::ByteView()).run());
  SIGILLO_TRY_VOID(transaction.commit());
  return Ledger(std::make_unique<Impl>(Impl{std::move(database), std::string(origin)}));
}

Result<Ledger> Ledger::open(const fs::path& file, Access access) {
  std::error_code error;
  // A folder that may not be searched must not read as "there is no ledger".
  if (fs::status(file, error).type() == fs::file_type::not_found)
    return Error{ErrorCode::not_found, fmt::format("{} does not exist", file.string()),
                 "`sigillo init` makes a workspace"};
  if (error) return core::error_from_errno(error.value(), "cannot open", file);
  const bool write = access == Access::write;
  SIGILLO_TRY(auto database, write ? sqlite::Database::open(file, sqlite::OpenMode::read_write)
                                   : open_read_only(file));
  SIGILLO_TRY_VOID(check_identity(database, file));
  SIGILLO_TRY_VOID(database.require_schema(kLedgerSchema));
  if (write) SIGILLO_TRY_VOID(database.execute("PRAGMA synchronous=FULL"));
  std::string origin;
  {
    SIGILLO_TRY(auto meta, database.prepare("SELECT value FROM meta WHERE name = 'origin'"));
    SIGILLO_TRY(const bool row, meta.step());
    if (!row) return corrupt("the ledger has no origin");
    origin = meta.text(0);
  }
  return Ledger(std::make_unique<Impl>(Impl{std::move(database), std::move(origin)}));
}

const std::string& Ledger::origin() const { return impl_->origin; }

Result<LedgerHead> Ledger::head() const {
  SIGILLO_TRY(const State state, load_state(impl_->database));
  return LedgerHead{state.range.size(), state.root};
}

Result<std::uint64_t> Ledger::append(std::span<const std::string> leaves) {
  return append(leaves, false);
}

Result<std::uint64_t> Ledger::seal(const std::string& leaf) { return append({&leaf, 1}, true); }

Result<bool> Ledger::sealed() const {
  SIGILLO_TRY(const std::int64_t rows,
              impl_->database.integer("SELECT count(*) FROM meta WHERE name = 'sealed'"));
  return rows > 0;
}

Status Ledger::require_open() const {
  SIGILLO_TRY(const bool closed, sealed());
  if (!closed) return {};
  return Error{
      ErrorCode::locked, fmt::format("the ledger {} is sealed", origin()),
      "try again; if that does not help, `sigillo log rotate` finishes a rotation that was "
      "interrupted"};
}

Result<std::uint64_t> Ledger::append(std::span<const std::string> leaves, bool last) {
  if (leaves.empty() || leaves.size() > kMaxBatch)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("a batch has 1 to {} entries, not {}", kMaxBatch, leaves.size()), ""};
  for (const std::string& leaf : leaves)
    if (leaf.empty() || leaf.size() > kMaxLeafBytes)
      return Error{ErrorCode::input_too_large,
                   fmt::format("an entry has 1 to {} bytes, not {}", kMaxLeafBytes, leaf.size()),
                   ""};

  SIGILLO_TRY(auto transaction, sqlite::Transaction::begin(impl_->database));
  SIGILLO_TRY_VOID(require_open());
  SIGILLO_TRY(State state, load_state(impl_->database));
  const std::uint64_t first = state.range.size();
  SIGILLO_TRY(const std::int64_t end,
              impl_->database.integer("SELECT ifnull(max(idx), -1) FROM entries"));
  if (end != static_cast<std::int64_t>(first) - 1)
    return corrupt(
        fmt::format("the head says {} entries, but the last entry stored is {}", first, end));
  SIGILLO_TRY(auto insert, impl_->database.prepare(
                               "INSERT INTO entries(idx, leaf, leaf_hash) VALUES (?1, ?2, ?3)"));
  for (const std::string& leaf : leaves) {
    const Digest hash = leaf_hash(core::as_bytes(leaf));
    insert.bind(1, static_cast<std::int64_t>(state.range.size()))
        .bind(2, core::as_bytes(leaf))
        .bind(3, hash.view());
    SIGILLO_TRY_VOID(insert.run());
    state.range.append(hash);
  }
  // The head moves by compare-and-swap: if it is not where this batch began, nothing happens.
  SIGILLO_TRY(auto move, impl_->database.prepare("UPDATE state SET size = ?1, root = ?2, subtrees "
                                                 "= ?3 WHERE id = 1 AND size = ?4 RETURNING size"));
  move.bind(1, static_cast<std::int64_t>(state.range.size())).bind(2, state.range.root().view());
  move.bind(3, pack(state.range)).bind(4, static_cast<std::int64_t>(first));
  SIGILLO_TRY(const bool moved, move.step());
  if (!moved)
    return Error{ErrorCode::locked, "another process moved the ledger's head", "try again"};
  move.reset();
  if (last)
    SIGILLO_TRY_VOID(
        impl_->database.execute("INSERT INTO meta(name, value) VALUES ('sealed', 'yes')"));
  SIGILLO_TRY_VOID(transaction.commit());
  SIGILLO_TRY_VOID(check_appended(*this, first, leaves));
  return first;
}

Result<std::string> Ledger::publish(const core::PrivateKey& log_key,
                                    const CheckpointStore& signed_before) {
  return publish(log_key, &signed_before);
}

Result<std::string> Ledger::publish(const core::PrivateKey& log_key) {
  return publish(log_key, nullptr);
}

Result<std::string> Ledger::publish(const core::PrivateKey& log_key,
                                    const CheckpointStore* signed_before) {
  SIGILLO_TRY(const NoteVerifier verifier, NoteVerifier::create(origin(), log_key.public_key()));
  SIGILLO_TRY(auto transaction, sqlite::Transaction::begin(impl_->database));
  SIGILLO_TRY(const State state, load_state(impl_->database));

  SIGILLO_TRY(std::optional<Published> latest, load_latest(impl_->database, verifier));
  const std::uint64_t covered = latest.has_value() ? latest->range.size() : 0;
  SIGILLO_TRY(Before before, read_before(signed_before, verifier, latest.has_value()));
  SIGILLO_TRY_VOID(check_sizes(before, covered, state.range.size()));
  if (latest.has_value() && covered == state.range.size()) {
    if (latest->range.root() != state.root)
      return corrupt("the latest checkpoint has another root than the ledger");
    if (!before.fits(latest->range)) return forked(before.checkpoint);
    return latest->note;
  }
  // What is signed is what was read back from the store, never what the writer believes to have
  // written.
  CompactRange range = latest.has_value() ? std::move(latest->range) : CompactRange();
  bool fits = before.fits(range);
  SIGILLO_TRY_VOID(for_each(covered, state.range.size(), [&](const StoredEntry& entry) -> Status {
    range.append(leaf_hash(entry.leaf));
    fits = fits && before.fits(range);
    return {};
  }));
  if (range.size() != state.range.size() || range.root() != state.root)
    return corrupt(
        fmt::format("the entries that were read back do not give the stored root at size {}",
                    state.range.size()));
  if (!fits) return forked(before.checkpoint);

  SIGILLO_TRY(std::string note, sign_checkpoint({origin(), range.size(), range.root()}, log_key));
  // First where no backup reaches, then here, then to whoever asked. What was read back may be what
  // a killed process left unsynced: it must not be lost once the store knows it.
  if (signed_before != nullptr) {
    SIGILLO_TRY_VOID(impl_->database.sync_log());
    SIGILLO_TRY_VOID(signed_before->advance(verifier, before.note, note));
  }
  SIGILLO_TRY(
      auto insert,
      impl_->database.prepare("INSERT INTO checkpoints(size, note, subtrees) VALUES (?1, ?2, ?3)"));
  SIGILLO_TRY_VOID(insert.bind(1, static_cast<std::int64_t>(range.size()))
                       .bind(2, note)
                       .bind(3, pack(range))
                       .run());
  SIGILLO_TRY_VOID(transaction.commit());
  return note;
}

Status Ledger::require_newest(const NoteVerifier& log, const CheckpointStore& signed_before) const {
  // In this order: what others append and sign meanwhile is no old copy.
  SIGILLO_TRY(const std::optional<Published> latest, load_latest(impl_->database, log));
  SIGILLO_TRY(const Before before, read_before(&signed_before, log, latest.has_value()));
  // Nothing is appended that could not be signed.
  if (::access(signed_before.folder().c_str(), W_OK) != 0 && errno != ENOENT)
    return core::error_from_errno(errno, "cannot write to", signed_before.folder());
  SIGILLO_TRY(const LedgerHead now, head());
  return check_sizes(before, latest.has_value() ? latest->range.size() : 0, now.size);
}

Status Ledger::adopt(std::string_view note, const NoteVerifier& log) {
  SIGILLO_TRY(const Checkpoint checkpoint, open_checkpoint(note, log));
  SIGILLO_TRY(auto transaction, sqlite::Transaction::begin(impl_->database));
  SIGILLO_TRY(const State state, load_state(impl_->database));
  if (checkpoint.origin != origin() || checkpoint.size != state.range.size() ||
      checkpoint.root != state.root)
    return Error{
        ErrorCode::proof_invalid,
        fmt::format("the checkpoint signs size {} root {}; the entries give size {} root {}",
                    checkpoint.size, checkpoint.root.hex(), state.range.size(), state.root.hex()),
        "entries or checkpoint were altered: get the file again"};
  SIGILLO_TRY(
      auto insert,
      impl_->database.prepare("INSERT INTO checkpoints(size, note, subtrees) VALUES (?1, ?2, ?3)"));
  SIGILLO_TRY_VOID(insert.bind(1, static_cast<std::int64_t>(checkpoint.size))
                       .bind(2, note)
                       .bind(3, pack(state.range))
                       .run());
  return transaction.commit();
}

Result<std::string> Ledger::add_cosignatures(std::uint64_t size, std::string_view lines,
                                             const std::vector<NoteVerifier>& witnesses) {
  SIGILLO_TRY(auto transaction, sqlite::Transaction::begin(impl_->database));
  std::string note;
  {
    SIGILLO_TRY(auto select,
                impl_->database.prepare("SELECT note FROM checkpoints WHERE size = ?1"));
    SIGILLO_TRY(const bool row, select.bind(1, static_cast<std::int64_t>(size)).step());
    if (!row)
      return Error{ErrorCode::not_found, fmt::format("there is no checkpoint of size {}", size),
                   ""};
    note = select.text(0);
  }
  const std::size_t blank = note.rfind("\n\n");
  if (blank == std::string::npos) return corrupt("a stored checkpoint is no signed note");
  SIGILLO_TRY(const OpenedNote opened,
              open_note(fmt::format("{}\n{}", note.substr(0, blank + 1), lines), witnesses));
  std::string verified;
  for (const NoteSigner& signer : opened.signers)
    if (signer.key.type() == SignatureType::cosignature) verified += signer.line;
  SIGILLO_TRY(std::string cosigned, add_signature_lines(note, verified));
  {
    SIGILLO_TRY(auto update,
                impl_->database.prepare("UPDATE checkpoints SET note = ?2 WHERE size = ?1"));
    SIGILLO_TRY_VOID(update.bind(1, static_cast<std::int64_t>(size)).bind(2, cosigned).run());
  }
  SIGILLO_TRY_VOID(transaction.commit());
  return cosigned;
}

Result<std::string> Ledger::leaf(std::uint64_t index) const {
  SIGILLO_TRY(auto select, impl_->database.prepare("SELECT leaf FROM entries WHERE idx = ?1"));
  SIGILLO_TRY(const bool row, select.bind(1, static_cast<std::int64_t>(index)).step());
  if (!row)
    return Error{ErrorCode::not_found, fmt::format("the ledger has no entry {}", index),
                 "`sigillo log list` shows the entries"};
  return std::string(core::as_text(select.blob_view(0)));
}

Result<std::vector<StoredCheckpoint>> Ledger::checkpoints() const {
  SIGILLO_TRY(auto select, impl_->database.prepare(
                               "SELECT size, note, subtrees FROM checkpoints ORDER BY size"));
  std::vector<StoredCheckpoint> all;
  for (;;) {
    SIGILLO_TRY(const bool row, select.step());
    if (!row) return all;
    all.push_back({static_cast<std::uint64_t>(select.integer(0)), select.text(1), select.blob(2)});
  }
}

Result<std::string> Ledger::latest_checkpoint() const {
  SIGILLO_TRY(auto select,
              impl_->database.prepare("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1"));
  SIGILLO_TRY(const bool row, select.step());
  if (!row)
    return Error{ErrorCode::not_found, "the ledger has no checkpoint",
                 "`sigillo log checkpoint` signs one"};
  return select.text(0);
}

Result<std::uint64_t> Ledger::row_count() const {
  SIGILLO_TRY(const std::int64_t count, impl_->database.integer("SELECT count(*) FROM entries"));
  return static_cast<std::uint64_t>(count);
}

Status Ledger::copy_to(const fs::path& file) const { return impl_->database.copy_to(file); }

Status Ledger::use_wal() {
  SIGILLO_TRY_VOID(impl_->database.execute("PRAGMA journal_mode=WAL"));
  SIGILLO_TRY(const Storage now, storage());
  if (now.journal_mode == "wal") return {};
  return Error{ErrorCode::io_error,
               fmt::format("the ledger is journalled as {}, not wal", now.journal_mode),
               "use a file system on this machine, not one on the network"};
}

Result<Ledger::Storage> Ledger::storage() const {
  SIGILLO_TRY(auto mode, impl_->database.prepare("PRAGMA journal_mode"));
  SIGILLO_TRY(const bool row, mode.step());
  return Storage{sqlite3_libversion(), row ? mode.text(0) : ""};
}

Status Ledger::in_snapshot(const std::function<Status()>& read) const {
  SIGILLO_TRY_VOID(impl_->database.execute("BEGIN"));
  Status status = read();
  const Status ended = impl_->database.execute("ROLLBACK");
  return status.has_value() ? ended : status;
}

Status Ledger::for_each(std::uint64_t first, std::uint64_t end,
                        const std::function<Status(const StoredEntry&)>& visit) const {
  SIGILLO_TRY(
      auto select,
      impl_->database.prepare(
          "SELECT idx, leaf, leaf_hash FROM entries WHERE idx >= ?1 AND idx < ?2 ORDER BY idx"));
  select.bind(1, static_cast<std::int64_t>(first)).bind(2, static_cast<std::int64_t>(end));
  for (;;) {
    SIGILLO_TRY(const bool row, select.step());
    if (!row) return {};
    SIGILLO_TRY_VOID(visit(
        {static_cast<std::uint64_t>(select.integer(0)), select.blob_view(1), select.blob_view(2)}));
  }
}

}  // namespace sigillo::audit
