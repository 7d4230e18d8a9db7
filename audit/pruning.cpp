// Pruning: steps and what a kill leaves after each are in docs/decisions/0059-pruning.md.
#include "sigillo/audit/pruning.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "core/folder_lock.hpp"
#include "sigillo/audit/erasure.hpp"
#include "sigillo/audit/fsck.hpp"
#include "sigillo/audit/private_values.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;
using core::Timestamp;

namespace {

constexpr std::int64_t kBlobIsNew = 86400;  // seconds: whoever stored it may not have named it yet

// What the trusted records of all shards say that matters here.
struct LedgerTold {
  ErasureHistory history;
  std::vector<Pruning> prunings;
  std::optional<Timestamp> latest_placement;
};
void take_placement(const Record& record, std::optional<Timestamp>& latest) {
  const auto placed = core::json_string(record.fields, "placed_on", "placement");
  // Of an unknown date: not later than its record.
  const auto time = placed.has_value() ? core::timestamp_from_date(*placed)
                                       : core::timestamp_from_rfc3339(record.recorded_at);
  if (time.has_value()) latest = std::max(latest.value_or(*time), *time);
}
Result<LedgerTold> read_told(const Workspace& workspace) {
  LedgerTold told;
  SIGILLO_TRY_VOID(for_each_trusted(
      workspace, [&](std::uint64_t number, const Record& record, const std::string&) -> Status {
        told.history.accept(number, record);
        if (auto pruning = read_pruning(number, record); pruning.has_value())
          told.prunings.push_back(*std::move(pruning));
        if (record.kind->name == "placement") take_placement(record, told.latest_placement);
        return {};
      }));
  return told;
}

Status no_hold(const ErasureHistory& history, std::string_view then) {
  if (history.holds().empty()) return {};
  const auto& [name, hold] = *history.holds().begin();
  return Error{ErrorCode::invalid_argument,
               fmt::format("the legal hold \"{}\" (entry {}) is in force, {}: {}", name, hold.entry,
                           then, hold.reason),
               fmt::format("when it is lifted (`sigillo record legal-hold --hold \"{}\" --state "
                           "lifted --reason ...`): `sigillo log prune`",
                           name)};
}

// -- what stays
// --------------------------------------------------------------------------------------------------------

struct Remainder {
  PrunedShard shard;
  std::string text;
};
Result<Remainder> remainder_of(const Workspace& workspace, std::uint64_t number) {
  SIGILLO_TRY(const Ledger ledger, workspace.shard(number, Ledger::Access::read));
  PrunedShard shard;
  shard.number = number;
  SIGILLO_TRY(shard.first, first_entry(ledger, number));
  SIGILLO_TRY(const NoteVerifier log, shard_verifier(workspace, number));
  shard.log_key = log.vkey();
  SIGILLO_TRY(shard.note, ledger.latest_checkpoint());
  TrustList trust(shard.first);
  std::vector<Digest> hashes;
  SIGILLO_TRY_VOID(ledger.for_each(0, kNoEnd, [&](const StoredEntry& entry) -> Status {
    hashes.push_back(leaf_hash(entry.leaf));
    const auto record = read_record(core::as_text(entry.leaf));
    if (!record.has_value() || !trust.accept(shard.first + entry.index, *record).has_value())
      return {};
    if (retention_class(*record->kind) == RetentionClass::kept)
      shard.entries.push_back({entry.index, std::string(core::as_text(entry.leaf)), {}});
    return {};
  }));
  for (KeptEntry& entry : shard.entries) {
    SIGILLO_TRY(entry.path, inclusion_path(entry.index, hashes));
  }
  SIGILLO_TRY(std::string text, pruned_shard_text(shard));
  if (text.size() > kMaxPrunedShardBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("what would stay of shard {} has {} bytes, more than {}", number,
                             text.size(), kMaxPrunedShardBytes),
                 "keep the shard"};
  SIGILLO_TRY(shard, parse_pruned_shard(text));  // nothing is deleted for what cannot be read back
  return Remainder{std::move(shard), std::move(text)};
}

// -- what goes
// --------------------------------------------------------------------------------------------------------

// Calls visit for whatever may be the name of a blob or a commitment: 64 hex digits.
void each_digest(std::string_view text, const std::function<void(std::string_view)>& visit) {
  constexpr std::string_view hex = "0123456789abcdef";
  for (std::size_t at = text.find_first_of(hex); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_not_of(hex, at), text.size());
    if (end - at == 64) visit(text.substr(at, 64));
    at = text.find_first_of(hex, end);
  }
}
// Of an entry of any kind, readable or not: what is not understood still names what it names. What
// is kept of a pruned shard names neither blobs nor values.
void each_named(std::string_view leaf, const std::function<void(std::string_view)>& visit) {
  const auto record = read_record(leaf);
  if (record.has_value() && retention_class(*record->kind) == RetentionClass::kept) return;
  const auto envelope = core::parse_canonical_envelope(leaf);
  each_digest(envelope.has_value() ? core::as_text(envelope->payload) : leaf, visit);
}

