#include "sigillo/audit/witness_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "sigillo/audit/cosignature.hpp"
#include "sigillo/audit/proof.hpp"
#include "tests/unit/audit/tree_fixture.hpp"

namespace {

using namespace sigillo::audit;
using namespace sigillo::audit::test;
namespace core = sigillo::core;

constexpr core::Timestamp kNow{1795000000, 0};

// Witness n has a key of its own and the key name n.example.
core::PrivateKey witness_key(int n) {
  return core::PrivateKey::from_ed25519_seed(core::Bytes(32, static_cast<std::uint8_t>(100 + n)))
      .value();
}
NoteVerifier witness(int n) {
  return NoteVerifier::create(fmt::format("w{}.example", n), witness_key(n).public_key(),
                              SignatureType::cosignature)
      .value();
}
std::string log_line() { return fmt::format("log {}\n", log_verifier().vkey()); }
std::string witness_line(int n, std::string_view name) {
  return fmt::format("witness {} {}\n", name, witness(n).vkey());
}
std::string three_witnesses() {
  return log_line() + witness_line(1, "A") + witness_line(2, "B") + witness_line(3, "C");
}
WitnessPolicy policy(const std::string& text) {
  auto parsed = WitnessPolicy::parse(text);
  INFO(text << (parsed.has_value() ? "" : parsed.error().message));
  REQUIRE(parsed.has_value());
  return *std::move(parsed);
}
// "accepted", or the code and the line that the message names: "invalid-input 3".
std::string verdict_of(const std::string& text) {
  const auto parsed = WitnessPolicy::parse(text);
  if (parsed.has_value()) return "accepted";
  constexpr std::string_view at = "policy line ";
  const std::string& message = parsed.error().message;
  CHECK_FALSE(parsed.error().remedy.empty());
  if (!message.starts_with(at)) return std::string(to_string(parsed.error().code));
  return fmt::format("{} {}", to_string(parsed.error().code),
                     message.substr(at.size(), message.find(':') - at.size()));
}

std::string cosigned_by(const std::vector<int>& witnesses, core::Timestamp time = kNow) {
  std::string note = reference_note();
  const std::string text = checkpoint_text(reference_checkpoint());
  for (const int n : witnesses)
    note = add_signature_lines(note, cosign(text, witness(n).name(), witness_key(n), time).value())
               .value();
  return note;
}
CheckpointTrust trust(const std::string& text) {
  return trust_policy(policy(text), std::nullopt, kNow).value();
}

}  // namespace

TEST_CASE("policy: read into logs, witnesses, groups and a quorum") {
  const WitnessPolicy read = policy(
      "# the policy of a newsroom\n"
      "\n \t \n" +
      log_line() + "\t witness\tA  " + witness(1).vkey() + " \t https://a.example/w/ \n" +
      witness_line(2, "B") + "  # another remark\n" + witness_line(3, "\xE2\x84\xAA") +
      "group two 2 A B \xE2\x84\xAA\ngroup top all two\nquorum top\n");
  REQUIRE(read.logs().size() == 1);
  CHECK(read.logs()[0].key == log_verifier());
  REQUIRE(read.witnesses().size() == 3);
  CHECK(read.witnesses()[0].name == "A");
  CHECK(read.witnesses()[0].url == "https://a.example/w/");
  CHECK(read.witnesses()[1].url.empty());
  CHECK(read.witnesses()[2].name == "\xE2\x84\xAA");
  REQUIRE(read.groups().size() == 2);
  CHECK(read.groups()[0].threshold == 2);
  CHECK(read.groups()[1].threshold == 1);
  CHECK(read.quorum() == "top");
}

