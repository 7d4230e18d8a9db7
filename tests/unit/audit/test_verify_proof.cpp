// One question, one answer: every part that is given must hold, and no byte of it may change.
#include "sigillo/audit/verify_proof.hpp"

#include "sigillo/audit/cosignature.hpp"
#include "tests/unit/audit/tree_fixture.hpp"
#include "tests/unit/audit/tsa_fixture.hpp"

using namespace sigillo::audit::test;
using fixture::value;
namespace core = sigillo::core;
namespace audit = sigillo::audit;

namespace {

constexpr std::uint64_t kIndex = 5;

core::PrivateKey witness_key(int n) {
  return value(
      core::PrivateKey::from_ed25519_seed(core::Bytes(32, static_cast<std::uint8_t>(100 + n))));
}
audit::NoteVerifier witness(int n) {
  return value(audit::NoteVerifier::create(fmt::format("w{}.example", n),
                                           witness_key(n).public_key(),
                                           audit::SignatureType::cosignature));
}

// A receipt of the reference log, cosigned by these witnesses.
struct Held {
  core::Timestamp now = core::SystemClock().now();
  std::string receipt, key = log_verifier().vkey();
  core::Bytes leaf = reference_leaves()[kIndex];
  explicit Held(const std::vector<int>& witnesses = {}) {
    std::string note = reference_note();
    const std::string text = audit::checkpoint_text(reference_checkpoint());
    for (const int n : witnesses)
      note = value(audit::add_signature_lines(
          note, value(audit::cosign(text, witness(n).name(), witness_key(n), now))));
    receipt =
        audit::tlog_proof_text({kIndex, slow_inclusion(kIndex, reference_hashes()), note, {}});
  }
  [[nodiscard]] audit::ProofQuestion question() const {
    return {receipt, leaf, key, std::nullopt, std::nullopt, std::nullopt};
  }
  [[nodiscard]] core::Result<audit::ProofAnswer> ask(const audit::ProofQuestion& asked) const {
    return audit::verify_proof(asked, now);
  }
};

std::string both_witnesses() {
  return fmt::format("log {}\nwitness A {}\nwitness B {}\ngroup g all A B\nquorum g\n",
                     log_verifier().vkey(), witness(1).vkey(), witness(2).vkey());
}

// Calls try_it with every neighbour of `whole`: each byte in eight other values and gone, and a
// byte more in every place.
template <class Bytes, class Try>
std::size_t for_each_change(const Bytes& whole, Try try_it) {
  std::size_t count = 0;
  for (std::size_t i = 0; i <= whole.size(); ++i) {
    const auto at = [&](Bytes& bytes) { return bytes.begin() + static_cast<std::ptrdiff_t>(i); };
    Bytes longer = whole;
    longer.insert(at(longer), 'A');
    if (longer != whole) ++count, try_it(longer);
    if (i == whole.size()) break;
    Bytes shorter = whole;
    shorter.erase(at(shorter));
    ++count, try_it(shorter);
    for (int bit = 0; bit < 8; ++bit) {
      Bytes changed = whole;
      changed[i] = static_cast<typename Bytes::value_type>(changed[i] ^ (1 << bit));
      ++count, try_it(changed);
    }
  }
  return count;
}

}  // namespace

TEST_CASE("verify-proof: a receipt holds, and the answer says what was asked for") {
  const Held held;
  const auto answer = value(held.ask(held.question()));
  CHECK(answer.index == kIndex);
  CHECK(answer.checkpoint == reference_checkpoint());
  CHECK_FALSE(answer.quorum.has_value());
  CHECK(answer.cosigned.empty());
  CHECK_FALSE(answer.stamp.has_value());
  const core::Json json = audit::to_json(answer);
  CHECK(json == core::Json{{"verified", true},
                           {"origin", reference_checkpoint().origin},
                           {"size", reference_checkpoint().size},
                           {"index", kIndex},
                           {"quorum", nullptr},
                           {"time_stamp", nullptr}});
}

TEST_CASE("verify-proof: no byte of receipt, leaf or key may change") {
  const Held held;
  std::size_t accepted = 0;
  const auto ask = [&](const audit::ProofQuestion& question) {
    if (held.ask(question).has_value()) ++accepted;
  };
  audit::ProofQuestion question = held.question();
  CHECK(for_each_change(held.receipt, [&](const std::string& changed) {
          question.receipt = changed;
          ask(question);
        }) > 10 * held.receipt.size());
  question = held.question();
  for_each_change(held.leaf, [&](const core::Bytes& changed) {
    question.leaf = changed;
    ask(question);
  });
  question = held.question();
  for_each_change(held.key, [&](const std::string& changed) {
    question.log_key = changed;
    ask(question);
  });
  CHECK(accepted == 0);
  ask(held.question());  // the control
  CHECK(accepted == 1);
}

