#include "sigillo/audit/merkle.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <random>

#include "tests/unit/audit/tree_fixture.hpp"

namespace {

using namespace sigillo::audit;
using namespace sigillo::audit::test;

constexpr std::size_t kExhaustive = 130;

struct Inclusion {
  Digest leaf;
  std::uint64_t index;
  std::uint64_t size;
  Hashes path;
  Digest root;
};
struct Consistency {
  std::uint64_t old_size;
  Digest old_root;
  std::uint64_t new_size;
  Digest new_root;
  Hashes path;
};

bool accepts(const Inclusion& p) {
  return verify_inclusion(p.leaf, p.index, p.size, p.path, p.root).has_value();
}
bool accepts(const Consistency& p) {
  return verify_consistency(p.old_size, p.old_root, p.new_size, p.new_root, p.path).has_value();
}
bool slowly_accepts(const Inclusion& p) {
  return slow_inclusion_root(p.leaf, p.index, p.size, p.path) == p.root;
}
bool slowly_accepts(const Consistency& p) {
  return slow_consistency_roots(p.old_size, p.old_root, p.new_size, p.path) ==
         std::pair(p.old_root, p.new_root);
}

Digest random_digest(std::mt19937_64& random) {
  Digest digest;
  for (auto& byte : digest.bytes) byte = static_cast<std::uint8_t>(random());
  return digest;
}
Hashes random_path(std::mt19937_64& random, std::size_t length) {
  Hashes path(length);
  for (Digest& hash : path) hash = random_digest(random);
  return path;
}

// Every way to damage a path that leaves sizes and roots alone. None may be accepted.
std::vector<Hashes> damaged_paths(const Hashes& path, const std::vector<Digest>& foreign) {
  std::vector<Hashes> all;
  const auto variant = [&](auto change) {
    Hashes copy = path;
    change(copy);
    all.push_back(std::move(copy));
  };
  for (const Digest& hash : foreign) {
    variant([&](Hashes& p) { p.push_back(hash); });
    variant([&](Hashes& p) { p.insert(p.begin(), hash); });
    variant(
        [&](Hashes& p) { p.insert(p.begin() + static_cast<std::ptrdiff_t>(p.size() / 2), hash); });
  }
  if (path.empty()) return all;
  all.emplace_back();
  variant([](Hashes& p) { p.pop_back(); });
  variant([](Hashes& p) { p.erase(p.begin()); });
  variant([](Hashes& p) { p.push_back(p.front()); });
  variant([](Hashes& p) { p.insert(p.begin(), p.front()); });
  variant([](Hashes& p) { p.push_back(p.back()); });
  for (std::size_t i = 0; i < path.size(); ++i) {
    variant([&](Hashes& p) { p[i].bytes[i % 32] ^= 1U << 4; });
    variant([&](Hashes& p) { p[i] = Digest{}; });
    variant([&](Hashes& p) { p.erase(p.begin() + static_cast<std::ptrdiff_t>(i)); });
  }
  for (std::size_t i = 1; i < path.size(); ++i)
    variant([&](Hashes& p) { std::swap(p[i - 1], p[i]); });
  return all;
}

std::vector<std::uint64_t> nearby(std::uint64_t n) {
  return {n - 1, n + 1, n ^ 2U, n * 2, n / 2, 0, std::numeric_limits<std::uint64_t>::max()};
}

}  // namespace

TEST_CASE("tree: the compact range, the whole tree and the definition agree on every root") {
  const Hashes leaves = byte_leaves(kExhaustive);
  CompactRange range;
  for (std::size_t n = 0; n <= kExhaustive; ++n) {
    const Hashes first = part(leaves, 0, n);
    const Digest root = slow_root(first);
    REQUIRE(range.size() == n);
    REQUIRE(range.hashes().size() == static_cast<std::size_t>(std::popcount(n)));
    REQUIRE(range.root() == root);
    REQUIRE(tree_root(first) == root);
    const auto restored = CompactRange::restore(n, range.hashes());
    REQUIRE(restored.has_value());
    REQUIRE(restored->root() == root);
    if (n < kExhaustive) range.append(leaves[n]);
  }
}

TEST_CASE("tree: a restored range goes on as if it had never stopped") {
  const Hashes leaves = byte_leaves(kExhaustive);
  for (std::size_t stop = 0; stop <= kExhaustive; ++stop) {
    CompactRange before;
    for (std::size_t i = 0; i < stop; ++i) before.append(leaves[i]);
    auto after = CompactRange::restore(stop, before.hashes()).value();
    for (std::size_t i = stop; i < kExhaustive; ++i) after.append(leaves[i]);
    REQUIRE(after.root() == slow_root(leaves));
  }
}

