// Tiles: geometry, bytes, and every proof from tiles against the recursive definitions.
#include "sigillo/audit/tile.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "tree_fixture.hpp"

using namespace sigillo::audit;
using namespace sigillo::audit::test;
using sigillo::core::Bytes;

namespace {

constexpr std::size_t kExhaustive = 130;

Tile hashes_tile(unsigned level, std::uint64_t index, unsigned width = kTileWidth) {
  return {TileKind::hashes, level, index, width};
}

// The hash of a tile by its definition: the root of 256^level leaves.
Hashes slow_tile(const Hashes& leaves, const Tile& tile) {
  std::uint64_t span = 1;
  for (unsigned i = 0; i < tile.level; ++i) span *= kTileWidth;
  Hashes hashes;
  for (std::uint64_t i = 0; i < tile.width; ++i) {
    const std::uint64_t first = (tile.index * kTileWidth + i) * span;
    hashes.push_back(slow_root(part(leaves, first, first + span)));
  }
  return hashes;
}

// Tiles of a list of leaves; counts what is read, and refuses what the tree does not have.
struct SlowTiles {
  const Hashes& leaves;
  std::vector<Tile> read = {};
  TileReader reader() {
    return [this](const Tile& tile) -> sigillo::core::Result<Hashes> {
      REQUIRE(in_tree(tile, leaves.size()));
      read.push_back(tile);
      return slow_tile(leaves, tile);
    };
  }
};

}  // namespace

TEST_CASE("tile path: what the specification shows") {
  CHECK(tile_path(hashes_tile(0, 1234067)) == "tile/0/x001/x234/067");
  CHECK(tile_path(hashes_tile(0, 273, 112)) == "tile/0/273.p/112");
  CHECK(tile_path({TileKind::entries, 0, 0, 256}) == "tile/entries/000");
  CHECK(tile_path({TileKind::entries, 0, 1000, 1}) == "tile/entries/x001/000.p/1");
  CHECK(tile_path(hashes_tile(63, 0)) == "tile/63/000");
}

TEST_CASE("tile path: reading is the inverse of writing, up to the largest index") {
  std::mt19937_64 random(20261125);
  constexpr std::uint64_t largest = ((std::uint64_t{1} << 63) - 1) / kTileWidth;
  std::vector<std::uint64_t> indices{0, 1, 999, 1000, 999999, 1000000, largest};
  for (int i = 0; i < 500; ++i) indices.push_back(random() >> (9 + random() % 55));
  for (const std::uint64_t index : indices)
    for (const unsigned width : {1U, 9U, 10U, 99U, 100U, 255U, 256U})
      for (const unsigned level : {0U, 1U, 9U, 10U, 63U}) {
        const Tile tile = hashes_tile(level, index, width);
        REQUIRE(parse_tile_path(tile_path(tile)).value() == tile);
        const Tile bundle{TileKind::entries, 0, index, width};
        REQUIRE(parse_tile_path(tile_path(bundle)).value() == bundle);
      }
}

