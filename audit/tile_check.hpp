// The check behind verify_tiles, for an export to read back what it wrote.
#pragma once

#include "sigillo/audit/tile_folder.hpp"

namespace sigillo::audit {

// Checks the folder's tiles and entries against a checkpoint that need not be the folder's.
// Subtrees that end at or before entry `skip` are not read.
[[nodiscard]] TileReport check_tiles(const TileFolder& folder, const Checkpoint& checkpoint,
                                     std::uint64_t skip, const TileProgress& progress);

}  // namespace sigillo::audit
