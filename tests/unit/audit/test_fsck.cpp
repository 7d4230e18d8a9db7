// fsck against every single change: whatever byte of the workspace is altered, it is named, and no
// altered fact is ever given as sound evidence.
#include <algorithm>
#include <set>

#include "fixture.hpp"
#include "tests/sanitizer.hpp"

using namespace fixture;
using audit::Severity;

namespace {

core::Digest digest(const audit::FsckReport& report) {
  return core::evidence_digest(report.evidence);
}

// A filled workspace with its projection, and what fsck says of it.
struct Filled : World {
  Filled() {
    fill(*this);
    original = check(workspace);
    ok(audit::write_projection(workspace, original.evidence));
    original = check(workspace);
    REQUIRE(original.findings.empty());
  }
  [[nodiscard]] fs::path ledger_file() const { return workspace.folder() / "ledger.db"; }
  // fsck must name `place`, and must not give other evidence than the original.
  audit::FsckReport caught(std::string_view place) const {
    auto report = value(audit::fsck(workspace));
    INFO(findings_text(report));
    REQUIRE_FALSE(report.sound());
    const auto named = errors(report);
    REQUIRE(std::any_of(named.begin(), named.end(),
                        [&](const std::string& p) { return p.find(place) != std::string::npos; }));
    return report;
  }
  // After a change of the ledger itself there is no evidence at all.
  void caught_in_ledger(std::string_view place) const {
    CHECK(caught(place).evidence.rows.empty());
  }
  audit::FsckReport original;
};

// One cell of the ledger, changed byte by byte and put back.
class CellEditor {
 public:
  CellEditor(const fs::path& file, std::string table, std::string column, std::string where,
             bool text)
      : database_(open_database(file)),
        text_(text),
        update_(fmt::format("UPDATE {} SET {} = ?1 WHERE {}", table, column, where)) {
    auto select =
        value(database_.prepare(fmt::format("SELECT {} FROM {} WHERE {}", column, table, where)));
    REQUIRE(value(select.step()));
    bytes_ = select.blob(0);
  }
  template <class F>
  void each_byte(std::size_t stride, std::size_t offset, const F& judge) {
    stride *= test::kEveryNth;
    for (std::size_t i = offset % stride; i < bytes_.size(); i += stride) {
      core::Bytes changed = bytes_;
      changed[i] ^= 0x01;
      store(changed);
      CAPTURE(update_, i);
      judge();
    }
    store(bytes_);
  }
  void store(const core::Bytes& bytes) {
    auto update = value(database_.prepare(update_));
    if (text_) update.bind(1, core::as_text(bytes));
    else update.bind(1, core::ByteView(bytes));
    ok(update.run());
  }

 private:
  core::sqlite::Database database_;
  bool text_;
  std::string update_;
  core::Bytes bytes_;
};

}  // namespace

TEST_CASE("fsck: a sound workspace of every kind", "[fsck]") {
  const Filled w;
  CHECK(w.original.records == 13);
  CHECK(w.original.head.size == 13);
  CHECK(w.original.blobs == 5);
  CHECK(w.original.evidence.size == 13);
  CHECK(w.original.evidence.rows.at("ev1_outputs").size() == 3);
  CHECK(digest(check(w.workspace)) == digest(w.original));
}

TEST_CASE("fsck: every byte of the ledger's cells", "[fsck]") {
  Filled w;
  const std::size_t size = w.original.head.size;
  for (std::size_t i = 0; i < size; ++i) {
    // All bytes of the smallest entries cost minutes; a different seventh of each entry covers
    // every kind.
    const std::string where = fmt::format("idx = {}", i);
    const auto named = [&] { w.caught_in_ledger(fmt::format("entry {}", i)); };
    CellEditor(w.ledger_file(), "entries", "leaf", where, false)
        .each_byte(i == 3 ? 1 : 23, i * 5, named);
    CellEditor(w.ledger_file(), "entries", "leaf_hash", where, false).each_byte(8, i, named);
  }
  CellEditor(w.ledger_file(), "state", "root", "id = 1", false).each_byte(1, 0, [&] {
    w.caught_in_ledger("ledger head");
  });
  CellEditor(w.ledger_file(), "state", "subtrees", "id = 1", false).each_byte(1, 0, [&] {
    w.caught_in_ledger("ledger head");
  });
  for (const std::size_t at_size : {std::size_t{2}, size}) {
    const std::string where = fmt::format("size = {}", at_size);
    const auto named = [&] { w.caught_in_ledger(fmt::format("checkpoint of size {}", at_size)); };
    CellEditor(w.ledger_file(), "checkpoints", "note", where, true).each_byte(1, 0, named);
    CellEditor(w.ledger_file(), "checkpoints", "subtrees", where, false).each_byte(1, 0, named);
  }
  check(w.workspace);
}

