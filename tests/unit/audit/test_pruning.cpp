// Pruning: a shard goes when the last of its records may, never earlier; what stays of it cannot be
// altered; and a pruning that is killed anywhere is finished by the next.
#include "sigillo/audit/pruning.hpp"

#include <csignal>

#include "fixture.hpp"
#include "sigillo/audit/backup.hpp"
#include "sigillo/audit/entry_index.hpp"
#include "sigillo/audit/erasure.hpp"
#include "tests/sanitizer.hpp"

using namespace fixture;
using core::ErrorCode;

namespace {

const audit::RetentionPeriod& period(audit::RetentionClass retention) {
  for (const auto& one : audit::retention_periods())
    if (one.retention == retention) return one;
  FAIL("no period");
  return audit::retention_periods().front();
}
std::string kept_until(std::string_view from, audit::RetentionClass retention) {
  return core::to_rfc3339(audit::keep_until(at(from), period(retention)));
}

fs::file_time_type years_from_now(int years) {
  return fs::file_time_type::clock::now() + std::chrono::hours(24 * 365 * years);
}

// Shard 1 is of 2026-11-24, sealed on 2026-12-31.
struct Prunable : World {
  void rotate() {
    value(audit::rotate(workspace, "", entropy, clock));
    reopen();
  }
  void reopen() { workspace = value(audit::Workspace::open(workspace.folder())); }
  void seal() {
    clock.set(at("2026-12-31T00:00:00Z"));
    rotate();
  }
  void outputs(std::string_view text) {
    record("outputs-batch",
           outputs_fields(workspace, value(audit::make_outputs_batch({output(text)}))));
  }
  // As if they had been stored long ago, whatever the machine's clock says.
  void age_blobs() const {
    for (const auto& file : fs::recursive_directory_iterator(workspace.folder() / "blobs"))
      if (file.is_regular_file()) fs::last_write_time(file.path(), years_from_now(-20));
  }
  core::Result<audit::PruneResult> prune(std::optional<std::uint64_t> shard = {},
                                         bool dry_run = false) const {
    return audit::prune(workspace, {shard, dry_run}, clock);
  }
  audit::ShardDeadline deadline(std::uint64_t shard) const {
    return value(audit::shard_retention(workspace)).at(shard - 1).deadline.value();
  }
  std::string until(std::uint64_t shard) const { return core::to_rfc3339(deadline(shard).until); }
  std::uint64_t blobs() const {
    std::uint64_t count = 0;
    for (const auto& file : fs::recursive_directory_iterator(workspace.folder() / "blobs"))
      count += file.is_regular_file() ? 1U : 0U;
    return count;
  }
  std::uint64_t values() const {
    std::uint64_t count = 0;
    ok(value(audit::PrivateValues::open_read(workspace.private_values_file()))
           .for_each([&](const audit::PrivateValue&) -> core::Status {
             ++count;
             return {};
           }));
    return count;
  }
  fs::path stub() const { return audit::pruned_shard_file(workspace, 1); }
};

std::vector<std::string> findings(const audit::Workspace& workspace, audit::Severity severity) {
  std::vector<std::string> list;
  for (const audit::Finding& f : value(audit::fsck(workspace)).findings)
    if (f.severity == severity)
      list.push_back(fmt::format("{} {}: {}", f.check, f.place, f.message));
  return list;
}
void has_error(const audit::Workspace& workspace, std::string_view text) {
  const auto list = findings(workspace, audit::Severity::error);
  INFO(fmt::format("{}", fmt::join(list, "\n")));
  CHECK(std::any_of(list.begin(), list.end(),
                    [&](const std::string& one) { return one.find(text) != std::string::npos; }));
}

audit::TlogProof prove(const audit::Ledger& ledger, std::uint64_t index) {
  std::vector<audit::Digest> hashes;
  ok(ledger.for_each(0, 1000, [&](const audit::StoredEntry& entry) -> core::Status {
    hashes.push_back(audit::leaf_hash(entry.leaf));
    return {};
  }));
  return {
      index, value(audit::inclusion_path(index, hashes)), value(ledger.latest_checkpoint()), {}};
}

}  // namespace

