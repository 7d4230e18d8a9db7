#include "sigillo/audit/fsck.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <set>

#include "audit/evidence_builder.hpp"
#include "core/sqlite.hpp"
#include "sigillo/audit/erasure.hpp"
#include "sigillo/audit/private_values.hpp"
#include "sigillo/audit/shards.hpp"
#include "sigillo/audit/time_stamp.hpp"
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

// What is recomputed of one shard.
struct ShardState {
  explicit ShardState(std::uint64_t shard, std::uint64_t first_number)
      : number(shard), first(first_number), trust(first_number) {}
  std::uint64_t number, first;  // the shard's, and its first entry's
  TrustList trust;
  std::optional<PrunedShard> pruned;  // what stays of it, instead of a ledger
  bool readable = false;              // a ledger is there
  bool genesis = false;
  std::string origin;  // as the ledger says
  CompactRange range;
  std::vector<StoredCheckpoint> stored;
  // Recomputed at the sizes that a checkpoint or the projection names.
  std::map<std::uint64_t, std::optional<CompactRange>> ranges;
  std::optional<core::Json> first_trust;  // what its second entry says
  std::optional<Record> start, end;       // its handovers
  std::uint64_t end_index = 0;
  // What the checkpoint store says of this log; nothing if it does not know it.
  Result<std::optional<std::string>> signed_note{std::optional<std::string>()};
  std::optional<Checkpoint> signed_before;

  // Recomputed; of a pruned shard, as its final checkpoint signs them.
  [[nodiscard]] std::uint64_t size() const {
    return pruned.has_value() ? pruned->checkpoint.size : range.size();
  }
  [[nodiscard]] Digest root() const {
    return pruned.has_value() ? pruned->checkpoint.root : range.root();
  }
};

class Check {
 public:
  explicit Check(const Workspace& workspace) : workspace_(workspace), builder_(workspace.blobs()) {}
  Status remember(const KnownBefore& known);
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
  void open_projection();
  Status read_shard(std::uint64_t number);
  Status read_ledger(ShardState& shard, const Ledger& ledger);
  void read_pruned(ShardState& shard);
  void check_pruned(const ShardState& shard);
  void check_prunings();
  void check_genesis(const ShardState& shard);
  void check_known_before();
  void take_entry(ShardState& shard, const StoredEntry& entry);
  void take_record(ShardState& shard, std::uint64_t index, std::string_view leaf);
  void check_time_stamp(const ShardState& shard, std::uint64_t index, const Record& record);
  void take_handover(ShardState& shard, std::uint64_t index, const Record& record);
  Status check_head(ShardState& shard, const Ledger& ledger);
  void check_checkpoint(const ShardState& shard, const StoredCheckpoint& stored,
                        const NoteVerifier& log);
  void check_checkpoints(const ShardState& shard);
  void read_signed_before(ShardState& shard, const Ledger& ledger);
  void check_signed_before(const ShardState& shard);
  void check_handovers();
  void check_handover(const ShardState& ended, const ShardState& begun);
  void check_last_shard(const ShardState& shard);
  void give_evidence();
  void check_private_values();
  void check_projection();
  void compare_rows(const core::ViewSchema& schema, const std::vector<core::Row>& stored,
                    const std::vector<core::Row>& verified);
  void collect_commitments(const core::Json& value);

  // Places are named by the entry's number; the shard is named where there are several.
  [[nodiscard]] static std::string entry(const ShardState& shard, std::uint64_t index) {
    return fmt::format("entry {}", shard.first + index);
  }
  [[nodiscard]] std::string of(const ShardState& shard) const {
    return workspace_.config().shard > 1 ? fmt::format(" of shard {}", shard.number) : "";
  }

  const Workspace& workspace_;
  std::string known_log_key_;
  std::optional<Checkpoint> known_checkpoint_;
  FsckReport report_;
  EvidenceBuilder builder_;
  ErasureHistory erasures_;
  std::vector<Pruning> prunings_;
  std::vector<ShardState> shards_;
  Evidence latest_evidence_;                    // at the latest checkpoint
  std::optional<Evidence> projected_evidence_;  // where the projection stands
  std::set<std::string>
      hex_values_;  // every digest-like value in records: what a commitment can be found among
  // Opened once: another process may put a new file in its place meanwhile.
  std::optional<Result<sqlite::Database>> projection_;
  std::uint64_t projection_size_ = 0;
  std::string projection_root_;
};

// The hash of every subtree, in the form that the ledger stores.
core::Bytes packed(const CompactRange& range) {
  core::Bytes out;
  for (const Digest& hash : range.hashes())
    out.insert(out.end(), hash.bytes.begin(), hash.bytes.end());
  return out;
}

void Check::collect_commitments(const core::Json& value) {
  if (value.is_string() && value.get_ref<const std::string&>().size() == 64)
    hex_values_.insert(value.get<std::string>());
  if (value.is_structured())
    for (const core::Json& item : value) collect_commitments(item);
}