TEST_CASE("fsck: rows that are deleted, added, moved", "[fsck]") {
  const auto broken = [](std::string_view statement, std::string_view place) {
    const Filled w;
    CAPTURE(statement);
    sql(w.ledger_file(), statement);
    w.caught_in_ledger(place);
  };
  broken("DELETE FROM entries WHERE idx = 5", "entry 6");
  broken("DELETE FROM entries WHERE idx = 12", "ledger head");
  broken("DELETE FROM entries WHERE idx = 0", "entry 1");
  broken("DELETE FROM entries", "entry 0");
  broken("DELETE FROM state", "ledger head");
  broken("DELETE FROM checkpoints", "ledger");
  broken("UPDATE entries SET idx = -1 WHERE idx = 12", "ledger");
  broken("INSERT INTO entries SELECT 13, leaf, leaf_hash FROM entries WHERE idx = 4",
         "ledger head");
  broken("INSERT INTO entries SELECT -1, leaf, leaf_hash FROM entries WHERE idx = 4", "ledger");
  broken(
      "UPDATE entries SET idx = 1000 WHERE idx = 3; UPDATE entries SET idx = 3 WHERE idx = 4;"
      "UPDATE entries SET idx = 4 WHERE idx = 1000",
      "checkpoint");
  broken("UPDATE state SET size = 12", "ledger head");
  broken("UPDATE meta SET value = 'example.com/other'", "entry 0");
  broken("INSERT INTO checkpoints SELECT 14, note, subtrees FROM checkpoints WHERE size = 13",
         "checkpoint of size 14");
  broken("INSERT INTO checkpoints SELECT 0, note, subtrees FROM checkpoints WHERE size = 13",
         "checkpoint of size 0");
}

TEST_CASE("fsck: a forgery with all hashes recomputed still meets the checkpoint", "[fsck]") {
  const Filled w;
  auto database = open_database(w.ledger_file());
  std::string leaf = value(value(w.workspace.ledger(audit::Ledger::Access::read)).leaf(3));
  leaf[leaf.size() - 20] ^= 1;
  auto update =
      value(database.prepare("UPDATE entries SET leaf = ?1, leaf_hash = ?2 WHERE idx = 3"));
  ok(update.bind(1, core::as_bytes(leaf))
         .bind(2, audit::leaf_hash(core::as_bytes(leaf)).view())
         .run());
  w.caught_in_ledger("checkpoint of size 13");
}

TEST_CASE("fsck: without its latest checkpoint the ledger gives the evidence of the one before",
          "[fsck]") {
  // This is how a crash between append and checkpoint looks, too: only a copy of the checkpoint
  // elsewhere can tell the two apart.
  const Filled w;
  fs::remove(w.workspace.projection_file());
  sql(w.ledger_file(), "DELETE FROM checkpoints WHERE size = 13");
  const auto report = check(w.workspace);
  CHECK(report.evidence.size == 12);
  CHECK_FALSE(report.evidence.rows.contains("ev1_outputs"));
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].severity == Severity::warning);
  CHECK(report.findings[0].check == "uncovered");
  CHECK(report.uncovered == 1);
  CHECK(w.original.uncovered == 0);
}