TEST_CASE("tree: a stored range of the wrong length is refused") {
  const Hashes hashes = byte_leaves(64);
  for (std::uint64_t size = 0; size < 200; ++size)
    for (std::size_t count = 0; count < 10; ++count) {
      const bool fits = count == static_cast<std::size_t>(std::popcount(size));
      REQUIRE(verdict(CompactRange::restore(size, part(hashes, 0, count))) ==
              (fits ? "accepted" : "invalid-input"));
    }
  constexpr std::uint64_t limit = (std::uint64_t{1} << 63) - 1;
  CHECK(verdict(CompactRange::restore(limit, part(hashes, 0, 63))) == "accepted");
  CHECK(verdict(CompactRange::restore(limit + 1, part(hashes, 0, 1))) == "invalid-input");
  CHECK(verdict(CompactRange::restore(~std::uint64_t{0}, hashes)) == "invalid-input");
}

TEST_CASE("tree: leaf and node hashes are those of the definition") {
  for (const auto& leaf : reference_leaves()) CHECK(leaf_hash(leaf) == slow_hash(0x00, leaf));
  const Hashes leaves = byte_leaves(2);
  CHECK(node_hash(leaves[0], leaves[1]) == slow_node(leaves[0], leaves[1]));
  CHECK(node_hash(leaves[1], leaves[0]) != node_hash(leaves[0], leaves[1]));
  // The prefixes keep a node from being passed off as a leaf.
  sigillo::core::Bytes both(leaves[0].bytes.begin(), leaves[0].bytes.end());
  both.insert(both.end(), leaves[1].bytes.begin(), leaves[1].bytes.end());
  CHECK(leaf_hash(both) != node_hash(leaves[0], leaves[1]));
}

TEST_CASE("inclusion: every leaf of every tree up to 130") {
  const Hashes all = byte_leaves(kExhaustive);
  for (std::size_t n = 1; n <= kExhaustive; ++n) {
    const Hashes leaves = part(all, 0, n);
    const Digest root = slow_root(leaves);
    for (std::size_t i = 0; i < n; ++i) {
      const auto path = inclusion_path(i, leaves);
      REQUIRE(path.has_value());
      REQUIRE(*path == slow_inclusion(i, leaves));
      REQUIRE(accepts(Inclusion{leaves[i], i, n, *path, root}));
    }
    REQUIRE(verdict(inclusion_path(n, leaves)) == "invalid-argument");
  }
  CHECK(verdict(inclusion_path(0, {})) == "invalid-argument");
}

TEST_CASE("consistency: every pair of sizes up to 130") {
  const Hashes all = byte_leaves(kExhaustive);
  Hashes roots;
  for (std::size_t n = 0; n <= kExhaustive; ++n) roots.push_back(slow_root(part(all, 0, n)));
  for (std::size_t n = 1; n <= kExhaustive; ++n) {
    const Hashes leaves = part(all, 0, n);
    for (std::size_t m = 1; m <= n; ++m) {
      const auto path = consistency_path(m, leaves);
      REQUIRE(path.has_value());
      REQUIRE(*path == slow_consistency(m, leaves));
      REQUIRE(accepts(Consistency{m, roots[m], n, roots[n], *path}));
    }
    REQUIRE(verdict(consistency_path(0, leaves)) == "invalid-argument");
    REQUIRE(verdict(consistency_path(n + 1, leaves)) == "invalid-argument");
  }
}

TEST_CASE("inclusion: every damaged proof is refused") {
  const Hashes all = byte_leaves(40);
  for (std::size_t n = 1; n <= all.size(); ++n) {
    const Hashes leaves = part(all, 0, n);
    const Digest root = slow_root(leaves);
    for (std::size_t i = 0; i < n; ++i) {
      const Inclusion good{leaves[i], i, n, inclusion_path(i, leaves).value(), root};
      const auto refused = [&](auto change) {
        Inclusion bad = good;
        change(bad);
        const auto status = verify_inclusion(bad.leaf, bad.index, bad.size, bad.path, bad.root);
        return verdict(status) == "proof-invalid" && !slowly_accepts(bad);
      };
      for (const Hashes& path : damaged_paths(good.path, {Digest{}, root, good.leaf}))
        REQUIRE(refused([&](Inclusion& p) { p.path = path; }));
      REQUIRE(refused([](Inclusion& p) { p.root = slow_root({}); }));
      REQUIRE(refused([](Inclusion& p) { p.root.bytes[31] ^= 1; }));
      REQUIRE(refused([](Inclusion& p) { p.leaf.bytes[0] ^= 0x80; }));
      if (n > 1) REQUIRE(refused([](Inclusion& p) { std::swap(p.leaf, p.root); }));
      for (const std::uint64_t index : nearby(i))
        if (index != i) REQUIRE(refused([&](Inclusion& p) { p.index = index; }));
      REQUIRE(refused([&](Inclusion& p) { p.size = i; }));
      REQUIRE(refused([](Inclusion& p) { p.size = 0; }));
      // A path can fit trees of several sizes: only the signed root tells them apart. The verdict
      // is that of the definition.
      for (const std::uint64_t size : nearby(n)) {
        Inclusion other = good;
        other.size = size;
        REQUIRE(accepts(other) == slowly_accepts(other));
        other.root = slow_root(part(all, 0, std::min<std::uint64_t>(size, all.size())));
        if (other.root != root) REQUIRE_FALSE(accepts(other));
      }
    }
  }
}