TEST_CASE("verify-proof: with a quorum of all, no byte of a cosigned receipt may change") {
  const Held held({1, 2});
  const std::string policy = both_witnesses();
  audit::ProofQuestion question = held.question();
  question.policy = policy;
  const auto answer = value(held.ask(question));
  CHECK(answer.quorum == "g");
  REQUIRE(answer.cosigned.size() == 2);
  CHECK(audit::to_json(answer).at("cosigned")[1].at("witness") == "B");
  std::size_t accepted = 0;
  for_each_change(held.receipt, [&](const std::string& changed) {
    question.receipt = changed;
    if (held.ask(question).has_value()) ++accepted;
  });
  CHECK(accepted == 0);

  // The policy's log stands in for the key; a key that is given must be one of the policy's.
  question = held.question();
  question.policy = policy;
  question.log_key.reset();
  CHECK(verdict(held.ask(question)) == "accepted");
  const std::string other = witness(1).vkey();
  question.log_key = other;
  CHECK_FALSE(held.ask(question).has_value());
  const Held lonely({1});
  question = lonely.question();
  question.policy = policy;
  CHECK(verdict(lonely.ask(question)) == "not-trusted");
  CHECK(verdict(lonely.ask(lonely.question())) == "accepted");  // nobody asked for witnesses
}

TEST_CASE("verify-proof: a time stamp that is given must hold") {
  const Held held;
  fixture::Authority authority;
  core::SeededEntropy entropy{9};
  const auto imprint =
      value(audit::stamped_checkpoint(reference_note(), {log_verifier()})).imprint();
  const auto stamp = [&](const core::Digest& digest) {
    return authority.answer(value(core::time_stamp_query(digest, entropy)));
  };
  const core::Bytes response = stamp(imprint), foreign = stamp(core::sha256("x"));
  const std::string roots = fixture::read(authority.file("ca.pem"));
  const std::string strangers = fixture::read(fixture::Authority().file("ca.pem"));
  // The stamp is younger than `held`; the clock of an authority may be ahead of ours so far.
  const auto ask = [&](core::ByteView given, std::string_view trusted) {
    audit::ProofQuestion question = held.question();
    question.time_stamp = given;
    question.roots = trusted;
    return held.ask(question);
  };
  const auto answer = value(ask(response, roots));
  REQUIRE(answer.stamp.has_value());
  CHECK(audit::to_json(answer).at("time_stamp").at("authority") == "CN=Test TSA");
  CHECK(verdict(ask(foreign, roots)) == "proof-invalid");
  CHECK(verdict(ask(response, strangers)) == "not-trusted");
  CHECK(verdict(ask({}, roots)) == "invalid-input");  // empty is not "none"
  CHECK(verdict(ask(response, "")) == "invalid-input");
  audit::ProofQuestion half = held.question();
  half.time_stamp = response;
  CHECK(verdict(held.ask(half)) == "invalid-argument");
  half = held.question();
  half.roots = roots;
  CHECK(verdict(held.ask(half)) == "invalid-argument");
  // A stamp does not make up for the receipt.
  audit::ProofQuestion wrong = held.question();
  const core::Bytes leaf = reference_leaves()[kIndex - 1];
  wrong.leaf = leaf;
  wrong.time_stamp = response;
  wrong.roots = roots;
  CHECK(verdict(held.ask(wrong)) == "proof-invalid");
}

TEST_CASE("verify-proof: what cannot be answered is no refusal") {
  const Held held;
  audit::ProofQuestion question = held.question();
  question.log_key.reset();
  CHECK(verdict(held.ask(question)) == "invalid-argument");
  question = held.question();
  question.policy = "";  // empty is not "none"
  question.policy_name = "the file";
  const auto empty = held.ask(question);
  REQUIRE_FALSE(empty.has_value());
  CHECK_FALSE(audit::is_refusal(empty.error().code));
  question = held.question();
  const core::Bytes most(65535, 1), more(65536, 1);
  question.leaf = most;
  CHECK(verdict(held.ask(question)) == "proof-invalid");
  question.leaf = more;
  CHECK(verdict(held.ask(question)) == "input-too-large");
  question = held.question();
  const std::string long_receipt(audit::kMaxProofBytes + 1, 'a');
  question.receipt = long_receipt;
  CHECK(verdict(held.ask(question)) == "input-too-large");
  for (const auto code : {core::ErrorCode::proof_invalid, core::ErrorCode::signature_invalid,
                          core::ErrorCode::not_trusted})
    CHECK(audit::is_refusal(code));
}
