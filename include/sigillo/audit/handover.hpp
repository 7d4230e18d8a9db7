// Handovers: how one shard of a ledger ends and the next begins (docs/formats/ledger.md, "Shards").
//
// The last entry of a shard names the next log; the third entry of that one holds the final
// checkpoint of the shard. A reader who trusts one log's key follows the handovers to the keys of
// the later ones, offline, and trusts nothing else on the way.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sigillo/audit/proof.hpp"
#include "sigillo/audit/record.hpp"

namespace sigillo::audit {

inline constexpr std::string_view kShardEndKind = "shard-end";
inline constexpr std::string_view kShardStartKind = "shard-start";
inline constexpr std::uint64_t kShardStartIndex = 2;  // behind genesis and trust list
inline constexpr std::size_t kMaxHandovers = 1000;    // in one chain
inline constexpr std::size_t kMaxHandoversBytes = std::size_t{64} << 20;

struct ShardEnd {
  std::uint64_t shard = 0;
  std::string next_origin, next_log_key;  // the vkey
  Digest next_ledger;
};
// invalid_input if it is no shard-end, or names no usable key under next_origin.
[[nodiscard]] core::Result<ShardEnd> read_shard_end(const Record& record);

struct ShardStart {
  std::uint64_t shard = 0, first_entry = 0;
  std::string previous_log_key;
  Digest previous_ledger;
  Checkpoint checkpoint;  // the final one of the shard before
  std::string note;       // the same, signed by its log
};
// invalid_input if it is no shard-start; signature_invalid if the log that it names has not signed
// the checkpoint.
[[nodiscard]] core::Result<ShardStart> read_shard_start(const Record& record);

// check_link: do these two records hand over from the log `log`, whose final checkpoint is `last`,
// to the log `next` with the ledger id `next_ledger`? Both directions, and that the old log's own
// key signed the end. That the records are where they belong, and that an owner signed them, is the
// caller's part. proof_invalid, signature_invalid, invalid_input.
[[nodiscard]] core::Status check_link(const Record& end, const NoteVerifier& log,
                                      const Checkpoint& last, const NoteVerifier& next,
                                      const Digest& next_ledger, const Record& start);

// One handover with what a reader needs to believe it: both leaves and a receipt of each.
struct Handover {
  std::string end_leaf;
  TlogProof end_proof;  // under the final checkpoint
  std::string start_leaf;
  TlogProof start_proof;  // under any checkpoint of the next log
};
// verify_handover gives the next log's key, if the log `log` handed over to it. One answer, no
// partial success. proof_invalid, signature_invalid, not_trusted, invalid_input.
[[nodiscard]] core::Result<NoteVerifier> verify_handover(const Handover& handover,
                                                         const NoteVerifier& log);

// A chain as a file: canonical JSON, {"format":1,"handovers":[{"end","end_proof","start",
// "start_proof"},...]}, oldest first.
[[nodiscard]] core::Result<std::string> handovers_text(const std::vector<Handover>& handovers);
// Strict reader: kMaxHandoversBytes and kMaxHandovers at most.
[[nodiscard]] core::Result<std::vector<Handover>> parse_handovers(std::string_view text);

// follow_handovers: the logs that are to be trusted by someone who trusts `known`: itself, and
// those after it, in order. Handovers of logs before it are passed over; every one from it on must
// hold. not_trusted if the chain holds no handover of `known` and does not end at it.
[[nodiscard]] core::Result<std::vector<NoteVerifier>> follow_handovers(
    const std::vector<Handover>& handovers, const NoteVerifier& known);

}  // namespace sigillo::audit
