#include "sigillo/audit/cosignature.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/unit/audit/tree_fixture.hpp"

namespace {

using namespace sigillo::audit;
using namespace sigillo::audit::test;
namespace core = sigillo::core;

constexpr std::string_view kWitnessName = "witness.example/w1";
constexpr core::Timestamp kTime{1679315147, 0};

NoteVerifier witness() {
  return NoteVerifier::create(kWitnessName, counting_key(0x20).public_key(),
                              SignatureType::cosignature)
      .value();
}
std::string text() { return checkpoint_text(reference_checkpoint()); }
std::string cosigned(core::Timestamp time = kTime) {
  return add_signature_lines(reference_note(),
                             cosign(text(), kWitnessName, counting_key(0x20), time).value())
      .value();
}
// The signature of a line, without its key id.
core::Bytes signature_of(const std::string& line) {
  const std::size_t space = line.rfind(' ');
  core::Bytes blob =
      core::base64_decode(std::string_view(line).substr(space + 1, line.size() - space - 2))
          .value();
  blob.erase(blob.begin(), blob.begin() + 4);
  return blob;
}

}  // namespace

TEST_CASE("cosignature: opened with its time; the log alone does not see it") {
  const auto opened = open_note(cosigned(), {witness(), log_verifier()});
  REQUIRE(opened.has_value());
  REQUIRE(opened->signers.size() == 2);
  CHECK(opened->signers[0].key == log_verifier());
  CHECK_FALSE(opened->signers[0].time.has_value());
  CHECK(opened->signers[1].key == witness());
  CHECK(opened->signers[1].time == 1679315147U);
  CHECK(open_checkpoint(cosigned(), log_verifier()).value() == reference_checkpoint());
}

TEST_CASE("cosignature: a witness is no log, and its key under the other type is another key") {
  CHECK(verdict(open_checkpoint(cosigned(), witness())) == "invalid-argument");
  const auto as_log = NoteVerifier::create(kWitnessName, witness().key()).value();
  CHECK(as_log.key_id() != witness().key_id());
  CHECK(verdict(open_note(cosigned(), {as_log})) == "signature-invalid");
  // A plain Ed25519 signature of the text in a cosignature's place.
  const core::Bytes plain = counting_key(0x20).sign(core::as_bytes(text())).value();
  core::Bytes timed;
  core::append_u64(timed, 1679315147);
  timed.insert(timed.end(), plain.begin(), plain.end());
  for (const core::Bytes& signature : {plain, timed})
    CHECK(verdict(open_note(
              add_signature_lines(reference_note(), signature_line(witness(), signature)).value(),
              {log_verifier(), witness()})) == "signature-invalid");
}

TEST_CASE("cosignature: every changed bit, every length and another text are refused") {
  const core::Bytes signature =
      signature_of(cosign(text(), kWitnessName, counting_key(0x20), kTime).value());
  REQUIRE(signature.size() == kCosignatureBytes);
  REQUIRE(verify_cosignature(text(), signature, witness().key()).value() == 1679315147U);
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    core::Bytes changed = signature;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    REQUIRE(verdict(verify_cosignature(text(), changed, witness().key())) == "signature-invalid");
  }
  for (std::size_t length = 0; length < signature.size(); ++length)
    REQUIRE(verdict(verify_cosignature(text(), core::ByteView(signature).first(length),
                                       witness().key())) == "signature-invalid");
  core::Bytes longer = signature;
  longer.push_back(0);
  CHECK(verdict(verify_cosignature(text(), longer, witness().key())) == "signature-invalid");
  CHECK(verdict(verify_cosignature(text() + "x\n", signature, witness().key())) ==
        "signature-invalid");
  CHECK(verdict(verify_cosignature(text(), signature, log_key().public_key())) ==
        "signature-invalid");
}

TEST_CASE("cosignature: of several by one key all must hold, and the latest counts") {
  const std::string early = cosign(text(), kWitnessName, counting_key(0x20), {1000, 0}).value();
  const std::string late = cosign(text(), kWitnessName, counting_key(0x20), {2000, 0}).value();
  for (const std::string& lines : {early + late, late + early}) {
    const auto opened = open_note(reference_note() + lines, {witness()});
    REQUIRE(opened.has_value());
    REQUIRE(opened->signers.size() == 1);
    CHECK(opened->signers[0].time == 2000U);
    CHECK(opened->signers[0].line == late);
  }
  core::Bytes broken = signature_of(early);
  broken[70] ^= 1;
  CHECK(verdict(open_note(reference_note() + late + signature_line(witness(), broken),
                          {witness()})) == "signature-invalid");
}

TEST_CASE("cosignature: times from 0 to 2^63 - 1") {
  for (const std::int64_t seconds : {std::int64_t{0}, std::int64_t{1}, INT64_MAX}) {
    const auto opened = open_note(cosigned({seconds, 0}), {witness()});
    REQUIRE(opened.has_value());
    CHECK(opened->signers[0].time == static_cast<std::uint64_t>(seconds));
  }
  CHECK(verdict(cosign(text(), kWitnessName, counting_key(0x20), {-1, 0})) == "invalid-argument");
  // One past it, although the signature holds.
  const std::string message = cosignature_message(std::uint64_t{1} << 63, text());
  core::Bytes late;
  core::append_u64(late, std::uint64_t{1} << 63);
  const core::Bytes signature = counting_key(0x20).sign(core::as_bytes(message)).value();
  late.insert(late.end(), signature.begin(), signature.end());
  CHECK(verdict(verify_cosignature(text(), late, witness().key())) == "signature-invalid");
}

TEST_CASE("cosignature: what is no checkpoint, name or Ed25519 key is not signed") {
  for (const std::string_view bad : {"", "text\n", "a\n8\n", "a\n08\nx\n"})
    CHECK(verdict(cosign(bad, kWitnessName, counting_key(0x20), kTime)) == "invalid-argument");
  CHECK(verdict(cosign(text() + "extension\n", kWitnessName, counting_key(0x20), kTime)) ==
        "invalid-argument");
  CHECK(verdict(cosign(text(), "a b", counting_key(0x20), kTime)) == "invalid-argument");
  core::Bytes scalar(32, 0);
  scalar[31] = 5;
  CHECK(verdict(cosign(text(), kWitnessName, core::PrivateKey::from_p256_scalar(scalar).value(),
                       kTime)) == "unsupported");
}