void Check::take_record(ShardState& shard, std::uint64_t index, std::string_view leaf) {
  const auto record = read_record(leaf);
  if (!record.has_value()) {
    const bool foreign = record.error().code == ErrorCode::unsupported;
    add(foreign ? Severity::warning : Severity::error, "record", entry(shard, index),
        record.error().message, foreign ? "it counts for nothing here" : std::string(kRestore));
    return;
  }
  const std::uint64_t number = shard.first + index;
  const std::string place = fmt::format("entry {} ({})", number, record->kind->name);
  const auto signer = shard.trust.accept(number, *record);
  if (!signer.has_value()) {
    // A record that nobody may sign is only ignored; a signature that does not hold, or a lost
    // genesis, is damage.
    const bool ignored = signer.error().code == ErrorCode::not_trusted && index != 0;
    if (const auto revoked = shard.trust.revoked_by(*record); ignored && revoked.has_value())
      return add(Severity::warning, "revoked", place,
                 fmt::format("a key signed it that entry {} took off the trust list: it counts for "
                             "nothing",
                             *revoked),
                 "if nobody of yours still signs with that key, somebody else has it");
    add(ignored ? Severity::warning : Severity::error, "trust", place, signer.error().message,
        signer.error().remedy);
    return;
  }
  shard.genesis = shard.genesis || index == 0;
  if (index == 1) shard.first_trust = trust_fields(shard.trust);
  ++report_.records;
  if (record->kind->name == "ledger-restored")
    add(Severity::note, "restored", entry(shard, index),
        fmt::format(
            "an old copy of {} entries was restored here: entries that followed them may be "
            "lost",
            record->fields.at("size").get<std::int64_t>()),
        "compare with checkpoints and receipts that others hold");
  if (record->kind->name == kTimeStampKind) check_time_stamp(shard, index, *record);
  take_handover(shard, index, *record);
  if (auto pruning = read_pruning(number, *record); pruning.has_value()) {
    if (!erasures_.holds().empty())
      add(Severity::warning, "pruning", place,
          fmt::format("it was recorded while the legal hold \"{}\" was in force",
                      erasures_.holds().begin()->first),
          "find out who pruned what, and tell whoever ordered the hold");
    prunings_.push_back(*std::move(pruning));
  }
  erasures_.accept(number, *record);
  collect_commitments(record->fields);
  builder_.accept(number, *record, *signer);
}

void Check::take_handover(ShardState& shard, std::uint64_t index, const Record& record) {
  if (record.kind->name == kShardEndKind) {
    shard.end = record;
    shard.end_index = index;
  } else if (record.kind->name == kShardStartKind) {
    if (index == kShardStartIndex && shard.number > 1) shard.start = record;
    else
      error("handover", fmt::format("{} (shard-start)", entry(shard, index)),
            "only the third entry of a later shard is a start");
  }
}

// Whom to believe about time is the reader's choice, so that no root is asked for here: what is
// checked is that the stamp is about this ledger.
void Check::check_time_stamp(const ShardState& shard, std::uint64_t index, const Record& record) {
  const std::string place = fmt::format("{} (time-stamp)", entry(shard, index));
  // Of this log; or of one before it, where a rotation came between the query and the record.
  std::optional<Error> problem;
  for (auto about = shards_.rbegin(); about != shards_.rend(); ++about) {
    const auto log = NoteVerifier::parse(about->trust.log_vkey());
    if (!log.has_value()) continue;  // told of the genesis
    const auto stamped = recorded_checkpoint(record, *log);
    if (!stamped.has_value()) {
      if (!problem.has_value()) problem = stamped.error();
      continue;
    }
    const Checkpoint& checkpoint = stamped->checkpoint;
    const auto range = about->ranges.find(checkpoint.size);
    const bool known = range != about->ranges.end() && range->second.has_value();
    const std::uint64_t limit = about->number == shard.number ? index : about->size();
    const bool other = checkpoint.size == about->size() && about->pruned.has_value() &&
                       checkpoint.root != about->root();
    if (checkpoint.size > limit || other || (known && range->second->root() != checkpoint.root))
      error("time-stamp", place,
            fmt::format("it is about size {} root {}, which is no earlier state of this ledger",
                        checkpoint.size, checkpoint.root.hex()));
    return;
  }
  if (problem.has_value()) error("time-stamp", place, problem->message);
}

