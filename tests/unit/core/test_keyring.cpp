#include "sigillo/core/keyring.hpp"

#include <sys/stat.h>

#include "support.hpp"

using namespace sigillo::core;
using namespace sigillo::test;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  TemporaryFolder folder;
  Keyring keyring{folder / "keys"};
  SeededEntropy entropy{1};
  FixedClock clock{{1785628800, 0}};  // 2026-08-02

  Result<KeyInfo> signing(std::string_view name, KeyAlgorithm algorithm = KeyAlgorithm::ed25519) {
    return keyring.generate_signing(name, algorithm, entropy, clock);
  }
  [[nodiscard]] fs::path file(const std::string& name) const { return folder / "keys" / name; }
};

unsigned mode_of(const fs::path& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777U;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "a signing key is made, described and used") {
  const KeyAlgorithm algorithm = GENERATE(KeyAlgorithm::ed25519, KeyAlgorithm::ecdsa_p256);
  const auto made = signing("release", algorithm);
  REQUIRE_OK(made);
  REQUIRE(made->kind == "signing");
  REQUIRE(made->algorithm == to_string(algorithm));
  REQUIRE(made->created_at == "2026-08-02T00:00:00Z");
  const auto info = keyring.info("release");
  REQUIRE_OK(info);
  REQUIRE(info->key_id == made->key_id);
  REQUIRE(info->public_key == made->public_key);
  const auto key = keyring.signing_key("release");
  REQUIRE_OK(key);
  REQUIRE(key->public_key().id().hex() == info->key_id);
  const auto public_key = PublicKey::from_pem(info->public_key);
  REQUIRE_OK(public_key->verify(as_bytes("m"), key->sign(as_bytes("m")).value()));
}

TEST_CASE_METHOD(Fixture, "a watermark key's id says nothing of the key") {
  const auto first = keyring.generate_watermark("mark", entropy, clock);
  REQUIRE_OK(first);
  REQUIRE(first->kind == "watermark");
  REQUIRE(first->algorithm == "uint64");
  REQUIRE(first->public_key.empty());
  const std::uint64_t value = keyring.watermark_key("mark").value();
  REQUIRE(first->key_id.find(hex_encode(ByteView(reinterpret_cast<const std::uint8_t*>(&value),
                                                 sizeof value))) == std::string::npos);
  // The same secret imported twice gets two ids.
  REQUIRE_OK(keyring.import_key("a", "42", entropy, clock));
  REQUIRE_OK(keyring.import_key("b", "42", entropy, clock));
  REQUIRE(keyring.watermark_key("a").value() == 42);
  REQUIRE(keyring.watermark_key("b").value() == 42);
  REQUIRE(keyring.info("a")->key_id != keyring.info("b")->key_id);
}

TEST_CASE_METHOD(Fixture, "files and folder are closed to others") {
  REQUIRE(in_child([&] {
            ::umask(0);
            const bool made = signing("s").has_value() &&
                              keyring.generate_watermark("w", entropy, clock).has_value();
            return made ? 0 : 1;
          }).exit == 0);
  REQUIRE(mode_of(folder / "keys") == 0700);
  for (const char* name : {"s.pem", "s.json", "w.watermark", "w.json"})
    REQUIRE(mode_of(file(name)) == 0600);
  REQUIRE(std::distance(fs::directory_iterator(folder / "keys"), fs::directory_iterator()) == 4);
  REQUIRE(read_text(file("s.json")).find("PRIVATE") == std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a secret that others may reach is refused") {
  REQUIRE_OK(signing("s"));
  REQUIRE_OK(keyring.generate_watermark("w", entropy, clock));
  for (unsigned mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0601U, 0666U}) {
    REQUIRE(::chmod(file("s.pem").c_str(), mode) == 0);
    REQUIRE(::chmod(file("w.watermark").c_str(), mode) == 0);
    REQUIRE_CODE(keyring.signing_key("s"), key_insecure);
    REQUIRE_CODE(keyring.watermark_key("w"), key_insecure);
    REQUIRE(keyring.signing_key("s").error().remedy.find("chmod 600") != std::string::npos);
  }
  for (unsigned mode : {0600U, 0400U}) {
    REQUIRE(::chmod(file("s.pem").c_str(), mode) == 0);
    REQUIRE_OK(keyring.signing_key("s"));
  }
}

