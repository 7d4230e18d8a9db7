// Shards: a workspace's ledger as a row of whole ledgers, all sealed but the last
// (docs/decisions/0057-shards.md).
//
// Entries are numbered on over the shards: `number` = number of the shard's first entry + index.
#pragma once

#include <functional>

#include "sigillo/audit/handover.hpp"
#include "sigillo/audit/pruned_shard.hpp"
#include "sigillo/audit/trust.hpp"
#include "sigillo/audit/workspace.hpp"

namespace sigillo::audit {

// What a shard says of itself, as stored, unchecked: fsck judges.
struct Shard {
  std::uint64_t number = 0;  // from 1
  std::uint64_t first = 0;   // number of its first entry
  std::uint64_t size = 0;    // entries
  std::string origin, log_key;
  bool sealed = false;
  bool pruned = false;     // only pruned.json is there: what it says holds (pruned_shard.hpp)
  std::string checkpoint;  // the latest; of a sealed shard the final one; empty if there is none
};
[[nodiscard]] core::Result<std::vector<Shard>> shards(const Workspace& workspace);

struct EntryPlace {
  std::uint64_t shard = 0, index = 0;
};
// Where the entry of this number is. A number past the end is in the current shard: its ledger says
// not_found. An entry of a pruned shard is not_found, with the entry that says so and its time.
[[nodiscard]] core::Result<EntryPlace> locate(const Workspace& workspace, std::uint64_t number);

// The public key that shard `number`'s checkpoints are signed with: from the keyring for the
// current one (log_verifier), from the genesis for the others, whose handovers fsck checks.
[[nodiscard]] core::Result<NoteVerifier> shard_verifier(const Workspace& workspace,
                                                        std::uint64_t number);

// The trust list as the ledger's records leave it. first: the number of its first entry.
[[nodiscard]] core::Result<TrustList> trust_at_end(const Ledger& ledger, std::uint64_t first);

// Calls visit for each record of all shards, in order, that counts under its shard's trust list;
// stops at its first Error. `signer`: the actor. Of a pruned shard: for those that were kept.
[[nodiscard]] core::Status for_each_trusted(
    const Workspace& workspace,
    const std::function<core::Status(std::uint64_t number, const Record& record,
                                     const std::string& signer)>& visit);

// require_counting judges the record of an entry under the trust list of its place, which takes
// reading its shard up to there. not_trusted: it stays there and counts for nothing.
[[nodiscard]] core::Status require_counting(const Workspace& workspace, std::uint64_t number);

// The records of prunings that count, in order.
[[nodiscard]] core::Result<std::vector<Pruning>> prunings(const Workspace& workspace);

// The handovers of all sealed shards, for readers (handover.hpp), oldest first.
[[nodiscard]] core::Result<std::vector<Handover>> handovers(const Workspace& workspace);

struct Rotation {
  std::uint64_t shard = 0;  // the new one
  std::uint64_t first = 0;  // number of its first entry
  std::string origin, log_key;
  std::string last_checkpoint;  // the final one of the shard before
  std::string checkpoint;       // the first of the new one
};
// rotate seals the current shard and begins the next with a new log key. origin: the new log's
// name; if it is empty, that of the first shard and "/YEAR-NUMBER". The record key must be an
// owner's. A rotation that was interrupted is finished, whatever the origin; safe to repeat after a
// kill. already_exists (a shard has that name), ledger_corrupt (fsck finds an error: what is not
// sound is not sealed), not_trusted, key_missing, locked (another one rotates).
[[nodiscard]] core::Result<Rotation> rotate(const Workspace& workspace, std::string_view origin,
                                            core::Entropy& entropy, const core::Clock& clock);

}  // namespace sigillo::audit
