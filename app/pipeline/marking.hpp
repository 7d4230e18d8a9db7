// Marking configurations: what a person names, as the digest and id that detections carry.
#pragma once

#include "sigillo/audit/workspace.hpp"

namespace sigillo::app {

// The fields of a marking-config record with what this workspace knows of them: a `key_id` that is
// the name of a watermark key in the keyring becomes that key's id, and `profile_digest`, if it is
// left out, that of the text profile that `scheme` names. Rules compare both with detections.
[[nodiscard]] core::Result<core::Json> resolve_marking(const audit::Workspace& workspace,
                                                       core::Json fields);

}  // namespace sigillo::app
