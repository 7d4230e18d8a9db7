// Rotation: steps and what a kill leaves after each are in docs/decisions/0057-shards.md.
#include <fmt/format.h>

#include <algorithm>

#include "core/folder_lock.hpp"
#include "sigillo/audit/fsck.hpp"
#include "sigillo/audit/shards.hpp"
#include "sigillo/audit/verify_proof.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

constexpr std::string_view kStagedKey = "log";  // its name in the keyring of the staging folder

// Where the next shard is made until it is whole.
struct Staging {
  fs::path folder;
  [[nodiscard]] fs::path genesis() const { return folder / "genesis"; }
  [[nodiscard]] fs::path shard() const { return folder / "shard"; }
  [[nodiscard]] core::Keyring keyring() const { return core::Keyring(folder / "keys"); }
};
Staging staging_of(const Workspace& workspace) {
  return {workspace.shards_folder() / fmt::format("{}.new", workspace.config().shard + 1)};
}

Status remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  return error ? core::error_from_errno(error.value(), "cannot remove", folder) : Status();
}

Result<std::string> next_origin(const Workspace& workspace, std::string_view wanted,
                                const core::Clock& clock) {
  SIGILLO_TRY(const std::vector<Shard> all, shards(workspace));
  const std::string origin =
      wanted.empty() ? fmt::format("{}/{}-{}", all.front().origin,
                                   core::to_date(clock.now()).substr(0, 4), all.size() + 1)
                     : std::string(wanted);
  for (const Shard& shard : all)
    if (shard.origin == origin)
      return Error{ErrorCode::already_exists,
                   fmt::format("shard {} has the name {}", shard.number, origin),
                   "a log's name is used once: choose another --origin; `sigillo log shards` "
                   "lists them"};
  return origin;
}

Result<std::string> add_signature(const std::string& leaf, const core::PrivateKey& key) {
  SIGILLO_TRY(core::Envelope envelope, core::parse_canonical_envelope(leaf));
  SIGILLO_TRY(const core::Envelope by_key,
              core::sign_envelope(envelope.payload_type, envelope.payload, key));
  envelope.signatures.push_back(by_key.signatures.front());
  return core::envelope_bytes(envelope);
}

// Step 1: a key and a genesis for the next shard, where nobody looks for them yet.
Result<Record> stage(const Staging& staging, const std::string& origin,
                     const core::PrivateKey& owner, core::Entropy& entropy,
                     const core::Clock& clock) {
  SIGILLO_TRY_VOID(remove_folder(staging.folder));
  SIGILLO_TRY_VOID(core::make_folders(staging.folder));
  core::Keyring keyring = staging.keyring();
  SIGILLO_TRY(const core::KeyInfo info,
              keyring.generate_signing(kStagedKey, core::KeyAlgorithm::ed25519, entropy, clock));
  SIGILLO_TRY(const core::PublicKey key, core::PublicKey::from_pem(info.public_key));
  SIGILLO_TRY(const NoteVerifier log, NoteVerifier::create(origin, key));
  const Json fields{{"origin", origin},
                    {"log_key", log.vkey()},
                    {"owner_key", core::base64_encode(owner.public_key().spki_der())}};
  SIGILLO_TRY(const std::string leaf,
              make_record(*find_record_kind("genesis"), fields, {named_subject("ledger", origin)},
                          {}, owner, clock));
  SIGILLO_TRY_VOID(core::write_file_atomically(staging.genesis(), core::as_bytes(leaf)));
  SIGILLO_TRY_VOID(core::sync_file_system(staging.folder));
  return read_record(leaf);
}

