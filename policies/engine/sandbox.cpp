#include "policies/engine/sandbox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/evidence_database.hpp"
#include "sigillo/core/statistics.hpp"

namespace sigillo::policy {
namespace {

using core::Error;
using core::ErrorCode;
using core::sqlite::Database;
using core::sqlite::OpenMode;
using core::sqlite::Statement;

constexpr int kProgressInterval = 1000;

// Functions that a rule may call: pure, bounded, and without floating point unless the argument had
// it. Sorted.
constexpr std::array<std::string_view, 41> kFunctions = {
    "abs",       "char",       "clopper_pearson_upper_ppm",
    "coalesce",  "count",      "current_date",
    "date",      "datetime",   "first_value",
    "format",    "glob",       "group_concat",
    "ifnull",    "iif",        "instr",
    "julianday", "last_value", "length",
    "like",      "lower",      "ltrim",
    "max",       "min",        "nullif",
    "printf",    "quote",      "rank",
    "replace",   "round",      "row_number",
    "rtrim",     "sign",       "strftime",
    "substr",    "substring",  "sum",
    "time",      "trim",       "typeof",
    "unicode",   "upper"};
static_assert(std::is_sorted(kFunctions.begin(), kFunctions.end()));

// SQLite's date functions take modifiers that read the machine's time zone; these names are guarded
// (add_functions).
constexpr std::array<const char*, 5> kDateFunctions = {"date", "datetime", "julianday", "strftime",
                                                       "time"};

bool holds_word(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
  };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

void fail(sqlite3_context* context, const std::string& message) {
  sqlite3_result_error(context, message.c_str(), static_cast<int>(message.size()));
}

// What a bound over n trials costs: 62 halvings, each a sum that ends some ten standard deviations
// (each at most sqrt(n) / 2) from its first term. A term counts as one step.
std::int64_t steps_of_bound(std::int64_t n) {
  return 62 * (200 + static_cast<std::int64_t>(6 * std::sqrt(static_cast<double>(n))));
}

// The guard of one date function: no argument may ask for local time. The work is SQLite's own, on
// a second connection with the same clock, since an overridden function cannot call the one that it
// replaced.
struct DateGuard {
  sqlite3* calculator;
  const char* name;
};

void guarded_date(sqlite3_context* context, int count, sqlite3_value** arguments) {
  const auto* guard = static_cast<const DateGuard*>(sqlite3_user_data(context));
  std::string sql = fmt::format("SELECT {}(", guard->name);
  for (int i = 0; i < count; ++i) {
    const auto* data = reinterpret_cast<const char*>(sqlite3_value_text(arguments[i]));
    const std::string_view text(data != nullptr ? data : "",
                                static_cast<std::size_t>(sqlite3_value_bytes(arguments[i])));
    if (holds_word(text, "localtime") || holds_word(text, "utc")) {
      return fail(context, "local time is refused: dates are UTC");
    }
    sql += i == 0 ? "?" : ",?";
  }
  sql += ")";
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(guard->calculator, sql.c_str(), static_cast<int>(sql.size()), &raw,
                         nullptr) != SQLITE_OK) {
    return fail(context, sqlite3_errmsg(guard->calculator));
  }
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, &sqlite3_finalize);
  for (int i = 0; i < count; ++i) sqlite3_bind_value(raw, i + 1, arguments[i]);
  if (sqlite3_step(raw) != SQLITE_ROW) return fail(context, sqlite3_errmsg(guard->calculator));
  sqlite3_result_value(context, sqlite3_column_value(raw, 0));
}

// Scope: which rows belong to one release.
struct Scope {
  std::string release;
  std::set<core::Cell> systems, models, runs;
};

std::size_t column_index(const core::ViewSchema& view, std::string_view name) {
  const auto found = std::find_if(view.columns.begin(), view.columns.end(),
                                  [&](const auto& c) { return c.name == name; });
  return static_cast<std::size_t>(found - view.columns.begin());
}

const core::Cell* cell(const core::ViewSchema& view, const core::Row& row, std::string_view name) {
  const std::size_t index = column_index(view, name);
  return index < row.size() ? &row[index] : nullptr;
}

