#include "sigillo/audit/lineage.hpp"

#include <fmt/format.h>

#include "core/evidence_database.hpp"

namespace sigillo::audit {
namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;
using core::sqlite::Database;
using core::sqlite::OpenMode;
using core::sqlite::Statement;

constexpr std::string_view kKindWords[] = {"dataset", "run", "release", "outputs", "system"};

bool is_read(std::string_view view) {
  return view == "ev1_datasets" || view == "ev1_run_datasets" || view == "ev1_runs" ||
         view == "ev1_releases" || view == "ev1_outputs" || view == "ev1_systems";
}

// CROSS JOIN keeps SQLite from turning a look-up into a scan: it has no statistics of these tables.
//
// Every node and edge that the evidence names, before anything is asked. A thing that one record
// names and none describes is a node too: what is missing must be seen. NULL never makes a node.
constexpr std::string_view kGraph = R"(
  CREATE TABLE batch (release TEXT, entry INTEGER, signer TEXT, recorded_at TEXT, outputs INTEGER,
                      found INTEGER, sample_basis TEXT);
  INSERT INTO batch
    SELECT release, entry, min(signer), min(recorded_at), count(*), sum(result = 'found'), min(sample_basis)
    FROM ev1_outputs GROUP BY release, entry;
  CREATE TABLE node (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, name TEXT NOT NULL,
                     version TEXT NOT NULL, UNIQUE (kind, name, version));
  INSERT INTO node (kind, name, version)
    SELECT kind, name, version FROM (
      SELECT 0 AS kind, dataset AS name, coalesce(root, '') AS version FROM ev1_datasets
      UNION SELECT 0, dataset, coalesce(root, '') FROM ev1_run_datasets
      UNION SELECT 1, run_id, '' FROM ev1_runs
      UNION SELECT 1, run_id, '' FROM ev1_run_datasets
      UNION SELECT 1, run_id, '' FROM ev1_releases
      UNION SELECT 2, release, '' FROM ev1_releases
      UNION SELECT 2, release, '' FROM batch
      UNION SELECT 3, release, CAST(entry AS TEXT) FROM batch
      UNION SELECT 4, system, '' FROM ev1_systems
      UNION SELECT 4, system, '' FROM ev1_releases)
    WHERE name IS NOT NULL AND version IS NOT NULL ORDER BY kind, name, version;
  CREATE TABLE edge (source INTEGER NOT NULL, target INTEGER NOT NULL, role TEXT NOT NULL,
                     PRIMARY KEY (source, target, role)) WITHOUT ROWID;
  INSERT OR IGNORE INTO edge
    SELECT d.id, r.id, 'trained' FROM ev1_run_datasets AS x
      CROSS JOIN node AS d ON d.kind = 0 AND d.name = x.dataset AND d.version = coalesce(x.root, '')
      CROSS JOIN node AS r ON r.kind = 1 AND r.name = x.run_id
    UNION ALL SELECT r.id, m.id, 'released as' FROM ev1_releases AS x
      CROSS JOIN node AS r ON r.kind = 1 AND r.name = x.run_id
      CROSS JOIN node AS m ON m.kind = 2 AND m.name = x.release
    UNION ALL SELECT m.id, o.id, 'generated' FROM batch AS x
      CROSS JOIN node AS m ON m.kind = 2 AND m.name = x.release
      CROSS JOIN node AS o ON o.kind = 3 AND o.name = x.release AND o.version = CAST(x.entry AS TEXT)
    UNION ALL SELECT m.id, s.id, 'placed as' FROM ev1_releases AS x
      CROSS JOIN node AS m ON m.kind = 2 AND m.name = x.release
      CROSS JOIN node AS s ON s.kind = 4 AND s.name = x.system;
  CREATE INDEX edge_target ON edge (target, source);
  CREATE INDEX ev1_datasets_by_name ON ev1_datasets (dataset, root);
  CREATE INDEX ev1_runs_by_id ON ev1_runs (run_id);
  CREATE INDEX ev1_releases_by_name ON ev1_releases (release);
  CREATE INDEX ev1_systems_by_name ON ev1_systems (system);
  CREATE INDEX batch_by_release ON batch (release, entry);
  CREATE TABLE start (id INTEGER PRIMARY KEY);
  CREATE TABLE reached (id INTEGER PRIMARY KEY, distance INTEGER NOT NULL);)";

