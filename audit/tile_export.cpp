#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "audit/tile_check.hpp"
#include "core/folder_lock.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

namespace {

constexpr std::string_view kTemporary = ".sigillo-export.tmp";
constexpr std::uint64_t kReadStep = 16384;  // entries in one read transaction

Error other_history(std::string message) {
  return Error{
      ErrorCode::ledger_corrupt, std::move(message),
      "keep the folder and the ledger as evidence; an old copy of the ledger was restored, "
      "or it was forked: `sigillo log fsck --since FOLDER/checkpoint --log-key VKEY` compares "
      "them"};
}

// One export at a time.
Result<core::FolderLock> only_one(const fs::path& folder) {
  return core::FolderLock::try_take(
      folder,
      Error{ErrorCode::locked, fmt::format("another export writes to {} now", folder.string()),
            "try again when it is done"});
}

Status make_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return core::error_from_errno(errno, "cannot create folder", folder);
}

bool is_temporary(const std::string& name) {
  return name == kTemporary || (name.starts_with(".checkpoint.") && name.ends_with(".tmp"));
}

// What a killed export left goes; a folder without a checkpoint may hold nothing but tiles.
Status check_content(const fs::path& folder, bool has_checkpoint) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (is_temporary(name)) ::unlink(entry->path().c_str());
    else if (!has_checkpoint && name != "tile")
      return Error{ErrorCode::already_exists,
                   fmt::format("{} holds other files, such as {}", folder.string(), name),
                   "name a new or an empty folder"};
  }
  if (error) return core::error_from_errno(error.value(), "cannot read folder", folder);
  return {};
}

class Export {
 public:
  Export(const Ledger& ledger, fs::path folder, Checkpoint target, const TileProgress& progress)
      : ledger_(ledger),
        folder_(std::move(folder)),
        target_(std::move(target)),
        progress_(progress) {}

  // What the folder's checkpoint covers; size 0 if it has none.
  Result<Checkpoint> find_before(const NoteVerifier& log) const;
  Status still_there(const Checkpoint& before) const;
  Status take_up(const Checkpoint& before);
  Status add_entries();
  Status write_edge();
  Status read_back(std::uint64_t before) const;
  void remove_old_partials(std::uint64_t before) const;
  [[nodiscard]] std::uint64_t files() const { return files_; }

 private:
  [[nodiscard]] Error damaged(std::string_view what) const;
  Status write(const Tile& tile, core::ByteView bytes);
  Status add(const StoredEntry& entry);

  const Ledger& ledger_;
  fs::path folder_;
  Checkpoint target_;
  const TileProgress& progress_;
  TileEdge edge_;
  core::Bytes bundle_;  // of the entries that fill no bundle yet
  std::uint64_t begin_ = 0, files_ = 0;
};

Result<Checkpoint> Export::find_before(const NoteVerifier& log) const {
  const TileFolder tiles(folder_);
  const fs::path file = folder_ / "checkpoint";
  const auto note = tiles.checkpoint();
  if (!note.has_value() && note.error().code != ErrorCode::not_found) return note.error();
  SIGILLO_TRY_VOID(check_content(folder_, note.has_value()));
  if (!note.has_value()) return Checkpoint{target_.origin, 0, CompactRange().root()};
  auto before = open_checkpoint(*note, log);
  if (!before.has_value())
    return Error{ErrorCode::already_exists,
                 fmt::format("{} is no checkpoint of {}: {}", file.string(), target_.origin,
                             before.error().message),
                 "the folder holds another log, or its checkpoint is damaged: name a new folder"};
  if (before->size > target_.size)
    return other_history(fmt::format("{} is signed for {} entries, the ledger's latest for {}",
                                     file.string(), before->size, target_.size));
  if (before->size == target_.size && before->root != target_.root)
    return other_history(
        fmt::format("{} and the ledger's latest checkpoint are signed for {} "
                    "entries, with different roots",
                    file.string(), before->size));
  return before;
}

