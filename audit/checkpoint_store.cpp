#include "sigillo/audit/checkpoint_store.hpp"

#include <fmt/format.h>

#include "core/folder_lock.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

fs::path CheckpointStore::file_of(const NoteVerifier& log) const {
  return folder_ / (log.key().id().hex() + ".checkpoint");
}

Result<std::optional<std::string>> CheckpointStore::stored(const NoteVerifier& log) const {
  const auto bytes = core::read_file(file_of(log), kMaxNoteBytes);
  if (bytes.has_value()) return std::optional(std::string(core::as_text(*bytes)));
  if (bytes.error().code == ErrorCode::not_found) return std::optional<std::string>();
  return bytes.error();
}

Result<std::optional<std::string>> CheckpointStore::last(const NoteVerifier& log) const {
  SIGILLO_TRY(std::optional<std::string> note, stored(log));
  if (!note.has_value()) return note;
  const auto checkpoint = open_checkpoint(*note, log);
  if (checkpoint.has_value()) return note;
  return Error{ErrorCode::ledger_corrupt,
               fmt::format("{} is no checkpoint of {}: {}", file_of(log).string(), log.name(),
                           checkpoint.error().message),
               "keep it as evidence; `sigillo log resume` makes a new one from what is known"};
}

Status CheckpointStore::write(const NoteVerifier& log, std::string_view note) const {
  return core::write_file_atomically(file_of(log), core::as_bytes(note));
}

Status CheckpointStore::advance(const NoteVerifier& log, const std::optional<std::string>& before,
                                std::string_view next) const {
  SIGILLO_TRY_VOID(core::make_folders(folder_));
  SIGILLO_TRY(const core::FolderLock lock, core::FolderLock::take(folder_));
  SIGILLO_TRY(const std::optional<std::string> now, stored(log));
  // One that shows it already may have been left by a process that was killed before its sync.
  if (now == before || now == next) return write(log, next);
  return Error{ErrorCode::locked,
               fmt::format("another copy of the ledger {} has signed a checkpoint", log.name()),
               "try again; if it is refused then, two copies of the ledger are in use: stop one"};
}

}  // namespace sigillo::audit
