// COSE receipts: one form of bytes, one answer. The reference receipt was made by a program in
// another language with another CBOR library (tests/interop/cose makes it anew); another program's
// verdict on ours is there, too.
#include "sigillo/audit/cose_receipt.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <sstream>

#include "core/cbor.hpp"
#include "sigillo/audit/record.hpp"
#include "sigillo/audit/verify_proof.hpp"
#include "tests/sanitizer.hpp"
#include "tests/unit/audit/tree_fixture.hpp"

namespace {

using namespace sigillo::audit;
using namespace sigillo::audit::test;
namespace core = sigillo::core;
using core::Bytes;
using core::CborWriter;

// Entry 5 of the reference tree, signed by the key whose seed counts up from 0x40.
constexpr std::string_view kReceipt =
    "d284584da401270458208cb46c0f98440da34ad4af304431f76c7cb7462fa8fdfd5d6261dc685809220d0fa201716c"
    "65646765722e6578616d706c652f7631026c656e7472792f352f6f662f3819018b01a119018ca12081586a83080583"
    "5820bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b5820ca854ea128ed050b41b35f"
    "fc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae05820d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe"
    "8b30cd95209614b7f658408ca2615f62fb16f7e087cc320671030e5d6f2e41e5820b10078904bbf6ffecdeabdda09c"
    "e4c6bc431d0f1ff7e09d517f227d458b0a1bcee0edff0cfa36ac240d";
constexpr std::string_view kKey =
    "a501010258208cb46c0f98440da34ad4af304431f76c7cb7462fa8fdfd5d6261dc685809220d032720062158202543"
    "b92ff1095511476adc8369db6ddc933665a11978dda1404ee1066ca9559d";

Bytes from_hex(std::string_view hex) { return core::hex_decode(hex).value(); }
core::PrivateKey receipt_key() { return counting_key(0x40); }
core::PublicKey public_key() { return receipt_key().public_key(); }
Bytes leaf_5() { return reference_leaves()[5]; }

TlogProof reference_proof(std::uint64_t index) {
  return TlogProof{index, slow_inclusion(index, reference_hashes()), reference_note(), {}};
}
core::Result<Bytes> make(std::uint64_t index, const Bytes& leaf) {
  return make_cose_receipt(reference_proof(index), leaf, log_verifier(), receipt_key());
}
std::string verdict_of(const Bytes& receipt, const Bytes& leaf = leaf_5(),
                       const core::PublicKey& key = public_key(), std::string_view origin = "") {
  return verdict(verify_cose_receipt(receipt, leaf, key, origin));
}

// The members of a receipt as the RFC has them, each to be changed; signed over what they then are.
struct Parts {
  using Write = std::function<void(CborWriter&)>;
  std::uint64_t tag = 18, size = 8, index = 5;
  std::size_t members = 4;
  std::vector<Write> header;       // pairs
  std::vector<Write> claims;       // pairs
  std::vector<Write> unprotected;  // pairs
  std::vector<Bytes> path;
  Bytes root;
  std::size_t proofs = 1, proof_members = 3;
  bool attached = false;
  Bytes behind_header, behind_proof;
  std::optional<Bytes> signature;