Error Export::damaged(std::string_view what) const {
  return Error{ErrorCode::proof_invalid, fmt::format("the tiles in {} {}", folder_.string(), what),
               "`sigillo log verify-tiles` says which; export to a new folder"};
}

// Every full tile and bundle that was exported is a file of its size, and the right edge reads as
// it was written. The bytes of full tiles are for verify-tiles: reading them all takes as long as a
// new export.
Status Export::still_there(const Checkpoint& before) const {
  const auto check = [&](const Tile& tile) -> Status {
    const std::string path = tile_path(tile);
    struct stat found {};
    if (::lstat((folder_ / path).c_str(), &found) != 0)
      return damaged(fmt::format("are not complete: {} is missing", path));
    const off_t whole = off_t{kTileWidth} * off_t{sizeof(Digest::bytes)};
    if (!S_ISREG(found.st_mode) || found.st_size == 0 ||
        (tile.kind == TileKind::hashes && found.st_size != whole))
      return damaged(fmt::format("are not complete: {} is no whole file", path));
    return {};
  };
  for (unsigned level = 0; level < tile_levels(before.size); ++level)
    for (std::uint64_t i = 0; i < level_size(level, before.size) / kTileWidth; ++i) {
      SIGILLO_TRY_VOID(check({TileKind::hashes, level, i, kTileWidth}));
      if (level == 0) SIGILLO_TRY_VOID(check({TileKind::entries, 0, i, kTileWidth}));
    }
  const TileReport edge = check_tiles(TileFolder(folder_), before, before.size, {});
  if (edge.sound()) return {};
  return damaged(fmt::format("are not those of its checkpoint: {}: {}", edge.findings.front().place,
                             edge.findings.front().message));
}

// Goes on at the right edge of the tree that the folder has.
Status Export::take_up(const Checkpoint& before) {
  const TileFolder tiles(folder_);
  auto edge = TileEdge::restore(before.size, [&](const Tile& t) { return tiles.hashes(t); });
  if (!edge.has_value()) return damaged("cannot be read: " + edge.error().message);
  if (edge->root() != before.root) return damaged("do not give the root of its checkpoint");
  edge_ = *std::move(edge);
  begin_ = before.size;
  const std::span<const Digest> exported = edge_.partial(0);
  return ledger_.for_each(
      before.size - exported.size(), before.size, [&](const StoredEntry& entry) -> Status {
        if (leaf_hash(entry.leaf) != exported[entry.index % kTileWidth])
          return other_history(fmt::format("entry {} of the ledger is not the one in {}",
                                           entry.index, folder_.string()));
        append_to_bundle(bundle_, entry.leaf);
        return {};
      });
}

Status Export::write(const Tile& tile, core::ByteView bytes) {
  ++files_;
  return core::write_file_unsynced(folder_ / tile_path(tile), bytes, folder_ / kTemporary);
}

Status Export::add(const StoredEntry& entry) {
  if (entry.index != edge_.size())
    return Error{ErrorCode::ledger_corrupt, fmt::format("the ledger has no entry {}", edge_.size()),
                 "run `sigillo log fsck`"};
  append_to_bundle(bundle_, entry.leaf);
  SIGILLO_TRY_VOID(edge_.append(leaf_hash(entry.leaf), [&](const Tile& tile, auto&& hashes) {
    return write(tile, tile_bytes(hashes));
  }));
  if (edge_.size() % kTileWidth != 0) return {};
  SIGILLO_TRY_VOID(
      write({TileKind::entries, 0, edge_.size() / kTileWidth - 1, kTileWidth}, bundle_));
  bundle_.clear();
  return {};
}

