// Erasure: values leave the file, the ledger says so, and everything else still verifies.
#include "sigillo/audit/erasure.hpp"

#include <algorithm>

#include "fixture.hpp"
#include "sigillo/audit/private_values.hpp"
#include "sigillo/audit/shards.hpp"

using namespace fixture;

namespace {

struct Erasable : World {
  Erasable() {
    fill(*this);
    before = check(workspace);
  }
  std::vector<audit::CommittedValue> values(const audit::ValueSelection& selection = {}) const {
    return value(audit::committed_values(workspace, selection));
  }
  audit::ErasureRequest of_field(std::string field) const {
    return {{{}, std::nullopt, std::move(field)}, "request 17 of the person concerned", ""};
  }
  std::string file() const { return read(workspace.private_values_file()); }
  std::uint64_t size() const {
    return value(value(workspace.ledger(audit::Ledger::Access::read)).head()).size;
  }
  std::vector<std::string> warnings() const {
    std::vector<std::string> checks;
    for (const audit::Finding& f : value(audit::fsck(workspace)).findings) {
      CHECK(f.severity != audit::Severity::error);
      if (f.severity == audit::Severity::warning) checks.push_back(f.check);
    }
    return checks;
  }
  void hold(const std::string& name, const std::string& state) {
    record("legal-hold", {{"hold", name}, {"state", state}, {"reason", "case 5"}});
  }
  audit::FsckReport before;
};

}  // namespace

TEST_CASE("erasure: value and salt leave the file, and the rest still verifies", "[erasure]") {
  Erasable w;
  REQUIRE(w.file().find("value of user") != std::string::npos);
  std::string salt;
  ok(value(audit::PrivateValues::open_read(w.workspace.private_values_file()))
         .for_each([&](const audit::PrivateValue& v) -> core::Status {
           if (v.field == "user") salt = std::string(core::as_text(v.salt));
           return {};
         }));
  REQUIRE(w.file().find(salt) != std::string::npos);
  const std::uint64_t size = w.size();

  const auto result = value(audit::erase_values(w.workspace, w.of_field("user"), w.clock));
  CHECK(result.values == 1);
  CHECK(result.entries == std::vector<std::uint64_t>{size});
  CHECK(w.file().find("value of user") == std::string::npos);
  CHECK(w.file().find(salt) == std::string::npos);
  CHECK(w.file().find("value of folder") != std::string::npos);  // the others stay
  for (const auto& file : fs::directory_iterator(w.workspace.folder()))
    if (file.path().filename().string().starts_with("private.db"))
      CHECK(file.path().filename() == "private.db");  // no journal is left

  const auto after = check(w.workspace);
  CHECK(after.findings.empty());
  CHECK(after.evidence.rows == w.before.evidence.rows);
  const auto erased = w.values({{}, std::nullopt, "user"});
  REQUIRE(erased.size() == 1);
  CHECK_FALSE(erased[0].stored);
  REQUIRE(erased[0].erased.has_value());
  CHECK(erased[0].erased->entry == size);
  CHECK(erased[0].erased->recorded_at == "2026-11-24T12:00:00Z");
  CHECK(erased[0].erased->reason == "request 17 of the person concerned");

  // Once more: nothing is recorded twice.
  const auto again = value(audit::erase_values(w.workspace, w.of_field("user"), w.clock));
  CHECK(again.values == 0);
  CHECK(again.entries.empty());
  CHECK(w.size() == size + 1);
}