TEST_CASE("retention: every kind has a class, and periods end with a day", "[pruning]") {
  using audit::RetentionClass;
  std::map<RetentionClass, std::vector<std::string>> kinds;
  for (const audit::RecordKind& kind : audit::record_kinds())
    kinds[audit::retention_class(kind)].emplace_back(kind.name);
  // A new kind has to be put somewhere knowingly.
  CHECK(kinds[RetentionClass::event] == std::vector<std::string>{"outputs-batch"});
  CHECK(kinds[RetentionClass::shard] == std::vector<std::string>{"time-stamp"});
  CHECK(kinds[RetentionClass::kept] ==
        std::vector<std::string>{"genesis", "trust-list", "ledger-restored", "erasure",
                                 "legal-hold", "shard-end", "shard-start", "shard-pruned"});
  CHECK(kinds[RetentionClass::document].size() == 10);
  CHECK(audit::retention_periods().size() == 2);

  // To the end of the day of the same date, or of the month's last, and a week.
  CHECK(kept_until("2026-11-24T12:00:00Z", RetentionClass::event) == "2027-06-01T00:00:00Z");
  CHECK(kept_until("2026-11-24T00:00:00Z", RetentionClass::event) == "2027-06-01T00:00:00Z");
  CHECK(kept_until("2026-11-23T23:59:59Z", RetentionClass::event) == "2027-05-31T00:00:00Z");
  CHECK(kept_until("2026-08-31T23:59:59Z", RetentionClass::event) == "2027-03-08T00:00:00Z");
  CHECK(kept_until("2027-08-31T10:00:00Z", RetentionClass::event) == "2028-03-08T00:00:00Z");
  CHECK(kept_until("2026-12-31T00:00:00Z", RetentionClass::document) == "2037-01-08T00:00:00Z");
  CHECK(kept_until("2024-02-29T00:00:00Z", RetentionClass::document) == "2034-03-08T00:00:00Z");
  CHECK(kept_until("1969-12-31T23:00:00Z", RetentionClass::event) == "1970-07-08T00:00:00Z");
}

