#include "sigillo/audit/fsck.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <set>

#include "audit/evidence_builder.hpp"
#include "core/sqlite.hpp"
#include "sigillo/audit/private_values.hpp"
#include "sigillo/audit/trust.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::audit {
namespace sqlite = core::sqlite;
using core::Error;
using core::ErrorCode;
using core::Evidence;
using core::Result;
using core::Status;

std::string_view to_string(Severity severity) {
  return severity == Severity::note ? "note" : severity == Severity::warning ? "warning" : "error";
}

bool FsckReport::sound() const {
  for (const Finding& finding : findings)
    if (finding.severity == Severity::error) return false;
  return true;
}

namespace {

constexpr std::string_view kRestore =
    "keep this workspace as evidence; restore a good copy and compare the two";

class Check {
 public:
  explicit Check(const Workspace& workspace) : workspace_(workspace), builder_(workspace.blobs()) {}
  Result<FsckReport> run();

 private:
  void add(Severity severity, std::string check, std::string place, std::string message,
           std::string remedy) {
    report_.findings.push_back(
        {severity, std::move(check), std::move(place), std::move(message), std::move(remedy)});
  }
  void error(std::string check, std::string place, std::string message,
             std::string_view remedy = kRestore) {
    add(Severity::error, std::move(check), std::move(place), std::move(message),
        std::string(remedy));
  }
  Status walk_entries(const Ledger& ledger);
  void take_entry(const StoredEntry& entry);
  void take_record(std::uint64_t index, std::string_view leaf);
  void check_head(const Ledger& ledger);
  void check_checkpoints();
  void check_private_values();
  void check_projection();
  void collect_commitments(const core::Json& value);