// Steps 1 and 2.
Status seal(const Workspace& workspace, Ledger& ledger, std::string_view wanted_origin,
            core::Entropy& entropy, const core::Clock& clock) {
  SIGILLO_TRY_VOID(require_sound(workspace, "nothing was sealed"));
  SIGILLO_TRY(const std::string origin, next_origin(workspace, wanted_origin, clock));
  const core::Keyring keyring = workspace.keyring();
  SIGILLO_TRY(const core::PrivateKey log_key, keyring.signing_key(workspace.config().log_key));
  SIGILLO_TRY(const core::PrivateKey owner, keyring.signing_key(workspace.config().record_key));
  SIGILLO_TRY(const Record genesis, stage(staging_of(workspace), origin, owner, entropy, clock));
  const Json fields{{"shard", workspace.config().shard},
                    {"next_origin", origin},
                    {"next_log_key", genesis.fields.at("log_key")},
                    {"next_ledger", ledger_id(genesis).hex()}};
  SIGILLO_TRY(const Digest id, ledger_id(ledger));
  SIGILLO_TRY(std::string leaf,
              make_record(*find_record_kind(kShardEndKind), fields,
                          {named_subject("ledger", ledger.origin())}, id, owner, clock));
  SIGILLO_TRY(leaf, add_signature(leaf, log_key));
  SIGILLO_TRY(const Record end, read_record(leaf));
  SIGILLO_TRY(TrustList trust, trust_at_end(ledger, 0));
  const auto signer = trust.accept(kShardStartIndex, end);
  if (!signer.has_value())
    return Error{ErrorCode::not_trusted,
                 fmt::format("the record key \"{}\" may not seal the ledger: {}",
                             workspace.config().record_key, signer.error().message),
                 "only a key with the role owner, in force now, hands a ledger over"};
  // A sealed shard gets no further without its final checkpoint: the store must know the log, and
  // take a checkpoint.
  const CheckpointStore store = workspace.checkpoint_store();
  SIGILLO_TRY(const NoteVerifier log, NoteVerifier::create(ledger.origin(), log_key.public_key()));
  SIGILLO_TRY_VOID(ledger.require_newest(log, store));
  SIGILLO_TRY(const std::optional<std::string> last, store.last(log));
  if (last.has_value()) SIGILLO_TRY_VOID(store.advance(log, last, *last));
  SIGILLO_TRY(const std::uint64_t index, ledger.seal(leaf));
  static_cast<void>(index);
  return {};
}

// The final checkpoint of a sealed ledger, which is signed if that was not done.
Result<std::string> final_checkpoint(const Workspace& workspace, Ledger& ledger,
                                     const LedgerHead& head) {
  SIGILLO_TRY(const std::vector<StoredCheckpoint> stored, ledger.checkpoints());
  if (!stored.empty() && stored.back().size == head.size) return stored.back().note;
  SIGILLO_TRY(const core::PrivateKey log_key,
              workspace.keyring().signing_key(workspace.config().log_key));
  return ledger.publish(log_key, workspace.checkpoint_store());
}

Result<core::PrivateKey> next_key(const Workspace& workspace, const Staging& staging,
                                  const NoteVerifier& next, std::string& name) {
  const std::string id = next.key().id().hex();
  SIGILLO_TRY(const std::vector<core::KeyInfo> keys, workspace.keyring().list());
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [&](const core::KeyInfo& info) { return info.key_id == id; });
  if (found != keys.end()) {
    name = found->name;
    return workspace.keyring().signing_key(name);
  }
  auto key = staging.keyring().signing_key(kStagedKey);
  if (key.has_value() && key->public_key().id().hex() == id) return key;
  return Error{ErrorCode::key_missing,
               fmt::format("the private key of {} is neither in the keyring nor in {}", next.name(),
                           staging.folder.string()),
               "the end of the sealed shard names it: restore the workspace from a backup"};
}