core::Result<Scope> scope_of(const core::Evidence& evidence, const std::string& release) {
  Scope scope;
  scope.release = release;
  const core::ViewSchema* view = core::find_view("ev1_releases");
  SIGILLO_CHECK(view != nullptr);
  bool found = false;
  const auto rows = evidence.rows.find(view->name);
  if (rows != evidence.rows.end()) {
    for (const core::Row& row : rows->second) {
      if (*cell(*view, row, "release") != core::Cell{release}) continue;
      found = true;
      // A NULL names nothing: it must not pull in every other row whose value is unknown.
      for (const auto& [column, into] :
           {std::pair{"system", &scope.systems}, std::pair{"model", &scope.models},
            std::pair{"run_id", &scope.runs}}) {
        const core::Cell* value = cell(*view, row, column);
        if (!std::holds_alternative<std::monostate>(*value)) into->insert(*value);
      }
    }
  }
  if (!found) {
    return Error{
        ErrorCode::not_found, fmt::format("release \"{}\" is not in the evidence", release),
        "`sigillo policy facts` lists what is recorded; record it with `sigillo model release`"};
  }
  // A model's compute is cumulative: all of its runs count, not only the last.
  const core::ViewSchema* runs = core::find_view("ev1_runs");
  const auto run_rows = evidence.rows.find("ev1_runs");
  if (run_rows != evidence.rows.end()) {
    for (const core::Row& row : run_rows->second) {
      const core::Cell* run = cell(*runs, row, "run_id");
      if (run != nullptr && scope.models.contains(*cell(*runs, row, "model")))
        scope.runs.insert(*run);
    }
  }
  return scope;
}

bool in_scope(const Scope& scope, const core::ViewSchema& view, const core::Row& row) {
  const auto among = [&](std::string_view column, const std::set<core::Cell>& wanted) {
    return wanted.contains(*cell(view, row, column));
  };
  if (view.name == "ev1_releases" || view.name == "ev1_outputs") {
    return *cell(view, row, "release") == core::Cell{scope.release};
  }
  if (view.name == "ev1_marking_configs") {
    const core::Cell& release = *cell(view, row, "release");
    return among("system", scope.systems) && (std::holds_alternative<std::monostate>(release) ||
                                              release == core::Cell{scope.release});
  }
  if (view.name == "ev1_runs" || view.name == "ev1_run_datasets" ||
      view.name == "ev1_run_outputs") {
    return among("run_id", scope.runs);
  }
  if (view.name == "ev1_notifications") return among("model", scope.models);
  if (view.name == "ev1_actors" || view.name == "ev1_datasets") return true;
  return among("system",
               scope.systems);  // systems, modalities, detector releases, exemption claims
}

}  // namespace

core::Result<std::unique_ptr<Sandbox>> Sandbox::create(
    const core::Evidence& evidence, core::Timestamp as_of,
    const std::optional<std::string>& scope_release, const SandboxLimits& limits) {
  std::unique_ptr<Sandbox> sandbox(new Sandbox(limits));
  SIGILLO_TRY(sandbox->clock_, StoppedClock::create(as_of));
  SIGILLO_TRY(Database dates, Database::open("", OpenMode::memory, 0, sandbox->clock_->name()));
  sandbox->dates_.emplace(std::move(dates));
  SIGILLO_TRY(Database database, Database::open("", OpenMode::memory, 0, sandbox->clock_->name()));
  sandbox->database_.emplace(std::move(database));
  SIGILLO_TRY_VOID(sandbox->load(evidence, scope_release));
  SIGILLO_TRY_VOID(sandbox->add_functions());
  sandbox->close_the_door();
  return sandbox;
}

Sandbox::~Sandbox() {
  if (database_) sqlite3_set_authorizer(database_->handle(), nullptr, nullptr);
}

core::Status Sandbox::load(const core::Evidence& evidence,
                           const std::optional<std::string>& scope_release) {
  std::optional<Scope> scope;
  if (scope_release) {
    SIGILLO_TRY(scope, scope_of(evidence, *scope_release));
  }
  // Intermediate results stay in memory: a rule leaves nothing on disk.
  SIGILLO_TRY_VOID(database_->execute("PRAGMA temp_store=MEMORY"));
  SIGILLO_TRY_VOID(core::sqlite::load_evidence(
      *database_, evidence, [&](const core::ViewSchema& view, const core::Row& row) {
        return !scope || in_scope(*scope, view, row);
      }));
  return database_->execute("PRAGMA query_only=ON");
}

