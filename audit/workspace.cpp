#include "sigillo/audit/workspace.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "sigillo/audit/handover.hpp"
#include "sigillo/audit/pruned_shard.hpp"
#include "sigillo/audit/trust.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

constexpr std::int64_t kWorkspaceFormat = 2;  // 1: one shard
constexpr std::size_t kMaxConfigBytes = 65536;
constexpr std::int64_t kMaxShards = 10'000;

Status write_config(const fs::path& folder, const WorkspaceConfig& config) {
  Json json{{"format", 1},
            {"origin", config.origin},
            {"log_key", config.log_key},
            {"record_key", config.record_key}};
  if (!config.checkpoint_store.empty()) json["checkpoint_store"] = config.checkpoint_store;
  if (config.shard > 1) {
    json["format"] =
        kWorkspaceFormat;  // a program that knows no shards must not go on in the first
    json["shard"] = config.shard;
  }
  SIGILLO_TRY(const std::string text, core::canonical_json(json));
  return core::write_file_atomically(folder / "sigillo.json", core::as_bytes(text + "\n"));
}

Result<WorkspaceConfig> parse_config(std::string_view text) {
  constexpr std::string_view where = "configuration";
  SIGILLO_TRY(const Json value, core::parse_json(text));
  SIGILLO_TRY(const std::int64_t format, core::json_integer(value, "format", where));
  if (format > kWorkspaceFormat)
    return Error{
        ErrorCode::workspace_newer,
        fmt::format("the workspace has format {}; this sigillo knows {}", format, kWorkspaceFormat),
        "use the sigillo that wrote it, or a newer one"};
  WorkspaceConfig config;
  SIGILLO_TRY(config.origin, core::json_string(value, "origin", where));
  SIGILLO_TRY(config.log_key, core::json_string(value, "log_key", where));
  SIGILLO_TRY(config.record_key, core::json_string(value, "record_key", where));
  if (value.contains("checkpoint_store")) {
    SIGILLO_TRY(config.checkpoint_store, core::json_string(value, "checkpoint_store", where));
    if (!fs::path(config.checkpoint_store).is_absolute())
      return Error{ErrorCode::invalid_input, "checkpoint_store is no absolute path", ""};
  }
  if (format < kWorkspaceFormat) return config;
  SIGILLO_TRY(const std::int64_t shard, core::json_integer(value, "shard", where));
  if (shard < 2 || shard > kMaxShards)
    return Error{ErrorCode::invalid_input, fmt::format("{} is no number of a shard", shard), ""};
  config.shard = static_cast<std::uint64_t>(shard);
  return config;
}

CheckpointStore store_of(const fs::path& folder, const WorkspaceConfig& config) {
  return CheckpointStore(config.checkpoint_store.empty() ? folder / "signed"
                                                         : fs::path(config.checkpoint_store));
}

// Entry 0 names the log and its owner; entry 1, signed by that owner, says which keys count.
Status write_first_entries(const fs::path& folder, const WorkspaceConfig& config,
                           std::string_view actor, const core::Clock& clock) {
  const core::Keyring keyring(folder / "keys");
  SIGILLO_TRY(const core::PrivateKey log_key, keyring.signing_key(config.log_key));
  SIGILLO_TRY(const core::PrivateKey owner, keyring.signing_key(config.record_key));
  SIGILLO_TRY(const NoteVerifier verifier,
              NoteVerifier::create(config.origin, log_key.public_key()));
  const Json genesis{{"origin", config.origin},
                     {"log_key", verifier.vkey()},
                     {"owner_key", core::base64_encode(owner.public_key().spki_der())}};
  const Json trust = single_key_trust(owner.public_key(), actor, clock.now());
  const std::vector<core::Subject> subject = {named_subject("ledger", config.origin)};
  SIGILLO_TRY(std::string first,
              make_record(*find_record_kind("genesis"), genesis, subject, {}, owner, clock));
  SIGILLO_TRY(const Record read_back, read_record(first));
  SIGILLO_TRY(std::string second, make_record(*find_record_kind("trust-list"), trust, subject,
                                              ledger_id(read_back), owner, clock));
  SIGILLO_TRY(Ledger ledger, Ledger::create(folder / "ledger.db", config.origin));
  const std::vector<std::string> leaves = {std::move(first), std::move(second)};
  SIGILLO_TRY(const std::uint64_t index, ledger.append(leaves));
  SIGILLO_CHECK(index == 0);
  SIGILLO_TRY(const std::string checkpoint, ledger.publish(log_key, store_of(folder, config)));
  static_cast<void>(checkpoint);
  return {};
}

