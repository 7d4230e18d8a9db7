#include "sigillo/core/bytes.hpp"

#include <random>

#include "sigillo/core/digest.hpp"
#include "support.hpp"

using namespace sigillo::core;

namespace {

Bytes random_bytes(std::mt19937& random, std::size_t size) {
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() & 0xFFU);
  return bytes;
}

std::string text_of(const Bytes& bytes) { return std::string(as_text(bytes)); }

}  // namespace

TEST_CASE("hex takes lower-case digits in pairs and nothing else") {
  REQUIRE(hex_encode(Bytes{0x00, 0x0f, 0xa5, 0xff}) == "000fa5ff");
  REQUIRE(hex_encode({}).empty());
  REQUIRE(hex_decode("000fa5ff").value() == Bytes{0x00, 0x0f, 0xa5, 0xff});
  REQUIRE(hex_decode("").value().empty());
  for (const char* wrong : {"0", "000", "0F", "A0", "0x00", "g0", "0g", " 0", "0 ", "/0", ":0",
                            "`0", "00\n", "\xC3\xA9"})
    REQUIRE_CODE(hex_decode(wrong), invalid_input);
}

TEST_CASE("every byte survives hex and base64") {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 200; ++size) {
    const Bytes bytes = random_bytes(random, size);
    REQUIRE(hex_decode(hex_encode(bytes)).value() == bytes);
    REQUIRE(base64_decode(base64_encode(bytes)).value() == bytes);
    REQUIRE(base64_decode_any(base64_encode(bytes)).value() == bytes);
  }
}

TEST_CASE("base64_decode refuses every class of malformed text") {
  const std::pair<const char*, const char*> wrong[] = {
      {"one character", "Z"},
      {"two without padding", "Zg"},
      {"three without padding", "Zm8"},
      {"one padding of two", "Zg="},
      {"three paddings", "Z==="},
      {"padding only", "===="},
      {"two paddings only", "=="},
      {"padding too many by a group", "Zm9v===="},
      {"padding inside", "Zg==Zg=="},
      {"padding before a character", "Zm=v"},
      {"unused bits, one byte", "Zh=="},
      {"unused bits, two bytes", "Zm9="},
      {"URL-safe minus", "-_-_"},
      {"URL-safe underscore", "AA_A"},
      {"white space", "Zm 9"},
      {"line break at the end", "Zm9v\n"},
      {"line break inside", "Zm9\n"},
      {"a byte past ASCII", "Zm9\xC3"},
      {"other punctuation", "Zm9*"},
  };
  for (const auto& [why, text] : wrong) {
    INFO(why);
    REQUIRE_CODE(base64_decode(text), invalid_input);
  }
  REQUIRE_CODE(base64_decode(std::string_view("Zm9\0", 4)), invalid_input);
}

TEST_CASE("base64 has exactly one text for each value") {
  // All texts of four characters whose first two are fixed: each that decodes must encode back.
  int accepted = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text = {'Z', 'm', static_cast<char>(a), static_cast<char>(b)};
      const auto bytes = base64_decode(text);
      if (!bytes.has_value()) continue;
      ++accepted;
      if (base64_encode(*bytes) != text) FAIL(text);
    }
  }
  REQUIRE(accepted == 64 * 64 + 16 + 0);  // three bytes; two; "Zm==" has unused bits
}

TEST_CASE("base64_decode_any also takes the URL-safe alphabet and missing padding") {
  REQUIRE(base64_decode_any("-_-_").value() == base64_decode("+/+/").value());
  REQUIRE(base64_decode_any("+_-/").value() == base64_decode("+/+/").value());
  REQUIRE(text_of(base64_decode_any("Zg").value()) == "f");
  REQUIRE(text_of(base64_decode_any("Zg==").value()) == "f");
  REQUIRE(text_of(base64_decode_any("Zm8").value()) == "fo");
  REQUIRE(text_of(base64_decode_any("Zm8=").value()) == "fo");
  REQUIRE(base64_decode_any("").value().empty());
  for (const char* wrong : {"Z", "Zh", "Zm9", "Zm9v\n", "Zm 9", "Zg=Z", "Zm9vZ"})
    REQUIRE_CODE(base64_decode_any(wrong), invalid_input);
  // Padding may be missing, not wrong.
  for (const char* wrong : {"Zg=", "Zg===", "Zm8==", "Zm9v=", "Zm9v====", "=", "===="})
    REQUIRE_CODE(base64_decode_any(wrong), invalid_input);
}