// UNION drops what was reached at the same distance before; ?1 ends a walk round a ring.
constexpr std::string_view kWalk = R"(
  INSERT INTO reached
    WITH RECURSIVE walk (id, distance) AS (
      SELECT id, 0 FROM start
      UNION
      SELECT e.{1}, w.distance + 1 FROM walk AS w CROSS JOIN edge AS e ON e.{0} = w.id
      WHERE w.distance < ?1)
    SELECT id, min(distance) FROM walk GROUP BY id
    ON CONFLICT (id) DO UPDATE SET distance = min(distance, excluded.distance))";

// A ring's nodes are walked at each distance up to the limit; this many steps are enough for a walk
// that meets no node twice.
std::int64_t useful_depth(std::int64_t depth, std::int64_t nodes) { return std::min(depth, nodes); }

Status walk(Database& database, std::string_view from, std::string_view to, std::int64_t depth) {
  SIGILLO_TRY(Statement insert, database.prepare(fmt::format(fmt::runtime(kWalk), from, to)));
  insert.bind(1, depth);
  return insert.run();
}

// Outputs have the name of their release: it means them only if their kind is named.
Status choose_starts(Database& database, const LineageRequest& request) {
  SIGILLO_TRY(Statement insert,
              database.prepare("INSERT INTO start SELECT id FROM node WHERE (?1 = '' OR name = ?1) "
                               "AND (kind = ?2 OR (?2 < 0 AND (?1 = '' OR kind <> 3)))"));
  insert.bind(1, std::string_view(request.name));
  insert.bind(2, request.kind.has_value() ? static_cast<std::int64_t>(*request.kind) : -1);
  SIGILLO_TRY_VOID(insert.run());
  SIGILLO_TRY(const std::int64_t found, database.integer("SELECT count(*) FROM start"));
  if (found > 0 || request.name.empty()) return {};
  return Error{ErrorCode::not_found,
               fmt::format("no {} \"{}\" is in the evidence",
                           request.kind.has_value() ? to_string(*request.kind)
                                                    : "dataset, run, release or system",
                           request.name),
               "`sigillo lineage` without a name shows all that there is"};
}

std::optional<std::string> text_of(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.text(column);
}

// Reads one node's columns into facts, and says what is missing.
struct Describe {
  LineageNode& node;
  const Statement& row;

  void fact(std::string name, int column, std::string_view gap = "") {
    auto value = text_of(row, column);
    if (value.has_value() && !value->empty()) node.facts.push_back({std::move(name), *value});
    else if (!gap.empty()) node.gaps.emplace_back(gap);
  }
  // The last three columns of each query; false if no record describes the node.
  bool origin(int column, std::string_view gap) {
    if (row.is_null(column)) {
      node.gaps.emplace_back(gap);
      return false;
    }
    node.entry = row.integer(column);
    node.signer = row.text(column + 1);
    node.recorded_at = row.text(column + 2);
    return true;
  }
};

void describe_dataset(Describe d) {
  if (!d.origin(3,
                "no record describes this version of the dataset: its licence and source are "
                "unknown"))
    return;
  d.fact("licence", 6, "the dataset has no licence");
  d.fact("source", 7, "the dataset has no source");
  d.fact("files", 8);
  d.fact("bytes", 9);
}
void describe_run(Describe d) {
  if (!d.origin(3, "a release or dataset names this run, but no record describes it")) return;
  d.fact("model", 6);
  d.fact("state", 7);
  d.fact("started", 8, "the run has no start");
  d.fact("ended", 9, "the run has no end");
  if (d.row.integer(10) == 0) d.node.gaps.emplace_back("no dataset is recorded for this run");
}
void describe_release(Describe d) {
  if (!d.origin(3, "outputs name this release, but no record describes it")) return;
  d.fact("model", 6);
  d.fact("model digest", 7);
  d.fact("system", 8);
  if (d.row.is_null(9)) d.node.gaps.emplace_back("no recorded run made this release");
}
void describe_outputs(Describe d) {
  static_cast<void>(d.origin(3, "no record describes these outputs"));
  d.fact("outputs", 6);
  d.fact("mark found", 7);
  d.fact("sample", 8);
}
void describe_system(Describe d) {
  if (!d.origin(3, "a release names this system, but no placement is recorded")) return;
  d.fact("actor", 6);
  d.fact("market", 7);
  d.fact("placed on", 8, "the date of placement is not recorded");
}

