// What a pruning leaves of a shard: pruned.json (docs/formats/ledger.md, "Pruned shards").
//
// The final checkpoint, and those entries that the rest of the ledger needs, each with its path to
// the checkpoint's root. Where this file is, the shard is pruned, whatever else lies beside it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sigillo/audit/proof.hpp"
#include "sigillo/audit/record.hpp"
#include "sigillo/audit/workspace.hpp"

namespace sigillo::audit {

inline constexpr std::string_view kShardPrunedKind = "shard-pruned";
inline constexpr std::size_t kMaxPrunedShardBytes = std::size_t{64} << 20;

struct KeptEntry {
  std::uint64_t index = 0;  // in its shard
  std::string leaf;         // exact bytes
  std::vector<Digest> path;
};
struct PrunedShard {
  std::uint64_t number = 0;        // from 1
  std::uint64_t first = 0;         // number of its first entry
  std::string log_key;             // the vkey, which names the origin
  std::string note;                // the final checkpoint
  std::vector<KeptEntry> entries;  // by index; the first is the genesis, the last the shard-end

  // Of a text that parse_pruned_shard has read:
  Checkpoint checkpoint;
  Digest ledger;  // its id
  Digest digest;  // SHA-256 of the text
  [[nodiscard]] TlogProof receipt(const KeptEntry& entry) const;
  // Of the entry with this index: not_found if it was not kept.
  [[nodiscard]] core::Result<KeptEntry> entry(std::uint64_t index) const;
};

// Canonical JSON; the members after `entries` are not written.
[[nodiscard]] core::Result<std::string> pruned_shard_text(const PrunedShard& shard);
// One answer, no partial success: the form, the log's signature on the checkpoint, the path of each
// entry, that each is of a kind that is kept, the genesis, the start, and the end with the log's
// own signature. Whether owners signed them, and whether the ledger says that the shard was pruned,
// is for fsck. At most kMaxPrunedShardBytes. invalid_input, unsupported, proof_invalid,
// signature_invalid.
[[nodiscard]] core::Result<PrunedShard> parse_pruned_shard(std::string_view text);

// In a workspace. A pruned shard has no ledger: Workspace::shard is not_found.
[[nodiscard]] std::filesystem::path pruned_shard_file(const Workspace& workspace,
                                                      std::uint64_t number);
[[nodiscard]] bool is_pruned(const Workspace& workspace, std::uint64_t number);
// ledger_corrupt if the file was altered, or is that of another shard.
[[nodiscard]] core::Result<PrunedShard> read_pruned_shard(const Workspace& workspace,
                                                          std::uint64_t number);
// Files of the shard's ledger that lie beside pruned.json: the pruning was interrupted.
[[nodiscard]] std::vector<std::filesystem::path> ledger_files(const Workspace& workspace,
                                                              std::uint64_t number);
[[nodiscard]] core::Status remove_ledger_files(const Workspace& workspace, std::uint64_t number);

// A record of a pruning, as the ledger has it.
struct Pruning {
  std::uint64_t entry = 0;  // its number
  std::string recorded_at;
  std::uint64_t shard = 0;
  core::Json fields;
};
// Nothing if it is another kind of record.
[[nodiscard]] std::optional<Pruning> read_pruning(std::uint64_t number, const Record& record);
// The fields of a shard-pruned record that say which shard it is, down to the bytes that stay.
[[nodiscard]] core::Result<core::Json> identity_fields(const PrunedShard& shard);
[[nodiscard]] bool is_about(const Pruning& pruning, const PrunedShard& shard);

}  // namespace sigillo::audit
