// Committer: one thread that appends for many (grouped commit).
//
//  1. There is no timer. It takes all that waits, makes it durable in one transaction and answers;
//     what comes meanwhile waits for the next one. An idle ledger answers after one sync, and a
//     busy one shares a sync among all who wait.
//  2. An answer means durable. Entries get their place in the order in which they were added.
//  3. After a failed write or sync (io_error, ledger_corrupt) it answers nothing but that error:
//  what the disk holds
//     is unknown until the ledger is opened anew. A full disk refuses a batch, and takes the next
//     one when there is space.
//
// Source of the idea: group commit as in databases; docs/decisions/0063-grouped-commit.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sigillo/audit/ledger.hpp"

namespace sigillo::audit {

struct CommitterOptions {
  std::size_t max_waiting = 65536;  // entries; more are refused with locked
  std::size_t max_waiting_bytes = std::size_t{64} << 20;
};

struct Committed {
  std::uint64_t index = 0;
  std::string checkpoint;  // covers it; empty if none was asked for
};
using CommitAnswer = std::function<void(core::Result<Committed>)>;

// Thread-safe. Other processes may append to the same ledger meanwhile.
class Committer {
 public:
  // Signs checkpoints, for those who ask for one; guarded by the store.
  struct Signing {
    core::PrivateKey log_key;
    CheckpointStore signed_before;
  };
  // Needs a ledger that is open for writing. Without `signing`, nobody gets a checkpoint.
  explicit Committer(Ledger ledger, std::optional<Signing> signing = std::nullopt,
                     const CommitterOptions& options = {});
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;
  // Answers all that wait, then ends.
  ~Committer();

  // Returns when the leaf is durable. input_too_large, locked (too many wait: try again; or the
  // ledger is sealed), and what Ledger::append gives.
  [[nodiscard]] core::Result<Committed> add(std::string leaf);
  // Returns when a checkpoint covers it, too. If none could be signed the entry is in the ledger
  // all the same, and the Error says so.
  [[nodiscard]] core::Result<Committed> add_with_checkpoint(std::string leaf);
  // The first without waiting. `answer` is called once, on the committer's thread, and must not
  // block; at once on this one if the leaf is refused.
  void add(std::string leaf, CommitAnswer answer);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sigillo::audit