void Check::take_entry(ShardState& shard, const StoredEntry& stored) {
  const std::string place = entry(shard, stored.index);
  if (stored.index != shard.range.size()) {
    error("sequence", place, fmt::format("entry {} is missing", shard.first + shard.range.size()));
    return;
  }
  if (shard.end.has_value())
    error("handover", place,
          fmt::format("it was appended behind the end of shard {}, entry {}", shard.number,
                      shard.first + shard.end_index));
  const Digest hash = leaf_hash(stored.leaf);
  if (!std::ranges::equal(hash.bytes, stored.leaf_hash)) {
    error("leaf-hash", place,
          fmt::format("its bytes hash to {}, the ledger says {}", hash.hex(),
                      core::hex_encode(stored.leaf_hash)));
  }
  shard.range.append(hash);
  take_record(shard, stored.index, core::as_text(stored.leaf));
  const std::uint64_t size = shard.range.size();
  if (const auto named = shard.ranges.find(size); named != shard.ranges.end())
    named->second = shard.range;
  if (size == projection_size_ && shard.range.root().hex() == projection_root_)
    projected_evidence_ = builder_.evidence();
  const bool latest = shard.number == workspace_.config().shard && !shard.stored.empty() &&
                      shard.stored.back().size == size;
  if (latest) latest_evidence_ = builder_.evidence();
}

// Under the key that the genesis names: what is wrong with that is told elsewhere.
void Check::read_signed_before(ShardState& shard, const Ledger& ledger) {
  const auto leaf = ledger.leaf(0);
  const auto genesis = leaf.has_value() ? read_record(*leaf) : leaf.error();
  if (!genesis.has_value()) return;
  const auto log =
      NoteVerifier::parse(core::json_string(genesis->fields, "log_key", "genesis").value_or(""));
  if (!log.has_value()) return;
  shard.signed_note = workspace_.checkpoint_store().last(*log);
  if (!shard.signed_note.has_value() || !shard.signed_note->has_value()) return;
  auto checkpoint = open_checkpoint(**shard.signed_note, *log);
  SIGILLO_CHECK(checkpoint.has_value());  // the store has verified it
  shard.ranges[checkpoint->size];
  shard.signed_before = *std::move(checkpoint);
}

Status Check::read_ledger(ShardState& shard, const Ledger& ledger) {
  SIGILLO_TRY(shard.stored, ledger.checkpoints());
  for (const StoredCheckpoint& stored : shard.stored) shard.ranges[stored.size];
  if (known_checkpoint_.has_value()) shard.ranges[known_checkpoint_->size];
  read_signed_before(shard, ledger);
  SIGILLO_TRY_VOID(ledger.for_each(0, kNoEnd, [&](const StoredEntry& stored) -> Status {
    take_entry(shard, stored);
    return {};
  }));
  return check_head(shard, ledger);
}

// An Error only if it is the current shard that cannot be opened: there is nothing to say then.
Status Check::read_shard(std::uint64_t number) {
  const bool current = number == workspace_.config().shard;
  const std::uint64_t first = shards_.empty() ? 0 : shards_.back().first + shards_.back().size();
  ShardState& shard = shards_.emplace_back(number, first);
  if (is_pruned(workspace_, number)) {
    read_pruned(shard);
    return {};
  }
  const std::string name =
      workspace_.shard_file(number).lexically_relative(workspace_.folder()).string();
  const auto ledger = workspace_.shard(number, Ledger::Access::read);
  if (!ledger.has_value()) {
    if (current) return ledger.error();
    error("shard", fmt::format("shard {}", number), ledger.error().message);
    return {};
  }
  shard.readable = true;
  shard.origin = ledger->origin();
  const Status read = ledger->in_snapshot([&] { return read_ledger(shard, *ledger); });
  if (!read.has_value()) {
    if (read.error().code != ErrorCode::ledger_corrupt) return read.error();
    error("database", name, read.error().message);
  }
  check_genesis(shard);
  return {};
}

// What stays of a pruned shard is read as its entries are; those that are gone have nothing to say.
void Check::read_pruned(ShardState& shard) {
  auto pruned = read_pruned_shard(workspace_, shard.number);
  if (!pruned.has_value())
    return error("pruned", fmt::format("shard {}", shard.number), pruned.error().message);
  shard.readable = true;
  shard.origin = pruned->checkpoint.origin;
  shard.stored = {{pruned->checkpoint.size, pruned->note, {}}};
  shard.pruned = *std::move(pruned);
  ++report_.checkpoints;
  for (const KeptEntry& kept : shard.pruned->entries) take_record(shard, kept.index, kept.leaf);
  check_genesis(shard);
}

