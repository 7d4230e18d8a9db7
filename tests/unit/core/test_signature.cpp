#include "sigillo/core/signature.hpp"

#include "support.hpp"

using namespace sigillo::core;
using namespace sigillo::test;

namespace {

PrivateKey make_key(KeyAlgorithm algorithm, std::uint64_t seed) {
  SeededEntropy entropy(seed);
  auto key = PrivateKey::generate(algorithm, entropy);
  REQUIRE_OK(key);
  return *std::move(key);
}

// Runs a command with its output thrown away; true if it exits with 0.
bool succeeds(const std::string& command) {
  const int status = std::system((command + " >/dev/null 2>&1").c_str());
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("algorithms have names") {
  for (const KeyAlgorithm algorithm : {KeyAlgorithm::ed25519, KeyAlgorithm::ecdsa_p256})
    REQUIRE(key_algorithm(to_string(algorithm)).value() == algorithm);
  REQUIRE_CODE(key_algorithm("rsa"), unsupported);
  REQUIRE_CODE(key_algorithm("Ed25519"), unsupported);
}

TEST_CASE("signatures hold under their key, over their message, and under nothing else") {
  const KeyAlgorithm algorithm = GENERATE(KeyAlgorithm::ed25519, KeyAlgorithm::ecdsa_p256);
  INFO(to_string(algorithm));
  const PrivateKey key = make_key(algorithm, 1);
  const PrivateKey other = make_key(algorithm, 2);
  const Bytes message = to_bytes("what was said");
  const Bytes signature = key.sign(message).value();
  REQUIRE_OK(key.public_key().verify(message, signature));
  REQUIRE_CODE(other.public_key().verify(message, signature), signature_invalid);
  for (std::size_t i = 0; i < message.size(); ++i) {
    Bytes changed = message;
    changed[i] ^= 1;
    REQUIRE_CODE(key.public_key().verify(changed, signature), signature_invalid);
  }
  for (std::size_t i = 0; i < signature.size(); ++i) {
    Bytes changed = signature;
    changed[i] ^= 1;
    REQUIRE_CODE(key.public_key().verify(message, changed), signature_invalid);
  }
  for (std::size_t size = 0; size < signature.size(); ++size)
    REQUIRE_CODE(key.public_key().verify(message, ByteView(signature).first(size)),
                 signature_invalid);
  Bytes longer = signature;
  longer.push_back(0);
  REQUIRE_CODE(key.public_key().verify(message, longer), signature_invalid);
  REQUIRE_OK(key.public_key().verify({}, key.sign({}).value()));
  REQUIRE_CODE(key.public_key().verify({}, signature), signature_invalid);
}

TEST_CASE("keys of different algorithms do not verify each other's signatures") {
  const PrivateKey ed25519 = make_key(KeyAlgorithm::ed25519, 1);
  const PrivateKey p256 = make_key(KeyAlgorithm::ecdsa_p256, 1);
  const Bytes message = to_bytes("m");
  REQUIRE_CODE(p256.public_key().verify(message, ed25519.sign(message).value()), signature_invalid);
  REQUIRE_CODE(ed25519.public_key().verify(message, p256.sign(message).value()), signature_invalid);
}

TEST_CASE("generation depends on the entropy alone") {
  const KeyAlgorithm algorithm = GENERATE(KeyAlgorithm::ed25519, KeyAlgorithm::ecdsa_p256);
  REQUIRE(make_key(algorithm, 5).pem().value() == make_key(algorithm, 5).pem().value());
  REQUIRE(make_key(algorithm, 5).public_key().id() != make_key(algorithm, 6).public_key().id());
  REQUIRE(make_key(algorithm, 5).public_key().algorithm() == algorithm);

  class Broken final : public Entropy {
    Status fill(std::span<std::uint8_t>) override {
      return Error{ErrorCode::io_error, "no entropy", ""};
    }
  } broken;
  REQUIRE_CODE(PrivateKey::generate(algorithm, broken), io_error);
}

TEST_CASE("a scalar outside the group's order is drawn again") {
  class HighFirst final : public Entropy {
   public:
    int calls = 0;
    Status fill(std::span<std::uint8_t> out) override {
      std::fill(out.begin(), out.end(), static_cast<std::uint8_t>(calls == 0 ? 0xFF : 0x11));
      ++calls;
      return {};
    }
  } entropy;
  REQUIRE_OK(PrivateKey::generate(KeyAlgorithm::ecdsa_p256, entropy));
  REQUIRE(entropy.calls == 2);
}

TEST_CASE("secrets have 32 bytes and lie in the group") {
  const Bytes order =
      hex_decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").value();
  Bytes last = order;
  --last.back();
  REQUIRE_OK(PrivateKey::from_p256_scalar(last));
  REQUIRE_CODE(PrivateKey::from_p256_scalar(order), invalid_input);
  REQUIRE_CODE(PrivateKey::from_p256_scalar(Bytes(32)), invalid_input);
  for (std::size_t size : {0U, 31U, 33U}) {
    REQUIRE_CODE(PrivateKey::from_p256_scalar(Bytes(size, 1)), invalid_input);
    REQUIRE_CODE(PrivateKey::from_ed25519_seed(Bytes(size, 1)), invalid_input);
    REQUIRE_CODE(PublicKey::from_ed25519(Bytes(size, 1)), invalid_input);
  }
}

TEST_CASE("an Ed25519 point of small order, or in a second form, is no key") {
  // The eight torsion points, the other sign of those with x = 0, and each y that is not below p.
  std::vector<std::string> refused = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0000000000000000000000000000000000000000000000000000000000000080",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000080",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"};
  for (int low = 0xed; low <= 0xff; ++low)
    for (const char* high : {"7f", "ff"}) {
      const auto first = static_cast<std::uint8_t>(low);
      refused.push_back(hex_encode(ByteView(&first, 1)) + std::string(60, 'f') + high);
    }
  const Bytes prefix = hex_decode("302a300506032b6570032100").value();
  for (const std::string& point : refused) {
    INFO(point);
    const Bytes raw = hex_decode(point).value();
    REQUIRE(raw.size() == 32);
    REQUIRE_CODE(PublicKey::from_ed25519(raw), invalid_input);
    Bytes spki = prefix;
    spki.insert(spki.end(), raw.begin(), raw.end());
    REQUIRE_CODE(PublicKey::from_spki_der(spki), invalid_input);
  }
  // The neighbours: the base point, and p - 2 in place of p - 1.
  REQUIRE_OK(PublicKey::from_ed25519(
      hex_decode("5866666666666666666666666666666666666666666666666666666666666666").value()));
  REQUIRE_OK(PublicKey::from_ed25519(
      hex_decode("ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f").value()));
}

TEST_CASE("keys survive PEM and DER") {
  const KeyAlgorithm algorithm = GENERATE(KeyAlgorithm::ed25519, KeyAlgorithm::ecdsa_p256);
  const PrivateKey key = make_key(algorithm, 3);
  const std::string pem = key.pem().value();
  REQUIRE(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
  const auto back = PrivateKey::from_pem(pem);
  REQUIRE_OK(back);
  REQUIRE(back->public_key().id() == key.public_key().id());
  const Bytes message = to_bytes("m");
  REQUIRE_OK(key.public_key().verify(message, back->sign(message).value()));

  const PublicKey& public_key = key.public_key();
  REQUIRE(PublicKey::from_pem(public_key.pem()).value().id() == public_key.id());
  REQUIRE(PublicKey::from_spki_der(public_key.spki_der()).value().id() == public_key.id());
  REQUIRE(public_key.id() == sha256(ByteView(public_key.spki_der())));
  if (algorithm == KeyAlgorithm::ed25519) {
    const Bytes raw = public_key.ed25519_raw().value();
    REQUIRE(PublicKey::from_ed25519(raw).value().id() == public_key.id());
  } else {
    REQUIRE_CODE(public_key.ed25519_raw(), unsupported);
  }
}

TEST_CASE("a moved key still signs") {
  PrivateKey key = make_key(KeyAlgorithm::ed25519, 4);
  const Digest id = key.public_key().id();
  PrivateKey moved = std::move(key);
  REQUIRE(moved.public_key().id() == id);
  PrivateKey assigned = make_key(KeyAlgorithm::ed25519, 5);
  assigned = std::move(moved);
  REQUIRE(assigned.public_key().id() == id);
  REQUIRE_OK(assigned.public_key().verify({}, assigned.sign({}).value()));
}

TEST_CASE("what is no key is refused") {
  const PrivateKey key = make_key(KeyAlgorithm::ed25519, 1);
  for (const std::string& text : {std::string(), std::string("hello"), key.public_key().pem(),
                                  key.pem().value().substr(0, 60)}) {
    REQUIRE_CODE(PrivateKey::from_pem(text), invalid_input);
  }
  for (const std::string& text : {std::string(), std::string("hello"), key.pem().value()})
    REQUIRE_CODE(PublicKey::from_pem(text), invalid_input);
  const Bytes& der = key.public_key().spki_der();
  for (std::size_t size = 0; size < der.size(); ++size)
    REQUIRE_CODE(PublicKey::from_spki_der(ByteView(der).first(size)), invalid_input);
  Bytes longer = der;
  longer.push_back(0);
  REQUIRE_CODE(PublicKey::from_spki_der(longer), invalid_input);
}

TEST_CASE("raw P-256 signatures become DER") {
  Bytes raw(64);
  raw[31] = 1;     // r = 1
  raw[32] = 0x80;  // s has its top bit set: DER puts a zero before it
  REQUIRE(hex_encode(ecdsa_der(raw).value()) == "302602010102210080" + std::string(62, '0'));
  REQUIRE_CODE(ecdsa_der(Bytes(63)), invalid_input);
  REQUIRE_CODE(ecdsa_der(Bytes(65)), invalid_input);
  REQUIRE_CODE(ecdsa_der({}), invalid_input);
}

TEST_CASE("the openssl command agrees on keys and signatures") {
  if (!succeeds("openssl version")) {
    WARN("the openssl command is not installed: nothing was compared");
    return;
  }
  const KeyAlgorithm algorithm = GENERATE(KeyAlgorithm::ed25519, KeyAlgorithm::ecdsa_p256);
  const bool ed25519 = algorithm == KeyAlgorithm::ed25519;
  INFO(to_string(algorithm));
  const TemporaryFolder folder;
  const auto at = [&](const char* name) { return "'" + (folder / name).string() + "'"; };
  const PrivateKey key = make_key(algorithm, 8);
  const std::string message = "agreed by two programs";
  write_text(folder / "message", message);
  write_text(folder / "key.pem", key.pem().value());
  write_text(folder / "public.pem", key.public_key().pem());

  // Our public key is what openssl derives from our private key.
  REQUIRE(succeeds("openssl pkey -in " + at("key.pem") + " -pubout -out " + at("derived.pem")));
  REQUIRE(read_text(folder / "derived.pem") == key.public_key().pem());

  const std::string verify = (ed25519 ? "openssl pkeyutl -verify -rawin -pubin -inkey "
                                      : "openssl dgst -sha256 -verify ") +
                             at("public.pem") +
                             (ed25519 ? " -in " + at("message") + " -sigfile " + at("signature")
                                      : " -signature " + at("signature") + " " + at("message"));
  write_text(folder / "signature", std::string(as_text(key.sign(as_bytes(message)).value())));
  REQUIRE(succeeds(verify));
  write_text(folder / "message", message + "!");
  REQUIRE_FALSE(succeeds(verify));  // it does look
  write_text(folder / "message", message);

  REQUIRE(succeeds(ed25519 ? "openssl pkeyutl -sign -rawin -inkey " + at("key.pem") + " -in " +
                                 at("message") + " -out " + at("theirs")
                           : "openssl dgst -sha256 -sign " + at("key.pem") + " -out " +
                                 at("theirs") + " " + at("message")));
  REQUIRE_OK(key.public_key().verify(as_bytes(message), as_bytes(read_text(folder / "theirs"))));

  // Keys of other kinds are named as unsupported, encrypted ones are refused without a prompt.
  for (const char* kind : {"-algorithm X25519", "-algorithm ED448",
                           "-algorithm EC -pkeyopt ec_paramgen_curve:P-384"}) {
    INFO(kind);
    REQUIRE(succeeds("openssl genpkey " + std::string(kind) + " -out " + at("foreign.pem")));
    REQUIRE_CODE(PrivateKey::from_pem(read_text(folder / "foreign.pem")), unsupported);
    REQUIRE(succeeds("openssl pkey -in " + at("foreign.pem") + " -pubout -out " + at("f.pem")));
    REQUIRE_CODE(PublicKey::from_pem(read_text(folder / "f.pem")), unsupported);
  }
  REQUIRE(succeeds("openssl pkcs8 -topk8 -v2 aes-256-cbc -passout pass:secret -in " +
                   at("key.pem") + " -out " + at("encrypted.pem")));
  REQUIRE_CODE(PrivateKey::from_pem(read_text(folder / "encrypted.pem")), invalid_input);
}
