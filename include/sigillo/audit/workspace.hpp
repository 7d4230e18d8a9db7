// Workspace: the folder that holds one ledger and what belongs to it.
//
//   sigillo.json   format and names; no secret        ledger.db      the ledger: the only truth
//   keys/          keyring, 0600                        blobs/         manifests and detections, by
//   digest private.db     what commitments hide; erasable      evidence.db    projection for people
//   and tools; derived, never judged                    index.db       finds entries; derived
#pragma once

#include <filesystem>

#include "sigillo/audit/blobs.hpp"
#include "sigillo/audit/ledger.hpp"
#include "sigillo/audit/record.hpp"
#include "sigillo/core/keyring.hpp"

namespace sigillo::audit {

struct WorkspaceConfig {
  std::string origin;      // the ledger's name
  std::string log_key;     // keyring name of the key that signs checkpoints
  std::string record_key;  // keyring name of the key that signs records
};

class Workspace {
 public:
  // init makes a workspace in one step: keys, ledger with genesis and trust list, first checkpoint.
  // The folder appears whole or not at all; an existing one is left alone (already_exists). origin:
  // a note key name, such as "example.com/audit".
  [[nodiscard]] static core::Result<Workspace> init(const std::filesystem::path& folder,
                                                    std::string_view origin, std::string_view actor,
                                                    core::Entropy& entropy,
                                                    const core::Clock& clock);
  // replica makes a workspace without keys and with an empty ledger, for entries that are copied
  // from elsewhere: nothing can be recorded in it, all of it can be checked. already_exists.
  [[nodiscard]] static core::Result<Workspace> replica(const std::filesystem::path& folder,
                                                       std::string_view origin);
  // open: workspace_missing, workspace_newer, invalid_input.
  [[nodiscard]] static core::Result<Workspace> open(const std::filesystem::path& folder);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const WorkspaceConfig& config() const { return config_; }
  [[nodiscard]] core::Keyring keyring() const { return core::Keyring(folder_ / "keys"); }
  [[nodiscard]] BlobStore blobs() const { return BlobStore(folder_ / "blobs"); }
  // A workspace whose ledger is gone is ledger_corrupt: it had one.
  [[nodiscard]] core::Result<Ledger> ledger(Ledger::Access access) const;
  // stays_outside: invalid_argument if path is this workspace, or is inside of it, or holds it,
  // links resolved. What is sealed is published as digests, and a workspace holds keys.
  [[nodiscard]] core::Status stays_outside(const std::filesystem::path& path) const;
  [[nodiscard]] std::filesystem::path private_values_file() const { return folder_ / "private.db"; }
  [[nodiscard]] std::filesystem::path projection_file() const { return folder_ / "evidence.db"; }
  [[nodiscard]] std::filesystem::path index_file() const { return folder_ / "index.db"; }

 private:
  Workspace(std::filesystem::path folder, WorkspaceConfig config)
      : folder_(std::move(folder)), config_(std::move(config)) {}
  std::filesystem::path folder_;
  WorkspaceConfig config_;
};

// The id that every record of this ledger names (record.hpp), from its genesis as stored: fsck
// judges that. ledger_corrupt if there is none.
[[nodiscard]] core::Result<Digest> ledger_id(const Workspace& workspace);

// The public key that this workspace's checkpoints are signed with, from its keyring, under the
// ledger's name. key_missing if it is not there.
[[nodiscard]] core::Result<NoteVerifier> log_verifier(const Workspace& workspace,
                                                      const Ledger& ledger);

struct Receipt {
  std::uint64_t index = 0;  // the entry
  Digest leaf_hash;
  std::string checkpoint;  // a signed note that covers it
};
// require_counting reads the ledger up to an entry and judges its record under the trust list of
// that place. not_trusted: it stays there and counts for nothing.
[[nodiscard]] core::Status require_counting(const Workspace& workspace, std::uint64_t entry);

// append_records appends leaves durably and signs a checkpoint over them. Once this returns, every
// leaf has a receipt.
[[nodiscard]] core::Result<std::vector<Receipt>> append_records(
    const Workspace& workspace, std::span<const std::string> leaves);
// Makes, signs with the workspace's record key and appends one record.
[[nodiscard]] core::Result<Receipt> record(const Workspace& workspace, std::string_view kind,
                                           const core::Json& fields,
                                           const std::vector<core::Subject>& subjects,
                                           const core::Clock& clock);

}  // namespace sigillo::audit
