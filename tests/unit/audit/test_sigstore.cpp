// The export log of Sigstore bundles: derived from the ledger alone, grows as the ledger does, and
// what a bundle says is checked here with this library's own readers. Another program's verdict is
// in tests/interop/sigstore.
#include "sigillo/audit/sigstore.hpp"

#include "sigillo/audit/proof.hpp"
#include "tests/unit/audit/tsa_fixture.hpp"

using namespace fixture;
using audit::SigstoreEntry;

namespace {

struct Exported : World {
  core::PrivateKey key = value(workspace.keyring().signing_key(workspace.config().log_key));

  core::Result<SigstoreEntry> try_prove(std::uint64_t index) {
    const auto ledger = value(workspace.ledger(audit::Ledger::Access::read));
    return audit::prove_sigstore_entry(ledger, index, key);
  }
  SigstoreEntry prove(std::uint64_t index) { return value(try_prove(index)); }
  std::string leaf(std::uint64_t index) {
    return value(value(workspace.ledger(audit::Ledger::Access::read)).leaf(index));
  }
  void append(const std::string& leaf) {
    static_cast<void>(value(audit::append_records(workspace, std::vector{leaf})));
  }
  [[nodiscard]] fs::path file() const { return workspace.folder() / "ledger.db"; }
};

core::Bytes decoded(const Json& base64) {
  return value(core::base64_decode(base64.get<std::string>()));
}
Json json(const core::Result<std::string>& text) { return value(core::parse_json(value(text))); }

// A record of a key that no trust list names.
std::string foreign_record(const core::Digest& ledger) {
  core::FixedClock clock{at("2026-11-24T12:00:00Z")};
  return value(audit::make_record(*audit::find_record_kind("placement"), example("placement"),
                                  {audit::named_subject("system", "Assistant")}, ledger, key_of(9),
                                  clock));
}

}  // namespace

TEST_CASE("sigstore: a leaf is the hashedrekord of the envelope, in one form of bytes",
          "[sigstore]") {
  core::Envelope envelope{"text/plain", core::to_bytes("hi"), {{"", core::Bytes{1, 2, 3}}}};
  // DSSE's pre-authentication encoding, written out.
  const std::string data = R"({"algorithm":"SHA2_256","digest":"HASH"})";
  const std::string digest =
      core::base64_encode(core::sha256(std::string_view("DSSEv1 10 text/plain 2 hi")).view());
  const auto expected = [&](const std::string& signature) {
    std::string text =
        R"({"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":)" +
        data + R"(,"signature":)" + signature + "}}}";
    return text.replace(text.find("HASH"), 4, digest);
  };
  CHECK(value(audit::hashedrekord_leaf(envelope, nullptr)) == expected(R"({"content":"AQID"})"));
  // The format's page has this example.
  CHECK(read(fs::path(SIGILLO_DOCS) / "formats/sigstore-bundle.md")
            .find(expected(R"({"content":"AQID"})")) != std::string::npos);
  const core::PublicKey key = key_of(1).public_key();
  CHECK(
      value(audit::hashedrekord_leaf(envelope, &key)) ==
      expected(
          R"({"content":"AQID","verifier":{"keyDetails":"PKIX_ED25519","publicKey":{"rawBytes":")" +
          core::base64_encode(key.spki_der()) + R"("}}})"));
  const auto p256 = value(core::PrivateKey::from_p256_scalar(core::Bytes(32, 1)));
  const core::PublicKey other = p256.public_key();
  CHECK(value(audit::hashedrekord_leaf(envelope, &other)).find("PKIX_ECDSA_P256_SHA_256") !=
        std::string::npos);
}

TEST_CASE("sigstore: every entry has its place in the export log", "[sigstore]") {
  Exported world;
  for (int i = 0; i < 7; ++i) world.record("placement", example("placement"));
  const std::uint64_t size = 9;  // with genesis and trust list
  std::vector<audit::Digest> leaves;
  for (std::uint64_t index = 0; index < size; ++index) {
    const SigstoreEntry entry = world.prove(index);
    leaves.push_back(audit::leaf_hash(core::as_bytes(entry.leaf)));
    CHECK(value(core::envelope_bytes(entry.envelope)) == world.leaf(index));
    ok(core::verify_envelope(entry.envelope, entry.signer));
    // A tlog-proof of the export log, judged by the reader of receipts.
    const audit::TlogProof proof{index, entry.path, entry.note, {}};
    const auto checkpoint =
        value(audit::verify_tlog_proof(proof, core::as_bytes(entry.leaf), entry.log));
    CHECK(checkpoint.origin == "example.com/audit/sigstore");
    CHECK(checkpoint.size == size);
  }
  CHECK(audit::tree_root(leaves) == world.prove(0).checkpoint.root);
  CHECK(code(world.try_prove(size)) == core::ErrorCode::not_found);
  // The ledger's own key line does not hold for the export log, nor the other way round.
  const SigstoreEntry entry = world.prove(3);
  const auto ledger_log = value(audit::NoteVerifier::create(kOrigin, world.key.public_key()));
  CHECK_FALSE(audit::open_checkpoint(entry.note, ledger_log).has_value());
  const auto ledger = value(world.workspace.ledger(audit::Ledger::Access::read));
  CHECK_FALSE(audit::open_checkpoint(value(ledger.latest_checkpoint()), entry.log).has_value());
}

