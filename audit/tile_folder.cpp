#include "sigillo/audit/tile_folder.hpp"

#include <fmt/format.h>

#include "audit/tile_check.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Result;

namespace {

constexpr std::uint64_t kProgressStep = 16384;

Tile full_of(Tile tile) {
  tile.width = kTileWidth;
  return tile;
}

// The file of a tile: of the partial one, or else of the full one, which `tile` then becomes.
Result<core::Bytes> read_tile_file(const std::filesystem::path& folder, Tile& tile) {
  // One byte more than may be there: what is too long is told as such.
  const std::size_t limit = tile.kind == TileKind::entries
                                ? kMaxBundleBytes
                                : std::size_t{2} * kTileWidth * sizeof(Digest::bytes);
  auto bytes = core::read_file(folder / tile_path(tile), limit);
  if (bytes.has_value() || tile.full() || bytes.error().code != ErrorCode::not_found) return bytes;
  auto whole = core::read_file(folder / tile_path(full_of(tile)), limit);
  if (!whole.has_value() && whole.error().code == ErrorCode::not_found) return bytes;
  tile = full_of(tile);
  return whole;
}

}  // namespace

Result<std::string> TileFolder::checkpoint() const {
  SIGILLO_TRY(const core::Bytes note, core::read_file(folder_ / "checkpoint", kMaxNoteBytes));
  return std::string(core::as_text(note));
}

Result<std::vector<Digest>> TileFolder::hashes(const Tile& tile) const {
  Tile found = tile;
  SIGILLO_TRY(const core::Bytes bytes, read_tile_file(folder_, found));
  SIGILLO_TRY(std::vector<Digest> hashes, parse_tile(bytes, found.width));
  hashes.resize(tile.width);
  return hashes;
}

Result<core::Bytes> TileFolder::bundle(const Tile& tile) const {
  Tile found = tile;
  SIGILLO_TRY(core::Bytes bytes, read_tile_file(folder_, found));
  SIGILLO_TRY(const auto entries, parse_bundle(bytes, found.width));
  static_cast<void>(entries);
  SIGILLO_TRY(const core::ByteView wanted, bundle_prefix(bytes, tile.width));
  bytes.resize(wanted.size());
  return bytes;
}

// From the signed root down: a tile is judged by the hash that a judged tile above it has of it,
// entries by the tile of their hashes. Where a file does not fit, what is below it is hashed on its
// own, to find out which of the two is the altered one.
namespace {

using Hashes = std::vector<Digest>;
using Below = std::vector<std::optional<Digest>>;  // nothing: not to be had

class TileCheck {
 public:
  TileCheck(const TileFolder& folder, const Checkpoint& checkpoint, std::uint64_t skip,
            const TileProgress& progress)
      : folder_(folder), size_(checkpoint.size), skip_(skip), progress_(progress) {
    report_.checkpoint = checkpoint;
  }
  TileReport run();

 private:
  void find(std::string place, std::string message) {
    if (report_.findings.size() == kMaxTileFindings) ++report_.more_findings;
    else report_.findings.push_back({std::move(place), std::move(message)});
  }
  void unreadable(const Tile& tile, const Error& error) {
    find(tile_path(tile), error.code == ErrorCode::not_found ? "it is missing" : error.message);
  }
  std::optional<Hashes> read_hashes(const Tile& tile);
  Below entry_hashes(const Tile& bundle, const Hashes* expected);
  Below below(const Tile& tile, const Hashes* expected);
  std::optional<Digest> full_tile(unsigned level, std::uint64_t index, const Digest* expected);
  bool differs(const Tile& tile, const Hashes& hashes, const Below& found);
  void edge_tile(const Tile& tile, const std::optional<Hashes>& hashes);
  void advance(std::uint64_t entries);