TEST_CASE("integers are big-endian") {
  Bytes out;
  append_u16(out, 0x0102);
  append_u64(out, 0x0304050607080910U);
  REQUIRE(hex_encode(out) == "01020304050607080910");
  out.clear();
  append_u64(out, ~std::uint64_t{0});
  REQUIRE(hex_encode(out) == "ffffffffffffffff");
}

TEST_CASE("UTF-8 is well-formed or refused") {
  for (const char* good :
       {"", "plain", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "\xF0\x9F\x98\x80 ok"})
    REQUIRE(is_utf8(good));
  REQUIRE(is_utf8(std::string_view("\0", 1)));
  const std::pair<const char*, const char*> wrong[] = {
      {"lone continuation", "\x80"},
      {"overlong NUL", "\xC0\x80"},
      {"overlong, two bytes", "\xC1\xBF"},
      {"overlong, three bytes", "\xE0\x9F\xBF"},
      {"overlong, four bytes", "\xF0\x8F\xBF\xBF"},
      {"first surrogate", "\xED\xA0\x80"},
      {"last surrogate", "\xED\xBF\xBF"},
      {"past U+10FFFF", "\xF4\x90\x80\x80"},
      {"lead F5", "\xF5\x80\x80\x80"},
      {"FE", "\xFE"},
      {"FF", "\xFF"},
      {"cut after the lead of two", "a\xC2"},
      {"cut after two of three", "a\xE2\x82"},
      {"cut after three of four", "a\xF0\x9F\x98"},
      {"lead where a continuation belongs", "\xC2\xC2"},
      {"ASCII where a continuation belongs", "\xE2\x82 "},
      {"five-byte form", "\xF8\x88\x80\x80\x80"},
  };
  for (const auto& [why, text] : wrong) {
    INFO(why);
    REQUIRE_FALSE(is_utf8(text));
  }
}

TEST_CASE("every code point is UTF-8 except the surrogates") {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  for (std::uint32_t c = 0x800; c < 0x110000; ++c) {
    const std::string text =
        c < 0x10000
            ? std::string{byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63))}
            : std::string{byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 63)),
                          byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63))};
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    if (is_utf8(text) == surrogate) FAIL(c);
  }
  SUCCEED();
}

TEST_CASE("secure_zero overwrites") {
  Bytes secret{1, 2, 3, 4};
  secure_zero(secret.data(), secret.size());
  REQUIRE(secret == Bytes(4));
}

TEST_CASE("a digest reads its own text and nothing else") {
  const Digest digest = sha256("abc");
  REQUIRE(Digest::from_hex(digest.hex()).value() == digest);
  REQUIRE(Digest::from_bytes(digest.view()).value() == digest);
  REQUIRE_CODE(Digest::from_hex(digest.hex().substr(2)), invalid_input);
  REQUIRE_CODE(Digest::from_hex(digest.hex() + "00"), invalid_input);
  REQUIRE_CODE(Digest::from_hex("sha256:" + digest.hex()), invalid_input);
  REQUIRE_CODE(Digest::from_bytes(digest.view().first(31)), invalid_input);
}

TEST_CASE("one hasher serves many messages, in pieces of any size") {
  std::mt19937 random(2);
  Sha256 hasher;
  for (std::size_t size : {0U, 1U, 55U, 56U, 63U, 64U, 65U, 1000U}) {
    const Bytes message = random_bytes(random, size);
    for (std::size_t at = 0; at < size;) {
      const std::size_t piece = std::min<std::size_t>(1 + random() % 70, size - at);
      hasher.update(ByteView(message).subspan(at, piece));
      at += piece;
    }
    REQUIRE(hasher.finish() == sha256(ByteView(message)));
  }
  Sha256 moved = std::move(hasher);
  REQUIRE(moved.update("abc").finish() == sha256("abc"));
}

TEST_CASE("HMAC takes an empty key and an empty message") {
  REQUIRE(hmac_sha256({}, {}).hex() ==
          "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  // A key longer than a block is hashed first.
  const Bytes key(65, 7);
  REQUIRE(hmac_sha256(key, as_bytes("m")) ==
          hmac_sha256(sha256(ByteView(key)).view(), as_bytes("m")));
}