TEST_CASE("sigstore: the export log grows as the ledger does, and comes out the same again",
          "[sigstore]") {
  Exported world;
  std::vector<audit::Digest> leaves;
  audit::Checkpoint older = world.prove(0).checkpoint;
  for (std::uint64_t index = 0; index < 2; ++index)
    leaves.push_back(audit::leaf_hash(core::as_bytes(world.prove(index).leaf)));
  for (std::uint64_t index = 2; index < 8; ++index) {
    world.record("placement", example("placement"));
    const SigstoreEntry entry = world.prove(index);
    CHECK(world.prove(index).note == entry.note);
    leaves.push_back(audit::leaf_hash(core::as_bytes(entry.leaf)));
    ok(audit::verify_consistency(older.size, older.root, entry.checkpoint.size,
                                 entry.checkpoint.root,
                                 value(audit::consistency_path(older.size, leaves))));
    older = entry.checkpoint;
  }
}

TEST_CASE("sigstore: a bundle and a trusted root say what they should", "[sigstore]") {
  Exported world;
  world.record("placement", example("placement"));
  const SigstoreEntry entry = world.prove(2);
  const Json bundle = json(audit::sigstore_bundle(entry, {}));
  CHECK(bundle.at("mediaType") == "application/vnd.dev.sigstore.bundle.v0.3+json");
  const Json& material = bundle.at("verificationMaterial");
  CHECK(material.at("publicKey").at("hint") == entry.signer.id().hex());
  CHECK_FALSE(material.contains("timestampVerificationData"));
  const Json& log = material.at("tlogEntries").at(0);
  CHECK(log.at("logIndex") == "2");
  CHECK(log.at("kindVersion") == Json{{"kind", "hashedrekord"}, {"version", "0.0.2"}});
  CHECK_FALSE(log.contains("integratedTime"));
  CHECK_FALSE(log.contains("inclusionPromise"));
  CHECK(decoded(log.at("canonicalizedBody")) == core::to_bytes(entry.leaf));
  const Json& proof = log.at("inclusionProof");
  CHECK(proof.at("logIndex") == "2");
  CHECK(proof.at("treeSize") == "3");
  CHECK(decoded(proof.at("rootHash")) ==
        core::Bytes(entry.checkpoint.root.bytes.begin(), entry.checkpoint.root.bytes.end()));
  CHECK(proof.at("hashes").size() == entry.path.size());
  CHECK(proof.at("checkpoint").at("envelope") == entry.note);
  const Json& envelope = bundle.at("dsseEnvelope");
  CHECK(envelope.at("payloadType") == core::kStatementPayloadType);
  CHECK(decoded(envelope.at("payload")) == entry.envelope.payload);
  CHECK(decoded(envelope.at("signatures").at(0).at("sig")) ==
        entry.envelope.signatures[0].signature);

  const Json stamped = json(audit::sigstore_bundle(entry, core::Bytes{1, 2, 3}));
  CHECK(stamped.at("verificationMaterial").at("timestampVerificationData") ==
        Json{{"rfc3161Timestamps", Json::array({Json{{"signedTimestamp", "AQID"}}})}});

  const Json root = json(audit::sigstore_trusted_root(entry, {}));
  CHECK(root.at("mediaType") == "application/vnd.dev.sigstore.trustedroot.v0.2+json");
  CHECK_FALSE(root.contains("timestampAuthorities"));
  const Json& instance = root.at("tlogs").at(0);
  CHECK(instance.at("baseUrl") == "https://example.com/audit/sigstore");
  CHECK(decoded(instance.at("publicKey").at("rawBytes")) == world.key.public_key().spki_der());
  CHECK(instance.at("publicKey").at("validFor").at("start") == "2026-11-24T12:00:00Z");
  CHECK(instance.at("logId") == log.at("logId"));
  CHECK(instance.at("checkpointKeyId") == log.at("logId"));
  // The note's key id is the beginning of the log's.
  const core::Bytes id = decoded(log.at("logId").at("keyId"));
  CHECK(id.size() == 32);
  std::uint32_t first = 0;
  for (int i = 0; i < 4; ++i) first = first << 8U | id[static_cast<std::size_t>(i)];
  CHECK(first == entry.log.key_id());

  const Json with_authority =
      json(audit::sigstore_trusted_root(entry, {core::Bytes{1}, core::Bytes{2}}));
  CHECK(with_authority.at("timestampAuthorities").at(0).at("certChain").at("certificates") ==
        Json::array({Json{{"rawBytes", "AQ=="}}, Json{{"rawBytes", "Ag=="}}}));
}

