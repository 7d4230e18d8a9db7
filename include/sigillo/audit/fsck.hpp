// fsck: checks a whole workspace from the leaf bytes up, and gives the evidence that what it
// verified amounts to.
//
// It trusts nothing that it can recompute: stored hashes, the head, checkpoints, projection rows.
// It writes nothing.
#pragma once

#include <string>
#include <vector>

#include "sigillo/audit/workspace.hpp"
#include "sigillo/core/evidence.hpp"

namespace sigillo::audit {

enum class Severity {
  note,     // worth knowing, such as private values of a record that was interrupted
  warning,  // counts for nothing, such as a record that no trusted key signed, or an entry that no
            // checkpoint covers
  error,    // what is stored is not what was sealed: no verdict can rest on it
};
[[nodiscard]] std::string_view to_string(Severity severity);

struct Finding {
  Severity severity;
  std::string check;  // stable name, such as "leaf-hash"
  std::string place;  // what it is about, such as "entry 7 (outputs-batch)"
  std::string message;
  std::string remedy;
};

// Names of two checks: the ledger lacks what its log has signed; the store of what was signed last
// does not know the log, is damaged or was restored.
inline constexpr std::string_view kSignedBefore = "signed-before";
inline constexpr std::string_view kCheckpointStore = "checkpoint-store";

struct FsckReport {
  std::vector<Finding> findings;
  LedgerHead head;                // of the current shard, recomputed
  std::uint64_t shards = 0;       // 1 for a ledger that was never rotated
  std::uint64_t entries = 0;      // of all shards
  std::uint64_t uncovered = 0;    // entries past the latest stored checkpoint: not in the evidence
  std::uint64_t checkpoints = 0;  // verified
  std::uint64_t records = 0;      // trusted records
  std::uint64_t blobs = 0;        // verified
  core::Evidence evidence;  // under the latest verified checkpoint; empty if there are errors in
                            // the ledger itself
  [[nodiscard]] bool sound() const;  // no finding is an error
};

// What the reader knows from elsewhere. Without it, a ledger is only checked against itself:
// whoever holds its keys and its files could have rewritten all of it.
struct KnownBefore {
  std::string log_key;     // the log's verifier key (vkey), from a trusted place; or empty
  std::string checkpoint;  // a checkpoint (signed note) seen earlier: its entries must still be the
                           // ledger's first; or empty. Needs log_key.
};

// An Error only if the workspace cannot be read at all, or if what is known before is no vkey or no
// checkpoint of it; whatever is wrong in the workspace is a Finding. Memory: one entry at a time
// and the evidence rows.
[[nodiscard]] core::Result<FsckReport> fsck(const Workspace& workspace,
                                            const KnownBefore& known = {});

// ledger_corrupt, which ends with `so`, if fsck finds an error.
[[nodiscard]] core::Status require_sound(const Workspace& workspace, std::string_view so);

// Writes evidence.db from verified evidence: tables ev1_* for people and other tools. It is
// compared by the next fsck.
[[nodiscard]] core::Status write_projection(const Workspace& workspace,
                                            const core::Evidence& evidence);

}  // namespace sigillo::audit