TEST_CASE("tile path: anything else is refused") {
  for (const std::string_view path : {"",
                                      "tile",
                                      "tile/",
                                      "tile/0",
                                      "tile/0/",
                                      "/tile/0/000",
                                      "tile//000",
                                      "tile/0/000/",
                                      "tile/0//000",
                                      "tile/64/000",
                                      "tile/00/000",
                                      "tile/+1/000",
                                      "tile/-1/000",
                                      "tile/1 /000",
                                      "tile/entry/000",
                                      "tile/entries",
                                      "tile/Entries/000",
                                      "tile/0/0",
                                      "tile/0/00",
                                      "tile/0/0000",
                                      "tile/0/x000",
                                      "tile/0/x000/001",
                                      "tile/0/000/001",
                                      "tile/0/x001/x000",
                                      "tile/0/x001/x002/",
                                      "tile/0/X001/000",
                                      "tile/0/x01/000",
                                      "tile/0/000.p",
                                      "tile/0/000.p/",
                                      "tile/0/000.p/0",
                                      "tile/0/000.p/256",
                                      "tile/0/000.p/01",
                                      "tile/0/000.p/+1",
                                      "tile/0/000.p/1/",
                                      "tile/0/000.p/1/2",
                                      "tile/0/000.p/-1",
                                      "tile/0/000.q/1",
                                      "tile/0/x001.p/000.p/1",
                                      "tile/0/..",
                                      "tile/../../etc/passwd",
                                      "tile/0/%30%30%30",
                                      "tile/0/000\n",
                                      "tile/0/000?",
                                      "tile/8/0/000",
                                      "tile/0/x036/x028/x797/x018/x963/968",
                                      "tile/0/x999/x999/x999/x999/x999/x999/999",
                                      "tile/0/x018/x446/x744/x073/x709/x551/x616/000"}) {
    INFO(path);
    CHECK(verdict(parse_tile_path(path)) == "invalid-input");
  }
  CHECK(verdict(parse_tile_path(std::string_view("tile/0/0\0"
                                                 "0",
                                                 10))) == "invalid-input");
  CHECK(verdict(parse_tile_path("tile/0/x036/x028/x797/x018/x963/967")) == "accepted");
  CHECK(verdict(parse_tile_path("tile/" + std::string(1000, '0'))) == "invalid-input");
}

TEST_CASE("tile path: no two paths name one tile, whatever byte is changed") {
  for (const Tile& tile :
       {hashes_tile(1, 1234067, 17), hashes_tile(12, 5), Tile{TileKind::entries, 0, 70, 200}}) {
    const std::string path = tile_path(tile);
    for (std::size_t at = 0; at < path.size(); ++at) {
      REQUIRE((!parse_tile_path(path.substr(0, at)) ||
               tile_path(*parse_tile_path(path.substr(0, at))) == path.substr(0, at)));
      for (int byte = 0; byte < 256; ++byte) {
        std::string other = path;
        other[at] = static_cast<char>(byte);
        const auto read = parse_tile_path(other);
        if (other != path && read) REQUIRE((*read != tile && tile_path(*read) == other));
      }
    }
  }
}

TEST_CASE("tile geometry: the tiles of a tree") {
  CHECK(tile_levels(0) == 0);
  CHECK(tile_levels(1) == 1);
  CHECK(tile_levels(255) == 1);
  CHECK(tile_levels(256) == 2);
  CHECK(tile_levels(70000) == 3);
  CHECK(tile_levels((std::uint64_t{1} << 63) - 1) == 8);
  CHECK(level_size(0, 70000) == 70000);
  CHECK(level_size(1, 70000) == 273);
  CHECK(level_size(2, 70000) == 1);
  CHECK(level_size(63, 70000) == 0);
  CHECK(widest_tile(TileKind::hashes, 0, 273, 70000) == hashes_tile(0, 273, 112));
  CHECK(widest_tile(TileKind::hashes, 1, 1, 70000) == hashes_tile(1, 1, 17));
  CHECK(widest_tile(TileKind::hashes, 1, 0, 70000) == hashes_tile(1, 0));
  for (const std::uint64_t size : {0U, 1U, 255U, 256U, 257U, 511U, 512U, 65535U, 65536U, 70000U})
    for (unsigned level = 0; level <= kMaxTileLevel; ++level)
      for (const std::uint64_t index : {0U, 1U, 2U, 254U, 255U, 256U, 272U, 273U, 274U})
        for (const unsigned width : {1U, 17U, 112U, 113U, 255U, 256U}) {
          std::uint64_t hashes = size;
          for (unsigned i = 0; i < level; ++i) hashes /= kTileWidth;
          REQUIRE(in_tree(hashes_tile(level, index, width), size) ==
                  (index * kTileWidth + width <= hashes));
        }
  CHECK_FALSE(in_tree(hashes_tile(0, ~std::uint64_t{0} / kTileWidth), 70000));
  CHECK_FALSE(in_tree(hashes_tile(0, ~std::uint64_t{0}), ~std::uint64_t{0}));
}