void Check::check_pruned(const ShardState& shard) {
  const std::string place = fmt::format("shard {}", shard.number);
  const PrunedShard& pruned = *shard.pruned;
  if (pruned.first != shard.first)
    error("pruned", place,
          fmt::format("what stays of it begins at entry {}; the shards before it end at {}",
                      pruned.first, shard.first));
  if (shard.number > 1 && !shards_[shard.number - 2].pruned.has_value())
    error("pruned", place,
          fmt::format("it was pruned, and shard {} before it was not", shard.number - 1));
  const auto found = std::find_if(prunings_.begin(), prunings_.end(), [&](const Pruning& pruning) {
    return pruning.entry >= shard.first + shard.size() && is_about(pruning, pruned);
  });
  if (found == prunings_.end())
    return error(
        "pruned", place,
        "no later entry that an owner signed says that it was pruned and that this is what "
        "stays of it: somebody took it away");
  add(Severity::note, "pruned",
      fmt::format("entries {} to {}", shard.first, shard.first + shard.size() - 1),
      fmt::format(
          "shard {} was pruned by entry {}, {}: nothing that it recorded is in the evidence",
          shard.number, found->entry, found->recorded_at),
      "");
  if (!ledger_files(workspace_, shard.number).empty())
    add(Severity::warning, "pruning", place,
        "it was pruned, but files of it are there still: the pruning was interrupted, or somebody "
        "put them back",
        "`sigillo log prune` finishes it");
}

// Both directions: what is gone must have been recorded, and what was recorded must be gone.
void Check::check_prunings() {
  for (const ShardState& shard : shards_)
    if (shard.pruned.has_value()) check_pruned(shard);
  for (const Pruning& pruning : prunings_) {
    const bool known = pruning.shard >= 1 && pruning.shard <= shards_.size();
    if (known &&
        (shards_[pruning.shard - 1].pruned.has_value() || !shards_[pruning.shard - 1].readable))
      continue;  // told of, if there is anything to tell
    add(Severity::warning, "pruning", fmt::format("entry {} (shard-pruned)", pruning.entry),
        fmt::format("it says that shard {} was pruned, which {}", pruning.shard,
                    known ? "is there still: the pruning was interrupted, or a hold came first"
                          : "there is not"),
        known ? "`sigillo log prune` finishes it" : "find out who recorded it");
  }
}

Status Check::remember(const KnownBefore& known) {
  known_log_key_ = known.log_key;
  if (known.log_key.empty()) {
    if (known.checkpoint.empty()) return {};
    return Error{ErrorCode::invalid_argument, "an earlier checkpoint needs the log's verifier key",
                 "name the key that you know from elsewhere"};
  }
  SIGILLO_TRY(const NoteVerifier log, NoteVerifier::parse(known.log_key));
  if (known.checkpoint.empty()) return {};
  SIGILLO_TRY(known_checkpoint_, open_checkpoint(known.checkpoint, log));
  return {};
}

void Check::check_known_before() {
  if (known_log_key_.empty()) return;
  // Any shard's key will do: handovers lead from it to the later ones, and the start of each shard
  // seals the one before.
  const auto found = std::find_if(shards_.begin(), shards_.end(), [&](const ShardState& shard) {
    return shard.genesis && shard.trust.log_vkey() == known_log_key_;
  });
  if (found == shards_.end())
    return error("known-key", "genesis",
                 fmt::format("the ledger names log key {}, not the one that is known",
                             shards_.back().trust.log_vkey()),
                 "this is another ledger, or its keys were replaced");
  if (!known_checkpoint_.has_value()) return;
  const ShardState& shard = *found;
  if (shard.pruned.has_value()) {
    if (known_checkpoint_->size == shard.size() && known_checkpoint_->root == shard.root()) return;
    const bool earlier = known_checkpoint_->size < shard.size();
    return error("known-checkpoint", fmt::format("shard {}", shard.number),
                 earlier
                     ? fmt::format("whether it held what was sealed at size {} can no longer be "
                                   "shown: it was pruned",
                                   known_checkpoint_->size)
                     : fmt::format("it ended at size {}, root {}; size {}, root {} was known",
                                   shard.size(), shard.root().hex(), known_checkpoint_->size,
                                   known_checkpoint_->root.hex()),
                 earlier ? "compare with its final checkpoint, or with one of a later shard"
                         : "history was rewritten; keep both as evidence");
  }
  const auto range = shard.ranges.find(known_checkpoint_->size);
  const bool prefix =
      known_checkpoint_->size == 0 || (range != shard.ranges.end() && range->second.has_value() &&
                                       range->second->root() == known_checkpoint_->root);
  if (!prefix)
    error("known-checkpoint",
          fmt::format("entries {} to {}", shard.first, shard.first + known_checkpoint_->size - 1),
          fmt::format("the ledger no longer holds what was sealed at size {}, root {}",
                      known_checkpoint_->size, known_checkpoint_->root.hex()),
          "history was rewritten or an old copy was restored; keep both as evidence");
  const std::uint64_t latest = shard.stored.empty() ? 0 : shard.stored.back().size;
  if (prefix && latest < known_checkpoint_->size)
    error("known-checkpoint", fmt::format("checkpoint of size {}{}", latest, of(shard)),
          fmt::format("it is the latest that is stored, but one of size {} was known: that one was "
                      "deleted",
                      known_checkpoint_->size),
          "keep this workspace as evidence; `sigillo log checkpoint` signs a new one over all "
          "entries");
}