TEST_CASE("consistency: every damaged proof is refused") {
  const Hashes all = byte_leaves(40);
  for (std::size_t n = 1; n <= all.size(); ++n) {
    const Hashes leaves = part(all, 0, n);
    const Digest new_root = slow_root(leaves);
    for (std::size_t m = 1; m <= n; ++m) {
      const Digest old_root = slow_root(part(all, 0, m));
      const Consistency good{m, old_root, n, new_root, consistency_path(m, leaves).value()};
      const auto refused = [&](auto change) {
        Consistency bad = good;
        change(bad);
        const auto status =
            verify_consistency(bad.old_size, bad.old_root, bad.new_size, bad.new_root, bad.path);
        return verdict(status) == "proof-invalid" && !slowly_accepts(bad);
      };
      for (const Hashes& path : damaged_paths(good.path, {Digest{}, old_root, new_root}))
        REQUIRE(refused([&](Consistency& p) { p.path = path; }));
      REQUIRE(refused([](Consistency& p) { p.old_root.bytes[7] ^= 1; }));
      REQUIRE(refused([](Consistency& p) { p.new_root.bytes[7] ^= 1; }));
      REQUIRE(refused([](Consistency& p) { p.new_root = slow_root({}); }));
      if (m != n) {
        REQUIRE(refused([](Consistency& p) { std::swap(p.old_root, p.new_root); }));
        REQUIRE(refused([](Consistency& p) { std::swap(p.old_size, p.new_size); }));
      }
      REQUIRE(refused([](Consistency& p) { p.old_size = 0; }));
      REQUIRE(refused([](Consistency& p) { p.new_size = p.old_size - 1; }));
      for (const std::uint64_t size : nearby(m)) {
        Consistency other = good;
        other.old_size = size;
        REQUIRE(accepts(other) == slowly_accepts(other));
      }
      for (const std::uint64_t size : nearby(n)) {
        Consistency other = good;
        other.new_size = size;
        REQUIRE(accepts(other) == slowly_accepts(other));
      }
    }
  }
}

TEST_CASE("consistency: a proof from the empty tree is refused, whatever it holds") {
  const Hashes leaves = byte_leaves(3);
  const Digest empty = slow_root({});
  CHECK(verdict(verify_consistency(0, empty, 0, empty, {})) == "proof-invalid");
  CHECK(verdict(verify_consistency(0, empty, 3, slow_root(leaves), {})) == "proof-invalid");
  CHECK(verdict(verify_consistency(0, empty, 3, slow_root(leaves), leaves)) == "proof-invalid");
}

TEST_CASE("proofs: trees of any 64-bit size verify as the definition says") {
  std::mt19937_64 random(20261123);
  int inclusions = 0;
  int consistencies = 0;
  for (int round = 0; round < 2000; ++round) {
    const std::uint64_t size = (random() >> (random() % 64)) | 1U << (random() % 3);
    const std::uint64_t index = random() % size;
    const Digest leaf = random_digest(random);
    // Without a tree of 2^63 leaves to make paths from, any path of the right length fits a root.
    for (std::size_t length = 0; length <= 66; ++length) {
      Hashes path = random_path(random, length);
      Inclusion inclusion{leaf, index, size, path, random_digest(random)};
      REQUIRE_FALSE(accepts(inclusion));
      if (const auto root = slow_inclusion_root(leaf, index, size, path)) {
        ++inclusions;
        inclusion.root = *root;
        REQUIRE(accepts(inclusion));
      }
      const std::uint64_t old_size = index + 1;
      if (const auto roots = slow_consistency_roots(old_size, leaf, size, path)) {
        ++consistencies;
        REQUIRE(accepts(Consistency{old_size, roots->first, size, roots->second, path}));
        REQUIRE_FALSE(
            accepts(Consistency{old_size, random_digest(random), size, roots->second, path}));
        if (round % 100 != 0) break;
      }
    }
  }
  CHECK(inclusions > 1000);
  CHECK(consistencies == 2000);
}
