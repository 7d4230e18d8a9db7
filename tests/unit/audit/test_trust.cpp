// Who may say what: the trust list as it follows a ledger.
#include "fixture.hpp"

using namespace fixture;
using core::ErrorCode;

namespace {

Json trusted(std::uint8_t seed, std::string_view actor, std::string_view role, const Json& kinds) {
  const core::PublicKey key = key_of(seed).public_key();
  return {{"key_id", key.id().hex()}, {"public_key", core::base64_encode(key.spki_der())},
          {"actor", actor},           {"role", role},
          {"kinds", kinds},           {"valid_from", "2026-01-01T00:00:00Z"}};
}

// Key 1 owns; key 2 may record placements; key 3 is a stranger.
struct Ledger {
  Ledger() {
    const audit::Record genesis = made(1, "genesis", example("genesis"));
    id = audit::ledger_id(genesis);
    REQUIRE(trust.accept(next++, genesis).has_value());
    REQUIRE(say(1, "trust-list", list()).has_value());
  }
  static Json list() {
    return {{"keys", Json::array({trusted(1, "Owner", "owner", {"*"}),
                                  trusted(2, "Recorder", "recorder", {"placement"})})}};
  }
  audit::Record made(std::uint8_t seed, std::string_view name, const Json& fields) {
    const audit::RecordKind& kind = *audit::find_record_kind(name);
    return value(
        audit::read_record(value(audit::make_record(kind, fields, {audit::named_subject("t", "t")},
                                                    ledger_of(kind, id), key_of(seed), clock))));
  }
  core::Result<std::string> say(std::uint8_t seed, std::string_view kind, const Json& fields) {
    return trust.accept(next++, made(seed, kind, fields));
  }
  audit::TrustList trust;
  core::Digest id;
  std::uint64_t next = 0;
  core::FixedClock clock{at("2026-11-24T12:00:00Z")};
};

}  // namespace

TEST_CASE("trust: the genesis", "[trust]") {
  Ledger ledger;
  CHECK(ledger.trust.origin() == kOrigin);
  CHECK(ledger.trust.log_vkey() == example("genesis").at("log_key"));
  const auto second = ledger.say(1, "genesis", example("genesis"));
  CHECK(code(second) == ErrorCode::not_trusted);
  CHECK(second.error().message.find("entry 2") != std::string::npos);

  audit::TrustList other;
  CHECK(code(other.accept(0, ledger.made(1, "trust-list", Ledger::list()))) ==
        ErrorCode::ledger_corrupt);
  CHECK(code(other.accept(0, ledger.made(3, "genesis", example("genesis")))) ==
        ErrorCode::signature_invalid);
  Json broken = example("genesis");
  broken["owner_key"] = "AAAA";
  CHECK_FALSE(other.accept(0, ledger.made(1, "genesis", broken)).has_value());
  // Before the first list, the owner may sign that list and nothing else.
  REQUIRE(other.accept(0, ledger.made(1, "genesis", example("genesis"))).has_value());
  CHECK(code(other.accept(1, ledger.made(1, "placement", example("placement")))) ==
        ErrorCode::not_trusted);
  CHECK(code(other.accept(1, ledger.made(3, "trust-list", Ledger::list()))) ==
        ErrorCode::not_trusted);
}

TEST_CASE("trust: kinds, roles and strangers", "[trust]") {
  Ledger ledger;
  CHECK(value(ledger.say(2, "placement", example("placement"))) == "Recorder");
  CHECK(value(ledger.say(1, "notification", example("notification"))) == "Owner");
  CHECK(code(ledger.say(2, "notification", example("notification"))) == ErrorCode::not_trusted);
  CHECK(code(ledger.say(3, "placement", example("placement"))) == ErrorCode::not_trusted);
  // A recorder for everything is still no owner.
  Json list = Ledger::list();
  list["keys"][1]["kinds"] = {"*"};
  REQUIRE(ledger.say(1, "trust-list", list).has_value());
  list["keys"][1]["role"] = "owner";
  CHECK(code(ledger.say(2, "trust-list", list)) == ErrorCode::not_trusted);
  CHECK(ledger.trust.keys().size() == 2);
}

TEST_CASE("trust: a record counts in the ledger that it names, and in no other", "[trust]") {
  // One key owns two ledgers of one name, made at different times.
  Ledger first;
  first.clock.set(at("2026-11-24T13:00:00Z"));
  Ledger second;
  audit::TrustList other;
  const audit::Record genesis = first.made(1, "genesis", example("genesis"));
  REQUIRE(other.accept(0, genesis).has_value());
  CHECK(audit::ledger_id(genesis) != second.id);
  const auto refused = [&](const audit::Record& record) {
    const auto said = other.accept(1, record);
    return code(said) == ErrorCode::not_trusted &&
           said.error().message.find("another ledger") != std::string::npos;
  };
  CHECK(refused(second.made(1, "trust-list", Ledger::list())));
  first.id = audit::ledger_id(genesis);
  REQUIRE(other.accept(1, first.made(1, "trust-list", Ledger::list())).has_value());
  CHECK(refused(second.made(1, "placement", example("placement"))));
  CHECK(refused(second.made(2, "placement", example("placement"))));
  CHECK(other.accept(2, first.made(2, "placement", example("placement"))).has_value());
}