void Check::check_genesis(const ShardState& shard) {
  const std::string place = entry(shard, 0);
  const bool current = shard.number == workspace_.config().shard;
  if (!shard.genesis) {
    error("genesis", place, "the ledger has no genesis record that its owner signed");
  } else if (shard.trust.origin() != shard.origin ||
             (current && shard.trust.origin() != workspace_.config().origin)) {
    error("genesis", place,
          fmt::format("it is about \"{}\"; the ledger says \"{}\", sigillo.json says \"{}\"",
                      shard.trust.origin(), shard.origin, workspace_.config().origin));
  }
}

Status Check::check_head(ShardState& shard, const Ledger& ledger) {
  const CompactRange& range = shard.range;
  const std::uint64_t covered = shard.stored.empty() ? 0 : shard.stored.back().size;
  report_.head = {range.size(), range.root()};
  report_.uncovered = range.size() > covered ? range.size() - covered : 0;
  SIGILLO_TRY(const std::uint64_t rows, ledger.row_count());
  if (rows != range.size())
    error("sequence", "ledger" + of(shard),
          fmt::format("it holds {} rows of entries, but only {} in sequence", rows, range.size()));
  const auto head = ledger.head();
  if (!head.has_value()) error("head", "ledger head" + of(shard), head.error().message);
  else if (head->size != range.size() || head->root != range.root())
    error("head", "ledger head" + of(shard),
          fmt::format("it says size {} root {}; the entries give size {} root {}", head->size,
                      head->root.hex(), range.size(), range.root().hex()));
  return {};
}

void Check::check_checkpoint(const ShardState& shard, const StoredCheckpoint& stored,
                             const NoteVerifier& log) {
  const std::string place = fmt::format("checkpoint of size {}{}", stored.size, of(shard));
  const auto checkpoint = open_checkpoint(stored.note, log);
  if (!checkpoint.has_value()) return error("checkpoint", place, checkpoint.error().message);
  const auto& range = shard.ranges.at(stored.size);
  if (checkpoint->size != stored.size || !range.has_value())
    return error("checkpoint", place, "the ledger has no such size: entries are missing");
  if (range->root() != checkpoint->root)
    return error("checkpoint", place,
                 fmt::format("it signs root {}; the entries give {}", checkpoint->root.hex(),
                             range->root().hex()));
  if (stored.subtrees != packed(*range))
    return error("checkpoint", place, "its stored subtree hashes are not those of the entries");
  ++report_.checkpoints;
}

void Check::check_checkpoints(const ShardState& shard) {
  const auto log = NoteVerifier::parse(shard.trust.log_vkey());
  if (!log.has_value()) return error("checkpoint", "genesis", "it names no usable log key");
  for (const StoredCheckpoint& stored : shard.stored) check_checkpoint(shard, stored, *log);
  if (shard.stored.empty())
    return error("checkpoint", "ledger" + of(shard), "no checkpoint is stored",
                 "sign one with `sigillo log checkpoint`");
  const StoredCheckpoint& latest = shard.stored.back();
  if (shard.number < workspace_.config().shard || latest.size >= shard.range.size()) return;
  add(Severity::warning, "uncovered",
      fmt::format("entries {} to {}", shard.first + latest.size,
                  shard.first + shard.range.size() - 1),
      "no stored checkpoint covers them: an append is under way or was interrupted, or a "
      "checkpoint was deleted; they are not in the evidence",
      "`sigillo log checkpoint` signs one over all entries");
}

void Check::check_signed_before(const ShardState& shard) {
  const std::string check(kSignedBefore), store(kCheckpointStore);
  const std::string place = "checkpoint store" + of(shard);
  if (!shard.signed_note.has_value())
    return error(store, place, shard.signed_note.error().message, shard.signed_note.error().remedy);
  constexpr std::string_view resume =
      "find the newest copy; `sigillo log resume` says how this one may go on";
  const bool current = shard.number == workspace_.config().shard;
  if (!shard.signed_before.has_value()) {
    // A copy that cannot sign needs no store.
    if (current && !shard.stored.empty() &&
        workspace_.keyring().signing_key(workspace_.config().log_key).has_value())
      add(Severity::warning, store, place,
          "it does not know this log: nothing shows that this is the ledger's newest copy, and no "
          "checkpoint will be signed",
          std::string(resume));
    return;
  }
  const Checkpoint& before = *shard.signed_before;
  const std::uint64_t latest = shard.stored.empty() ? 0 : shard.stored.back().size;
  const auto range = shard.ranges.find(before.size);
  if (before.size > shard.range.size())
    error(check, place,
          fmt::format("a checkpoint of {} entries was signed; the ledger has {}: an old copy was "
                      "restored",
                      before.size, shard.range.size()),
          resume);
  else if (range == shard.ranges.end() || !range->second.has_value() ||
           range->second->root() != before.root)
    error(check, place,
          fmt::format("the first {} entries are not those that were signed: a fork", before.size),
          resume);
  else if (before.size < latest)
    error(store, place,
          fmt::format("it knows size {}, the ledger's latest checkpoint has {}: the store was "
                      "restored",
                      before.size, latest),
          resume);
}

