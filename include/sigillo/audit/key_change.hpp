// Key changes: which keys may sign records from now on, by trust lists that an owner signs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sigillo/audit/workspace.hpp"

namespace sigillo::audit {

struct KeyChange {
  std::vector<std::uint64_t> entries;  // numbers of the trust lists that were appended
  std::string key_id;                  // the key that came, or went
};

// rotate_record_key makes a key under `name` and lets it take the place of the workspace's record
// key, with the same actor, role and kinds: a trust list with both, then the workspace signs with
// the new one, then a list without the old, whose secret is deleted. Killed in between, every
// record counts that is made; the same call goes on, or revoke_key if the workspace signs with the
// new one already. already_exists (another key has that name, or signs already), not_trusted (the
// record key is no owner's), locked.
[[nodiscard]] core::Result<KeyChange> rotate_record_key(const Workspace& workspace,
                                                        std::string_view name,
                                                        core::Entropy& entropy,
                                                        const core::Clock& clock);

// revoke_key takes a key off the trust list: what it signs from the next entry on counts for
// nothing, whatever time it claims; what is recorded stays. key: an id in hex. not_found (it is not
// on the list), invalid_argument (the workspace signs with it: rotate first; or no owner would be
// left), not_trusted, locked.
[[nodiscard]] core::Result<KeyChange> revoke_key(const Workspace& workspace, std::string_view key,
                                                 const core::Clock& clock);

}  // namespace sigillo::audit
