#include "sigillo/audit/sigstore.hpp"

#include <fmt/format.h>

#include <map>

#include "sigillo/audit/record.hpp"

namespace sigillo::audit {
using core::ByteView;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

Error corrupt_entry(std::string what) {
  return Error{ErrorCode::ledger_corrupt, std::move(what), "run `sigillo log fsck`"};
}

// Names of sigstore.common.v1.PublicKeyDetails.
std::string_view key_details(const core::PublicKey& key) {
  return key.algorithm() == core::KeyAlgorithm::ed25519 ? "PKIX_ED25519"
                                                        : "PKIX_ECDSA_P256_SHA_256";
}

// The whole of what a note's key id is cut from: Rekor's logId and checkpointKeyId.
Digest full_key_id(const NoteVerifier& log) {
  return core::Sha256()
      .update(log.name())
      .update("\n\x01")
      .update(*log.key().ed25519_raw())
      .finish();
}

// Keys that the ledger has named so far. Who named them does not matter: a key is looked up by its
// own digest.
class NamedKeys {
 public:
  void take(std::string_view leaf, const core::Envelope& envelope) {
    const std::string_view payload = core::as_text(envelope.payload);
    if (payload.find("/genesis/") == std::string_view::npos &&
        payload.find("/trust-list/") == std::string_view::npos)
      return;
    const auto record = read_record(leaf);
    if (!record.has_value()) return;
    if (record->kind->name == "genesis") take_key(record->fields.at("owner_key"));
    if (record->kind->name == "trust-list")
      for (const Json& item : record->fields.at("keys")) take_key(item.at("public_key"));
  }
  [[nodiscard]] const core::PublicKey* find(const std::string& id) const {
    const auto found = keys_.find(id);
    return found == keys_.end() ? nullptr : &found->second;
  }

 private:
  void take_key(const Json& base64) {
    const auto der = core::base64_decode(base64.get<std::string>());
    if (!der.has_value()) return;
    const auto key = core::PublicKey::from_spki_der(*der);
    if (key.has_value()) keys_.emplace(key->id().hex(), *key);
  }
  std::map<std::string, core::PublicKey> keys_;  // by hex SHA-256 of the SPKI
};

// The export log as it is derived, and what is kept of the entry that is asked for.
struct Derivation {
  std::uint64_t wanted = 0;
  NamedKeys keys;
  CompactRange ledger;         // the tree of the entries themselves
  std::vector<Digest> leaves;  // leaf hashes of the export log
  core::Envelope envelope;
  std::optional<core::PublicKey> signer;
  std::string leaf, since;

  Status take(const StoredEntry& entry) {
    ledger.append(leaf_hash(entry.leaf));
    const std::string_view text = core::as_text(entry.leaf);
    auto parsed = core::parse_canonical_envelope(text);
    if (!parsed.has_value())
      return corrupt_entry(
          fmt::format("entry {} is no envelope: {}", entry.index, parsed.error().message));
    keys.take(text, *parsed);
    if (entry.index == 0) {
      const auto genesis = read_record(text);
      if (genesis.has_value()) since = genesis->recorded_at;
    }
    const core::PublicKey* const key = keys.find(parsed->signatures[0].key_id);
    SIGILLO_TRY(std::string exported, hashedrekord_leaf(*parsed, key));
    leaves.push_back(leaf_hash(core::as_bytes(exported)));
    if (entry.index != wanted) return {};
    if (key != nullptr) signer = *key;
    envelope = *std::move(parsed);
    leaf = std::move(exported);
    return {};
  }
};

// The entry can stand alone: one signature, of a key that the ledger names, and it holds.
Status check_entry(const Derivation& derived) {
  const std::string place = fmt::format("entry {}", derived.wanted);
  if (derived.envelope.signatures.size() != 1)
    return Error{ErrorCode::unsupported, place + " has several signatures",
                 "a Sigstore bundle holds envelopes with one signature; give a receipt instead "
                 "(`sigillo log prove`)"};
  if (!derived.signer.has_value())
    return Error{ErrorCode::not_trusted,
                 place + " is signed by a key that the ledger does not name",
                 "run `sigillo log fsck`: the entry does not count"};
  const Status held = core::verify_envelope(derived.envelope, *derived.signer);
  return held.has_value() ? held : Status(held.error().in(place));
}

Json hashes_of(const std::vector<Digest>& path) {
  Json hashes = Json::array();
  for (const Digest& hash : path) hashes.push_back(core::base64_encode(hash.view()));
  return hashes;
}

// sigstore.rekor.v1.TransparencyLogEntry. There is no integratedTime: nobody but a time-stamping
// authority says when.
Json log_entry(const SigstoreEntry& entry) {
  const std::string index = std::to_string(entry.index);
  return {{"logIndex", index},
          {"logId", {{"keyId", core::base64_encode(full_key_id(entry.log).view())}}},
          {"kindVersion", {{"kind", "hashedrekord"}, {"version", "0.0.2"}}},
          {"inclusionProof",
           {{"logIndex", index},
            {"rootHash", core::base64_encode(entry.checkpoint.root.view())},
            {"treeSize", std::to_string(entry.checkpoint.size)},
            {"hashes", hashes_of(entry.path)},
            {"checkpoint", {{"envelope", entry.note}}}}},
          {"canonicalizedBody", core::base64_encode(core::as_bytes(entry.leaf))}};
}

}  // namespace

