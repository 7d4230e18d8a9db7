// Published vectors, from tests/vectors/core.
#include <nlohmann/json.hpp>
#include <sstream>

#include "sigillo/core/digest.hpp"
#include "sigillo/core/dsse.hpp"
#include "sigillo/core/json.hpp"
#include "sigillo/core/signature.hpp"
#include "support.hpp"
#include "tests/vectors/vector_file.hpp"

using namespace sigillo::core;
using sigillo::test::each_vector;
using sigillo::test::Vector;

namespace {

std::filesystem::path vectors(const char* name) {
  return std::filesystem::path(SIGILLO_VECTORS) / "core" / name;
}

int read_vectors(const std::string& text, const std::function<void(Vector&)>& use) {
  std::istringstream in(text);
  return each_vector(in, "control", use);
}

}  // namespace

TEST_CASE("control: the reader of vector files refuses every kind of slip") {
  const auto read_a = [](Vector& v) { (void)v.text("a"); };
  REQUIRE(read_vectors("# comment\n\na: 1\n\n\na: 2\nb:\n", [](Vector& v) {
            (void)v.text("a");
            if (v.has("b")) REQUIRE(v.text("b").empty());
          }) == 2);
  REQUIRE_THROWS(read_vectors("a: 1\nb: 2\n", read_a));  // an attribute that nobody read
  REQUIRE_THROWS(read_vectors("aa: 1\n", read_a));       // a name that is not there
  REQUIRE_THROWS(read_vectors("a: 1\na: 2\n", read_a));  // twice
  REQUIRE_THROWS(read_vectors("a 1\n", read_a));         // no colon
  REQUIRE_THROWS(read_vectors("a:1\n", read_a));         // no space
  REQUIRE_THROWS(read_vectors("", read_a));              // nothing
  REQUIRE_THROWS(read_vectors("# a: 1\n", read_a));      // only comments
  REQUIRE_THROWS(read_vectors("a: xy\n", [](Vector& v) { (void)v.hex("a"); }));
  REQUIRE_THROWS(read_vectors("a: 1x\n", [](Vector& v) { (void)v.integer("a"); }));
  REQUIRE_THROWS(each_vector(vectors("no such file.txt"), read_a));
}

TEST_CASE("base64: RFC 4648") {
  const int count = each_vector(vectors("base64.txt"), [](Vector& v) {
    INFO(v.place());
    const Bytes bytes = v.hex("hex");
    const std::string text = v.text("base64");
    REQUIRE(base64_encode(bytes) == text);
    REQUIRE(base64_decode(text).value() == bytes);
    REQUIRE(base64_decode_any(text).value() == bytes);
  });
  REQUIRE(count == 8);
}

TEST_CASE("SHA-256: FIPS 180-4") {
  const int count = each_vector(vectors("sha256.txt"), [](Vector& v) {
    INFO(v.place());
    const std::string text = v.text("text");
    const std::int64_t repeat = v.integer("repeat");
    Sha256 hasher;
    for (std::int64_t i = 0; i < repeat; ++i) hasher.update(text);
    const std::string expected = v.text("sha256");
    REQUIRE(hasher.finish().hex() == expected);
    if (repeat == 1) REQUIRE(sha256(text).hex() == expected);
  });
  REQUIRE(count == 5);
}

TEST_CASE("HMAC-SHA-256: RFC 4231") {
  const int count = each_vector(vectors("hmac_sha256.txt"), [](Vector& v) {
    INFO(v.text("section"));
    const std::string expected = v.text("hmac");
    REQUIRE(expected.size() == (v.text("section") == "4.6" ? 32 : 64));
    REQUIRE(hmac_sha256(v.hex("key"), v.hex("message")).hex().substr(0, expected.size()) ==
            expected);
  });
  REQUIRE(count == 7);
}

TEST_CASE("canonical JSON: RFC 8785") {
  const int count = each_vector(vectors("jcs.txt"), [](Vector& v) {
    INFO(v.place());
    const auto value = parse_json(v.text("json"));
    REQUIRE_OK(value);
    const Bytes expected = v.hex("canonical");
    REQUIRE(canonical_json(*value).value() == as_text(expected));
    REQUIRE(parse_canonical_json(as_text(expected)).value() == *value);
  });
  REQUIRE(count == 8);
}

TEST_CASE("Ed25519: RFC 8032") {
  const int count = each_vector(vectors("ed25519.txt"), [](Vector& v) {
    INFO(v.place());
    const auto key = PrivateKey::from_ed25519_seed(v.hex("secret"));
    REQUIRE_OK(key);
    const Bytes public_bytes = v.hex("public");
    const Bytes message = v.hex("message");
    const Bytes signature = v.hex("signature");
    REQUIRE(key->public_key().ed25519_raw().value() == public_bytes);
    REQUIRE(key->sign(message).value() == signature);
    const auto public_key = PublicKey::from_ed25519(public_bytes);
    REQUIRE_OK(public_key);
    REQUIRE_OK(public_key->verify(message, signature));
    Bytes longer = message;
    longer.push_back(0);
    REQUIRE_CODE(public_key->verify(longer, signature), signature_invalid);
  });
  REQUIRE(count == 3);
}

TEST_CASE("DSSE: the protocol's own vector, with its raw P-256 signature") {
  const int count = each_vector(vectors("dsse.txt"), [](Vector& v) {
    INFO(v.place());
    const std::string type = v.text("payload_type");
    const std::string payload = v.text("payload");
    REQUIRE(as_text(dsse_pae(type, as_bytes(payload))) == v.text("pae"));

    const auto key = PrivateKey::from_p256_scalar(v.hex("d"));
    REQUIRE_OK(key);
    // An uncompressed point ends the SubjectPublicKeyInfo: 04, x, y.
    const std::string spki = hex_encode(key->public_key().spki_der());
    REQUIRE(spki.ends_with("04" + v.text("x") + v.text("y")));

    const Bytes raw = base64_decode(v.text("signature")).value();
    const Bytes der = ecdsa_der(raw).value();
    Envelope envelope{type, to_bytes(payload), {{"", der}}};
    REQUIRE_OK(verify_envelope(envelope, key->public_key()));
    envelope.payload.back() ^= 1;
    REQUIRE_CODE(verify_envelope(envelope, key->public_key()), signature_invalid);
    // The raw form itself is not what verify takes.
    REQUIRE_CODE(key->public_key().verify(dsse_pae(type, as_bytes(payload)), raw),
                 signature_invalid);
  });
  REQUIRE(count == 1);
}
