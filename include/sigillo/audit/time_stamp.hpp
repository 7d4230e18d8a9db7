// Time stamps on checkpoints (docs/formats/timestamp.md): a third party (RFC 3161) says when a
// signed checkpoint existed, and so every entry under it.
//
// A time stamp covers the checkpoint's text *and the log's own signature line*, and no other line:
//
//   origin \n size \n root \n \n — origin <base64> \n
//
// The text alone could be stamped by somebody who has no key yet, and be signed by him later with a
// key that he stole: a stamp over the signature says that the log had signed by then. The whole
// note will not do, because witnesses add lines to it afterwards; Ed25519 gives the log's line one
// form.
#pragma once

#include "sigillo/audit/proof.hpp"
#include "sigillo/audit/workspace.hpp"
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

// The record kind that keeps a time stamp in the ledger. The response is a blob that it names.
inline constexpr std::string_view kTimeStampKind = "time-stamp";

// record_time_stamp stores a response and appends the record that names it, so that the next
// checkpoint covers both. `stamped` is a checkpoint of this ledger; `stamp` is the response's, and
// the caller has verified it. proof_invalid if the two do not belong together.
[[nodiscard]] core::Result<Receipt> record_time_stamp(const Workspace& workspace,
                                                      const StampedCheckpoint& stamped,
                                                      core::ByteView response,
                                                      const core::TimeStamp& stamp,
                                                      const core::Clock& clock);

// The checkpoint that a time-stamp record is about, rebuilt from its fields: log's signature and
// imprint hold. Errors: those of open_checkpoint; proof_invalid for another imprint.
[[nodiscard]] core::Result<StampedCheckpoint> recorded_checkpoint(const Record& record,
                                                                  const NoteVerifier& log);
// A response (the blob) says what the record says of it: imprint and time. evidence_corrupt if not.
[[nodiscard]] core::Status check_recorded_response(const Record& record, core::ByteView response);

struct RecordedStamp {
  std::uint64_t entry = 0;
  Record record;  // validated; its signer is for fsck to judge
  std::uint64_t size = 0;
  core::Digest token;  // the blob with the response
};
// Every time-stamp record of the ledger, in order.
[[nodiscard]] core::Result<std::vector<RecordedStamp>> recorded_time_stamps(const Ledger& ledger);

}  // namespace sigillo::audit
