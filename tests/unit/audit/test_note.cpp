#include "sigillo/audit/note.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/unit/audit/tree_fixture.hpp"

namespace {

using namespace sigillo::audit;
using namespace sigillo::audit::test;
namespace core = sigillo::core;

constexpr std::string_view kNeumann =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr std::string_view kEnoch =
    "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
constexpr std::string_view kWitness =
    "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
constexpr std::string_view kText =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
constexpr std::string_view kNeumannLine =
    "\xE2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf"
    "qdngotpRZb6KE6RyyBwJnAM=\n";
constexpr std::string_view kEnochLine =
    "\xE2\x80\x94 EnochRoot "
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTG"
    "wnWLox33WWd1RvMc+QQ=\n";

NoteVerifier neumann() { return NoteVerifier::parse(kNeumann).value(); }
NoteVerifier enoch() { return NoteVerifier::parse(kEnoch).value(); }

// A line that has the right form, for a key that nobody knows.
std::string unknown_line(std::string_view name, std::size_t size = 68) {
  return fmt::format("\xE2\x80\x94 {} {}\n", name, core::base64_encode(core::Bytes(size, 7)));
}
std::string note_of(std::string_view text, std::string_view lines) {
  return fmt::format("{}\n{}", text, lines);
}
std::vector<std::string> names(const core::Result<OpenedNote>& opened) {
  REQUIRE(opened.has_value());
  std::vector<std::string> list;
  for (const NoteSigner& signer : opened->signers) list.push_back(signer.key.name());
  return list;
}
std::string joined(std::string_view a, std::string_view b) { return fmt::format("{}{}", a, b); }

std::string vkey_of(std::string_view name, const core::Bytes& typed_key) {
  const Digest id = core::Sha256().update(name).update("\n").update(typed_key).finish();
  return fmt::format("{}+{}+{}", name, id.hex().substr(0, 8), core::base64_encode(typed_key));
}
core::Bytes typed_key(std::uint8_t type, std::size_t size) {
  core::Bytes key(size + 1, 0x42);
  key[0] = type;
  return key;
}

}  // namespace

TEST_CASE("verifier key: read and written") {
  for (const std::string_view vkey : {kNeumann, kEnoch, kWitness}) {
    const auto verifier = NoteVerifier::parse(vkey);
    REQUIRE(verifier.has_value());
    CHECK(verifier->vkey() == vkey);
    const auto same = NoteVerifier::create(verifier->name(), verifier->key(), verifier->type());
    CHECK(same.value().vkey() == vkey);
    CHECK(same.value() == *verifier);
  }
  CHECK(neumann().name() == "PeterNeumann");
  CHECK(neumann().key_id() == 0xc74f20a3);
}

TEST_CASE("verifier key: every substring and every incremented byte is refused") {
  for (const std::string& vkey :
       {std::string(kNeumann), std::string(kEnoch), log_verifier().vkey(), std::string(kWitness)}) {
    for (std::size_t start = 0; start < vkey.size(); ++start)
      for (std::size_t length = 0; start + length <= vkey.size(); ++length)
        if (length != vkey.size())
          REQUIRE(verdict(NoteVerifier::parse(vkey.substr(start, length))) == "invalid-input");
    for (std::size_t i = 0; i < vkey.size(); ++i) {
      std::string changed = vkey;
      changed[i] = static_cast<char>(changed[i] + 1);
      REQUIRE(verdict(NoteVerifier::parse(changed)) == "invalid-input");
    }
  }
}