// -- shards
// ---------------------------------------------------------------------------------------------------------

void Check::check_handover(const ShardState& ended, const ShardState& begun) {
  const std::string place = fmt::format("shard {} to shard {}", ended.number, begun.number);
  if (!ended.readable || !ended.genesis || !begun.genesis) return;  // told already
  if (!ended.end.has_value())
    return error("handover", place,
                 fmt::format("shard {} has no end that an owner signed: an older copy was put in "
                             "its place, or its end was removed",
                             ended.number));
  if (!begun.start.has_value())
    return error(
        "handover", place,
        fmt::format("the third entry of shard {} is no start that an owner signed", begun.number));
  if (ended.stored.empty() || ended.stored.back().size != ended.size())
    return error("handover", place,
                 fmt::format("the final checkpoint of shard {} is missing", ended.number));
  const auto log = NoteVerifier::parse(ended.trust.log_vkey());
  const auto next = NoteVerifier::parse(begun.trust.log_vkey());
  if (!log.has_value() || !next.has_value()) return;  // told of the genesis
  const Status linked = check_link(*ended.end, *log, {ended.origin, ended.size(), ended.root()},
                                   *next, begun.trust.ledger(), *begun.start);
  if (!linked.has_value()) return error("handover", place, linked.error().message);
  const auto start = read_shard_start(*begun.start);
  SIGILLO_CHECK(start.has_value());  // check_link has read it
  if (start->shard != begun.number || start->first_entry != begun.first)
    error("handover", place,
          fmt::format("the start says shard {} from entry {} on; it is shard {} from entry {} on",
                      start->shard, start->first_entry, begun.number, begun.first));
  if (begun.first_trust != std::optional(trust_fields(ended.trust)))
    error("handover", place,
          fmt::format("shard {} does not begin with the trust list that shard {} ended with",
                      begun.number, ended.number));
}

void Check::check_last_shard(const ShardState& shard) {
  if (shard.end.has_value())
    return error("handover", fmt::format("shard {}", shard.number),
                 "it is sealed, and no shard goes on: a rotation was interrupted, or the next "
                 "shard was removed",
                 "`sigillo log rotate` finishes an interrupted rotation; else restore a good copy");
  std::error_code ignored;
  if (std::filesystem::exists(workspace_.shard_file(shard.number + 1), ignored))
    error("handover", fmt::format("shard {}", shard.number),
          fmt::format("a shard {} is there, but this one has no end and sigillo.json does not know "
                      "it: an older copy was put here",
                      shard.number + 1));
}

void Check::check_handovers() {
  for (std::size_t i = 0; i + 1 < shards_.size(); ++i) check_handover(shards_[i], shards_[i + 1]);
  check_last_shard(shards_.back());
}

void Check::give_evidence() {
  const ShardState& shard = shards_.back();
  const StoredCheckpoint& latest = shard.stored.back();
  const auto log = NoteVerifier::parse(shard.trust.log_vkey());
  SIGILLO_CHECK(log.has_value());
  const auto checkpoint = open_checkpoint(latest.note, *log);
  SIGILLO_CHECK(checkpoint.has_value());  // it is verified
  report_.evidence = std::move(latest_evidence_);
  report_.evidence.origin = checkpoint->origin;
  report_.evidence.size = static_cast<std::int64_t>(checkpoint->size);
  report_.evidence.root = checkpoint->root.hex();
  report_.evidence.checkpoint = latest.note;
}

void Check::check_private_values() {
  for (const auto& [entry, hold] : erasures_.in_spite_of())
    add(Severity::warning, "erasure", fmt::format("entry {} (erasure)", entry),
        fmt::format("it was recorded while the legal hold \"{}\" was in force", hold),
        "find out who erased what, and tell whoever ordered the hold");
  // Auditors may not read these values, and no evidence rests on them: only damage is an error.
  const auto unreadable = [&](const Error& e) {
    const bool damaged =
        e.code == ErrorCode::ledger_corrupt || e.code == ErrorCode::evidence_corrupt;
    add(damaged ? Severity::error : Severity::warning, "private-value", "private.db",
        "not checked: " + e.message, e.remedy);
  };
  const auto values = PrivateValues::open_read(workspace_.private_values_file());
  if (!values.has_value()) {
    if (values.error().code != ErrorCode::not_found) unreadable(values.error());
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
    if (const auto erased = erasures_.erased().find(value.commitment.hex());
        erased != erasures_.erased().end())
      add(Severity::warning, "erasure",
          fmt::format("private value \"{}\" of commitment {}", value.field, value.commitment.hex()),
          fmt::format("entry {} says that it is erased, but it is stored: the erasure was "
                      "interrupted, or an older copy was restored",
                      erased->second.entry),
          "`sigillo values erase --again` deletes it");
    return {};
  });
  if (!status.has_value()) unreadable(status.error());
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