  Parts() {
    const Digest reference = reference_checkpoint().root;
    root.assign(reference.bytes.begin(), reference.bytes.end());
    for (const Digest& hash : slow_inclusion(5, reference_hashes()))
      path.emplace_back(hash.bytes.begin(), hash.bytes.end());
    claims = {[](CborWriter& w) { w.integer(1).text(kLogName); },
              [](CborWriter& w) { w.integer(2).text("entry/5/of/8"); }};
    header = {
        [](CborWriter& w) { w.integer(1).integer(-8); },
        [](CborWriter& w) { w.integer(4).bytes(cose_key_thumbprint(public_key()).value().view()); },
        [this](CborWriter& w) {
          w.integer(15).map(claims.size());
          for (const Write& write : claims) write(w);
        },
        [](CborWriter& w) { w.integer(395).integer(1); }};
    unprotected = {[this](CborWriter& w) { w.integer(396).map(1), write_proofs(w, -1); }};
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() = default;

  void write_proofs(CborWriter& w, std::int64_t kind) const {
    CborWriter proof;
    proof.array(proof_members).integer(static_cast<std::int64_t>(size));
    proof.integer(static_cast<std::int64_t>(index)).array(path.size());
    for (const Bytes& hash : path) proof.bytes(hash);
    Bytes bytes = proof.written();
    bytes.insert(bytes.end(), behind_proof.begin(), behind_proof.end());
    w.integer(kind).array(proofs);
    for (std::size_t i = 0; i < proofs; ++i) w.bytes(bytes);
  }
  static Bytes map_of(const std::vector<Write>& pairs) {
    CborWriter w;
    w.map(pairs.size());
    for (const Write& write : pairs) write(w);
    return w.written();
  }
  [[nodiscard]] Bytes bytes() const {
    Bytes protected_bytes = map_of(header);
    protected_bytes.insert(protected_bytes.end(), behind_header.begin(), behind_header.end());
    CborWriter text;
    text.array(4).text("Signature1").bytes(protected_bytes).bytes({}).bytes(root);
    CborWriter out;
    out.tag(tag).array(members).bytes(protected_bytes).map(unprotected.size());
    for (const Write& write : unprotected) write(out);
    if (attached) out.bytes(root);
    else out.null();
    out.bytes(signature.value_or(receipt_key().sign(text.written()).value()));
    return out.written();
  }
};
std::string changed(const std::function<void(Parts&)>& change) {
  Parts parts;
  change(parts);
  return verdict_of(parts.bytes());
}

}  // namespace

TEST_CASE("COSE receipt: the bytes are those of an independent implementation", "[cose]") {
  CHECK(core::hex_encode(make(5, leaf_5()).value()) == kReceipt);
  CHECK(core::hex_encode(cose_key_bytes(public_key()).value()) == kKey);
  CHECK(parse_cose_key(from_hex(kKey)).value().id() == public_key().id());
  const auto answer = verify_cose_receipt(from_hex(kReceipt), leaf_5(), public_key(), kLogName);
  REQUIRE(verdict(answer) == "accepted");
  CHECK(answer->origin == kLogName);
  CHECK(answer->index == 5);
  CHECK(answer->size == 8);
  CHECK(answer->key.hex() == "8cb46c0f98440da34ad4af304431f76c7cb7462fa8fdfd5d6261dc685809220d");
  CHECK(answer->path == slow_inclusion(5, reference_hashes()));
  CHECK(core::hex_encode(cose_receipt_bytes(*answer)) == kReceipt);
  // The format's page has this example.
  std::ifstream page(std::string(SIGILLO_DOCS) + "/formats/cose-receipt.md");
  std::stringstream text;
  text << page.rdbuf();
  std::string digits;  // of its hex lines
  for (const char c : text.str())
    if (c != '\n' && c != ' ') digits += c;
  CHECK(digits.find(kReceipt) != std::string::npos);
  CHECK(digits.find(kKey) != std::string::npos);
}

TEST_CASE("COSE receipt: thumbprints are RFC 9679's: the required members, in order", "[cose]") {
  const Bytes required = from_hex(
      "a30101200621582"
      "02543b92ff1095511476adc8369db6ddc933665a11978dda1404ee1066ca9559d");
  CHECK(cose_key_thumbprint(public_key()).value() == core::sha256(required));
  const auto p256 = core::PrivateKey::from_p256_scalar(Bytes(32, 1)).value();
  CHECK(verdict(cose_key_thumbprint(p256.public_key())) == "unsupported");
  CHECK(verdict(cose_key_bytes(p256.public_key())) == "unsupported");
  CHECK(verdict(make_cose_receipt(reference_proof(5), leaf_5(), log_verifier(), p256)) ==
        "unsupported");
}

TEST_CASE("COSE receipt: every entry verifies, and no leaf verifies for another", "[cose]") {
  const auto leaves = reference_leaves();
  for (std::uint64_t i = 0; i < 8; ++i) {
    const Bytes receipt = make(i, leaves[i]).value();
    for (std::uint64_t k = 0; k < 8; ++k)
      CHECK(verdict_of(receipt, leaves[k]) == (i == k ? "accepted" : "signature-invalid"));
    CHECK(verdict(make(i, leaves[(i + 1) % 8])) == "proof-invalid");
  }
}

TEST_CASE("COSE receipt: trees of every size and shape", "[cose]") {
  const std::size_t most = ::test::kSanitized ? 9 : 40;
  for (std::size_t size = 2; size <= most; ++size) {
    const Hashes hashes = byte_leaves(size);
    const Checkpoint checkpoint{std::string(kLogName), size, slow_root(hashes)};
    const std::string note = sign_checkpoint(checkpoint, log_key()).value();
    for (std::uint64_t i = 0; i < size; ++i) {
      const Bytes leaf{static_cast<std::uint8_t>(i)};
      const auto receipt = make_cose_receipt({i, slow_inclusion(i, hashes), note, {}}, leaf,
                                             log_verifier(), receipt_key());
      REQUIRE(verdict(receipt) == "accepted");
      CHECK(verdict_of(*receipt, leaf) == "accepted");
    }
  }
}

TEST_CASE("COSE receipt: no byte can be changed, left out or added", "[cose]") {
  const Bytes receipt = from_hex(kReceipt);
  for (std::size_t i = 0; i < receipt.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes other = receipt;
      other[i] = static_cast<std::uint8_t>(other[i] ^ (1U << bit));
      INFO("byte " << i << ", bit " << bit);
      CHECK(verdict_of(other) != "accepted");
    }
    Bytes shorter = receipt;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(verdict_of(shorter) != "accepted");
    CHECK(verdict_of(Bytes(receipt.begin(), receipt.begin() + static_cast<std::ptrdiff_t>(i))) !=
          "accepted");
    Bytes longer = receipt;
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(i), 0);
    CHECK(verdict_of(longer) != "accepted");
  }
  Bytes longer = receipt;
  longer.push_back(0);
  CHECK(verdict_of(longer) == "invalid-input");
  Bytes leaf = leaf_5();
  for (std::uint8_t& byte : leaf) {
    byte ^= 1;
    CHECK(verdict_of(receipt, leaf) == "signature-invalid");
    byte ^= 1;
  }
}