TEST_CASE("sigstore: a time stamp on the signature gives the authority's certificates",
          "[sigstore]") {
  Exported world;
  const SigstoreEntry entry = world.prove(1);
  Authority authority;
  const core::Bytes response =
      authority.answer(value(core::time_stamp_query(entry.imprint(), world.entropy)));
  const core::Timestamp now = core::SystemClock().now();
  const auto stamp =
      value(core::verify_time_stamp(response, entry.imprint(), authority.roots(), now));
  REQUIRE(stamp.certificates.size() == 2);
  const auto der_of = [&](std::string_view name) {
    const auto pem = read(authority.file(name));
    const auto begin = pem.find("-----BEGIN CERTIFICATE-----") + 27;
    std::string base64;
    for (const char c : pem.substr(begin, pem.find("-----END") - begin))
      if (c != '\n') base64 += c;
    return value(core::base64_decode(base64));
  };
  CHECK(stamp.certificates[0] == der_of("tsa.pem"));
  CHECK(stamp.certificates[1] == der_of("ca.pem"));
  CHECK(value(core::read_time_stamp(response)).certificates.empty());
  // Where the authority's own certificate is the root, the chain ends there.
  const auto own = value(core::TimeStampRoots::from_pem(read(authority.file("tsa.pem"))));
  CHECK(value(core::verify_time_stamp(response, entry.imprint(), own, now)).certificates ==
        std::vector<core::Bytes>{der_of("tsa.pem")});
}

TEST_CASE("sigstore: an entry that does not count has a leaf and no bundle", "[sigstore]") {
  Exported world;
  const core::Digest ledger = value(audit::ledger_id(world.workspace));
  const std::string foreign = foreign_record(ledger);
  world.append(foreign);
  CHECK(code(world.try_prove(2)) == core::ErrorCode::not_trusted);

  // A record whose signature was altered, under a key that the ledger names.
  core::Envelope altered = value(core::parse_envelope(world.leaf(1)));
  altered.signatures[0].signature[5] ^= 1U;
  world.append(value(core::envelope_bytes(altered)));
  CHECK(code(world.try_prove(3)) == core::ErrorCode::signature_invalid);

  core::Envelope twice = value(core::parse_envelope(world.leaf(1)));
  twice.signatures.push_back(twice.signatures[0]);
  world.append(value(core::envelope_bytes(twice)));
  CHECK(code(world.try_prove(4)) == core::ErrorCode::unsupported);

  // They do not take the place of others, and these have bundles.
  const SigstoreEntry entry = world.prove(1);
  CHECK(entry.checkpoint.size == 5);
  const core::Envelope envelope = value(core::parse_envelope(foreign));
  const audit::Digest leaf =
      audit::leaf_hash(core::as_bytes(value(audit::hashedrekord_leaf(envelope, nullptr))));
  std::vector<audit::Digest> leaves;
  for (const std::uint64_t index : {0U, 1U})
    leaves.push_back(audit::leaf_hash(core::as_bytes(world.prove(index).leaf)));
  leaves.push_back(leaf);
  const core::PublicKey& signer = entry.signer;
  for (const core::Envelope& one : {altered, twice})
    leaves.push_back(
        audit::leaf_hash(core::as_bytes(value(audit::hashedrekord_leaf(one, &signer)))));
  CHECK(audit::tree_root(leaves) == entry.checkpoint.root);
}

TEST_CASE("sigstore: nothing is signed over a ledger that was changed", "[sigstore]") {
  Exported world;
  world.record("placement", example("placement"));
  world.record("notification", example("notification"));
  // Another key than the one that signs this ledger's checkpoints.
  {
    const auto ledger = value(world.workspace.ledger(audit::Ledger::Access::read));
    CHECK(code(audit::prove_sigstore_entry(ledger, 1, key_of(8))) ==
          core::ErrorCode::signature_invalid);
  }
  static_cast<void>(world.prove(2));
  SECTION("an entry was replaced by another") {
    sql(world.file(),
        "UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE idx = 1) WHERE idx = 3");
    CHECK(code(world.try_prove(2)) == core::ErrorCode::ledger_corrupt);
  }
  SECTION("an entry is no envelope") {
    world.append("plain text");
    CHECK(code(world.try_prove(2)) == core::ErrorCode::ledger_corrupt);
  }
}