TEST_CASE("fsck: a deleted checkpoint is missed by who knows it", "[fsck]") {
  const Filled w;
  audit::KnownBefore known;
  {
    const audit::Ledger ledger = value(w.workspace.ledger(audit::Ledger::Access::read));
    const auto log_key = value(w.workspace.keyring().info("log"));
    known.log_key =
        value(audit::NoteVerifier::create(ledger.origin(),
                                          value(core::PublicKey::from_pem(log_key.public_key))))
            .vkey();
    known.checkpoint = value(ledger.latest_checkpoint());
  }
  CHECK(value(audit::fsck(w.workspace, known)).sound());
  fs::remove(w.workspace.projection_file());
  sql(w.ledger_file(), "DELETE FROM checkpoints WHERE size = 13");
  const auto report = value(audit::fsck(w.workspace, known));
  REQUIRE(errors(report) == std::vector<std::string>{"checkpoint of size 12"});
  CHECK(findings_text(report).find("that one was deleted") != std::string::npos);
}

TEST_CASE("fsck: derived and private tables of another form are errors, not work", "[fsck]") {
  const auto changed = [](const fs::path& file, std::string_view statement) {
    const Filled w;
    CAPTURE(statement);
    sql(w.workspace.folder() / file, statement);
    w.caught(file.string());
  };
  changed("evidence.db", "CREATE VIEW v AS SELECT 1");
  changed("evidence.db", "CREATE TABLE extra(a)");
  changed("evidence.db", "DROP TABLE ev1_runs");
  changed("private.db",
          "CREATE TRIGGER t AFTER INSERT ON private_values BEGIN DELETE FROM private_values; END");
  changed("private.db", "CREATE INDEX i ON private_values(field)");
}

TEST_CASE("fsck: every byte of every blob, and blobs that are gone, cut or swapped", "[fsck]") {
  const Filled w;
  std::vector<fs::path> blobs;
  for (const auto& file : fs::recursive_directory_iterator(w.workspace.folder() / "blobs"))
    if (file.is_regular_file()) blobs.push_back(file.path());
  REQUIRE(blobs.size() == 4);  // two manifests, lines, tree
  for (const fs::path& blob : blobs) {
    const std::string bytes = read(blob);
    for (std::size_t i = 0; i < bytes.size(); i += (bytes.size() < 400 ? 1 : 7) * test::kEveryNth) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      write(blob, changed);
      CAPTURE(blob, i);
      w.caught("blob");
    }
    for (const std::string& other :
         {std::string(), bytes.substr(0, bytes.size() - 1), bytes + "\n"}) {
      write(blob, other);
      w.caught("blob");
    }
    fs::remove(blob);
    w.caught("blob");
    write(blob, bytes);
  }
  fs::rename(blobs[0], blobs[0].string() + ".x");
  fs::rename(blobs[1], blobs[0]);
  fs::rename(blobs[0].string() + ".x", blobs[1]);
  w.caught("blob");
}

TEST_CASE("fsck: an altered detection is named by its line", "[fsck]") {
  const Filled w;
  for (const auto& file : fs::recursive_directory_iterator(w.workspace.folder() / "blobs")) {
    if (!file.is_regular_file() || !read(file.path()).starts_with("{\"detection\"")) continue;
    std::string lines = read(file.path());
    const std::size_t second = lines.find("-9000000", lines.find('\n'));
    lines.replace(second, 8, "-9999999");
    write(file.path(), lines);
    const auto report = value(audit::fsck(w.workspace));
    CHECK(findings_text(report).find("line 2") != std::string::npos);
    CHECK(findings_text(report).find("line 1") == std::string::npos);
    CHECK_FALSE(report.evidence.rows.contains("ev1_outputs"));
    return;
  }
  FAIL("no blob of detections");
}

