// The sandbox: one in-memory database that holds the evidence and nothing else, in which a rule's
// SQL may only read. docs/decisions/0020-policy-sql.md says what is refused and why. Private to the
// engine. One thread at a time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/sqlite.hpp"
#include "policies/engine/clock.hpp"
#include "sigillo/core/evidence.hpp"
#include "sigillo/policy/pack.hpp"

namespace sigillo::policy {

struct Table {
  std::vector<std::string> columns;
  std::vector<core::Row> rows;
};

// What a rule's SQL may use. Steps are SQLite's own virtual instructions: the same SQL over the
// same evidence takes the same number on every machine with this SQLite, so the limit does not make
// a verdict depend on speed.
struct SandboxLimits {
  std::int64_t steps = 500'000'000;
  std::int64_t rows = 1'000'000;
  std::int64_t memory_bytes =
      std::int64_t{1} << 30;  // of the whole process, above what it held when the query began
  int sql_bytes = 64 << 10;
  int value_bytes = 256 << 10;
};

class Sandbox {
 public:
  // create loads the evidence (sorted, so that its order cannot matter). scope_release: see
  // docs/formats/verdict.md. Errors: not_found (that release), evidence_corrupt (a row that does
  // not fit its view), io_error.
  [[nodiscard]] static core::Result<std::unique_ptr<Sandbox>> create(
      const core::Evidence& evidence, core::Timestamp as_of,
      const std::optional<std::string>& scope_release, const SandboxLimits& limits = {});
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  // query runs one SELECT. Parameters are bound as :name; a name in the SQL that is not among them
  // is refused. Columns that the SQL may read are added to `footprint`. Every failure is
  // rule_error, with what was refused.
  [[nodiscard]] core::Result<Table> query(std::string_view sql,
                                          const std::map<std::string, Param>& params,
                                          std::set<std::string>* footprint = nullptr);
  // check compiles without running.
  [[nodiscard]] core::Status check(std::string_view sql, const std::map<std::string, Param>& params,
                                   std::set<std::string>* footprint,
                                   std::set<std::string>* parameters_used = nullptr);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  using StatementPtr = std::unique_ptr<sqlite3_stmt, Finalize>;

  explicit Sandbox(const SandboxLimits& limits) : limits_(limits) {}
  [[nodiscard]] core::Status load(const core::Evidence& evidence,
                                  const std::optional<std::string>& scope_release);
  [[nodiscard]] core::Status add_functions();
  void close_the_door();
  [[nodiscard]] core::Result<StatementPtr> compile(std::string_view sql,
                                                   std::set<std::string>* footprint);
  [[nodiscard]] core::Status bind(sqlite3_stmt* statement,
                                  const std::map<std::string, Param>& params,
                                  std::set<std::string>* used) const;
  [[nodiscard]] core::Error refused(std::string_view action) const;

  static int authorize(void* self, int action, const char* first, const char* second,
                       const char* database, const char* context);
  int judge(int action, const char* first, const char* second, const char* database);
  static int progress(void* self);
  // Takes steps from the budget; false, with the refusal set, if they are spent.
  bool spend(std::int64_t steps);
  static void upper_bound_ppm(sqlite3_context* context, int count, sqlite3_value** arguments);

  SandboxLimits limits_;
  std::unique_ptr<StoppedClock> clock_;  // outlives both databases
  std::optional<core::sqlite::Database>
      dates_;  // computes date() and its kin for the guarded functions
  std::optional<core::sqlite::Database> database_;  // the evidence
  std::set<std::string>* footprint_ = nullptr;      // while a statement compiles
  std::string refusal_;                             // why the authorizer or the budget said no
  std::int64_t steps_left_ = 0;
  std::int64_t memory_ceiling_ = 0;
};

}  // namespace sigillo::policy