Status Export::add_entries() {
  while (edge_.size() < target_.size) {
    const std::uint64_t first = edge_.size();
    const std::uint64_t end = std::min(target_.size, first + kReadStep);
    SIGILLO_TRY_VOID(
        ledger_.for_each(first, end, [&](const StoredEntry& entry) { return add(entry); }));
    if (edge_.size() != end)
      return Error{ErrorCode::ledger_corrupt,
                   fmt::format("the ledger has no entry {}", edge_.size()),
                   "run `sigillo log fsck`"};
    if (progress_) progress_(edge_.size() - begin_, target_.size - begin_);
  }
  if (edge_.root() == target_.root) return {};
  if (begin_ == 0)
    return Error{ErrorCode::ledger_corrupt,
                 "the ledger's entries do not give the root that its checkpoint signs",
                 "run `sigillo log fsck`; keep this ledger as evidence"};
  return other_history(
      fmt::format("the entries from {} on, after what {} holds, do not give the root that the "
                  "ledger's checkpoint signs",
                  begin_, folder_.string()));
}

Status Export::write_edge() {
  for (unsigned level = 0; level < tile_levels(target_.size); ++level) {
    const std::span<const Digest> hashes = edge_.partial(level);
    if (hashes.empty()) continue;
    SIGILLO_TRY_VOID(write(widest_tile(TileKind::hashes, level,
                                       level_size(level, target_.size) / kTileWidth, target_.size),
                           tile_bytes(hashes)));
  }
  if (target_.size % kTileWidth == 0) return {};
  return write(widest_tile(TileKind::entries, 0, target_.size / kTileWidth, target_.size), bundle_);
}

Status Export::read_back(std::uint64_t before) const {
  const TileReport report = check_tiles(TileFolder(folder_), target_, before, {});
  if (report.sound()) return {};
  const TileFinding& first = report.findings.front();
  return Error{
      ErrorCode::io_error,
      fmt::format("{} is not read back as it was written: {}: {}", folder_.string(), first.place,
                  first.message),
      "check the disk; if it is an old folder, export to a new one. Its checkpoint was not "
      "replaced"};
}

// The full tile is there now. A kill before this leaves files that nobody needs.
void Export::remove_old_partials(std::uint64_t before) const {
  for (unsigned level = 0; level < tile_levels(before); ++level) {
    if (level_size(level, before) % kTileWidth == 0) continue;
    Tile tile{TileKind::hashes, level, level_size(level, before) / kTileWidth, kTileWidth};
    if (!in_tree(tile, target_.size)) continue;
    std::error_code ignored;
    fs::remove_all(folder_ / (tile_path(tile) + ".p"), ignored);
    tile.kind = TileKind::entries;
    if (level == 0) fs::remove_all(folder_ / (tile_path(tile) + ".p"), ignored);
  }
}

}  // namespace

Result<TileExport> export_tiles(const Ledger& ledger, const NoteVerifier& log,
                                const fs::path& folder, const TileProgress& progress) {
  SIGILLO_TRY(const std::string note, ledger.latest_checkpoint());
  SIGILLO_TRY(const Checkpoint target, open_checkpoint(note, log));
  SIGILLO_TRY_VOID(make_folder(folder));
  SIGILLO_TRY(const core::FolderLock lock, only_one(folder));
  Export run(ledger, folder, target, progress);
  SIGILLO_TRY(const Checkpoint before, run.find_before(log));
  const auto publish = [&] {
    return core::write_file_atomically(folder / "checkpoint", core::as_bytes(note));
  };
  SIGILLO_TRY_VOID(run.still_there(before));
  if (before == target) {
    // The same checkpoint may have been cosigned meanwhile.
    const auto published = TileFolder(folder).checkpoint();
    if (!published.has_value() && published.error().code != ErrorCode::not_found)
      return published.error();
    if (!published.has_value() || *published != note) SIGILLO_TRY_VOID(publish());
    return TileExport{target, before.size, 0};
  }

  SIGILLO_TRY_VOID(run.take_up(before));
  SIGILLO_TRY_VOID(run.add_entries());
  SIGILLO_TRY_VOID(run.write_edge());
  SIGILLO_TRY_VOID(core::sync_file_system(folder));
  SIGILLO_TRY_VOID(run.read_back(before.size));
  SIGILLO_TRY_VOID(publish());
  run.remove_old_partials(before.size);
  return TileExport{target, before.size, run.files()};
}

}  // namespace sigillo::audit
