#include "sigillo/core/json.hpp"

#include <nlohmann/json.hpp>
#include <random>

#include "support.hpp"

using namespace sigillo::core;
using namespace std::string_literals;

namespace {

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

// A slow, obvious UTF-16 form, to check the order of members against.
std::u16string utf16(const std::string& text) {
  std::u16string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int extra = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    std::uint32_t c = extra == 0 ? lead : lead & (0x3FU >> extra);
    for (int k = 1; k <= extra; ++k)
      c = c << 6 | (static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]) & 0x3FU);
    i += static_cast<std::size_t>(extra) + 1;
    if (c < 0x10000) {
      out.push_back(static_cast<char16_t>(c));
    } else {
      out.push_back(static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10)));
      out.push_back(static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF)));
    }
  }
  return out;
}

std::string random_text(std::mt19937& random) {
  static const std::string kPieces[] = {"a",
                                        "B",
                                        "1",
                                        " ",
                                        "\"",
                                        "\\",
                                        "/",
                                        "\n",
                                        "\x01",
                                        "\x7F",
                                        "\0"s,
                                        "\xC2\x80",
                                        "é",
                                        "\xED\x9F\xBF",
                                        "\xEE\x80\x80",
                                        "\xEF\xAC\xB3",
                                        "\xEF\xBF\xBF",
                                        "\xF0\x90\x80\x80",
                                        "😀",
                                        "\xF4\x8F\xBF\xBF"};
  std::string text;
  for (auto n = random() % 6; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
  return text;
}

Json random_value(std::mt19937& random, int depth) {
  switch (random() % (depth > 0 ? 7U : 5U)) {
    case 0:
      return nullptr;
    case 1:
      return random() % 2 == 0;
    case 2:
      return static_cast<std::int64_t>(random()) - (std::int64_t{1} << 31);
    case 3: {
      const std::int64_t wide = static_cast<std::int64_t>(random()) * (1 << 21) +
                                static_cast<std::int64_t>(random() % (1U << 21));
      return random() % 2 == 0 ? wide : -wide;
    }
    case 4:
      return random_text(random);
    case 5: {
      Json array = Json::array();
      for (auto n = random() % 5; n > 0; --n) array.push_back(random_value(random, depth - 1));
      return array;
    }
    default: {
      Json object = Json::object();
      for (auto n = random() % 6; n > 0; --n)
        object[random_text(random)] = random_value(random, depth - 1);
      return object;
    }
  }
}

// The member names of a flat object in the order of its text.
std::vector<std::string> names_in_order(const std::string& text) {
  const auto object = nlohmann::ordered_json::parse(text);
  std::vector<std::string> names;
  for (const auto& item : object.items()) names.push_back(item.key());
  return names;
}

}  // namespace

TEST_CASE("canonical JSON of random values reads back as the same value and bytes") {
  std::mt19937 random(20260802);
  int objects = 0;
  for (int i = 0; i < 3000; ++i) {
    const Json value = random_value(random, 5);
    const auto text = canonical_json(value);
    REQUIRE_OK(text);
    const auto back = parse_json(*text);
    REQUIRE_OK(back);
    REQUIRE(*back == value);
    REQUIRE(canonical_json(*back).value() == *text);
    REQUIRE(parse_canonical_json(*text).value() == value);
    objects += value.is_object() && value.size() > 1;
  }
  REQUIRE(objects > 100);  // the generator did make something to sort
}

TEST_CASE("members are sorted by UTF-16 code units") {
  std::mt19937 random(3);
  int disagreements = 0;
  for (int i = 0; i < 2000; ++i) {
    Json object = Json::object();
    for (int k = 0; k < 8; ++k) object[random_text(random)] = k;
    const std::vector<std::string> names = names_in_order(canonical_json(object).value());
    REQUIRE(names.size() == object.size());
    REQUIRE(std::is_sorted(names.begin(), names.end(),
                           [](const auto& a, const auto& b) { return utf16(a) < utf16(b); }));
    disagreements += !std::is_sorted(names.begin(), names.end());
  }
  REQUIRE(disagreements > 100);  // the two orders do differ on these names
}

