// The key of COSE receipts: made once, named by the ledger, and it signs nothing else.
#include "sigillo/audit/cose_key.hpp"

#include "sigillo/audit/cose_receipt.hpp"
#include "sigillo/audit/ledger_tiles.hpp"
#include "tests/unit/audit/fixture.hpp"

using namespace fixture;

namespace {

struct Receipts : World {
  core::Result<core::PrivateKey> key() {
    return audit::cose_signing_key(workspace, entropy, clock);
  }
  std::uint64_t size() {
    return value(value(workspace.ledger(audit::Ledger::Access::read)).head()).size;
  }
  // The fields of the trust list in force.
  Json trust_list() {
    Json fields;
    const auto ledger = value(workspace.ledger(audit::Ledger::Access::read));
    ok(ledger.for_each(0, size(), [&](const audit::StoredEntry& entry) -> core::Status {
      const auto record = value(audit::read_record(core::as_text(entry.leaf)));
      if (record.kind->name == "trust-list") fields = {{"keys", record.fields.at("keys")}};
      return {};
    }));
    return fields;
  }
  void replace_trust_list(const Json& fields) {
    static_cast<void>(value(audit::record(workspace, "trust-list", fields,
                                          {audit::named_subject("ledger", kOrigin)}, clock)));
  }
  [[nodiscard]] fs::path key_file() const { return workspace.folder() / "keys/cose.pem"; }
};

}  // namespace

TEST_CASE("COSE key: the first use makes it and the ledger names it; later ones change nothing",
          "[cose]") {
  Receipts world;
  CHECK(world.size() == 2);
  const auto key = value(world.key());
  CHECK(world.size() == 3);
  CHECK(value(world.key()).public_key().id() == key.public_key().id());
  CHECK(world.size() == 3);
  const Json list = world.trust_list();
  REQUIRE(list.at("keys").size() == 2);
  const Json named = list.at("keys").at(1);
  CHECK(named.at("key_id") == key.public_key().id().hex());
  CHECK(named.at("kinds") == Json::array({"cose-receipt"}));
  CHECK(named.at("role") == "recorder");
  CHECK(named.at("actor") == "Example AI");
  CHECK((fs::status(world.key_file()).permissions() & fs::perms(077)) == fs::perms::none);
  CHECK(audit::find_record_kind(audit::kCoseKeyUse) == nullptr);
  check(world.workspace);
}

TEST_CASE("COSE key: it counts for no record", "[cose]") {
  Receipts world;
  const auto key = value(world.key());
  const auto ledger = value(audit::ledger_id(world.workspace));
  for (const std::string_view kind : {"placement", "trust-list"}) {
    const std::string leaf = value(audit::make_record(*audit::find_record_kind(kind), example(kind),
                                                      {audit::named_subject("system", "Assistant")},
                                                      ledger, key, world.clock));
    static_cast<void>(value(audit::append_records(world.workspace, std::vector{leaf})));
  }
  const auto report = value(audit::fsck(world.workspace));
  int not_trusted = 0;
  for (const audit::Finding& finding : report.findings)
    if (finding.message.find("no trusted key may sign") != std::string::npos) ++not_trusted;
  CHECK(not_trusted == 2);
  static_cast<void>(value(world.key()));  // nor did its own trust list take effect
}

TEST_CASE("COSE key: a receipt is under the checkpoint that covers the key's name", "[cose]") {
  Receipts world;
  world.record("placement", example("placement"));
  const auto key = value(world.key());
  const auto ledger = value(world.workspace.ledger(audit::Ledger::Access::read));
  const auto log = value(audit::log_verifier(world.workspace, ledger));
  audit::LedgerTiles tiles([&] { return world.workspace.ledger(audit::Ledger::Access::read); },
                           log);
  ok(tiles.catch_up());
  for (std::uint64_t i = 0; i < 4; ++i) {
    const std::string leaf = value(ledger.leaf(i));
    const auto receipt = value(
        audit::make_cose_receipt(value(tiles.prove_entry(i)), core::as_bytes(leaf), log, key));
    const auto answer =
        value(audit::verify_cose_receipt(receipt, core::as_bytes(leaf), key.public_key(), kOrigin));
    CHECK(answer.index == i);
    CHECK(answer.size == 4);
  }
}

