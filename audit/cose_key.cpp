#include "sigillo/audit/cose_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sigillo/audit/trust.hpp"

namespace sigillo::audit {
namespace {

using core::Error;
using core::ErrorCode;
using core::Json;
using core::PrivateKey;
using core::Result;
using core::Status;

// The ledger's trust lists in order, and what they say of one key.
struct Naming {
  TrustList trust;
  Json keys;           // as the list in force has them
  bool named = false;  // ever
};

// An owner who takes the key back takes it back in later shards, too.
Result<Naming> follow(const Workspace& workspace, const std::string& key_id) {
  Naming naming;
  for (std::uint64_t shard = 1; shard <= workspace.config().shard; ++shard) {
    SIGILLO_TRY(const Ledger ledger, workspace.shard(shard, Ledger::Access::read));
    SIGILLO_TRY(const std::uint64_t first, first_entry(ledger, shard));
    naming.trust = TrustList(first);
    SIGILLO_TRY_VOID(ledger.for_each(0, kNoEnd, [&](const StoredEntry& entry) -> Status {
      const auto record = read_record(core::as_text(entry.leaf));
      const bool about_keys = record.has_value() && (record->kind->name == "trust-list" ||
                                                     record->kind->name == "genesis");
      if (!about_keys && entry.index > 0) return {};
      if (!record.has_value()) return record.error().in("entry 0");
      const auto accepted = naming.trust.accept(first + entry.index, *record);
      if (!accepted.has_value()) return entry.index == 0 ? accepted.error() : Status();
      if (record->kind->name == "trust-list") naming.keys = record->fields.at("keys");
      naming.named = naming.named || naming.trust.keys().contains(key_id);
      return {};
    }));
  }
  return naming;
}

Status name_key(const Workspace& workspace, const core::KeyInfo& signer, Naming naming,
                const core::PublicKey& key, const core::Clock& clock) {
  const auto owner = naming.trust.keys().find(signer.key_id);
  if (owner == naming.trust.keys().end() || owner->second.role != "owner" ||
      !naming.keys.is_array())
    return Error{ErrorCode::not_trusted,
                 fmt::format("the key \"{}\" may not name a key for receipts in the trust list",
                             signer.name),
                 "an owner of the trust list has to"};
  naming.keys.push_back(Json{{"key_id", key.id().hex()},
                             {"public_key", core::base64_encode(key.spki_der())},
                             {"actor", owner->second.actor},
                             {"role", "recorder"},
                             {"kinds", Json::array({kCoseKeyUse})},
                             {"valid_from", core::to_rfc3339(clock.now())}});
  const std::vector<core::Subject> subject = {named_subject("ledger", workspace.config().origin)};
  SIGILLO_TRY(const Receipt receipt,
              record(workspace, "trust-list", Json{{"keys", naming.keys}}, subject, clock));
  static_cast<void>(receipt);
  return {};
}

Status require_in_force(const Naming& naming, const std::string& key_id, core::Timestamp now) {
  const auto found = naming.trust.keys().find(key_id);
  if (found != naming.trust.keys().end()) {
    const TrustedKey& key = found->second;
    const bool for_receipts =
        std::find(key.kinds.begin(), key.kinds.end(), kCoseKeyUse) != key.kinds.end();
    const bool now_valid =
        key.valid_from <= now && (!key.valid_to.has_value() || now <= *key.valid_to);
    if (for_receipts && now_valid) return {};
  }
  return Error{
      ErrorCode::not_trusted,
      fmt::format("the trust list no longer lets the key \"{}\" sign receipts", kCoseKeyName),
      "name it again in a trust list, with kinds [\"cose-receipt\"]; or move its files out "
      "of the keyring, and another key is made"};
}

// One key signs one kind of text.
Status require_own(const Workspace& workspace, const core::PublicKey& key) {
  if (key.algorithm() != core::KeyAlgorithm::ed25519)
    return Error{ErrorCode::unsupported,
                 fmt::format("the key \"{}\" is not an Ed25519 key", kCoseKeyName),
                 "move its files out of the keyring, and a key for receipts is made"};
  for (const std::string& name : {workspace.config().log_key, workspace.config().record_key}) {
    SIGILLO_TRY(const core::KeyInfo other, workspace.keyring().info(name));
    if (other.key_id == key.id().hex())
      return Error{ErrorCode::invalid_argument,
                   fmt::format("the keys \"{}\" and \"{}\" are the same", kCoseKeyName, name),
                   "one key signs one kind of text: move the files of \"cose\" out of the keyring, "
                   "and a key for receipts is made"};
  }
  return {};
}

Result<PrivateKey> find_or_make(const Workspace& workspace, core::Entropy& entropy,
                                const core::Clock& clock) {
  core::Keyring keyring = workspace.keyring();
  if (const auto there = keyring.info(kCoseKeyName);
      !there.has_value() && there.error().code == ErrorCode::key_missing) {
    const auto made =
        keyring.generate_signing(kCoseKeyName, core::KeyAlgorithm::ed25519, entropy, clock);
    if (!made.has_value() && made.error().code != ErrorCode::already_exists) return made.error();
  }
  return keyring.signing_key(kCoseKeyName);
}

}  // namespace

Result<PrivateKey> cose_signing_key(const Workspace& workspace, core::Entropy& entropy,
                                    const core::Clock& clock) {
  SIGILLO_TRY(const core::KeyInfo signer, workspace.keyring().info(workspace.config().record_key));
  SIGILLO_TRY(PrivateKey key, find_or_make(workspace, entropy, clock));
  const std::string key_id = key.public_key().id().hex();
  SIGILLO_TRY_VOID(require_own(workspace, key.public_key()));
  SIGILLO_TRY(Naming naming, follow(workspace, key_id));
  if (naming.named) SIGILLO_TRY_VOID(require_in_force(naming, key_id, clock.now()));
  else SIGILLO_TRY_VOID(name_key(workspace, signer, std::move(naming), key.public_key(), clock));
  return key;
}

}  // namespace sigillo::audit
