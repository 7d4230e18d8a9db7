#include <nlohmann/json.hpp>

#include "app/report/lineage.hpp"
#include "fixture.hpp"

namespace sigillo::report::test {
namespace {

audit::Lineage small_lineage(const std::string& dataset = "corpus") {
  core::Evidence evidence;
  add(evidence, "ev1_datasets",
      {{"dataset", text(dataset)},
       {"root", text("r1")},
       {"license", text("MIT")},
       {"source", text("https://example.org")}});
  add(evidence, "ev1_run_datasets",
      {{"run_id", text("run1")}, {"dataset", text(dataset)}, {"root", text("r1")}});
  add(evidence, "ev1_runs",
      {{"run_id", text("run1")},
       {"model", text("m")},
       {"state", text("no end recorded")},
       {"started_at", text("2026-11-01T00:00:00Z")}});
  add(evidence, "ev1_releases",
      {{"release", text("m1")},
       {"system", text("chat")},
       {"model", text("m")},
       {"run_id", text("run1")}});
  auto lineage = audit::lineage(evidence, {});
  REQUIRE(lineage);
  return *lineage;
}

}  // namespace

TEST_CASE("golden files of a lineage") {
  const audit::Lineage lineage = small_lineage();
  golden("lineage.txt", lineage_text(lineage));
  golden("lineage.dot", lineage_dot(lineage));
  const auto svg = lineage_svg(lineage);
  REQUIRE(svg);
  golden("lineage.svg", *svg);
  const auto json = core::canonical_json(lineage_json(lineage));
  REQUIRE(json);
  golden("lineage.json", *json + "\n");
}

TEST_CASE("hostile names stay text in every form of a lineage") {
  for (const std::string& name : hostile_names()) {
    const audit::Lineage lineage = small_lineage(name);
    const auto svg = lineage_svg(lineage);
    REQUIRE(svg);
    for (const std::string& out : {*svg, lineage_dot(lineage), lineage_text(lineage)}) {
      CHECK(core::is_utf8(out));
      for (const char* raw : {"\x1b", "\xE2\x80\xAE", "\xEF\xBF\xBF"})
        CHECK(out.find(raw) == std::string::npos);
    }
    CHECK(svg->find("<script") == std::string::npos);
    CHECK(svg->find("<img") == std::string::npos);
    CHECK(core::canonical_json(lineage_json(lineage)).has_value());
  }
}

TEST_CASE("a picture has a text alternative, asks for nothing from outside, and has a limit") {
  audit::Lineage lineage = small_lineage();
  const auto svg = lineage_svg(lineage);
  REQUIRE(svg);
  CHECK(occurrences(*svg, "<desc ") == 1);
  CHECK(svg->find("the run has no end") != std::string::npos);
  CHECK(occurrences(*svg, "http") == 1);  // the name space
  lineage.nodes.resize(kMaxPictureNodes);
  CHECK(lineage_svg(lineage).has_value());
  lineage.nodes.resize(kMaxPictureNodes + 1);
  REQUIRE(!lineage_svg(lineage).has_value());
  CHECK(lineage_svg(lineage).error().code == core::ErrorCode::input_too_large);
}

}  // namespace sigillo::report::test
