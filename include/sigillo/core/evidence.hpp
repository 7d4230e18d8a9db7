// Evidence: what rules may read. `audit` recomputes it from verified leaf and blob bytes;
// `policies` judges it; neither knows the other. docs/formats/views.md explains each column and
// where it comes from.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sigillo/core/digest.hpp"
#include "sigillo/core/json.hpp"

namespace sigillo::core {

enum class ColumnType {
  text,
  integer
};  // quantities are INTEGER; TEXT is for names, dates and digests

struct ColumnSchema {
  std::string_view name;
  ColumnType type;
};
struct ViewSchema {
  std::string_view name;  // "ev1_releases"
  std::span<const ColumnSchema> columns;
  std::string_view meaning;  // one sentence for `sigillo policy facts`
};
// The views of version 1, in a fixed order. A column is never renamed, retyped or removed within a
// version.
[[nodiscard]] std::span<const ViewSchema> evidence_schema();
[[nodiscard]] const ViewSchema* find_view(std::string_view name);

// Null is std::monostate: the fact is unknown.
using Cell = std::variant<std::monostate, std::int64_t, std::string>;
using Row = std::vector<Cell>;  // in the order of the view's columns

// Evidence is a value: rows by view, sorted, with the checkpoint under which they were verified.
struct Evidence {
  std::string origin;      // the ledger's name
  std::int64_t size = 0;   // entries under the checkpoint
  std::string root;        // hex root hash
  std::string checkpoint;  // the signed note, verbatim
  std::map<std::string, std::vector<Row>, std::less<>> rows;

  // Adds a row; the view must exist and the cells must fit its columns (checked: a bug otherwise).
  void add(std::string_view view, Row row);
  // Sorts every view's rows, so that equal evidence has equal bytes.
  void sort();
};
// Canonical JSON of the rows, and its SHA-256: what a verdict was computed from.
[[nodiscard]] Json to_json(const Evidence& evidence);
[[nodiscard]] Digest evidence_digest(const Evidence& evidence);

}  // namespace sigillo::core
