// Keys come and go by trust lists: what a revoked key signs counts for nothing, and is told.
#include "sigillo/audit/key_change.hpp"

#include <csignal>

#include "fixture.hpp"
#include "sigillo/audit/shards.hpp"

using namespace fixture;
using core::ErrorCode;

namespace {

struct Keys : World {
  std::string owner_id() const {
    return value(workspace.keyring().info(workspace.config().record_key)).key_id;
  }
  audit::KeyChange rotate(std::string_view name) {
    const auto change = value(audit::rotate_record_key(workspace, name, entropy, clock));
    workspace = value(audit::Workspace::open(workspace.folder()));
    return change;
  }
  // A placement that this key signs, appended past our own verbs.
  void say(const core::PrivateKey& key, std::string_view system) {
    Json fields = example("placement");
    fields["system"] = system;
    const std::vector<std::string> leaves = {value(audit::make_record(
        *audit::find_record_kind("placement"), fields, {audit::named_subject("system", system)},
        value(audit::ledger_id(workspace)), key, clock))};
    value(audit::append_records(workspace, leaves));
  }
  std::size_t systems() const {
    const auto report = value(audit::fsck(workspace));
    const auto found = report.evidence.rows.find("ev1_systems");
    return found == report.evidence.rows.end() ? 0 : found->second.size();
  }
  std::string findings() const { return findings_text(value(audit::fsck(workspace))); }
};

}  // namespace

TEST_CASE("keys: the record key rotates, and what the old one signs counts no more", "[keys]") {
  Keys w;
  const auto stolen = value(w.workspace.keyring().signing_key("owner"));
  const std::string old_id = w.owner_id();
  w.say(stolen, "before");
  const auto change = w.rotate("owner-2");
  CHECK(change.entries == std::vector<std::uint64_t>{3, 4});
  CHECK(w.workspace.config().record_key == "owner-2");
  CHECK(w.owner_id() == change.key_id);
  CHECK(change.key_id != old_id);
  CHECK_FALSE(fs::exists(w.workspace.folder() / "keys/owner.pem"));
  CHECK(check(w.workspace).findings.empty());
  w.record("notification", example("notification"));
  CHECK(check(w.workspace).findings.empty());
  CHECK(w.systems() == 1);

  // Back-dated or not, the old key's word is told and no evidence.
  w.say(stolen, "after");
  w.clock.set(at("2026-11-24T11:00:00Z"));
  w.say(stolen, "back-dated");
  CHECK(w.systems() == 1);
  const std::string told = w.findings();
  CHECK(told.find("warning revoked entry 6 (placement): a key signed it that entry 4 took off") !=
        std::string::npos);
  CHECK(told.find("warning revoked entry 7") != std::string::npos);
  // A stranger is a stranger.
  w.say(key_of(0x77), "stranger");
  CHECK(w.findings().find("warning trust entry 8") != std::string::npos);
  // Nor can it bring itself back.
  Json list = audit::single_key_trust(stolen.public_key(), "Thief", at("2026-01-01T00:00:00Z"));
  const std::vector<std::string> leaves = {value(audit::make_record(
      *audit::find_record_kind("trust-list"), list, {audit::named_subject("ledger", "x")},
      value(audit::ledger_id(w.workspace)), stolen, w.clock))};
  value(audit::append_records(w.workspace, leaves));
  CHECK(w.findings().find("warning revoked entry 9 (trust-list)") != std::string::npos);
  w.clock.set(at("2026-11-24T12:00:00Z"));
  // The next shard does not know it at all.
  value(audit::rotate(w.workspace, "", w.entropy, w.clock));
  w.workspace = value(audit::Workspace::open(w.workspace.folder()));
  w.say(stolen, "in the next shard");
  CHECK(w.systems() == 1);
}

TEST_CASE("keys: revoking, and what cannot be revoked", "[keys]") {
  Keys w;
  Json list =
      audit::single_key_trust(value(w.workspace.keyring().signing_key("owner")).public_key(),
                              "Example AI", at("2026-01-01T00:00:00Z"));
  Json clerk = audit::single_key_trust(key_of(5).public_key(), "Clerk",
                                       at("2026-01-01T00:00:00Z"))["keys"][0];
  clerk["role"] = "recorder";
  list["keys"].push_back(clerk);
  w.record("trust-list", list);
  w.say(key_of(5), "by the clerk");
  CHECK(w.systems() == 1);
  CHECK(code(audit::revoke_key(w.workspace, w.owner_id(), w.clock)) == ErrorCode::invalid_argument);
  CHECK(code(audit::revoke_key(w.workspace, hex_of('a'), w.clock)) == ErrorCode::not_found);
  const auto change =
      value(audit::revoke_key(w.workspace, key_of(5).public_key().id().hex(), w.clock));
  CHECK(change.entries.size() == 1);
  w.say(key_of(5), "by the clerk again");
  CHECK(w.systems() == 1);
  CHECK(w.findings().find("warning revoked") != std::string::npos);
  CHECK(code(audit::revoke_key(w.workspace, change.key_id, w.clock)) == ErrorCode::not_found);
  // Taken on again, its new word counts. A statement of the same second would be the old one.
  w.clock.set(at("2026-11-24T13:00:00Z"));
  w.record("trust-list", list);
  w.say(key_of(5), "back");
  CHECK(w.systems() == 2);
}

TEST_CASE("keys: names that are taken, and a recorder who may not", "[keys]") {
  Keys w;
  CHECK(code(audit::rotate_record_key(w.workspace, "owner", w.entropy, w.clock)) ==
        ErrorCode::already_exists);
  CHECK(code(audit::rotate_record_key(w.workspace, "log", w.entropy, w.clock)) ==
        ErrorCode::already_exists);
  auto keyring = w.workspace.keyring();
  value(keyring.generate_watermark("mark", w.entropy, w.clock));
  CHECK(code(audit::rotate_record_key(w.workspace, "mark", w.entropy, w.clock)) ==
        ErrorCode::already_exists);
  value(keyring.generate_signing("clerk", core::KeyAlgorithm::ed25519, w.entropy, w.clock));
  auto config = w.workspace.config();
  config.record_key = "clerk";
  ok(w.workspace.switch_to(config));
  CHECK(code(audit::rotate_record_key(w.workspace, "next", w.entropy, w.clock)) ==
        ErrorCode::not_trusted);
}
