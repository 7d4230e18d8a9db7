#include "sigillo/audit/ledger_tiles.hpp"

#include <fmt/format.h>

#include <mutex>
#include <unordered_map>

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

namespace {

using Nodes = std::shared_ptr<const TileNodes>;

Error corrupt_log(std::string what) {
  return Error{ErrorCode::ledger_corrupt, std::move(what), "run `sigillo log fsck`"};
}

// The tree above level 0, and its right edge.
struct Tree {
  std::vector<std::vector<Nodes>> full;  // [level - 1][index]
  TileEdge edge;

  using Leaves = std::function<void(std::uint64_t index, std::vector<Digest>&& hashes)>;
  // Of full tiles of level 0 only the root is kept, in the tile above; `leaves` may keep the rest.
  void append(const Digest& leaf, const Leaves& leaves) {
    const Status kept =
        edge.append(leaf, [&](const Tile& tile, std::vector<Digest>&& hashes) -> Status {
          if (tile.level == 0) {
            leaves(tile.index, std::move(hashes));
            return {};
          }
          if (full.size() < tile.level) full.resize(tile.level);
          full[tile.level - 1].push_back(std::make_shared<const TileNodes>(std::move(hashes)));
          return {};
        });
    SIGILLO_CHECK(kept.has_value());
  }
};

// What is given at one moment. Immutable; tiles are shared between views.
struct View {
  std::string note;
  Checkpoint checkpoint;
  Tree tree;
  std::vector<Nodes> partial;  // [level], nothing where the edge is empty
};

std::shared_ptr<const View> make_view(std::string note, Checkpoint checkpoint, const Tree& tree) {
  auto view = std::make_shared<View>(View{std::move(note), std::move(checkpoint), tree, {}});
  for (unsigned level = 0; level < tile_levels(view->checkpoint.size); ++level) {
    const std::span<const Digest> hashes = tree.edge.partial(level);
    view->partial.push_back(hashes.empty() ? nullptr
                                           : std::make_shared<const TileNodes>(std::vector<Digest>(
                                                 hashes.begin(), hashes.end())));
  }
  return view;
}

// Full tiles of level 0, a place for each index modulo the number of places: tiles that follow each
// other do not drive each other out.
class TileCache {
 public:
  explicit TileCache(std::size_t places) : places_(places) { SIGILLO_CHECK(places > 0); }
  [[nodiscard]] std::size_t size() const { return places_.size(); }
  Nodes find(std::uint64_t index) {
    const std::lock_guard lock(mutex_);
    const Place& place = places_[index % places_.size()];
    return place.index == index ? place.nodes : nullptr;
  }
  void insert(std::uint64_t index, Nodes nodes) {
    const std::lock_guard lock(mutex_);
    places_[index % places_.size()] = {index, std::move(nodes)};
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    places_.assign(places_.size(), {});
  }

 private:
  struct Place {
    std::uint64_t index = 0;
    Nodes nodes;  // nothing: the place is free
  };
  std::mutex mutex_;
  std::vector<Place> places_;  // their number stays
};

}  // namespace

struct LedgerTiles::Impl {
  OpenLedger open;
  NoteVerifier log;
  ChooseCheckpoint choose;

  std::mutex pool_mutex;
  std::vector<Ledger> pool;

  mutable std::mutex view_mutex;
  std::shared_ptr<const View> view;

  std::mutex building;  // guards what follows
  Tree tree;
  std::string target_note;  // empty: no checkpoint is on the way
  Checkpoint target;
  std::string failed_note;  // is not tried again
  std::optional<Error> failure;

  TileCache cache;

  Impl(OpenLedger o, NoteVerifier l, ChooseCheckpoint c, std::size_t remembered)
      : open(std::move(o)), log(std::move(l)), choose(std::move(c)), cache(remembered) {}

  [[nodiscard]] std::shared_ptr<const View> current() const {
    const std::lock_guard lock(view_mutex);
    return view;
  }
  Result<std::shared_ptr<const View>> require_view() const {
    auto now = current();
    if (now == nullptr)
      return Error{ErrorCode::not_found, "the ledger has no checkpoint yet",
                   "`sigillo log checkpoint` signs one"};
    return now;
  }

  // Calls use with a ledger that nobody else has meanwhile. One that failed is not used again.
  Status with_ledger(const std::function<Status(const Ledger&)>& use) {
    std::optional<Ledger> ledger;
    {
      const std::lock_guard lock(pool_mutex);
      if (!pool.empty()) {
        ledger = std::move(pool.back());
        pool.pop_back();
      }
    }
    if (!ledger.has_value()) {
      SIGILLO_TRY(ledger, open());
    }
    SIGILLO_TRY_VOID(use(*ledger));
    const std::lock_guard lock(pool_mutex);
    pool.push_back(*std::move(ledger));
    return {};
  }

