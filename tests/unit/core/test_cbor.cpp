#include "core/cbor.hpp"

#include <limits>
#include <vector>

#include "support.hpp"

using namespace sigillo::core;

namespace {

Bytes from_hex(std::string_view text) { return hex_decode(text).value(); }
std::string to_hex(const CborWriter& writer) { return hex_encode(writer.written()); }

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

// The integers of RFC 8949 appendix A, and those where the length of a head changes.
struct Integer {
  std::int64_t value;
  std::string_view hex;
};
const std::vector<Integer> kIntegers = {
    {0, "00"},
    {1, "01"},
    {10, "0a"},
    {23, "17"},
    {24, "1818"},
    {25, "1819"},
    {100, "1864"},
    {255, "18ff"},
    {256, "190100"},
    {1000, "1903e8"},
    {65535, "19ffff"},
    {65536, "1a00010000"},
    {1000000, "1a000f4240"},
    {4294967295, "1affffffff"},
    {4294967296, "1b0000000100000000"},
    {1000000000000, "1b000000e8d4a51000"},
    {kMost, "1b7fffffffffffffff"},
    {-1, "20"},
    {-10, "29"},
    {-24, "37"},
    {-25, "3818"},
    {-100, "3863"},
    {-1000, "3903e7"},
    {kLeast, "3b7fffffffffffffff"},
};

// Reads a map of integers to integers.
Status read_map(std::string_view hex) {
  const Bytes bytes = from_hex(hex);
  CborReader reader(bytes);
  SIGILLO_TRY_VOID(reader.map([&](std::int64_t key) -> Status {
    SIGILLO_TRY(const std::int64_t value, reader.integer());
    CHECK(value == key);
    return {};
  }));
  return reader.end();
}

}  // namespace

TEST_CASE("CBOR: integers are as RFC 8949 has them, there and back") {
  for (const Integer& one : kIntegers) {
    CAPTURE(one.value);
    CHECK(to_hex(CborWriter().integer(one.value)) == one.hex);
    const Bytes bytes = from_hex(one.hex);
    CborReader reader(bytes);
    CHECK(reader.integer().value() == one.value);
    CHECK(reader.end().has_value());
    CborReader again(bytes);
    if (one.value >= 0)
      CHECK(again.unsigned_integer().value() == static_cast<std::uint64_t>(one.value));
    else REQUIRE_CODE(again.unsigned_integer(), invalid_input);
  }
}

TEST_CASE("CBOR: strings, containers, tags and null are as RFC 8949 has them, there and back") {
  CborWriter writer;
  writer.tag(18).array(3).bytes(from_hex("01020304")).text("\u00fc").map(1).integer(-1).null();
  CHECK(to_hex(writer) ==
        "d2834401020304"
        "62c3bc"
        "a120f6");
  CborReader reader(writer.written());
  CHECK(reader.tag().value() == 18);
  CHECK(reader.array().value() == 3);
  const auto bytes = reader.bytes();
  REQUIRE_OK(bytes);
  CHECK(hex_encode(*bytes) == "01020304");
  CHECK(reader.text().value() == "\u00fc");
  REQUIRE_CODE(reader.end(), invalid_input);
  int pairs = 0;
  REQUIRE_OK(reader.map([&](std::int64_t key) -> Status {
    CHECK(key == -1);
    ++pairs;
    return reader.null();
  }));
  CHECK(pairs == 1);
  CHECK(reader.end().has_value());
  CHECK(to_hex(CborWriter().bytes({}).text("").array(0).map(0)) == "406080a0");
  // A length of two bytes, and the view is into the input.
  const Bytes long_one(300, 7);
  const CborWriter stored = CborWriter().bytes(long_one);
  CHECK(stored.written().size() == 303);
  CborReader of_long(stored.written());
  const auto view = of_long.bytes();
  REQUIRE_OK(view);
  CHECK(view->size() == 300);
  CHECK(view->data() == stored.written().data() + 3);
}

