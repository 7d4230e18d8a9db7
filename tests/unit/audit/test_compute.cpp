// Estimates of training compute: the Guidelines' examples, the clusters of the scene, and limits.
#include <fstream>

#include "fixture.hpp"
#include "sigillo/audit/compute.hpp"

namespace {
using namespace fixture;
using audit::ComputePeriod;

std::string profile(const std::string& name) {
  return read(fs::path(SIGILLO_DOCS).parent_path() / "audit/profiles" / name);
}
audit::ComputeProfiles profiles() {
  return value(audit::parse_profiles(profile("accelerators.json"), profile("clusters.json"),
                                     profile("lines.json")));
}
std::vector<ComputePeriod> periods(const std::string& cluster, std::int64_t days,
                                   std::int64_t micro) {
  std::vector<ComputePeriod> all;
  const audit::ComputeProfiles known = profiles();
  for (const audit::ClusterUnits& units : value(known.cluster(cluster)).units)
    all.push_back({units.count, days * 86400,
                   value(known.accelerator(units.sku)).peak("bf16")->dense_gflops, micro});
  return all;
}
// Days with two places, as 292 for 2.92.
std::int64_t centidays(std::int64_t seconds) { return (seconds * 100 + 43200) / 86400; }

}  // namespace

TEST_CASE("the Guidelines' examples A to H come out within 5 %", "[compute]") {
  struct Example {
    char label;
    std::int64_t parameters, tokens, hours, gflops;
    std::int64_t published_e12;  // as printed, rounded there
  };
  const auto example = GENERATE(Example{'A', 3800000000, 3300000000000, 0, 0, 75000000000},
                                Example{'B', 0, 0, 200000, 300000, 108000000000},
                                Example{'C', 600000000, 36000000000000, 0, 0, 130000000000},
                                Example{'D', 1540000000, 18000000000000, 0, 0, 160000000000},
                                Example{'E', 1700000000, 36000000000000, 0, 0, 370000000000},
                                Example{'F', 2500000000, 12000000000000, 0, 0, 180000000000},
                                Example{'G', 2600000000, 10000000000000, 0, 0, 150000000000},
                                Example{'H', 0, 0, 370000, 989000, 650000000000});
  INFO(example.label);
  const ComputePeriod device_hours{example.hours, 3600, example.gflops, 500000};
  const audit::ComputeAmount amount =
      value(example.hours > 0 ? audit::hardware_compute(std::span(&device_hours, 1))
                              : audit::architecture_compute(example.parameters, example.tokens));
  CHECK(amount.e12 * 100 <= example.published_e12 * 105);
  CHECK(amount.e12 * 100 >= example.published_e12 * 95);
}

TEST_CASE("the examples' exact numbers", "[compute]") {
  CHECK(value(audit::architecture_compute(3800000000, 3300000000000)).exact ==
        "75240000000000000000000");
  const ComputePeriod h{370000, 3600, 989000, 500000};
  const audit::ComputeAmount amount = value(audit::hardware_compute(std::span(&h, 1)));
  CHECK(amount.exact == "658674000000000000000000");
  CHECK(amount.e12 == 658674000000);
  CHECK(amount.low_e12 == 461071800000);
  CHECK(amount.high_e12 == 856276200000);
}

TEST_CASE("clusters of the scene reach 10^25 and 10^26 when the arithmetic says", "[compute]") {
  struct Row {
    const char* cluster;
    std::int64_t to_1e25, to_1e26, tolerance;  // hundredths of a day
  };
  // specs: days at 40 % utilisation, rounded there to two or three digits
  const auto row = GENERATE(Row{"memphis", 292, 2920, 10}, Row{"frontier", 1990, 19900, 70},
                            Row{"aurora-60000", 575, 5750, 10}, Row{"aurora", 541, 5410, 10},
                            Row{"eagle", 2030, 20300, 60}, Row{"h200-100000", 292, 2920, 10},
                            Row{"b100-100000", 165, 1650, 10});
  INFO(row.cluster);
  const std::vector<ComputePeriod> all = periods(row.cluster, 1, 400000);
  CHECK(std::abs(centidays(value(audit::seconds_until_above(all, 10000000000000))) - row.to_1e25) <=
        1 + row.tolerance / 10);
  CHECK(std::abs(centidays(value(audit::seconds_until_above(all, 100000000000000))) -
                 row.to_1e26) <= row.tolerance);
}