  const TileFolder& folder_;
  std::uint64_t size_, skip_;
  const TileProgress& progress_;
  std::uint64_t done_ = 0, told_ = 0;
  TileReport report_;
};

void TileCheck::advance(std::uint64_t entries) {
  done_ += entries;
  if (!progress_ || done_ < told_ + kProgressStep) return;
  told_ = done_;
  progress_(done_, size_ - skip_);
}

std::optional<Hashes> TileCheck::read_hashes(const Tile& tile) {
  auto hashes = folder_.hashes(tile);
  if (hashes.has_value()) return *std::move(hashes);
  unreadable(tile, hashes.error());
  return std::nullopt;
}

// The leaf hashes of a bundle; compared with what the tile above says, if that is known.
Below TileCheck::entry_hashes(const Tile& bundle, const Hashes* expected) {
  Below hashes(bundle.width);
  advance(bundle.width);
  const auto bytes = folder_.bundle(bundle);
  if (!bytes.has_value()) {
    unreadable(bundle, bytes.error());
    return hashes;
  }
  const auto entries = parse_bundle(*bytes, bundle.width);
  SIGILLO_CHECK(entries.has_value());
  for (unsigned i = 0; i < bundle.width; ++i) {
    hashes[i] = leaf_hash((*entries)[i]);
    if (expected == nullptr) continue;
    if (*hashes[i] == (*expected)[i]) ++report_.entries;
    else
      find(fmt::format("{}, entry {}", tile_path(bundle), bundle.index * kTileWidth + i),
           fmt::format("its bytes hash to {}, the tree has {}", hashes[i]->hex(),
                       (*expected)[i].hex()));
  }
  return hashes;
}

// What each hash of a tile should be, from the files below it.
Below TileCheck::below(const Tile& tile, const Hashes* expected) {
  if (tile.level == 0)
    return entry_hashes({TileKind::entries, 0, tile.index, tile.width}, expected);
  Below roots;
  for (unsigned i = 0; i < tile.width; ++i)
    roots.push_back(full_tile(tile.level - 1, tile.index * kTileWidth + i,
                              expected == nullptr ? nullptr : &(*expected)[i]));
  return roots;
}

// Names the first hash of a tile that is not what the files below it give. False: there is none.
bool TileCheck::differs(const Tile& tile, const Hashes& hashes, const Below& found) {
  for (unsigned i = 0; i < tile.width; ++i) {
    if (!found[i].has_value() || *found[i] == hashes[i]) continue;
    find(fmt::format("{}, hash {}", tile_path(tile), i),
         fmt::format("it is {}, what is below it gives {}", hashes[i].hex(), found[i]->hex()));
    return true;
  }
  return false;
}

// Gives the tile's root as the files have it; nothing if they do not agree on one.
std::optional<Digest> TileCheck::full_tile(unsigned level, std::uint64_t index,
                                           const Digest* expected) {
  if (level_size(level + 1, skip_) > index)
    return expected == nullptr ? std::nullopt : std::optional(*expected);
  const Tile tile{TileKind::hashes, level, index, kTileWidth};
  const std::optional<Hashes> hashes = read_hashes(tile);
  if (hashes.has_value()) {
    const Digest root = tree_root(std::span<const Digest>(*hashes));
    if (expected == nullptr || root == *expected) {
      ++report_.tiles;
      below(tile, &*hashes);
      return root;
    }
  }
  // Neither the tile nor what is above it is to be had: below it there is nothing to compare with,
  // and a checkpoint can claim a tree that is larger than any folder.
  if (!hashes.has_value() && expected == nullptr) return std::nullopt;
  const Below found = below(tile, nullptr);
  Hashes whole;
  for (const auto& hash : found)
    if (hash.has_value()) whole.push_back(*hash);
  const bool known = whole.size() == tile.width;
  const Digest root = tree_root(std::span<const Digest>(whole));
  if (hashes.has_value() && !differs(tile, *hashes, found) && expected != nullptr)
    find(tile_path(tile),
         fmt::format("it is of another place or log: the tree has {} here, it gives {}",
                     expected->hex(), tree_root(std::span<const Digest>(*hashes)).hex()));
  if (!known) return std::nullopt;  // what is not to be had is a finding already
  if (expected != nullptr && root != *expected)
    find(level == 0 ? tile_path({TileKind::entries, 0, index, kTileWidth})
                    : fmt::format("{}, what is below it", tile_path(tile)),
         fmt::format("it gives root {}, the tree has {} there", root.hex(), expected->hex()));
  else if (expected != nullptr && level == 0) report_.entries += kTileWidth;
  return root;
}

// A tile of the right edge when the edge does not give the signed root.
void TileCheck::edge_tile(const Tile& tile, const std::optional<Hashes>& hashes) {
  const Below found = below(tile, nullptr);
  if (hashes.has_value()) differs(tile, *hashes, found);
}

TileReport TileCheck::run() {
  std::map<unsigned, std::pair<Tile, std::optional<Hashes>>> edge;
  bool readable = true;
  for (unsigned level = 0; level < tile_levels(size_); ++level) {
    const std::uint64_t hashes = level_size(level, size_);
    if (hashes % kTileWidth == 0) continue;
    const Tile tile = widest_tile(TileKind::hashes, level, hashes / kTileWidth, size_);
    edge.emplace(level, std::pair{tile, read_hashes(tile)});
    readable = readable && edge[level].second.has_value();
  }
  const auto root = [&]() -> std::optional<Digest> {
    if (!readable) return std::nullopt;
    const auto restored = TileEdge::restore(
        size_, [&](const Tile& tile) { return Result<Hashes>(*edge[tile.level].second); });
    return restored.has_value() ? std::optional(restored->root()) : std::nullopt;
  }();
  const bool holds = root == report_.checkpoint.root;
  for (const auto& [level, tile] : edge) {
    if (!holds) {
      edge_tile(tile.first, tile.second);
      continue;
    }
    ++report_.tiles;
    below(tile.first, &*tile.second);
  }
  // No file is at odds with another, and yet they are not what was signed.
  if (!holds && report_.findings.empty())
    find("checkpoint",
         fmt::format("it signs root {}; tiles and entries agree with each other, and "
                     "give {}: they are of another log or size",
                     report_.checkpoint.root.hex(), root.has_value() ? root->hex() : "none"));
  return std::move(report_);
}

}  // namespace