TEST_CASE("COSE receipt: index and size are what was signed, though the root does not fix them",
          "[cose]") {
  // The same path leads from leaf 0 to the same root in trees of 3 and of 4.
  const Hashes hashes = byte_leaves(3);
  const Checkpoint checkpoint{std::string(kLogName), 3, slow_root(hashes)};
  const TlogProof proof{
      0, slow_inclusion(0, hashes), sign_checkpoint(checkpoint, log_key()).value(), {}};
  const Bytes leaf{0};
  CHECK(verify_inclusion(hashes[0], 0, 4, proof.path, checkpoint.root).has_value());
  CoseReceipt receipt =
      parse_cose_receipt(make_cose_receipt(proof, leaf, log_verifier(), receipt_key()).value())
          .value();
  CHECK(verdict_of(cose_receipt_bytes(receipt), leaf) == "accepted");
  receipt.size = 4;  // in the proof and in the subject
  CHECK(verdict_of(cose_receipt_bytes(receipt), leaf) == "signature-invalid");
  // In the proof alone.
  CHECK(changed([](Parts& p) { p.size = 7; }) == "proof-invalid");
  CHECK(changed([](Parts& p) { p.index = 4; }) == "proof-invalid");
  CHECK(changed([](Parts& p) {
          p.claims[1] = [](CborWriter& w) { w.integer(2).text("entry/05/of/8"); };
        }) == "proof-invalid");
}

TEST_CASE("COSE receipt: of another key, ledger or tree", "[cose]") {
  const Bytes receipt = from_hex(kReceipt);
  CHECK(verdict_of(receipt, leaf_5(), log_key().public_key()) == "not-trusted");
  CHECK(verdict_of(receipt, leaf_5(), public_key(), kLogName) == "accepted");
  CHECK(verdict_of(receipt, leaf_5(), public_key(), "ledger.example/v2") == "not-trusted");
  CHECK(verdict_of(receipt, Bytes(kMaxLeafBytes + 1)) == "input-too-large");
  CHECK(verdict_of(receipt, Bytes(kMaxLeafBytes)) == "signature-invalid");
  // The key that its kid names did not sign.
  CHECK(changed([](Parts& p) { p.signature = Bytes(64, 1); }) == "signature-invalid");
  CHECK(changed([](Parts& p) { p.root = Bytes(32, 1); }) == "signature-invalid");
  for (const std::string_view code : {"not-trusted", "proof-invalid", "signature-invalid"}) {
    bool refusal = false;
    for (const core::ErrorCode one : {core::ErrorCode::not_trusted, core::ErrorCode::proof_invalid,
                                      core::ErrorCode::signature_invalid})
      refusal = refusal || (is_refusal(one) && to_string(one) == code);
    CHECK(refusal);
  }
}

