// Cosigning: a log asks the witnesses of a policy to cosign its checkpoint (C2SP tlog-witness, the
// client's side).
//
//   checkpoint --> every witness with a URL, at the same time --> lines that hold --> quorum? -->
//   store
//
//  1. A line counts only after it was verified in the note, with a time that can be now.
//  2. A witness that has cosigned more of this log than there is, or another history of it, is a
//  hard
//     stop (ledger_corrupt), whatever the policy says: the ledger was rolled back or rewritten, or
//     somebody has its key. Nothing overrides it.
//  3. If the quorum does not hold, nothing is stored and nothing is given out (fail closed), unless
//     the caller asks to go on without.
#pragma once

#include <map>

#include "app/client/http_client.hpp"
#include "sigillo/audit/witness_policy.hpp"
#include "sigillo/audit/workspace.hpp"

namespace sigillo::client {

// cosigned: its line holds. refused: it said why not. invalid: its answer is none that counts (a
// wrong key, root or time, or no cosignature at all). unreachable: no answer in time. no_url: the
// policy does not say where it is.
enum class WitnessState { cosigned, refused, invalid, unreachable, no_url };
[[nodiscard]] std::string_view to_string(WitnessState state);

struct WitnessReport {
  std::string witness;  // its name in the policy
  WitnessState state = WitnessState::unreachable;
  std::string detail;               // why not
  std::uint64_t time = 0;           // of the cosignature
  std::uint64_t cosigned_size = 0;  // what it has cosigned now
  std::string line;
};

struct CosigningOptions {
  std::chrono::milliseconds timeout{5000};  // of one request
  bool fail_open = false;
};

struct Cosigning {
  std::string note;  // the checkpoint with every line that holds
  audit::Checkpoint checkpoint;
  bool quorum_met = false;
  std::vector<WitnessReport> witnesses;  // in the policy's order
};

// What is to be cosigned.
struct SignedTree {
  std::string note;  // with the log's line alone
  audit::Checkpoint checkpoint;
  audit::NoteVerifier log;
  std::vector<core::Digest> leaf_hashes;
};
// By the verifier key of a witness: the size that it cosigned last, as far as we know.
using KnownSizes = std::map<std::string, std::uint64_t>;

// ask_witnesses asks all at once and gives the reports, or the hard stop. At most three requests a
// witness: one that names another size than the one that was remembered gets the proof from there.
[[nodiscard]] core::Result<std::vector<WitnessReport>> ask_witnesses(
    const SignedTree& tree, const audit::WitnessPolicy& policy, const KnownSizes& known,
    const HttpClient& http, const core::Clock& clock, const CosigningOptions& options);

// cosign_ledger signs a checkpoint over all entries if there is none, asks the witnesses, and
// stores the cosigned checkpoint in the ledger, where receipts find it. not_trusted: no quorum, or
// a policy of other logs. ledger_corrupt: the hard stop.
[[nodiscard]] core::Result<Cosigning> cosign_ledger(const audit::Workspace& workspace,
                                                    const audit::WitnessPolicy& policy,
                                                    const HttpClient& http,
                                                    const core::Clock& clock,
                                                    const CosigningOptions& options);

}  // namespace sigillo::client