TEST_CASE("pruning: events go after six months, to the second, and what remains verifies",
          "[pruning]") {
  Prunable w;
  w.outputs("one");
  const std::string early =
      value(value(w.workspace.ledger(audit::Ledger::Access::read)).latest_checkpoint());
  w.seal();
  w.outputs("two");
  w.rotate();
  w.age_blobs();
  const auto log1 = value(audit::shard_verifier(w.workspace, 1));
  const auto ledger = value(w.workspace.shard(1, audit::Ledger::Access::read));
  const std::string leaf = value(ledger.leaf(2));
  const audit::TlogProof receipt = prove(ledger, 2);
  const auto before = check(w.workspace);
  ok(audit::write_projection(w.workspace, before.evidence));
  CHECK(before.evidence.rows.at("ev1_outputs").size() == 2);
  CHECK(w.until(1) == "2027-06-01T00:00:00Z");
  CHECK(w.until(2) == "2027-07-08T00:00:00Z");

  w.clock.set(at("2027-05-31T23:59:59Z"));
  CHECK(code(w.prune(1)) == ErrorCode::invalid_argument);
  CHECK(value(w.prune()).shards.empty());
  CHECK(value(w.prune()).next->shard == 1);
  w.clock.set(at("2027-06-01T00:00:00Z"));
  const auto planned = value(w.prune({}, true));
  REQUIRE(planned.shards.size() == 1);
  CHECK((planned.shards[0].blobs == 2 && planned.shards[0].entry == 0));
  CHECK(value(audit::fsck(w.workspace)).entries == before.entries);

  const auto result = value(w.prune());
  REQUIRE(result.shards.size() == 1);
  const audit::PrunedNow& now = result.shards[0];
  CHECK((now.shard == 1 && now.first == 0 && now.size == 4 && now.blobs == 2));
  CHECK(now.entry == before.entries);
  CHECK(now.basis.find("Art. 19(1)") != std::string::npos);
  CHECK(result.next->shard == 2);
  CHECK(fs::exists(w.stub()));
  CHECK(audit::ledger_files(w.workspace, 1).empty());
  CHECK(w.blobs() == 2);

  const auto after = check(w.workspace);
  CHECK(after.entries == before.entries + 1);
  CHECK(after.evidence.rows.at("ev1_outputs").size() == 1);
  REQUIRE(after.findings.size() == 1);
  CHECK(after.findings[0].check == "pruned");
  CHECK(after.findings[0].place == "entries 0 to 3");
  ok(audit::write_projection(w.workspace, after.evidence));
  check(w.workspace);

  // Who looks for what is gone is told; numbers go on; what others hold still verifies.
  const auto gone = audit::locate(w.workspace, 2);
  CHECK(code(gone) == ErrorCode::not_found);
  CHECK(gone.error().message == fmt::format("entry 2 is gone: shard 1 was pruned, by entry {}, "
                                            "2027-06-01T00:00:00Z",
                                            now.entry));
  CHECK(value(audit::locate(w.workspace, 4)).shard == 2);
  CHECK(code(w.workspace.shard(1, audit::Ledger::Access::read)) == ErrorCode::not_found);
  CHECK(w.record("role-declaration", example("role-declaration")).index == now.entry + 1);
  CHECK(value(audit::shard_verifier(w.workspace, 1)) == log1);
  const auto verified = value(audit::verify_tlog_proof(receipt, core::as_bytes(leaf), log1));
  CHECK(verified == value(audit::read_pruned_shard(w.workspace, 1)).checkpoint);
  const auto shards = value(audit::shards(w.workspace));
  CHECK((shards[0].pruned && shards[0].sealed && shards[0].size == 4 && !shards[1].pruned));
  CHECK(shards[0].checkpoint == receipt.checkpoint);
  const auto retention = value(audit::shard_retention(w.workspace));
  CHECK(retention[0].pruning.value().entry == now.entry);
  CHECK((!retention[0].deadline.has_value() && !retention[2].deadline.has_value()));
  const auto follow = [&] {
    return value(audit::follow_handovers(value(audit::handovers(w.workspace)), log1)).size();
  };
  CHECK(follow() == 3);

  // Any key anchors, and the final checkpoint; what an earlier one sealed can no longer be shown.
  for (std::uint64_t shard = 1; shard <= 3; ++shard)
    CHECK(value(audit::fsck(w.workspace,
                            {value(audit::shard_verifier(w.workspace, shard)).vkey(), ""}))
              .sound());
  CHECK(value(audit::fsck(w.workspace, {log1.vkey(), receipt.checkpoint})).sound());
  CHECK_FALSE(value(audit::fsck(w.workspace, {log1.vkey(), early})).sound());

  // Both prunings' records are needed when the shards that hold them go, too.
  w.rotate();
  w.clock.set(at("2050-01-01T00:00:00Z"));
  w.age_blobs();
  const auto rest = value(w.prune());
  CHECK(rest.shards.size() == 2);
  CHECK(check(w.workspace).findings.size() == 3);
  CHECK(follow() == 4);
  CHECK(code(w.prune(1)) == ErrorCode::invalid_argument);  // before

  const fs::path file = w.temp.path() / "b.tar";
  value(audit::backup(w.workspace, file, true));
  const fs::path copy = w.temp.path() / "copy";
  value(audit::restore({file, copy, {"", shards[0].checkpoint}, false}, w.clock));
  CHECK(check(value(audit::Workspace::open(copy))).findings.size() == 3);
}