TEST_CASE("COSE key: a name that was lost with the process is given by the next use", "[cose]") {
  Receipts world;
  static_cast<void>(value(world.workspace.keyring().generate_signing(
      audit::kCoseKeyName, core::KeyAlgorithm::ed25519, world.entropy, world.clock)));
  const auto key = value(world.key());
  CHECK(world.size() == 3);
  CHECK(world.trust_list().at("keys").at(1).at("key_id") == key.public_key().id().hex());
}

TEST_CASE("COSE key: what an owner took back stays taken back", "[cose]") {
  Receipts world;
  static_cast<void>(value(world.key()));
  const Json list = world.trust_list();
  Json without = list;
  without["keys"].erase(1);
  without["keys"][0]["actor"] =
      "Example AI, renamed";  // the very list of the beginning would be a repetition
  world.replace_trust_list(without);
  CHECK(code(world.key()) == core::ErrorCode::not_trusted);
  Json over = list;
  over["keys"][1]["valid_to"] = "2026-11-24T11:59:59Z";
  over["keys"][1]["valid_from"] = "2026-11-24T11:00:00Z";
  world.replace_trust_list(over);
  CHECK(code(world.key()) == core::ErrorCode::not_trusted);
  Json other_use = list;
  other_use["keys"][1]["kinds"] = {"placement"};
  world.replace_trust_list(other_use);
  CHECK(code(world.key()) == core::ErrorCode::not_trusted);
  Json later = list;
  later["keys"][1]["valid_from"] = "2026-11-24T12:00:01Z";
  world.replace_trust_list(later);
  CHECK(code(world.key()) == core::ErrorCode::not_trusted);
  const std::uint64_t size = world.size();
  Json again = list;
  again["keys"][1]["valid_from"] = "2026-11-24T11:00:00Z";
  world.replace_trust_list(again);
  static_cast<void>(value(world.key()));
  CHECK(world.size() == size + 1);
}

TEST_CASE("COSE key: it is no key that signs something else, and no stranger's", "[cose]") {
  {
    Receipts world;
    for (const char* const end : {".json", ".pem"})
      fs::copy(world.workspace.folder() / ("keys/log" + std::string(end)),
               world.workspace.folder() / ("keys/cose" + std::string(end)));
    std::string text = read(world.workspace.folder() / "keys/cose.json");
    text.replace(text.find("\"log\""), 5, "\"cose\"");
    write(world.workspace.folder() / "keys/cose.json", text);
    CHECK(code(world.key()) == core::ErrorCode::invalid_argument);
    CHECK(world.size() == 2);
  }
  {
    Receipts world;
    static_cast<void>(value(world.workspace.keyring().generate_signing(
        audit::kCoseKeyName, core::KeyAlgorithm::ecdsa_p256, world.entropy, world.clock)));
    CHECK(code(world.key()) == core::ErrorCode::unsupported);
  }
  {
    Receipts world;  // readable by others
    static_cast<void>(value(world.key()));
    fs::permissions(world.key_file(), fs::perms(0644));
    CHECK(code(world.key()) == core::ErrorCode::key_insecure);
  }
  {
    // A copy without keys makes none.
    TempFolder temp;
    core::SeededEntropy entropy{7};
    core::FixedClock clock{at("2026-11-24T12:00:00Z")};
    const auto replica =
        value(audit::Workspace::replica(temp.path() / "r", {std::string(kOrigin)}));
    CHECK(code(audit::cose_signing_key(replica, entropy, clock)) == core::ErrorCode::key_missing);
    CHECK_FALSE(fs::exists(replica.folder() / "keys/cose.json"));
  }
}
