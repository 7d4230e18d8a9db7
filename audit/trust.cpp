#include "sigillo/audit/trust.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sigillo::audit {
namespace {

using core::Error;
using core::ErrorCode;
using core::Json;

core::Result<core::PublicKey> key_from_base64(const std::string& text) {
  SIGILLO_TRY(const core::Bytes der, core::base64_decode(text));
  return core::PublicKey::from_spki_der(der);
}

core::Result<TrustedKey> read_key(const Json& item) {
  SIGILLO_TRY(core::PublicKey key, key_from_base64(item.at("public_key")));
  if (key.id().hex() != item.at("key_id").get<std::string>())
    return Error{ErrorCode::not_trusted, "a key_id is not the digest of its public_key", ""};
  SIGILLO_TRY(const core::Timestamp from,
              core::timestamp_from_rfc3339(item.at("valid_from").get<std::string>()));
  TrustedKey trusted{std::move(key), item.at("actor"), item.at("role"), item.at("kinds"),
                     from,           std::nullopt};
  if (item.contains("valid_to")) {
    SIGILLO_TRY(trusted.valid_to,
                core::timestamp_from_rfc3339(item.at("valid_to").get<std::string>()));
  }
  return trusted;
}

bool only_for_owners(std::string_view kind) {
  return kind == "trust-list" || kind == "shard-end" || kind == "shard-start" ||
         kind == "shard-pruned";
}

bool may_sign(const TrustedKey& key, const Record& record, core::Timestamp time) {
  if (time < key.valid_from || (key.valid_to.has_value() && *key.valid_to < time)) return false;
  if (only_for_owners(record.kind->name) && key.role != "owner") return false;
  return std::any_of(key.kinds.begin(), key.kinds.end(), [&](const std::string& kind) {
    return kind == "*" || kind == record.kind->name;
  });
}

}  // namespace

core::Result<std::string> TrustList::accept(std::uint64_t index, const Record& record) {
  // The statement is what was signed; an envelope can be varied by anyone.
  const core::Digest statement = core::sha256(record.envelope.payload);
  const auto decide = [&]() -> core::Result<std::string> {
    if (index == first_) return accept_genesis(record);
    if (accepted_.contains(statement))
      return Error{ErrorCode::not_trusted, "it repeats a record that counts already",
                   "the copy counts for nothing"};
    SIGILLO_TRY(std::string actor, judge(record));
    if (record.kind->name == "trust-list") SIGILLO_TRY_VOID(replace(index, record));
    return actor;
  };
  auto actor = decide();
  if (!actor.has_value()) return actor.error().in(fmt::format("entry {}", index));
  accepted_.insert(statement);
  return actor;
}

core::Result<std::string> TrustList::judge(const Record& record) const {
  if (record.kind->name == "genesis")
    return Error{ErrorCode::not_trusted, "a genesis can only be entry 0", ""};
  if (record.ledger != ledger_)
    return Error{ErrorCode::not_trusted, "it was made for another ledger",
                 "record it anew here: a record counts in the ledger that it names"};
  SIGILLO_TRY(const core::Timestamp time, core::timestamp_from_rfc3339(record.recorded_at));
  for (const core::EnvelopeSignature& signature : record.envelope.signatures) {
    const auto found = keys_.find(signature.key_id);
    if (found == keys_.end() || !may_sign(found->second, record, time)) continue;
    SIGILLO_TRY_VOID(core::verify_envelope(record.envelope, found->second.key));
    return found->second.actor;
  }
  return Error{ErrorCode::not_trusted,
               fmt::format("no trusted key may sign a {} record at {}", record.kind->name,
                           record.recorded_at),
               "the record stays in the ledger, but counts for nothing"};
}

std::optional<std::uint64_t> TrustList::revoked_by(const Record& record) const {
  for (const core::EnvelopeSignature& signature : record.envelope.signatures) {
    const auto found = revoked_.find(signature.key_id);
    if (found == revoked_.end()) continue;
    const auto& [entry, key] = found->second;
    if (core::verify_envelope(record.envelope, key.key).has_value()) return entry;
  }
  return std::nullopt;
}

core::Result<std::string> TrustList::accept_genesis(const Record& record) {
  if (record.kind->name != "genesis")
    return Error{ErrorCode::ledger_corrupt, "not a genesis record",
                 "this is no Sigillo ledger, or its start is lost"};
  SIGILLO_TRY(core::PublicKey owner, key_from_base64(record.fields.at("owner_key")));
  SIGILLO_TRY_VOID(core::verify_envelope(record.envelope, owner));
  SIGILLO_TRY(const core::Timestamp time, core::timestamp_from_rfc3339(record.recorded_at));
  ledger_ = ledger_id(record);
  origin_ = record.fields.at("origin");
  log_vkey_ = record.fields.at("log_key");
  // Until the first trust list, the owner's key may sign that list and nothing else.
  keys_.clear();
  keys_.emplace(owner.id().hex(),
                TrustedKey{owner, "owner", "owner", {"trust-list"}, time, std::nullopt});
  return std::string("owner");
}

core::Status TrustList::replace(std::uint64_t index, const Record& record) {
  std::map<std::string, TrustedKey> next;
  bool owner = false;
  for (const Json& item : record.fields.at("keys")) {
    auto key = read_key(item);
    // An owner's list that cannot be used is no damage to the ledger: the list before it stands.
    if (!key.has_value())
      return Error{ErrorCode::not_trusted, "trust list: " + key.error().message, ""};
    owner = owner || key->role == "owner";
    if (!next.emplace(key->key.id().hex(), *key).second)
      return Error{ErrorCode::not_trusted, "trust list: a key appears twice", ""};
  }
  if (!owner) return Error{ErrorCode::not_trusted, "trust list: no owner is left", ""};
  for (auto& [id, key] : keys_) revoked_.insert_or_assign(id, std::pair(index, std::move(key)));
  for (const auto& [id, key] : next) revoked_.erase(id);
  keys_ = std::move(next);
  return {};
}

Json trust_fields(const TrustList& trust) {
  Json keys = Json::array();
  for (const auto& [id, key] : trust.keys()) {
    keys.push_back(Json{{"key_id", id},
                        {"public_key", core::base64_encode(key.key.spki_der())},
                        {"actor", key.actor},
                        {"role", key.role},
                        {"kinds", key.kinds},
                        {"valid_from", core::to_rfc3339(key.valid_from)}});
    if (key.valid_to.has_value()) keys.back()["valid_to"] = core::to_rfc3339(*key.valid_to);
  }
  return Json{{"keys", std::move(keys)}};
}

Json single_key_trust(const core::PublicKey& key, std::string_view actor,
                      core::Timestamp valid_from) {
  return Json{{"keys", Json::array({Json{{"key_id", key.id().hex()},
                                         {"public_key", core::base64_encode(key.spki_der())},
                                         {"actor", actor},
                                         {"role", "owner"},
                                         {"kinds", Json::array({"*"})},
                                         {"valid_from", core::to_rfc3339(valid_from)}}})}};
}

}  // namespace sigillo::audit
