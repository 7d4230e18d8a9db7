#include "core/evidence_database.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sigillo::core::sqlite {
namespace {

std::string table_sql(const ViewSchema& view) {
  std::string columns;
  for (const ColumnSchema& column : view.columns) {
    if (!columns.empty()) columns += ", ";
    columns += fmt::format("\"{}\" {}", column.name,
                           column.type == ColumnType::integer ? "INTEGER" : "TEXT");
  }
  return fmt::format("CREATE TABLE \"{}\" ({}) STRICT", view.name, columns);
}

std::string insert_sql(const ViewSchema& view) {
  std::string marks = "?";
  for (std::size_t i = 1; i < view.columns.size(); ++i) marks += ",?";
  return fmt::format("INSERT INTO \"{}\" VALUES ({})", view.name, marks);
}

Status check_row(const ViewSchema& view, const Row& row) {
  bool fits = row.size() == view.columns.size();
  for (std::size_t i = 0; fits && i < row.size(); ++i) {
    const bool integer = view.columns[i].type == ColumnType::integer;
    fits = std::holds_alternative<std::monostate>(row[i]) ||
           std::holds_alternative<std::int64_t>(row[i]) == integer;
  }
  if (fits) return {};
  return Error{ErrorCode::evidence_corrupt,
               fmt::format("a row of {} does not fit its columns", view.name),
               "run `sigillo log fsck`"};
}

void bind_cell(Statement& statement, int index, const Cell& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    statement.bind(index, *integer);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    statement.bind(index, std::string_view(*text));
  } else {
    statement.bind_null(index);
  }
}

}  // namespace

Status load_evidence(Database& database, const Evidence& evidence, const KeepRow& keep) {
  for (const auto& [name, rows] : evidence.rows) {
    if (find_view(name) == nullptr) {
      return Error{ErrorCode::evidence_corrupt,
                   fmt::format("evidence holds an unknown view {}", name),
                   "use the version of Sigillo that made this evidence"};
    }
  }
  SIGILLO_TRY_VOID(database.execute("BEGIN"));
  for (const ViewSchema& view : evidence_schema()) {
    SIGILLO_TRY_VOID(database.execute(table_sql(view)));
    const auto found = evidence.rows.find(view.name);
    if (found == evidence.rows.end()) continue;
    std::vector<const Row*> sorted;
    for (const Row& row : found->second) {
      SIGILLO_TRY_VOID(check_row(view, row));
      if (!keep || keep(view, row)) sorted.push_back(&row);
    }
    std::sort(sorted.begin(), sorted.end(), [](const Row* a, const Row* b) { return *a < *b; });
    SIGILLO_TRY(Statement insert, database.prepare(insert_sql(view)));
    for (const Row* row : sorted) {
      for (std::size_t i = 0; i < row->size(); ++i)
        bind_cell(insert, static_cast<int>(i) + 1, (*row)[i]);
      SIGILLO_TRY_VOID(insert.run());
    }
  }
  return database.execute("COMMIT");
}

}  // namespace sigillo::core::sqlite
