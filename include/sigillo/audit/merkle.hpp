// RFC 6962 Merkle trees over SHA-256 (section 2.1; RFC 9162 section 2.1 is the same). Pure;
// thread-safe.
//
//   MTH({})   = SHA-256("")          leaf(d)    = SHA-256(0x00 || d)
//   MTH(D[n]) = node(MTH(D[0:k]), MTH(D[k:n]))   node(l, r) = SHA-256(0x01 || l || r)   k = largest
//   power of two < n
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sigillo/core/digest.hpp"

namespace sigillo::audit {

using core::Digest;

[[nodiscard]] Digest leaf_hash(core::ByteView leaf);
[[nodiscard]] Digest node_hash(const Digest& left, const Digest& right);

// CompactRange is what a log keeps of its tree: the roots of the perfect subtrees of [0, size),
// largest first. At most 63.
class CompactRange {
 public:
  CompactRange() = default;
  // Restores a stored range: exactly popcount(size) hashes, in order. invalid_input otherwise.
  [[nodiscard]] static core::Result<CompactRange> restore(std::uint64_t size,
                                                          std::vector<Digest> hashes);
  void append(const Digest& leaf);  // amortised one node hash
  [[nodiscard]] Digest root() const;
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::vector<Digest>& hashes() const { return hashes_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<Digest> hashes_;
};

// Where RFC 9162 splits a tree of `size` > 1 leaves: the largest power of two below it.
[[nodiscard]] std::uint64_t split_of(std::uint64_t size);
[[nodiscard]] Digest tree_root(std::span<const Digest> leaves);
// Path for leaf `index` in the tree of all `leaves`, leaf side first. index >= leaves.size():
// invalid_argument.
[[nodiscard]] core::Result<std::vector<Digest>> inclusion_path(std::uint64_t index,
                                                               std::span<const Digest> leaves);
// Proof that the tree of the first `old_size` leaves is a prefix. 1 <= old_size <= leaves.size().
[[nodiscard]] core::Result<std::vector<Digest>> consistency_path(std::uint64_t old_size,
                                                                 std::span<const Digest> leaves);

// Strict verification: proof_invalid for any missing, extra or altered hash, and for index >= size.
[[nodiscard]] core::Status verify_inclusion(const Digest& leaf, std::uint64_t index,
                                            std::uint64_t size, std::span<const Digest> path,
                                            const Digest& root);
// A proof from size 0 says nothing and is refused; equal sizes need an empty path and equal roots.
[[nodiscard]] core::Status verify_consistency(std::uint64_t old_size, const Digest& old_root,
                                              std::uint64_t new_size, const Digest& new_root,
                                              std::span<const Digest> path);

}  // namespace sigillo::audit