TEST_CASE("tile bytes: exactly the hashes") {
  const Hashes hashes = byte_leaves(kTileWidth);
  const Bytes bytes = tile_bytes(hashes);
  REQUIRE(bytes.size() == 8192);
  CHECK(parse_tile(bytes, 256).value() == hashes);
  for (const std::size_t size : {0UL, 1UL, 31UL, 33UL, 8160UL, 8191UL})
    CHECK(parse_tile(sigillo::core::ByteView(bytes).first(size), 256)
              .error()
              .message.find("too short") != std::string::npos);
  CHECK(parse_tile(bytes, 255).error().message.find("too long") != std::string::npos);
}

TEST_CASE("entry bundle: any bytes up to the limit, nothing more and nothing less") {
  const std::vector<Bytes> entries{Bytes{}, Bytes{0}, Bytes(255, 1), Bytes(256, 2),
                                   Bytes(kMaxBundleEntryBytes, 3)};
  Bytes bundle;
  for (const Bytes& entry : entries) append_to_bundle(bundle, entry);
  REQUIRE(bundle.size() == 10 + 1 + 255 + 256 + 65535);
  CHECK(bundle[2] == 0);
  CHECK(bundle[3] == 1);
  const auto read = parse_bundle(bundle, 5).value();
  for (std::size_t i = 0; i < entries.size(); ++i) CHECK(std::ranges::equal(read[i], entries[i]));
  const sigillo::core::ByteView view(bundle);
  for (const std::size_t size : {0UL, 1UL, 2UL, 4UL, 65000UL, bundle.size() - 1})
    CHECK(verdict(parse_bundle(view.first(size), 5)) == "invalid-input");
  CHECK(verdict(parse_bundle(bundle, 4)) == "invalid-input");
  CHECK(verdict(parse_bundle(bundle, 6)) == "invalid-input");
  bundle.push_back(0);
  CHECK(verdict(parse_bundle(bundle, 5)) == "invalid-input");
  CHECK(bundle_prefix(bundle, 2).value().size() == 5);
  CHECK(bundle_prefix(bundle, 5).value().size() == bundle.size() - 1);
  CHECK(verdict(bundle_prefix(bundle, 6)) == "invalid-input");
}

TEST_CASE("proofs from tiles: every proof of every tree up to 130") {
  const Hashes all = byte_leaves(kExhaustive);
  Hashes roots;
  for (std::size_t n = 0; n <= kExhaustive; ++n) {
    const Hashes leaves = part(all, 0, n);
    SlowTiles tiles{leaves};
    TiledNodes nodes(n, tiles.reader());
    roots.push_back(slow_root(leaves));
    REQUIRE(tree_root(n, nodes.reader()).value() == roots.back());
    for (std::size_t i = 0; i < n; ++i) {
      const Hashes path = inclusion_path(i, n, nodes.reader()).value();
      REQUIRE(path == slow_inclusion(i, leaves));
      REQUIRE(verify_inclusion(leaves[i], i, n, path, roots[n]).has_value());
    }
    for (std::size_t m = 1; m <= n; ++m) {
      const Hashes path = consistency_path(m, n, nodes.reader()).value();
      REQUIRE(path == slow_consistency(m, leaves));
      REQUIRE(verify_consistency(m, roots[m], n, roots[n], path).has_value());
    }
    REQUIRE(verdict(inclusion_path(n, n, nodes.reader())) == "invalid-argument");
    REQUIRE(verdict(consistency_path(0, n, nodes.reader())) == "invalid-argument");
    REQUIRE(verdict(consistency_path(n + 1, n, nodes.reader())) == "invalid-argument");
    REQUIRE(tiles.read.size() <= 1);  // each tile is read once
  }
}

