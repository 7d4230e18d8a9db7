#include "sigillo/core/dsse.hpp"

#include "support.hpp"

using namespace sigillo::core;

namespace {

PrivateKey make_key(std::uint64_t seed, KeyAlgorithm algorithm = KeyAlgorithm::ed25519) {
  SeededEntropy entropy(seed);
  auto key = PrivateKey::generate(algorithm, entropy);
  REQUIRE_OK(key);
  return *std::move(key);
}

Statement sample() {
  return Statement{{{"model.bin", sha256("model")}, {"", sha256("other")}},
                   "https://example.com/predicate/v1",
                   Json{{"z", 1}, {"a", "ü"}}};
}

std::string with_signatures(int count) {
  Json signatures = Json::array();
  for (int i = 0; i < count; ++i) signatures.push_back(Json{{"sig", "AAAA"}});
  return Json{{"payload", "aGVsbG8="}, {"payloadType", "t"}, {"signatures", signatures}}.dump();
}

}  // namespace

TEST_CASE("the pre-authentication encoding counts bytes") {
  const auto pae = [](std::string_view type, std::string_view payload) {
    return std::string(as_text(dsse_pae(type, as_bytes(payload))));
  };
  REQUIRE(pae("", "") == "DSSEv1 0  0 ");
  REQUIRE(pae("é", "😀") == "DSSEv1 2 é 4 😀");
  // The same characters, split at another place, are other bytes.
  REQUIRE(pae("a", "b c") != pae("a b", "c"));
}

TEST_CASE("an envelope is signed, written, read and verified") {
  const KeyAlgorithm algorithm = GENERATE(KeyAlgorithm::ed25519, KeyAlgorithm::ecdsa_p256);
  const PrivateKey key = make_key(1, algorithm);
  const auto signed_envelope = sign_envelope("text/plain", as_bytes("hello"), key);
  REQUIRE_OK(signed_envelope);
  const std::string text = envelope_bytes(*signed_envelope).value();
  REQUIRE(parse_canonical_json(text).value().size() == 3);
  const auto back = parse_canonical_envelope(text);
  REQUIRE_OK(back);
  REQUIRE(back->payload_type == "text/plain");
  REQUIRE(back->payload == to_bytes("hello"));
  REQUIRE(back->signatures.size() == 1);
  REQUIRE(back->signatures[0].key_id == key.public_key().id().hex());
  REQUIRE_OK(verify_envelope(*back, key.public_key()));
  REQUIRE_CODE(verify_envelope(*back, make_key(2, algorithm).public_key()), signature_invalid);

  Envelope changed = *back;
  changed.payload[0] ^= 1;
  REQUIRE_CODE(verify_envelope(changed, key.public_key()), signature_invalid);
  changed = *back;
  changed.payload_type = "text/html";
  REQUIRE_CODE(verify_envelope(changed, key.public_key()), signature_invalid);
  changed = *back;
  changed.signatures.clear();
  REQUIRE_CODE(verify_envelope(changed, key.public_key()), signature_invalid);
  changed = *back;
  changed.signatures[0].key_id = "somebody else";  // a hint, nothing more
  REQUIRE_OK(verify_envelope(changed, key.public_key()));
}

TEST_CASE("one good signature among several is enough, wherever it stands") {
  const PrivateKey key = make_key(1);
  Envelope envelope = sign_envelope("t", as_bytes("p"), make_key(2)).value();
  envelope.signatures.push_back({"", Bytes{1, 2, 3}});
  REQUIRE_CODE(verify_envelope(envelope, key.public_key()), signature_invalid);
  envelope.signatures.push_back(sign_envelope("t", as_bytes("p"), key).value().signatures[0]);
  REQUIRE_OK(verify_envelope(envelope, key.public_key()));
}

TEST_CASE("foreign envelopes are read: either alphabet, no keyid, unknown members") {
  const auto envelope = parse_envelope(
      R"({"extra":[1.5],"signatures":[{"sig":"-_8","cert":"x"}],"payloadType":"t","payload":"_-8="})");
  REQUIRE_OK(envelope);
  REQUIRE(hex_encode(envelope->payload) == "ffef");
  REQUIRE(hex_encode(envelope->signatures[0].signature) == "fbff");
  REQUIRE(envelope->signatures[0].key_id.empty());
}

TEST_CASE("malformed envelopes are refused") {
  for (const char* text :
       {"", "[]", "{}", R"({"payload":"","payloadType":"t"})",
        R"({"payload":"","payloadType":"t","signatures":{}})",
        R"({"payload":"","payloadType":"t","signatures":[]})",
        R"({"payload":"","payloadType":"t","signatures":[1]})",
        R"({"payload":"","payloadType":"t","signatures":[{"keyid":"k"}]})",
        R"({"payload":"","payloadType":"t","signatures":[{"sig":"*"}]})",
        R"({"payload":"","payloadType":"t","signatures":[{"sig":"","keyid":1}]})",
        R"({"payload":"*","payloadType":"t","signatures":[{"sig":""}]})",
        R"({"payload":1,"payloadType":"t","signatures":[{"sig":""}]})",
        R"({"payload":"","payloadType":1,"signatures":[{"sig":""}]})",
        R"({"payload":"","payload":"","payloadType":"t","signatures":[{"sig":""}]})"}) {
    INFO(text);
    REQUIRE_CODE(parse_envelope(text), invalid_input);
  }
  REQUIRE_OK(parse_envelope(R"({"payload":"","payloadType":"t","signatures":[{"sig":""}]})"));
}

