// Consistency proofs, backup and restore.
#include "fixture.hpp"
#include "sigillo/audit/backup.hpp"
#include "sigillo/audit/proof.hpp"

namespace {
using namespace fixture;
using core::ErrorCode;

struct Kept : World {
  Kept() {
    record("role-declaration", example("role-declaration"));
    seen = latest();
  }
  std::string latest() {
    return value(value(workspace.ledger(audit::Ledger::Access::read)).latest_checkpoint());
  }
  core::Result<audit::BackupSummary> restore(const std::string& since, bool accept_loss) {
    return audit::restore({temp.path() / "b.tar", temp.path() / "copy", {"", since}, accept_loss},
                          clock);
  }
  std::string seen;
};

}  // namespace

TEST_CASE("consistency proofs: every pair of sizes, text and back", "[care]") {
  const core::PrivateKey key = key_of(3);
  const auto log = value(audit::NoteVerifier::create(kOrigin, key.public_key()));
  std::vector<audit::Digest> hashes;
  const auto note = [&](std::size_t size) {
    return value(audit::sign_checkpoint(
        {std::string(kOrigin), size, audit::tree_root(std::span(hashes).first(size))}, key));
  };
  for (int i = 0; i < 9; ++i) hashes.push_back(core::sha256(std::to_string(i)));
  for (std::size_t newer = 1; newer <= 9; ++newer)
    for (std::size_t older = 1; older <= newer; ++older) {
      const audit::ConsistencyProof proof{
          older, value(audit::consistency_path(older, std::span(hashes).first(newer))),
          note(newer)};
      const std::string text = audit::consistency_proof_text(proof);
      const auto parsed = value(audit::parse_consistency_proof(text));
      CHECK(audit::consistency_proof_text(parsed) == text);
      CHECK(value(audit::verify_consistency_proof(parsed, note(older), log)).size == newer);
      // another history of the same size
      const std::string fork =
          value(audit::sign_checkpoint({std::string(kOrigin), older, core::sha256("fork")}, key));
      CHECK(code(audit::verify_consistency_proof(parsed, fork, log)) == ErrorCode::proof_invalid);
      auto changed = parsed;
      changed.path.push_back(core::sha256("x"));
      CHECK(code(audit::verify_consistency_proof(changed, note(older), log)) ==
            ErrorCode::proof_invalid);
      changed = parsed;
      changed.old_size += 1;
      CHECK(code(audit::verify_consistency_proof(changed, note(older), log)) ==
            ErrorCode::proof_invalid);
    }
  for (const char* bad : {"", "old", "old 1", "old x\n\nnote", "old 01\n\nnote", "old -1\n\nnote",
                          "old 1\nAAAA\n\nnote", "old 1\n\n", "old 1\nnote", " old 1\n\nnote"})
    CHECK(code(audit::parse_consistency_proof(bad)) == ErrorCode::invalid_input);
  CHECK(code(audit::parse_consistency_proof(std::string(audit::kMaxProofBytes + 1, 'x'))) ==
        ErrorCode::input_too_large);
}

TEST_CASE("a backup restores to an equal, sound workspace that goes on", "[care]") {
  Kept world;
  auto values = value(audit::PrivateValues::open(world.workspace.private_values_file()));
  const core::Digest hidden = value(values.commit("command", "train", world.entropy));
  const core::Digest blob = value(world.workspace.blobs().put(core::as_bytes("a blob")));
  const auto summary = value(audit::backup(world.workspace, world.temp.path() / "b.tar", true));
  CHECK(summary.size == 3);
  CHECK((fs::status(world.temp.path() / "b.tar").permissions() & fs::perms(0777)) ==
        fs::perms(0600));
  value(world.restore(world.seen, false));
  const auto copy = value(audit::Workspace::open(world.temp.path() / "copy"));
  const audit::FsckReport report = check(copy);
  CHECK(report.head.root == summary.root);
  CHECK(value(copy.blobs().get(blob)) == core::to_bytes("a blob"));
  CHECK(value(value(audit::PrivateValues::open_read(copy.private_values_file())).reveal(hidden)) ==
        "train");
  CHECK(value(value(copy.ledger(audit::Ledger::Access::read)).storage()).journal_mode == "wal");
  value(audit::record(copy, "placement", example("placement"),
                      {audit::named_subject("system", "s")}, world.clock));
  CHECK(check(copy).head.size == 4);
}

TEST_CASE("a restore never forks a log silently", "[care]") {
  Kept world;
  value(audit::backup(world.workspace, world.temp.path() / "b.tar", true));
  world.record("placement", example("placement"));  // acknowledged after the backup
  const std::string later = world.latest();
  const fs::path copy = world.temp.path() / "copy";

  CHECK(code(world.restore("", false)) == ErrorCode::invalid_argument);
  CHECK(code(world.restore(later, false)) == ErrorCode::ledger_corrupt);
  CHECK(code(world.restore(later, true)) == ErrorCode::ledger_corrupt);
  CHECK_FALSE(fs::exists(copy));

  value(world.restore("", true));
  const audit::FsckReport report = check(value(audit::Workspace::open(copy)));
  CHECK(report.head.size == 4);
  CHECK(findings_text(report).find("note restored entry 3") != std::string::npos);
  CHECK(code(world.restore("", true)) == ErrorCode::already_exists);
}

TEST_CASE("a backup without keys holds none, and cannot go on", "[care]") {
  Kept world;
  value(audit::backup(world.workspace, world.temp.path() / "b.tar", false));
  CHECK(read(world.temp.path() / "b.tar").find("PRIVATE KEY") == std::string::npos);
  CHECK(code(world.restore("", true)) == ErrorCode::key_missing);
  value(world.restore(world.seen, false));
  check(value(audit::Workspace::open(world.temp.path() / "copy")));
}

TEST_CASE("a damaged backup is refused, and leaves nothing", "[care]") {
  Kept world;
  const fs::path file = world.temp.path() / "b.tar";
  value(audit::backup(world.workspace, file, true));
  CHECK(code(audit::backup(world.workspace, file, true)) == ErrorCode::already_exists);
  const std::string good = read(file);
  std::size_t tried = 0;
  for (std::size_t i = 0; i < good.size(); i += good.size() / 60 + 1, ++tried) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    write(file, bad);
    CHECK_FALSE(world.restore(world.seen, false).has_value());
    CHECK_FALSE(fs::exists(world.temp.path() / "copy"));
  }
  CHECK(tried > 50);
  write(file, good.substr(0, good.size() / 2));
  CHECK_FALSE(world.restore(world.seen, false).has_value());
  write(file, good);
  CHECK(world.restore(world.seen, false).has_value());
  for (const auto& left : fs::directory_iterator(world.temp.path()))
    CHECK_FALSE(left.path().filename().string().starts_with("."));
}