std::string sigstore_origin(std::string_view ledger_origin) {
  return fmt::format("{}/sigstore", ledger_origin);
}

Result<std::string> hashedrekord_leaf(const core::Envelope& envelope,
                                      const core::PublicKey* signer) {
  SIGILLO_CHECK(!envelope.signatures.empty());
  const Digest digest = core::sha256(core::dsse_pae(envelope.payload_type, envelope.payload));
  Json signature{{"content", core::base64_encode(envelope.signatures[0].signature)}};
  if (signer != nullptr)
    signature["verifier"] = {
        {"keyDetails", key_details(*signer)},
        {"publicKey", {{"rawBytes", core::base64_encode(signer->spki_der())}}}};
  return core::canonical_json(
      {{"apiVersion", "0.0.2"},
       {"kind", "hashedrekord"},
       {"spec",
        {{"hashedRekordV002",
          {{"data", {{"algorithm", "SHA2_256"}, {"digest", core::base64_encode(digest.view())}}},
           {"signature", std::move(signature)}}}}}});
}

Result<SigstoreEntry> prove_sigstore_entry(const Ledger& ledger, std::uint64_t index,
                                           const core::PrivateKey& log_key) {
  SIGILLO_TRY(const NoteVerifier ledger_log,
              NoteVerifier::create(ledger.origin(), log_key.public_key()));
  Derivation derived;
  derived.wanted = index;
  Checkpoint checkpoint;
  SIGILLO_TRY_VOID(ledger.in_snapshot([&]() -> Status {
    SIGILLO_TRY(const std::string note, ledger.latest_checkpoint());
    SIGILLO_TRY(checkpoint, open_checkpoint(note, ledger_log));
    if (index >= checkpoint.size)
      return Error{ErrorCode::not_found,
                   fmt::format("the latest checkpoint covers {} entries, and not entry {}",
                               checkpoint.size, index),
                   "`sigillo log list` shows the entries, `sigillo log checkpoint` covers them"};
    return ledger.for_each(0, checkpoint.size,
                           [&](const StoredEntry& entry) { return derived.take(entry); });
  }));
  if (derived.ledger.size() != checkpoint.size || derived.ledger.root() != checkpoint.root)
    return corrupt_entry("the entries do not give the root that the checkpoint signs");
  SIGILLO_TRY_VOID(check_entry(derived));

  SIGILLO_TRY(NoteVerifier log,
              NoteVerifier::create(sigstore_origin(ledger.origin()), log_key.public_key()));
  Checkpoint exported{log.name(), checkpoint.size, tree_root(derived.leaves)};
  SIGILLO_TRY(std::vector<Digest> path, inclusion_path(index, derived.leaves));
  SIGILLO_TRY_VOID(
      verify_inclusion(derived.leaves[index], index, exported.size, path, exported.root));
  SIGILLO_TRY(std::string note, sign_checkpoint(exported, log_key));
  return SigstoreEntry{index,
                       std::move(derived.envelope),
                       *derived.signer,
                       std::move(derived.leaf),
                       std::move(path),
                       std::move(exported),
                       std::move(note),
                       std::move(log),
                       std::move(derived.since)};
}

Result<std::string> sigstore_bundle(const SigstoreEntry& entry, ByteView time_stamp) {
  const core::EnvelopeSignature& signature = entry.envelope.signatures[0];
  Json material{{"publicKey", {{"hint", entry.signer.id().hex()}}},
                {"tlogEntries", Json::array({log_entry(entry)})}};
  if (!time_stamp.empty())
    material["timestampVerificationData"] = {
        {"rfc3161Timestamps",
         Json::array({{{"signedTimestamp", core::base64_encode(time_stamp)}}})}};
  return core::canonical_json(
      {{"mediaType", "application/vnd.dev.sigstore.bundle.v0.3+json"},
       {"verificationMaterial", std::move(material)},
       {"dsseEnvelope",
        {{"payload", core::base64_encode(entry.envelope.payload)},
         {"payloadType", entry.envelope.payload_type},
         {"signatures", Json::array({{{"keyid", signature.key_id},
                                      {"sig", core::base64_encode(signature.signature)}}})}}}});
}

Result<std::string> sigstore_trusted_root(const SigstoreEntry& entry,
                                          const std::vector<core::Bytes>& authority) {
  const Json key_id{{"keyId", core::base64_encode(full_key_id(entry.log).view())}};
  Json key{{"rawBytes", core::base64_encode(entry.log.key().spki_der())},
           {"keyDetails", key_details(entry.log.key())}};
  if (!entry.since.empty()) key["validFor"] = {{"start", entry.since}};
  Json root{{"mediaType", "application/vnd.dev.sigstore.trustedroot.v0.2+json"},
            {"tlogs", Json::array({{{"baseUrl", fmt::format("https://{}", entry.log.name())},
                                    {"hashAlgorithm", "SHA2_256"},
                                    {"publicKey", std::move(key)},
                                    {"logId", key_id},
                                    {"checkpointKeyId", key_id}}})}};
  if (!authority.empty()) {
    Json certificates = Json::array();
    for (const core::Bytes& der : authority)
      certificates.push_back({{"rawBytes", core::base64_encode(der)}});
    root["timestampAuthorities"] =
        Json::array({{{"certChain", {{"certificates", std::move(certificates)}}}}});
  }
  return core::canonical_json(root);
}

}  // namespace sigillo::audit