TEST_CASE("verifier key: a fitting key id does not excuse a wrong length, type or name") {
  CHECK(verdict(NoteVerifier::parse(vkey_of("a.example", typed_key(1, 32)))) == "accepted");
  CHECK(verdict(NoteVerifier::parse(vkey_of("a.example", typed_key(1, 31)))) == "invalid-input");
  CHECK(verdict(NoteVerifier::parse(vkey_of("a.example", typed_key(1, 33)))) == "invalid-input");
  CHECK(verdict(NoteVerifier::parse(vkey_of("a.example", typed_key(1, 0)))) == "invalid-input");
  CHECK(verdict(NoteVerifier::parse(vkey_of("a.example", {}))) == "invalid-input");
  CHECK(verdict(NoteVerifier::parse(vkey_of("a.example", typed_key(4, 32)))) == "accepted");
  CHECK(verdict(NoteVerifier::parse(vkey_of("a.example", typed_key(4, 31)))) == "invalid-input");
  CHECK(verdict(NoteVerifier::parse(vkey_of("a.example", typed_key(4, 33)))) == "invalid-input");
  for (int type = 0; type < 256; ++type)
    if (type != 1 && type != 4)
      CHECK(verdict(NoteVerifier::parse(vkey_of(
                "a.example", typed_key(static_cast<std::uint8_t>(type), 32)))) == "unsupported");
  // ML-DSA-44 has longer keys; the answer says why it is not there.
  const auto post_quantum = NoteVerifier::parse(vkey_of("a.example", typed_key(6, 1312)));
  CHECK(verdict(post_quantum) == "unsupported");
  CHECK(post_quantum.error().remedy.find("ML-DSA") != std::string::npos);
  for (const std::string_view name : {"", "a b", "a\tb", "a\nb", "a\x01", "a\xC2\xA0", "\xFF"})
    CHECK(verdict(NoteVerifier::parse(vkey_of(name, typed_key(1, 32)))) == "invalid-input");
}

TEST_CASE("verifier key: upper-case ids and unpadded keys are refused") {
  std::string upper = vkey_of("a.example", typed_key(1, 32));
  bool changed = false;
  for (std::size_t i = 10; i < 18; ++i)
    if (upper[i] >= 'a') {
      upper[i] = static_cast<char>(upper[i] - 32);
      changed = true;
    }
  REQUIRE(changed);
  CHECK(verdict(NoteVerifier::parse(upper)) == "invalid-input");
  CHECK(verdict(NoteVerifier::parse(vkey_of("a.example", typed_key(1, 32)) + "=")) ==
        "invalid-input");
  CHECK(verdict(NoteVerifier::parse(vkey_of("a.example", typed_key(1, 32)) + "\n")) ==
        "invalid-input");
}

TEST_CASE("verifier key: names and keys that can not be used are refused") {
  const core::PrivateKey key = log_key();
  CHECK(verdict(NoteVerifier::create("example.com/\xC3\xA4", key.public_key())) == "accepted");
  for (const std::string_view name :
       {"", " ", "a b", "a+b", "a\nb", "a\rb", "a\x7f\x1f", "a\xC2\x85", "a\xC2\xA0",
        "\xE1\x9A\x80", "\xE2\x80\x83z", "\xE2\x80\xA8", "\xE2\x80\xAF", "\xE2\x81\x9F",
        "\xE3\x80\x80", "\xC0\xA0", "\xED\xA0\x80"})
    CHECK(verdict(NoteVerifier::create(name, key.public_key())) == "invalid-argument");
  core::Bytes scalar(32, 0);
  scalar[31] = 5;
  const auto p256 = core::PrivateKey::from_p256_scalar(scalar);
  REQUIRE(p256.has_value());
  CHECK(verdict(NoteVerifier::create("a.example", p256->public_key())) == "unsupported");
  CHECK(verdict(sign_note("text\n", "a.example", *p256)) == "unsupported");
}

TEST_CASE("note: opened by one or both of its signers, in note order") {
  const std::string note = note_of(kText, joined(kNeumannLine, kEnochLine));
  const auto both = open_note(note, {enoch(), neumann()});
  REQUIRE(both.has_value());
  CHECK(both->text == kText);
  CHECK(names(both) == std::vector<std::string>{"PeterNeumann", "EnochRoot"});
  CHECK(names(open_note(note, {enoch()})) == std::vector<std::string>{"EnochRoot"});
  CHECK(names(open_note(note, {neumann()})) == std::vector<std::string>{"PeterNeumann"});
  CHECK(verdict(open_note(note, {})) == "signature-invalid");
  CHECK(verdict(open_note(note, {log_verifier()})) == "signature-invalid");
}

TEST_CASE("note: a repeated line or verifier counts once") {
  const std::string note = note_of(kText, joined(kNeumannLine, kNeumannLine));
  CHECK(open_note(note, {neumann()}).value().signers.size() == 1);
  CHECK(open_note(note_of(kText, kNeumannLine), {neumann(), neumann()}).value().signers.size() ==
        1);
  CHECK(open_note(note, {neumann(), neumann()}).value().signers.size() == 1);
}

