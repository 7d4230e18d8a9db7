// C2SP tlog-proof v1: an offline receipt for one entry.
//
//   c2sp.org/tlog-proof@v1 \n [extra <base64>\n] index <decimal>\n <base64 hash>\n ... \n
//   <checkpoint note>
#pragma once

#include "sigillo/audit/checkpoint.hpp"

namespace sigillo::audit {

struct TlogProof {
  std::uint64_t index = 0;
  std::vector<Digest> path;  // leaf side first
  std::string checkpoint;    // signed note, verbatim
  core::Bytes extra;         // not covered by any signature
};

[[nodiscard]] std::string tlog_proof_text(const TlogProof& proof);
// Strict reader: at most 64 KiB and 63 hashes.
[[nodiscard]] core::Result<TlogProof> parse_tlog_proof(std::string_view text);

// verify_tlog_proof answers one question with one answer: is `leaf` entry `index` of the log that
// `log` signs? Checkpoint signature, origin and inclusion are checked together; there is no partial
// success. Gives the checkpoint.
[[nodiscard]] core::Result<Checkpoint> verify_tlog_proof(const TlogProof& proof,
                                                         core::ByteView leaf,
                                                         const NoteVerifier& log);

}  // namespace sigillo::audit