TEST_CASE("fsck: every cell of every row of the projection", "[fsck]") {
  const Filled w;
  const std::string before = read(w.workspace.projection_file());
  std::size_t cells = 0;
  for (const core::ViewSchema& view : core::evidence_schema()) {
    CAPTURE(view.name);
    REQUIRE(w.original.evidence.rows.contains(view.name));  // every view is exercised
    for (std::size_t row = 1; row <= w.original.evidence.rows.find(view.name)->second.size();
         ++row) {
      for (const core::ColumnSchema& column : view.columns) {
        if (cells++ % test::kEveryNth != 0) continue;
        const std::string_view change =
            column.type == core::ColumnType::text ? "ifnull({0}, '') || 'x'" : "ifnull({0}, 0) + 1";
        sql(w.workspace.projection_file(),
            fmt::format("UPDATE {1} SET {0} = {2} WHERE rowid = {3}", column.name, view.name,
                        fmt::format(fmt::runtime(change), column.name), row));
        w.caught(fmt::format("evidence.db, {}", view.name));
        write(w.workspace.projection_file(), before);
      }
    }
    for (const std::string_view statement :
         {"DELETE FROM {0} WHERE rowid = 1", "INSERT INTO {0} SELECT * FROM {0} LIMIT 1",
          "DROP TABLE {0}"}) {
      sql(w.workspace.projection_file(), fmt::format(fmt::runtime(statement), view.name));
      // Without one of its tables the file is not read at all.
      w.caught(statement.starts_with("DROP") ? std::string("evidence.db")
                                             : fmt::format("evidence.db, {}", view.name));
      write(w.workspace.projection_file(), before);
    }
  }
  CHECK(cells > 150);
  for (const std::string_view statement :
       {"UPDATE projection SET size = 12", "UPDATE projection SET size = 0",
        "DELETE FROM projection", "UPDATE projection SET size = 99",
        "UPDATE projection SET root = 'x' || root",
        "INSERT INTO projection SELECT * FROM projection", "DROP TABLE projection"}) {
    sql(w.workspace.projection_file(), statement);
    w.caught("evidence.db");
    write(w.workspace.projection_file(), before);
  }
  write(w.workspace.projection_file(), "not a database, but long enough to be read as a header");
  w.caught("evidence.db");
  // It is derived: without it all is well.
  fs::remove(w.workspace.projection_file());
  check(w.workspace);
  CHECK_FALSE(audit::write_projection(w.workspace, core::Evidence{}).has_value());
  CHECK_FALSE(fs::exists(w.workspace.projection_file()));
}

TEST_CASE("fsck: every private value and salt", "[fsck]") {
  const Filled w;
  const fs::path file = w.workspace.private_values_file();
  for (const std::string column : {"commitment", "salt", "value", "field"}) {
    for (int row = 0; row < 5; ++row) {
      CellEditor editor(file, "private_values", column,
                        fmt::format("field = (SELECT field FROM private_values ORDER BY commitment "
                                    "LIMIT 1 OFFSET {})",
                                    row),
                        column == "value" || column == "field");
      // A changed key column moves the row: put it back through a copy of the file.
      if (column == "commitment" || column == "field") continue;
      editor.each_byte(1, 0, [&] { w.caught("private value"); });
    }
  }
  const std::string before = read(file);
  for (const std::string_view statement :
       {"UPDATE private_values SET field = 'folder2' WHERE field = 'folder'",
        "UPDATE private_values SET commitment = zeroblob(32) WHERE field = 'user'",
        "UPDATE private_values SET commitment = x'00' WHERE field = 'user'",
        "DROP TABLE private_values"}) {
    sql(file, statement);
    const auto report = value(audit::fsck(w.workspace));
    INFO(statement << "\n" << findings_text(report));
    CHECK(!report.findings.empty());
    write(file, before);
  }
  sql(file, "DELETE FROM private_values");  // erasure is a right, not damage
  CHECK(digest(check(w.workspace)) == digest(w.original));
  fs::remove(file);
  CHECK(digest(check(w.workspace)) == digest(w.original));
}

TEST_CASE("fsck: values that an auditor may not read are no damage", "[fsck]") {
  const Filled w;
  const int result = as_nobody([&] {
    const auto report = audit::fsck(w.workspace);
    if (!report.has_value()) return 1;
    if (!report->sound()) return 2;
    return report->findings.size() == 1 && report->findings[0].severity == Severity::warning ? 0
                                                                                             : 3;
  });
  if (result == -1) WARN("skipped: there is no user nobody");
  else CHECK(result == 0);
}