TEST_CASE("canonical JSON holds no floating point and no wide integer") {
  REQUIRE_CODE(canonical_json(1.5), invalid_argument);
  REQUIRE_CODE(canonical_json(1.0), invalid_argument);
  REQUIRE_CODE(canonical_json(Json{{"a", {1, {{"b", 2.5}}}}}), invalid_argument);
  REQUIRE(canonical_json(kMaxJsonInteger).value() == "9007199254740991");
  REQUIRE(canonical_json(-kMaxJsonInteger).value() == "-9007199254740991");
  REQUIRE_CODE(canonical_json(kMaxJsonInteger + 1), invalid_argument);
  REQUIRE_CODE(canonical_json(-kMaxJsonInteger - 1), invalid_argument);
  REQUIRE_CODE(canonical_json(std::uint64_t{1} << 53), invalid_argument);
  REQUIRE_CODE(canonical_json(~std::uint64_t{0}), invalid_argument);
  REQUIRE_CODE(canonical_json(INT64_MIN), invalid_argument);
  REQUIRE_CODE(canonical_json(Json::binary({1, 2})), invalid_argument);
  REQUIRE_CODE(canonical_json(Json(Json::value_t::discarded)), invalid_argument);
}

TEST_CASE("canonical JSON refuses text that is not UTF-8, in values and in names") {
  REQUIRE_CODE(canonical_json("\xFF"), invalid_argument);
  REQUIRE_CODE(canonical_json("\xED\xA0\x80"), invalid_argument);
  REQUIRE_CODE(canonical_json(Json{{"\xC0\x80", 1}}), invalid_argument);
}

TEST_CASE("parse_json refuses what is not one strict JSON text") {
  const std::pair<const char*, std::string> wrong[] = {
      {"empty", ""},
      {"white space", "  "},
      {"two values", "1 2"},
      {"trailing text", "{} x"},
      {"trailing comma", "[1,]"},
      {"trailing NUL", "{}\0"s},
      {"text behind a NUL", "{}\0garbage"s},
      {"NUL first", "\0{}"s},
      {"comment", "{} // no"},
      {"comment inside", "[1 /* no */]"},
      {"single quotes", "{'a':1}"},
      {"bare name", "{a:1}"},
      {"NaN", "NaN"},
      {"Infinity", "-Infinity"},
      {"leading zero", "01"},
      {"leading plus", "+1"},
      {"hex", "0x10"},
      {"fraction without digits", "1."},
      {"number out of range", "1e999"},
      {"control character in a string", "\"\x01\""},
      {"line break in a string", "\"\n\""},
      {"unknown escape", "\"\\x41\""},
      {"lone high surrogate", "\"\\ud800\""},
      {"lone low surrogate", "\"\\udc00\""},
      {"swapped surrogates", "\"\\udc00\\ud800\""},
      {"cut", "{\"a\":"},
      {"not UTF-8", "\"\xFF\""},
      {"overlong", "\"\xC0\xAF\""},
      {"duplicate name", R"({"a":1,"a":1})"},
      {"duplicate name behind an escape", R"({"a":1,"\u0061":2})"},
      {"duplicate name further in", R"([{"x":{"b":1,"c":2,"b":3}}])"},
  };
  for (const auto& [why, text] : wrong) {
    INFO(why);
    REQUIRE_CODE(parse_json(text), invalid_input);
  }
}

TEST_CASE("parse_json takes foreign but honest JSON") {
  REQUIRE(parse_json(" [1.5e3, -0.25, 12345678901234567890] ").value()[0] == 1500.0);
  REQUIRE(parse_json(R"({"a":{"x":1},"b":{"x":1}})").value().size() == 2);  // names per object
  REQUIRE(parse_json(R"("\ud83d\ude00")").value() == "😀");
  REQUIRE(parse_json("\"\\u0000\"").value() == "\0"s);
}

