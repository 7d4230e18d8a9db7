// RFC 3161 time stamps: answers of the openssl command's own authority, every way to be wrong, and
// stamps on checkpoints in the ledger.
#include "sigillo/audit/time_stamp.hpp"

#include <cstdlib>

#include "sigillo/audit/cosignature.hpp"
#include "tests/unit/audit/tsa_fixture.hpp"

using namespace fixture;
using audit::StampedCheckpoint;

namespace {

// The clock of the authority, too: a stamp is younger than the start of this program.
core::Timestamp now() { return core::SystemClock().now(); }

template <class T>
std::string verdict(const core::Result<T>& result) {
  return result.has_value() ? "accepted" : std::string(to_string(result.error().code));
}

struct Stamped {
  core::SeededEntropy entropy{3};
  Authority authority;
  std::string data = "what is stamped\n";
  core::Digest imprint = core::sha256(data);
  core::Bytes query = value(core::time_stamp_query(imprint, entropy));
  core::Bytes response = authority.answer(query);
  core::TimeStampRoots roots = authority.roots();

  core::Result<core::TimeStamp> verify(core::ByteView bytes) {
    return core::verify_time_stamp(bytes, imprint, roots, now());
  }
};

audit::NoteVerifier log_of(const audit::Workspace& workspace) {
  const auto info = value(workspace.keyring().info(workspace.config().log_key));
  return value(
      audit::NoteVerifier::create(kOrigin, value(core::PublicKey::from_pem(info.public_key))));
}

// The latest checkpoint of a workspace, and a stamp on it.
struct StampedWorld : World {
  audit::NoteVerifier log = log_of(workspace);
  Authority authority;
  std::string note;
  core::Bytes response;

  StampedCheckpoint latest() {
    const auto ledger = value(workspace.ledger(audit::Ledger::Access::read));
    note = value(ledger.latest_checkpoint());
    return value(audit::stamped_checkpoint(note, {log}));
  }
  audit::Receipt stamp() {
    const StampedCheckpoint stamped = latest();
    response = authority.answer(value(core::time_stamp_query(stamped.imprint(), entropy)));
    const auto time =
        value(core::verify_time_stamp(response, stamped.imprint(), authority.roots(), now()));
    return value(audit::record_time_stamp(workspace, stamped, response, time, clock));
  }
};

}  // namespace

TEST_CASE("time stamp: an answer of another program holds, and says when", "[time-stamp]") {
  Stamped s;
  const auto stamp =
      value(core::verify_time_stamp_answer(s.response, s.query, s.imprint, s.roots, now()));
  CHECK(stamp.imprint == s.imprint);
  CHECK(std::abs(stamp.time.seconds - now().seconds) < 120);
  CHECK(stamp.accuracy_micros == 1'500'000);
  CHECK(stamp.policy == "1.2.3.4.1");
  CHECK(stamp.authority == "CN=Test TSA");
  CHECK_FALSE(stamp.serial.empty());
  CHECK(s.authority.openssl_accepts(s.response, s.data));
  CHECK_FALSE(s.authority.openssl_accepts(s.response, "other bytes"));
  // Without a root the claims are read, but no authority is named.
  const auto claims = value(core::read_time_stamp(s.response));
  CHECK(claims.time == stamp.time);
  CHECK(claims.authority.empty());
}

