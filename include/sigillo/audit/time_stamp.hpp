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

#include "sigillo/audit/verify_proof.hpp"
#include "sigillo/audit/workspace.hpp"

namespace sigillo::audit {

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