  Status choose_target(const Ledger& ledger);
  Status read_on(const Ledger& ledger, std::uint64_t entries);
  Result<Nodes> nodes_of(const View& of, unsigned level, std::uint64_t index);
  Result<Nodes> read_leaves(const View& of, std::uint64_t index);
  Result<core::Bytes> bundle(const View& of, const Tile& tile);
  NodeReader reader(const View& of);
};

// Says where to go, unless a target is being worked on.
Status LedgerTiles::Impl::choose_target(const Ledger& ledger) {
  if (!target_note.empty()) return {};
  const auto now = current();
  SIGILLO_TRY(std::string note, choose ? choose(ledger) : ledger.latest_checkpoint());
  if (now != nullptr && note == now->note) return {};
  if (failure.has_value() && note == failed_note) return *failure;
  SIGILLO_TRY(Checkpoint checkpoint, open_checkpoint(note, log));
  if (checkpoint.size < tree.edge.size())
    return corrupt_log(
        fmt::format("the latest checkpoint is of size {}, one of size {} was given "
                    "before: an old copy was restored",
                    checkpoint.size, tree.edge.size()));
  target = std::move(checkpoint);
  target_note = std::move(note);
  return {};
}

Status LedgerTiles::Impl::read_on(const Ledger& ledger, std::uint64_t entries) {
  SIGILLO_TRY_VOID(choose_target(ledger));
  if (target_note.empty()) return {};
  const std::uint64_t first = tree.edge.size();
  const std::uint64_t end = first + std::min(target.size - first, entries);
  // What will be asked for first is remembered at once. Nobody is given it before the view has it,
  // and if the root is another one it is forgotten.
  const auto remember = [&](std::uint64_t index, std::vector<Digest>&& hashes) {
    if (target.size / kTileWidth - index <= cache.size())
      cache.insert(index, std::make_shared<const TileNodes>(std::move(hashes)));
  };
  bool in_order = true;
  SIGILLO_TRY_VOID(ledger.for_each(first, end, [&](const StoredEntry& entry) -> Status {
    in_order = in_order && entry.index == tree.edge.size();
    tree.append(leaf_hash(entry.leaf), remember);
    return {};
  }));
  const bool reached = tree.edge.size() == target.size;
  if (in_order && tree.edge.size() == end && !reached) return {};
  std::string note = std::exchange(target_note, {});
  if (in_order && reached && tree.edge.root() == target.root) {
    const auto next = make_view(std::move(note), target, tree);
    const std::lock_guard lock(view_mutex);
    view = next;
    return {};
  }
  const auto now = current();
  tree = now == nullptr ? Tree() : now->tree;
  cache.clear();
  failed_note = std::move(note);
  failure = corrupt_log(
      fmt::format("the entries do not give the root of the checkpoint of size {}", target.size));
  return *failure;
}

// The stored leaf hashes of a full tile, which must be what the tile above says. The entries' bytes
// are compared with them where they are given (bundle).
Result<Nodes> LedgerTiles::Impl::read_leaves(const View& of, std::uint64_t index) {
  if (Nodes cached = cache.find(index)) return cached;
  std::vector<Digest> hashes;
  SIGILLO_TRY_VOID(with_ledger([&](const Ledger& ledger) {
    return ledger.for_each(index * kTileWidth, (index + 1) * kTileWidth,
                           [&](const StoredEntry& entry) -> Status {
                             SIGILLO_TRY(const Digest hash, Digest::from_bytes(entry.leaf_hash));
                             hashes.push_back(hash);
                             return {};
                           });
  }));
  SIGILLO_TRY(const Nodes above, nodes_of(of, 1, index / kTileWidth));
  const bool complete = hashes.size() == kTileWidth;
  const auto nodes = complete ? std::make_shared<const TileNodes>(std::move(hashes)) : nullptr;
  if (!complete || nodes->node(kTileHeight, 0) != above->hashes()[index % kTileWidth])
    return corrupt_log(fmt::format("leaf hashes {} to {} are not what was signed",
                                   index * kTileWidth, (index + 1) * kTileWidth - 1));
  cache.insert(index, nodes);
  return nodes;
}