TEST_CASE("pruning: a shard keeps what its longest record needs", "[pruning]") {
  Prunable w;
  w.outputs("one");
  SECTION("documents among events: ten years") {
    w.record("role-declaration", example("role-declaration"));
    w.seal();
    CHECK(w.until(1) == "2036-12-02T00:00:00Z");
    CHECK(w.deadline(1).basis.find("Art. 18(1)") != std::string::npos);
    w.clock.set(at("2036-12-01T23:59:59Z"));
    CHECK(code(w.prune(1)) == ErrorCode::invalid_argument);
  }
  SECTION("and not before ten years after the latest placement, wherever it was recorded") {
    w.record("role-declaration", example("role-declaration"));
    w.seal();
    Json placement = example("placement");
    placement["placed_on"] = "2029-03-01";
    w.record("placement", placement);
    CHECK(w.until(1) == "2039-03-09T00:00:00Z");
    placement.erase("placed_on");  // not known: that of the record
    w.clock.set(at("2030-03-01T10:00:00Z"));
    w.record("placement", placement);
    CHECK(w.until(1) == "2040-03-09T00:00:00Z");
  }
  SECTION("placements do not prolong events") {
    w.seal();
    w.record("placement", example("placement"));
    CHECK(w.until(1) == "2027-06-01T00:00:00Z");
  }
  SECTION("what cannot be read is a document, from the shard's end") {
    auto ledger = value(w.workspace.ledger(audit::Ledger::Access::write));
    value(ledger.append(std::vector<std::string>{"{\"not\":\"a record\"}"}));
    value(ledger.publish(value(w.workspace.keyring().signing_key("log"))));
    // fsck calls that damage; a record of a newer version would be a warning.
    const auto owner = value(w.workspace.keyring().signing_key("owner"));
    value(ledger.append(std::vector<std::string>{value(audit::make_record(
        *audit::find_record_kind("shard-end"),
        {{"shard", 1},
         {"next_origin", "b.example"},
         {"next_log_key",
          value(audit::NoteVerifier::create("b.example", key_of(3).public_key())).vkey()},
         {"next_ledger", hex_of('d')}},
        {audit::named_subject("ledger", "x")}, value(audit::ledger_id(ledger)), owner, w.clock))}));
    const auto deadline = value(audit::shard_deadline(ledger, 0, std::nullopt));
    CHECK(core::to_rfc3339(deadline.until) == "2036-12-02T00:00:00Z");
    CHECK(deadline.basis.find("entry 3 cannot be read") == 0);
  }
  SECTION("so is what does not count, or claims to be older than its shard") {
    const auto made = [&](const core::PrivateKey& key, std::string_view time) {
      const core::FixedClock clock{at(time)};
      return value(audit::make_record(*audit::find_record_kind("outputs-batch"),
                                      example("outputs-batch"), {audit::named_subject("t", "t")},
                                      value(audit::ledger_id(w.workspace)), key, clock));
    };
    const bool old = GENERATE(false, true);
    const auto owner = value(w.workspace.keyring().signing_key("owner"));
    value(audit::append_records(
        w.workspace, std::vector<std::string>{old ? made(owner, "2026-11-24T11:00:00Z")
                                                  : made(key_of(9), "2026-11-25T00:00:00Z")}));
    w.seal();
    CHECK(w.until(1) == "2037-01-08T00:00:00Z");
  }
  SECTION("a shard with nothing but its frame may go at once") {
    w.rotate();
    w.clock.set(at("2027-01-15T00:00:00Z"));
    w.rotate();
    CHECK(w.until(2) == "2027-01-15T00:00:00Z");
    CHECK(code(w.prune(2)) == ErrorCode::invalid_argument);  // not before the first
  }
}

TEST_CASE("pruning: blobs and private values go if nothing that remains names them", "[pruning]") {
  Prunable w;
  fill(w);
  w.record("legal-hold", {{"hold", "x"}, {"state", "placed"}, {"reason", "r"}});
  w.record("legal-hold", {{"hold", "x"}, {"state", "lifted"}, {"reason", "r"}});
  const audit::ErasureRequest request{{{}, std::nullopt, "user"}, "request", ""};
  CHECK(value(audit::erase_values(w.workspace, request, w.clock)).values == 1);
  w.seal();
  // The same dataset again: its manifest is needed in shard 2.
  const Sealed corpus = seal(w.workspace, w.temp.path() / "corpus");
  Json dataset = example("dataset-manifest");
  dataset["root"] = corpus.manifest.root().hex();
  dataset["manifest"] = corpus.digest;
  dataset["files"] = corpus.manifest.files.size();
  dataset["bytes"] = corpus.manifest.bytes();
  w.record("dataset-manifest", dataset);
  auto hidden = value(audit::PrivateValues::open(w.workspace.private_values_file()));
  value(hidden.commit("user", "of a run that is about to be recorded", w.entropy));
  CHECK((w.blobs() == 4 && w.values() == 5));

  w.clock.set(at("2037-01-01T00:00:00Z"));
  fs::last_write_time(w.workspace.blobs().path(value(core::Digest::from_hex(corpus.digest))),
                      years_from_now(-20));
  w.age_blobs();
  const auto result = value(w.prune());
  REQUIRE(result.shards.size() == 1);
  CHECK((result.shards[0].blobs == 3 && result.shards[0].values == 4));
  CHECK((w.blobs() == 1 && w.values() == 1));
  const auto report = check(w.workspace);
  CHECK(report.evidence.rows.at("ev1_datasets").size() == 1);
  CHECK_FALSE(report.evidence.rows.contains("ev1_runs"));
  CHECK(value(audit::committed_values(w.workspace, {})).empty());
  // What was done to what others recorded stays.
  const auto kept = value(audit::read_pruned_shard(w.workspace, 1));
  std::vector<std::string> kinds;
  for (const audit::KeptEntry& entry : kept.entries)
    kinds.emplace_back(value(audit::read_record(entry.leaf)).kind->name);
  CHECK(kinds == std::vector<std::string>{"genesis", "trust-list", "legal-hold", "legal-hold",
                                          "erasure", "shard-end"});
}

