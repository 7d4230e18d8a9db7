// The root that an inclusion path leads to, for proofs whose root is not sent along. Private to
// audit.
#pragma once

#include "sigillo/audit/merkle.hpp"

namespace sigillo::audit {

// As verify_inclusion (RFC 9162 section 2.1.3.2), up to the comparison of roots: proof_invalid if
// the path is too short or too long for this index and size. Nothing is known of the root. Pure;
// thread-safe.
[[nodiscard]] core::Result<Digest> inclusion_root(const Digest& leaf, std::uint64_t index,
                                                  std::uint64_t size, std::span<const Digest> path);

}  // namespace sigillo::audit
