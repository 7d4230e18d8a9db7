// Workspace: the folder that holds one ledger and what belongs to it.
//
//   sigillo.json   format, names and the current shard; no secret
//   ledger.db      the ledger, or its first shard: the only truth
//   shards/N/      the later shards' ledger.db (docs/decisions/0057-shards.md)
//   keys/          keyring, 0600                        blobs/         manifests and detections, by
//   digest private.db     what commitments hide; erasable      evidence.db    projection for people
//   and tools; derived, never judged                    index.db       finds entries; derived
//   signed/        what was signed last; never restored (docs/decisions/0062-checkpoint-store.md)
#pragma once

#include <filesystem>

#include "sigillo/audit/blobs.hpp"
#include "sigillo/audit/ledger.hpp"
#include "sigillo/audit/record.hpp"
#include "sigillo/core/keyring.hpp"

namespace sigillo::audit {

struct WorkspaceConfig {
  std::string origin;                 // the ledger's name
  std::string log_key;                // keyring name of the key that signs checkpoints
  std::string record_key;             // keyring name of the key that signs records
  std::uint64_t shard = 1;            // the current one; those before it are sealed
  std::string checkpoint_store = {};  // an absolute path; empty: the workspace's own, signed/
};

class Workspace {
 public:
  // init makes a workspace in one step: keys, ledger with genesis and trust list, first checkpoint.
  // The folder appears whole or not at all; an existing one is left alone (already_exists). origin:
  // a note key name, such as "example.com/audit". checkpoint_store: as in WorkspaceConfig.
  [[nodiscard]] static core::Result<Workspace> init(
      const std::filesystem::path& folder, std::string_view origin, std::string_view actor,
      core::Entropy& entropy, const core::Clock& clock,
      const std::filesystem::path& checkpoint_store = {});
  // replica makes a workspace without keys and with an empty ledger a shard, for entries that are
  // copied from elsewhere: nothing can be recorded in it, all of it can be checked. origins: of the
  // shards, in order, at least one. already_exists.
  [[nodiscard]] static core::Result<Workspace> replica(const std::filesystem::path& folder,
                                                       const std::vector<std::string>& origins);
  // open: workspace_missing, workspace_newer, invalid_input.
  [[nodiscard]] static core::Result<Workspace> open(const std::filesystem::path& folder);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const WorkspaceConfig& config() const { return config_; }
  [[nodiscard]] core::Keyring keyring() const { return core::Keyring(folder_ / "keys"); }
  [[nodiscard]] CheckpointStore checkpoint_store() const;
  [[nodiscard]] BlobStore blobs() const { return BlobStore(folder_ / "blobs"); }
  // The current shard's. A workspace whose ledger is gone is ledger_corrupt: it had one.
  [[nodiscard]] core::Result<Ledger> ledger(Ledger::Access access) const;
  // Shard `number`'s, 1 to config().shard. not_found past it.
  [[nodiscard]] core::Result<Ledger> shard(std::uint64_t number, Ledger::Access access) const;
  [[nodiscard]] std::filesystem::path shard_file(std::uint64_t number) const;
  [[nodiscard]] std::filesystem::path shards_folder() const { return folder_ / "shards"; }
  // Makes this the current shard, for all who open the workspace from now on: one atomic write.
  [[nodiscard]] core::Status switch_to(const WorkspaceConfig& config);
  // stays_outside: invalid_argument if path is this workspace, or is inside of it, or holds it,
  // links resolved. What is sealed is published as digests, and a workspace holds keys.
  [[nodiscard]] core::Status stays_outside(const std::filesystem::path& path) const;
  [[nodiscard]] std::filesystem::path private_values_file() const { return folder_ / "private.db"; }
  [[nodiscard]] std::filesystem::path projection_file() const { return folder_ / "evidence.db"; }
  [[nodiscard]] std::filesystem::path index_file(std::uint64_t shard) const {
    return shard_file(shard).replace_filename("index.db");
  }

 private:
  Workspace(std::filesystem::path folder, WorkspaceConfig config)
      : folder_(std::move(folder)), config_(std::move(config)) {}
  std::filesystem::path folder_;
  WorkspaceConfig config_;
};

// The id that every record of this ledger names (record.hpp), from its genesis as stored: fsck
// judges that. ledger_corrupt if there is none. Of a workspace: the current shard's.
[[nodiscard]] core::Result<Digest> ledger_id(const Ledger& ledger);
[[nodiscard]] core::Result<Digest> ledger_id(const Workspace& workspace);

// The number of the first entry of shard `shard`, whose ledger this is: 0, or what a later shard's
// start says, as stored. Numbers run on over the shards of a workspace; an index is the place in
// one of them. ledger_corrupt if a later shard has no start.
[[nodiscard]] core::Result<std::uint64_t> first_entry(const Ledger& ledger, std::uint64_t shard);

// The public key that this workspace's checkpoints are signed with, from its keyring, under the
// ledger's name. key_missing if it is not there.
[[nodiscard]] core::Result<NoteVerifier> log_verifier(const Workspace& workspace,
                                                      const Ledger& ledger);

struct Receipt {
  std::uint64_t index = 0;  // the entry's number (first_entry)
  Digest leaf_hash;
  std::string checkpoint;  // a signed note that covers it
};
// append_records appends leaves durably to the workspace's shard and signs a checkpoint over them.
// Once this returns, every leaf has a receipt. locked if the shard was sealed since the workspace
// was opened: the leaves name it, and have to be made anew for the next.
[[nodiscard]] core::Result<std::vector<Receipt>> append_records(
    const Workspace& workspace, std::span<const std::string> leaves);
// Makes, signs with the workspace's record key and appends one record, to the shard that is current
// now, whenever the workspace was opened.
[[nodiscard]] core::Result<Receipt> record(const Workspace& workspace, std::string_view kind,
                                           const core::Json& fields,
                                           const std::vector<core::Subject>& subjects,
                                           const core::Clock& clock);

}  // namespace sigillo::audit