Status fill(const fs::path& folder, const WorkspaceConfig& config, std::string_view actor,
            core::Entropy& entropy, const core::Clock& clock) {
  std::error_code error;
  fs::create_directories(folder / "blobs", error);
  if (error) return core::error_from_errno(error.value(), "cannot create", folder);
  core::Keyring keyring(folder / "keys");
  for (const std::string& name : {config.log_key, config.record_key}) {
    const auto key = keyring.generate_signing(name, core::KeyAlgorithm::ed25519, entropy, clock);
    if (!key.has_value()) return key.error();
  }
  SIGILLO_TRY_VOID(write_first_entries(folder, config, actor, clock));
  return write_config(folder, config);
}

}  // namespace

Result<Workspace> Workspace::init(const fs::path& folder, std::string_view origin,
                                  std::string_view actor, core::Entropy& entropy,
                                  const core::Clock& clock, const fs::path& checkpoint_store) {
  std::error_code error;
  const Error exists{ErrorCode::already_exists, fmt::format("{} exists already", folder.string()),
                     "use it, or choose another --workspace; a ledger is never overwritten"};
  if (fs::exists(folder, error) && !fs::is_empty(folder, error)) return exists;
  WorkspaceConfig config{std::string(origin), "log", "owner"};
  if (!checkpoint_store.empty()) {
    config.checkpoint_store = fs::absolute(checkpoint_store, error).lexically_normal().string();
    if (error)
      return core::error_from_errno(error.value(), "cannot find the folder of", checkpoint_store);
  }
  const fs::path target = fs::absolute(folder, error).lexically_normal();
  if (error) return core::error_from_errno(error.value(), "cannot find the folder of", folder);
  const fs::path clean = target.has_filename() ? target : target.parent_path();
  const fs::path temporary =
      clean.parent_path() / fmt::format(".{}.{}.tmp", clean.filename().string(), ::getpid());
  fs::remove_all(temporary, error);  // of a process with our id that was killed; ids come again
  fs::create_directories(temporary, error);
  if (error) return core::error_from_errno(error.value(), "cannot create", temporary);
  Status status = fill(temporary, config, actor, entropy, clock);
  if (status.has_value() && ::rename(temporary.c_str(), clean.c_str()) != 0)
    status = errno == ENOTEMPTY || errno == EEXIST
                 ? exists
                 : core::error_from_errno(errno, "cannot create", clean);
  if (!status.has_value()) {
    fs::remove_all(temporary, error);
    return status.error();
  }
  return Workspace(folder, config);
}

Result<Workspace> Workspace::replica(const fs::path& folder,
                                     const std::vector<std::string>& origins) {
  SIGILLO_CHECK(!origins.empty());
  std::error_code error;
  const bool made = fs::create_directory(folder, error);
  if (error) return core::error_from_errno(error.value(), "cannot create", folder);
  if (!made)
    return Error{ErrorCode::already_exists, fmt::format("{} exists already", folder.string()),
                 "choose another folder"};
  Workspace workspace(folder, {origins.back(), "log", "owner", origins.size()});
  for (std::size_t i = 0; i < origins.size(); ++i) {
    const fs::path file = workspace.shard_file(i + 1);
    fs::create_directories(file.parent_path(), error);
    if (error) return core::error_from_errno(error.value(), "cannot create", file.parent_path());
    SIGILLO_TRY(const Ledger ledger, Ledger::create(file, origins[i]));
    static_cast<void>(ledger);
  }
  SIGILLO_TRY_VOID(write_config(folder, workspace.config()));
  return workspace;
}

