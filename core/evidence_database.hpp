// Evidence in a private SQLite database, for those who question it by SQL: rules and lineage.
// Private to the project.
#pragma once

#include <functional>

#include "core/sqlite.hpp"
#include "sigillo/core/evidence.hpp"

namespace sigillo::core::sqlite {

using KeepRow = std::function<bool(const ViewSchema& view, const Row& row)>;

// load_evidence makes a STRICT table for each view of the schema, with its rows in sorted order, so
// that equal evidence gives an equal database. `keep`, if given, chooses the rows. Errors:
// evidence_corrupt (an unknown view, a row that does not fit its columns), io_error.
[[nodiscard]] Status load_evidence(Database& database, const Evidence& evidence,
                                   const KeepRow& keep = {});

}  // namespace sigillo::core::sqlite
