#include "sigillo/audit/merkle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "audit/inclusion_root.hpp"
#include "audit/lines.hpp"

namespace sigillo::audit {
namespace {

using core::Error;
using core::ErrorCode;

Error proof_invalid(std::string_view kind, std::string_view why) {
  return Error{
      ErrorCode::proof_invalid, fmt::format("{} proof: {}", kind, why),
      "check that the leaf is the entry's exact bytes (`sigillo log show N --raw`) and the proof "
      "is for it; if a fresh proof from the log fails for them, too, the log is at fault"};
}

// A walk from one node of the tree up to the root, as RFC 9162 sections 2.1.3.2 and 2.1.4.2 do it:
// `node` is the position of the node at the current level, `last` that of the level's last node.
struct Climb {
  std::uint64_t node;
  std::uint64_t last;

  [[nodiscard]] bool at_root() const { return last == 0; }
  void rise() {
    node >>= 1;
    last >>= 1;
  }
  // The sibling is on the left of a right child, and of a last node that has no sibling of its own.
  [[nodiscard]] bool sibling_is_left() const { return (node & 1) != 0 || node == last; }
  // A last node without a sibling is its own parent: the levels where it stands alone have no hash
  // in the proof.
  void skip_lone_levels() {
    while ((node & 1) == 0 && node != 0) rise();
  }
};

}  // namespace

Digest leaf_hash(core::ByteView leaf) {
  static constexpr std::array<std::uint8_t, 1> kPrefix{0x00};
  thread_local core::Sha256 hasher;  // a fresh context costs more than a short leaf
  return hasher.update(kPrefix).update(leaf).finish();
}

Digest node_hash(const Digest& left, const Digest& right) {
  std::array<std::uint8_t, 65> buffer;
  buffer[0] = 0x01;
  std::copy(left.bytes.begin(), left.bytes.end(), buffer.begin() + 1);
  std::copy(right.bytes.begin(), right.bytes.end(), buffer.begin() + 33);
  return core::sha256(core::ByteView(buffer));
}

core::Result<CompactRange> CompactRange::restore(std::uint64_t size, std::vector<Digest> hashes) {
  if (size > kMaxTreeSize)
    return Error{ErrorCode::invalid_input, fmt::format("a tree of {} leaves is too large", size),
                 ""};
  const auto expected = static_cast<std::size_t>(std::popcount(size));
  if (hashes.size() != expected)
    return Error{ErrorCode::invalid_input,
                 fmt::format("a tree of {} leaves is stored as {} hashes, not {}", size, expected,
                             hashes.size()),
                 ""};
  CompactRange range;
  range.size_ = size;
  range.hashes_ = std::move(hashes);
  return range;
}

void CompactRange::append(const Digest& leaf) {
  SIGILLO_CHECK(size_ < kMaxTreeSize);
  Digest hash = leaf;
  // Each low one bit of the size is a perfect subtree as large as the one in hand: a carry.
  for (std::uint64_t carry = size_; (carry & 1) != 0; carry >>= 1) {
    hash = node_hash(hashes_.back(), hash);
    hashes_.pop_back();
  }
  hashes_.push_back(hash);
  ++size_;
}

Digest CompactRange::root() const {
  if (hashes_.empty()) return core::sha256(std::string_view());
  Digest hash = hashes_.back();
  for (std::size_t i = hashes_.size() - 1; i-- > 0;) hash = node_hash(hashes_[i], hash);
  return hash;
}

std::uint64_t split_of(std::uint64_t size) { return std::bit_floor(size - 1); }

Digest tree_root(std::span<const Digest> leaves) {
  CompactRange range;
  for (const Digest& leaf : leaves) range.append(leaf);
  return range.root();
}

core::Result<std::vector<Digest>> inclusion_path(std::uint64_t index,
                                                 std::span<const Digest> leaves) {
  if (index >= leaves.size())
    return Error{ErrorCode::invalid_argument,
                 fmt::format("there is no leaf {} in a tree of {}", index, leaves.size()), ""};
  std::vector<Digest> path;  // from the root down
  while (leaves.size() > 1) {
    const std::size_t split = split_of(leaves.size());
    if (index < split) {
      path.push_back(tree_root(leaves.subspan(split)));
      leaves = leaves.first(split);
    } else {
      path.push_back(tree_root(leaves.first(split)));
      leaves = leaves.subspan(split);
      index -= split;
    }
  }
  std::reverse(path.begin(), path.end());
  return path;
}

core::Result<std::vector<Digest>> consistency_path(std::uint64_t old_size,
                                                   std::span<const Digest> leaves) {
  if (old_size == 0 || old_size > leaves.size())
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("no consistency proof leads from {} to {} leaves", old_size, leaves.size()),
        ""};
  std::vector<Digest> path;     // from the root down
  bool verifier_has_it = true;  // the subtree in hand is the whole old tree
  while (old_size != leaves.size()) {
    const std::size_t split = split_of(leaves.size());
    if (old_size <= split) {
      path.push_back(tree_root(leaves.subspan(split)));
      leaves = leaves.first(split);
    } else {
      path.push_back(tree_root(leaves.first(split)));
      leaves = leaves.subspan(split);
      old_size -= split;
      verifier_has_it = false;
    }
  }
  if (!verifier_has_it) path.push_back(tree_root(leaves));
  std::reverse(path.begin(), path.end());
  return path;
}