TEST_CASE("COSE receipt: what is not of the one form is refused, though it is signed", "[cose]") {
  using Write = Parts::Write;
  CHECK(changed([](Parts&) {}) == "accepted");
  CHECK(changed([](Parts& p) { p.tag = 98; }) == "invalid-input");
  CHECK(changed([](Parts& p) { p.tag = 61; }) == "invalid-input");
  CHECK(changed([](Parts& p) { p.members = 5; }) == "invalid-input");
  CHECK(changed([](Parts& p) { p.attached = true; }) == "unsupported");
  CHECK(changed([](Parts& p) { p.signature = Bytes(63); }) == "invalid-input");
  CHECK(changed([](Parts& p) { p.behind_header = {0xF6}; }) == "invalid-input");
  CHECK(changed([](Parts& p) { p.behind_proof = {0xF6}; }) == "invalid-input");
  // Without its tag.
  Bytes untagged = from_hex(kReceipt);
  untagged.erase(untagged.begin());
  CHECK(verdict_of(untagged) == "invalid-input");

  // Headers: others, critical ones, twice, in another order, missing.
  const auto header = [](std::size_t at, Write write) {
    return changed([&](Parts& p) { p.header[at] = write; });
  };
  CHECK(header(0, [](CborWriter& w) { w.integer(1).integer(-7); }) == "unsupported");
  CHECK(header(0, [](CborWriter& w) { w.integer(1).integer(-19); }) == "unsupported");
  CHECK(header(0, [](CborWriter& w) { w.integer(1).text("EdDSA"); }) == "invalid-input");
  CHECK(header(1, [](CborWriter& w) { w.integer(4).bytes(Bytes(31)); }) == "invalid-input");
  CHECK(header(1, [](CborWriter& w) { w.integer(4).bytes(Bytes(32)); }) == "not-trusted");
  CHECK(header(3, [](CborWriter& w) { w.integer(395).integer(2); }) == "unsupported");
  CHECK(header(3, [](CborWriter& w) { w.integer(394).array(0); }) == "unsupported");
  CHECK(changed([](Parts& p) {
          p.header.insert(p.header.begin() + 1,
                          [](CborWriter& w) { w.integer(2).array(1).integer(4); });
        }) == "unsupported");
  CHECK(changed([](Parts& p) {
          p.header.push_back([](CborWriter& w) { w.integer(-65537).integer(1); });
        }) == "unsupported");
  CHECK(changed([](Parts& p) { p.header.push_back(p.header[3]); }) == "invalid-input");
  CHECK(changed([](Parts& p) { std::swap(p.header[0], p.header[1]); }) == "invalid-input");
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(changed([&](Parts& p) {
            p.header.erase(p.header.begin() + static_cast<std::ptrdiff_t>(i));
          }) == "invalid-input");

  // Claims.
  CHECK(changed([](Parts& p) { p.claims.pop_back(); }) == "invalid-input");
  CHECK(changed([](Parts& p) { p.claims.erase(p.claims.begin()); }) == "invalid-input");
  CHECK(changed([](Parts& p) { p.claims.push_back(p.claims[1]); }) == "invalid-input");
  CHECK(changed([](Parts& p) {
          p.claims.push_back([](CborWriter& w) { w.integer(6).integer(1); });
        }) == "unsupported");
  CHECK(changed([](Parts& p) { p.claims[0] = [](CborWriter& w) { w.integer(1).text(""); }; }) ==
        "invalid-input");
  CHECK(changed([](Parts& p) {
          p.claims[0] = [](CborWriter& w) { w.integer(1).bytes(core::to_bytes(kLogName)); };
        }) == "invalid-input");

  // Proofs.
  CHECK(changed([](Parts& p) { p.proofs = 0; }) == "unsupported");
  CHECK(changed([](Parts& p) { p.proofs = 2; }) == "unsupported");
  CHECK(changed([](Parts& p) { p.proof_members = 2; }) == "invalid-input");
  CHECK(changed([](Parts& p) { p.unprotected.clear(); }) == "invalid-input");
  CHECK(changed([](Parts& p) {
          p.unprotected[0] = [&p](CborWriter& w) { w.integer(396).map(1), p.write_proofs(w, -2); };
        }) == "unsupported");
  CHECK(changed([](Parts& p) {
          p.unprotected[0] = [](CborWriter& w) { w.integer(396).map(0); };
        }) == "invalid-input");
  CHECK(changed([](Parts& p) {
          p.unprotected.insert(p.unprotected.begin(),
                               [](CborWriter& w) { w.integer(4).bytes(Bytes(1)); });
        }) == "unsupported");
  CHECK(changed([](Parts& p) { p.path.pop_back(); }) == "proof-invalid");
  CHECK(changed([](Parts& p) { p.path.push_back(p.path[0]); }) == "proof-invalid");
  CHECK(changed([](Parts& p) { p.path[1].pop_back(); }) == "invalid-input");
  CHECK(changed([](Parts& p) { std::swap(p.path[0], p.path[1]); }) == "signature-invalid");
  CHECK(changed([](Parts& p) { p.path.assign(63, p.path[0]); }) == "proof-invalid");
  CHECK(changed([](Parts& p) { p.path.assign(64, p.path[0]); }) == "invalid-input");
  // An entry behind the end, with a subject that says so.
  CHECK(changed([](Parts& p) {
          p.index = 8;
          p.claims[1] = [](CborWriter& w) { w.integer(2).text("entry/8/of/8"); };
        }) == "proof-invalid");
}

