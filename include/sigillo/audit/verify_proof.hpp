// verify_proof: what an auditor holds, and one answer. The command line, the HTTP service and the C
// interface all ask here (docs/formats/proof.md).
#pragma once

#include "sigillo/audit/proof.hpp"
#include "sigillo/core/json.hpp"
#include "sigillo/core/time_stamp.hpp"

namespace sigillo::audit {

struct StampedCheckpoint {
  Checkpoint checkpoint;
  std::string log_line;  // the log's signature line, with its \n
  std::string bytes;     // what a time stamp covers
  [[nodiscard]] core::Digest imprint() const { return core::sha256(bytes); }
};
// stamped_checkpoint opens a note and gives what a time stamp on it covers. One of `logs` must have
// signed it, under its own origin; of several, the first in the note counts. Other lines are
// ignored. Errors as for open_checkpoint.
[[nodiscard]] core::Result<StampedCheckpoint> stamped_checkpoint(
    std::string_view note, const std::vector<NoteVerifier>& logs);

struct StampedProof {
  TrustedCheckpoint trusted;
  core::TimeStamp stamp;
};
// verify_stamped_proof: is `leaf` entry `index` of a log that `trust` accepts, under a checkpoint
// that `trust` accepts, and did that checkpoint exist at the stamp's time, as an authority under
// `roots` says? verify_tlog_proof and verify_time_stamp together: one answer, no partial success.
[[nodiscard]] core::Result<StampedProof> verify_stamped_proof(
    const TlogProof& proof, core::ByteView leaf, const CheckpointTrust& trust,
    core::ByteView response, const core::TimeStampRoots& roots, core::Timestamp now);

// Everything as bytes; nothing is looked up. A part that is given must hold, even if it is empty:
// only nullopt leaves it out. What the views show must outlive the call.
struct ProofQuestion {
  std::string_view receipt;                  // tlog-proof, at most kMaxProofBytes
  core::ByteView leaf;                       // the entry's exact bytes, at most kMaxLeafBytes
  std::optional<std::string_view> log_key;   // vkey
  std::optional<std::string_view> policy;    // tlog-policy, at most kMaxPolicyBytes
  std::optional<core::ByteView> time_stamp;  // RFC 3161 response, at most kMaxTimeStampBytes
  std::optional<std::string_view> roots;     // PEM; exactly if there is a time stamp
  std::string_view policy_name = "policy";   // what errors call it: a file, a member
  std::string_view roots_name = "roots";
};
struct ProofAnswer {
  std::uint64_t index = 0;
  Checkpoint checkpoint;
  std::optional<std::string> quorum;     // the policy's; nothing: no policy was asked
  std::vector<Cosigned> cosigned;        // what counted for it, in the policy's order
  std::optional<core::TimeStamp> stamp;  // nothing: nobody was asked when
};
// verify_proof: is `leaf` the entry that the receipt says, under a checkpoint that the log has
// signed, the quorum has cosigned and the authority has stamped, as far as the question names them?
// Offline; one answer, no partial success. Pure; thread-safe. now: for times to come (witnesses,
// authorities).
//
// Errors: invalid_argument (no log is named; time stamp and roots are not given together);
// invalid_input, unsupported, input_too_large (a part is not what it should be): the question
// cannot be answered. Those for which is_refusal holds are the answer no.
[[nodiscard]] core::Result<ProofAnswer> verify_proof(const ProofQuestion& question,
                                                     core::Timestamp now);
// is_refusal: proof_invalid, signature_invalid, not_trusted.
[[nodiscard]] bool is_refusal(core::ErrorCode code);

// {"verified":true,"origin","size","index","quorum","time_stamp"[,"cosigned"]}: quorum and
// time_stamp are null where they were not asked for.
[[nodiscard]] core::Json to_json(const ProofAnswer& answer);
// {"time","authority","policy","serial"[,"accuracy_micros"]}
[[nodiscard]] core::Json to_json(const core::TimeStamp& stamp);
// The time of a cosignature (RFC 3339); the number itself where no calendar has it.
[[nodiscard]] std::string cosignature_time(std::uint64_t seconds);

}  // namespace sigillo::audit