TEST_CASE("a line is passed in the first second above it, not at it", "[compute]") {
  // 1 device x 1 TFLOP/s at full utilisation: 10^12 a second
  const ComputePeriod one{1, 1, 1000, 1000000};
  const std::span<const ComputePeriod> side_by_side(&one, 1);
  CHECK(value(audit::seconds_until_above(side_by_side, 0)) == 1);
  CHECK(value(audit::seconds_until_above(side_by_side, 9)) == 10);
  CHECK(value(audit::seconds_until_above(side_by_side, 10)) == 11);
  CHECK(value(audit::seconds_until_above(side_by_side, 13, 130)) == 11);
  CHECK(value(audit::seconds_until_above(side_by_side, 7, 70)) == 11);
  CHECK(code(audit::seconds_until_above(side_by_side, audit::kMaxSeconds)) ==
        core::ErrorCode::not_found);
  CHECK(code(audit::seconds_until_above(side_by_side, -1)) == core::ErrorCode::invalid_argument);
  CHECK(code(audit::seconds_until_above(side_by_side, 1, 0)) == core::ErrorCode::invalid_argument);
}

TEST_CASE("amounts round so that no line is hidden", "[compute]") {
  // 10^9 operations: less than one unit
  const ComputePeriod small{1, 1, 1, 1000000};
  const audit::ComputeAmount amount = value(audit::hardware_compute(std::span(&small, 1)));
  CHECK(amount.exact == "1000000000");
  CHECK(amount.e12 == 1);
  CHECK(amount.low_e12 == 0);
  CHECK(amount.high_e12 == 1);
}

TEST_CASE("Grok 3's published inputs at 0.40 lie within 30 % of its published estimate",
          "[compute]") {
  const std::vector<ComputePeriod> run = periods("memphis", 100, 400000);
  const audit::ComputeAmount amount = value(audit::hardware_compute(run));
  CHECK(amount.e12 / 1000000000000 == 341);  // 3.42e26
  CHECK(amount.high_e12 > 440000000000000);
  const auto implied = value(audit::implied_utilisation_micro(run, "464000000000000000000000000"));
  CHECK(implied / 10000 == 54);
}

TEST_CASE("mixed devices add up", "[compute]") {
  const std::vector<ComputePeriod> mixed = periods("colossus-2025-02", 10, 400000);
  REQUIRE(mixed.size() == 2);
  const auto first = value(audit::hardware_compute(std::span(mixed).first(1)));
  const auto second = value(audit::hardware_compute(std::span(mixed).last(1)));
  const auto both = value(audit::hardware_compute(mixed));
  CHECK(both.e12 == first.e12 + second.e12);
}

TEST_CASE("numbers at and past each limit", "[compute]") {
  const ComputePeriod largest{audit::kMaxUnits, audit::kMaxSeconds, audit::kMaxPeakGflops, 1000000};
  const auto with = [](std::int64_t units, std::int64_t seconds, std::int64_t gflops,
                       std::int64_t micro) {
    const ComputePeriod period{units, seconds, gflops, micro};
    return audit::hardware_compute(std::span(&period, 1));
  };
  CHECK(with(audit::kMaxUnits, 1, 1, 1).has_value());
  CHECK(with(1, audit::kMaxSeconds, 1, 1).has_value());
  CHECK(with(1, 1, audit::kMaxPeakGflops, 1).has_value());
  CHECK(with(1, 1, 1, 1000000).has_value());
  using core::ErrorCode;
  CHECK(code(with(0, 1, 1, 1)) == ErrorCode::invalid_argument);
  CHECK(code(with(-1, 1, 1, 1)) == ErrorCode::invalid_argument);
  CHECK(code(with(audit::kMaxUnits + 1, 1, 1, 1)) == ErrorCode::invalid_argument);
  CHECK(code(with(1, 0, 1, 1)) == ErrorCode::invalid_argument);
  CHECK(code(with(1, audit::kMaxSeconds + 1, 1, 1)) == ErrorCode::invalid_argument);
  CHECK(code(with(1, 1, 0, 1)) == ErrorCode::invalid_argument);
  CHECK(code(with(1, 1, audit::kMaxPeakGflops + 1, 1)) == ErrorCode::invalid_argument);
  CHECK(code(with(1, 1, 1, 0)) == ErrorCode::invalid_argument);
  CHECK(code(with(1, 1, 1, 1000001)) == ErrorCode::invalid_argument);
  // The largest of everything is beyond what a record holds, and no product wraps on the way.
  const std::vector<ComputePeriod> many(audit::kMaxPeriods, largest);
  CHECK(code(audit::hardware_compute(many)) == ErrorCode::invalid_argument);
  CHECK(code(audit::hardware_compute(std::vector<ComputePeriod>(
            audit::kMaxPeriods + 1, ComputePeriod{1, 1, 1, 1}))) == ErrorCode::invalid_argument);
  CHECK(code(audit::hardware_compute({})) == ErrorCode::invalid_argument);
  CHECK(code(audit::architecture_compute(0, 1)) == ErrorCode::invalid_argument);
  CHECK(code(audit::architecture_compute(1000000000000000000, 1000000000000000000)) ==
        ErrorCode::invalid_argument);
}

