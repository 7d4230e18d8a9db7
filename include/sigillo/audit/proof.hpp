// Proofs that are checked offline: a receipt for one entry (C2SP tlog-proof v1), and that an older
// log is the beginning of a newer one.
//
//   c2sp.org/tlog-proof@v1 \n [extra <base64>\n] index <decimal>\n <base64 hash>\n ... \n
//   <checkpoint note>
#pragma once

#include "sigillo/audit/witness_policy.hpp"

namespace sigillo::audit {

// Room for 16 signature lines of 5 kB, as signed-note asks readers to have.
inline constexpr std::size_t kMaxProofBytes = std::size_t{256} << 10;
inline constexpr std::size_t kMaxPathHashes = 63;  // the height of the largest tree

struct TlogProof {
  std::uint64_t index = 0;
  std::vector<Digest> path;  // leaf side first
  std::string checkpoint;    // signed note, verbatim
  core::Bytes extra;         // not covered by any signature
};

[[nodiscard]] std::string tlog_proof_text(const TlogProof& proof);
// Strict reader: at most kMaxProofBytes and kMaxPathHashes.
[[nodiscard]] core::Result<TlogProof> parse_tlog_proof(std::string_view text);

// verify_tlog_proof answers one question with one answer: is `leaf` entry `index` of a log that
// `trust` accepts, under a checkpoint that `trust` accepts? The log's signature and origin, all
// cosignatures of known witnesses, the quorum and the inclusion are checked together, offline;
// there is no partial success.
[[nodiscard]] core::Result<TrustedCheckpoint> verify_tlog_proof(const TlogProof& proof,
                                                                core::ByteView leaf,
                                                                const CheckpointTrust& trust);
// The same where the log's key is all that is asked for.
[[nodiscard]] core::Result<Checkpoint> verify_tlog_proof(const TlogProof& proof,
                                                         core::ByteView leaf,
                                                         const NoteVerifier& log);

// ConsistencyProof shows that the log at an older size is the beginning of the log that its
// checkpoint signs. Its text is the body that C2SP tlog-witness v1 takes:
//
//   old <decimal>\n <base64 hash>\n ... \n <checkpoint note>
struct ConsistencyProof {
  std::uint64_t old_size = 0;
  std::vector<Digest> path;  // RFC 6962 section 2.1.2
  std::string checkpoint;    // signed note, verbatim
};

[[nodiscard]] std::string consistency_proof_text(const ConsistencyProof& proof);
// Strict reader: at most kMaxProofBytes and kMaxPathHashes.
[[nodiscard]] core::Result<ConsistencyProof> parse_consistency_proof(std::string_view text);
// verify_consistency_proof answers: is the log that `old_note` signs the beginning of the one that
// the proof's checkpoint signs? Both signatures, origins, sizes and the path are checked together.
// Gives the newer checkpoint.
[[nodiscard]] core::Result<Checkpoint> verify_consistency_proof(const ConsistencyProof& proof,
                                                                std::string_view old_note,
                                                                const NoteVerifier& log);

}  // namespace sigillo::audit