struct Query {
  std::string_view sql;
  void (*describe)(Describe);
};
// In the order of LineageKind. Columns: name, version, distance, entry, signer, recorded_at, then
// the kind's own. Each query reads one range of node's index, in the order that is asked for.
constexpr Query kQueries[] = {
    {R"(SELECT n.name, n.version, r.distance, d.entry, d.signer, d.recorded_at, d.license, d.source,
          d.files, d.bytes, n.id
        FROM node AS n CROSS JOIN reached AS r ON r.id = n.id
        LEFT JOIN ev1_datasets AS d ON d.dataset = n.name AND d.root = n.version
        WHERE n.kind = 0 ORDER BY n.name, n.version)",
     &describe_dataset},
    {R"(SELECT n.name, n.version, r.distance, u.entry, u.signer, u.recorded_at, u.model, u.state,
          u.started_at, u.ended_at, EXISTS (SELECT 1 FROM edge AS e WHERE e.target = n.id), n.id
        FROM node AS n CROSS JOIN reached AS r ON r.id = n.id
        LEFT JOIN ev1_runs AS u ON u.run_id = n.name
        WHERE n.kind = 1 ORDER BY n.name, n.version)",
     &describe_run},
    {R"(SELECT n.name, n.version, r.distance, m.entry, m.signer, m.recorded_at, m.model,
          m.model_digest, m.system, m.run_id, n.id
        FROM node AS n CROSS JOIN reached AS r ON r.id = n.id
        LEFT JOIN ev1_releases AS m ON m.release = n.name
        WHERE n.kind = 2 ORDER BY n.name, n.version)",
     &describe_release},
    {R"(SELECT n.name, n.version, r.distance, b.entry, b.signer, b.recorded_at, b.outputs, b.found,
          b.sample_basis, n.id
        FROM node AS n CROSS JOIN reached AS r ON r.id = n.id
        LEFT JOIN batch AS b ON b.release = n.name AND b.entry = CAST(n.version AS INTEGER)
        WHERE n.kind = 3 ORDER BY n.name, n.version)",
     &describe_outputs},
    {R"(SELECT n.name, n.version, r.distance, s.entry, s.signer, s.recorded_at, s.actor, s.market,
          s.placed_on, n.id
        FROM node AS n CROSS JOIN reached AS r ON r.id = n.id
        LEFT JOIN ev1_systems AS s ON s.system = n.name
        WHERE n.kind = 4 ORDER BY n.name, n.version)",
     &describe_system}};

// Where in Lineage::nodes a node is, by its number; said of nodes that were reached only.
using Positions = std::vector<std::size_t>;
std::size_t position_of(const Positions& position, const Statement& row, int column) {
  return position[static_cast<std::size_t>(row.integer(column))];
}

Status read_nodes(Database& database, Lineage& lineage, Positions& position) {
  for (std::size_t kind = 0; kind < std::size(kQueries); ++kind) {
    SIGILLO_TRY(Statement select, database.prepare(kQueries[kind].sql));
    for (;;) {
      SIGILLO_TRY(const bool more, select.step());
      if (!more) break;
      LineageNode node;
      node.kind = static_cast<LineageKind>(kind);
      node.name = select.text(0);
      node.version = select.text(1);
      node.distance = select.integer(2);
      kQueries[kind].describe({node, select});
      lineage.gaps += node.gaps.size();
      position[static_cast<std::size_t>(select.integer(select.columns() - 1))] =
          lineage.nodes.size();
      lineage.nodes.push_back(std::move(node));
    }
  }
  return {};
}