TEST_CASE_METHOD(Fixture, "key names cannot leave the folder") {
  const std::string longest(64, 'a');
  for (const std::string& name :
       {std::string("a"), std::string("0"), std::string("a.b_c-9"), longest})
    REQUIRE_OK(signing(name));
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string(".a"), std::string("-a"),
        std::string("_a"), std::string("A"), std::string("a/b"), std::string("../a"),
        std::string("a b"), std::string("é"), std::string("a\n"), std::string("a\0b", 3),
        longest + "a"}) {
    INFO(name);
    REQUIRE_CODE(signing(name), invalid_argument);
    REQUIRE_CODE(keyring.import_key(name, "1", entropy, clock), invalid_argument);
    REQUIRE_CODE(keyring.info(name), key_missing);
  }
  REQUIRE(keyring.list().value().size() == 4);
}

TEST_CASE_METHOD(Fixture, "a key is never overwritten") {
  REQUIRE_OK(signing("k"));
  const std::string before = read_text(file("k.pem"));
  REQUIRE_CODE(signing("k"), already_exists);
  REQUIRE_CODE(keyring.generate_watermark("k", entropy, clock), already_exists);
  REQUIRE_CODE(keyring.import_key("k", "1", entropy, clock), already_exists);
  REQUIRE(read_text(file("k.pem")) == before);
}

TEST_CASE_METHOD(Fixture, "the list is sorted, and empty without a folder") {
  REQUIRE(keyring.list().value().empty());
  for (const char* name : {"m", "z", "a"}) REQUIRE_OK(signing(name));
  write_text(file("notes.txt"), "not a key");
  const auto keys = keyring.list().value();
  REQUIRE(keys.size() == 3);
  REQUIRE(keys[0].name == "a");
  REQUIRE(keys[1].name == "m");
  REQUIRE(keys[2].name == "z");
  write_text(file("broken.json"), "{");
  REQUIRE_CODE(keyring.list(), invalid_input);
}

