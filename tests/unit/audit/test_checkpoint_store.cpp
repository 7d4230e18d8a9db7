// The checkpoint store: old copies, forks, and a store that is missing, damaged or old itself.
#include "fixture.hpp"
#include "sigillo/audit/backup.hpp"
#include "tests/sanitizer.hpp"

using namespace fixture;
using core::ErrorCode;

namespace {

struct Copied : World {
  fs::path store_file() const {
    const auto log =
        value(audit::log_verifier(workspace, value(workspace.ledger(audit::Ledger::Access::read))));
    return workspace.checkpoint_store().folder() / (log.key().id().hex() + ".checkpoint");
  }
  fs::path copy() const { return temp.path() / "old.db"; }
  // Puts the old copy in the ledger's place, as an operator would.
  void put_back() {
    for (const char* end : {"-wal", "-shm"})
      fs::remove(temp.path() / "ws" / ("ledger.db" + std::string(end)));
    fs::copy_file(copy(), temp.path() / "ws/ledger.db", fs::copy_options::overwrite_existing);
    auto ledger = value(workspace.ledger(audit::Ledger::Access::write));
    ok(ledger.use_wal());
  }
  core::Result<audit::Receipt> try_record() {
    clock.set({clock.now().seconds + 1, 0});
    return audit::record(workspace, "placement", example("placement"),
                         {audit::named_subject("system", "s")}, clock);
  }
  std::string latest() {
    return value(value(workspace.ledger(audit::Ledger::Access::read)).latest_checkpoint());
  }
};

bool has_finding(const audit::FsckReport& report, std::string_view check,
                 audit::Severity severity) {
  return std::ranges::any_of(report.findings, [&](const audit::Finding& f) {
    return f.check == check && f.severity == severity;
  });
}

}  // namespace

TEST_CASE("checkpoint store: an old copy of the ledger signs nothing", "[store]") {
  Copied world;
  ok(value(world.workspace.ledger(audit::Ledger::Access::read)).copy_to(world.copy()));
  value(world.try_record());
  const std::string later = world.latest();
  CHECK(read(world.store_file()) == later);
  world.put_back();

  CHECK(has_finding(value(audit::fsck(world.workspace)), audit::kSignedBefore,
                    audit::Severity::error));
  const std::uint64_t size =
      value(value(world.workspace.ledger(audit::Ledger::Access::read)).head()).size;
  const auto refused = world.try_record();
  CHECK(code(refused) == ErrorCode::ledger_corrupt);
  CHECK(refused.error().remedy.find("log resume") != std::string::npos);
  // and takes nothing
  CHECK(value(value(world.workspace.ledger(audit::Ledger::Access::read)).head()).size == size);
  CHECK(read(world.store_file()) == later);  // nothing was signed

  // To go on from here takes a word that stays.
  CHECK(code(audit::resume(world.workspace, {}, false, world.clock)) ==
        ErrorCode::invalid_argument);
  CHECK(code(audit::resume(world.workspace, {"", later}, false, world.clock)) ==
        ErrorCode::ledger_corrupt);
  CHECK(value(audit::resume(world.workspace, {}, true, world.clock)).loss_recorded);
  // Once: now there is nothing to resume.
  CHECK_FALSE(value(audit::resume(world.workspace, {}, true, world.clock)).loss_recorded);
  CHECK(findings_text(check(world.workspace)).find("restored") != std::string::npos);
  value(world.try_record());
  check(world.workspace);
}

TEST_CASE("checkpoint store: a fork of the same or a larger size signs nothing", "[store]") {
  for (const int more : {0, 1, 2}) {
    Copied world;
    ok(value(world.workspace.ledger(audit::Ledger::Access::read)).copy_to(world.copy()));
    value(world.try_record());
    value(world.try_record());
    const std::string signed_last = world.latest();
    world.put_back();
    // Another history over the same beginning: entries are appended, no checkpoint is signed yet.
    auto ledger = value(world.workspace.ledger(audit::Ledger::Access::write));
    std::vector<std::string> leaves;
    for (int i = 0; i < 2 + more; ++i) leaves.push_back(fmt::format("fork {}", i));
    value(ledger.append(leaves));
    const auto key = value(world.workspace.keyring().signing_key("log"));
    const auto refused = ledger.publish(key, world.workspace.checkpoint_store());
    CHECK(code(refused) == ErrorCode::ledger_corrupt);
    CHECK(refused.error().message.find("fork") != std::string::npos);
    CHECK(read(world.store_file()) == signed_last);
    CHECK(has_finding(value(audit::fsck(world.workspace)), audit::kSignedBefore,
                      audit::Severity::error));
  }
}