TEST_CASE("note: lines of unknown keys are ignored, whatever they sign") {
  const std::string lines = unknown_line("stranger.example") + std::string(kNeumannLine) +
                            unknown_line("PeterNeumann") + unknown_line("tiny.example", 5) +
                            unknown_line("post-quantum.example", 5000);
  const auto opened = open_note(note_of(kText, lines), {neumann()});
  REQUIRE(opened.has_value());
  CHECK(names(opened) == std::vector<std::string>{"PeterNeumann"});
  CHECK(verdict(open_note(note_of(kText, unknown_line("PeterNeumann")), {neumann()})) ==
        "signature-invalid");
}

TEST_CASE("note: one bad line of a known key spoils the whole note") {
  const core::Bytes blob = core::base64_decode(kEnochLine.substr(14, 92)).value();
  REQUIRE(blob.size() == 68);
  const auto with_enoch = [&](core::Bytes changed) {
    return note_of(kText, joined(kNeumannLine, fmt::format("\xE2\x80\x94 EnochRoot {}\n",
                                                           core::base64_encode(changed))));
  };
  REQUIRE(verdict(open_note(with_enoch(blob), {neumann(), enoch()})) == "accepted");
  for (std::size_t i = 4; i < blob.size(); ++i) {
    core::Bytes changed = blob;
    changed[i] ^= 0x10;
    REQUIRE(verdict(open_note(with_enoch(changed), {neumann(), enoch()})) == "signature-invalid");
    REQUIRE(verdict(open_note(with_enoch(changed), {neumann()})) == "accepted");
  }
  core::Bytes longer = blob;
  longer.push_back(0);
  CHECK(verdict(open_note(with_enoch(longer), {neumann(), enoch()})) == "signature-invalid");
  const core::Bytes shorter(blob.begin(), blob.end() - 1);
  CHECK(verdict(open_note(with_enoch(shorter), {neumann(), enoch()})) == "signature-invalid");
  // Also if a good line of the same key stands before it.
  CHECK(verdict(
            open_note(note_of(kText, joined(kEnochLine, fmt::format("\xE2\x80\x94 EnochRoot {}\n",
                                                                    core::base64_encode(shorter)))),
                      {enoch()})) == "signature-invalid");
}

TEST_CASE("note: sixteen lines of five kilobytes each are read") {
  std::string lines;
  for (int i = 0; i < 16; ++i) lines += unknown_line(fmt::format("pq{}.example", i), 5000);
  CHECK(names(open_note(note_of(kText, joined(lines, kNeumannLine)), {neumann()})) ==
        std::vector<std::string>{"PeterNeumann"});
}

TEST_CASE("note: lines are added; one of the same key takes the place of what was there") {
  const std::string one = note_of(kText, kNeumannLine);
  const auto both = add_signature_lines(one, kEnochLine);
  REQUIRE(both.has_value());
  CHECK(*both == note_of(kText, joined(kNeumannLine, kEnochLine)));
  CHECK(add_signature_lines(*both, kEnochLine).value() == *both);
  // Name and key id decide, whatever is signed; another key of the same name stays.
  core::Bytes blob = core::base64_decode(kEnochLine.substr(14, 92)).value();
  blob.back() ^= 1;
  const std::string other = fmt::format("\xE2\x80\x94 EnochRoot {}\n", core::base64_encode(blob));
  CHECK(add_signature_lines(*both, other).value() == note_of(kText, joined(kNeumannLine, other)));
  blob[0] ^= 1;
  const std::string stranger =
      fmt::format("\xE2\x80\x94 EnochRoot {}\n", core::base64_encode(blob));
  CHECK(add_signature_lines(*both, stranger).value() == joined(*both, stranger));
  for (const std::string_view lines :
       {"", "\n", "text\n", "\xE2\x80\x94 a AAAAAAA=", "\xE2\x80\x94 a AAAAAAA=\n\n",
        "\n\xE2\x80\x94 a AAAAAAA=\n", "\xE2\x80\x94 a\x07 AAAAAAA=\n",
        "\xE2\x80\x94 \xFF AAAAAAA=\n"})
    CHECK(verdict(add_signature_lines(one, lines)) == "invalid-input");
  CHECK(verdict(add_signature_lines(kText, kEnochLine)) == "invalid-input");
  std::string many(kNeumannLine);
  for (int i = 1; i < 100; ++i) many += unknown_line(fmt::format("s{}.example", i), 5);
  CHECK(verdict(add_signature_lines(note_of(kText, many), kNeumannLine)) == "accepted");
  CHECK(verdict(add_signature_lines(note_of(kText, many), kEnochLine)) == "input-too-large");
}

