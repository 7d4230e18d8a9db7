// fixtures FOLDER: writes SARIF, JUnit, DOT and SVG of every kind of result, for others to judge.
#define CATCH_CONFIG_MAIN
#include "../../unit/report/fixture.hpp"

#include <cstdlib>
#include <filesystem>

#include "app/report/junit.hpp"
#include "app/report/lineage.hpp"
#include "app/report/report.hpp"
#include "app/report/sarif.hpp"
#include "app/report/seal.hpp"

namespace sigillo::report::test {

TEST_CASE("write") {
  const char* folder = std::getenv("SIGILLO_FIXTURES");
  REQUIRE(folder != nullptr);
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(std::filesystem::path(folder) / name, std::ios::binary) << text;
  };
  const auto results = all_results();
  for (std::size_t i = 0; i < results.size(); ++i) {
    std::string name = std::to_string(i) + "-" + results[i].first;
    for (char& c : name) c = c == ' ' ? '-' : c;
    write(name + ".sarif", render_sarif(results[i].second, {{"packs/example"}, false}));
    write(name + ".all.sarif", render_sarif(results[i].second, {{"packs/example"}, true}));
    write(name + ".junit.xml", render_junit(results[i].second, {"packs/example"}));
  }
  core::Evidence evidence;
  for (const std::string& hostile : hostile_names())
    add(evidence, "ev1_releases",
        {{"release", text(hostile)}, {"system", text(hostile)}, {"run_id", text(hostile)}});
  const auto lineage = audit::lineage(evidence, {});
  REQUIRE(lineage);
  write("hostile.dot", lineage_dot(*lineage));
  const auto svg = lineage_svg(*lineage);
  REQUIRE(svg);
  write("hostile.svg", *svg);
  for (const auto& [name, result] : all_results()) {
    const bool wanted = name == "refused" || name == "hostile" || name == "pass mandatory" ||
                        name == "no_evidence mandatory" || name == "no rule";
    if (!wanted) continue;
    std::string file = name + ".html";
    for (char& c : file) c = c == ' ' ? '-' : c;
    write(file, sealed_report(result));
  }
}

}  // namespace sigillo::report::test
