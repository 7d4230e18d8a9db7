// C2SP tlog-policy: which logs count, and which witnesses must have cosigned a checkpoint for it to
// count (docs/formats/witness-policy.md).
//
//   log <vkey> [<url>]
//   witness <name> <vkey> [<url>]
//   group <name> all|any|<k> <name>...
//   quorum <name>|none
#pragma once

#include <set>

#include "sigillo/audit/checkpoint.hpp"

namespace sigillo::audit {

inline constexpr std::size_t kMaxPolicyBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxPolicyLines = 256;  // of each kind: logs, witnesses, groups

// WitnessPolicy is an immutable value; thread-safe.
class WitnessPolicy {
 public:
  struct Log {
    NoteVerifier key;  // type ed25519; its name is the origin
    std::string url;   // as written; may be empty
  };
  struct Witness {
    std::string name;  // of the policy; any octets
    NoteVerifier key;  // type cosignature
    std::string url;   // the submission prefix, as written; may be empty
  };
  struct Group {
    std::string name;
    std::size_t threshold;  // of its members: 1 for any, all of them for all
    std::vector<std::string> members;
  };
  // parse is strict; an error names its line. invalid_input; unsupported for a key of a type that
  // is not known; input_too_large.
  [[nodiscard]] static core::Result<WitnessPolicy> parse(std::string_view text);

  [[nodiscard]] const std::vector<Log>& logs() const { return logs_; }
  [[nodiscard]] const std::vector<Witness>& witnesses() const { return witnesses_; }
  [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }
  [[nodiscard]] const std::string& quorum() const { return quorum_; }  // a name, or "none"
  // quorum_met: is it enough that these witnesses (names of the policy) have cosigned?
  [[nodiscard]] bool quorum_met(const std::set<std::string>& cosigned_by) const;

 private:
  friend class WitnessPolicyReader;
  WitnessPolicy() = default;
  std::vector<Log> logs_;
  std::vector<Witness> witnesses_;
  std::vector<Group> groups_;
  std::string quorum_;
};

// How far the clock of a witness may be ahead of ours.
inline constexpr std::uint64_t kMaxClockSkewSeconds = 300;

// CheckpointTrust says what makes a checkpoint count. Made by trust_log or trust_policy.
struct CheckpointTrust {
  std::vector<NoteVerifier> logs;       // one of them must have signed it, under its own name
  std::optional<WitnessPolicy> policy;  // whose quorum must hold; nothing: no witness is asked for
  // Now, in seconds since 1970: a cosignature from later than kMaxClockSkewSeconds after it does
  // not count. Nothing: any time counts.
  std::optional<std::uint64_t> now;
};
[[nodiscard]] CheckpointTrust trust_log(NoteVerifier log);
// log: the key that the caller knows. If there is none, any log of the policy will do; if both are
// there, it must be one of the policy's. invalid_argument if no log is named at all; not_trusted.
[[nodiscard]] core::Result<CheckpointTrust> trust_policy(WitnessPolicy policy,
                                                         const std::optional<NoteVerifier>& log,
                                                         core::Timestamp now);

struct Cosigned {
  std::string witness;     // the name in the policy
  std::uint64_t time = 0;  // as the witness says
};
struct TrustedCheckpoint {
  Checkpoint checkpoint;
  std::vector<Cosigned> cosigned;  // what counted for the quorum, in the policy's order
};
// open_trusted_checkpoint opens a note if everything that the trust asks for holds together: a
// log's signature under its own origin, every line of a known key, and the quorum. There is no
// partial success. invalid_input, signature_invalid, not_trusted (another origin; no quorum).
[[nodiscard]] core::Result<TrustedCheckpoint> open_trusted_checkpoint(std::string_view note,
                                                                      const CheckpointTrust& trust);

}  // namespace sigillo::audit