TEST_CASE("policy: quorums of every kind, against counting by hand") {
  struct Row {
    std::string lines;
    bool (*met)(bool a, bool b, bool c);
  };
  const std::vector<Row> rows = {
      {"quorum none\n", [](bool, bool, bool) { return true; }},
      {"quorum B\n", [](bool, bool b, bool) { return b; }},
      {"group g any A B C\nquorum g\n", [](bool a, bool b, bool c) { return a || b || c; }},
      {"group g all A B C\nquorum g\n", [](bool a, bool b, bool c) { return a && b && c; }},
      {"group g 1 A B C\nquorum g\n", [](bool a, bool b, bool c) { return a || b || c; }},
      {"group g 2 A B C\nquorum g\n", [](bool a, bool b, bool c) { return a + b + c >= 2; }},
      {"group g 3 A B C\nquorum g\n", [](bool a, bool b, bool c) { return a && b && c; }},
      {"group g any A B\ngroup h all g C\nquorum h\n",
       [](bool a, bool b, bool c) { return (a || b) && c; }},
      {"group g all A B\ngroup h any g C\nquorum h\n",
       [](bool a, bool b, bool c) { return (a && b) || c; }},
      {"group g all A B\nquorum C\n", [](bool, bool, bool c) { return c; }},
  };
  for (const Row& row : rows)
    for (int mask = 0; mask < 8; ++mask) {
      const bool a = (mask & 1) != 0;
      const bool b = (mask & 2) != 0;
      const bool c = (mask & 4) != 0;
      std::set<std::string> names;
      if (a) names.insert("A");
      if (b) names.insert("B");
      if (c) names.insert("C");
      INFO(row.lines << mask);
      const std::string text = three_witnesses() + row.lines;
      CHECK(policy(text).quorum_met(names) == row.met(a, b, c));
      std::vector<int> cosigners;
      for (int n = 1; n <= 3; ++n)
        if ((mask >> (n - 1) & 1) != 0) cosigners.push_back(n);
      CHECK(verdict(open_trusted_checkpoint(cosigned_by(cosigners), trust(text))) ==
            (row.met(a, b, c) ? "accepted" : "not-trusted"));
    }
  // A group's name, or one that is not in the policy, is nobody's vote.
  CHECK_FALSE(policy(three_witnesses() + "group g any A B\nquorum g\n").quorum_met({"g", "D"}));
}

TEST_CASE("policy: rules, each with its line") {
  const std::string three = three_witnesses();  // lines 1 to 4
  CHECK(verdict_of(three + "quorum A\n") == "accepted");
  CHECK(verdict_of("quorum none\n") == "accepted");
  CHECK(verdict_of("") == "invalid-input");
  CHECK(verdict_of(three) == "invalid-input");  // no quorum
  CHECK(verdict_of(three + "quorum A") == "invalid-input 5");
  CHECK(verdict_of(three + "quorum A\nquorum A\n") == "invalid-input 6");
  CHECK(verdict_of(three + "quorum none\nquorum none\n") == "invalid-input 6");
  for (
      const std::string_view line :
      {"quorum",           "quorum D",      "quorum A B",    "quorum a",          "Quorum A",
       "quorum: A",        "witness",       "witness D",     "witness A B C D E", "log",
       "log a b c",        "group",         "group g",       "group g all",       "group g any",
       "group g 0 A",      "group g 2 A",   "group g 01 A",  "group g -1 A",      "group g +1 A",
       "group g 1.0 A",    "group g ALL A", "group g all D", "group g all none",  "group g all A A",
       "group none all A", "group A all B", "group g all g", "nonsense"})
    CHECK(verdict_of(three + std::string(line) + "\nquorum none\n") == "invalid-input 5");
  // Before it is used a name must be defined, and a name has one place.
  CHECK(verdict_of("quorum A\n" + three) == "invalid-input 1");
  CHECK(verdict_of("group g any A\n" + three + "quorum g\n") == "invalid-input 1");
  CHECK(verdict_of(three + "group g any A B\ngroup h any A C\nquorum g\n") == "invalid-input 6");
  CHECK(verdict_of(three + "group g any A B\ngroup g any C\nquorum g\n") == "invalid-input 6");
  CHECK(verdict_of(three + witness_line(4, "A") + "quorum A\n") == "invalid-input 5");
  CHECK(verdict_of(three + witness_line(4, "none") + "quorum A\n") == "invalid-input 5");
}

TEST_CASE("policy: keys: the right type, and each once") {
  const std::string three = three_witnesses();
  const auto with = [&](const std::string& line) {
    return verdict_of(three + line + "\nquorum A\n");
  };
  CHECK(with("witness D " + witness(4).vkey()) == "accepted");
  CHECK(with("witness D " + witness(1).vkey()) == "invalid-input 5");
  // The same public key under another name or type is the same signer.
  const auto renamed =
      NoteVerifier::create("other.example", witness(1).key(), SignatureType::cosignature).value();
  CHECK(with("witness D " + renamed.vkey()) == "invalid-input 5");
  const auto log_as_witness =
      NoteVerifier::create("w.example", log_verifier().key(), SignatureType::cosignature).value();
  CHECK(with("witness D " + log_as_witness.vkey()) == "invalid-input 5");
  CHECK(with(log_line().substr(0, log_line().size() - 1)) == "invalid-input 5");
  CHECK(with("witness D " + log_verifier().vkey()) == "invalid-input 5");  // type 0x01
  CHECK(with("log " + witness(4).vkey()) == "invalid-input 5");            // type 0x04
  CHECK(with("witness D w.example+00000000+AAAA") == "invalid-input 5");
  core::Bytes post_quantum(1313, 7);
  post_quantum[0] = 0x06;
  const Digest id = core::Sha256().update("pq.example\n").update(post_quantum).finish();
  CHECK(with(fmt::format("witness D pq.example+{}+{}", id.hex().substr(0, 8),
                         core::base64_encode(post_quantum))) == "unsupported 5");
}

