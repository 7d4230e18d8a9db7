#include "sigillo/audit/shards.hpp"

#include <fmt/format.h>

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

namespace {

Shard shard_of(const PrunedShard& pruned) {
  return {pruned.number,
          pruned.first,
          pruned.checkpoint.size,
          pruned.checkpoint.origin,
          pruned.log_key,
          true,
          true,
          pruned.note};
}

Result<Shard> read_shard(const Workspace& workspace, std::uint64_t number) {
  if (is_pruned(workspace, number)) {
    SIGILLO_TRY(const PrunedShard pruned, read_pruned_shard(workspace, number));
    return shard_of(pruned);
  }
  SIGILLO_TRY(const Ledger ledger, workspace.shard(number, Ledger::Access::read));
  Shard shard;
  shard.number = number;
  SIGILLO_TRY(shard.first, first_entry(ledger, number));
  SIGILLO_TRY(const LedgerHead head, ledger.head());
  shard.size = head.size;
  shard.origin = ledger.origin();
  SIGILLO_TRY(const std::string leaf, ledger.leaf(0));
  SIGILLO_TRY(const Record genesis, read_record(leaf));
  SIGILLO_TRY(shard.log_key, core::json_string(genesis.fields, "log_key", "genesis"));
  SIGILLO_TRY(shard.sealed, ledger.sealed());
  const auto checkpoint = ledger.latest_checkpoint();
  if (checkpoint.has_value()) shard.checkpoint = *checkpoint;
  else if (checkpoint.error().code != ErrorCode::not_found) return checkpoint.error();
  return shard;
}

// The receipt of an entry under the shard's latest checkpoint.
Result<TlogProof> prove(const Ledger& ledger, const Shard& shard, std::uint64_t index) {
  SIGILLO_TRY(const NoteVerifier log, NoteVerifier::parse(shard.log_key));
  SIGILLO_TRY(const Checkpoint checkpoint, open_checkpoint(shard.checkpoint, log));
  std::vector<Digest> hashes;
  SIGILLO_TRY_VOID(ledger.for_each(0, checkpoint.size, [&](const StoredEntry& entry) -> Status {
    hashes.push_back(leaf_hash(entry.leaf));
    return {};
  }));
  TlogProof proof;
  proof.index = index;
  SIGILLO_TRY(proof.path, inclusion_path(index, hashes));
  proof.checkpoint = shard.checkpoint;
  return proof;
}

struct ProvenEntry {
  std::string leaf;
  TlogProof proof;
};
// An entry that a handover needs, of a ledger or of what stays of it.
Result<ProvenEntry> proven_entry(const Workspace& workspace, const Shard& shard,
                                 std::uint64_t index) {
  ProvenEntry proven;
  if (shard.pruned) {
    SIGILLO_TRY(const PrunedShard pruned, read_pruned_shard(workspace, shard.number));
    SIGILLO_TRY(const KeptEntry entry, pruned.entry(index));
    return ProvenEntry{entry.leaf, pruned.receipt(entry)};
  }
  SIGILLO_TRY(const Ledger ledger, workspace.shard(shard.number, Ledger::Access::read));
  SIGILLO_TRY(proven.leaf, ledger.leaf(index));
  SIGILLO_TRY(proven.proof, prove(ledger, shard, index));
  return proven;
}

// The error for an entry of a pruned shard, `newest` or one before it.
Error was_pruned(const Workspace& workspace, std::uint64_t newest, std::uint64_t number) {
  std::uint64_t shard = newest;
  for (; shard > 1; --shard) {
    SIGILLO_TRY(const PrunedShard pruned, read_pruned_shard(workspace, shard));
    if (number >= pruned.first) break;
  }
  SIGILLO_TRY(const std::vector<Pruning> all, prunings(workspace));
  std::string by = "but no entry that counts says so";
  for (const Pruning& pruning : all)
    if (pruning.shard == shard)
      by = fmt::format("by entry {}, {}", pruning.entry, pruning.recorded_at);
  return Error{
      ErrorCode::not_found,
      fmt::format("entry {} is gone: shard {} was pruned, {}", number, shard, by),
      "a receipt that somebody holds still verifies, with the entry's bytes and the key in "
      "`sigillo log shards --json`"};
}

using VisitEntry = std::function<Status(std::uint64_t index, std::string_view leaf)>;
Result<std::uint64_t> first_of(const Workspace& workspace, std::uint64_t shard) {
  if (is_pruned(workspace, shard)) {
    SIGILLO_TRY(const PrunedShard pruned, read_pruned_shard(workspace, shard));
    return pruned.first;
  }
  SIGILLO_TRY(const Ledger ledger, workspace.shard(shard, Ledger::Access::read));
  return first_entry(ledger, shard);
}
// Of a pruned shard: those that were kept.
Status visit_entries(const Workspace& workspace, std::uint64_t shard, const VisitEntry& visit) {
  if (is_pruned(workspace, shard)) {
    SIGILLO_TRY(const PrunedShard pruned, read_pruned_shard(workspace, shard));
    for (const KeptEntry& entry : pruned.entries) SIGILLO_TRY_VOID(visit(entry.index, entry.leaf));
    return {};
  }
  SIGILLO_TRY(const Ledger ledger, workspace.shard(shard, Ledger::Access::read));
  return ledger.for_each(0, kNoEnd, [&](const StoredEntry& entry) -> Status {
    return visit(entry.index, core::as_text(entry.leaf));
  });
}

}  // namespace