TEST_CASE("proofs from tiles: at the borders of tiles, and no more tiles than levels need") {
  Hashes all;
  for (std::uint64_t i = 0; i < 66000; ++i)
    all.push_back(leaf_hash(sigillo::core::as_bytes(fmt::format("{}", i))));
  std::mt19937_64 random(1);
  for (const std::size_t n :
       {255U, 256U, 257U, 511U, 512U, 513U, 1000U, 65535U, 65536U, 65537U, 66000U}) {
    const Hashes leaves = part(all, 0, n);
    const Digest root = tree_root(std::span(leaves));
    std::set<std::uint64_t> places{0, 1, 254, n / 2, n - 2, n - 1};
    for (const std::uint64_t border : {255UL, 256UL, 257UL, 65535UL, 65536UL})
      if (border < n) places.insert(border);
    for (int i = 0; i < 3; ++i) places.insert(random() % n);
    for (const std::uint64_t i : places) {
      SlowTiles tiles{leaves};
      TiledNodes nodes(n, tiles.reader());
      REQUIRE(tree_root(n, nodes.reader()).value() == root);
      REQUIRE(inclusion_path(i, n, nodes.reader()).value() ==
              inclusion_path(i, std::span<const Digest>(leaves)).value());
      REQUIRE(tiles.read.size() <= std::size_t{2} * tile_levels(n));
      REQUIRE(consistency_path(i + 1, n, nodes.reader()).value() ==
              consistency_path(i + 1, std::span<const Digest>(leaves)).value());
      REQUIRE(tiles.read.size() <= std::size_t{3} * tile_levels(n));
    }
  }
}

TEST_CASE("proofs from tiles: what the reader cannot give is its error") {
  const TileReader broken = [](const Tile&) -> sigillo::core::Result<Hashes> {
    return sigillo::core::Error{sigillo::core::ErrorCode::io_error, "no disk", ""};
  };
  TiledNodes nodes(300, broken);
  CHECK(verdict(tree_root(300, nodes.reader())) == "io-error");
  CHECK(verdict(inclusion_path(7, 300, nodes.reader())) == "io-error");
  CHECK(verdict(consistency_path(7, 300, nodes.reader())) == "io-error");
  CHECK(verdict(TileEdge::restore(300, broken)) == "io-error");
}

TEST_CASE("edge: grows tile by tile as the definition says, and goes on where it stopped") {
  const std::size_t n = 66100;
  Hashes leaves;
  CompactRange range;
  TileEdge edge;
  std::map<std::pair<unsigned, std::uint64_t>, Hashes> full;
  const auto keep = [&](const Tile& tile, Hashes&& hashes) -> sigillo::core::Status {
    REQUIRE(tile.full());
    REQUIRE(full.emplace(std::pair{tile.level, tile.index}, hashes).second);
    return {};
  };
  for (std::size_t size = 0; size <= n; ++size) {
    if (size < 600 || size % 251 == 0 || (size > 65500 && size < 65800)) {
      REQUIRE(edge.size() == size);
      REQUIRE(edge.root() == range.root());
      const auto restored = TileEdge::restore(size, [&](const Tile& tile) {
        const std::span<const Digest> hashes = edge.partial(tile.level);
        REQUIRE(hashes.size() == tile.width);
        return sigillo::core::Result<Hashes>(Hashes(hashes.begin(), hashes.end()));
      });
      REQUIRE(restored.value().root() == range.root());
      for (unsigned level = 0; level < 9; ++level)
        REQUIRE(edge.partial(level).size() == level_size(level, size) % kTileWidth);
    }
    if (size == n) break;
    leaves.push_back(leaf_hash(sigillo::core::as_bytes(fmt::format("{}", size))));
    range.append(leaves.back());
    REQUIRE(edge.append(leaves.back(), keep).has_value());
  }
  CHECK(full.size() == n / 256 + 1);
  for (const auto& [place, hashes] : full)
    if (place.first == 1 || place.second % 64 == 0)
      REQUIRE(hashes == slow_tile(leaves, hashes_tile(place.first, place.second)));
}
