// What the tests of tree, note, checkpoint and proof share: a second opinion on every Merkle
// procedure, written from the recursive definitions of RFC 6962 section 2.1 and only for clarity;
// the reference tree; and a log with a published secret.
#pragma once

#include <bit>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sigillo/audit/checkpoint.hpp"

namespace sigillo::audit::test {

using Hashes = std::vector<Digest>;

// "accepted", or the error's code: so that a failed test names what it got.
template <class T>
std::string verdict(const core::Result<T>& result) {
  return result ? "accepted" : std::string(to_string(result.error().code));
}

inline Digest slow_hash(std::uint8_t prefix, core::ByteView first, core::ByteView second = {}) {
  core::Bytes message{prefix};
  message.insert(message.end(), first.begin(), first.end());
  message.insert(message.end(), second.begin(), second.end());
  return core::Sha256().update(message).finish();
}
inline Digest slow_node(const Digest& left, const Digest& right) {
  return slow_hash(0x01, left.view(), right.view());
}

// k of the definitions: the largest power of two smaller than n.
inline std::uint64_t slow_split(std::uint64_t n) {
  std::uint64_t k = 1;
  while (k < n - k) k *= 2;
  return k;
}
inline Hashes part(const Hashes& all, std::uint64_t begin, std::uint64_t end) {
  const auto at = [&](std::uint64_t i) { return all.begin() + static_cast<std::ptrdiff_t>(i); };
  return Hashes(at(begin), at(end));
}
inline Hashes followed_by(Hashes path, const Digest& hash) {
  path.push_back(hash);
  return path;
}

inline Digest slow_root(const Hashes& d) {
  if (d.empty()) return core::Sha256().finish();
  if (d.size() == 1) return d[0];
  const std::uint64_t k = slow_split(d.size());
  return slow_node(slow_root(part(d, 0, k)), slow_root(part(d, k, d.size())));
}
inline Hashes slow_inclusion(std::uint64_t m, const Hashes& d) {
  if (d.size() == 1) return {};
  const std::uint64_t k = slow_split(d.size());
  const Hashes left = part(d, 0, k);
  const Hashes right = part(d, k, d.size());
  return m < k ? followed_by(slow_inclusion(m, left), slow_root(right))
               : followed_by(slow_inclusion(m - k, right), slow_root(left));
}
inline Hashes slow_consistency(std::uint64_t m, const Hashes& d, bool complete = true) {
  if (m == d.size()) return complete ? Hashes{} : Hashes{slow_root(d)};
  const std::uint64_t k = slow_split(d.size());
  const Hashes left = part(d, 0, k);
  const Hashes right = part(d, k, d.size());
  return m <= k ? followed_by(slow_consistency(m, left, complete), slow_root(right))
                : followed_by(slow_consistency(m - k, right, false), slow_root(left));
}

// The root that an inclusion path of the definition's shape leads to; nothing for another shape.
inline std::optional<Digest> slow_inclusion_root(const Digest& leaf, std::uint64_t m,
                                                 std::uint64_t n, const Hashes& path) {
  if (m >= n) return std::nullopt;
  if (n == 1) return path.empty() ? std::optional(leaf) : std::nullopt;
  if (path.empty()) return std::nullopt;
  const std::uint64_t k = slow_split(n);
  const Hashes lower = part(path, 0, path.size() - 1);
  const auto child = m < k ? slow_inclusion_root(leaf, m, k, lower)
                           : slow_inclusion_root(leaf, m - k, n - k, lower);
  if (!child) return std::nullopt;
  return m < k ? slow_node(*child, path.back()) : slow_node(path.back(), *child);
}
// The old and new roots that a consistency path of the definition's shape leads to.
inline std::optional<std::pair<Digest, Digest>> slow_consistency_roots(std::uint64_t m,
                                                                       const Digest& old_root,
                                                                       std::uint64_t n,
                                                                       const Hashes& path,
                                                                       bool complete = true) {
  if (m == 0 || m > n) return std::nullopt;
  if (m == n) {
    if (path.size() != (complete ? 0U : 1U)) return std::nullopt;
    const Digest hash = complete ? old_root : path[0];
    return std::pair(hash, hash);
  }
  if (path.empty()) return std::nullopt;
  const std::uint64_t k = slow_split(n);
  const Hashes lower = part(path, 0, path.size() - 1);
  const auto child = m <= k ? slow_consistency_roots(m, old_root, k, lower, complete)
                            : slow_consistency_roots(m - k, old_root, n - k, lower, false);
  if (!child) return std::nullopt;
  if (m <= k) return std::pair(child->first, slow_node(child->second, path.back()));
  return std::pair(slow_node(path.back(), child->first), slow_node(path.back(), child->second));
}

// The leaf hashes of the single bytes 0, 1, ... count - 1.
inline Hashes byte_leaves(std::size_t count) {
  Hashes leaves;
  for (std::size_t i = 0; i < count; ++i) {
    const core::Bytes leaf{static_cast<std::uint8_t>(i)};
    leaves.push_back(slow_hash(0x00, leaf));
  }
  return leaves;
}

// The eight leaves of the Certificate Transparency reference tree.
inline std::vector<core::Bytes> reference_leaves() {
  std::vector<core::Bytes> leaves;
  for (const std::string_view hex : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                     "606162636465666768696a6b6c6d6e6f"})
    leaves.push_back(core::hex_decode(hex).value());
  return leaves;
}
inline Hashes reference_hashes() {
  Hashes hashes;
  for (const core::Bytes& leaf : reference_leaves()) hashes.push_back(slow_hash(0x00, leaf));
  return hashes;
}

// An Ed25519 key whose seed counts up from `first`.
inline core::PrivateKey counting_key(std::uint8_t first) {
  core::Bytes seed;
  for (std::uint8_t i = 0; i < 32; ++i) seed.push_back(static_cast<std::uint8_t>(first + i));
  return core::PrivateKey::from_ed25519_seed(seed).value();
}
inline constexpr std::string_view kLogName = "ledger.example/v1";
inline core::PrivateKey log_key() { return counting_key(0x00); }
inline NoteVerifier log_verifier() {
  return NoteVerifier::create(kLogName, log_key().public_key()).value();
}
inline Checkpoint reference_checkpoint() {
  return Checkpoint{std::string(kLogName), 8, slow_root(reference_hashes())};
}
inline std::string reference_note() {
  return sign_checkpoint(reference_checkpoint(), log_key()).value();
}

}  // namespace sigillo::audit::test
