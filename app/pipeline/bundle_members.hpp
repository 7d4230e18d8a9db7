// What export and verification of a bundle share: its members, and how they follow from the ledger.
// Private to app/pipeline.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "app/pipeline/bundle.hpp"
#include "sigillo/audit/trust.hpp"

namespace sigillo::app::bundle {

inline constexpr const char* kManifest = "MANIFEST.json";
inline constexpr const char* kCheckpoint = "checkpoint";
inline constexpr const char* kEntries = "entries.jsonl";
inline constexpr const char* kShardPrefix = "shards/";
inline constexpr const char* kLogKey = "log.vkey";
inline constexpr const char* kTrust = "trust.json";
inline constexpr const char* kVerdict = "verdict.json";
inline constexpr const char* kPackPrefix = "pack/";
inline constexpr const char* kBlobPrefix = "blobs/";
inline constexpr const char* kProofPrefix = "proofs/";

using Members = std::map<std::string, core::Bytes>;  // by name, without the manifest

// What the manifest says of a sealed shard.
struct SealedShard {
  std::string origin, root, log_key;
  std::uint64_t size = 0;
  bool pruned = false;  // no entries: what stays of it is its one member
  bool operator==(const SealedShard&) const = default;
};
struct Header {
  std::string tool_version, origin, root, log_key;
  std::uint64_t size = 0;
  std::string as_of, release, pack_digest;  // of the verdict; as_of is empty without one
  std::vector<SealedShard> sealed;          // before the current one, oldest first
};
// The manifest's payload: the header, and name, size and digest of every member.
[[nodiscard]] core::Result<std::string> manifest_payload(const Header& header,
                                                         const Members& members);
// The header, if the payload is exactly what manifest_payload gives for it and these members.
[[nodiscard]] core::Result<Header> open_manifest(std::string_view payload, const Members& members);

// The entries of one shard, and the checkpoint over them.
struct ShardEntries {
  std::vector<std::string> leaves;
  std::string checkpoint;
  std::string remainder;   // of a pruned shard: pruned.json, and no leaves
  std::uint64_t size = 0;  // entries, there or not
};
// The members that hold them: of shard `number`, from 1, of `count`; the current one's are at the
// top.
[[nodiscard]] std::string entries_name(std::size_t number, std::size_t count);
[[nodiscard]] std::string checkpoint_name(std::size_t number, std::size_t count);
[[nodiscard]] std::string remainder_name(std::size_t number);  // of a pruned shard

// The trust list as it stands at the end, and every digest that a readable record names.
struct Replay {
  audit::TrustList trust;
  std::vector<core::Digest> named;  // sorted, each once
};
[[nodiscard]] Replay replay(const std::vector<std::string>& leaves);
[[nodiscard]] core::Result<std::string> trust_bytes(const audit::TrustList& trust);

[[nodiscard]] std::string blob_name(const core::Digest& digest);
[[nodiscard]] std::string proof_name(std::uint64_t entry);
// The receipts of the entries that a verdict cites, by member name. shards: all, oldest first.
[[nodiscard]] core::Result<Members> proofs(const policy::Verdicts& verdicts,
                                           const std::vector<ShardEntries>& shards);

// A folder of our own below the system's temporary one, removed at the end.
class TemporaryFolder {
 public:
  [[nodiscard]] static core::Result<TemporaryFolder> create();
  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace sigillo::app::bundle