  const Workspace& workspace_;
  FsckReport report_;
  EvidenceBuilder builder_;
  TrustList trust_;
  bool genesis_ = false;
  CompactRange range_;
  std::vector<StoredCheckpoint> stored_checkpoints_;
  std::size_t next_checkpoint_ = 0;
  std::map<std::uint64_t, Digest> roots_;  // recomputed, at the checkpoints' sizes
  std::map<std::uint64_t, Evidence>
      evidence_at_;  // at the latest checkpoint, and where the projection stands
  std::set<std::string>
      hex_values_;  // every digest-like value in records: what a commitment can be found among
  std::uint64_t projection_size_ = 0;
};

void Check::collect_commitments(const core::Json& value) {
  if (value.is_string() && value.get_ref<const std::string&>().size() == 64)
    hex_values_.insert(value.get<std::string>());
  if (value.is_structured())
    for (const core::Json& item : value) collect_commitments(item);
}

void Check::take_record(std::uint64_t index, std::string_view leaf) {
  const auto record = read_record(leaf);
  if (!record.has_value()) {
    const bool foreign = record.error().code == ErrorCode::unsupported;
    add(foreign ? Severity::warning : Severity::error, "record", fmt::format("entry {}", index),
        record.error().message, foreign ? "it counts for nothing here" : std::string(kRestore));
    return;
  }
  const auto signer = trust_.accept(index, *record);
  if (!signer.has_value()) {
    // A record that nobody may sign is only ignored; a signature that does not hold, or a lost
    // genesis, is damage.
    const bool ignored = signer.error().code == ErrorCode::not_trusted && index != 0;
    add(ignored ? Severity::warning : Severity::error, "trust",
        fmt::format("entry {} ({})", index, record->kind->name), signer.error().message,
        signer.error().remedy);
    return;
  }
  genesis_ = genesis_ || index == 0;
  ++report_.records;
  collect_commitments(record->fields);
  builder_.accept(index, *record, *signer);
}

void Check::take_entry(const StoredEntry& entry) {
  const std::string place = fmt::format("entry {}", entry.index);
  if (entry.index != range_.size()) {
    error("sequence", place, fmt::format("entry {} is missing", range_.size()));
    return;
  }
  const Digest hash = leaf_hash(entry.leaf);
  if (!std::ranges::equal(hash.bytes, entry.leaf_hash)) {
    error("leaf-hash", place,
          fmt::format("its bytes hash to {}, the ledger says {}", hash.hex(),
                      core::hex_encode(entry.leaf_hash)));
  }
  range_.append(hash);
  take_record(entry.index, core::as_text(entry.leaf));
  // Both are in order of size: one comparison an entry, however many checkpoints there are.
  if (next_checkpoint_ < stored_checkpoints_.size() &&
      stored_checkpoints_[next_checkpoint_].size == range_.size()) {
    roots_[range_.size()] = range_.root();
    ++next_checkpoint_;
  }
  const bool wanted =
      range_.size() == projection_size_ ||
      (!stored_checkpoints_.empty() && stored_checkpoints_.back().size == range_.size());
  if (wanted) evidence_at_[range_.size()] = builder_.evidence();
}

Status Check::walk_entries(const Ledger& ledger) {
  SIGILLO_TRY_VOID(
      ledger.for_each(0, std::uint64_t{1} << 62, [&](const StoredEntry& entry) -> Status {
        take_entry(entry);
        return {};
      }));
  if (!genesis_) {
    error("genesis", "entry 0", "the ledger has no genesis record that its owner signed");
  } else if (trust_.origin() != ledger.origin() || trust_.origin() != workspace_.config().origin) {
    error("genesis", "entry 0",
          fmt::format("it is about \"{}\"; the ledger says \"{}\", sigillo.json says \"{}\"",
                      trust_.origin(), ledger.origin(), workspace_.config().origin));
  }
  for (const BlobProblem& problem : builder_.problems())
    error("blob", problem.place, problem.error.message, problem.error.remedy);
  return {};
}

void Check::check_head(const Ledger& ledger) {
  report_.head = {range_.size(), range_.root()};
  const auto head = ledger.head();
  if (!head.has_value()) return error("head", "ledger head", head.error().message);
  if (head->size != range_.size() || head->root != range_.root())
    error("head", "ledger head",
          fmt::format("it says size {} root {}; the entries give size {} root {}", head->size,
                      head->root.hex(), range_.size(), range_.root().hex()));
}

void Check::check_checkpoints() {
  const auto log = NoteVerifier::parse(trust_.log_vkey());
  if (!log.has_value()) return error("checkpoint", "genesis", "it names no usable log key");
  for (const StoredCheckpoint& stored : stored_checkpoints_) {
    const std::string place = fmt::format("checkpoint of size {}", stored.size);
    const auto checkpoint = open_checkpoint(stored.note, *log);
    if (!checkpoint.has_value()) error("checkpoint", place, checkpoint.error().message);
    else if (checkpoint->size != stored.size || !roots_.contains(stored.size))
      error("checkpoint", place, "the ledger has no such size: entries are missing");
    else if (roots_[stored.size] != checkpoint->root)
      error("checkpoint", place,
            fmt::format("it signs root {}; the entries give {}", checkpoint->root.hex(),
                        roots_[stored.size].hex()));
    else ++report_.checkpoints;
  }
  if (stored_checkpoints_.empty())
    return error("checkpoint", "ledger", "no checkpoint is stored",
                 "sign one with `sigillo log checkpoint`");
  const StoredCheckpoint& latest = stored_checkpoints_.back();
  if (latest.size < range_.size())
    add(Severity::note, "checkpoint",
        fmt::format("entries {} to {}", latest.size, range_.size() - 1),
        "no checkpoint covers them yet", "`sigillo log checkpoint` signs one");
  const auto checkpoint = open_checkpoint(latest.note, *log);
  if (!checkpoint.has_value() || !evidence_at_.contains(latest.size)) return;
  report_.evidence = evidence_at_[latest.size];
  report_.evidence.origin = checkpoint->origin;
  report_.evidence.size = static_cast<std::int64_t>(checkpoint->size);
  report_.evidence.root = checkpoint->root.hex();
  report_.evidence.checkpoint = latest.note;
}

void Check::check_private_values() {
  const auto values = PrivateValues::open_read(workspace_.private_values_file());
  if (!values.has_value()) {
    if (values.error().code != ErrorCode::not_found)
      error("private-value", "private.db", values.error().message, values.error().remedy);
    return;
  }
  std::uint64_t orphans = 0;
  const Status status = values->for_each([&](const PrivateValue& value) -> Status {
    if (commitment(value.salt, value.field, value.value) != value.commitment)
      error(
          "private-value",
          fmt::format("private value \"{}\" of commitment {}", value.field, value.commitment.hex()),
          "the stored value is not the one that was committed to",
          "the ledger's commitment is right; restore private.db from a copy");
    if (!hex_values_.contains(value.commitment.hex())) ++orphans;
    return {};
  });
  if (!status.has_value())
    error("private-value", "private.db", status.error().message, status.error().remedy);
  if (orphans > 0)
    add(Severity::note, "private-value", "private.db",
        fmt::format(
            "{} values belong to no record: a record was interrupted before it was appended",
            orphans),
        "");
}

// -- the projection
// -------------------------------------------------------------------------------------------------

std::string cell_text(const core::Cell& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&cell)) return fmt::format("\"{}\"", *text);
  return "null";
}