Status read_edges(Database& database, Lineage& lineage, const Positions& position) {
  SIGILLO_TRY(Statement select,
              database.prepare(
                  "SELECT e.source, e.target, e.role FROM edge AS e CROSS JOIN reached AS a ON "
                  "a.id = e.source CROSS JOIN reached AS b ON b.id = e.target "
                  "ORDER BY e.source, e.target, e.role"));
  for (;;) {
    SIGILLO_TRY(const bool more, select.step());
    if (!more) return {};
    lineage.edges.push_back(
        {position_of(position, select, 0), position_of(position, select, 1), select.text(2)});
  }
}

Status read_starts(Database& database, Lineage& lineage, const Positions& position) {
  SIGILLO_TRY(Statement select, database.prepare("SELECT id FROM start ORDER BY id"));
  for (;;) {
    SIGILLO_TRY(const bool more, select.step());
    if (!more) return {};
    lineage.starts.push_back(position_of(position, select, 0));
  }
}

}  // namespace

std::string_view to_string(LineageKind kind) { return kKindWords[static_cast<std::size_t>(kind)]; }

Result<LineageKind> lineage_kind(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kKindWords); ++i)
    if (kKindWords[i] == text) return static_cast<LineageKind>(i);
  return Error{ErrorCode::invalid_argument, fmt::format("there is no kind \"{}\"", text),
               "choose among dataset, run, release, outputs and system"};
}

Result<LineageDirection> lineage_direction(std::string_view text) {
  if (text == "ancestors") return LineageDirection::ancestors;
  if (text == "descendants") return LineageDirection::descendants;
  if (text == "both") return LineageDirection::both;
  return Error{ErrorCode::invalid_argument, fmt::format("there is no direction \"{}\"", text),
               "choose among ancestors, descendants and both"};
}

Result<Lineage> lineage(const core::Evidence& evidence, const LineageRequest& request) {
  if (request.depth < 0 || request.depth > kMaxLineageDepth)
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("a depth of {} is not between 0 and {}", request.depth, kMaxLineageDepth),
        "leave --depth out: lineages are rarely deeper than 4"};
  SIGILLO_TRY(Database database, Database::open("", OpenMode::memory));
  SIGILLO_TRY_VOID(database.execute("PRAGMA temp_store=MEMORY"));
  SIGILLO_TRY_VOID(core::sqlite::load_evidence(
      database, evidence,
      [](const core::ViewSchema& view, const core::Row&) { return is_read(view.name); }));
  SIGILLO_TRY_VOID(database.execute(kGraph));
  SIGILLO_TRY_VOID(choose_starts(database, request));
  SIGILLO_TRY(const std::int64_t nodes, database.integer("SELECT count(*) FROM node"));
  const std::int64_t depth = useful_depth(request.depth, nodes);
  if (request.direction != LineageDirection::descendants) {
    SIGILLO_TRY_VOID(walk(database, "target", "source", depth));
  }
  if (request.direction != LineageDirection::ancestors) {
    SIGILLO_TRY_VOID(walk(database, "source", "target", depth));
  }
  SIGILLO_TRY(const std::int64_t reached, database.integer("SELECT count(*) FROM reached"));
  if (reached > kMaxLineageNodes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("the lineage has {} nodes, more than {}", reached, kMaxLineageNodes),
                 "name a start, one direction or a smaller --depth"};
  Lineage lineage;
  lineage.nodes.reserve(static_cast<std::size_t>(reached));
  Positions position(static_cast<std::size_t>(nodes) + 1);
  SIGILLO_TRY_VOID(read_nodes(database, lineage, position));
  SIGILLO_TRY_VOID(read_edges(database, lineage, position));
  SIGILLO_TRY_VOID(read_starts(database, lineage, position));
  return lineage;
}

}  // namespace sigillo::audit