TEST_CASE("policy: octets") {
  for (int octet = 0; octet < 256; ++octet) {
    const std::string name = fmt::format("N{}", static_cast<char>(octet));
    const bool allowed = octet == '\t' || octet == '\n' || (octet >= 0x20 && octet != 0x7F);
    // In a comment, so that only the octet itself decides.
    const std::string text = "#" + name + "\nquorum none\n";
    const std::string expected = allowed ? "accepted" : "invalid-input 1";
    INFO(octet);
    CHECK(verdict_of(text) == expected);
    // High octets are opaque in names: any of them, valid UTF-8 or not.
    if (octet >= 0x80)
      CHECK(verdict_of(witness_line(1, name) + "quorum " + name + "\n") == "accepted");
  }
}

TEST_CASE("policy: every cut of a line is refused or has no quorum") {
  const std::string text = three_witnesses() + "group g 2 A B C\nquorum g\n";
  for (std::size_t i = 0; i < text.size(); ++i)
    REQUIRE(verdict_of(text.substr(0, i)) != "accepted");
}

TEST_CASE("policy: limits, at and one past") {
  const auto many = [](std::size_t count) {
    std::string text;
    for (std::size_t n = 0; n < count; ++n) {
      core::Bytes seed(32, 9);
      seed[0] = static_cast<std::uint8_t>(n);
      seed[1] = static_cast<std::uint8_t>(n >> 8);
      const auto key = NoteVerifier::create(
          "w.example", core::PrivateKey::from_ed25519_seed(seed).value().public_key(),
          SignatureType::cosignature);
      text += fmt::format("witness w{} {}\n", n, key.value().vkey());
    }
    return text + "quorum w0\n";
  };
  CHECK(verdict_of(many(kMaxPolicyLines)) == "accepted");
  CHECK(verdict_of(many(kMaxPolicyLines + 1)) ==
        fmt::format("input-too-large {}", kMaxPolicyLines + 1));
  std::string padded = "quorum none\n#";
  padded += std::string(kMaxPolicyBytes - padded.size() - 1, 'x') + "\n";
  REQUIRE(padded.size() == kMaxPolicyBytes);
  CHECK(verdict_of(padded) == "accepted");
  CHECK(verdict_of(padded + "\n") == "input-too-large");
}

TEST_CASE("trust: log signature, origin, cosignatures and quorum are all needed") {
  const std::string two = three_witnesses() + "group g 2 A B C\nquorum g\n";
  const auto opened = open_trusted_checkpoint(cosigned_by({3, 1}), trust(two));
  REQUIRE(opened.has_value());
  CHECK(opened->checkpoint == reference_checkpoint());
  REQUIRE(opened->cosigned.size() == 2);  // in the policy's order
  CHECK(opened->cosigned[0].witness == "A");
  CHECK(opened->cosigned[1].witness == "C");
  CHECK(opened->cosigned[0].time == 1795000000U);

  CHECK(verdict(open_trusted_checkpoint(cosigned_by({1}), trust(two))) == "not-trusted");
  // A witness of no policy is nobody; the same witness twice is one.
  CHECK(verdict(open_trusted_checkpoint(cosigned_by({1, 4}), trust(two))) == "not-trusted");
  CHECK(verdict(open_trusted_checkpoint(cosigned_by({1, 1}), trust(two))) == "not-trusted");
  // Cosignatures without the log's signature, or with that of another key.
  const std::string text = checkpoint_text(reference_checkpoint());
  const std::string line_1 = cosign(text, witness(1).name(), witness_key(1), kNow).value();
  const std::string line_2 = cosign(text, witness(2).name(), witness_key(2), kNow).value();
  CHECK(verdict(open_trusted_checkpoint(text + "\n" + line_1 + line_2, trust(two))) ==
        "signature-invalid");
  const std::string forged = sign_checkpoint(reference_checkpoint(), counting_key(0x40)).value();
  CHECK(verdict(open_trusted_checkpoint(forged + line_1 + line_2, trust(two))) ==
        "signature-invalid");
  // A bad line of a known witness spoils the note, although the quorum would hold without it.
  core::Bytes garbage(72, 7);
  CHECK(verdict(open_trusted_checkpoint(cosigned_by({1, 2}) + signature_line(witness(3), garbage),
                                        trust(two))) == "signature-invalid");
  CHECK(verdict(open_trusted_checkpoint(cosigned_by({1, 2}) + signature_line(witness(4), garbage),
                                        trust(two))) == "accepted");
}