std::string row_text(const core::ViewSchema& schema, const core::Row& row) {
  std::string text;
  for (std::size_t i = 0; i < row.size(); ++i)
    text += fmt::format("{}{}={}", i > 0 ? ", " : "", schema.columns[i].name, cell_text(row[i]));
  return text;
}

core::Cell read_cell(const sqlite::Statement& row, int column) {
  if (row.type(column) == SQLITE_INTEGER) return row.integer(column);
  if (row.is_null(column)) return {};
  return row.text(column);
}

Result<std::vector<core::Row>> read_rows(sqlite::Database& database,
                                         const core::ViewSchema& schema) {
  std::string columns;
  for (const core::ColumnSchema& column : schema.columns)
    columns += fmt::format("{}{}", columns.empty() ? "" : ", ", column.name);
  SIGILLO_TRY(auto select,
              database.prepare(fmt::format("SELECT {} FROM {}", columns, schema.name)));
  std::vector<core::Row> rows;
  for (;;) {
    SIGILLO_TRY(const bool more, select.step());
    if (!more) break;
    core::Row row;
    for (int i = 0; i < select.columns(); ++i) row.push_back(read_cell(select, i));
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

Result<std::uint64_t> projection_size(const std::filesystem::path& file) {
  SIGILLO_TRY(auto database, sqlite::Database::open(file, sqlite::OpenMode::read_only));
  SIGILLO_TRY(const std::int64_t size, database.integer("SELECT size FROM projection"));
  return static_cast<std::uint64_t>(size);
}

void Check::check_projection() {
  std::error_code ignored;
  if (!std::filesystem::exists(workspace_.projection_file(), ignored)) return;
  constexpr std::string_view remedy =
      "delete evidence.db: it is derived, and the next `sigillo gate` or `sigillo policy facts` "
      "writes it anew";
  const auto expected = evidence_at_.find(projection_size_);
  if (expected == evidence_at_.end())
    return error(
        "projection", "evidence.db",
        fmt::format("it was made at size {}, which the ledger does not have", projection_size_),
        remedy);
  auto database = sqlite::Database::open(workspace_.projection_file(), sqlite::OpenMode::read_only);
  if (!database.has_value())
    return error("projection", "evidence.db", database.error().message, remedy);
  for (const core::ViewSchema& schema : core::evidence_schema()) {
    const auto stored = read_rows(*database, schema);
    if (!stored.has_value()) {
      error("projection", fmt::format("evidence.db, {}", schema.name), stored.error().message,
            remedy);
      continue;
    }
    const auto found = expected->second.rows.find(schema.name);
    const std::vector<core::Row> verified =
        found == expected->second.rows.end() ? std::vector<core::Row>() : found->second;
    std::vector<core::Row> altered;
    std::set_difference(stored->begin(), stored->end(), verified.begin(), verified.end(),
                        std::back_inserter(altered));
    for (const core::Row& row : altered)
      error("projection", fmt::format("evidence.db, {}", schema.name),
            fmt::format("the ledger does not give this row: {}", row_text(schema, row)), remedy);
    std::vector<core::Row> missing;
    std::set_difference(verified.begin(), verified.end(), stored->begin(), stored->end(),
                        std::back_inserter(missing));
    for (const core::Row& row : missing)
      error("projection", fmt::format("evidence.db, {}", schema.name),
            fmt::format("this row of the ledger is missing: {}", row_text(schema, row)), remedy);
  }
}

Result<FsckReport> Check::run() {
  SIGILLO_TRY(const Ledger ledger, workspace_.ledger(Ledger::Access::read));
  SIGILLO_TRY(stored_checkpoints_, ledger.checkpoints());
  std::error_code ignored;
  if (std::filesystem::exists(workspace_.projection_file(), ignored)) {
    const auto size = projection_size(workspace_.projection_file());
    if (size.has_value()) projection_size_ = *size;
  }
  SIGILLO_TRY_VOID(walk_entries(ledger));
  check_head(ledger);
  if (genesis_) check_checkpoints();
  check_private_values();
  check_projection();
  report_.blobs = builder_.blobs();
  return std::move(report_);
}

}  // namespace

Result<FsckReport> fsck(const Workspace& workspace) { return Check(workspace).run(); }

Status write_projection(const Workspace& workspace, const Evidence& evidence) {
  const std::filesystem::path temporary =
      fmt::format("{}.{}.tmp", workspace.projection_file().string(), ::getpid());
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  {
    SIGILLO_TRY(auto database, sqlite::Database::open(temporary, sqlite::OpenMode::create));
    SIGILLO_TRY(auto transaction, sqlite::Transaction::begin(database));
    SIGILLO_TRY_VOID(database.execute(
        "CREATE TABLE projection(size INTEGER NOT NULL, root TEXT NOT NULL) STRICT"));
    SIGILLO_TRY(auto meta, database.prepare("INSERT INTO projection(size, root) VALUES (?1, ?2)"));
    SIGILLO_TRY_VOID(meta.bind(1, evidence.size).bind(2, evidence.root).run());
    for (const core::ViewSchema& schema : core::evidence_schema()) {
      std::string columns, marks;
      for (const core::ColumnSchema& column : schema.columns) {
        const std::string_view comma = columns.empty() ? "" : ", ";
        columns += fmt::format("{}{} {}", comma, column.name,
                               column.type == core::ColumnType::text ? "TEXT" : "INTEGER");
        marks += fmt::format("{}?", comma);
      }
      SIGILLO_TRY_VOID(
          database.execute(fmt::format("CREATE TABLE {}({}) STRICT", schema.name, columns)));
      const auto rows = evidence.rows.find(schema.name);
      if (rows == evidence.rows.end()) continue;
      SIGILLO_TRY(auto insert,
                  database.prepare(fmt::format("INSERT INTO {} VALUES ({})", schema.name, marks)));
      for (const core::Row& row : rows->second) {
        for (std::size_t i = 0; i < row.size(); ++i) {
          const int index = static_cast<int>(i) + 1;
          if (const auto* number = std::get_if<std::int64_t>(&row[i])) insert.bind(index, *number);
          else if (const auto* text = std::get_if<std::string>(&row[i])) insert.bind(index, *text);
          else insert.bind_null(index);
        }
        SIGILLO_TRY_VOID(insert.run());
      }
    }
    SIGILLO_TRY_VOID(transaction.commit());
  }
  if (::rename(temporary.c_str(), workspace.projection_file().c_str()) != 0)
    return core::error_from_errno(errno, "cannot replace", workspace.projection_file());
  return {};
}

}  // namespace sigillo::audit
