// Tiles of a log (C2SP tlog-tiles v0.1.0): the hashes and entries of a tree as small files that
// never change. Pure; thread-safe.
//
//   tile/<L>/<N>[.p/<W>]        hashes N*256 .. of level L; hash i is that of the 256^L leaves from
//                               i*256^L on. W < 256: a partial tile, at the right edge of the tree
//   tile/entries/<N>[.p/<W>]    the entries N*256 .., each after its length in 16 bits, big-endian
//
// N is written in groups of three digits, all but the last after an x: 1234067 is x001/x234/067.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "sigillo/audit/merkle.hpp"

namespace sigillo::audit {

inline constexpr unsigned kTileHeight = 8;
inline constexpr unsigned kTileWidth = 1U << kTileHeight;
inline constexpr unsigned kMaxTileLevel = 63;
inline constexpr std::size_t kMaxBundleEntryBytes = 65535;
inline constexpr std::size_t kMaxBundleBytes = kTileWidth * (2 + kMaxBundleEntryBytes);

enum class TileKind { hashes, entries };

struct Tile {
  TileKind kind = TileKind::hashes;
  unsigned level = 0;  // 0..kMaxTileLevel; 0 for entries
  std::uint64_t index = 0;
  unsigned width = kTileWidth;  // 1..kTileWidth
  [[nodiscard]] bool full() const { return width == kTileWidth; }
  bool operator==(const Tile&) const = default;
};

// tile_path gives the path without a leading slash, such as "tile/0/x001/x234/067.p/5".
[[nodiscard]] std::string tile_path(const Tile& tile);
// Strict: a tile has one path, and a path that is read is written again. invalid_input for anything
// else, for a level above kMaxTileLevel, and for an index whose hashes no tree below 2^63 has.
[[nodiscard]] core::Result<Tile> parse_tile_path(std::string_view path);

// How many hashes a tree of `size` leaves has at a level: floor(size / 256^level).
[[nodiscard]] std::uint64_t level_size(unsigned level, std::uint64_t size);
// How many levels have a hash. 0 for the empty tree, at most 8.
[[nodiscard]] unsigned tile_levels(std::uint64_t size);
// Whether the tree has every hash (or entry) of the tile.
[[nodiscard]] bool in_tree(const Tile& tile, std::uint64_t size);
// The widest tile at this place in a tree of `size`. Such a place must be in the tree.
[[nodiscard]] Tile widest_tile(TileKind kind, unsigned level, std::uint64_t index,
                               std::uint64_t size);

[[nodiscard]] core::Bytes tile_bytes(std::span<const Digest> hashes);
// invalid_input unless there are exactly `width` hashes; the message says short or long.
[[nodiscard]] core::Result<std::vector<Digest>> parse_tile(core::ByteView bytes, unsigned width);

// An entry has at most kMaxBundleEntryBytes.
void append_to_bundle(core::Bytes& bundle, core::ByteView entry);
// invalid_input unless there are exactly `width` entries and nothing after them. The views are
// into `bytes`.
[[nodiscard]] core::Result<std::vector<core::ByteView>> parse_bundle(core::ByteView bytes,
                                                                     unsigned width);
// The part of a bundle that holds its first `width` entries; invalid_input if there are fewer.
[[nodiscard]] core::Result<core::ByteView> bundle_prefix(core::ByteView bytes, unsigned width);

// TileNodes holds the hashes of one tile and every perfect subtree that they make inside of it.
class TileNodes {
 public:
  // 1..kTileWidth hashes.
  explicit TileNodes(std::vector<Digest> hashes);
  [[nodiscard]] std::span<const Digest> hashes() const { return rows_.front(); }
  // The root of the hashes position * 2^height .. (position + 1) * 2^height; all must be there.
  [[nodiscard]] const Digest& node(unsigned height, std::size_t position) const;

 private:
  std::vector<std::vector<Digest>> rows_;
};

// NodeReader gives the root of the leaves position * 2^height .. (position + 1) * 2^height, all of
// which are in the tree that it reads.
using NodeReader = std::function<core::Result<Digest>(unsigned height, std::uint64_t position)>;

// The root of a tree, and the paths of RFC 6962 sections 2.1.1 and 2.1.2, from O(log n) nodes each.
// What the reader gives is believed: check the result against a signed root. Errors are the
// reader's, and those of inclusion_path and consistency_path over leaves.
[[nodiscard]] core::Result<Digest> tree_root(std::uint64_t size, const NodeReader& node);
[[nodiscard]] core::Result<std::vector<Digest>> inclusion_path(std::uint64_t index,
                                                               std::uint64_t size,
                                                               const NodeReader& node);
[[nodiscard]] core::Result<std::vector<Digest>> consistency_path(std::uint64_t old_size,
                                                                 std::uint64_t size,
                                                                 const NodeReader& node);

// TileReader gives the hashes of a tile, exactly as many as its width.
using TileReader = std::function<core::Result<std::vector<Digest>>(const Tile&)>;

// TiledNodes reads the nodes of a tree of `size` leaves from its tiles, each of which it reads
// once. Not thread-safe.
class TiledNodes {
 public:
  TiledNodes(std::uint64_t size, TileReader read) : size_(size), read_(std::move(read)) {}
  [[nodiscard]] core::Result<Digest> operator()(unsigned height, std::uint64_t position);
  // Valid as long as this object is; not a copy of it.
  [[nodiscard]] NodeReader reader() {
    return [this](unsigned height, std::uint64_t position) { return (*this)(height, position); };
  }

 private:
  std::uint64_t size_;
  TileReader read_;
  std::map<std::pair<unsigned, std::uint64_t>, TileNodes> tiles_;
};

// TileEdge is the right edge of a tree: of each level the hashes that fill no tile yet. It is all
// that is needed to append, and it gives each tile when it is full.
class TileEdge {
 public:
  TileEdge() = default;
  // Reads the partial tiles of the tree of `size` leaves: at most 8. Not checked: compare root().
  [[nodiscard]] static core::Result<TileEdge> restore(std::uint64_t size, const TileReader& read);

  using FullTile = std::function<core::Status(const Tile&, std::vector<Digest>&& hashes)>;
  // Calls `full` for each tile that the leaf completes, lowest level first. If that gives an Error,
  // this object must not be used any more.
  [[nodiscard]] core::Status append(const Digest& leaf, const FullTile& full);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] Digest root() const;
  // The hashes of the partial tile of a level, 0..255 of them.
  [[nodiscard]] std::span<const Digest> partial(unsigned level) const;

 private:
  std::uint64_t size_ = 0;
  std::vector<std::vector<Digest>> levels_;
};

}  // namespace sigillo::audit
