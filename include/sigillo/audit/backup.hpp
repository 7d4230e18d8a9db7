// Backup and restore of a whole workspace (docs/operating/backup.md).
//
//  1. A backup is made while others append: the ledger is copied at one moment, and what its
//  entries
//     name was there before them.
//  2. It holds secrets (keys, private values) unless keys are left out: mode 0600.
//  3. A restored ledger may lack entries that were acknowledged after the backup. Going on from it
//     forks history, so restore() asks for a proof that nothing is missing, or for a visible record
//     that something may be.
#pragma once

#include <filesystem>
#include <string>

#include "sigillo/audit/fsck.hpp"

namespace sigillo::audit {

struct BackupSummary {
  std::uint64_t size = 0;  // entries
  Digest root;
  std::uint64_t files = 0;
  bool with_keys = false;
};

// Writes the backup whole or not at all. already_exists: a backup is never overwritten.
// ledger_corrupt if fsck finds an error, before or in the copy.
[[nodiscard]] core::Result<BackupSummary> backup(const Workspace& workspace,
                                                 const std::filesystem::path& file, bool with_keys);

struct RestoreRequest {
  std::filesystem::path file, folder;
  KnownBefore known;  // the last published checkpoint: the copy must hold all that it covers
  bool accept_loss = false;
  // A store of its own for the copy; empty: the one that the backup's sigillo.json names.
  std::filesystem::path checkpoint_store = {};
  bool take_over = false;  // from a ledger that the store knows, and that the copy lacks part of
};
// Makes the folder whole or not at all; an existing one is left alone (already_exists).
// invalid_argument if neither a checkpoint is given nor the loss accepted; ledger_corrupt if the
// copy is not sound or does not hold what the checkpoint covers, or what a checkpoint store outside
// of the workspace knows. With accept_loss a `ledger-restored` record is appended, which needs the
// keys; where such a store knows more than the copy, take_over has to be given as well: the ledger
// that it belongs to can sign no more then.
[[nodiscard]] core::Result<BackupSummary> restore(const RestoreRequest& request,
                                                  const core::Clock& clock);

// resume lets the log go on from this copy of the workspace, whose checkpoint store does not know
// it or knows more of it (checkpoint_store.hpp). As with restore(), `known` shows that nothing is
// missing, or the loss is accepted and recorded. invalid_argument if neither; ledger_corrupt if
// the workspace is not sound otherwise, or lacks what `known` or the store's own checkpoint covers
// and the loss is not accepted. Does nothing where store and ledger fit. Gives the checkpoint that
// the log goes on from, and whether the loss was recorded.
struct Resumed {
  std::string checkpoint;
  bool loss_recorded = false;
};
[[nodiscard]] core::Result<Resumed> resume(const Workspace& workspace, const KnownBefore& known,
                                           bool accept_loss, const core::Clock& clock);

}  // namespace sigillo::audit