TEST_CASE("pruning: refusals begin nothing", "[pruning]") {
  Prunable w;
  w.outputs("one");
  w.seal();
  w.outputs("two");
  w.rotate();
  w.clock.set(at("2028-01-01T00:00:00Z"));
  w.age_blobs();
  const std::uint64_t entries = check(w.workspace).entries;
  const auto untouched = [&](std::uint64_t more) {
    CHECK(check(w.workspace).entries == entries + more);
    CHECK_FALSE(fs::exists(w.stub()));
    CHECK(w.blobs() == 4);
  };
  SECTION("which shard") {
    CHECK(code(w.prune(2)) == ErrorCode::invalid_argument);
    CHECK(code(w.prune(3)) == ErrorCode::invalid_argument);
    CHECK(code(w.prune(4)) == ErrorCode::not_found);
    CHECK(code(w.prune(0)) == ErrorCode::not_found);
    untouched(0);
    CHECK(value(w.prune(1)).shards.size() == 1);
    CHECK(value(w.prune(2)).shards.size() == 1);
  }
  SECTION("a legal hold, until it is lifted") {
    w.record("legal-hold", {{"hold", "case"}, {"state", "placed"}, {"reason", "r"}});
    const auto refused = w.prune();
    CHECK(code(refused) == ErrorCode::invalid_argument);
    CHECK(refused.error().message.find("\"case\"") != std::string::npos);
    untouched(1);
    w.record("legal-hold", {{"hold", "case"}, {"state", "lifted"}, {"reason", "r"}});
    CHECK(value(w.prune()).shards.size() == 2);
  }
  SECTION("a key that is no owner's") {
    auto keyring = w.workspace.keyring();
    const auto info =
        value(keyring.generate_signing("clerk", core::KeyAlgorithm::ed25519, w.entropy, w.clock));
    Json list = audit::single_key_trust(value(keyring.signing_key("owner")).public_key(),
                                        "Example AI", at("2026-01-01T00:00:00Z"));
    const auto clerk = value(core::PublicKey::from_pem(info.public_key));
    list["keys"].push_back(
        audit::single_key_trust(clerk, "Clerk", at("2026-01-01T00:00:00Z"))["keys"][0]);
    list["keys"][1]["role"] = "recorder";
    w.record("trust-list", list);
    audit::WorkspaceConfig config = w.workspace.config();
    config.record_key = "clerk";
    ok(w.workspace.switch_to(config));
    CHECK(code(w.prune()) == ErrorCode::not_trusted);
    untouched(1);
  }
  SECTION("a workspace that is not sound") {
    sql(w.workspace.shard_file(2), "UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 1");
    CHECK(code(w.prune()) == ErrorCode::ledger_corrupt);
    CHECK_FALSE(fs::exists(w.stub()));
  }
  SECTION("a blob that somebody has just stored, and may be about to name") {
    const auto batch = value(audit::make_outputs_batch({output("one")}));
    audit::BlobStore blobs = w.workspace.blobs();
    const core::Digest tree = value(blobs.put(batch.tree));  // is there already
    const auto stored = fs::last_write_time(blobs.path(tree));
    CHECK(stored > fs::file_time_type::clock::now() - std::chrono::hours(1));
    w.clock.set(core::SystemClock().now());
    if (w.clock.now() < at("2027-07-08T00:00:00Z")) w.clock.set(at("2027-07-08T00:00:00Z"));
    fs::last_write_time(blobs.path(tree), years_from_now(5));
    CHECK(code(w.prune()) == ErrorCode::locked);
    untouched(0);
    w.age_blobs();
    CHECK(value(w.prune()).shards.size() == 2);
  }
}

