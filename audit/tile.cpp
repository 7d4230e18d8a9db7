#include "sigillo/audit/tile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "audit/lines.hpp"

namespace sigillo::audit {
namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

constexpr std::uint64_t kMaxTileIndex = kMaxTreeSize / kTileWidth;
constexpr std::size_t kMaxPathBytes = 64;  // the longest path has 42

Error no_path(std::string_view why) {
  return Error{ErrorCode::invalid_input, fmt::format("not the path of a tile: {}", why), ""};
}
Error malformed_tile(std::string message) {
  return Error{ErrorCode::invalid_input, std::move(message), ""};
}

// Takes what is before the next '/', or all.
std::string_view take_segment(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view segment = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return segment;
}

bool three_digits(std::string_view text) {
  return text.size() == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::uint64_t three_digit_number(std::string_view digits) {
  std::uint64_t number = 0;
  for (const char c : digits) number = number * 10 + static_cast<std::uint64_t>(c - '0');
  return number;
}

// Roots of neighbours, from left to right, each at least as tall as the next.
Digest fold(std::span<const Digest> peaks) {
  if (peaks.empty()) return core::sha256(std::string_view());
  Digest hash = peaks.back();
  for (std::size_t i = peaks.size() - 1; i-- > 0;) hash = node_hash(peaks[i], hash);
  return hash;
}

// The root of the leaves [begin, end), where begin is a multiple of the power of two that holds the
// range: so are all ranges that MTH, PATH and PROOF name.
Result<Digest> range_root(std::uint64_t begin, std::uint64_t end, const NodeReader& node) {
  std::vector<Digest> peaks;
  while (begin < end) {
    const auto height = static_cast<unsigned>(std::bit_width(end - begin) - 1);
    SIGILLO_TRY(const Digest peak, node(height, begin >> height));
    peaks.push_back(peak);
    begin += std::uint64_t{1} << height;
  }
  return fold(peaks);
}

}  // namespace

std::string tile_path(const Tile& tile) {
  SIGILLO_CHECK(tile.level <= kMaxTileLevel && tile.index <= kMaxTileIndex);
  SIGILLO_CHECK(tile.width >= 1 && tile.width <= kTileWidth);
  std::string number = fmt::format("{:03}", tile.index % 1000);
  for (std::uint64_t rest = tile.index / 1000; rest > 0; rest /= 1000)
    number = fmt::format("x{:03}/{}", rest % 1000, number);
  const std::string part = tile.full() ? "" : fmt::format(".p/{}", tile.width);
  if (tile.kind == TileKind::entries) return fmt::format("tile/entries/{}{}", number, part);
  return fmt::format("tile/{}/{}{}", tile.level, number, part);
}

Result<Tile> parse_tile_path(std::string_view path) {
  if (path.size() > kMaxPathBytes) return no_path("it is too long");
  std::string_view rest = path;
  if (take_segment(rest) != "tile") return no_path("it does not begin with tile/");
  Tile tile;
  const std::string_view level = take_segment(rest);
  if (level == "entries") {
    tile.kind = TileKind::entries;
  } else {
    const auto number = parse_decimal(level);
    if (!number || *number > kMaxTileLevel)
      return no_path(fmt::format("its level is not a decimal up to {}", kMaxTileLevel));
    tile.level = static_cast<unsigned>(*number);
  }
  for (;;) {
    std::string_view segment = take_segment(rest);
    const bool more = segment.starts_with('x');
    const bool partial = segment.ends_with(".p");
    if (more) segment.remove_prefix(1);
    else if (partial) segment.remove_suffix(2);
    if (!three_digits(segment)) return no_path("its index is not made of three digits a part");
    if (tile.index > kMaxTileIndex / 1000) return no_path("no tree has an index so large");
    tile.index = tile.index * 1000 + three_digit_number(segment);
    if (tile.index > kMaxTileIndex) return no_path("no tree has an index so large");
    if (more) continue;
    if (!partial) break;
    const auto width = parse_decimal(take_segment(rest));
    if (!width || *width < 1 || *width >= kTileWidth)
      return no_path("its width is not a decimal from 1 to 255");
    tile.width = static_cast<unsigned>(*width);
    break;
  }
  // One check for all that has two spellings: leading zeros, slashes too many, something after it.
  if (tile_path(tile) != path) return no_path("it is not written in the one form that it has");
  return tile;
}

std::uint64_t level_size(unsigned level, std::uint64_t size) {
  return level * kTileHeight >= 64 ? 0 : size >> (level * kTileHeight);
}

unsigned tile_levels(std::uint64_t size) {
  unsigned levels = 0;
  while (level_size(levels, size) > 0) ++levels;
  return levels;
}

bool in_tree(const Tile& tile, std::uint64_t size) {
  const std::uint64_t hashes = level_size(tile.level, size);
  return tile.index <= hashes / kTileWidth && tile.width <= hashes - tile.index * kTileWidth;
}

Tile widest_tile(TileKind kind, unsigned level, std::uint64_t index, std::uint64_t size) {
  const std::uint64_t hashes = level_size(level, size);
  SIGILLO_CHECK(index <= hashes / kTileWidth && index * kTileWidth < hashes);
  const std::uint64_t left = hashes - index * kTileWidth;
  return {kind, level, index, static_cast<unsigned>(std::min<std::uint64_t>(left, kTileWidth))};
}

core::Bytes tile_bytes(std::span<const Digest> hashes) {
  core::Bytes bytes;
  bytes.reserve(hashes.size() * sizeof(Digest::bytes));
  for (const Digest& hash : hashes) bytes.insert(bytes.end(), hash.bytes.begin(), hash.bytes.end());
  return bytes;
}

Result<std::vector<Digest>> parse_tile(core::ByteView bytes, unsigned width) {
  constexpr std::size_t hash_bytes = sizeof(Digest::bytes);
  if (bytes.size() != width * hash_bytes)
    return malformed_tile(fmt::format("it is too {}: {} bytes, where {} hashes have {}",
                                      bytes.size() < width * hash_bytes ? "short" : "long",
                                      bytes.size(), width, width * hash_bytes));
  std::vector<Digest> hashes(width);
  for (unsigned i = 0; i < width; ++i)
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * hash_bytes), hash_bytes,
                hashes[i].bytes.begin());
  return hashes;
}