Result<Workspace> Workspace::open(const fs::path& folder) {
  const fs::path file = folder / "sigillo.json";
  std::error_code error;
  if (!fs::exists(file, error)) {
    if (error == std::errc::permission_denied || error == std::errc::io_error)
      return core::error_from_errno(error.value(), "cannot open", file);
    return Error{ErrorCode::workspace_missing,
                 fmt::format("{} is no Sigillo workspace", folder.string()),
                 "run `sigillo init`, or name one with --workspace or SIGILLO_WORKSPACE"};
  }
  SIGILLO_TRY(const core::Bytes text, core::read_file(file, kMaxConfigBytes));
  auto config = parse_config(core::as_text(text));
  if (config.has_value()) return Workspace(folder, *std::move(config));
  Error failure = config.error().in(file.string());
  if (failure.remedy.empty()) failure.remedy = "restore sigillo.json from a backup";
  return failure;
}

CheckpointStore Workspace::checkpoint_store() const { return store_of(folder_, config_); }

fs::path Workspace::shard_file(std::uint64_t number) const {
  return number == 1 ? folder_ / "ledger.db"
                     : shards_folder() / std::to_string(number) / "ledger.db";
}

Result<Ledger> Workspace::ledger(Ledger::Access access) const {
  return shard(config_.shard, access);
}

Result<Ledger> Workspace::shard(std::uint64_t number, Ledger::Access access) const {
  if (number < 1 || number > config_.shard)
    return Error{ErrorCode::not_found,
                 fmt::format("the workspace has shards 1 to {}, and no {}", config_.shard, number),
                 "`sigillo log shards` lists them"};
  const Error pruned{ErrorCode::not_found,
                     fmt::format("shard {} was pruned: its entries are gone", number),
                     "`sigillo log shards` says when, and by which entry"};
  if (is_pruned(*this, number)) return pruned;
  const fs::path file = shard_file(number);
  auto ledger = Ledger::open(file, access);
  if (!ledger.has_value() && ledger.error().code == ErrorCode::not_found) {
    if (is_pruned(*this, number)) return pruned;  // in this moment
    return Error{ErrorCode::ledger_corrupt,
                 fmt::format("the workspace {} has lost its {}", folder_.string(),
                             file.lexically_relative(folder_).string()),
                 "keep this workspace, and restore a good copy"};
  }
  return ledger;
}

Status Workspace::switch_to(const WorkspaceConfig& config) {
  SIGILLO_TRY_VOID(write_config(folder_, config));
  config_ = config;
  return {};
}

Status Workspace::stays_outside(const fs::path& path) const {
  std::error_code error;
  const fs::path own = fs::canonical(folder_, error);
  if (error) return core::error_from_errno(error.value(), "cannot resolve", folder_);
  const fs::path other = fs::weakly_canonical(path, error);
  if (error) return core::error_from_errno(error.value(), "cannot resolve", path);
  const auto holds = [](const fs::path& outer, const fs::path& inner) {
    return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first ==
           outer.end();
  };
  if (!holds(own, other) && !holds(other, own)) return {};
  return Error{ErrorCode::invalid_argument,
               fmt::format("{} and the workspace {} hold each other: the digests of its keys and "
                           "private values would be published",
                           path.string(), folder_.string()),
               "name a folder apart from the workspace"};
}

Result<Digest> ledger_id(const Workspace& workspace) {
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  return ledger_id(ledger);
}

Result<Digest> ledger_id(const Ledger& ledger) {
  SIGILLO_TRY(const std::string leaf, ledger.leaf(0));
  const auto genesis = read_record(leaf);
  if (genesis.has_value() && genesis->kind->name == "genesis") return ledger_id(*genesis);
  return Error{ErrorCode::ledger_corrupt, "entry 0 of the ledger is no genesis record",
               "`sigillo log fsck` says what is wrong; keep this workspace as evidence"};
}

Result<std::uint64_t> first_entry(const Ledger& ledger, std::uint64_t shard) {
  if (shard == 1) return std::uint64_t{0};
  SIGILLO_TRY(const std::string leaf, ledger.leaf(kShardStartIndex));
  const auto record = read_record(leaf);
  const auto start = record.has_value() ? read_shard_start(*record) : record.error();
  if (start.has_value()) return start->first_entry;
  return Error{ErrorCode::ledger_corrupt,
               fmt::format("shard {} does not begin with the end of the one before", shard),
               "`sigillo log fsck` says what is wrong; keep this workspace as evidence"};
}