TEST_CASE("note: every incremented byte and every cut is refused") {
  const std::string note = note_of(kText, kNeumannLine);
  REQUIRE(open_note(note, {neumann()}).has_value());
  for (std::size_t i = 0; i < note.size(); ++i) {
    std::string changed = note;
    changed[i] = static_cast<char>(changed[i] + 1);
    REQUIRE_FALSE(open_note(changed, {neumann()}).has_value());
    REQUIRE_FALSE(open_note(note.substr(0, i), {neumann()}).has_value());
    if (i > 0) REQUIRE_FALSE(open_note(note.substr(i), {neumann()}).has_value());
  }
}

TEST_CASE("note: malformed notes") {
  const auto refused = [](std::string_view note) {
    return verdict(open_note(note, {neumann()})) == "invalid-input";
  };
  const std::string line(kNeumannLine);
  CHECK(refused(""));
  CHECK(refused("\n\n"));
  CHECK(refused(kText));
  CHECK(refused(note_of(kText, "")));
  CHECK(refused(std::string(kText) + line));                             // no blank line
  CHECK(refused("text without newline\n" + line));                       // no blank line either
  CHECK(refused(note_of(kText, line.substr(0, line.size() - 1))));       // last line not ended
  CHECK(refused(note_of(kText, line + "\n")));                           // a blank line after it
  CHECK(refused(note_of(kText, line + "more\n")));                       // not a signature line
  CHECK(refused(note_of(kText, "- PeterNeumann " + line.substr(17))));   // no em dash
  CHECK(refused(note_of(kText, "\xE2\x80\x94" + line.substr(4))));       // no space after it
  CHECK(refused(note_of(kText, "\xE2\x80\x94 PeterNeumann\n")));         // no signature
  CHECK(refused(note_of(kText, "\xE2\x80\x94 PeterNeumann \n")));        // an empty one
  CHECK(refused(note_of(kText, line + "\xE2\x80\x94 a  AAAAAAA=\n")));   // two spaces
  CHECK(refused(note_of(kText, line + "\xE2\x80\x94  AAAAAAA=\n")));     // no name
  CHECK(refused(note_of(kText, line + "\xE2\x80\x94 a+b AAAAAAA=\n")));  // '+' in a name
  CHECK(refused(note_of(kText, line + "\xE2\x80\x94 a\xC2\xA0 AAAAAAA=\n")));
  CHECK(refused(note_of(kText, line + "\xE2\x80\x94 a AAAAAAA\n")));   // base64 without padding
  CHECK(refused(note_of(kText, line + "\xE2\x80\x94 a AAAAAAB=\n")));  // unused bits
  CHECK(refused(note_of(kText, line + "\xE2\x80\x94 a AAAA*AA=\n")));
  CHECK(refused(note_of(kText, line + "\xE2\x80\x94 a AAAAAAA= \n")));
  CHECK(refused(note_of(kText, line + "\xE2\x80\x94 a AAAAAA==\n")));        // key id, no signature
  CHECK_FALSE(refused(note_of(kText, line + "\xE2\x80\x94 a AAAAAAA=\n")));  // positive control
}

TEST_CASE("note: control characters and broken UTF-8 are refused anywhere") {
  const core::PrivateKey key = log_key();
  for (int c = 0; c < 0x20; ++c) {
    const std::string text = fmt::format("a{}b\n", static_cast<char>(c));
    const bool allowed = c == '\n';
    CHECK(verdict(sign_note(text, kLogName, key)) == (allowed ? "accepted" : "invalid-argument"));
    const std::string note = sign_note("a?b\n", kLogName, key).value();
    std::string changed = note;
    changed[1] = static_cast<char>(c);
    CHECK(verdict(open_note(changed, {log_verifier()})) ==
          (allowed ? "signature-invalid" : "invalid-input"));
  }
  for (const std::string_view text : {"\x80\n", "\xC3\n", "\xC0\x80\n", "\xED\xA0\x80\n"})
    CHECK(verdict(sign_note(text, kLogName, key)) == "invalid-argument");
}