Result<std::vector<Shard>> shards(const Workspace& workspace) {
  std::vector<Shard> all;
  for (std::uint64_t number = 1; number <= workspace.config().shard; ++number) {
    SIGILLO_TRY(Shard shard, read_shard(workspace, number));
    all.push_back(std::move(shard));
  }
  return all;
}

Result<EntryPlace> locate(const Workspace& workspace, std::uint64_t number) {
  for (std::uint64_t shard = workspace.config().shard; shard > 0; --shard) {
    if (is_pruned(workspace, shard)) return was_pruned(workspace, shard, number);
    if (shard == 1) break;
    SIGILLO_TRY(const std::uint64_t first, first_of(workspace, shard));
    if (number >= first) return EntryPlace{shard, number - first};
  }
  return EntryPlace{1, number};
}

Result<NoteVerifier> shard_verifier(const Workspace& workspace, std::uint64_t number) {
  if (is_pruned(workspace, number)) {
    SIGILLO_TRY(const PrunedShard pruned, read_pruned_shard(workspace, number));
    return NoteVerifier::parse(pruned.log_key);
  }
  SIGILLO_TRY(const Ledger ledger, workspace.shard(number, Ledger::Access::read));
  if (number == workspace.config().shard) return log_verifier(workspace, ledger);
  SIGILLO_TRY(const std::string leaf, ledger.leaf(0));
  SIGILLO_TRY(const Record genesis, read_record(leaf));
  SIGILLO_TRY(const std::string vkey, core::json_string(genesis.fields, "log_key", "genesis"));
  return NoteVerifier::parse(vkey);
}

Result<TrustList> trust_at_end(const Ledger& ledger, std::uint64_t first) {
  TrustList trust(first);
  SIGILLO_TRY_VOID(ledger.for_each(0, kNoEnd, [&](const StoredEntry& entry) -> Status {
    const auto record = read_record(core::as_text(entry.leaf));
    if (record.has_value()) static_cast<void>(trust.accept(first + entry.index, *record));
    return {};
  }));
  return trust;
}

Status for_each_trusted(
    const Workspace& workspace,
    const std::function<Status(std::uint64_t, const Record&, const std::string&)>& visit) {
  for (std::uint64_t shard = 1; shard <= workspace.config().shard; ++shard) {
    SIGILLO_TRY(const std::uint64_t first, first_of(workspace, shard));
    TrustList trust(first);
    SIGILLO_TRY_VOID(
        visit_entries(workspace, shard, [&](std::uint64_t index, std::string_view leaf) -> Status {
          const auto record = read_record(leaf);
          if (!record.has_value()) return {};
          const auto signer = trust.accept(first + index, *record);
          return signer.has_value() ? visit(first + index, *record, *signer) : Status();
        }));
  }
  return {};
}

Result<std::vector<Pruning>> prunings(const Workspace& workspace) {
  std::vector<Pruning> all;
  SIGILLO_TRY_VOID(for_each_trusted(
      workspace, [&](std::uint64_t number, const Record& record, const std::string&) -> Status {
        if (auto pruning = read_pruning(number, record); pruning.has_value())
          all.push_back(*std::move(pruning));
        return {};
      }));
  return all;
}

Status require_counting(const Workspace& workspace, std::uint64_t number) {
  SIGILLO_TRY(const EntryPlace place, locate(workspace, number));
  SIGILLO_TRY(const Ledger ledger, workspace.shard(place.shard, Ledger::Access::read));
  const std::uint64_t first = number - place.index;
  TrustList trust(first);
  Status counts;
  SIGILLO_TRY_VOID(ledger.for_each(0, place.index + 1, [&](const StoredEntry& entry) -> Status {
    const auto record = read_record(core::as_text(entry.leaf));
    if (!record.has_value()) return {};
    const auto signer = trust.accept(first + entry.index, *record);
    if (entry.index == place.index && !signer.has_value()) counts = signer.error();
    return {};
  }));
  return counts;
}

Result<std::vector<Handover>> handovers(const Workspace& workspace) {
  SIGILLO_TRY(const std::vector<Shard> all, shards(workspace));
  std::vector<Handover> chain;
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    SIGILLO_TRY(ProvenEntry end, proven_entry(workspace, all[i], all[i].size - 1));
    SIGILLO_TRY(ProvenEntry start, proven_entry(workspace, all[i + 1], kShardStartIndex));
    chain.push_back(
        {std::move(end.leaf), std::move(end.proof), std::move(start.leaf), std::move(start.proof)});
  }
  return chain;
}

}  // namespace sigillo::audit
