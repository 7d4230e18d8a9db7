// The key of a ledger's COSE receipts: it signs those and nothing else, and the ledger itself says
// whose it is (docs/formats/cose-receipt.md, "The key").
//
// The trust list names it with kinds ["cose-receipt"]. No record is of that kind, so that the key
// counts for no record, whatever it signs; and `fsck`, the auditor's bundle and the sequence of
// trust lists treat it as they treat every key.
#pragma once

#include "sigillo/audit/workspace.hpp"

namespace sigillo::audit {

inline constexpr std::string_view kCoseKeyName = "cose";         // in the keyring
inline constexpr std::string_view kCoseKeyUse = "cose-receipt";  // in the trust list's kinds

// cose_signing_key gives the workspace's receipt key. The first call makes it (Ed25519), has a
// trust list appended that is the present one with this key in addition, signed by the record key,
// and has a checkpoint signed over it. A process that dies in between leaves a key that the next
// call names. Reads the ledger once.
//
// Errors: not_trusted (the trust list that is in force no longer names the key, not for this use or
// not at this time: it was taken out, and is not put back; or the record key is no owner and may
// not name it); invalid_argument (it is also the key of checkpoints or records); unsupported (not
// Ed25519); key_missing, key_insecure; ledger_corrupt (no genesis; a checkpoint covers less).
[[nodiscard]] core::Result<core::PrivateKey> cose_signing_key(const Workspace& workspace,
                                                              core::Entropy& entropy,
                                                              const core::Clock& clock);

}  // namespace sigillo::audit