TEST_CASE("depth and size are limited: at the limit, and one past it") {
  REQUIRE_OK(parse_json(nested(64)));
  REQUIRE_CODE(parse_json(nested(65)), invalid_input);
  REQUIRE_CODE(parse_json(std::string(200000, '[')), invalid_input);
  REQUIRE_OK(parse_json(nested(3), {.max_bytes = 6, .max_depth = 3}));
  REQUIRE_CODE(parse_json(nested(3), {.max_bytes = 5, .max_depth = 3}), input_too_large);
  REQUIRE_CODE(parse_json(nested(3), {.max_bytes = 6, .max_depth = 2}), invalid_input);
  const std::string at_limit = "\"" + std::string((std::size_t{16} << 20) - 2, 'a') + "\"";
  REQUIRE_OK(parse_json(at_limit));
  REQUIRE_CODE(parse_json(at_limit + " "), input_too_large);
}

TEST_CASE("parse_canonical_json takes the canonical bytes only") {
  REQUIRE_OK(parse_canonical_json(R"({"a":1,"b":[true,null,"é"]})"));
  for (const char* wrong : {R"({"b":1,"a":2})", R"({"a": 1})", R"({"a":1} )", R"(["\u00e9"])",
                            R"(["\/"])", R"(["\u001F"])", "[1.0]", "[1e2]", "[-0]", "[1.5]",
                            "[9007199254740992]", "\xEF\xBB\xBF[]"}) {
    INFO(wrong);
    REQUIRE_CODE(parse_canonical_json(wrong), invalid_input);
  }
}

TEST_CASE("typed members") {
  const Json object = parse_json(R"({"s":"text","i":7,"f":1.5,"n":null,
      "max":9007199254740991,"min":-9007199254740991,
      "over":9007199254740992,"under":-9007199254740992,"huge":18446744073709551615})")
                          .value();
  REQUIRE(json_string(object, "s", "test").value() == "text");
  REQUIRE(json_integer(object, "i", "test").value() == 7);
  REQUIRE(json_integer(object, "max", "test").value() == kMaxJsonInteger);
  REQUIRE(json_integer(object, "min", "test").value() == -kMaxJsonInteger);
  for (const char* name : {"over", "under", "huge", "f", "s", "n", "absent"}) {
    INFO(name);
    REQUIRE_CODE(json_integer(object, name, "test"), invalid_input);
  }
  REQUIRE_CODE(json_integer(Json{{"i", kMaxJsonInteger + 1}}, "i", "test"), invalid_input);
  REQUIRE_CODE(json_integer(Json{{"i", INT64_MIN}}, "i", "test"), invalid_input);
  for (const char* name : {"i", "n", "absent"}) {
    INFO(name);
    REQUIRE_CODE(json_string(object, name, "test"), invalid_input);
  }
  REQUIRE_CODE(json_member(object, "n", "test"), invalid_input);
  REQUIRE_CODE(json_member(Json::array(), "s", "test"), invalid_input);
  REQUIRE(json_string(object, "absent", "the place").error().message.find("the place") !=
          std::string::npos);
}

TEST_CASE("a fallback stands for what is absent or null, never for another type") {
  const Json object{{"s", "text"}, {"i", 7}, {"n", nullptr}};
  REQUIRE(json_string_or(object, "s", "other", "test").value() == "text");
  REQUIRE(json_string_or(object, "n", "other", "test").value() == "other");
  REQUIRE(json_string_or(object, "absent", "other", "test").value() == "other");
  REQUIRE_CODE(json_string_or(object, "i", "other", "test"), invalid_input);
  REQUIRE_CODE(json_string_or(Json(5), "s", "other", "test"), invalid_input);
  REQUIRE(json_integer_or(object, "i", 9, "test").value() == 7);
  REQUIRE(json_integer_or(object, "absent", 9, "test").value() == 9);
  REQUIRE_CODE(json_integer_or(object, "s", 9, "test"), invalid_input);
}