Result<NoteVerifier> log_verifier(const Workspace& workspace, const Ledger& ledger) {
  SIGILLO_TRY(const core::KeyInfo info, workspace.keyring().info(workspace.config().log_key));
  SIGILLO_TRY(const core::PublicKey key, core::PublicKey::from_pem(info.public_key));
  return NoteVerifier::create(ledger.origin(), key);
}

Result<std::vector<Receipt>> append_records(const Workspace& workspace,
                                            std::span<const std::string> leaves) {
  SIGILLO_TRY(Ledger ledger, workspace.ledger(Ledger::Access::write));
  SIGILLO_TRY_VOID(ledger.require_open());  // a sealed one has no key any more
  SIGILLO_TRY(const core::PrivateKey log_key,
              workspace.keyring().signing_key(workspace.config().log_key));
  SIGILLO_TRY(const NoteVerifier log, NoteVerifier::create(ledger.origin(), log_key.public_key()));
  SIGILLO_TRY_VOID(ledger.require_newest(log, workspace.checkpoint_store()));
  SIGILLO_TRY(std::uint64_t first, first_entry(ledger, workspace.config().shard));
  SIGILLO_TRY(const std::uint64_t index, ledger.append(leaves));
  first += index;
  const auto published = ledger.publish(log_key, workspace.checkpoint_store());
  if (!published.has_value())
    return published.error().in(
        fmt::format("{} entries from {} on are in the ledger, but no checkpoint could be signed",
                    leaves.size(), first));
  std::vector<Receipt> receipts;
  for (const std::string& leaf : leaves)
    receipts.push_back({first + receipts.size(), leaf_hash(core::as_bytes(leaf)), *published});
  return receipts;
}

namespace {

// Times are whole seconds: the same statement can be made twice in one, and the copy would count
// for nothing (TrustList). Looks back through the entries of this second.
Status is_no_copy(const Workspace& workspace, const Record& fresh) {
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  SIGILLO_TRY(const LedgerHead head, ledger.head());
  std::uint64_t index = head.size;
  while (index > 0) {
    SIGILLO_TRY(const std::string leaf, ledger.leaf(--index));
    const auto other = read_record(leaf);
    if (!other.has_value()) continue;
    if (other->recorded_at < fresh.recorded_at) return {};
    if (other->envelope.payload == fresh.envelope.payload)
      return Error{ErrorCode::already_exists,
                   fmt::format("entry {} of this very second says the same, and counts", index),
                   "if it is to be said once more, say it again in a second"};
  }
  return {};
}

Result<Receipt> record_here(const Workspace& workspace, const RecordKind& kind, const Json& fields,
                            const std::vector<core::Subject>& subjects, const core::Clock& clock) {
  SIGILLO_TRY(const core::PrivateKey key,
              workspace.keyring().signing_key(workspace.config().record_key));
  SIGILLO_TRY(const Digest ledger, ledger_id(workspace));
  SIGILLO_TRY(std::string leaf, make_record(kind, fields, subjects, ledger, key, clock));
  SIGILLO_TRY(const Record made, read_record(leaf));
  SIGILLO_TRY_VOID(is_no_copy(workspace, made));
  const std::vector<std::string> leaves = {std::move(leaf)};
  SIGILLO_TRY(const std::vector<Receipt> receipts, append_records(workspace, leaves));
  return receipts.front();
}

}  // namespace

// A run of days ends in the shard that is current then. A rotation between opening and appending is
// met by one more try.
Result<Receipt> record(const Workspace& workspace, std::string_view kind_name, const Json& fields,
                       const std::vector<core::Subject>& subjects, const core::Clock& clock) {
  const RecordKind* kind = find_record_kind(kind_name);
  SIGILLO_CHECK(kind != nullptr);
  SIGILLO_TRY(const Workspace now, Workspace::open(workspace.folder()));
  auto receipt = record_here(now, *kind, fields, subjects, clock);
  if (receipt.has_value() || receipt.error().code != ErrorCode::locked) return receipt;
  SIGILLO_TRY(const Workspace later, Workspace::open(workspace.folder()));
  if (later.config().shard == now.config().shard) return receipt;
  return record_here(later, *kind, fields, subjects, clock);
}

}  // namespace sigillo::audit