TEST_CASE("CBOR: what has another form of the same meaning is refused") {
  for (const std::string_view hex :
       {"1800", "1817", "190017", "1900ff", "1a0000ffff", "1b00000000ffffffff",  // longer heads
        "3800", "3817", "3900ff", "3b00000000ffffffff"}) {
    const Bytes bytes = from_hex(hex);
    REQUIRE_CODE(CborReader(bytes).integer(), invalid_input);
  }
  const auto refused = [](std::string_view hex, auto read) {
    CAPTURE(hex);
    const Bytes bytes = from_hex(hex);
    CborReader reader(bytes);
    CHECK_FALSE(read(reader).has_value());
  };
  const auto as_bytes_ = [](CborReader& r) { return r.bytes(); };
  const auto as_text_ = [](CborReader& r) { return r.text(); };
  const auto as_array = [](CborReader& r) { return r.array(); };
  const auto as_tag = [](CborReader& r) { return r.tag(); };
  const auto as_null = [](CborReader& r) { return r.null(); };
  for (const std::string_view hex : {"580101", "5f41014102ff", "590001ff"}) refused(hex, as_bytes_);
  for (const std::string_view hex : {"780161", "7f61616162ff"}) refused(hex, as_text_);
  for (const std::string_view hex : {"9801", "9f01ff", "9b0000000000000001"})
    refused(hex, as_array);
  for (const std::string_view hex : {"d812", "d90012"}) refused(hex, as_tag);
  for (const std::string_view hex : {"f816", "f7", "f4", "e0"}) refused(hex, as_null);
  REQUIRE_CODE(read_map("bf0101ff"), invalid_input);
  REQUIRE_CODE(read_map("b8010101"), invalid_input);
}

TEST_CASE("CBOR: what is cut off, malformed or of another kind is refused") {
  const auto wrong = [](std::string_view hex) {
    CAPTURE(hex);
    const Bytes bytes = from_hex(hex);
    REQUIRE_CODE(CborReader(bytes).bytes(), invalid_input);
  };
  for (const std::string_view hex : {"",
                                     "58",
                                     "5803",
                                     "430102",
                                     "5bffffffffffffffff",
                                     "5a7fffffff",
                                     "1c",
                                     "3d",
                                     "5c",
                                     "fc",
                                     "ff",
                                     "60",
                                     "80",
                                     "a0",
                                     "00",
                                     "20",
                                     "c0",
                                     "f6",
                                     "f5",
                                     "f97e00",
                                     "fb3ff199999999999a"})
    wrong(hex);
  // More than 63 bits.
  for (const std::string_view hex :
       {"1b8000000000000000", "3b8000000000000000", "1bffffffffffffffff"}) {
    const Bytes bytes = from_hex(hex);
    REQUIRE_CODE(CborReader(bytes).integer(), invalid_input);
  }
  // Text that is not UTF-8: a lone byte, a surrogate, an overlong form.
  for (const std::string_view hex : {"61ff", "63eda080", "62c080"}) {
    const Bytes bytes = from_hex(hex);
    REQUIRE_CODE(CborReader(bytes).text(), invalid_input);
  }
  // A length that is claimed allocates nothing: it is only a number here.
  const Bytes huge = from_hex("9a7fffffff");
  CHECK(CborReader(huge).array().value() == 0x7fffffff);
}

TEST_CASE("CBOR: the keys of a map are in order, and each is there once") {
  REQUIRE_OK(read_map("a0"));
  REQUIRE_OK(read_map("a30101181818182020"));  // 1, 24, -1: by their bytes
  for (const std::string_view hex : {"a201010101",
                                     "a2020201"
                                     "01",
                                     "a220200101",
                                     "a21818181801"
                                     "01",
                                     "a2202020"
                                     "20"})
    REQUIRE_CODE(read_map(hex), invalid_input);
  REQUIRE_CODE(read_map("a1"), invalid_input);        // no pair
  REQUIRE_CODE(read_map("a101"), invalid_input);      // no value
  REQUIRE_CODE(read_map("a1616101"), invalid_input);  // a key that is a text
  REQUIRE_CODE(read_map("a1010100"), invalid_input);  // something follows
  REQUIRE_CODE(read_map("ba7fffffff0101"), invalid_input);
}