core::Status Sandbox::add_functions() {
  sqlite3* handle = database_->handle();
  constexpr int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
  int code = sqlite3_create_function_v2(handle, "clopper_pearson_upper_ppm", 3, flags, this,
                                        &Sandbox::upper_bound_ppm, nullptr, nullptr, nullptr);
  for (const char* name : kDateFunctions) {
    if (code != SQLITE_OK) break;
    auto guard = std::make_unique<DateGuard>(DateGuard{dates_->handle(), name});
    // SQLite owns the guard from here on, also if the call fails.
    code = sqlite3_create_function_v2(
        handle, name, -1, flags, guard.release(), &guarded_date, nullptr, nullptr,
        [](void* p) { std::unique_ptr<DateGuard>{static_cast<DateGuard*>(p)}; });
  }
  if (code != SQLITE_OK)
    return core::sqlite::error_from_sqlite(handle, code, "cannot prepare the sandbox");
  return {};
}

void Sandbox::close_the_door() {
  sqlite3* handle = database_->handle();
  sqlite3_drop_modules(handle,
                       nullptr);  // no table-valued functions, full-text or statistics tables
  const std::pair<int, int> limits[] = {{SQLITE_LIMIT_LENGTH, limits_.value_bytes},
                                        {SQLITE_LIMIT_SQL_LENGTH, limits_.sql_bytes},
                                        {SQLITE_LIMIT_COLUMN, 64},
                                        {SQLITE_LIMIT_EXPR_DEPTH, 100},
                                        {SQLITE_LIMIT_COMPOUND_SELECT, 20},
                                        {SQLITE_LIMIT_VDBE_OP, 25000},
                                        {SQLITE_LIMIT_FUNCTION_ARG, 20},
                                        {SQLITE_LIMIT_ATTACHED, 0},
                                        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200},
                                        {SQLITE_LIMIT_VARIABLE_NUMBER, 64},
                                        {SQLITE_LIMIT_TRIGGER_DEPTH, 0},
                                        {SQLITE_LIMIT_WORKER_THREADS, 0}};
  for (const auto& [limit, value] : limits) sqlite3_limit(handle, limit, value);
  sqlite3_set_authorizer(handle, &Sandbox::authorize, this);
  sqlite3_progress_handler(handle, kProgressInterval, &Sandbox::progress, this);
}

int Sandbox::authorize(void* self, int action, const char* first, const char* second,
                       const char* database, const char*) {
  return static_cast<Sandbox*>(self)->judge(action, first, second, database);
}

// The allow-list. The innermost view or table expression (SQLite's last argument) is not consulted:
// a common table expression may call itself anything. Nothing but evidence is in the database, and
// only the names in the schema may be read.
int Sandbox::judge(int action, const char* first, const char* second, const char* database) {
  const std::string_view one = first != nullptr ? first : "";
  const std::string_view two = second != nullptr ? second : "";
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION: {
      const std::string name = lower(two);
      if (std::binary_search(kFunctions.begin(), kFunctions.end(), std::string_view(name)))
        return SQLITE_OK;
      refusal_ = fmt::format("the function {}() is not allowed", name);
      return SQLITE_DENY;
    }
    case SQLITE_READ: {
      const std::string table = lower(one);
      const core::ViewSchema* view = core::find_view(table);
      const bool main = database == nullptr || std::string_view(database) == "main";
      // Without a column (count(*)), SQLite gives the name as the rule wrote it. There is no other
      // table than the views and SQLite's own, so any other name is one of the rule's table
      // expressions.
      const bool own = table.starts_with("sqlite_") || table.starts_with("pragma_");
      if (view == nullptr && two.empty() && database == nullptr && !own) return SQLITE_OK;
      if (view == nullptr || !main) {
        refusal_ = fmt::format("\"{}\" is not an evidence view", one);
        return SQLITE_DENY;
      }
      if (!two.empty() && column_index(*view, two) == view->columns.size()) {
        refusal_ = fmt::format("{} has no column \"{}\" that a rule may read", one, two);
        return SQLITE_DENY;
      }
      if (footprint_ != nullptr)
        footprint_->insert(two.empty() ? table : fmt::format("{}.{}", table, two));
      return SQLITE_OK;
    }
    default:
      refusal_ = fmt::format("only SELECT is allowed (SQLite action {} on \"{}\")", action, one);
      return SQLITE_DENY;
  }
}