core::Result<Digest> inclusion_root(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                                    std::span<const Digest> path) {
  constexpr std::string_view kind = "inclusion";
  if (index >= size)
    return proof_invalid(kind, fmt::format("there is no leaf {} in a tree of {}", index, size));
  Climb climb{index, size - 1};
  Digest hash = leaf;
  for (const Digest& sibling : path) {
    if (climb.at_root()) return proof_invalid(kind, "it has more hashes than the tree has levels");
    if (climb.sibling_is_left()) {
      hash = node_hash(sibling, hash);
      climb.skip_lone_levels();
    } else {
      hash = node_hash(hash, sibling);
    }
    climb.rise();
  }
  if (!climb.at_root()) return proof_invalid(kind, "it has too few hashes to reach the root");
  return hash;
}

core::Status verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                              std::span<const Digest> path, const Digest& root) {
  SIGILLO_TRY(const Digest reached, inclusion_root(leaf, index, size, path));
  if (reached != root) return proof_invalid("inclusion", "it leads to another root");
  return {};
}

core::Status verify_consistency(std::uint64_t old_size, const Digest& old_root,
                                std::uint64_t new_size, const Digest& new_root,
                                std::span<const Digest> path) {
  constexpr std::string_view kind = "consistency";
  if (old_size == 0) return proof_invalid(kind, "from an empty tree it would say nothing");
  if (old_size > new_size)
    return proof_invalid(kind, fmt::format("the tree shrank from {} to {}", old_size, new_size));
  if (old_size == new_size) {
    if (!path.empty()) return proof_invalid(kind, "equal sizes need no hashes");
    if (old_root != new_root) return proof_invalid(kind, "equal sizes have different roots");
    return {};
  }
  // The walk starts at the largest perfect subtree that ends where the old tree ends.
  Climb climb{old_size - 1, new_size - 1};
  while ((climb.node & 1) != 0) climb.rise();
  // If that subtree is the whole old tree, then the verifier has its hash, and the proof omits it.
  const bool old_tree_is_perfect = std::has_single_bit(old_size);
  if (!old_tree_is_perfect && path.empty()) return proof_invalid(kind, "it is empty");
  Digest old_hash = old_tree_is_perfect ? old_root : path.front();
  Digest new_hash = old_hash;
  if (!old_tree_is_perfect) path = path.subspan(1);
  for (const Digest& sibling : path) {
    if (climb.at_root()) return proof_invalid(kind, "it has more hashes than the tree has levels");
    if (climb.sibling_is_left()) {
      old_hash = node_hash(sibling, old_hash);
      new_hash = node_hash(sibling, new_hash);
      climb.skip_lone_levels();
    } else {
      new_hash = node_hash(new_hash, sibling);
    }
    climb.rise();
  }
  if (!climb.at_root()) return proof_invalid(kind, "it has too few hashes to reach the root");
  if (old_hash != old_root) return proof_invalid(kind, "it leads to another old root");
  if (new_hash != new_root) return proof_invalid(kind, "it leads to another new root");
  return {};
}

}  // namespace sigillo::audit