void append_to_bundle(core::Bytes& bundle, core::ByteView entry) {
  SIGILLO_CHECK(entry.size() <= kMaxBundleEntryBytes);
  bundle.push_back(static_cast<std::uint8_t>(entry.size() >> 8));
  bundle.push_back(static_cast<std::uint8_t>(entry.size() & 0xff));
  bundle.insert(bundle.end(), entry.begin(), entry.end());
}

namespace {

// Takes `width` entries off the front of a bundle.
Result<std::vector<core::ByteView>> take_entries(core::ByteView& rest, unsigned width) {
  std::vector<core::ByteView> entries;
  entries.reserve(width);
  while (entries.size() < width) {
    const std::size_t length = rest.size() < 2 ? 0 : (std::size_t{rest[0]} << 8 | rest[1]);
    if (rest.size() < 2 || rest.size() - 2 < length)
      return malformed_tile(
          fmt::format("it is too short: it ends in entry {} of {}", entries.size(), width));
    entries.push_back(rest.subspan(2, length));
    rest = rest.subspan(2 + length);
  }
  return entries;
}

}  // namespace

Result<std::vector<core::ByteView>> parse_bundle(core::ByteView bytes, unsigned width) {
  core::ByteView rest = bytes;
  SIGILLO_TRY(std::vector<core::ByteView> entries, take_entries(rest, width));
  if (!rest.empty())
    return malformed_tile(
        fmt::format("it is too long: {} bytes follow its {} entries", rest.size(), width));
  return entries;
}

Result<core::ByteView> bundle_prefix(core::ByteView bytes, unsigned width) {
  core::ByteView rest = bytes;
  SIGILLO_TRY(const std::vector<core::ByteView> entries, take_entries(rest, width));
  static_cast<void>(entries);
  return bytes.first(bytes.size() - rest.size());
}

TileNodes::TileNodes(std::vector<Digest> hashes) {
  SIGILLO_CHECK(!hashes.empty() && hashes.size() <= kTileWidth);
  rows_.push_back(std::move(hashes));
  while (rows_.back().size() > 1) {
    const std::vector<Digest>& below = rows_.back();
    std::vector<Digest> row;
    row.reserve(below.size() / 2);
    for (std::size_t i = 0; i + 1 < below.size(); i += 2)
      row.push_back(node_hash(below[i], below[i + 1]));
    rows_.push_back(std::move(row));
  }
}

const Digest& TileNodes::node(unsigned height, std::size_t position) const {
  SIGILLO_CHECK(height < rows_.size() && position < rows_[height].size());
  return rows_[height][position];
}

