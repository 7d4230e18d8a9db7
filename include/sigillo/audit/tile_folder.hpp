// A log as static files (C2SP tlog-tiles): checkpoint, tile/<L>/<N>[.p/<W>], tile/entries/..., for
// any web server, or none.
//
//  1. export_tiles writes it from a ledger. verify_tiles reads it and needs only the log's verifier
//     key: the two share no code but the formats.
//  2. Tiles are durable before the checkpoint that needs them is there, and no file that the
//  present
//     checkpoint needs is ever changed: a process that is killed leaves a folder whose checkpoint
//     holds.
#pragma once

#include <filesystem>

#include "sigillo/audit/ledger.hpp"
#include "sigillo/audit/proof.hpp"
#include "sigillo/audit/tile.hpp"

namespace sigillo::audit {

// Called now and then with the entries that are done, of `of`.
using TileProgress = std::function<void(std::uint64_t done, std::uint64_t of)>;

// TileFolder reads the files of one folder. What it gives is not checked against any root.
class TileFolder {
 public:
  explicit TileFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  [[nodiscard]] const std::filesystem::path& path() const { return folder_; }

  // The signed note. not_found if there is none; at most 1 MiB.
  [[nodiscard]] core::Result<std::string> checkpoint() const;
  // A partial tile that is not there is taken from the full one, as a log may delete it then.
  // not_found; invalid_input if it is short, long or no regular file; what core::read_file gives.
  [[nodiscard]] core::Result<std::vector<Digest>> hashes(const Tile& tile) const;
  // The bytes of a bundle of exactly tile.width entries; as above.
  [[nodiscard]] core::Result<core::Bytes> bundle(const Tile& tile) const;

 private:
  std::filesystem::path folder_;
};

struct TileFinding {
  std::string place;    // a path in the folder, with an entry or hash of it
  std::string message;  // what is wrong there
};

struct TileReport {
  Checkpoint checkpoint;
  std::uint64_t tiles = 0;            // files of hashes that hold
  std::uint64_t entries = 0;          // that hold
  std::vector<TileFinding> findings;  // the first kMaxTileFindings
  std::uint64_t more_findings = 0;    // that are not listed
  [[nodiscard]] bool sound() const { return findings.empty(); }
};
inline constexpr std::size_t kMaxTileFindings = 1000;

// verify_tiles checks every tile and entry that the folder's checkpoint covers, from the signed
// root down. An Error only if the checkpoint is missing or does not open; whatever else is wrong is
// a finding, and where the root shows which file was altered, that file is named and no other.
// Files that the checkpoint does not need are not looked at. Memory: one tile a level and one
// bundle.
[[nodiscard]] core::Result<TileReport> verify_tiles(const TileFolder& folder,
                                                    const NoteVerifier& log,
                                                    const TileProgress& progress = {});

// Proofs from O(log n) files of the folder, under its checkpoint; each is verified before it is
// given. invalid_argument: no such entry or size. proof_invalid: the tiles do not give the signed
// root. What the folder gives.
[[nodiscard]] core::Result<TlogProof> prove_entry(const TileFolder& folder, std::uint64_t index,
                                                  const NoteVerifier& log);
[[nodiscard]] core::Result<ConsistencyProof> prove_growth(const TileFolder& folder,
                                                          std::uint64_t old_size,
                                                          const NoteVerifier& log);

struct TileExport {
  Checkpoint checkpoint;     // that the folder has now
  std::uint64_t before = 0;  // entries that it had before
  std::uint64_t files = 0;   // that were written
};

// export_tiles brings a folder up to the ledger's latest checkpoint; makes the folder if its parent
// is there. Entries are read and hashed again, and what was written is read back from the folder,
// before its checkpoint is replaced. Does nothing if it has that checkpoint.
//
// already_exists: the folder holds another log, or other files. ledger_corrupt: the folder's
// checkpoint is of this log, but not of this history (larger, or another root: an old copy was
// restored, or the log was forked). proof_invalid: the folder's tiles are damaged. locked: another
// export writes there. disk_full and the like: what is there still holds.
[[nodiscard]] core::Result<TileExport> export_tiles(const Ledger& ledger, const NoteVerifier& log,
                                                    const std::filesystem::path& folder,
                                                    const TileProgress& progress = {});

}  // namespace sigillo::audit