TEST_CASE("time stamp: what is wrong is refused for what it is", "[time-stamp]") {
  Stamped s;
  REQUIRE(verdict(s.verify(s.response)) == "accepted");
  CHECK(verdict(core::verify_time_stamp(s.response, core::sha256("x"), s.roots, now())) ==
        "proof-invalid");

  SECTION("another query's nonce") {
    const core::Bytes other = value(core::time_stamp_query(s.imprint, s.entropy));
    REQUIRE(other != s.query);
    CHECK(verdict(core::verify_time_stamp_answer(s.response, other, s.imprint, s.roots, now())) ==
          "proof-invalid");
    CHECK(verdict(core::verify_time_stamp_answer(s.response, core::as_bytes("x"), s.imprint,
                                                 s.roots, now())) == "invalid-input");
  }
  SECTION("a foreign authority") {
    const Authority foreign;
    CHECK(verdict(core::verify_time_stamp(s.response, s.imprint, foreign.roots(), now())) ==
          "not-trusted");
  }
  SECTION("a certificate out of its validity at the token's time") {
    s.authority.certify("past", "Past TSA", "time_stamping", "20200101000000Z", "20210101000000Z");
    s.authority.certify("early", "Early TSA", "time_stamping", "20390101000000Z",
                        "20400101000000Z");
    CHECK(verdict(s.verify(s.authority.answer(s.query, "past"))) == "not-trusted");
    CHECK(verdict(s.verify(s.authority.answer(s.query, "early"))) == "not-trusted");
  }
  SECTION("a certificate that is not for time stamping, or not for that alone") {
    const core::Bytes control = s.authority.resigned(s.response, "tsa");
    CHECK(verdict(s.verify(control)) == "accepted");
    for (const std::string extensions : {"no_usage", "not_critical"}) {
      s.authority.certify("wrong", "Wrong", extensions, "20200101000000Z", "20400101000000Z");
      CHECK(verdict(s.verify(s.authority.resigned(s.response, "wrong"))) == "not-trusted");
    }
  }
  SECTION("a weak digest under the token") {
    CHECK(verdict(s.verify(s.authority.resigned(s.response, "tsa", "sha1"))) ==
          "signature-invalid");
  }
  SECTION("a time to come") {
    const core::Timestamp before{now().seconds - 3600, 0};
    CHECK(verdict(core::verify_time_stamp(s.response, s.imprint, s.roots, before)) ==
          "not-trusted");
    // A certificate that has expired since does not take a stamp back.
    const core::Timestamp later{now().seconds + 100LL * 365 * 86400, 0};
    CHECK(verdict(core::verify_time_stamp(s.response, s.imprint, s.roots, later)) == "accepted");
  }
  SECTION("an authority that refuses") {
    // Its answer to a question about SHA-1, which it does not take.
    core::Bytes sha1 = s.query;
    const std::string sha256_oid("\x60\x86\x48\x01\x65\x03\x04\x02\x01", 9);
    const std::size_t at = std::string(core::as_text(sha1)).find(sha256_oid);
    REQUIRE(at != std::string::npos);
    sha1[at + 8] = 0x02;  // SHA-384
    const core::Bytes refused = s.authority.answer(sha1);
    CHECK(verdict(s.verify(refused)) == "not-trusted");
    CHECK(s.verify(refused).error().message.find("badAlg") != std::string::npos);
  }
  SECTION("damage and garbage") {
    // No signature covers the names of its own algorithms: such a bit may be anything, but no
    // damage gives another statement.
    const auto genuine = value(s.verify(s.response));
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < s.response.size(); ++i) {
      core::Bytes damaged = s.response;
      damaged[i] ^= 0x04;
      const auto result = s.verify(damaged);
      if (!result.has_value()) continue;
      INFO("byte " << i);
      ++accepted;
      CHECK(result->time == genuine.time);
      CHECK(result->serial == genuine.serial);
      CHECK(result->authority == genuine.authority);
    }
    CHECK(accepted <= 9 + 8);  // the bytes of the two names: digest and signature algorithm
    core::Bytes longer = s.response;
    longer.push_back(0);
    CHECK(verdict(s.verify(longer)) == "invalid-input");
    CHECK(verdict(s.verify(core::ByteView(s.response).first(100))) == "invalid-input");
    CHECK(verdict(s.verify({})) == "invalid-input");
    CHECK(verdict(s.verify(core::as_bytes("garbage"))) == "invalid-input");
    CHECK(verdict(s.verify(core::Bytes(core::kMaxTimeStampBytes, 0x30))) == "invalid-input");
    CHECK(verdict(s.verify(core::Bytes(core::kMaxTimeStampBytes + 1, 0x30))) == "input-too-large");
  }
}

TEST_CASE("time stamp: roots are certificates, all of them", "[time-stamp]") {
  const Authority authority;
  const std::string pem = read(authority.file("ca.pem"));
  CHECK(verdict(core::TimeStampRoots::from_pem(pem + "\nnotes between\n" + pem)) == "accepted");
  CHECK(verdict(core::TimeStampRoots::from_pem("")) == "invalid-input");
  CHECK(verdict(core::TimeStampRoots::from_pem("no certificate")) == "invalid-input");
  std::string damaged = pem;
  damaged[pem.size() / 2] = '!';
  CHECK(verdict(core::TimeStampRoots::from_pem(pem + damaged)) == "invalid-input");
  CHECK(verdict(core::TimeStampRoots::from_pem(
            std::string(core::kMaxTimeStampRootsBytes + 1, ' '))) == "input-too-large");
  // An authority's own certificate can be an anchor.
  Stamped s;
  const auto own = value(core::TimeStampRoots::from_pem(read(s.authority.file("tsa.pem"))));
  CHECK(verdict(core::verify_time_stamp(s.response, s.imprint, own, now())) == "accepted");
}

TEST_CASE("time stamp: covers the log's line, and no line of a witness", "[time-stamp]") {
  StampedWorld world;
  const StampedCheckpoint stamped = world.latest();
  CHECK(stamped.bytes == world.note);  // the log alone has signed it
  const auto witness_key = key_of(0x31);
  const std::string text = checkpoint_text(stamped.checkpoint);
  const std::string line = value(audit::cosign(text, "w.example/1", witness_key, now()));
  const std::string cosigned = value(audit::add_signature_lines(world.note, line));
  CHECK(value(audit::stamped_checkpoint(cosigned, {world.log})).bytes == world.note);
  CHECK(code(audit::stamped_checkpoint(
            cosigned, {value(audit::NoteVerifier::create("x", witness_key.public_key()))})) ==
        core::ErrorCode::signature_invalid);
}