struct Leavings {
  std::set<std::string> blobs, values;  // in hex
};
Status scan(const Ledger& ledger, const std::function<void(std::string_view)>& visit) {
  return ledger.for_each(0, kNoEnd, [&](const StoredEntry& entry) -> Status {
    each_named(core::as_text(entry.leaf), visit);
    return {};
  });
}

// For writing, unless nothing is to be changed: what a process that was killed left in its journal
// is rolled back then.
Result<std::set<std::string>> stored_values(const Workspace& workspace, bool dry_run) {
  std::set<std::string> stored;
  const fs::path file = workspace.private_values_file();
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return stored;
  const auto values = dry_run ? PrivateValues::open_read(file) : PrivateValues::open(file);
  if (!values.has_value()) return values.error();
  SIGILLO_TRY_VOID(values->for_each([&](const PrivateValue& value) -> Status {
    stored.insert(value.commitment.hex());
    return {};
  }));
  return stored;
}

fs::path blob_file(const Workspace& workspace, const std::string& hex) {
  const auto digest = Digest::from_hex(hex);
  SIGILLO_CHECK(digest.has_value());
  return workspace.blobs().path(*digest);
}

// What is stored, is named in the ledger of shard `number`, and in no other.
Result<Leavings> leavings(const Workspace& workspace, std::uint64_t number, const Ledger& ledger,
                          bool dry_run) {
  SIGILLO_TRY(const std::set<std::string> values, stored_values(workspace, dry_run));
  Leavings found;
  SIGILLO_TRY_VOID(scan(ledger, [&](std::string_view name) {
    std::string hex(name);
    std::error_code ignored;
    if (fs::exists(blob_file(workspace, hex), ignored)) found.blobs.insert(hex);
    if (values.contains(hex)) found.values.insert(std::move(hex));
  }));
  for (std::uint64_t other = 1; other <= workspace.config().shard; ++other) {
    if (other == number || is_pruned(workspace, other)) continue;
    SIGILLO_TRY(const Ledger remaining, workspace.shard(other, Ledger::Access::read));
    SIGILLO_TRY_VOID(scan(remaining, [&](std::string_view name) {
      const std::string hex(name);
      found.blobs.erase(hex);
      found.values.erase(hex);
    }));
  }
  return found;
}

bool is_new(const fs::path& file, Timestamp now) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 && status.st_mtime > now.seconds - kBlobIsNew;
}
Error stored_anew(std::uint64_t number) {
  return Error{
      ErrorCode::locked,
      fmt::format("a blob that shard {} names was stored within the last day, and somebody "
                  "may be about to record it",
                  number),
      "try again in a day"};
}
Status none_is_new(const Workspace& workspace, std::uint64_t number, const Leavings& gone,
                   Timestamp now) {
  for (const std::string& hex : gone.blobs)
    if (is_new(blob_file(workspace, hex), now)) return stored_anew(number);
  return {};
}

// Looks at the time and deletes under the lock that BlobStore::put takes.
Status remove_blobs(const Workspace& workspace, std::uint64_t number, const Leavings& gone,
                    Timestamp now) {
  for (const std::string& hex : gone.blobs) {
    SIGILLO_TRY(const core::FolderLock lock, core::FolderLock::take(workspace.folder() / "blobs"));
    const fs::path file = blob_file(workspace, hex);
    if (is_new(file, now)) return stored_anew(number);
    std::error_code error;
    fs::remove(file, error);
    if (error) return core::error_from_errno(error.value(), "cannot remove", file);
  }
  return {};
}