TEST_CASE_METHOD(Fixture, "the wrong kind and the missing key are named") {
  REQUIRE_OK(signing("s"));
  REQUIRE_OK(keyring.generate_watermark("w", entropy, clock));
  REQUIRE_CODE(keyring.signing_key("w"), key_missing);
  REQUIRE_CODE(keyring.watermark_key("s"), key_missing);
  REQUIRE_CODE(keyring.signing_key("absent"), key_missing);
  REQUIRE(keyring.signing_key("absent").error().message.find("absent") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a key file that was exchanged is noticed") {
  REQUIRE_OK(signing("one"));
  REQUIRE_OK(signing("two"));
  fs::copy_file(file("two.pem"), file("one.pem"), fs::copy_options::overwrite_existing);
  REQUIRE(::chmod(file("one.pem").c_str(), 0600) == 0);
  REQUIRE_CODE(keyring.signing_key("one"), key_missing);
  fs::remove(file("two.pem"));
  REQUIRE_CODE(keyring.signing_key("two"), not_found);
}

TEST_CASE_METHOD(Fixture, "a description of another name is refused, wherever it leads") {
  REQUIRE_OK(signing("one"));
  REQUIRE_OK(signing("two"));
  fs::copy_file(file("two.json"), file("one.json"), fs::copy_options::overwrite_existing);
  REQUIRE_CODE(keyring.info("one"), invalid_input);
  REQUIRE_CODE(keyring.signing_key("one"), invalid_input);
  REQUIRE_CODE(keyring.list(), invalid_input);
  REQUIRE_OK(keyring.signing_key("two"));
}

TEST_CASE_METHOD(Fixture, "keys are imported from their files' text") {
  const PrivateKey key = PrivateKey::generate(KeyAlgorithm::ecdsa_p256, entropy).value();
  const auto imported = keyring.import_key("pem", key.pem().value(), entropy, clock);
  REQUIRE_OK(imported);
  REQUIRE(imported->algorithm == "ecdsa-p256");
  REQUIRE(keyring.signing_key("pem")->public_key().id() == key.public_key().id());
  REQUIRE_OK(keyring.import_key("mark", "0xfeedface01234567\n", entropy, clock));
  REQUIRE(keyring.watermark_key("mark").value() == 0xfeedface01234567U);
  REQUIRE_CODE(keyring.import_key("x", "hello", entropy, clock), invalid_input);
  REQUIRE_CODE(keyring.import_key("x", "-----BEGIN PRIVATE KEY-----\n", entropy, clock),
               invalid_input);
  REQUIRE_CODE(keyring.import_key("x", key.public_key().pem(), entropy, clock), invalid_input);
  REQUIRE_CODE(keyring.info("x"), key_missing);  // nothing was stored
}

TEST_CASE_METHOD(Fixture, "a watermark key may be a list of numbers") {
  REQUIRE_OK(keyring.import_key("list", "[654, 400, 0xff]\n", entropy, clock));
  REQUIRE(keyring.info("list")->algorithm == "uint64-list");
  const WatermarkKey key = keyring.watermark_values("list").value();
  REQUIRE(std::vector<std::uint64_t>(key.values().begin(), key.values().end()) ==
          std::vector<std::uint64_t>{654, 400, 255});
  REQUIRE_CODE(keyring.watermark_key("list"), unsupported);
  // What is stored can be imported again.
  REQUIRE_OK(keyring.import_key("again", read_text(file("list.watermark")), entropy, clock));
  REQUIRE(keyring.watermark_values("again")->values()[2] == 255);
  REQUIRE_OK(keyring.import_key("one", "42", entropy, clock));
  REQUIRE(keyring.info("one")->algorithm == "uint64");
  REQUIRE(keyring.watermark_values("one")->values().size() == 1);
}

TEST_CASE("lists of watermark numbers: forms, limits, refusals") {
  const auto values = [](std::string_view text) {
    const auto key = parse_watermark_values(text);
    return key.has_value() ? std::vector<std::uint64_t>(key->values().begin(), key->values().end())
                           : std::vector<std::uint64_t>();
  };
  const std::vector<std::uint64_t> pair = {1, 2};
  for (const char* text :
       {"1 2", "1,2", "1, 2", "[1,2]", " [ 1 , 2 ] \n", "1\n2\n", "0x1\r\n0x2"}) {
    INFO(text);
    REQUIRE(values(text) == pair);
  }
  REQUIRE(values("7") == std::vector<std::uint64_t>{7});
  std::string most = "0";
  for (int i = 1; i < 64; ++i) most += "," + std::to_string(i);
  REQUIRE(values(most).size() == 64);
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("[1]"), std::string("1,"), std::string(",1"),
        std::string("1,,2"), std::string("[1,2"), std::string("1,2]"), std::string("1 x"),
        std::string("1 -2"), std::string("1;2"), std::string("18446744073709551616 1"),
        std::string("1\0 2", 4), most + ",64"}) {
    INFO(text);
    REQUIRE_CODE(parse_watermark_values(text), invalid_input);
  }
  REQUIRE_CODE(WatermarkKey::from_values({}), invalid_argument);
  REQUIRE_CODE(WatermarkKey::from_values(std::vector<std::uint64_t>(65)), invalid_argument);
}

TEST_CASE("watermark keys are one unsigned 64-bit number") {
  REQUIRE(parse_watermark_key("0").value() == 0);
  REQUIRE(parse_watermark_key("18446744073709551615").value() == ~std::uint64_t{0});
  REQUIRE(parse_watermark_key("0xffffffffffffffff\n").value() == ~std::uint64_t{0});
  REQUIRE(parse_watermark_key("0xAb").value() == 0xab);
  for (const char* text :
       {"", "\n", "0x", "18446744073709551616", "0x10000000000000000", "-1", "+1", " 1", "1 ",
        "1\n\n", "1\r\n", "abc", "0xg", "0x-1", "0X1", "1.5"}) {
    INFO(text);
    REQUIRE_CODE(parse_watermark_key(text), invalid_input);
  }
}