TEST_CASE("decimals and counts have one reading", "[compute]") {
  CHECK(value(audit::parse_micro("0.4")) == 400000);
  CHECK(value(audit::parse_micro("100")) == 100000000);
  CHECK(value(audit::parse_micro("0.000001")) == 1);
  for (const char* bad : {"", ".", "1.", ".5", "-1", "+1", "1e3", "0.0000001", "1 ", "nan", "0x1",
                          "1234567890123", "1,5"})
    CHECK(code(audit::parse_micro(bad)) == core::ErrorCode::invalid_argument);
  CHECK(value(audit::parse_count("405e9")) == 405000000000);
  CHECK(value(audit::parse_count("15.6e12")) == 15600000000000);
  CHECK(value(audit::parse_count("100000")) == 100000);
  CHECK(value(audit::parse_count("1e17")) == 100000000000000000);
  for (const char* bad : {"", "0", "e9", "1e", "1e1000", "1.5", "1.55e1", "-3", "1e99", "1e-3"})
    CHECK(code(audit::parse_count(bad)) == core::ErrorCode::invalid_argument);
}

TEST_CASE("profiles are read strictly", "[compute]") {
  const std::string accelerators = profile("accelerators.json");
  const std::string clusters = profile("clusters.json");
  const std::string lines = profile("lines.json");
  REQUIRE(audit::parse_profiles(accelerators, clusters, lines).has_value());
  const auto replaced = [](std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  struct Change {
    int file;
    const char* from;
    const char* to;
  };
  const auto change = GENERATE(
      Change{0, "\"format\": 1", "\"format\": 2"}, Change{0, "\"note\"", "\"remark\""},
      Change{0, "\"a100-sxm-80\"", "\"z100\""}, Change{0, "312000", "312000.5"},
      Change{0, "312000", "0"}, Change{0, "312000", "100000001"},
      Change{0, "\"secondary\"", "\"certain\""}, Change{0, "\"bf16\"", "\"zz16\""},
      Change{0, "\"tdp_watts\": 400", "\"tdp_watts\": -400"}, Change{0, "\"Epoch", "\"\",\"x\":\""},
      Change{1, "\"max-1550\"", "\"max-1551\""}, Change{1, "63744", "0"},
      Change{1, "\"claimed_by\": \"press\", ", ""}, Change{1, "\"2024-07-22\"", "\"2024-02-30\""},
      Change{1, "\"hypothetical\"", "\"claimed\""},
      Change{2, "\"100000000000000000000000\"", "\"100000000000000000000001\""},
      Change{2, "\"100000000000000000000000\"", "100000000000"},
      Change{2, "\"100000000000000000000000\"", "\"900000000000000000000000000\""});
  INFO(change.from << " -> " << change.to);
  const std::string* texts[] = {&accelerators, &clusters, &lines};
  const std::string changed = replaced(*texts[change.file], change.from, change.to);
  texts[change.file] = &changed;
  CHECK(code(audit::parse_profiles(*texts[0], *texts[1], *texts[2])) ==
        core::ErrorCode::invalid_input);
}

TEST_CASE("an unknown name is answered with those that are known", "[compute]") {
  const audit::ComputeProfiles known = profiles();
  const auto missing = known.accelerator("h100");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().remedy.find("h100-sxm5") != std::string::npos);
  CHECK(code(known.cluster("nowhere")) == core::ErrorCode::not_found);
  // Every fact that is not confirmed says so.
  for (const audit::Accelerator& a : known.accelerators) CHECK_FALSE(a.source.empty());
  for (const audit::Cluster& c : known.clusters) CHECK_FALSE(c.source.empty());
  CHECK(value(known.accelerator("max-1550")).peak("int8")->status == audit::FactStatus::unverified);
}