Status remove_values(const Workspace& workspace, const Leavings& gone) {
  if (gone.values.empty()) return {};
  std::vector<Digest> commitments;
  for (const std::string& hex : gone.values) {
    SIGILLO_TRY(commitments.emplace_back(), Digest::from_hex(hex));
  }
  SIGILLO_TRY(PrivateValues values, PrivateValues::open(workspace.private_values_file()));
  SIGILLO_TRY(const std::uint64_t erased, values.erase(commitments));
  static_cast<void>(erased);
  return {};
}

// Derived, and it holds rows of what goes.
Status remove_projection(const Workspace& workspace) {
  std::error_code error;
  fs::remove(workspace.projection_file(), error);
  return error ? core::error_from_errno(error.value(), "cannot remove", workspace.projection_file())
               : Status();
}

// -- the steps
// ---------------------------------------------------------------------------------------------------------

// A key that is no owner's would record a pruning that counts for nothing.
Status require_owner(const Workspace& workspace, const PrunedShard& shard, const Json& fields,
                     const core::Clock& clock) {
  SIGILLO_TRY(const core::PrivateKey key,
              workspace.keyring().signing_key(workspace.config().record_key));
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  SIGILLO_TRY(const Digest id, ledger_id(ledger));
  SIGILLO_TRY(const std::string leaf,
              make_record(*find_record_kind(kShardPrunedKind), fields,
                          {named_subject("ledger", shard.checkpoint.origin)}, id, key, clock));
  SIGILLO_TRY(const Record record, read_record(leaf));
  SIGILLO_TRY(TrustList trust, trust_at_end(ledger, 0));
  const auto signer = trust.accept(kShardStartIndex, record);
  if (signer.has_value()) return {};
  return Error{ErrorCode::not_trusted,
               fmt::format("the record key \"{}\" may not prune the ledger: {}",
                           workspace.config().record_key, signer.error().message),
               "only a key with the role owner, in force now, prunes"};
}

std::optional<std::uint64_t> entry_about(const std::vector<Pruning>& prunings,
                                         const PrunedShard& shard) {
  for (const Pruning& pruning : prunings)
    if (is_about(pruning, shard)) return pruning.entry;
  return std::nullopt;
}

Result<ShardDeadline> deadline_of(const Workspace& workspace, std::uint64_t number,
                                  const LedgerTold& told);

// The ledger decides, as it is after the record: meanwhile another process may have recorded a
// hold, or a placement that keeps documents for longer.
Status may_still_go(const Workspace& workspace, std::uint64_t number, const LedgerTold& told,
                    const core::Clock& clock) {
  SIGILLO_TRY_VOID(no_hold(told.history, "the pruning was recorded, nothing was deleted"));
  SIGILLO_TRY(const ShardDeadline deadline, deadline_of(workspace, number, told));
  if (clock.now() >= deadline.until) return {};
  return Error{ErrorCode::invalid_argument,
               fmt::format("a record that was made meanwhile keeps shard {} until {}: {}; the "
                           "pruning was recorded, nothing was deleted",
                           number, core::to_date(deadline.until), deadline.basis),
               "`sigillo log prune` then"};
}

// Step 1.
Result<std::uint64_t> record_pruning(const Workspace& workspace, const PrunedShard& shard,
                                     const Json& fields, const LedgerTold& before,
                                     const core::Clock& clock) {
  std::uint64_t made = 0;
  // There is one already of a pruning that was interrupted here.
  if (!entry_about(before.prunings, shard).has_value()) {
    SIGILLO_TRY(const Receipt receipt,
                record(workspace, kShardPrunedKind, fields,
                       {named_subject("ledger", shard.checkpoint.origin)}, clock));
    made = receipt.index;
  }
  SIGILLO_TRY(const LedgerTold told, read_told(workspace));
  SIGILLO_TRY_VOID(may_still_go(workspace, shard.number, told, clock));
  if (const auto entry = entry_about(told.prunings, shard); entry.has_value()) return *entry;
  return Error{ErrorCode::not_trusted,
               fmt::format("entry {} records the pruning, but counts for nothing; nothing was "
                           "deleted",
                           made),
               "sign with an owner's key, then prune again"};
}

