#include "sigillo/core/clock.hpp"

#include <random>

#include "support.hpp"

using namespace sigillo::core;

TEST_CASE("known instants") {
  const std::pair<std::int64_t, const char*> instants[] = {
      {0, "1970-01-01T00:00:00Z"},           {-1, "1969-12-31T23:59:59Z"},
      {-86400, "1969-12-31T00:00:00Z"},      {951782399, "2000-02-28T23:59:59Z"},
      {951782400, "2000-02-29T00:00:00Z"},   {1000000000, "2001-09-09T01:46:40Z"},
      {2147483648, "2038-01-19T03:14:08Z"},  {1785628800, "2026-08-02T00:00:00Z"},
      {253402300799, "9999-12-31T23:59:59Z"}};
  for (const auto& [seconds, text] : instants) {
    REQUIRE(to_rfc3339({seconds, 0}) == text);
    REQUIRE(timestamp_from_rfc3339(text).value() == Timestamp{seconds, 0});
    REQUIRE(to_date({seconds, 0}) == std::string(text).substr(0, 10));
  }
  REQUIRE(to_rfc3339({0, 999999999}) == "1970-01-01T00:00:00Z");  // to the second, downwards
}

TEST_CASE("the calendar's leap years") {
  for (const char* day : {"2024-02-29", "2000-02-29", "2400-02-29", "2026-02-28", "2026-12-31"})
    REQUIRE_OK(timestamp_from_date(day));
  for (const char* day : {"2026-02-29", "1900-02-29", "2100-02-29", "2024-02-30", "2026-04-31",
                          "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32"}) {
    INFO(day);
    REQUIRE_CODE(timestamp_from_date(day), invalid_argument);
  }
}

TEST_CASE("one form of a date and of a time, and no other") {
  for (const char* text :
       {"", "2026", "2026-1-02", "2026-01-2", "26-01-02", "2026/01/02", "20260102", "2026-01-02 ",
        " 2026-01-02", "+026-01-02", "-026-01-02", "2026-0a-02", "2026-01-02T00:00:00Z"}) {
    INFO(text);
    REQUIRE_CODE(timestamp_from_date(text), invalid_argument);
  }
  for (const char* text :
       {"", "2026-11-23", "2026-11-23T09:30:00", "2026-11-23t09:30:00Z", "2026-11-23T09:30:00z",
        "2026-11-23 09:30:00Z", "2026-11-23T24:00:00Z", "2026-11-23T09:60:00Z",
        "2026-11-23T09:30:60Z", "2026-11-23T9:30:00ZZ", "2026-11-23T09:30:00.5Z",
        "2026-11-23T09:30:00+01:00", "2026-02-30T09:30:00Z", "2026-11-23T-1:30:00Z",
        "2026-11-23T09-30:00Z", "2026-11-23T09:30-00Z"}) {
    INFO(text);
    REQUIRE_CODE(timestamp_from_rfc3339(text), invalid_argument);
  }
}

TEST_CASE("times survive their text") {
  std::mt19937_64 random(4);
  for (int i = 0; i < 5000; ++i) {
    const auto seconds = static_cast<std::int64_t>(random() % 315569520000U) - 62167219200;
    const Timestamp time{seconds, 0};
    if (timestamp_from_rfc3339(to_rfc3339(time)).value() != time) FAIL(seconds);
    const Timestamp midnight = timestamp_from_date(to_date(time)).value();
    if (time.seconds - midnight.seconds < 0 || time.seconds - midnight.seconds >= 86400)
      FAIL(seconds);
  }
  SUCCEED();
}

TEST_CASE("every day of four centuries follows the day before") {
  Timestamp day = timestamp_from_date("1970-01-01").value();
  const Timestamp end = timestamp_from_date("2370-01-01").value();
  REQUIRE((end.seconds - day.seconds) / 86400 == 146097);
  std::string before;
  for (; day < end; day.seconds += 86400) {
    const std::string text = to_date(day);
    if (text <= before || timestamp_from_date(text).value() != day) FAIL(text);
    before = text;
  }
  SUCCEED();
}

TEST_CASE("clocks") {
  FixedClock fixed({100, 5});
  REQUIRE(fixed.now() == Timestamp{100, 5});
  fixed.set({200, 0});
  REQUIRE(fixed.now() == Timestamp{200, 0});
  const SystemClock clock;
  const Timestamp first = clock.now();
  REQUIRE(first.seconds > timestamp_from_date("2024-01-01").value().seconds);
  REQUIRE(first.nanoseconds >= 0);
  REQUIRE(first.nanoseconds < 1000000000);
}

TEST_CASE("seeded entropy repeats, and seeds differ") {
  const auto draw = [](std::uint64_t seed, std::size_t size) {
    SeededEntropy entropy(seed);
    Bytes out(size);
    REQUIRE_OK(entropy.fill(out));
    return out;
  };
  REQUIRE(draw(1, 100) == draw(1, 100));
  REQUIRE(draw(1, 100) != draw(2, 100));
  REQUIRE(draw(1, 0).empty());
  // SHA-256 of sixteen zero bytes: seed 0, counter 0.
  REQUIRE(hex_encode(draw(0, 32)) ==
          "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb");
  SeededEntropy entropy(1);
  Bytes first(32);
  Bytes second(32);
  REQUIRE_OK(entropy.fill(first));
  REQUIRE_OK(entropy.fill(second));
  REQUIRE(first != second);
}

TEST_CASE("system entropy fills all of it, and differently each time") {
  SystemEntropy entropy;
  Bytes first(1000);
  Bytes second(1000);
  REQUIRE_OK(entropy.fill(first));
  REQUIRE_OK(entropy.fill(second));
  REQUIRE(first != second);
  REQUIRE(std::count(first.begin(), first.end(), 0) < 50);
}
