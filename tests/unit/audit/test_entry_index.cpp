// The index of entries: the same answers as reading the log, and an index that lies makes nothing
// up.
#include "fixture.hpp"
#include "sigillo/audit/entry_index.hpp"

namespace {
using namespace fixture;
using audit::EntryIndex;
using audit::EntryQuery;
using Indexes = std::vector<std::uint64_t>;

struct Library : World {
  audit::Ledger ledger = value(workspace.ledger(audit::Ledger::Access::read));

  Library() {
    clock.set(at("2026-11-24T10:00:00Z"));
    record("placement", example("placement"));
    clock.set(at("2026-11-25T10:00:00Z"));
    record("role-declaration", example("role-declaration"));
    Json start = example("run-start");
    start["run_id"] = "run-7";
    record("run-start", start);
    record("placement", example("placement"));
  }
  Indexes by_index(const EntryQuery& query) {
    const EntryIndex index = value(EntryIndex::open(workspace.index_file(1), ledger));
    Indexes found;
    ok(index.find(ledger, query, [&](std::uint64_t i, const audit::Record& record) {
      CHECK(audit::matches(record, query));
      found.push_back(i);
      return core::Status();
    }));
    return found;
  }
  Indexes by_reading(const EntryQuery& query) {
    Indexes found;
    ok(ledger.for_each(0, 1000, [&](const audit::StoredEntry& entry) -> core::Status {
      if (audit::matches(value(audit::read_record(core::as_text(entry.leaf))), query))
        found.push_back(entry.index);
      return {};
    }));
    return found;
  }
  std::vector<EntryQuery> queries() {
    const auto record = value(audit::read_record(value(ledger.leaf(2))));
    std::vector<EntryQuery> all(10);
    all[9].subject_name =
        record.statement.subjects.front().name.substr(std::string("test:").size());
    all[1].kind = "placement";
    all[2].subject_digest = record.statement.subjects.front().sha256;
    all[3].subject_name = record.statement.subjects.front().name;
    all[4].signer = record.envelope.signatures.front().key_id;
    all[5].run = "run-7";
    all[6].since = "2026-11-25T10:00:00Z";
    all[7].before = "2026-11-25T10:00:00Z";
    all[8] = all[6];
    all[8].kind = "placement";
    return all;
  }
  void change(const std::string& sql) {
    auto database = value(
        core::sqlite::Database::open(workspace.index_file(1), core::sqlite::OpenMode::read_write));
    ok(database.execute(sql));
  }
};

}  // namespace

TEST_CASE("the index finds what reading the log finds, as the log grows", "[index]") {
  Library library;
  const auto agree = [&] {
    for (const EntryQuery& query : library.queries()) {
      const Indexes found = library.by_index(query);
      CHECK(found == library.by_reading(query));
      CHECK_FALSE(found.empty());
    }
  };
  agree();
  EntryQuery nothing;
  nothing.run = "no-such-run";
  CHECK(library.by_index(nothing).empty());
  library.record("placement", example("placement"));
  agree();
  EntryQuery placements;
  placements.kind = "placement";
  CHECK(library.by_index(placements).size() == 3);
}

TEST_CASE("an index that lies makes nothing up", "[index]") {
  Library library;
  EntryQuery placements;
  placements.kind = "placement";
  const Indexes honest = library.by_index(placements);
  library.change(
      "UPDATE entry SET kind = 'placement'; INSERT INTO entry VALUES (99, 'placement', '', '')");
  CHECK(library.by_index(placements) == honest);
}

TEST_CASE("a damaged, foreign or older index is made anew", "[index]") {
  Library library;
  EntryQuery placements;
  placements.kind = "placement";
  const Indexes honest = library.by_index(placements);
  SECTION("garbage") { write(library.workspace.index_file(1), std::string(5000, 'x')); }
  SECTION("another schema") { library.change("CREATE TABLE mine(a TEXT)"); }
  SECTION("no state") { library.change("DELETE FROM state"); }
  SECTION("of another history") {
    library.change("UPDATE state SET last_leaf_hash = 'x'; DELETE FROM entry");
  }
  SECTION("of a longer history") {
    library.change("UPDATE state SET size = size + 5; DELETE FROM entry");
  }
  SECTION("gone") { fs::remove(library.workspace.index_file(1)); }
  CHECK(library.by_index(placements) == honest);
}

TEST_CASE("who may read but not write has an index in memory", "[index]") {
  Library library;
  EntryQuery placements;
  placements.kind = "placement";
  const Indexes honest = library.by_reading(placements);
  const int found = as_nobody([&] {
    const auto index = EntryIndex::open(library.workspace.index_file(1), library.ledger);
    if (!index.has_value()) return 50 + static_cast<int>(index.error().code);
    int count = 0;
    const core::Status status =
        index->find(library.ledger, placements, [&](std::uint64_t, const audit::Record&) {
          ++count;
          return core::Status();
        });
    return status.has_value() ? count : 98;
  });
  CHECK(found == static_cast<int>(honest.size()));
  CHECK_FALSE(fs::exists(library.workspace.index_file(1)));
}