// Steps 3 and 4, where pruned.json is: each does nothing if it is done.
Result<PrunedNow> finish(const Workspace& workspace, const PrunedShard& shard, std::uint64_t entry,
                         bool dry_run, const core::Clock& clock) {
  PrunedNow now{shard.number, shard.first, shard.checkpoint.size, entry, 0, 0, "", {}};
  const fs::path file = workspace.shard_file(shard.number);
  std::error_code ignored;
  if (fs::exists(file, ignored)) {
    const auto ledger = Ledger::open(file, Ledger::Access::read);
    const auto head = ledger.has_value() ? ledger->head() : Result<LedgerHead>(ledger.error());
    if (!head.has_value() || head->root != shard.checkpoint.root)
      return Error{ErrorCode::ledger_corrupt,
                   fmt::format("{} is not the ledger that was pruned: {}", file.string(),
                               head.has_value() ? "it has another root" : head.error().message),
                   "find out where it is from, move it away, and run `sigillo log prune` again"};
    SIGILLO_TRY(const Leavings gone, leavings(workspace, shard.number, *ledger, dry_run));
    now.blobs = gone.blobs.size();
    now.values = gone.values.size();
    if (dry_run) return now;
    SIGILLO_TRY_VOID(remove_values(workspace, gone));
    SIGILLO_TRY_VOID(remove_blobs(workspace, shard.number, gone, clock.now()));
  }
  if (dry_run) return now;
  SIGILLO_TRY_VOID(remove_projection(workspace));
  SIGILLO_TRY_VOID(remove_ledger_files(workspace, shard.number));
  SIGILLO_TRY_VOID(core::sync_file_system(workspace.folder()));
  return now;
}

Result<PrunedNow> prune_shard(const Workspace& workspace, std::uint64_t number,
                              const ShardDeadline& deadline, const LedgerTold& told, bool dry_run,
                              const core::Clock& clock) {
  SIGILLO_TRY(const Remainder stays, remainder_of(workspace, number));
  SIGILLO_TRY(Json fields, identity_fields(stays.shard));
  fields["expired_at"] = core::to_rfc3339(deadline.until);
  fields["basis"] = deadline.basis;
  if (!entry_about(told.prunings, stays.shard).has_value())
    SIGILLO_TRY_VOID(require_owner(workspace, stays.shard, fields, clock));
  PrunedNow now{number, stays.shard.first, stays.shard.checkpoint.size, 0, 0, 0, "", {}};
  {
    SIGILLO_TRY(const Ledger ledger, workspace.shard(number, Ledger::Access::read));
    SIGILLO_TRY(const Leavings gone, leavings(workspace, number, ledger, dry_run));
    SIGILLO_TRY_VOID(none_is_new(workspace, number, gone, clock.now()));
    now.blobs = gone.blobs.size();
    now.values = gone.values.size();
  }
  if (!dry_run) {
    SIGILLO_TRY(const std::uint64_t entry,
                record_pruning(workspace, stays.shard, fields, told, clock));
    SIGILLO_TRY_VOID(remove_projection(workspace));
    // Step 2: from here on the shard is pruned.
    SIGILLO_TRY_VOID(core::write_file_atomically(pruned_shard_file(workspace, number),
                                                 core::as_bytes(stays.text), 0644));
    SIGILLO_TRY(now, finish(workspace, stays.shard, entry, false, clock));
  }
  now.expired_at = deadline.until;
  now.basis = deadline.basis;
  return now;
}

// -- which shards
// ------------------------------------------------------------------------------------------------------

Result<ShardDeadline> deadline_of(const Workspace& workspace, std::uint64_t number,
                                  const LedgerTold& told) {
  SIGILLO_TRY(const Ledger ledger, workspace.shard(number, Ledger::Access::read));
  SIGILLO_TRY(const std::uint64_t first, first_entry(ledger, number));
  return shard_deadline(ledger, first, told.latest_placement);
}

Error refuse(std::string message, std::string remedy) {
  return Error{ErrorCode::invalid_argument, std::move(message), std::move(remedy)};
}