Result<Digest> tree_root(std::uint64_t size, const NodeReader& node) {
  return range_root(0, size, node);
}

Result<std::vector<Digest>> inclusion_path(std::uint64_t index, std::uint64_t size,
                                           const NodeReader& node) {
  if (index >= size)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("there is no leaf {} in a tree of {}", index, size), ""};
  std::vector<Digest> path;  // from the root down
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + split_of(end - begin);
    const bool left = index < middle;
    SIGILLO_TRY(const Digest sibling,
                left ? range_root(middle, end, node) : range_root(begin, middle, node));
    path.push_back(sibling);
    (left ? end : begin) = middle;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

Result<std::vector<Digest>> consistency_path(std::uint64_t old_size, std::uint64_t size,
                                             const NodeReader& node) {
  if (old_size == 0 || old_size > size)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("no consistency proof leads from {} to {} leaves", old_size, size),
                 ""};
  std::vector<Digest> path;  // from the root down
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (old_size != end) {
    const std::uint64_t middle = begin + split_of(end - begin);
    const bool left = old_size <= middle;
    SIGILLO_TRY(const Digest sibling,
                left ? range_root(middle, end, node) : range_root(begin, middle, node));
    path.push_back(sibling);
    (left ? end : begin) = middle;
  }
  // The verifier has the hash of the whole old tree.
  if (begin != 0) {
    SIGILLO_TRY(const Digest last, range_root(begin, end, node));
    path.push_back(last);
  }
  std::reverse(path.begin(), path.end());
  return path;
}

Result<Digest> TiledNodes::operator()(unsigned height, std::uint64_t position) {
  const unsigned level = height / kTileHeight;
  const unsigned height_in_tile = height % kTileHeight;
  const std::uint64_t first = position << height_in_tile;  // among the hashes of the level
  const std::uint64_t index = first / kTileWidth;
  auto found = tiles_.find({level, index});
  if (found == tiles_.end()) {
    const Tile tile = widest_tile(TileKind::hashes, level, index, size_);
    SIGILLO_TRY(std::vector<Digest> hashes, read_(tile));
    SIGILLO_CHECK(hashes.size() == tile.width);
    found = tiles_.emplace(std::pair{level, index}, TileNodes(std::move(hashes))).first;
  }
  return found->second.node(height_in_tile, (first % kTileWidth) >> height_in_tile);
}

Result<TileEdge> TileEdge::restore(std::uint64_t size, const TileReader& read) {
  TileEdge edge;
  edge.size_ = size;
  for (unsigned level = 0; level < tile_levels(size); ++level) {
    const std::uint64_t hashes = level_size(level, size);
    edge.levels_.emplace_back();
    if (hashes % kTileWidth == 0) continue;
    SIGILLO_TRY(edge.levels_.back(),
                read(widest_tile(TileKind::hashes, level, hashes / kTileWidth, size)));
    SIGILLO_CHECK(edge.levels_.back().size() == hashes % kTileWidth);
  }
  return edge;
}

Status TileEdge::append(const Digest& leaf, const FullTile& full) {
  SIGILLO_CHECK(size_ < kMaxTreeSize);
  ++size_;
  Digest hash = leaf;
  for (unsigned level = 0;; ++level) {
    if (level == levels_.size()) levels_.emplace_back();
    std::vector<Digest>& hashes = levels_[level];
    hashes.push_back(hash);
    if (hashes.size() < kTileWidth) return {};
    hash = tree_root(std::span<const Digest>(hashes));
    const Tile tile{TileKind::hashes, level, level_size(level, size_) / kTileWidth - 1, kTileWidth};
    SIGILLO_TRY_VOID(full(tile, std::exchange(hashes, {})));
  }
}

Digest TileEdge::root() const {
  std::vector<Digest> peaks;
  for (std::size_t level = levels_.size(); level-- > 0;) {
    std::span<const Digest> hashes = levels_[level];
    while (!hashes.empty()) {
      const std::size_t count = std::bit_floor(hashes.size());
      peaks.push_back(tree_root(hashes.first(count)));
      hashes = hashes.subspan(count);
    }
  }
  return fold(peaks);
}

std::span<const Digest> TileEdge::partial(unsigned level) const {
  return level < levels_.size() ? std::span<const Digest>(levels_[level])
                                : std::span<const Digest>();
}

}  // namespace sigillo::audit
