#include "sigillo/audit/proof.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/unit/audit/tree_fixture.hpp"

namespace {

using namespace sigillo::audit;
using namespace sigillo::audit::test;
namespace core = sigillo::core;

constexpr std::string_view kHeader = "c2sp.org/tlog-proof@v1\n";
constexpr std::string_view kHash = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";

TlogProof reference_proof(std::uint64_t index) {
  return TlogProof{index, slow_inclusion(index, reference_hashes()), reference_note(), {}};
}
std::string verdict_of(std::string_view text) { return verdict(parse_tlog_proof(text)); }
std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}
// A proof text with these lines between header and checkpoint.
std::string with_lines(std::string_view lines) { return fmt::format("{}{}\nnote", kHeader, lines); }

}  // namespace

TEST_CASE("tlog-proof: text and back, for every leaf, with and without extra data") {
  for (std::uint64_t i = 0; i < 8; ++i)
    for (const core::Bytes& extra :
         {core::Bytes{}, core::Bytes{0}, core::to_bytes("note to self")}) {
      TlogProof proof = reference_proof(i);
      proof.extra = extra;
      const std::string text = tlog_proof_text(proof);
      const auto parsed = parse_tlog_proof(text);
      REQUIRE(parsed.has_value());
      CHECK(parsed->index == proof.index);
      CHECK(parsed->path == proof.path);
      CHECK(parsed->checkpoint == proof.checkpoint);
      CHECK(parsed->extra == proof.extra);
      CHECK(tlog_proof_text(*parsed) == text);
    }
}

TEST_CASE("tlog-proof: every leaf verifies, and only at its own index") {
  const auto leaves = reference_leaves();
  for (std::uint64_t i = 0; i < 8; ++i)
    for (std::uint64_t k = 0; k < 8; ++k) {
      const auto checkpoint = verify_tlog_proof(reference_proof(i), leaves[k], log_verifier());
      REQUIRE(verdict(checkpoint) == (i == k ? "accepted" : "proof-invalid"));
      if (i == k) CHECK(*checkpoint == reference_checkpoint());
      TlogProof moved = reference_proof(i);
      moved.index = k;
      CHECK(verdict(verify_tlog_proof(moved, leaves[i], log_verifier())) ==
            (i == k ? "accepted" : "proof-invalid"));
    }
}

TEST_CASE("tlog-proof: a single entry has an empty path") {
  const core::Bytes leaf = core::to_bytes("only");
  const Checkpoint checkpoint{std::string(kLogName), 1, leaf_hash(leaf)};
  const TlogProof proof{0, {}, sign_checkpoint(checkpoint, log_key()).value(), {}};
  CHECK(verify_tlog_proof(proof, leaf, log_verifier()).value() == checkpoint);
  CHECK(verdict(parse_tlog_proof(tlog_proof_text(proof))) == "accepted");
}

TEST_CASE("tlog-proof: signature, origin and path are all needed") {
  const core::Bytes leaf = reference_leaves()[5];
  const auto outcome = [&](auto change) {
    TlogProof proof = reference_proof(5);
    change(proof);
    return verdict(verify_tlog_proof(proof, leaf, log_verifier()));
  };
  CHECK(outcome([](TlogProof&) {}) == "accepted");
  CHECK(outcome([](TlogProof& p) { p.index = 8; }) == "proof-invalid");
  CHECK(outcome([](TlogProof& p) { p.path.pop_back(); }) == "proof-invalid");
  CHECK(outcome([](TlogProof& p) { p.path.push_back(Digest{}); }) == "proof-invalid");
  CHECK(outcome([](TlogProof& p) { p.path[1].bytes[0] ^= 1; }) == "proof-invalid");
  CHECK(outcome([](TlogProof& p) { p.checkpoint.clear(); }) == "invalid-input");
  CHECK(outcome([](TlogProof& p) { p.checkpoint[18] = '9'; }) == "signature-invalid");
  // A path to a root that somebody else has signed, under the log's name, says nothing.
  CHECK(outcome([](TlogProof& p) {
          p.checkpoint = sign_checkpoint(reference_checkpoint(), counting_key(0x20)).value();
        }) == "signature-invalid");
  CHECK(outcome([](TlogProof& p) {
          Checkpoint other = reference_checkpoint();
          other.origin = "other.example";
          p.checkpoint = sign_note(checkpoint_text(other), kLogName, log_key()).value();
        }) == "not-trusted");
  CHECK(outcome([](TlogProof& p) {
          Checkpoint other = reference_checkpoint();
          other.root.bytes[0] ^= 1;
          p.checkpoint = sign_checkpoint(other, log_key()).value();
        }) == "proof-invalid");
  // No signature covers the extra data.
  CHECK(outcome([](TlogProof& p) { p.extra = core::to_bytes("anything"); }) == "accepted");
}