TEST_CASE("checkpoint store: killed between the store and the ledger, it goes on", "[store]") {
  Copied world;
  auto ledger = value(world.workspace.ledger(audit::Ledger::Access::write));
  const std::vector<std::string> leaves = {"a", "b", "c"};
  value(ledger.append(leaves));
  const auto key = value(world.workspace.keyring().signing_key("log"));
  const std::string note = value(ledger.publish(key, world.workspace.checkpoint_store()));
  // As if the ledger's own transaction had not been committed.
  sql(world.temp.path() / "ws/ledger.db", "DELETE FROM checkpoints WHERE size = 5");
  CHECK(value(ledger.publish(key, world.workspace.checkpoint_store())) == note);
  sql(world.temp.path() / "ws/ledger.db", "DELETE FROM checkpoints WHERE size = 5");
  const std::vector<std::string> more = {"d"};
  value(ledger.append(more));
  const std::string larger = value(ledger.publish(key, world.workspace.checkpoint_store()));
  CHECK(read(world.store_file()) == larger);
}

TEST_CASE("checkpoint store: missing, damaged or older than the ledger", "[store]") {
  Copied world;
  value(world.try_record());
  const std::string older = world.latest();
  value(world.try_record());
  const std::string latest = world.latest();
  SECTION("missing: a warning, and no signature until somebody decides") {
    fs::remove_all(world.workspace.checkpoint_store().folder());
    CHECK(has_finding(value(audit::fsck(world.workspace)), audit::kCheckpointStore,
                      audit::Severity::warning));
    CHECK(code(world.try_record()) == ErrorCode::ledger_corrupt);
    CHECK(value(audit::resume(world.workspace, {"", latest}, false, world.clock)).checkpoint ==
          latest);
  }
  SECTION("older: it was restored itself") {
    write(world.store_file(), older);
    CHECK(has_finding(value(audit::fsck(world.workspace)), audit::kCheckpointStore,
                      audit::Severity::error));
    CHECK(code(world.try_record()) == ErrorCode::ledger_corrupt);
    CHECK(value(audit::resume(world.workspace, {"", latest}, false, world.clock)).checkpoint ==
          latest);
  }
  SECTION("every byte that is changed is noticed") {
    for (std::size_t i = 0; i < latest.size(); i += test::kSanitized ? 17 : 3) {
      std::string changed = latest;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      write(world.store_file(), changed);
      REQUIRE(code(world.try_record()) == ErrorCode::ledger_corrupt);
    }
    value(audit::resume(world.workspace, {"", latest}, false, world.clock));
  }
  value(world.try_record());
  check(world.workspace);
}

TEST_CASE("checkpoint store: outside of the workspace it knows what a restore lacks", "[store]") {
  TempFolder temp;
  core::SeededEntropy entropy{7};
  core::FixedClock clock{at("2026-11-24T12:00:00Z")};
  const fs::path store = temp.path() / "elsewhere/store";
  const auto workspace = value(
      audit::Workspace::init(temp.path() / "ws", kOrigin, "Example AI", entropy, clock, store));
  CHECK(workspace.checkpoint_store().folder() == store);
  CHECK(value(audit::Workspace::open(temp.path() / "ws")).checkpoint_store().folder() == store);
  const auto latest = [&] {
    return value(value(workspace.ledger(audit::Ledger::Access::read)).latest_checkpoint());
  };
  const auto say = [&](const audit::Workspace& where) {
    clock.set({clock.now().seconds + 1, 0});
    return audit::record(where, "placement", example("placement"),
                         {audit::named_subject("system", "s")}, clock);
  };
  value(audit::backup(workspace, temp.path() / "b.tar", true));
  const std::string published = latest();
  value(say(workspace));
  const fs::path copy = temp.path() / "copy";
  // The one who restores believes that `published` is the last checkpoint. The store knows better.
  CHECK(code(audit::restore({temp.path() / "b.tar", copy, {"", published}, false}, clock)) ==
        ErrorCode::ledger_corrupt);
  CHECK_FALSE(fs::exists(copy));
  // A rehearsal does not take the log away from the one in use.
  CHECK(code(audit::restore({temp.path() / "b.tar", copy, {}, true}, clock)) ==
        ErrorCode::invalid_argument);
  const fs::path drill = temp.path() / "drill";
  value(audit::restore({temp.path() / "b.tar", drill, {}, true, temp.path() / "own"}, clock));
  value(say(value(audit::Workspace::open(drill))));
  value(say(workspace));
  value(audit::restore({temp.path() / "b.tar", copy, {}, true, {}, true}, clock));
  const auto restored = value(audit::Workspace::open(copy));
  value(say(restored));
  check(restored);
  // The first one is the old copy now.
  CHECK(code(say(workspace)) == ErrorCode::ledger_corrupt);
}