TEST_CASE("pruning: what stays of a shard cannot be altered, made up or taken away", "[pruning]") {
  Prunable w;
  w.outputs("one");
  w.seal();
  w.outputs("two");
  w.rotate();
  w.age_blobs();
  const fs::path saved = w.temp.path() / "saved";
  fs::copy(w.workspace.folder(), saved, fs::copy_options::recursive);
  w.clock.set(at("2028-01-01T00:00:00Z"));
  value(w.prune(1));
  check(w.workspace);
  const std::string text = read(w.stub());
  const auto parsed = value(audit::parse_pruned_shard(text));
  CHECK(value(audit::pruned_shard_text(parsed)) == text);

  SECTION("no byte of it") {
    std::size_t tried = 0;
    for (std::size_t i = 0; i < text.size(); i += test::kEveryNth, ++tried) {
      std::string bad = text;
      bad[i] = static_cast<char>(bad[i] ^ 1);
      if (audit::parse_pruned_shard(bad).has_value()) FAIL_CHECK("byte " << i);
    }
    CHECK(tried > 100);
    std::string bad = text;
    bad[text.size() / 2] = static_cast<char>(bad[text.size() / 2] ^ 1);
    write(w.stub(), bad);
    has_error(w.workspace, "pruned.json is not what was left of shard 1");
    CHECK(code(audit::shards(w.workspace)) == ErrorCode::ledger_corrupt);
    CHECK(code(w.prune()) == ErrorCode::ledger_corrupt);
    write(w.stub(), "");
    has_error(w.workspace, "pruned.json is not what was left of shard 1");
  }
  SECTION("what no signature covers is in the record") {
    // A line of a key that nobody knows is ignored in a note.
    auto more = parsed;
    more.note += fmt::format("\u2014 w.example {}\n", core::base64_encode(core::Bytes(76, 1)));
    const std::string other = value(audit::pruned_shard_text(more));
    CHECK(audit::parse_pruned_shard(other).has_value());
    write(w.stub(), other);
    has_error(w.workspace, "no later entry that an owner signed says that it was pruned");
  }
  SECTION("nor can an entry be left out of it") {
    auto less = parsed;
    less.entries.erase(less.entries.begin() + 1);  // the trust list
    write(w.stub(), value(audit::pruned_shard_text(less)));
    CHECK_FALSE(value(audit::fsck(w.workspace)).sound());
  }
  SECTION("it is missing") {
    fs::remove(w.stub());
    has_error(w.workspace, "has lost its ledger.db");
  }
  SECTION("no record speaks of it") {
    fs::remove_all(w.workspace.folder());
    fs::copy(saved, w.workspace.folder(), fs::copy_options::recursive);
    check(w.workspace);
    write(w.stub(), text);
    has_error(w.workspace, "somebody took it away");
    fs::remove(w.workspace.shard_file(1));
    has_error(w.workspace, "somebody took it away");
  }
  SECTION("of another shard") {
    fs::create_directories(audit::pruned_shard_file(w.workspace, 2).parent_path());
    write(audit::pruned_shard_file(w.workspace, 2), text);
    CHECK_FALSE(value(audit::fsck(w.workspace)).sound());
  }
  SECTION("a later one alone") {
    const std::uint64_t entry = value(w.prune(2)).shards.at(0).entry;
    CHECK(entry > 0);
    fs::copy_file(saved / "ledger.db", w.workspace.shard_file(1));
    fs::remove(w.stub());
    has_error(w.workspace, "it was pruned, and shard 1 before it was not");
  }
  SECTION("another ledger beside it is not deleted") {
    fs::copy_file(saved / "shards/2/ledger.db", w.workspace.shard_file(1));
    CHECK(code(w.prune()) == ErrorCode::ledger_corrupt);
    CHECK(fs::exists(w.workspace.shard_file(1)));
  }
  constexpr const char* no_entries =
      R"({"checkpoint":"","entries":[],"first_entry":0,"format":1,"log_key":"","shard":1})";
  for (const char* bad : {"", "{}", "[]", R"({"format":2})", no_entries})
    CHECK_FALSE(audit::parse_pruned_shard(bad).has_value());
}

