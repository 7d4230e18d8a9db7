#include <nlohmann/json.hpp>

#include "app/report/html.hpp"
#include "app/report/report.hpp"
#include "app/report/seal.hpp"
#include "fixture.hpp"

namespace sigillo::report::test {
namespace {

app::GateResult passing() {
  return GateFixture().systems({"chat"}).with(rule("X-1", "'pass'")).judge();
}

core::ErrorCode refusal(const std::string& file) {
  const auto opened = open_report(file);
  REQUIRE(!opened.has_value());
  return opened.error().code;
}

}  // namespace

TEST_CASE("HTML escapes text and attributes") {
  const Html html = Html::element("p", {{"title", "\"<&'>"}}, {Html::text("</p><script>")});
  CHECK(html.bytes() == "<p title=\"&quot;&lt;&amp;&#39;&gt;\">&lt;/p&gt;&lt;script&gt;</p>");
  CHECK(Html::element("br", {}).bytes() == "<br>");
}

TEST_CASE("the structure of a page: the worked example of docs/formats/report.md") {
  CHECK(page_structure(
            "<!doctype html><p class=\"a\" open=\"\">x &lt;b\\c<br></p><script id=\"s\">1<2"
            "</script>",
            {}) == "\n(p\naclass=a\ntx <b\\\\c\n(br\n)\n)\n(script\naid=s\nt1<2\n)");
  CHECK(page_structure("<script id=\"s\">1</script>", {"s"}) == "\n(script\naid=s\n)");
  // Text cannot pretend to be structure.
  CHECK(page_structure("<p>a\n)\n(b</p>", {}) != page_structure("<p>a</p><b></b>", {}));
}

TEST_CASE("equal inputs give equal bytes") {
  CHECK(sealed_report(passing()) == sealed_report(passing()));
}

TEST_CASE("every result has a page that opens, and no name becomes markup") {
  for (const auto& [name, result] : all_results()) {
    INFO(name);
    const std::string file = sealed_report(result);
    const auto opened = open_report(file);
    REQUIRE(opened);
    CHECK(opened->content.at("exit_code") == static_cast<int>(result.exit));
    CHECK(opened->key.id() == report_key().public_key().id());
    CHECK(core::is_utf8(file));
    CHECK(occurrences(file, "<script") == 3);
    CHECK(occurrences(file, "</script>") == 3);
    CHECK(occurrences(file, "<img") == 0);
    CHECK(occurrences(file, "<!--") == 0);
    for (const char* raw : {"\x1b", "\xE2\x80\xAE\x62\x3c", "\n)"})
      CHECK(occurrences(file, raw) == 0);
    CHECK(report_page(report_input(result)).find("\xE2\x80\xAE") == std::string::npos);
  }
}

TEST_CASE("a refused gate has a page that says so") {
  const std::string page = report_page(report_input(refused()));
  CHECK(page.find("No verdict: what is stored is not what was sealed.") != std::string::npos);
  CHECK(page.find("the bytes are not those that were sealed") != std::string::npos);
  CHECK(page.find("Rules by article") == std::string::npos);
}

TEST_CASE("any change of a report is found") {
  const std::string file = sealed_report(passing());
  REQUIRE(open_report(file).has_value());
  // One bit at 400 places, evenly spread, and at the ends.
  for (std::size_t i = 0; i < 400; ++i) {
    std::string altered = file;
    altered[i * (file.size() - 1) / 399] ^= 1;
    INFO(i * (file.size() - 1) / 399);
    CHECK(!open_report(altered).has_value());
  }
  CHECK(refusal(file + " ") == core::ErrorCode::signature_invalid);
  CHECK(refusal(file.substr(1)) == core::ErrorCode::signature_invalid);
  CHECK(refusal("") == core::ErrorCode::invalid_input);
  CHECK(refusal("<html></html>") == core::ErrorCode::invalid_input);
  CHECK(refusal(file + file) == core::ErrorCode::invalid_input);
  CHECK(refusal(std::string(kMaxReportBytes + 1, 'x')) == core::ErrorCode::input_too_large);
}

TEST_CASE(
    "evidence in another form of the same JSON is refused: a browser may end the element in it") {
  const ReportInput input = report_input(
      GateFixture().systems({"</script ><h1>VERIFIED</h1>"}).with(rule("X-1", "'pass'")).judge());
  const auto sealed = seal_page(report_page(input), report_content(input), report_key());
  REQUIRE(sealed);
  REQUIRE(open_report(*sealed).has_value());  // control
  std::string raw = *sealed;
  std::size_t at = raw.find("\\u003c");
  REQUIRE(at != std::string::npos);
  raw.replace(at, 6, "<");
  CHECK(refusal(raw) == core::ErrorCode::signature_invalid);
}

TEST_CASE("a report that somebody else signed opens, under their key") {
  core::SeededEntropy entropy(7);
  const auto other = core::PrivateKey::generate(core::KeyAlgorithm::ed25519, entropy);
  REQUIRE(other);
  const ReportInput input = report_input(passing());
  const auto file = seal_page(report_page(input), report_content(input), *other);
  REQUIRE(file);
  const auto opened = open_report(*file);
  REQUIRE(opened);
  CHECK(opened->key.id() != report_key().public_key().id());
  const auto p256 = core::PrivateKey::generate(core::KeyAlgorithm::ecdsa_p256, entropy);
  REQUIRE(p256);
  const auto refused_key = seal_page(report_page(input), report_content(input), *p256);
  REQUIRE(!refused_key);
  CHECK(refused_key.error().code == core::ErrorCode::unsupported);
}

TEST_CASE("how a claim is known") {
  CHECK(claim_of_column("ev1_systems.placed_on") == Claim::asserted);
  CHECK(claim_of_column("ev1_outputs.result") == Claim::recorded);
  CHECK(claim_of_column("ev1_outputs.sample_basis") == Claim::asserted);
  CHECK(claim_of_column("ev1_datasets.root") == Claim::recorded);
  CHECK(claim_of_column("ev1_datasets.license") == Claim::asserted);
  CHECK(claim_of_column("ev1_something_new.x") == Claim::asserted);  // the weakest, if unknown
}

TEST_CASE("the histogram has a bin for each detection and none across the threshold") {
  for (const std::int64_t strongest : {-1, -6, -7, -40, -258, -3000}) {
    GateFixture fixture = GateFixture().systems({"chat"}).with(rule("X-1", "'pass'"));
    int n = 0;
    const auto detection = [&](std::int64_t micro, const char* result) {
      add(fixture.evidence, "ev1_outputs",
          {{"release", text("r")},
           {"output_digest", text("o" + std::to_string(n++))},
           {"result", text(result)},
           {"log10_p_micro", number(micro)}});
    };
    detection(strongest * 1'000'000, "found");
    detection(-6'000'000, "found");
    detection(-6'000'001, "found");
    detection(-5'999'999, "not_found");
    detection(0, "inconclusive");
    const Histogram h = histogram(fixture.judge());
    std::int64_t count = 0;
    for (const HistogramBin& bin : h.bins) {
      count += bin.count;
      CHECK((bin.to <= h.threshold || bin.from >= h.threshold));
    }
    INFO(strongest);
    CHECK(count == 5);
    CHECK(h.total == 5);
    CHECK(h.inconclusive == 1);
    CHECK(h.at_or_below == (strongest <= -6 ? 3 : 2));
    CHECK(h.bins.size() <= 30);
  }
}

}  // namespace sigillo::report::test
