// C2SP tlog-checkpoint v1.0.0: origin, size, root; no extension lines. The key name equals the
// origin, so that Go's sumdb tools, Sigsum-style witnesses and the public witness network can all
// read it.
#pragma once

#include "sigillo/audit/merkle.hpp"
#include "sigillo/audit/note.hpp"

namespace sigillo::audit {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Digest root;
  bool operator==(const Checkpoint&) const = default;
};

[[nodiscard]] std::string checkpoint_text(const Checkpoint& checkpoint);
// Strict: three lines, decimal size without leading zeros and below 2^63, 32-byte root; extension
// lines are refused (unsupported); size 0 must carry the empty tree's root.
[[nodiscard]] core::Result<Checkpoint> parse_checkpoint_text(std::string_view text);

[[nodiscard]] core::Result<std::string> sign_checkpoint(const Checkpoint& checkpoint,
                                                        const core::PrivateKey& log_key);
// require_log_key: invalid_argument for the key of a witness.
[[nodiscard]] core::Status require_log_key(const NoteVerifier& log);
// Opens the note with the log's key and checks that its origin is the key's name.
[[nodiscard]] core::Result<Checkpoint> open_checkpoint(std::string_view note,
                                                       const NoteVerifier& log);

}  // namespace sigillo::audit