bool Sandbox::spend(std::int64_t steps) {
  steps_left_ -= steps;
  if (steps_left_ >= 0) return true;
  refusal_ = fmt::format("stopped after {} steps: the query does not end, or does too much",
                         limits_.steps);
  return false;
}

// clopper_pearson_upper_ppm(k, n, confidence_ppm): the one-sided upper bound of a rate after k
// events in n trials, rounded up to whole parts per million (noise of the arithmetic below 1e-12
// does not count as a part). NULL if an argument is NULL.
void Sandbox::upper_bound_ppm(sqlite3_context* context, int, sqlite3_value** arguments) {
  std::array<std::int64_t, 3> value{};
  for (std::size_t i = 0; i < 3; ++i) {
    if (sqlite3_value_type(arguments[i]) == SQLITE_NULL) return sqlite3_result_null(context);
    if (sqlite3_value_type(arguments[i]) != SQLITE_INTEGER) {
      return fail(context, "clopper_pearson_upper_ppm takes integers only");
    }
    value[i] = sqlite3_value_int64(arguments[i]);
  }
  const auto [k, n, confidence] = value;
  if (k < 0 || n < k || confidence <= 0 || confidence >= 1'000'000) {
    return fail(context,
                "clopper_pearson_upper_ppm needs 0 <= k <= n and 0 < confidence_ppm < 1000000");
  }
  if (!static_cast<Sandbox*>(sqlite3_user_data(context))->spend(steps_of_bound(n)))
    return fail(context, "clopper_pearson_upper_ppm: too many trials");
  const double bound = core::clopper_pearson_upper(k, n, static_cast<double>(confidence) * 1e-6);
  sqlite3_result_int64(
      context,
      std::min<std::int64_t>(1'000'000, static_cast<std::int64_t>(std::ceil(bound * 1e6 - 1e-6))));
}

int Sandbox::progress(void* self) {
  auto* sandbox = static_cast<Sandbox*>(self);
  if (!sandbox->spend(kProgressInterval)) return 1;
  if (sqlite3_memory_used() > sandbox->memory_ceiling_) {
    sandbox->refusal_ = fmt::format("stopped: the query needs more than {} bytes of memory",
                                    sandbox->limits_.memory_bytes);
    return 1;
  }
  return 0;
}

Error Sandbox::refused(std::string_view action) const {
  const std::string detail = refusal_.empty() ? sqlite3_errmsg(database_->handle()) : refusal_;
  return Error{ErrorCode::rule_error, fmt::format("{}: {}", action, detail),
               "docs/formats/rule.md, \"SQL\", says what a rule may use"};
}

core::Result<Sandbox::StatementPtr> Sandbox::compile(std::string_view sql,
                                                     std::set<std::string>* footprint) {
  refusal_.clear();
  if (sql.size() > static_cast<std::size_t>(limits_.sql_bytes) ||
      sql.find('\0') != std::string_view::npos) {
    refusal_ = fmt::format("SQL is longer than {} bytes or holds a NUL", limits_.sql_bytes);
    return refused("SQL refused");
  }
  steps_left_ = limits_.steps;
  memory_ceiling_ = sqlite3_memory_used() + limits_.memory_bytes;
  footprint_ = footprint;
  const std::string text(sql);
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(database_->handle(), text.c_str(),
                                      static_cast<int>(text.size()), 0, &raw, &tail);
  StatementPtr statement(raw);
  footprint_ = nullptr;
  if (code != SQLITE_OK) return refused("SQL refused");
  if (statement == nullptr) {
    refusal_ = "there is no statement";
    return refused("SQL refused");
  }
  // Whatever follows the first ";" must be white space or a comment, which compiles to nothing.
  while (tail != nullptr && *tail != '\0') {
    const char* next = nullptr;
    const int rest = sqlite3_prepare_v3(database_->handle(), tail, -1, 0, &raw, &next);
    StatementPtr second(raw);
    if (rest != SQLITE_OK || second != nullptr) {
      refusal_ = "a second statement follows the first";
      return refused("SQL refused");
    }
    if (next == tail) break;
    tail = next;
  }
  if (sqlite3_stmt_readonly(statement.get()) == 0 || sqlite3_stmt_isexplain(statement.get()) != 0) {
    refusal_ = "only a plain SELECT is allowed";
    return refused("SQL refused");
  }
  return statement;
}