// The tile must be in the tree.
Result<Nodes> LedgerTiles::Impl::nodes_of(const View& of, unsigned level, std::uint64_t index) {
  if (index == level_size(level, of.checkpoint.size) / kTileWidth) return of.partial[level];
  if (level == 0) return read_leaves(of, index);
  return of.tree.full[level - 1][index];
}

NodeReader LedgerTiles::Impl::reader(const View& of) {
  return [this, &of](unsigned height, std::uint64_t position) -> Result<Digest> {
    const unsigned level = height / kTileHeight;
    const unsigned inside = height % kTileHeight;
    const std::uint64_t first = position << inside;
    SIGILLO_TRY(const Nodes nodes, nodes_of(of, level, first / kTileWidth));
    return nodes->node(inside, (first % kTileWidth) >> inside);
  };
}

Result<core::Bytes> LedgerTiles::Impl::bundle(const View& of, const Tile& tile) {
  SIGILLO_TRY(const Nodes nodes, nodes_of(of, 0, tile.index));
  core::Bytes bytes;
  std::uint64_t same = 0;
  const std::uint64_t first = tile.index * kTileWidth;
  SIGILLO_TRY_VOID(with_ledger([&](const Ledger& ledger) {
    return ledger.for_each(first, first + tile.width, [&](const StoredEntry& entry) -> Status {
      if (leaf_hash(entry.leaf) == nodes->hashes()[entry.index - first]) ++same;
      append_to_bundle(bytes, entry.leaf);
      return {};
    });
  }));
  if (same != tile.width)
    return corrupt_log(fmt::format("of entries {} to {}, {} are what was signed", first,
                                   first + tile.width - 1, same));
  return bytes;
}

LedgerTiles::LedgerTiles(OpenLedger open, NoteVerifier log, ChooseCheckpoint choose,
                         std::size_t remembered_tiles)
    : impl_(std::make_unique<Impl>(std::move(open), std::move(log), std::move(choose),
                                   remembered_tiles)) {}
LedgerTiles::LedgerTiles(LedgerTiles&&) noexcept = default;
LedgerTiles& LedgerTiles::operator=(LedgerTiles&&) noexcept = default;
LedgerTiles::~LedgerTiles() = default;

Status LedgerTiles::catch_up(std::uint64_t entries) {
  const std::unique_lock lock(impl_->building, std::try_to_lock);
  if (!lock.owns_lock()) return {};
  return impl_->with_ledger([&](const Ledger& ledger) { return impl_->read_on(ledger, entries); });
}

Result<std::string> LedgerTiles::checkpoint() const {
  SIGILLO_TRY(const auto view, impl_->require_view());
  return view->note;
}

Result<core::Bytes> LedgerTiles::tile(const Tile& tile) const {
  SIGILLO_TRY(const auto view, impl_->require_view());
  if (!in_tree(tile, view->checkpoint.size))
    return Error{
        ErrorCode::not_found,
        fmt::format("a tree of {} entries has no {}", view->checkpoint.size, tile_path(tile)), ""};
  if (tile.kind == TileKind::entries) return impl_->bundle(*view, tile);
  SIGILLO_TRY(const Nodes nodes, impl_->nodes_of(*view, tile.level, tile.index));
  return tile_bytes(nodes->hashes().first(tile.width));
}

Result<TlogProof> LedgerTiles::prove_entry(std::uint64_t index) const {
  SIGILLO_TRY(const auto view, impl_->require_view());
  const Checkpoint& checkpoint = view->checkpoint;
  const NodeReader node = impl_->reader(*view);
  TlogProof proof{index, {}, view->note, {}};
  SIGILLO_TRY(proof.path, inclusion_path(index, checkpoint.size, node));
  SIGILLO_TRY(const Digest leaf, node(0, index));
  SIGILLO_TRY_VOID(verify_inclusion(leaf, index, checkpoint.size, proof.path, checkpoint.root));
  return proof;
}

Result<ConsistencyProof> LedgerTiles::prove_growth(std::uint64_t old_size) const {
  SIGILLO_TRY(const auto view, impl_->require_view());
  const Checkpoint& checkpoint = view->checkpoint;
  const NodeReader node = impl_->reader(*view);
  ConsistencyProof proof{old_size, {}, view->note};
  SIGILLO_TRY(proof.path, consistency_path(old_size, checkpoint.size, node));
  SIGILLO_TRY(const Digest old_root, tree_root(old_size, node));
  SIGILLO_TRY_VOID(
      verify_consistency(old_size, old_root, checkpoint.size, checkpoint.root, proof.path));
  return proof;
}

}  // namespace sigillo::audit
