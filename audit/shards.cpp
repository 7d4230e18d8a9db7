#include "sigillo/audit/shards.hpp"

#include <fmt/format.h>

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

namespace {

constexpr std::uint64_t kAll = std::uint64_t{1} << 62;

Result<Shard> read_shard(const Workspace& workspace, std::uint64_t number) {
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
  for (std::uint64_t shard = workspace.config().shard; shard > 1; --shard) {
    SIGILLO_TRY(const Ledger ledger, workspace.shard(shard, Ledger::Access::read));
    SIGILLO_TRY(const std::uint64_t first, first_entry(ledger, shard));
    if (number >= first) return EntryPlace{shard, number - first};
  }
  return EntryPlace{1, number};
}

Result<NoteVerifier> shard_verifier(const Workspace& workspace, std::uint64_t number) {
  SIGILLO_TRY(const Ledger ledger, workspace.shard(number, Ledger::Access::read));
  if (number == workspace.config().shard) return log_verifier(workspace, ledger);
  SIGILLO_TRY(const std::string leaf, ledger.leaf(0));
  SIGILLO_TRY(const Record genesis, read_record(leaf));
  SIGILLO_TRY(const std::string vkey, core::json_string(genesis.fields, "log_key", "genesis"));
  return NoteVerifier::parse(vkey);
}

Result<TrustList> trust_at_end(const Ledger& ledger, std::uint64_t first) {
  TrustList trust(first);
  SIGILLO_TRY_VOID(ledger.for_each(0, kAll, [&](const StoredEntry& entry) -> Status {
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
    SIGILLO_TRY(const Ledger ledger, workspace.shard(shard, Ledger::Access::read));
    SIGILLO_TRY(const std::uint64_t first, first_entry(ledger, shard));
    TrustList trust(first);
    SIGILLO_TRY_VOID(ledger.for_each(0, kAll, [&](const StoredEntry& entry) -> Status {
      const auto record = read_record(core::as_text(entry.leaf));
      if (!record.has_value()) return {};
      const auto signer = trust.accept(first + entry.index, *record);
      return signer.has_value() ? visit(first + entry.index, *record, *signer) : Status();
    }));
  }
  return {};
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
    SIGILLO_TRY(const Ledger ended, workspace.shard(i + 1, Ledger::Access::read));
    SIGILLO_TRY(const Ledger begun, workspace.shard(i + 2, Ledger::Access::read));
    Handover handover;
    SIGILLO_TRY(handover.end_leaf, ended.leaf(all[i].size - 1));
    SIGILLO_TRY(handover.end_proof, prove(ended, all[i], all[i].size - 1));
    SIGILLO_TRY(handover.start_leaf, begun.leaf(kShardStartIndex));
    SIGILLO_TRY(handover.start_proof, prove(begun, all[i + 1], kShardStartIndex));
    chain.push_back(std::move(handover));
  }
  return chain;
}

}  // namespace sigillo::audit