core::Status Sandbox::bind(sqlite3_stmt* statement, const std::map<std::string, Param>& params,
                           std::set<std::string>* used) const {
  const int count = sqlite3_bind_parameter_count(statement);
  for (int i = 1; i <= count; ++i) {
    const char* raw = sqlite3_bind_parameter_name(statement, i);
    const std::string_view name = raw != nullptr ? raw : "?";
    const auto found =
        name.starts_with(':') ? params.find(std::string(name.substr(1))) : params.end();
    if (found == params.end()) {
      return Error{ErrorCode::rule_error,
                   fmt::format("SQL refused: the parameter {} has no value", name),
                   "declare it under params, or use :as_of"};
    }
    if (used != nullptr) used->insert(found->first);
    int code = SQLITE_OK;
    if (const auto* integer = std::get_if<std::int64_t>(&found->second)) {
      code = sqlite3_bind_int64(statement, i, *integer);
    } else {
      const std::string& text = std::get<std::string>(found->second);
      code = sqlite3_bind_text64(statement, i, text.data(), text.size(), SQLITE_TRANSIENT,
                                 SQLITE_UTF8);
    }
    if (code != SQLITE_OK) return refused("cannot bind " + std::string(name));
  }
  return {};
}

core::Status Sandbox::check(std::string_view sql, const std::map<std::string, Param>& params,
                            std::set<std::string>* footprint,
                            std::set<std::string>* parameters_used) {
  SIGILLO_TRY(const StatementPtr statement, compile(sql, footprint));
  return bind(statement.get(), params, parameters_used);
}

core::Result<Table> Sandbox::query(std::string_view sql, const std::map<std::string, Param>& params,
                                   std::set<std::string>* footprint) {
  SIGILLO_TRY(const StatementPtr statement, compile(sql, footprint));
  SIGILLO_TRY_VOID(bind(statement.get(), params, nullptr));
  sqlite3_stmt* raw = statement.get();
  Table table;
  const int width = sqlite3_column_count(raw);
  for (int i = 0; i < width; ++i) table.columns.emplace_back(sqlite3_column_name(raw, i));
  int code = SQLITE_OK;
  while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
    if (static_cast<std::int64_t>(table.rows.size()) >= limits_.rows) {
      return Error{ErrorCode::rule_error,
                   fmt::format("query stopped: more than {} rows", limits_.rows),
                   "give one row for each subject"};
    }
    core::Row row;
    for (int i = 0; i < width; ++i) {
      switch (sqlite3_column_type(raw, i)) {
        case SQLITE_NULL:
          row.emplace_back();
          break;
        case SQLITE_INTEGER:
          row.emplace_back(static_cast<std::int64_t>(sqlite3_column_int64(raw, i)));
          break;
        case SQLITE_TEXT: {
          const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(raw, i));
          std::string text(data, static_cast<std::size_t>(sqlite3_column_bytes(raw, i)));
          // char() and substr() of a cast can make what no JSON can hold.
          if (!core::is_utf8(text))
            return Error{ErrorCode::rule_error,
                         fmt::format("query stopped: column {} holds a text that is not UTF-8",
                                     table.columns[static_cast<std::size_t>(i)]),
                         "give texts that are valid UTF-8"};
          row.emplace_back(std::move(text));
          break;
        }
        default:
          return Error{
              ErrorCode::rule_error,
              fmt::format("query stopped: column {} holds a floating-point number or bytes",
                          table.columns[static_cast<std::size_t>(i)]),
              "give texts and integers only"};
      }
    }
    table.rows.push_back(std::move(row));
  }
  if (code != SQLITE_DONE) return refused("query failed");
  return table;
}

}  // namespace sigillo::policy
