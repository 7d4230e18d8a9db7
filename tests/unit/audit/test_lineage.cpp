#include <catch2/catch.hpp>
#include <chrono>
#include <set>

#include "sigillo/audit/lineage.hpp"
#include "tests/sanitizer.hpp"

namespace sigillo::audit {
namespace {

using core::Cell;

void add(core::Evidence& evidence, std::string_view view,
         std::initializer_list<std::pair<std::string_view, Cell>> cells) {
  const core::ViewSchema* schema = core::find_view(view);
  REQUIRE(schema != nullptr);
  core::Row row(schema->columns.size());
  const auto set = [&](std::string_view name, const Cell& value) {
    for (std::size_t i = 0; i < row.size(); ++i)
      if (schema->columns[i].name == name) return row[i] = value, true;
    return false;
  };
  set("entry", std::int64_t{1});
  set("signer", std::string("A"));
  set("recorded_at", std::string("2026-11-25T00:00:00Z"));
  for (const auto& [name, value] : cells) REQUIRE(set(name, value));
  evidence.add(view, std::move(row));
}
Cell t(std::string value) { return Cell{std::move(value)}; }

// Two datasets, two runs that share one of them, three releases, outputs, one system.
core::Evidence story() {
  core::Evidence e;
  add(e, "ev1_datasets",
      {{"dataset", t("clean")}, {"root", t("c1")}, {"license", t("MIT")}, {"source", t("s")}});
  add(e, "ev1_datasets", {{"dataset", t("raw")}, {"root", t("r2")}});
  add(e, "ev1_runs",
      {{"run_id", t("run1")}, {"model", t("m")}, {"started_at", t("x")}, {"ended_at", t("y")}});
  add(e, "ev1_runs", {{"run_id", t("run2")}, {"model", t("m")}, {"started_at", t("x")}});
  add(e, "ev1_run_datasets", {{"run_id", t("run1")}, {"dataset", t("clean")}, {"root", t("c1")}});
  add(e, "ev1_run_datasets", {{"run_id", t("run2")}, {"dataset", t("clean")}, {"root", t("c1")}});
  add(e, "ev1_run_datasets", {{"run_id", t("run2")}, {"dataset", t("raw")}, {"root", t("r1")}});
  add(e, "ev1_releases",
      {{"release", t("a")}, {"system", t("chat")}, {"model", t("m")}, {"run_id", t("run1")}});
  add(e, "ev1_releases",
      {{"release", t("b")}, {"system", t("chat")}, {"model", t("m")}, {"run_id", t("run2")}});
  add(e, "ev1_releases",
      {{"release", t("c")}, {"system", Cell()}, {"model", t("m")}, {"run_id", Cell()}});
  add(e, "ev1_systems", {{"system", t("chat")}, {"placed_on", t("2026-05-01")}});
  for (const char* digest : {"o1", "o2"})
    add(e, "ev1_outputs",
        {{"release", t("a")},
         {"output_digest", t(digest)},
         {"result", t("found")},
         {"entry", Cell{std::int64_t{9}}}});
  e.sort();
  return e;
}

Lineage ask(const core::Evidence& evidence, const LineageRequest& request) {
  auto result = lineage(evidence, request);
  if (!result) FAIL(result.error().message);
  return *result;
}

std::set<std::string> names(const Lineage& lineage, LineageKind kind) {
  std::set<std::string> out;
  for (const LineageNode& node : lineage.nodes)
    if (node.kind == kind) out.insert(node.name + (node.version.empty() ? "" : "@" + node.version));
  return out;
}
const LineageNode& node(const Lineage& lineage, LineageKind kind, const std::string& name) {
  for (const LineageNode& n : lineage.nodes)
    if (n.kind == kind && n.name == name) return n;
  FAIL("no node " << name);
  return lineage.nodes.front();
}
using Names = std::set<std::string>;

}  // namespace

TEST_CASE("which models saw a dataset") {
  const core::Evidence e = story();
  LineageRequest request{"clean", std::nullopt, LineageDirection::descendants};
  CHECK(names(ask(e, request), LineageKind::release) == Names{"a", "b"});
  request.name = "raw";
  const Lineage raw = ask(e, request);
  CHECK(names(raw, LineageKind::release) == Names{"b"});
  // The version that the run read is another than the one that the latest record describes.
  CHECK(names(raw, LineageKind::dataset) == Names{"raw@r1", "raw@r2"});
  CHECK(raw.starts.size() == 2);
}

TEST_CASE("ancestors are what a thing came from, and both directions are no more than the two") {
  const core::Evidence e = story();
  const Lineage up = ask(e, {"a", std::nullopt, LineageDirection::ancestors});
  CHECK(up.nodes.size() == 3);
  CHECK(names(up, LineageKind::dataset) == Names{"clean@c1"});
  const Lineage both = ask(e, {"a", std::nullopt, LineageDirection::both});
  CHECK(names(both, LineageKind::outputs) == Names{"a@9"});
  CHECK(names(both, LineageKind::system) == Names{"chat"});
  CHECK(names(both, LineageKind::run) == Names{"run1"});  // not run2, a relative of the dataset
  CHECK(both.edges.size() == 4);
  CHECK(node(both, LineageKind::dataset, "clean").distance == 2);
  CHECK(node(both, LineageKind::release, "a").distance == 0);
}

TEST_CASE("what is missing is named") {
  const Lineage all = ask(story(), {});
  const auto gaps = [&](LineageKind kind, const char* name) { return node(all, kind, name).gaps; };
  CHECK(gaps(LineageKind::run, "run1").empty());
  CHECK(gaps(LineageKind::run, "run2") == std::vector<std::string>{"the run has no end"});
  CHECK(gaps(LineageKind::release, "c") ==
        std::vector<std::string>{"no recorded run made this release"});
  CHECK(gaps(LineageKind::dataset, "clean").empty());
  std::size_t raw = 0;
  for (const LineageNode& n : all.nodes)
    if (n.name == "raw") raw += n.gaps.size();
  CHECK(raw == 3);  // r1: no record; r2: neither licence nor source
  CHECK(all.gaps == 5);
  core::Evidence unknown;
  add(unknown, "ev1_releases", {{"release", t("a")}, {"system", t("chat")}, {"run_id", t("gone")}});
  const Lineage lost = ask(unknown, {"a"});
  CHECK(!node(lost, LineageKind::run, "gone").entry.has_value());
  CHECK(node(lost, LineageKind::run, "gone").gaps.size() == 1);
  CHECK(node(lost, LineageKind::system, "chat").gaps.size() == 1);
}

TEST_CASE("depth, kinds and names that cannot be") {
  const core::Evidence e = story();
  LineageRequest request{"clean", std::nullopt, LineageDirection::descendants, 1};
  CHECK(ask(e, request).nodes.size() == 3);
  request.depth = 0;
  CHECK(ask(e, request).nodes.size() == 1);
  request.depth = kMaxLineageDepth;
  CHECK(lineage(e, request).has_value());
  for (const std::int64_t depth : {std::int64_t{-1}, kMaxLineageDepth + 1}) {
    request.depth = depth;
    REQUIRE(!lineage(e, request));
    CHECK(lineage(e, request).error().code == core::ErrorCode::invalid_argument);
  }
  request = {"clean", LineageKind::run};
  REQUIRE(!lineage(e, request));
  CHECK(lineage(e, request).error().code == core::ErrorCode::not_found);
  CHECK(!lineage_kind("model").has_value());
  CHECK(!lineage_direction("up").has_value());
  CHECK(ask({}, {}).nodes.empty());
}

TEST_CASE("equal evidence gives an equal graph, whatever the order of its rows") {
  core::Evidence e = story();
  const Lineage first = ask(e, {});
  for (auto& [view, rows] : e.rows) std::reverse(rows.begin(), rows.end());
  const Lineage second = ask(e, {});
  REQUIRE(first.nodes.size() == second.nodes.size());
  for (std::size_t i = 0; i < first.nodes.size(); ++i) {
    CHECK(first.nodes[i].name == second.nodes[i].name);
    CHECK(first.nodes[i].version == second.nodes[i].version);
  }
  CHECK(first.edges.size() == second.edges.size());
}

TEST_CASE("a lineage of 100,000 nodes") {
  core::Evidence e;
  constexpr int kRuns = test::kSanitized ? 2'000 : 20'000;
  for (int i = 0; i < kRuns; ++i) {
    const std::string run = "run" + std::to_string(i);
    const std::string name = std::to_string(i);
    add(e, "ev1_datasets", {{"dataset", t("d" + name)}, {"root", t("r" + name)}});
    add(e, "ev1_runs", {{"run_id", t(run)}, {"model", t("m")}});
    add(e, "ev1_run_datasets",
        {{"run_id", t(run)}, {"dataset", t("d" + name)}, {"root", t("r" + name)}});
    add(e, "ev1_run_datasets", {{"run_id", t(run)}, {"dataset", t("d0")}, {"root", t("r0")}});
    add(e, "ev1_releases",
        {{"release", t("rel" + name)}, {"system", t("s" + name)}, {"run_id", t(run)}});
    add(e, "ev1_outputs",
        {{"release", t("rel" + name)}, {"output_digest", t("o" + name)}, {"result", t("found")}});
    add(e, "ev1_systems", {{"system", t("s" + name)}, {"placed_on", t("2026-05-01")}});
  }
  e.sort();
  const auto began = std::chrono::steady_clock::now();
  const Lineage seen = ask(e, {"d0", std::nullopt, LineageDirection::descendants});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  WARN("a lineage of " << seen.nodes.size() << " of " << 5 * kRuns << " nodes took " << took.count()
                       << " s");
  CHECK(seen.nodes.size() == 1 + 4 * kRuns);
  CHECK(names(seen, LineageKind::release).size() == kRuns);
}

}  // namespace sigillo::audit