TEST_CASE("note: what is signed opens to the same text") {
  const core::PrivateKey key = log_key();
  for (const std::string_view text :
       {"\n", "\n\n", "a\n", "a\n\nb\n", "a\n\n", "\n\na\n", "\xE2\x80\x94 a AAAAAAA=\n",
        "x\n\n\xE2\x80\x94 a AAAAAAA=\n", "\xEF\xBF\xBD \xF0\x9F\x98\x80\n"}) {
    const auto note = sign_note(text, kLogName, key);
    REQUIRE(note.has_value());
    const auto opened = open_note(*note, {log_verifier()});
    REQUIRE(opened.has_value());
    CHECK(opened->text == text);
  }
}

TEST_CASE("note: texts and names that can not be signed are refused") {
  const core::PrivateKey key = log_key();
  CHECK(verdict(sign_note("", kLogName, key)) == "invalid-argument");
  CHECK(verdict(sign_note("no newline", kLogName, key)) == "invalid-argument");
  CHECK(verdict(sign_note("a\r\n", kLogName, key)) == "invalid-argument");
  CHECK(verdict(sign_note("a\n", "", key)) == "invalid-argument");
  CHECK(verdict(sign_note("a\n", "a+b", key)) == "invalid-argument");
  CHECK(verdict(sign_note("a\n", "a b", key)) == "invalid-argument");
}

TEST_CASE("note: limits, at and one past") {
  std::string lines(kNeumannLine);
  for (int i = 1; i < 100; ++i) lines += unknown_line("stranger.example", 5);
  CHECK(verdict(open_note(note_of(kText, lines), {neumann()})) == "accepted");
  lines += unknown_line("stranger.example", 5);
  CHECK(verdict(open_note(note_of(kText, lines), {neumann()})) == "input-too-large");

  constexpr std::size_t limit = std::size_t{1} << 20;
  const core::PrivateKey key = log_key();
  const std::size_t overhead = sign_note("\n", kLogName, key).value().size() - 1;
  const std::string largest = std::string(limit - overhead - 1, 'a') + "\n";
  const auto note = sign_note(largest, kLogName, key);
  REQUIRE(note.has_value());
  CHECK(note->size() == limit);
  CHECK(verdict(open_note(*note, {log_verifier()})) == "accepted");
  CHECK(verdict(open_note("a" + *note, {log_verifier()})) == "input-too-large");
  CHECK(verdict(sign_note("a" + largest, kLogName, key)) == "input-too-large");
}

TEST_CASE("note: two known keys under one name and id can not be told apart") {
  // Key ids have 32 bits, so such a pair takes a second to find.
  const auto twin = [](std::string_view hex) {
    core::Bytes typed = core::hex_decode(hex).value();
    typed.insert(typed.begin(), 0x01);
    return NoteVerifier::parse(vkey_of("twin.example/log", typed)).value();
  };
  const auto one = twin("fdc847d1169a179624bc5776a08c27d187d4732082775764d906dbc5cdd52197");
  const auto two = twin("5144b2f06d7760685341c006ce6c80d2d59fea49a6095407e60364530cbe6c9a");
  REQUIRE(one.key_id() == two.key_id());
  core::Bytes blob{0x93, 0xd2, 0x43, 0x60};
  blob.resize(68);
  const std::string line =
      fmt::format("\xE2\x80\x94 twin.example/log {}\n", core::base64_encode(blob));
  const std::string note = note_of(kText, joined(kNeumannLine, line));
  CHECK(verdict(open_note(note, {neumann(), one, two})) == "invalid-argument");
  CHECK(verdict(open_note(note, {neumann(), one})) == "signature-invalid");
  CHECK(verdict(open_note(note_of(kText, kNeumannLine), {neumann(), one, two})) == "accepted");
}