TEST_CASE("pruning: a record of one in spite of a hold, or of a shard that is there, is told",
          "[pruning]") {
  Prunable w;
  w.outputs("one");
  w.seal();
  w.record("legal-hold", {{"hold", "case"}, {"state", "placed"}, {"reason", "r"}});
  w.record("shard-pruned", example("shard-pruned"));
  const auto warned = findings(w.workspace, audit::Severity::warning);
  REQUIRE(warned.size() == 2);
  CHECK(warned[0].find("while the legal hold \"case\" was in force") != std::string::npos);
  CHECK(warned[1].find("which is there still") != std::string::npos);
  // It is not about this shard: it stands for no other.
  w.record("legal-hold", {{"hold", "case"}, {"state", "lifted"}, {"reason", "r"}});
  w.clock.set(at("2028-01-01T00:00:00Z"));
  w.age_blobs();
  CHECK(value(w.prune()).shards.at(0).entry == 10);
  check(w.workspace);
}

TEST_CASE("pruning: one that was interrupted is finished by the next", "[pruning]") {
  Prunable w;
  fill(w);
  w.seal();
  w.record("role-declaration", example("role-declaration"));
  w.age_blobs();
  value(audit::EntryIndex::open(w.workspace.index_file(1),
                                value(w.workspace.shard(1, audit::Ledger::Access::read))));
  const fs::path saved = w.temp.path() / "saved";
  fs::copy(w.workspace.folder(), saved, fs::copy_options::recursive);
  w.clock.set(at("2037-01-01T00:00:00Z"));
  const std::uint64_t entry = value(w.prune()).shards.at(0).entry;
  const std::string stub = read(w.stub());

  // What a kill leaves after each step (docs/decisions/0059-pruning.md), from the end backwards.
  const int step = GENERATE(1, 2, 3, 4);
  CAPTURE(step);
  const fs::path folder = w.workspace.folder();
  const auto back = [&](const fs::path& name) {
    fs::copy(saved / name, folder / name,
             fs::copy_options::overwrite_existing | fs::copy_options::recursive);
  };
  back("index.db");  // 4: the ledger is deleted, its index is not
  if (step <= 3) back("ledger.db");
  if (step <= 2) {
    back("blobs");
    back("private.db");
    w.age_blobs();
  }
  if (step == 1) fs::remove(w.stub());
  const auto warned = findings(w.workspace, audit::Severity::warning);
  INFO(findings_text(value(audit::fsck(w.workspace))));
  REQUIRE(warned.size() == 1);
  CHECK(warned[0].find("the pruning was interrupted") != std::string::npos);
  check(w.workspace);
  // Until it is finished, it is pruned, or it is not.
  CHECK(audit::is_pruned(w.workspace, 1) == (step > 1));

  const auto again = value(w.prune());
  REQUIRE(again.shards.size() == 1);
  CHECK(again.shards[0].entry == entry);
  CHECK(again.shards[0].values == (step <= 2 ? 5 : 0));
  CHECK(findings(w.workspace, audit::Severity::warning).empty());
  CHECK(audit::ledger_files(w.workspace, 1).empty());
  CHECK(read(w.stub()) == stub);
  CHECK((w.blobs() == 0 && w.values() == 0));
  CHECK(value(w.prune()).shards.empty());
}

// For tests/scripts/prune.sh: three shards, two of which may go by any real clock.
TEST_CASE("pruning: write a workspace that is old", "[.aged-workspace]") {
  const char* folder = std::getenv("SIGILLO_AGED");  // NOLINT(concurrency-mt-unsafe): one thread
  REQUIRE(folder != nullptr);
  Prunable w;
  w.clock.set(at("2010-01-04T09:00:00Z"));
  w.workspace = value(audit::Workspace::init(folder, kOrigin, "Example AI", w.entropy, w.clock));
  w.outputs("one");
  auto hidden = value(audit::PrivateValues::open(w.workspace.private_values_file()));
  Json start = example("run-start");
  start["datasets"] = Json::array();
  for (const std::string field : {"command", "environment", "user", "host_name", "folder"})
    start[field] = value(hidden.commit(field, "a-word-that-is-nowhere-else", w.entropy)).hex();
  w.record("run-start", start);
  w.clock.set(at("2010-12-31T09:00:00Z"));
  w.rotate();
  w.outputs("two");
  w.clock.set(at("2011-12-31T09:00:00Z"));
  w.rotate();
  w.record("role-declaration", example("role-declaration"));
  w.age_blobs();
}
