// CheckpointStore: the last checkpoint that each log key of ours has signed, apart from the ledger.
//
//  1. It is written, durably, before a checkpoint is stored in the ledger or leaves the process. It
//     is never restored from a backup: what it knows, an old copy of the ledger does not.
//  2. One file a log, the signed note as it stands, replaced atomically; its name is the key's id.
//  3. Two copies of a ledger that share a store cannot both sign: the second finds its place taken.
//
// docs/decisions/0062-checkpoint-store.md says what it finds and what it cannot.
#pragma once

#include <filesystem>
#include <optional>

#include "sigillo/audit/checkpoint.hpp"

namespace sigillo::audit {

// Thread-safe; several processes may use one folder. The folder is made by the first write.
class CheckpointStore {
 public:
  explicit CheckpointStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  // The note that this log signed last, its signature checked; nothing if none is known.
  // ledger_corrupt if the file holds something else.
  [[nodiscard]] core::Result<std::optional<std::string>> last(const NoteVerifier& log) const;
  // The same as it is stored, unchecked: for who wants to replace one that is damaged.
  [[nodiscard]] core::Result<std::optional<std::string>> stored(const NoteVerifier& log) const;
  // Puts `next` in the place of `before`, durably. locked if something else is there: somebody has
  // signed meanwhile.
  [[nodiscard]] core::Status advance(const NoteVerifier& log,
                                     const std::optional<std::string>& before,
                                     std::string_view next) const;

 private:
  [[nodiscard]] std::filesystem::path file_of(const NoteVerifier& log) const;
  [[nodiscard]] core::Status write(const NoteVerifier& log, std::string_view note) const;
  std::filesystem::path folder_;
};

}  // namespace sigillo::audit