TEST_CASE("erasure: by entry, by commitment, and by nothing", "[erasure]") {
  Erasable w;
  const auto all = w.values();
  REQUIRE(all.size() == 5);
  CHECK(std::all_of(all.begin(), all.end(), [](const auto& v) { return v.stored && !v.erased; }));
  CHECK(w.values({{all[2].commitment}, std::nullopt, ""}).size() == 1);
  CHECK(w.values({{}, all[0].entry, ""}).size() == 5);
  CHECK(w.values({{}, all[0].entry + 1, ""}).empty());
  CHECK(code(audit::committed_values(w.workspace, {{hex_of('0')}, std::nullopt, ""})) ==
        core::ErrorCode::not_found);

  const std::uint64_t size = w.size();
  CHECK(code(audit::erase_values(w.workspace, {{}, "why", ""}, w.clock)) ==
        core::ErrorCode::invalid_argument);
  // One unknown name, and nothing at all is done.
  CHECK(code(audit::erase_values(w.workspace,
                                 {{{all[0].commitment, hex_of('0')}, std::nullopt, ""}, "why", ""},
                                 w.clock)) == core::ErrorCode::not_found);
  CHECK(code(audit::erase_values(w.workspace, {{{}, all[0].entry + 1, ""}, "why", ""}, w.clock)) ==
        core::ErrorCode::not_found);
  // A reason that a record may not hold is refused before anything is deleted.
  CHECK(code(audit::erase_values(w.workspace, {{{}, all[0].entry, ""}, "a\nb", ""}, w.clock)) ==
        core::ErrorCode::invalid_input);
  CHECK(w.size() == size);
  CHECK(w.file().find("value of user") != std::string::npos);

  const auto result = value(
      audit::erase_values(w.workspace, {{{}, all[0].entry, ""}, "why", "GDPR Art. 17"}, w.clock));
  CHECK(result.values == 5);
  CHECK(w.file().find("value of") == std::string::npos);
  check(w.workspace);
}

TEST_CASE("erasure: a legal hold forbids it until it is lifted", "[erasure]") {
  Erasable w;
  w.hold("case 5", "placed");
  w.hold("case 6", "placed");
  const std::uint64_t size = w.size();
  const auto refused = audit::erase_values(w.workspace, w.of_field("user"), w.clock);
  CHECK(code(refused) == core::ErrorCode::invalid_argument);
  CHECK(refused.error().message.find("case 5") != std::string::npos);
  w.hold("case 5", "lifted");
  CHECK(code(audit::erase_values(w.workspace, w.of_field("user"), w.clock)) ==
        core::ErrorCode::invalid_argument);
  CHECK(code(audit::erase_again(w.workspace)) == core::ErrorCode::invalid_argument);
  CHECK(w.size() == size + 1);
  CHECK(w.file().find("value of user") != std::string::npos);
  w.hold("case 6", "lifted");
  CHECK(value(audit::erase_values(w.workspace, w.of_field("user"), w.clock)).values == 1);
  CHECK(w.warnings().empty());

  // A record that was made past this program, while a hold is in force, is told.
  w.hold("case 7", "placed");
  w.record("erasure", {{"commitments", {w.values({{}, std::nullopt, "folder"})[0].commitment}},
                       {"reason", "haste"}});
  const auto told = w.warnings();
  CHECK(told == std::vector<std::string>{"erasure", "erasure"});  // in spite of it; and still there
}

TEST_CASE("erasure: a hold or an erasure that no trusted key signed counts for nothing",
          "[erasure]") {
  Erasable w;
  const auto stranger = key_of(0x55);
  const auto leaf = [&](std::string_view kind, const Json& fields) {
    return value(audit::make_record(*audit::find_record_kind(kind), fields,
                                    {audit::named_subject("test", kind)},
                                    value(audit::ledger_id(w.workspace)), stranger, w.clock));
  };
  const std::vector<std::string> leaves = {
      leaf("legal-hold", {{"hold", "x"}, {"state", "placed"}, {"reason", "mischief"}}),
      leaf("erasure", {{"commitments", {w.values()[0].commitment}}, {"reason", "mischief"}})};
  value(audit::append_records(w.workspace, leaves));
  CHECK_FALSE(w.values()[0].erased.has_value());
  CHECK(value(audit::erase_again(w.workspace)) == 0);
  CHECK(value(audit::erase_values(w.workspace, w.of_field("user"), w.clock)).values == 1);
}

TEST_CASE("erasure: a value that comes back from an older copy is told, and deleted again",
          "[erasure]") {
  Erasable w;
  const std::string older = w.file();
  value(audit::erase_values(w.workspace, w.of_field("user"), w.clock));
  write(w.workspace.private_values_file(), older);
  CHECK(w.warnings() == std::vector<std::string>{"erasure"});
  CHECK(w.values({{}, std::nullopt, "user"})[0].stored);
  CHECK(value(audit::erase_again(w.workspace)) == 1);
  CHECK(w.file().find("value of user") == std::string::npos);
  CHECK(w.warnings().empty());
  CHECK(value(audit::erase_again(w.workspace)) == 0);
}