TEST_CASE("sixteen signatures are the limit") {
  REQUIRE_OK(parse_envelope(with_signatures(1)));
  REQUIRE_OK(parse_envelope(with_signatures(16)));
  REQUIRE_CODE(parse_envelope(with_signatures(17)), invalid_input);
  REQUIRE_CODE(parse_envelope(with_signatures(0)), invalid_input);
}

TEST_CASE("a ledger leaf is the canonical envelope and no other form of it") {
  const std::string leaf =
      envelope_bytes(sign_envelope("t", as_bytes("p\x3f?>"), make_key(1)).value()).value();
  REQUIRE_OK(parse_canonical_envelope(leaf));
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = leaf;
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    return text;
  };
  const std::string payload = "\"" + base64_encode(as_bytes("p\x3f?>")) + "\"";
  REQUIRE(payload == "\"cD8/Pg==\"");
  for (const std::string& text :
       {leaf + "\n", " " + leaf, replaced("\"payload\":", "\"payload\": "),
        replaced("{\"payload\"", "{\"a\":1,\"payload\""), replaced(payload, "\"cD8_Pg==\""),
        replaced(payload, "\"cD8/Pg\""),
        replaced("\"payloadType\":\"t\"", "\"payloadType\":\"\\u0074\""),
        replaced("{\"keyid\"", "{\"extra\":1,\"keyid\"")}) {
    INFO(text);
    REQUIRE_OK(parse_envelope(text));
    REQUIRE_CODE(parse_canonical_envelope(text), invalid_input);
  }
}

TEST_CASE("an envelope whose text is not UTF-8 has no bytes") {
  REQUIRE_CODE(envelope_bytes(Envelope{"\xFF", {}, {{"", {}}}}), invalid_argument);
}

TEST_CASE("a statement is written canonically and read back") {
  const std::string text = statement_bytes(sample()).value();
  REQUIRE_OK(parse_canonical_json(text));
  REQUIRE(text.starts_with(
      R"({"_type":"https://in-toto.io/Statement/v1","predicate":{"a":"ü","z":1},)"));
  const auto back = parse_statement(text);
  REQUIRE_OK(back);
  REQUIRE(back->subjects == sample().subjects);
  REQUIRE(back->predicate_type == sample().predicate_type);
  REQUIRE(back->predicate == sample().predicate);
}

TEST_CASE("a statement without an object for its predicate has no bytes") {
  for (const Json& predicate : {Json(), Json(1), Json::array(), Json("text")}) {
    Statement statement = sample();
    statement.predicate = predicate;
    REQUIRE_CODE(statement_bytes(statement), invalid_argument);
  }
  Statement statement = sample();
  statement.predicate["flop"] = 1.5;
  REQUIRE_CODE(statement_bytes(statement), invalid_argument);
}

TEST_CASE("foreign statements are read, broken ones refused") {
  const std::string good =
      R"({"subject":[{"digest":{"gitCommit":"1","sha256":"HEX"},"uri":"x"}], "more":1.5,
          "_type":"https://in-toto.io/Statement/v1","predicateType":"t","predicate":{"f":0.5}})";
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    if (!from.empty()) {
      const std::size_t at = text.find(from);
      REQUIRE(at != std::string::npos);
      text.replace(at, from.size(), to);
    }
    const std::size_t hex = text.find("HEX");
    if (hex != std::string::npos) text.replace(hex, 3, sha256("x").hex());
    return text;
  };
  const auto statement = parse_statement(with("", ""));
  REQUIRE_OK(statement);
  REQUIRE(statement->subjects[0].sha256 == sha256("x"));
  REQUIRE(statement->subjects[0].name.empty());
  REQUIRE_CODE(parse_statement(with("Statement/v1", "Statement/v0.1")), unsupported);
  REQUIRE_CODE(parse_statement(with("\"_type\"", "\"type\"")), invalid_input);
  REQUIRE_CODE(parse_statement(with("\"predicateType\":\"t\",", "")), invalid_input);
  REQUIRE_CODE(parse_statement(with("{\"f\":0.5}", "[]")), invalid_input);
  REQUIRE_CODE(parse_statement(with("{\"f\":0.5}", "null")), invalid_input);
  REQUIRE_CODE(parse_statement(with("\"HEX\"", "\"00\"")), invalid_input);
  REQUIRE_CODE(parse_statement(with("\"sha256\"", "\"blake3\"")), invalid_input);
  REQUIRE_CODE(parse_statement(with("\"digest\"", "\"digests\"")), invalid_input);
  REQUIRE_CODE(parse_statement(R"({"_type":"https://in-toto.io/Statement/v1","predicateType":"t",)"
                               R"("predicate":{},"subject":[]})"),
               invalid_input);
}