TEST_CASE("time stamp: recorded, covered by the next checkpoint, and checked by fsck",
          "[time-stamp]") {
  StampedWorld world;
  fill(world);
  const auto before = check(world.workspace);
  const audit::Receipt receipt = world.stamp();
  const auto report = check(world.workspace);
  CHECK(report.blobs == before.blobs + 1);
  CHECK(report.evidence.rows == before.evidence.rows);  // no conduct
  const auto ledger = value(world.workspace.ledger(audit::Ledger::Access::read));
  const auto stamps = value(audit::recorded_time_stamps(ledger));
  REQUIRE(stamps.size() == 1);
  CHECK(stamps[0].entry == receipt.index);
  CHECK(stamps[0].size == receipt.index);
  CHECK(value(world.workspace.blobs().get(stamps[0].token)) == world.response);

  SECTION("a response that was altered") {
    write(world.workspace.blobs().path(stamps[0].token), "x");
    const auto damaged = value(audit::fsck(world.workspace));
    CHECK(errors(damaged) == std::vector<std::string>{
                                 fmt::format("entry {} (time-stamp), token blob", receipt.index)});
  }
  SECTION("records that say something else than their response or their log") {
    const auto wrong = [&](const std::string& field, const Json& other) {
      Json fields = stamps[0].record.fields;
      for (const char* added : {"ledger", "recorded_at", "retention"}) fields.erase(added);
      fields[field] = other;
      world.record("time-stamp", fields);
    };
    wrong("size", 3);
    wrong("root", hex_of('1'));
    wrong("imprint", hex_of('1'));
    wrong("time", "2020-01-01T00:00:00Z");
    CHECK(errors(value(audit::fsck(world.workspace))).size() == 5);  // imprint: twice
  }
  SECTION("a stamp on other bytes is not recorded") {
    const StampedCheckpoint later = world.latest();
    const auto stamp = value(core::read_time_stamp(world.response));
    CHECK(code(audit::record_time_stamp(world.workspace, later, world.response, stamp,
                                        world.clock)) == core::ErrorCode::proof_invalid);
  }
}

TEST_CASE("time stamp: with a receipt, one answer", "[time-stamp]") {
  StampedWorld world;
  world.record("placement", example("placement"));
  const StampedCheckpoint stamped = world.latest();
  const std::string note = world.note;
  world.stamp();
  const auto ledger = value(world.workspace.ledger(audit::Ledger::Access::read));
  std::vector<core::Digest> hashes;
  for (std::uint64_t i = 0; i < stamped.checkpoint.size; ++i)
    hashes.push_back(audit::leaf_hash(core::as_bytes(value(ledger.leaf(i)))));
  const std::uint64_t index = stamped.checkpoint.size - 1;
  const std::string leaf = value(ledger.leaf(index));
  const audit::TlogProof proof{index, value(audit::inclusion_path(index, hashes)), note, {}};
  const audit::CheckpointTrust trust = audit::trust_log(world.log);
  const auto answer = [&](const audit::TlogProof& p, std::string_view l, core::ByteView response,
                          const core::TimeStampRoots& roots) {
    return verdict(
        audit::verify_stamped_proof(p, core::as_bytes(l), trust, response, roots, now()));
  };
  const core::TimeStampRoots roots = world.authority.roots();
  CHECK(answer(proof, leaf, world.response, roots) == "accepted");
  CHECK(world.authority.openssl_accepts(world.response, stamped.bytes));
  CHECK(answer(proof, "another leaf", world.response, roots) == "proof-invalid");
  CHECK(answer(proof, leaf, world.response, Authority().roots()) == "not-trusted");
  CHECK(answer(proof, leaf, core::as_bytes("none"), roots) == "invalid-input");
  // The same entry under the later checkpoint, which holds, but is not what was stamped.
  audit::TlogProof later = proof;
  later.checkpoint = value(ledger.latest_checkpoint());
  hashes.push_back(audit::leaf_hash(core::as_bytes(value(ledger.leaf(index + 1)))));
  later.path = value(audit::inclusion_path(index, hashes));
  REQUIRE(audit::verify_tlog_proof(later, core::as_bytes(leaf), world.log).has_value());
  CHECK(answer(later, leaf, world.response, roots) == "proof-invalid");
}

TEST_CASE("time stamp: the page's example is that of the checkpoint's page", "[time-stamp]") {
  const auto fenced = [](std::string_view page, const std::string& marker) {
    const std::string text = read(fs::path(SIGILLO_DOCS) / "formats" / page);
    const std::size_t start = text.find("```" + marker + "\n");
    REQUIRE(start != std::string::npos);
    const std::size_t first = text.find('\n', start) + 1;
    return text.substr(first, text.find("```", first) - first);
  };
  const auto log = value(audit::NoteVerifier::parse(
      "ledger.example/v1+a72446d6+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"));
  const StampedCheckpoint stamped =
      value(audit::stamped_checkpoint(fenced("checkpoint.md", "checkpoint"), {log}));
  CHECK(stamped.imprint().hex() + "\n" == fenced("timestamp.md", "stamped-sha256"));
}
