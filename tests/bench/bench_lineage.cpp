// A lineage of 80,001 of 100,000 nodes: the recursive SQL, against the limit that any answer by SQL
// has: putting the same rows into SQLite's tables.
#include <benchmark/benchmark.h>

#include "core/evidence_database.hpp"
#include "sigillo/audit/lineage.hpp"

namespace {
using namespace sigillo;

constexpr int kRuns = 20'000;  // each with a dataset, a release, outputs and a system of its own

void add(core::Evidence& evidence, std::string_view view,
         const std::map<std::string_view, std::string>& values) {
  const core::ViewSchema* schema = core::find_view(view);
  core::Row row;
  for (const core::ColumnSchema& column : schema->columns) {
    const auto value = values.find(column.name);
    if (column.name == "entry") row.emplace_back(std::int64_t{1});
    else if (value == values.end()) row.emplace_back();
    else row.emplace_back(value->second);
  }
  evidence.add(view, std::move(row));
}

// Every run has read dataset d0 too, so that its descendants are all but the other datasets.
core::Evidence star() {
  core::Evidence e;
  for (int i = 0; i < kRuns; ++i) {
    const std::string name = std::to_string(i);
    const std::string run = "run" + name;
    const std::string release = "rel" + name;
    add(e, "ev1_datasets", {{"dataset", "d" + name}, {"root", "r" + name}});
    add(e, "ev1_runs", {{"run_id", run}, {"model", "m"}});
    add(e, "ev1_run_datasets", {{"run_id", run}, {"dataset", "d" + name}, {"root", "r" + name}});
    add(e, "ev1_run_datasets", {{"run_id", run}, {"dataset", "d0"}, {"root", "r0"}});
    add(e, "ev1_releases", {{"release", release}, {"system", "s" + name}, {"run_id", run}});
    add(e, "ev1_outputs",
        {{"release", release}, {"output_digest", "o" + name}, {"result", "found"}});
    add(e, "ev1_systems", {{"system", "s" + name}, {"placed_on", "2026-05-01"}});
  }
  e.sort();
  return e;
}

void rows_into_tables(benchmark::State& state) {
  const core::Evidence evidence = star();
  for ([[maybe_unused]] auto _ : state) {
    auto database = core::sqlite::Database::open("", core::sqlite::OpenMode::memory);
    const auto loaded = core::sqlite::load_evidence(database.value(), evidence, {});
    if (!loaded.has_value()) state.SkipWithError(loaded.error().message.c_str());
  }
}

void descendants(benchmark::State& state) {
  const core::Evidence evidence = star();
  for ([[maybe_unused]] auto _ : state) {
    const auto seen =
        audit::lineage(evidence, {"d0", std::nullopt, audit::LineageDirection::descendants});
    if (!seen.has_value()) state.SkipWithError(seen.error().message.c_str());
    else if (seen.value().nodes.size() != 1 + 4 * kRuns) state.SkipWithError("not 80,001 nodes");
  }
}

BENCHMARK(rows_into_tables)->Unit(benchmark::kMillisecond);
BENCHMARK(descendants)->Unit(benchmark::kMillisecond);

}  // namespace
