// Sigstore bundles (docs/formats/sigstore-bundle.md): an entry as Sigstore's verifiers read it.
//
// They look for leaves of type hashedrekord 0.0.2, and the ledger's leaves are envelopes. So there
// is a second tree, derived from the ledger and stored nowhere: the *export log*, whose leaf i is
// the hashedrekord of entry i. Its name is the ledger's with "/sigstore" behind it, and the log's
// key signs its checkpoints; the key id in a note depends on the name, so that no line of one log
// holds in the other.
#pragma once

#include <vector>

#include "sigillo/audit/ledger.hpp"
#include "sigillo/core/dsse.hpp"

namespace sigillo::audit {

// The export log's name, which is its origin.
[[nodiscard]] std::string sigstore_origin(std::string_view ledger_origin);

// hashedrekord_leaf writes a leaf of the export log: canonical JSON with the SHA-256 of the
// envelope's PAE, its first signature and, if it is known, the key of that.
// https://github.com/sigstore/rekor-tiles/blob/main/CLIENTS.md, "DSSE / signed attestations".
[[nodiscard]] core::Result<std::string> hashedrekord_leaf(const core::Envelope& envelope,
                                                          const core::PublicKey* signer);

// One entry with its place in the export log.
struct SigstoreEntry {
  std::uint64_t index = 0;  // the same in both logs
  core::Envelope envelope;  // one signature, which holds under `signer`
  core::PublicKey signer;
  std::string leaf;          // of the export log
  std::vector<Digest> path;  // leaf side first
  Checkpoint checkpoint;     // of the export log, at the size of the ledger's latest
  std::string note;          // that, signed
  NoteVerifier log;          // the export log's key
  std::string since;         // when the genesis says that it was recorded (RFC 3339)
  // What a time stamp for the bundle is about: the envelope's signature. From then on it existed.
  [[nodiscard]] Digest imprint() const { return core::sha256(envelope.signatures[0].signature); }
};
// prove_sigstore_entry derives the export log from every entry under the ledger's latest
// checkpoint, in one read transaction, signs its checkpoint and proves entry `index` in it. Nothing
// is signed unless the entries give the root that the ledger's checkpoint signs; so the export log
// grows only as the ledger does.
//
// Errors: not_found (no such entry under the latest checkpoint, or there is none); ledger_corrupt
// (the entries do not give the signed root, or one is no envelope); unsupported (the entry has
// several signatures); not_trusted (no genesis and no trust list up to the entry names its key);
// signature_invalid (its signature does not hold; or the checkpoint is of another key).
[[nodiscard]] core::Result<SigstoreEntry> prove_sigstore_entry(const Ledger& ledger,
                                                               std::uint64_t index,
                                                               const core::PrivateKey& log_key);

// sigstore_bundle writes a bundle v0.3 (JSON) with the envelope as its content. time_stamp: a whole
// RFC 3161 response on entry.imprint(), which the caller has verified; empty for none, and then a
// verifier that asks for a time, as they do unless told otherwise, refuses the bundle.
[[nodiscard]] core::Result<std::string> sigstore_bundle(const SigstoreEntry& entry,
                                                        core::ByteView time_stamp);

// sigstore_trusted_root writes a trusted root v0.2 (JSON) that names the export log's key and, if
// `authority` is not empty, the time-stamping authority whose certificates these are (DER, its own
// first, the root last). Signers' keys have no place in that format: they are handed over as files.
[[nodiscard]] core::Result<std::string> sigstore_trusted_root(
    const SigstoreEntry& entry, const std::vector<core::Bytes>& authority);

}  // namespace sigillo::audit