// No more than `limit` rows: the file may hold more than memory does.
Result<std::vector<core::Row>> read_rows(sqlite::Database& database, const core::ViewSchema& schema,
                                         std::size_t limit) {
  std::string columns;
  for (const core::ColumnSchema& column : schema.columns)
    columns += fmt::format("{}{}", columns.empty() ? "" : ", ", column.name);
  SIGILLO_TRY(auto select,
              database.prepare(fmt::format("SELECT {} FROM {}", columns, schema.name)));
  std::vector<core::Row> rows;
  for (;;) {
    SIGILLO_TRY(const bool more, select.step());
    if (!more) break;
    if (rows.size() == limit)
      return Error{ErrorCode::evidence_corrupt,
                   fmt::format("it holds more than {} rows, far more than the ledger gives", limit),
                   ""};
    core::Row row;
    for (int i = 0; i < select.columns(); ++i) row.push_back(read_cell(select, i));
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::string projection_schema() {
  std::string sql = "CREATE TABLE projection(size INTEGER NOT NULL, root TEXT NOT NULL) STRICT;";
  for (const core::ViewSchema& schema : core::evidence_schema()) {
    std::string columns;
    for (const core::ColumnSchema& column : schema.columns)
      columns += fmt::format("{}{} {}", columns.empty() ? "" : ", ", column.name,
                             column.type == core::ColumnType::text ? "TEXT" : "INTEGER");
    sql += fmt::format("CREATE TABLE {}({}) STRICT;", schema.name, columns);
  }
  return sql;
}

Result<sqlite::Database> open_projection_file(const std::filesystem::path& file) {
  SIGILLO_TRY(auto database, sqlite::Database::open(file, sqlite::OpenMode::read_only));
  SIGILLO_TRY_VOID(database.require_schema(projection_schema()));
  return database;
}

constexpr std::string_view kProjectionRemedy =
    "delete evidence.db: it is derived, and the next `sigillo gate` or `sigillo policy facts` "
    "writes it anew";

// Takes down for which checkpoint the projection was made. What is wrong is told when its turn
// comes.
void Check::open_projection() {
  std::error_code ignored;
  if (!std::filesystem::exists(workspace_.projection_file(), ignored)) return;
  projection_ = open_projection_file(workspace_.projection_file());
  if (!projection_->has_value()) return;
  auto select = (*projection_)->prepare("SELECT size, root, count(*) FROM projection");
  const auto row = select.has_value() ? select->step() : Result<bool>(select.error());
  if (!row.has_value() || !*row || select->integer(2) != 1 || select->integer(0) < 1) return;
  projection_size_ = static_cast<std::uint64_t>(select->integer(0));
  projection_root_ = select->text(1);
}

void Check::check_projection() {
  if (!projection_.has_value()) return;
  // What is derived from damaged entries or blobs differs for that reason alone: a thousand such
  // lines would bury the one that matters.
  if (!report_.sound())
    return add(Severity::note, "projection", "evidence.db",
               "not compared, because what it is derived from is damaged", "");
  constexpr std::string_view remedy = kProjectionRemedy;
  if (!projection_->has_value())
    return error("projection", "evidence.db", projection_->error().message, remedy);
  if (!projected_evidence_.has_value())
    return error("projection", "evidence.db, projection",
                 fmt::format("it was made at size {}, root \"{}\", which the ledger does not have",
                             projection_size_, projection_root_),
                 remedy);
  sqlite::Database& database = **projection_;
  for (const core::ViewSchema& schema : core::evidence_schema()) {
    const auto found = projected_evidence_->rows.find(schema.name);
    const std::vector<core::Row> verified =
        found == projected_evidence_->rows.end() ? std::vector<core::Row>() : found->second;
    constexpr std::size_t surplus = 1000;  // planted rows that are still told one by one
    const auto stored = read_rows(database, schema, verified.size() + surplus);
    if (!stored.has_value()) {
      error("projection", fmt::format("evidence.db, {}", schema.name), stored.error().message,
            remedy);
      continue;
    }
    compare_rows(schema, *stored, verified);
  }
}

void Check::compare_rows(const core::ViewSchema& schema, const std::vector<core::Row>& stored,
                         const std::vector<core::Row>& verified) {
  // Enough to find the damage by; a view can hold a million rows.
  constexpr std::size_t shown = 5;
  const std::string place = fmt::format("evidence.db, {}", schema.name);
  const auto tell = [&](const std::vector<core::Row>& rows, std::string_view what) {
    for (std::size_t i = 0; i < std::min(rows.size(), shown); ++i)
      error("projection", place, fmt::format("{}: {}", what, row_text(schema, rows[i])),
            kProjectionRemedy);
    if (rows.size() > shown)
      error("projection", place, fmt::format("and {} more such rows", rows.size() - shown),
            kProjectionRemedy);
  };
  std::vector<core::Row> altered;
  std::set_difference(stored.begin(), stored.end(), verified.begin(), verified.end(),
                      std::back_inserter(altered));
  tell(altered, "the ledger does not give this row");
  std::vector<core::Row> missing;
  std::set_difference(verified.begin(), verified.end(), stored.begin(), stored.end(),
                      std::back_inserter(missing));
  tell(missing, "this row of the ledger is missing");
}

Result<FsckReport> Check::run() {
  open_projection();
  const std::uint64_t count = workspace_.config().shard;
  shards_.reserve(count);
  for (std::uint64_t number = 1; number <= count; ++number) SIGILLO_TRY_VOID(read_shard(number));
  report_.shards = count;
  report_.entries = shards_.back().first + shards_.back().range.size();
  check_known_before();
  for (const ShardState& shard : shards_)
    if (shard.genesis && !shard.pruned.has_value()) check_checkpoints(shard);
  for (const ShardState& shard : shards_)
    if (shard.genesis && !shard.pruned.has_value()) check_signed_before(shard);
  check_handovers();
  check_prunings();
  if (report_.sound()) give_evidence();
  for (const BlobProblem& problem : builder_.problems())
    error("blob", problem.place, problem.error.message, problem.error.remedy);
  report_.blobs = builder_.blobs();
  check_projection();
  check_private_values();
  return std::move(report_);
}

}  // namespace

Status require_sound(const Workspace& workspace, std::string_view so) {
  SIGILLO_TRY(const FsckReport report, fsck(workspace));
  if (report.sound()) return {};
  return Error{ErrorCode::ledger_corrupt, fmt::format("the workspace is not sound: {}", so),
               "`sigillo log fsck` names what is wrong; keep the backups that you have"};
}

Result<FsckReport> fsck(const Workspace& workspace, const KnownBefore& known) {
  const auto look = [&](const Workspace& at) -> Result<FsckReport> {
    Check check(at);
    SIGILLO_TRY_VOID(check.remember(known));
    return check.run();
  };
  const auto pruned = [](const Workspace& at) {
    std::uint64_t count = 0;
    while (is_pruned(at, count + 1)) ++count;
    return count;
  };
  const std::uint64_t before = pruned(workspace);
  auto report = look(workspace);
  // The store is no part of the ledger's snapshot: who signed in between is no old copy.
  const auto about_store = [](const Finding& finding) {
    return finding.severity == Severity::error &&
           (finding.check == kSignedBefore || finding.check == kCheckpointStore);
  };
  if (report.has_value() && std::ranges::any_of(report->findings, about_store))
    report = look(workspace);
  // Rotated since it was opened: what was looked at is sealed now. Pruned: it may be half of it.
  const auto now = Workspace::open(workspace.folder());
  if (now.has_value() && (now->config().shard > workspace.config().shard || pruned(*now) != before))
    return look(*now);
  return report;
}

namespace {

Status fill_view(sqlite::Database& database, const core::ViewSchema& schema,
                 const Evidence& evidence) {
  const auto rows = evidence.rows.find(schema.name);
  if (rows == evidence.rows.end()) return {};
  std::string marks = "?";
  for (std::size_t i = 1; i < schema.columns.size(); ++i) marks += ", ?";
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
  return {};
}

Status fill_projection(const std::filesystem::path& file, const Evidence& evidence) {
  SIGILLO_TRY(auto database, sqlite::Database::open(file, sqlite::OpenMode::create));
  SIGILLO_TRY(auto transaction, sqlite::Transaction::begin(database));
  SIGILLO_TRY_VOID(database.execute(projection_schema()));
  SIGILLO_TRY(auto meta, database.prepare("INSERT INTO projection(size, root) VALUES (?1, ?2)"));
  SIGILLO_TRY_VOID(meta.bind(1, evidence.size).bind(2, evidence.root).run());
  for (const core::ViewSchema& schema : core::evidence_schema())
    SIGILLO_TRY_VOID(fill_view(database, schema, evidence));
  return transaction.commit();
}

}  // namespace

Status write_projection(const Workspace& workspace, const Evidence& evidence) {
  if (evidence.size < 1)
    return Error{ErrorCode::evidence_corrupt, "no verified checkpoint: there is nothing to project",
                 "run `sigillo log fsck`"};
  const std::filesystem::path temporary =
      fmt::format("{}.{}.tmp", workspace.projection_file().string(), ::getpid());
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  Status status = fill_projection(temporary, evidence);
  if (status.has_value() && ::rename(temporary.c_str(), workspace.projection_file().c_str()) != 0)
    status = core::error_from_errno(errno, "cannot replace", workspace.projection_file());
  if (!status.has_value()) std::filesystem::remove(temporary, ignored);
  return status;
}

}  // namespace sigillo::audit
