// COSE receipts (RFC 9942; docs/formats/cose-receipt.md): a receipt of inclusion as readers of COSE
// and SCITT take it, signed by a key of its own. The tree is the ledger's own, RFC 9162 with
// SHA-256.
//
// The signature covers the root and the protected header. Tree size and index are outside of it by
// RFC 9942, and a root does not fix them: the same path leads to the same root from other sizes. So
// the subject claim, which is signed, repeats both, and a receipt counts only if they agree.
#pragma once

#include <string>

#include "sigillo/audit/proof.hpp"

namespace sigillo::audit {

// Room for 63 hashes and for the longest name that a record may give a ledger.
inline constexpr std::size_t kMaxCoseReceiptBytes = std::size_t{16} << 10;
inline constexpr std::size_t kMaxCoseKeyBytes = 256;

// The public half of a receipt key as a COSE_Key (RFC 9052 section 7): OKP, Ed25519, EdDSA, with
// its thumbprint as kid. unsupported: the key is not Ed25519.
[[nodiscard]] core::Result<core::Bytes> cose_key_bytes(const core::PublicKey& key);
// Reads that form and no other. At most kMaxCoseKeyBytes. invalid_input, unsupported.
[[nodiscard]] core::Result<core::PublicKey> parse_cose_key(core::ByteView bytes);
// COSE Key Thumbprint with SHA-256 (RFC 9679): the kid of receipts.
[[nodiscard]] core::Result<Digest> cose_key_thumbprint(const core::PublicKey& key);

struct CoseReceipt {
  std::string origin;  // who issued it: the ledger's name
  Digest key;          // kid: thumbprint of the key that signed
  std::uint64_t index = 0;
  std::uint64_t size = 0;    // of the tree, at most 2^63 - 1
  std::vector<Digest> path;  // leaf side first
  core::Bytes signature;     // 64 bytes
};
// A receipt has one form of bytes: deterministic CBOR. Nothing is verified.
[[nodiscard]] core::Bytes cose_receipt_bytes(const CoseReceipt& receipt);
// Reads that form and no other: tag 18, definite lengths, shortest heads, keys in order and once,
// no byte behind, no header that is not known, one proof, at most 63 hashes and
// kMaxCoseReceiptBytes. invalid_input; unsupported (another algorithm, structure, header, kind of
// proof, or an attached payload); input_too_large; proof_invalid (the signed subject names another
// index or size than the proof).
[[nodiscard]] core::Result<CoseReceipt> parse_cose_receipt(core::ByteView bytes);

// make_cose_receipt signs the root of the proof's checkpoint once more, as a receipt. The proof
// must hold for `leaf` under that checkpoint, and `log` must have signed it: no other root is ever
// signed. What is given was read and verified again. Errors: as verify_tlog_proof;
// invalid_argument (`key` is the log's own); unsupported (not Ed25519; a tree of one leaf, whose
// empty path RFC 9942 has no form for).
[[nodiscard]] core::Result<core::Bytes> make_cose_receipt(const TlogProof& proof,
                                                          core::ByteView leaf,
                                                          const NoteVerifier& log,
                                                          const core::PrivateKey& key);

// verify_cose_receipt answers one question with one answer: has `key` signed that `leaf` is the
// entry that the receipt says? Form, key, subject, path and signature are checked together,
// offline. origin: whose receipt it must be; empty takes any, and then the caller reads it in the
// answer. An empty path holds for a tree of one leaf alone (RFC 9162 section 2.1.3.1). Pure;
// thread-safe.
//
// Errors: those of parse_cose_receipt; input_too_large (the leaf); not_trusted (of another key or
// origin); proof_invalid; signature_invalid. is_refusal (verify_proof.hpp) says which of them are
// the answer no.
[[nodiscard]] core::Result<CoseReceipt> verify_cose_receipt(core::ByteView receipt,
                                                            core::ByteView leaf,
                                                            const core::PublicKey& key,
                                                            std::string_view origin = "");

}  // namespace sigillo::audit