// May the shard that was named be pruned next? `oldest`: the first that is not pruned.
Status may_be_next(const Workspace& workspace, std::uint64_t number, std::uint64_t oldest) {
  constexpr std::string_view list = "`sigillo log shards` lists them";
  const std::uint64_t current = workspace.config().shard;
  if (number < 1 || number > current)
    return Error{ErrorCode::not_found,
                 fmt::format("the workspace has shards 1 to {}, and no {}", current, number),
                 std::string(list)};
  if (number < oldest && ledger_files(workspace, number).empty())
    return refuse(fmt::format("shard {} was pruned before", number), std::string(list));
  if (number == current)
    return refuse(fmt::format("shard {} is the current one: only sealed shards are pruned", number),
                  "`sigillo log rotate` seals it");
  if (number > oldest)
    return refuse(fmt::format("shard {} is there still: shards are pruned oldest first", oldest),
                  std::string(list));
  return {};
}

Status finish_interrupted(const Workspace& workspace, const PruneRequest& request,
                          std::uint64_t oldest, const LedgerTold& told, const core::Clock& clock,
                          PruneResult& result) {
  for (std::uint64_t number = 1; number < oldest; ++number) {
    if (ledger_files(workspace, number).empty()) continue;
    if (request.shard.value_or(number) != number) continue;
    SIGILLO_TRY(const PrunedShard shard, read_pruned_shard(workspace, number));
    const auto entry = entry_about(told.prunings, shard);
    if (!entry.has_value())
      return Error{ErrorCode::ledger_corrupt,
                   fmt::format("no entry says that shard {} was pruned", number),
                   "`sigillo log fsck` names what is wrong"};
    SIGILLO_TRY(PrunedNow now, finish(workspace, shard, *entry, request.dry_run, clock));
    result.shards.push_back(std::move(now));
  }
  return {};
}

}  // namespace

Result<std::vector<ShardRetention>> shard_retention(const Workspace& workspace) {
  SIGILLO_TRY(const LedgerTold told, read_told(workspace));
  std::vector<ShardRetention> all;
  for (std::uint64_t number = 1; number <= workspace.config().shard; ++number) {
    ShardRetention& one = all.emplace_back();
    one.shard = number;
    if (is_pruned(workspace, number)) {
      SIGILLO_TRY(const PrunedShard shard, read_pruned_shard(workspace, number));
      for (const Pruning& pruning : told.prunings)
        if (is_about(pruning, shard)) one.pruning = pruning;
    } else if (number < workspace.config().shard) {
      SIGILLO_TRY(one.deadline, deadline_of(workspace, number, told));
    }
  }
  return all;
}

Result<PruneResult> prune(const Workspace& opened, const PruneRequest& request,
                          const core::Clock& clock) {
  SIGILLO_TRY(
      const core::FolderLock lock,
      core::FolderLock::try_take(opened.folder(), Error{ErrorCode::locked,
                                                        "another process rotates or prunes this "
                                                        "ledger",
                                                        "try again"}));
  SIGILLO_TRY(const Workspace workspace, Workspace::open(opened.folder()));
  SIGILLO_TRY_VOID(require_sound(workspace, "nothing was pruned"));
  SIGILLO_TRY(LedgerTold told, read_told(workspace));
  SIGILLO_TRY_VOID(no_hold(told.history, "nothing is pruned"));
  std::uint64_t oldest = 1;
  while (is_pruned(workspace, oldest)) ++oldest;
  if (request.shard.has_value()) SIGILLO_TRY_VOID(may_be_next(workspace, *request.shard, oldest));
  PruneResult result;
  SIGILLO_TRY_VOID(finish_interrupted(workspace, request, oldest, told, clock, result));
  for (std::uint64_t number = oldest; number < workspace.config().shard; ++number) {
    if (request.shard.has_value() && *request.shard < number) break;
    SIGILLO_TRY(const ShardDeadline deadline, deadline_of(workspace, number, told));
    result.next = ShardRetention{number, std::nullopt, deadline};
    if (clock.now() < deadline.until) {
      if (request.shard.has_value())
        return refuse(fmt::format("shard {} is to be kept until {}: {}", number,
                                  core::to_date(deadline.until), deadline.basis),
                      "`sigillo log prune` without --shard prunes what may go");
      break;
    }
    SIGILLO_TRY(PrunedNow now,
                prune_shard(workspace, number, deadline, told, request.dry_run, clock));
    result.shards.push_back(std::move(now));
    result.next.reset();
    SIGILLO_TRY(told, read_told(workspace));
  }
  return result;
}

}  // namespace sigillo::audit