TEST_CASE("COSE receipt: an empty path is for a tree of one leaf, is read and not written",
          "[cose]") {
  const Bytes leaf = core::to_bytes("only");
  const Checkpoint checkpoint{std::string(kLogName), 1, leaf_hash(leaf)};
  const TlogProof proof{0, {}, sign_checkpoint(checkpoint, log_key()).value(), {}};
  CHECK(verdict(make_cose_receipt(proof, leaf, log_verifier(), receipt_key())) == "unsupported");
  Parts parts;
  parts.path.clear();
  CHECK(verdict_of(parts.bytes()) == "proof-invalid");
  parts.size = 1;
  parts.index = 0;
  parts.claims[1] = [](CborWriter& w) { w.integer(2).text("entry/0/of/1"); };
  parts.root.assign(checkpoint.root.bytes.begin(), checkpoint.root.bytes.end());
  CHECK(verdict_of(parts.bytes(), leaf) == "accepted");
}

TEST_CASE("COSE receipt: limits of sizes and numbers", "[cose]") {
  // A path of 63 in the largest tree.
  const std::uint64_t most = (std::uint64_t{1} << 63) - 1;
  CoseReceipt receipt{std::string(kLogName), {}, 0, most, std::vector<Digest>(63), Bytes(64)};
  CHECK(verdict(parse_cose_receipt(cose_receipt_bytes(receipt))) == "accepted");
  const std::size_t rest = cose_receipt_bytes(receipt).size() - receipt.origin.size() + 3;
  receipt.origin.assign(kMaxCoseReceiptBytes - rest, 'o');
  CHECK(cose_receipt_bytes(receipt).size() == kMaxCoseReceiptBytes);
  CHECK(verdict(parse_cose_receipt(cose_receipt_bytes(receipt))) == "accepted");
  receipt.origin += 'o';
  CHECK(verdict(parse_cose_receipt(cose_receipt_bytes(receipt))) == "input-too-large");
}

TEST_CASE("COSE receipt: only a root that the log has signed is signed, and by another key",
          "[cose]") {
  TlogProof forged = reference_proof(5);
  forged.checkpoint = sign_checkpoint(reference_checkpoint(), counting_key(0x10)).value();
  CHECK(verdict(make_cose_receipt(forged, leaf_5(), log_verifier(), receipt_key())) ==
        "signature-invalid");
  CHECK(verdict(make_cose_receipt(reference_proof(5), leaf_5(), log_verifier(), log_key())) ==
        "invalid-argument");
  CHECK(verdict(make_cose_receipt(reference_proof(4), leaf_5(), log_verifier(), receipt_key())) ==
        "proof-invalid");
}

TEST_CASE("COSE_Key: one form, read and written", "[cose]") {
  const Bytes key = from_hex(kKey);
  for (std::size_t i = 0; i < key.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      Bytes other = key;
      other[i] = static_cast<std::uint8_t>(other[i] ^ (1U << bit));
      CHECK(verdict(parse_cose_key(other)) != "accepted");
    }
  Bytes longer = key;
  longer.push_back(0);
  CHECK(verdict(parse_cose_key(longer)) == "invalid-input");
  CHECK(verdict(parse_cose_key(Bytes(kMaxCoseKeyBytes + 1))) == "input-too-large");
  CHECK(verdict(parse_cose_key({})) == "invalid-input");
  // A private key has a member more.
  Bytes secret = key;
  secret[0] = 0xA6;
  for (const std::uint8_t byte : Bytes{0x23, 0x41, 0x00}) secret.push_back(byte);
  CHECK(verdict(parse_cose_key(secret)) == "unsupported");
}