// Puts the key into the workspace's keyring, under a name that is free.
Result<std::string> keep_key(const Workspace& workspace, const core::PrivateKey& key,
                             core::Entropy& entropy, const core::Clock& clock) {
  SIGILLO_TRY(std::string pem, key.pem());
  core::Keyring keyring = workspace.keyring();
  const std::string name = fmt::format("log-{}", workspace.config().shard + 1);
  auto kept = keyring.import_key(name, pem, entropy, clock);
  for (int i = 2; !kept.has_value() && kept.error().code == ErrorCode::already_exists; ++i)
    kept = keyring.import_key(fmt::format("{}-{}", name, i), pem, entropy, clock);
  core::secure_zero(pem.data(), pem.size());
  if (!kept.has_value()) return kept.error();
  return kept->name;
}

// The whole ledger of the next shard, in the staging folder.
Status build(const Workspace& workspace, const Staging& staging, const Ledger& ended,
             const std::string& note, const NoteVerifier& log, const NoteVerifier& next,
             const core::PrivateKey& key, const core::Clock& clock) {
  SIGILLO_TRY(const core::PrivateKey owner,
              workspace.keyring().signing_key(workspace.config().record_key));
  SIGILLO_TRY(const core::Bytes genesis_bytes, core::read_file(staging.genesis(), kMaxLeafBytes));
  const std::string genesis_leaf(core::as_text(genesis_bytes));
  SIGILLO_TRY(const Record genesis, read_record(genesis_leaf));
  SIGILLO_TRY(const std::uint64_t first, first_entry(ended, workspace.config().shard));
  SIGILLO_TRY(const TrustList trust, trust_at_end(ended, first));
  SIGILLO_TRY(const StampedCheckpoint last, stamped_checkpoint(note, {log}));
  const Json start{{"shard", workspace.config().shard + 1},
                   {"first_entry", first + last.checkpoint.size},
                   {"previous_log_key", log.vkey()},
                   {"previous_ledger", trust.ledger().hex()},
                   {"size", last.checkpoint.size},
                   {"root", last.checkpoint.root.hex()},
                   {"log_line", last.log_line.substr(0, last.log_line.size() - 1)}};
  const std::vector<core::Subject> subject = {named_subject("ledger", next.name())};
  std::vector<std::string> leaves = {genesis_leaf};
  for (const auto& [kind, fields] : {std::pair(std::string_view("trust-list"), trust_fields(trust)),
                                     std::pair(kShardStartKind, start)}) {
    SIGILLO_TRY(std::string leaf, make_record(*find_record_kind(kind), fields, subject,
                                              ledger_id(genesis), owner, clock));
    leaves.push_back(std::move(leaf));
  }
  SIGILLO_TRY_VOID(remove_folder(staging.shard()));
  SIGILLO_TRY_VOID(core::make_folders(staging.shard()));
  SIGILLO_TRY(Ledger ledger, Ledger::create(staging.shard() / "ledger.db", next.name()));
  SIGILLO_TRY(const std::uint64_t index, ledger.append(leaves));
  SIGILLO_CHECK(index == 0);
  SIGILLO_TRY(const std::string checkpoint, ledger.publish(key));
  static_cast<void>(checkpoint);
  return {};
}

