#include "sigillo/audit/cose_receipt.hpp"

#include <fmt/format.h>

#include "audit/inclusion_root.hpp"
#include "core/cbor.hpp"
#include "sigillo/audit/record.hpp"

namespace sigillo::audit {
namespace {

using core::Bytes;
using core::ByteView;
using core::CborReader;
using core::CborWriter;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

// Labels and values of IANA's COSE registries.
constexpr std::uint64_t kTagSign1 = 18;
constexpr std::int64_t kAlgorithm = 1, kCritical = 2, kKeyId = 4, kCwtClaims = 15;  // RFC 9597
constexpr std::int64_t kStructure = 395, kProofs = 396;                             // RFC 9942
constexpr std::int64_t kEdDsa = -8;
constexpr std::int64_t kRfc9162Sha256 = 1;
constexpr std::int64_t kInclusion = -1;
constexpr std::int64_t kIssuer = 1, kSubject = 2;  // claims, RFC 8392
// COSE_Key (RFC 9052 section 7, RFC 9053 section 7.2)
constexpr std::int64_t kKeyType = 1, kKeyKid = 2, kKeyAlgorithm = 3, kCurve = -1, kX = -2;
constexpr std::int64_t kOkp = 1, kEd25519 = 6;

constexpr std::size_t kSignatureBytes = 64;

Error malformed_cose(std::string_view why) {
  return Error{ErrorCode::invalid_input, fmt::format("not what COSE receipts are made of: {}", why),
               ""};
}
Error unsupported(std::string why) {
  return Error{ErrorCode::unsupported, fmt::format("COSE: {}", why),
               "docs/formats/cose-receipt.md says which receipts are read"};
}

// What a receipt is about, in the signed part: index and size decide how a path is climbed.
std::string subject_of(const CoseReceipt& receipt) {
  return fmt::format("entry/{}/of/{}", receipt.index, receipt.size);
}

Bytes protected_header(const CoseReceipt& receipt) {
  CborWriter out;
  out.map(4).integer(kAlgorithm).integer(kEdDsa);
  out.integer(kKeyId).bytes(receipt.key.view());
  out.integer(kCwtClaims).map(2);
  out.integer(kIssuer).text(receipt.origin).integer(kSubject).text(subject_of(receipt));
  out.integer(kStructure).integer(kRfc9162Sha256);
  return out.written();
}

Bytes proof_bytes(const CoseReceipt& receipt) {
  CborWriter out;
  out.array(3).integer(static_cast<std::int64_t>(receipt.size));
  out.integer(static_cast<std::int64_t>(receipt.index)).array(receipt.path.size());
  for (const Digest& hash : receipt.path) out.bytes(hash.view());
  return out.written();
}

// Sig_structure of RFC 9052 section 4.4; the detached payload is the root.
Bytes signed_bytes(const CoseReceipt& receipt, const Digest& root) {
  CborWriter out;
  out.array(4).text("Signature1").bytes(protected_header(receipt)).bytes({}).bytes(root.view());
  return out.written();
}

Status must_be(CborReader& in, std::int64_t wanted, std::string_view what) {
  SIGILLO_TRY(const std::int64_t value, in.integer());
  if (value == wanted) return {};
  return unsupported(fmt::format("{} is {}, and not {}", what, value, wanted));
}

Result<Digest> read_hash(CborReader& in) {
  SIGILLO_TRY(const ByteView bytes, in.bytes());
  if (bytes.size() != sizeof(Digest::bytes)) return in.fault("a hash has not 32 bytes");
  return Digest::from_bytes(bytes);
}

// The map's keys are these and all of them are there: each one that is read is counted.
Status expect_keys(std::size_t read, std::size_t wanted, std::string_view what) {
  if (read == wanted) return {};
  return malformed_cose(fmt::format("{} has {} of {} members", what, read, wanted));
}

Error unknown(std::int64_t key, std::string_view what) {
  if (what == "protected header" && key == kCritical)
    return unsupported("its header 2 (crit) asks for what this reader does not know");
  return unsupported(fmt::format("its {} has a member {} that is not known", what, key));
}

Status read_claims(CborReader& in, CoseReceipt& receipt, std::string& subject) {
  std::size_t read = 0;
  SIGILLO_TRY_VOID(in.map([&](std::int64_t key) -> Status {
    if (key != kIssuer && key != kSubject) return unknown(key, "claim set");
    ++read;
    SIGILLO_TRY(const std::string_view text, in.text());
    (key == kIssuer ? receipt.origin : subject) = text;
    return {};
  }));
  if (receipt.origin.empty()) return malformed_cose("it names no issuer");
  return expect_keys(read, 2, "claim set");
}

Status read_protected(ByteView bytes, CoseReceipt& receipt, std::string& subject) {
  CborReader in(bytes);
  std::size_t read = 0;
  SIGILLO_TRY_VOID(in.map([&](std::int64_t key) -> Status {
    ++read;
    if (key == kAlgorithm) return must_be(in, kEdDsa, "its algorithm");
    if (key == kStructure) return must_be(in, kRfc9162Sha256, "its verifiable data structure");
    if (key == kCwtClaims) return read_claims(in, receipt, subject);
    if (key != kKeyId) return unknown(key, "protected header");
    SIGILLO_TRY(receipt.key, read_hash(in));
    return {};
  }));
  SIGILLO_TRY_VOID(expect_keys(read, 4, "protected header"));
  return in.end();
}

Status read_proof(ByteView bytes, CoseReceipt& receipt) {
  CborReader in(bytes);
  SIGILLO_TRY(const std::uint64_t members, in.array());
  if (members != 3) return in.fault("a proof has three members");
  SIGILLO_TRY(receipt.size, in.unsigned_integer());
  SIGILLO_TRY(receipt.index, in.unsigned_integer());
  SIGILLO_TRY(const std::uint64_t hashes, in.array());
  if (hashes > kMaxPathHashes)
    return in.fault(fmt::format("a path has at most {} hashes", kMaxPathHashes));
  for (std::uint64_t i = 0; i < hashes; ++i) {
    SIGILLO_TRY(const Digest hash, read_hash(in));
    receipt.path.push_back(hash);
  }
  return in.end();
}

// {396: {-1: [proof]}}
Status read_unprotected(CborReader& in, CoseReceipt& receipt) {
  std::size_t read = 0;
  const auto read_proofs = [&](std::int64_t key) -> Status {
    if (key != kInclusion) return unknown(key, "map of proofs");
    SIGILLO_TRY(const std::uint64_t proofs, in.array());
    if (proofs != 1) return unsupported(fmt::format("it has {} proofs, and not one", proofs));
    SIGILLO_TRY(const ByteView proof, in.bytes());
    ++read;
    return read_proof(proof, receipt);
  };
  SIGILLO_TRY_VOID(in.map([&](std::int64_t key) -> Status {
    if (key != kProofs) return unknown(key, "unprotected header");
    return in.map(read_proofs);
  }));
  return expect_keys(read, 1, "unprotected header");
}

Result<Bytes> raw_key(const core::PublicKey& key) {
  if (key.algorithm() == core::KeyAlgorithm::ed25519) return key.ed25519_raw();
  return Error{ErrorCode::unsupported, "COSE receipts are signed with Ed25519",
               "make a key with `sigillo keys generate NAME`"};
}

}  // namespace

Result<Digest> cose_key_thumbprint(const core::PublicKey& key) {
  SIGILLO_TRY(const Bytes raw, raw_key(key));
  CborWriter out;
  out.map(3).integer(kKeyType).integer(kOkp).integer(kCurve).integer(kEd25519);
  out.integer(kX).bytes(raw);
  return core::sha256(out.written());
}

Result<Bytes> cose_key_bytes(const core::PublicKey& key) {
  SIGILLO_TRY(const Bytes raw, raw_key(key));
  SIGILLO_TRY(const Digest kid, cose_key_thumbprint(key));
  CborWriter out;
  out.map(5).integer(kKeyType).integer(kOkp).integer(kKeyKid).bytes(kid.view());
  out.integer(kKeyAlgorithm).integer(kEdDsa).integer(kCurve).integer(kEd25519);
  out.integer(kX).bytes(raw);
  return out.written();
}

Result<core::PublicKey> parse_cose_key(ByteView bytes) {
  if (bytes.size() > kMaxCoseKeyBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("a COSE_Key has at most {} bytes here", kMaxCoseKeyBytes), ""};
  CborReader in(bytes);
  std::size_t read = 0;
  Digest kid, x;
  SIGILLO_TRY_VOID(in.map([&](std::int64_t key) -> Status {
    ++read;
    if (key == kKeyType) return must_be(in, kOkp, "the type of the key");
    if (key == kKeyAlgorithm) return must_be(in, kEdDsa, "the algorithm of the key");
    if (key == kCurve) return must_be(in, kEd25519, "the curve of the key");
    if (key != kKeyKid && key != kX) return unknown(key, "key");
    SIGILLO_TRY((key == kX ? x : kid), read_hash(in));
    return {};
  }));
  SIGILLO_TRY_VOID(expect_keys(read, 5, "key"));
  SIGILLO_TRY_VOID(in.end());
  SIGILLO_TRY(core::PublicKey key, core::PublicKey::from_ed25519(x.view()));
  SIGILLO_TRY(const Digest thumbprint, cose_key_thumbprint(key));
  if (thumbprint != kid) return malformed_cose("the kid of the key is not its thumbprint");
  return key;
}

Bytes cose_receipt_bytes(const CoseReceipt& receipt) {
  CborWriter out;
  out.tag(kTagSign1).array(4).bytes(protected_header(receipt));
  out.map(1).integer(kProofs).map(1).integer(kInclusion).array(1).bytes(proof_bytes(receipt));
  out.null().bytes(receipt.signature);
  return out.written();
}

Result<CoseReceipt> parse_cose_receipt(ByteView bytes) {
  if (bytes.size() > kMaxCoseReceiptBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("a COSE receipt has at most {} bytes", kMaxCoseReceiptBytes), ""};
  CborReader in(bytes);
  SIGILLO_TRY(const std::uint64_t tag, in.tag());
  if (tag != kTagSign1) return malformed_cose(fmt::format("its tag is {}, and not 18", tag));
  SIGILLO_TRY(const std::uint64_t members, in.array());
  if (members != 4) return malformed_cose("a COSE_Sign1 has four members");
  CoseReceipt receipt;
  std::string subject;
  SIGILLO_TRY(const ByteView header, in.bytes());
  SIGILLO_TRY_VOID(read_protected(header, receipt, subject));
  SIGILLO_TRY_VOID(read_unprotected(in, receipt));
  if (CborReader attached = in; attached.bytes().has_value())
    return unsupported("its payload is attached, and not detached");
  SIGILLO_TRY_VOID(in.null());
  SIGILLO_TRY(const ByteView signature, in.bytes());
  if (signature.size() != kSignatureBytes) return malformed_cose("its signature has not 64 bytes");
  receipt.signature.assign(signature.begin(), signature.end());
  SIGILLO_TRY_VOID(in.end());
  if (subject != subject_of(receipt))
    return Error{ErrorCode::proof_invalid,
                 fmt::format("the signed subject does not say entry {} of {}, as the proof does",
                             receipt.index, receipt.size),
                 "ask for the receipt again"};
  return receipt;
}

Result<Bytes> make_cose_receipt(const TlogProof& proof, ByteView leaf, const NoteVerifier& log,
                                const core::PrivateKey& key) {
  SIGILLO_TRY(const Checkpoint checkpoint, verify_tlog_proof(proof, leaf, log));
  SIGILLO_TRY(const Digest kid, cose_key_thumbprint(key.public_key()));
  if (key.public_key().id() == log.key().id())
    return Error{ErrorCode::invalid_argument, "the log's key signs checkpoints and no receipts",
                 "one key signs one kind of text: use a key that does nothing else"};
  if (proof.path.empty())
    return Error{ErrorCode::unsupported, "RFC 9942 has no receipt for a tree of one leaf",
                 "append another entry, then ask again"};
  CoseReceipt receipt{checkpoint.origin, kid, proof.index, checkpoint.size, proof.path, {}};
  SIGILLO_TRY(receipt.signature, key.sign(signed_bytes(receipt, checkpoint.root)));
  Bytes bytes = cose_receipt_bytes(receipt);
  SIGILLO_TRY_VOID(verify_cose_receipt(bytes, leaf, key.public_key(), checkpoint.origin));
  return bytes;
}

Result<CoseReceipt> verify_cose_receipt(ByteView bytes, ByteView leaf, const core::PublicKey& key,
                                        std::string_view origin) {
  if (leaf.size() > kMaxLeafBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("an entry has at most {} bytes", kMaxLeafBytes), ""};
  SIGILLO_TRY(CoseReceipt receipt, parse_cose_receipt(bytes));
  SIGILLO_TRY(const Digest kid, cose_key_thumbprint(key));
  if (receipt.key != kid)
    return Error{
        ErrorCode::not_trusted,
        fmt::format("the receipt is of the key {}, and not of {}", receipt.key.hex(), kid.hex()),
        "check that the key is that of the ledger's receipts"};
  if (!origin.empty() && receipt.origin != origin)
    return Error{ErrorCode::not_trusted,
                 fmt::format("the receipt is of \"{}\", and not of \"{}\"", receipt.origin, origin),
                 "check which ledger the receipt is of"};
  SIGILLO_TRY(const Digest root,
              inclusion_root(leaf_hash(leaf), receipt.index, receipt.size, receipt.path));
  SIGILLO_TRY_VOID(key.verify(signed_bytes(receipt, root), receipt.signature));
  return receipt;
}

}  // namespace sigillo::audit
