// Pruning: a sealed shard that nobody has to keep any longer is deleted, and what the rest of the
// ledger needs of it stays, with proofs (docs/decisions/0059-pruning.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sigillo/audit/retention.hpp"
#include "sigillo/audit/shards.hpp"

namespace sigillo::audit {

// Of one shard; of the current one neither member is there.
struct ShardRetention {
  std::uint64_t shard = 0;
  std::optional<Pruning> pruning;         // of a pruned shard: the record that says so
  std::optional<ShardDeadline> deadline;  // of another that is sealed
};
// Of all shards, in order. Reads all of them.
[[nodiscard]] core::Result<std::vector<ShardRetention>> shard_retention(const Workspace& workspace);

struct PruneRequest {
  std::optional<std::uint64_t> shard;  // this one alone; without it, all whose time has come
  bool dry_run = false;                // everything is checked, nothing is recorded or deleted
};
struct PrunedNow {
  std::uint64_t shard = 0, first = 0, size = 0;
  std::uint64_t entry = 0;              // the record of it; 0 in a dry run
  std::uint64_t blobs = 0, values = 0;  // deleted, or in a dry run to be deleted
  std::string basis;
  core::Timestamp expired_at;
};
struct PruneResult {
  std::vector<PrunedNow> shards;
  std::optional<ShardRetention> next;  // the oldest that stays, if it is sealed
};
// prune deletes sealed shards, oldest first, whose deadline has passed by the clock: their ledger
// and index, the blobs that no remaining record names, and the private values of their commitments.
// It first appends a shard-pruned record, which counts only by an owner's key, and writes
// pruned.json. A pruning that was interrupted is finished; safe to repeat after a kill.
//
// Nothing is begun with: ledger_corrupt (fsck finds an error), invalid_argument (a legal hold is in
// force; the shard named is the current one, not the oldest, pruned, or to be kept still),
// not_found (there is no such shard), not_trusted (the record key is no owner's), locked (another
// process rotates or prunes; or a blob of the shard was stored anew within a day, so that somebody
// may be about to name it), key_missing.
[[nodiscard]] core::Result<PruneResult> prune(const Workspace& workspace,
                                              const PruneRequest& request,
                                              const core::Clock& clock);

}  // namespace sigillo::audit