TileReport check_tiles(const TileFolder& folder, const Checkpoint& checkpoint, std::uint64_t skip,
                       const TileProgress& progress) {
  return TileCheck(folder, checkpoint, skip, progress).run();
}

Result<TileReport> verify_tiles(const TileFolder& folder, const NoteVerifier& log,
                                const TileProgress& progress) {
  SIGILLO_TRY(const std::string note, folder.checkpoint());
  SIGILLO_TRY(const Checkpoint checkpoint, open_checkpoint(note, log));
  return check_tiles(folder, checkpoint, 0, progress);
}

namespace {

// A tree whose right edge gives the signed root; what is left of it is checked by the proofs.
struct SignedTree {
  std::string note;
  Checkpoint checkpoint;
  TiledNodes nodes;
};
Result<SignedTree> signed_tree(const TileFolder& folder, const NoteVerifier& log) {
  SIGILLO_TRY(std::string note, folder.checkpoint());
  SIGILLO_TRY(Checkpoint checkpoint, open_checkpoint(note, log));
  const std::uint64_t size = checkpoint.size;
  return SignedTree{std::move(note), std::move(checkpoint),
                    TiledNodes(size, [&folder](const Tile& tile) { return folder.hashes(tile); })};
}

}  // namespace

Result<TlogProof> prove_entry(const TileFolder& folder, std::uint64_t index,
                              const NoteVerifier& log) {
  SIGILLO_TRY(SignedTree tree, signed_tree(folder, log));
  const std::uint64_t size = tree.checkpoint.size;
  TlogProof proof{index, {}, tree.note, {}};
  SIGILLO_TRY(proof.path, inclusion_path(index, size, tree.nodes.reader()));
  SIGILLO_TRY(const Digest leaf, tree.nodes(0, index));
  SIGILLO_TRY_VOID(verify_inclusion(leaf, index, size, proof.path, tree.checkpoint.root));
  return proof;
}

Result<ConsistencyProof> prove_growth(const TileFolder& folder, std::uint64_t old_size,
                                      const NoteVerifier& log) {
  SIGILLO_TRY(SignedTree tree, signed_tree(folder, log));
  const std::uint64_t size = tree.checkpoint.size;
  ConsistencyProof proof{old_size, {}, tree.note};
  SIGILLO_TRY(proof.path, consistency_path(old_size, size, tree.nodes.reader()));
  SIGILLO_TRY(const Digest old_root, tree_root(old_size, tree.nodes.reader()));
  SIGILLO_TRY_VOID(verify_consistency(old_size, old_root, size, tree.checkpoint.root, proof.path));
  return proof;
}

}  // namespace sigillo::audit