TEST_CASE("trust: a cosignature from the future does not count") {
  const std::string one = three_witnesses() + "quorum A\n";
  const auto at = [&](std::int64_t seconds) {
    return verdict(open_trusted_checkpoint(cosigned_by({1}, {seconds, 0}), trust(one)));
  };
  const auto skew = static_cast<std::int64_t>(kMaxClockSkewSeconds);
  CHECK(at(kNow.seconds + skew) == "accepted");
  CHECK(at(kNow.seconds + skew + 1) == "not-trusted");
  CHECK(at(INT64_MAX) == "not-trusted");
  CHECK(at(0) == "accepted");  // an old one says what was true then
}

TEST_CASE("trust: which log") {
  const std::string one = witness_line(1, "A") + "quorum A\n";
  const auto other = NoteVerifier::create("other.example", counting_key(0x40).public_key()).value();
  CHECK(verdict(trust_policy(policy(one), std::nullopt, kNow)) == "invalid-argument");
  CHECK(verdict(trust_policy(policy(one), log_verifier(), kNow)) == "accepted");
  CHECK(verdict(trust_policy(policy(log_line() + one), log_verifier(), kNow)) == "accepted");
  CHECK(verdict(trust_policy(policy(log_line() + one), other, kNow)) == "not-trusted");
  const auto both = trust("log " + other.vkey() + "\n" + log_line() + one);
  CHECK(verdict(open_trusted_checkpoint(cosigned_by({1}), both)) == "accepted");
  // The other trusted log signs a checkpoint in this one's name.
  const std::string text = checkpoint_text(reference_checkpoint());
  const std::string stolen = sign_note(text, other.name(), counting_key(0x40)).value() +
                             cosign(text, witness(1).name(), witness_key(1), kNow).value();
  CHECK(verdict(open_trusted_checkpoint(stolen, both)) == "signature-invalid");
  CHECK(verdict(open_trusted_checkpoint(stolen, trust("log " + other.vkey() + "\n" + one))) ==
        "not-trusted");
  // A key of the same origin that came later: either signs for the log.
  const auto rotated = NoteVerifier::create(kLogName, counting_key(0x60).public_key()).value();
  const auto two_keys = trust(log_line() + "log " + rotated.vkey() + "\n" + one);
  CHECK(verdict(open_trusted_checkpoint(cosigned_by({1}), two_keys)) == "accepted");
  CHECK(verdict(open_trusted_checkpoint(reference_note(), trust_log(witness(1)))) ==
        "invalid-argument");
}

TEST_CASE("receipt: leaf, path, log and quorum in one answer") {
  const std::string two = three_witnesses() + "group g 2 A B C\nquorum g\n";
  const auto leaves = reference_leaves();
  TlogProof proof{5, slow_inclusion(5, reference_hashes()), cosigned_by({1, 2}), {}};
  const auto verified = verify_tlog_proof(proof, leaves[5], trust(two));
  REQUIRE(verified.has_value());
  CHECK(verified->checkpoint == reference_checkpoint());
  CHECK(verified->cosigned.size() == 2);
  CHECK(verdict(verify_tlog_proof(proof, leaves[4], trust(two))) == "proof-invalid");
  TlogProof moved = proof;
  moved.index = 4;
  CHECK(verdict(verify_tlog_proof(moved, leaves[5], trust(two))) == "proof-invalid");
  TlogProof lonely = proof;
  lonely.checkpoint = cosigned_by({1});
  CHECK(verdict(verify_tlog_proof(lonely, leaves[5], trust(two))) == "not-trusted");
  CHECK(verify_tlog_proof(lonely, leaves[5], log_verifier()).value() == reference_checkpoint());
  // A receipt of another log, cosigned by the same witnesses.
  const auto stranger = counting_key(0x40);
  const Checkpoint elsewhere{"other.example", 8, slow_root(reference_hashes())};
  TlogProof foreign = proof;
  foreign.checkpoint = sign_checkpoint(elsewhere, stranger).value();
  for (const int n : {1, 2})
    foreign.checkpoint +=
        cosign(checkpoint_text(elsewhere), witness(n).name(), witness_key(n), kNow).value();
  CHECK(verdict(verify_tlog_proof(foreign, leaves[5], trust(two))) == "not-trusted");
  // With sixteen post-quantum lines of strangers beside it, it is still read.
  TlogProof large = proof;
  for (int i = 0; i < 16; ++i)
    large.checkpoint +=
        fmt::format("\xE2\x80\x94 pq{}.example {}\n", i, core::base64_encode(core::Bytes(5000, 7)));
  const auto parsed = parse_tlog_proof(tlog_proof_text(large));
  REQUIRE(parsed.has_value());
  CHECK(verdict(verify_tlog_proof(*parsed, leaves[5], trust(two))) == "accepted");
}