TEST_CASE("tlog-proof: every incremented byte of the text is refused") {
  const core::Bytes leaf = reference_leaves()[5];
  const std::string text = tlog_proof_text(reference_proof(5));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] + 1);
    const auto parsed = parse_tlog_proof(changed);
    if (parsed) REQUIRE_FALSE(verify_tlog_proof(*parsed, leaf, log_verifier()).has_value());
    const auto cut = parse_tlog_proof(text.substr(0, i));
    if (cut) REQUIRE_FALSE(verify_tlog_proof(*cut, leaf, log_verifier()).has_value());
  }
}

TEST_CASE("tlog-proof: malformed texts") {
  CHECK(verdict_of(with_lines("index 0\n")) == "accepted");  // positive control
  CHECK(verdict_of(with_lines("extra AA==\nindex 0\n" + std::string(kHash))) == "accepted");
  CHECK(verdict_of("") == "invalid-input");
  CHECK(verdict_of("c2sp.org/tlog-proof@v2\nindex 0\n\nnote") == "invalid-input");
  CHECK(verdict_of("c2sp.org/tlog-proof@v1\r\nindex 0\n\nnote") == "invalid-input");
  CHECK(verdict_of("\n" + with_lines("index 0\n")) == "invalid-input");
  CHECK(verdict_of("c2sp.org/tlog-proof@v1") == "invalid-input");
  CHECK(verdict_of(kHeader) == "invalid-input");
  for (const std::string_view lines : {"",
                                       "extra AA==\n",
                                       "index\n",
                                       "index \n",
                                       "index -1\n",
                                       "index +1\n",
                                       "index 01\n",
                                       "index one\n",
                                       "index 1 \n",
                                       "index  1\n",
                                       "index 9223372036854775808\n",
                                       "Index 1\n",
                                       "extra\nindex 0\n",
                                       "extra \nindex 0\n",
                                       "extra AA\nindex 0\n",
                                       "extra AB==\nindex 0\n",
                                       "extra ****\nindex 0\n",
                                       "extra AA==\nextra AA==\nindex 0\n",
                                       "index 0\nextra AA==\n",
                                       "index 0\nindex 0\n",
                                       "index 0\n*\n",
                                       "index 0\nAAAA\n"})
    CHECK(verdict_of(with_lines(lines)) == "invalid-input");
  const std::string long_hash = core::base64_encode(core::Bytes(64, 1)) + "\n";
  CHECK(verdict_of(with_lines("index 0\n" + long_hash)) == "invalid-input");
  CHECK(verdict_of(with_lines("index 0\n " + std::string(kHash))) == "invalid-input");
  CHECK(verdict_of(with_lines("index 0\n" + std::string(1000, 'A') + "\n")) == "invalid-input");
  CHECK(verdict_of(std::string(kHeader) + "index 0\n") == "invalid-input");    // no blank line
  CHECK(verdict_of(std::string(kHeader) + "index 0\n\n") == "invalid-input");  // no checkpoint
}

TEST_CASE("tlog-proof: limits, at and one past") {
  CHECK(verdict_of(with_lines("index 9223372036854775807\n")) == "accepted");
  CHECK(verdict_of(with_lines("index 0\n" + repeated(kHash, 63))) == "accepted");
  CHECK(verdict_of(with_lines("index 0\n" + repeated(kHash, 64))) == "invalid-input");
  std::string text = with_lines("index 0\n");
  text += std::string(kMaxProofBytes - text.size(), 'a');
  CHECK(verdict_of(text) == "accepted");
  CHECK(verdict_of(text + "a") == "input-too-large");
}