// Steps 3 to 5, for a ledger that is sealed: each does nothing if it is done.
Result<Rotation> finish(Workspace workspace, Ledger ledger, core::Entropy& entropy,
                        const core::Clock& clock) {
  const Staging staging = staging_of(workspace);
  SIGILLO_TRY(const LedgerHead head, ledger.head());
  SIGILLO_TRY(const std::string leaf, ledger.leaf(head.size - 1));
  SIGILLO_TRY(const Record record, read_record(leaf));
  SIGILLO_TRY(const ShardEnd end, read_shard_end(record));
  Rotation rotation;
  SIGILLO_TRY(rotation.last_checkpoint, final_checkpoint(workspace, ledger, head));
  SIGILLO_TRY(const std::string genesis_leaf, ledger.leaf(0));
  SIGILLO_TRY(const Record genesis, read_record(genesis_leaf));
  SIGILLO_TRY(const std::string vkey, core::json_string(genesis.fields, "log_key", "genesis"));
  SIGILLO_TRY(const NoteVerifier log, NoteVerifier::parse(vkey));
  SIGILLO_TRY(const NoteVerifier next, NoteVerifier::parse(end.next_log_key));

  WorkspaceConfig config = workspace.config();
  config.shard += 1;
  config.origin = end.next_origin;
  config.log_key.clear();
  SIGILLO_TRY(const core::PrivateKey key, next_key(workspace, staging, next, config.log_key));
  const fs::path file = workspace.shard_file(config.shard);
  std::error_code ignored;
  SIGILLO_TRY(const std::optional<std::string> known, workspace.checkpoint_store().last(next));
  if (!fs::exists(file, ignored)) {
    if (known.has_value())
      return Error{
          ErrorCode::ledger_corrupt,
          fmt::format("{} has signed checkpoints, and is not here: an old copy was restored",
                      next.name()),
          "stop whatever writes here, and put the newest copy back"};
    SIGILLO_TRY_VOID(
        build(workspace, staging, ledger, rotation.last_checkpoint, log, next, key, clock));
    SIGILLO_TRY_VOID(core::sync_file_system(staging.folder));
    SIGILLO_TRY_VOID(remove_folder(file.parent_path()));  // without a ledger it is nothing
    if (::rename(staging.shard().c_str(), file.parent_path().c_str()) != 0)
      return core::error_from_errno(errno, "cannot create", file.parent_path());
    SIGILLO_TRY_VOID(core::sync_file_system(workspace.folder()));  // before the store knows of it
  }
  {
    // Known from its first checkpoint on. If it is known already: no more than is here.
    SIGILLO_TRY(const Ledger begun, Ledger::open(file, Ledger::Access::read));
    SIGILLO_TRY(const std::string first, begun.latest_checkpoint());
    if (!known.has_value())
      SIGILLO_TRY_VOID(workspace.checkpoint_store().advance(next, std::nullopt, first));
    SIGILLO_TRY_VOID(begun.require_newest(next, workspace.checkpoint_store()));
  }
  if (config.log_key.empty()) {
    SIGILLO_TRY(config.log_key, keep_key(workspace, key, entropy, clock));
  }
  SIGILLO_TRY_VOID(core::sync_file_system(workspace.folder()));
  SIGILLO_TRY_VOID(remove_folder(staging.folder));
  core::Keyring keyring = workspace.keyring();
  SIGILLO_TRY_VOID(keyring.forget_secret(workspace.config().log_key));
  SIGILLO_TRY_VOID(core::sync_file_system(workspace.folder()));
  SIGILLO_TRY_VOID(workspace.switch_to(config));

  SIGILLO_TRY(const Ledger begun, workspace.ledger(Ledger::Access::read));
  rotation.shard = config.shard;
  SIGILLO_TRY(rotation.first, first_entry(begun, config.shard));
  rotation.origin = config.origin;
  rotation.log_key = end.next_log_key;
  SIGILLO_TRY(rotation.checkpoint, begun.latest_checkpoint());
  return rotation;
}

}  // namespace

Result<Rotation> rotate(const Workspace& opened, std::string_view origin, core::Entropy& entropy,
                        const core::Clock& clock) {
  SIGILLO_TRY(
      const core::FolderLock lock,
      core::FolderLock::try_take(
          opened.folder(),
          Error{ErrorCode::locked, "another process rotates or prunes this ledger", "try again"}));
  SIGILLO_TRY(const Workspace workspace, Workspace::open(opened.folder()));
  SIGILLO_TRY(Ledger ledger, workspace.ledger(Ledger::Access::write));
  SIGILLO_TRY(const bool sealed, ledger.sealed());
  if (!sealed) SIGILLO_TRY_VOID(seal(workspace, ledger, origin, entropy, clock));
  return finish(workspace, std::move(ledger), entropy, clock);
}

}  // namespace sigillo::audit