TEST_CASE("fsck: records that count for nothing are warnings and give no evidence", "[fsck]") {
  World w;
  w.record("placement", example("placement"));
  const auto before = check(w.workspace);
  const auto& kind = *audit::find_record_kind("placement");
  Json fields = example("placement");
  fields["placed_on"] = "2027-01-01";
  const std::string stranger =
      value(audit::make_record(kind, fields, {audit::named_subject("t", "t")},
                               value(audit::ledger_id(w.workspace)), key_of(9), w.clock));
  const std::string old = value(value(w.workspace.ledger(audit::Ledger::Access::read)).leaf(2));
  w.clock.set(at("2026-11-24T13:00:00Z"));
  w.record("placement", fields);
  const auto later = check(w.workspace);
  for (const std::string& leaf : {stranger, old}) {
    value(audit::append_records(w.workspace, std::vector<std::string>{leaf}));
    const auto report = check(w.workspace);
    CHECK(report.findings.back().severity == Severity::warning);
    CHECK(report.evidence.rows == later.evidence.rows);  // an old fact does not come back
  }
  CHECK(before.evidence.rows != later.evidence.rows);
}

TEST_CASE("fsck: one moment is read while another process appends", "[fsck]") {
  const World w;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    core::FixedClock clock = w.clock;
    for (int i = 0; i < 150; ++i) {
      clock.set({w.clock.now().seconds + i, 0});
      Json fields = example("notification");
      fields["model"] = fmt::format("m{}", i);
      if (!audit::record(w.workspace, "notification", fields, {audit::named_subject("t", "t")},
                         clock))
        ::_exit(1);
      if (i == 0 && ::write(ends[1], "x", 1) != 1) ::_exit(1);
    }
    ::_exit(0);
  }
  char started = 0;
  REQUIRE(::read(ends[0], &started, 1) == 1);
  int rounds = 0, status = 0;
  for (; ::waitpid(child, &status, WNOHANG) == 0; ++rounds) {
    const auto report = check(w.workspace);
    if (rounds % 4 == 0) ok(audit::write_projection(w.workspace, report.evidence));
  }
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(rounds > 3);
  CHECK(check(w.workspace).head.size == 152);
}

TEST_CASE("a history that was rewritten whole is caught by a checkpoint seen before") {
  // Two ledgers with the same keys, name and start: whoever holds the keys can make the second.
  World seen;
  World rewritten;
  const audit::Ledger ledger = value(seen.workspace.ledger(audit::Ledger::Access::read));
  const auto vkey = [&](const core::PublicKey& key) {
    return value(audit::NoteVerifier::create(ledger.origin(), key)).vkey();
  };
  const auto log_key = value(seen.workspace.keyring().info("log"));
  audit::KnownBefore known{vkey(value(core::PublicKey::from_pem(log_key.public_key))), ""};
  seen.record("notification", example("notification"));
  known.checkpoint = value(ledger.latest_checkpoint());
  fill(seen);
  CHECK(value(audit::fsck(seen.workspace, known)).sound());

  for (int i = 0; i < 3; ++i) {
    rewritten.record("placement", example("placement"));
    rewritten.clock.set({rewritten.clock.now().seconds + 1, 0});
  }
  CHECK(value(audit::fsck(rewritten.workspace)).sound());  // against itself, nothing is wrong
  const auto report = value(audit::fsck(rewritten.workspace, known));
  CHECK_FALSE(report.sound());
  CHECK(findings_text(report).find("no longer holds what was sealed") != std::string::npos);

  // Another key than the known one; a checkpoint that nothing can be checked by, or that was
  // altered.
  const audit::KnownBefore other{vkey(key_of(9).public_key()), ""};
  CHECK_FALSE(value(audit::fsck(seen.workspace, other)).sound());
  CHECK(code(audit::fsck(seen.workspace, {"", known.checkpoint})) ==
        core::ErrorCode::invalid_argument);
  std::string altered = known.checkpoint;
  altered[altered.find('\n') + 1] = '9';
  CHECK(code(audit::fsck(seen.workspace, {known.log_key, altered})) ==
        core::ErrorCode::signature_invalid);
}
