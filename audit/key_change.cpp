#include "sigillo/audit/key_change.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/folder_lock.hpp"
#include "sigillo/audit/shards.hpp"

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

Result<core::FolderLock> only_one(const Workspace& workspace) {
  return core::FolderLock::try_take(
      workspace.folder(),
      Error{ErrorCode::locked, "another process changes this workspace", "try again"});
}

Result<TrustList> trust_now(const Workspace& workspace) {
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  return trust_at_end(ledger, 0);
}

// Appends a trust list, if the workspace's record key may change the list to this.
Result<std::uint64_t> append_list(const Workspace& workspace, TrustList trust, const Json& fields,
                                  const core::Clock& clock) {
  const std::vector<core::Subject> subject = {named_subject("ledger", workspace.config().origin)};
  SIGILLO_TRY(const core::PrivateKey key,
              workspace.keyring().signing_key(workspace.config().record_key));
  SIGILLO_TRY(const std::string leaf, make_record(*find_record_kind("trust-list"), fields, subject,
                                                  trust.ledger(), key, clock));
  SIGILLO_TRY(const Record list, read_record(leaf));
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  SIGILLO_TRY(const LedgerHead head, ledger.head());
  const auto accepted = trust.accept(head.size, list);
  if (!accepted.has_value())
    return Error{ErrorCode::not_trusted,
                 fmt::format("the record key \"{}\" may not change the trust list like that: {}",
                             workspace.config().record_key, accepted.error().message),
                 "an owner's key, in force now, changes the list, and one owner must stay"};
  SIGILLO_TRY(const std::vector<Receipt> receipts, append_records(workspace, {&leaf, 1}));
  return receipts.front().index;
}

// Without the key.
Json list_without(const TrustList& trust, std::string_view id) {
  Json fields = trust_fields(trust), keys = Json::array();
  for (const Json& key : fields["keys"])
    if (key.at("key_id") != id) keys.push_back(key);
  fields["keys"] = std::move(keys);
  return fields;
}

// The key of that name: made now, or by a call that was interrupted, which left it on no list or
// beside the record key.
Result<core::KeyInfo> new_key(const Workspace& workspace, std::string_view name,
                              core::Entropy& entropy, const core::Clock& clock) {
  core::Keyring keyring = workspace.keyring();
  auto made = keyring.generate_signing(name, core::KeyAlgorithm::ed25519, entropy, clock);
  if (made.has_value() || made.error().code != ErrorCode::already_exists) return made;
  SIGILLO_TRY(core::KeyInfo info, keyring.info(name));
  const bool usable = info.kind == "signing" && info.name != workspace.config().log_key &&
                      keyring.signing_key(name).has_value();
  return usable ? Result<core::KeyInfo>(std::move(info)) : made.error();
}

}  // namespace

Result<KeyChange> rotate_record_key(const Workspace& opened, std::string_view name,
                                    core::Entropy& entropy, const core::Clock& clock) {
  SIGILLO_TRY(const core::FolderLock lock, only_one(opened));
  SIGILLO_TRY(Workspace workspace, Workspace::open(opened.folder()));
  KeyChange change;
  WorkspaceConfig config = workspace.config();
  core::Keyring keyring = workspace.keyring();
  if (config.record_key == name)
    return Error{ErrorCode::already_exists,
                 fmt::format("the workspace signs with the key \"{}\" already", name),
                 "name a new key; if a rotation to this one was interrupted, `sigillo keys revoke` "
                 "takes the old one off the list"};
  SIGILLO_TRY(const core::KeyInfo old, keyring.info(config.record_key));
  SIGILLO_TRY(const core::KeyInfo info, new_key(workspace, name, entropy, clock));
  SIGILLO_TRY(const core::PublicKey key, core::PublicKey::from_pem(info.public_key));
  change.key_id = info.key_id;
  SIGILLO_TRY(const TrustList trust, trust_now(workspace));
  const auto mine = trust.keys().find(old.key_id);
  if (mine == trust.keys().end())
    return Error{ErrorCode::not_trusted,
                 fmt::format("the record key \"{}\" is not on the trust list", old.name),
                 "an owner has to add a key of this workspace"};
  if (!trust.keys().contains(info.key_id)) {
    Json fields = trust_fields(trust);
    Json added = single_key_trust(key, mine->second.actor, clock.now())["keys"][0];
    added["role"] = mine->second.role;
    added["kinds"] = mine->second.kinds;
    fields["keys"].push_back(std::move(added));
    SIGILLO_TRY(const std::uint64_t entry, append_list(workspace, trust, fields, clock));
    change.entries.push_back(entry);
  }
  config.record_key = name;
  SIGILLO_TRY_VOID(workspace.switch_to(config));
  SIGILLO_TRY(const TrustList both, trust_now(workspace));
  SIGILLO_TRY(const std::uint64_t entry,
              append_list(workspace, both, list_without(both, old.key_id), clock));
  change.entries.push_back(entry);
  SIGILLO_TRY_VOID(keyring.forget_secret(old.name));
  return change;
}

Result<KeyChange> revoke_key(const Workspace& opened, std::string_view id,
                             const core::Clock& clock) {
  SIGILLO_TRY(const core::FolderLock lock, only_one(opened));
  SIGILLO_TRY(const Workspace workspace, Workspace::open(opened.folder()));
  SIGILLO_TRY(const TrustList trust, trust_now(workspace));
  const auto found = trust.keys().find(std::string(id));
  if (found == trust.keys().end())
    return Error{ErrorCode::not_found, fmt::format("the key {} is not on the trust list", id),
                 "nothing that it signs counts"};
  SIGILLO_TRY(const core::KeyInfo own, workspace.keyring().info(workspace.config().record_key));
  if (own.key_id == id)
    return Error{ErrorCode::invalid_argument, "the workspace signs its records with this key",
                 "`sigillo keys rotate NAME` puts another in its place first"};
  SIGILLO_TRY(const std::uint64_t entry,
              append_list(workspace, trust, list_without(trust, id), clock));
  return KeyChange{{entry}, std::string(id)};
}

}  // namespace sigillo::audit