TEST_CASE("erasure: without a file of values there is nothing to erase", "[erasure]") {
  Erasable w;
  fs::remove(w.workspace.private_values_file());
  CHECK(code(audit::erase_values(w.workspace, w.of_field("user"), w.clock)) ==
        core::ErrorCode::not_found);
  CHECK(value(audit::erase_again(w.workspace)) == 0);
  CHECK_FALSE(fs::exists(w.workspace.private_values_file()));
}

TEST_CASE("erasure: of values of all lengths none is left in the file, whatever was moved in it",
          "[erasure]") {
  World w;
  std::vector<core::Digest> erased;
  auto hidden = value(audit::PrivateValues::open(w.workspace.private_values_file()));
  std::uint64_t random = 1;
  for (int i = 0; i < 600; ++i) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    const bool goes = i % 2 == 0;
    const std::string text = (goes ? "GOES" : "STAYS") + std::string(20 + random % 400, 'x');
    const core::Digest name = value(hidden.commit("command", text, w.entropy));
    if (goes) erased.push_back(name);
  }
  CHECK(value(hidden.erase(erased)) == 300);
  const std::string file = read(w.workspace.private_values_file());
  CHECK(file.find("GOES") == std::string::npos);
  CHECK(file.find("STAYS") != std::string::npos);
}

TEST_CASE("erasure: a record that will not count deletes nothing", "[erasure]") {
  Erasable w;
  // The record key may record runs and lists from now on, and no erasures.
  Json list = value(core::parse_json(
      core::canonical_json(audit::single_key_trust(value(w.workspace.keyring().signing_key(
                                                             w.workspace.config().record_key))
                                                       .public_key(),
                                                   "owner", w.clock.now()))
          .value()));
  list["keys"][0]["kinds"] = {"trust-list", "run-start", "run-end"};
  w.record("trust-list", list);
  CHECK(code(audit::erase_values(w.workspace, w.of_field("user"), w.clock)) ==
        core::ErrorCode::not_trusted);
  CHECK(w.file().find("value of user") != std::string::npos);
  w.hold("case 5", "placed");
  CHECK(code(audit::require_counting(w.workspace, w.size() - 1)) == core::ErrorCode::not_trusted);
  ok(audit::require_counting(w.workspace, w.size() - 3));  // the list itself
}

TEST_CASE("record: the same statement twice in one second is refused", "[erasure]") {
  Erasable w;
  w.hold("case 5", "placed");
  w.hold("case 5", "lifted");
  const std::uint64_t size = w.size();
  const Json again{{"hold", "case 5"}, {"state", "placed"}, {"reason", "case 5"}};
  const auto named = audit::named_subject("test", "legal-hold");
  const auto refused = audit::record(w.workspace, "legal-hold", again, {named}, w.clock);
  CHECK(w.size() == size);
  const core::FixedClock later{{w.clock.now().seconds + 1, 0}};
  value(audit::record(w.workspace, "legal-hold", again, {named}, later));
  CHECK(code(audit::erase_values(w.workspace, w.of_field("user"), later)) ==
        core::ErrorCode::invalid_argument);
  CHECK(code(refused) == core::ErrorCode::already_exists);
}

TEST_CASE("erasure: many values become records that fit a leaf", "[erasure]") {
  World w;
  auto hidden = value(audit::PrivateValues::open(w.workspace.private_values_file()));
  for (int run = 0; run < 60; ++run) {
    Json start = example("run-start");
    start["run_id"] = fmt::format("{:032x}", run);
    for (const std::string field : {"command", "environment", "user", "host_name", "folder"})
      start[field] = value(hidden.commit(field, "secret", w.entropy)).hex();
    w.record("run-start", start);
  }
  std::vector<std::string> commitments;
  for (const auto& v : value(audit::committed_values(w.workspace, {})))
    commitments.push_back(v.commitment);
  REQUIRE(commitments.size() == 300);
  const auto result = value(audit::erase_values(
      w.workspace, {{commitments, std::nullopt, ""}, "end of use", ""}, w.clock));
  CHECK(result.values == 300);
  CHECK(result.entries.size() == 3);
  CHECK(read(w.workspace.private_values_file()).find("secret") == std::string::npos);
  check(w.workspace);
}
