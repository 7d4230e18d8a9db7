// Tile paths and entry bundles: a path has one reading and that reading one path; what a bundle's
// reader accepts is written again byte for byte. The first byte chooses between the two.
#include <cstddef>
#include <cstdint>

#include "harness.hpp"
#include "sigillo/audit/tile.hpp"

namespace {

using namespace sigillo::audit;
namespace core = sigillo::core;

void read_path(std::string_view path) {
  const auto tile = parse_tile_path(path);
  if (!tile) return;
  FUZZ_CHECK(tile_path(*tile) == path);
  FUZZ_CHECK(tile->width >= 1 && tile->width <= kTileWidth && tile->level <= kMaxTileLevel);
  constexpr std::uint64_t largest = (std::uint64_t{1} << 63) - 1;
  // A tile is in a tree if and only if the widest one at its place is at least as wide.
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{70000}, largest}) {
    if (!in_tree(*tile, size)) continue;
    FUZZ_CHECK(widest_tile(tile->kind, tile->level, tile->index, size).width >= tile->width);
  }
}

void read_bundle(core::ByteView bytes, unsigned width) {
  const auto entries = parse_bundle(bytes, width);
  const auto prefix = bundle_prefix(bytes, width);
  FUZZ_CHECK(!entries || (prefix && prefix->size() == bytes.size()));
  FUZZ_CHECK(!prefix || parse_bundle(*prefix, width).has_value());
  if (!entries) return;
  FUZZ_CHECK(entries->size() == width);
  core::Bytes again;
  for (const core::ByteView entry : *entries) append_to_bundle(again, entry);
  FUZZ_CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
  FUZZ_CHECK(width == 1 || !parse_bundle(bytes, width - 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView input(data, size);
  if (size == 0) return 0;
  if (data[0] == 't') read_path(core::as_text(input));
  else read_bundle(input.subspan(1), data[0] == 0 ? kTileWidth : data[0]);
  const auto tile = parse_tile(input, static_cast<unsigned>(size / 32));
  FUZZ_CHECK(tile.has_value() == (size % 32 == 0));
  return 0;
}