TEST_CASE("trust: validity is inclusive at both ends", "[trust]") {
  Ledger ledger;
  Json list = Ledger::list();
  list["keys"][1]["valid_to"] = "2026-12-01T00:00:00Z";
  REQUIRE(ledger.say(1, "trust-list", list).has_value());
  const auto says = [&](std::string_view time) {
    ledger.clock.set(at(time));
    return ledger.say(2, "placement", example("placement")).has_value();
  };
  CHECK_FALSE(says("2025-12-31T23:59:59Z"));
  CHECK(says("2026-01-01T00:00:00Z"));
  CHECK(says("2026-12-01T00:00:00Z"));
  CHECK_FALSE(says("2026-12-01T00:00:01Z"));
}

TEST_CASE("trust: signatures and hints", "[trust]") {
  Ledger ledger;
  audit::Record record = ledger.made(2, "placement", example("placement"));
  const audit::Record good = record;
  record.envelope.signatures[0].signature[5] ^= 1;
  const auto broken = ledger.trust.accept(2, record);
  CHECK(code(broken) == ErrorCode::signature_invalid);
  CHECK(broken.error().message.find("entry 2") != std::string::npos);
  // The hint names the owner, but the recorder signed.
  record = good;
  record.envelope.signatures[0].key_id = key_of(1).public_key().id().hex();
  CHECK(code(ledger.trust.accept(2, record)) == ErrorCode::signature_invalid);
  // A stranger's hint, or none.
  record.envelope.signatures[0].key_id = key_of(3).public_key().id().hex();
  CHECK(code(ledger.trust.accept(2, record)) == ErrorCode::not_trusted);
  record.envelope.signatures[0].key_id.clear();
  CHECK(code(ledger.trust.accept(2, record)) == ErrorCode::not_trusted);
  // A stranger beside the recorder takes nothing away.
  record = good;
  record.envelope.signatures.insert(record.envelope.signatures.begin(),
                                    {key_of(3).public_key().id().hex(), core::Bytes(64, 1)});
  CHECK(value(ledger.trust.accept(2, record)) == "Recorder");
}

TEST_CASE("trust: a list that cannot be used leaves the list before it in force", "[trust]") {
  Ledger ledger;
  const auto refused = [&](const std::function<void(Json&)>& change) {
    Json list = Ledger::list();
    list["keys"][0]["actor"] = "Renamed";
    change(list);
    const auto said = ledger.say(1, "trust-list", list);
    REQUIRE_FALSE(said.has_value());
    CHECK(said.error().code == ErrorCode::not_trusted);
    CHECK(said.error().message.find(fmt::format("entry {}", ledger.next - 1)) != std::string::npos);
    CHECK(ledger.trust.keys().size() == 2);
    CHECK(ledger.trust.keys().at(key_of(1).public_key().id().hex()).actor == "Owner");
  };
  refused([](Json& list) { list["keys"].push_back(list["keys"][1]); });
  refused([](Json& list) { list["keys"].erase(0); });  // no owner is left
  refused([](Json& list) { list["keys"] = Json::array(); });
  refused([](Json& list) { list["keys"][1]["key_id"] = list["keys"][0]["key_id"]; });
  refused([](Json& list) { list["keys"][1]["public_key"] = "not base64"; });
  refused([](Json& list) { list["keys"][1]["public_key"] = "AAAA"; });
}

TEST_CASE("trust: replacing the list revokes", "[trust]") {
  Ledger ledger;
  const audit::Record first_list = ledger.made(1, "trust-list", Ledger::list());
  const Json without{{"keys", Json::array({trusted(1, "Owner", "owner", {"*"})})}};
  REQUIRE(ledger.say(1, "trust-list", without).has_value());
  CHECK(code(ledger.say(2, "placement", example("placement"))) == ErrorCode::not_trusted);
  // Whoever can append can append the old list again: its key must stay revoked.
  CHECK(code(ledger.trust.accept(3, first_list)) == ErrorCode::not_trusted);
  CHECK(ledger.trust.keys().size() == 1);
}

TEST_CASE("trust: a statement counts once, however its envelope is varied", "[trust]") {
  Ledger ledger;
  const audit::Record record = ledger.made(2, "placement", example("placement"));
  REQUIRE(ledger.trust.accept(2, record).has_value());
  CHECK(code(ledger.trust.accept(3, record)) == ErrorCode::not_trusted);
  audit::Record varied = record;
  varied.envelope.signatures.push_back({"someone", core::Bytes(64, 1)});
  CHECK(code(ledger.trust.accept(3, varied)) == ErrorCode::not_trusted);
  // What did not count when it came may be said again.
  const audit::Record early = ledger.made(3, "placement", example("placement"));
  CHECK(code(ledger.trust.accept(3, early)) == ErrorCode::not_trusted);
  Json list = Ledger::list();
  list["keys"].push_back(trusted(3, "Third", "recorder", {"*"}));
  ledger.clock.set(at("2026-11-25T12:00:00Z"));
  REQUIRE(ledger.say(1, "trust-list", list).has_value());
  const audit::Record late = ledger.made(3, "placement", example("placement"));
  CHECK(value(ledger.trust.accept(5, late)) == "Third");
}
