// Shards: a ledger is sealed and goes on under another key, and every way to tamper with the
// handover is found.
#include "sigillo/audit/shards.hpp"

#include <csignal>

#include "fixture.hpp"
#include "sigillo/audit/backup.hpp"
#include "sigillo/audit/erasure.hpp"
#include "sigillo/audit/witness_policy.hpp"

using namespace fixture;
using core::ErrorCode;

namespace {

struct Sharded : World {
  audit::Rotation rotate(std::string_view origin = "") {
    const auto rotation = value(audit::rotate(workspace, origin, entropy, clock));
    workspace = value(audit::Workspace::open(workspace.folder()));
    return rotation;
  }
  audit::NoteVerifier log(std::uint64_t shard) const {
    return value(audit::shard_verifier(workspace, shard));
  }
  audit::Ledger ledger(std::uint64_t shard) const {
    return value(workspace.shard(shard, audit::Ledger::Access::read));
  }
  fs::path file(std::uint64_t shard) const { return workspace.shard_file(shard); }
  // Three shards; the middle one has what a whole chain of evidence leaves.
  void three() {
    record("role-declaration", example("role-declaration"));
    rotate();
    fill(*this);
    rotate();
    record("placement", example("placement"));
  }
};

// The errors of fsck, as "check place: message".
std::vector<std::string> faults(const audit::Workspace& workspace) {
  std::vector<std::string> list;
  for (const audit::Finding& f : value(audit::fsck(workspace)).findings)
    if (f.severity == audit::Severity::error)
      list.push_back(fmt::format("{} {}: {}", f.check, f.place, f.message));
  return list;
}
bool has(const std::vector<std::string>& list, std::string_view text) {
  INFO(fmt::format("{}", fmt::join(list, "\n")));
  const bool found = std::any_of(list.begin(), list.end(), [&](const std::string& item) {
    return item.find(text) != std::string::npos;
  });
  CHECK(found);
  return found;
}

// A ledger file in the place of another; the side files of an open database go.
void replace(const fs::path& file, const fs::path& by) {
  for (const char* suffix : {"-wal", "-shm"}) fs::remove(file.string() + suffix);
  fs::copy_file(by, file, fs::copy_options::overwrite_existing);
}

// A clock that ends the process the nth time it is asked.
class Fatal final : public core::Clock {
 public:
  explicit Fatal(int calls) : calls_(calls) {}
  [[nodiscard]] core::Timestamp now() const override {
    if (--calls_ == 0) ::raise(SIGKILL);
    return at("2026-11-24T12:00:00Z");
  }

 private:
  mutable int calls_;
};

}  // namespace

TEST_CASE("shards: a rotation seals one ledger and begins the next", "[shards]") {
  Sharded w;
  w.record("role-declaration", example("role-declaration"));
  const std::string old_key = w.log(1).vkey();
  const auto rotation = w.rotate();
  CHECK(rotation.shard == 2);
  CHECK(rotation.first == 4);
  CHECK(rotation.origin == "example.com/audit/2026-2");
  CHECK(rotation.log_key != old_key);
  CHECK(w.workspace.config().origin == rotation.origin);
  CHECK(w.workspace.config().log_key == "log-2");
  // The old key signs no more, and its public half is there.
  CHECK_FALSE(w.workspace.keyring().signing_key("log").has_value());
  CHECK(w.workspace.keyring().info("log").has_value());
  CHECK_FALSE(fs::exists(w.workspace.folder() / "keys/log.pem"));
  for (const auto& left : fs::directory_iterator(w.workspace.shards_folder()))
    CHECK(left.path().filename() == "2");

  const auto placed = w.record("placement", example("placement"));
  CHECK(placed.index == 7);  // 4 of shard 1, then genesis, trust list, start
  const auto report = check(w.workspace);
  CHECK(report.findings.empty());
  CHECK(report.shards == 2);
  CHECK(report.entries == 8);
  CHECK(report.head.size == 4);
  CHECK(report.evidence.origin == rotation.origin);
  const auto& actors = report.evidence.rows.at("ev1_actors");
  CHECK(actors.size() == 2);  // of the sealed shard
  const auto& systems = report.evidence.rows.at("ev1_systems");
  REQUIRE(systems.size() == 1);
  CHECK(systems[0][6] == core::Cell(std::int64_t{7}));

  const auto all = value(audit::shards(w.workspace));
  REQUIRE(all.size() == 2);
  CHECK((all[0].sealed && !all[1].sealed));
  CHECK(all[0].log_key == old_key);
  CHECK(all[0].checkpoint == rotation.last_checkpoint);
  CHECK(all[1].first == all[0].size);
  const auto place = value(audit::locate(w.workspace, 7));
  CHECK((place.shard == 2 && place.index == 3));
  CHECK(value(audit::locate(w.workspace, 3)).shard == 1);
  CHECK(code(w.workspace.shard(3, audit::Ledger::Access::read)) == ErrorCode::not_found);

  // A name is used once; a third shard begins where the second ends.
  CHECK(code(audit::rotate(w.workspace, kOrigin, w.entropy, w.clock)) == ErrorCode::already_exists);
  const auto third = w.rotate("example.com/third");
  CHECK((third.shard == 3 && third.first == 9));
  CHECK(check(w.workspace).shards == 3);
}

TEST_CASE("shards: evidence, erasure and holds reach over them", "[shards]") {
  Sharded w;
  World single;
  fill(single);
  fill(w);
  const auto before = check(w.workspace);
  CHECK(before.evidence.rows == check(single.workspace).evidence.rows);
  ok(audit::write_projection(w.workspace, before.evidence));
  w.rotate();
  const auto after = check(w.workspace);  // with a projection of before
  CHECK(after.evidence.rows == before.evidence.rows);
  CHECK(after.blobs == before.blobs);
  CHECK(value(audit::committed_values(w.workspace, {})).size() == 5);
  w.record("legal-hold", {{"hold", "x"}, {"state", "placed"}, {"reason", "r"}});
  w.rotate();
  const audit::ErasureRequest request{{{}, std::nullopt, "user"}, "request", ""};
  CHECK(code(audit::erase_values(w.workspace, request, w.clock)) == ErrorCode::invalid_argument);
  w.record("legal-hold", {{"hold", "x"}, {"state", "lifted"}, {"reason", "r"}});
  const auto erased = value(audit::erase_values(w.workspace, request, w.clock));
  CHECK(erased.values == 1);
  CHECK(check(w.workspace).findings.empty());
}

TEST_CASE("shards: a workspace that was opened before goes on in the new shard", "[shards]") {
  Sharded w;
  const audit::Workspace stale = w.workspace;
  const std::string leaf = value(audit::make_record(
      *audit::find_record_kind("placement"), example("placement"), {audit::named_subject("t", "t")},
      value(audit::ledger_id(stale)), key_of(9), w.clock));
  w.rotate();
  // What was made for the old shard is not put anywhere.
  CHECK(code(audit::append_records(stale, std::vector<std::string>{leaf})) == ErrorCode::locked);
  auto sealed = value(stale.ledger(audit::Ledger::Access::write));
  CHECK(code(sealed.append(std::vector<std::string>{leaf})) == ErrorCode::locked);
  CHECK(code(sealed.seal(leaf)) == ErrorCode::locked);
  const auto receipt = value(audit::record(stale, "placement", example("placement"),
                                           {audit::named_subject("t", "t")}, w.clock));
  CHECK(receipt.index == 6);
  CHECK(value(audit::fsck(stale)).sound());
  CHECK(value(audit::fsck(stale)).shards == 2);
  check(w.workspace);
}

TEST_CASE("shards: the key or a checkpoint of any shard anchors the ledger", "[shards]") {
  Sharded w;
  const std::string early = value(w.ledger(1).latest_checkpoint());
  w.three();
  const std::string late = value(w.ledger(3).latest_checkpoint());
  for (std::uint64_t shard = 1; shard <= 3; ++shard)
    CHECK(value(audit::fsck(w.workspace, {w.log(shard).vkey(), ""})).sound());
  CHECK(value(audit::fsck(w.workspace, {w.log(1).vkey(), early})).sound());
  CHECK(value(audit::fsck(w.workspace, {w.log(3).vkey(), late})).sound());
  const auto stranger = value(audit::NoteVerifier::create(kOrigin, key_of(77).public_key()));
  CHECK_FALSE(value(audit::fsck(w.workspace, {stranger.vkey(), ""})).sound());
  CHECK(code(audit::fsck(w.workspace, {w.log(2).vkey(), early})) == ErrorCode::signature_invalid);
}

TEST_CASE("shards: tampering with a handover is found", "[shards]") {
  Sharded w;
  w.record("role-declaration", example("role-declaration"));
  const fs::path before_end = w.temp.path() / "before-end.db";
  ok(w.ledger(1).copy_to(before_end));
  w.three();
  REQUIRE(faults(w.workspace).empty());
  const fs::path saved = w.temp.path() / "saved";
  fs::copy(w.workspace.folder(), saved, fs::copy_options::recursive);
  const auto restored = [&] {
    fs::remove_all(w.workspace.folder());
    fs::copy(saved, w.workspace.folder(), fs::copy_options::recursive);
  };
  const fs::path config = w.workspace.folder() / "sigillo.json";

  SECTION("swapped shards") {
    replace(w.file(1), saved / "shards/2/ledger.db");
    replace(w.file(2), saved / "ledger.db");
    const auto found = faults(w.workspace);
    has(found, "handover");
    has(found, "shard 1 to shard 2");
  }
  SECTION("a shard in the place of another") {
    replace(w.file(2), saved / "shards/3/ledger.db");
    has(faults(w.workspace), "shard 1 to shard 2");
  }
  SECTION("a missing shard") {
    fs::remove(w.file(2));
    has(faults(w.workspace), "shard shard 2: the workspace");
    restored();
    fs::remove(w.file(1));
    has(faults(w.workspace), "has lost its ledger.db");
    restored();
    fs::remove_all(w.file(3).parent_path());
    CHECK(code(audit::fsck(w.workspace)) == ErrorCode::ledger_corrupt);
  }
  SECTION("the last shard is taken away and the configuration set back") {
    fs::remove_all(w.file(3).parent_path());
    write(config, R"({"format":2,"log_key":"log-2","origin":"example.com/audit/2026-2",)"
                  R"("record_key":"owner","shard":2})");
    w.workspace = value(audit::Workspace::open(w.workspace.folder()));
    has(faults(w.workspace), "it is sealed, and no shard goes on");
  }
  SECTION("an older ledger is put in the place of a sealed one") {
    replace(w.file(1), before_end);
    has(faults(w.workspace), "has no end that an owner signed");
    // And the configuration with it: the later shards lie there.
    write(config,
          R"({"format":1,"log_key":"log","origin":"example.com/audit","record_key":"owner"})");
    w.workspace = value(audit::Workspace::open(w.workspace.folder()));
    has(faults(w.workspace), "an older copy was put here");
  }
  SECTION("an entry behind the end") {
    const auto leaf = value(
        audit::make_record(*audit::find_record_kind("placement"), example("placement"),
                           {audit::named_subject("t", "t")}, value(audit::ledger_id(w.ledger(1))),
                           value(w.workspace.keyring().signing_key("owner")), w.clock));
    sql(w.file(1), "DELETE FROM meta WHERE name = 'sealed'");
    auto ledger = value(audit::Ledger::open(w.file(1), audit::Ledger::Access::write));
    value(ledger.append(std::vector<std::string>{leaf}));
    has(faults(w.workspace), "it was appended behind the end of shard 1");
  }
  SECTION("the final checkpoint is deleted") {
    sql(w.file(1), "DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)");
    has(faults(w.workspace), "the final checkpoint of shard 1 is missing");
  }
  SECTION("a byte of the end or of the start") {
    sql(w.file(1),
        "UPDATE entries SET leaf = CAST(replace(leaf, 'payload\"', 'payloae\"') AS BLOB) "
        "WHERE idx = (SELECT max(idx) FROM entries)");
    has(faults(w.workspace), "leaf-hash");
    restored();
    sql(w.file(2), "UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 2");
    has(faults(w.workspace), "leaf-hash");
  }
}

namespace {

// A handover made by hand, so that one thing at a time can be wrong. Log 1 has key 2 and ends at
// size 4; log 2 has key 3.
struct ByHand {
  audit::NoteVerifier log = value(audit::NoteVerifier::create("a.example", key_of(2).public_key()));
  audit::NoteVerifier next =
      value(audit::NoteVerifier::create("b.example", key_of(3).public_key()));
  core::PrivateKey log_key = key_of(2), next_key = key_of(3), end_signer = key_of(2);
  Json end{{"shard", 1},
           {"next_origin", "b.example"},
           {"next_log_key", next.vkey()},
           {"next_ledger", hex_of('b')}};
  Json start{{"shard", 2},
             {"first_entry", 4},
             {"previous_log_key", log.vkey()},
             {"previous_ledger", hex_of('a')}};
  std::string end_ledger = hex_of('a'), start_ledger = hex_of('b');
  std::uint64_t end_index = 3, start_index = 2;
  std::optional<core::Digest> claimed_root;
  core::FixedClock clock{at("2026-11-24T12:00:00Z")};

  std::string leaf(std::string_view kind, const Json& fields, const std::string& ledger) const {
    return value(audit::make_record(*audit::find_record_kind(kind), fields,
                                    {audit::named_subject("ledger", "x")},
                                    value(core::Digest::from_hex(ledger)), key_of(1), clock));
  }
  static audit::TlogProof prove(std::vector<std::string> leaves, std::uint64_t index,
                                const audit::NoteVerifier& log, const core::PrivateKey& key) {
    std::vector<audit::Digest> hashes;
    for (const std::string& one : leaves) hashes.push_back(audit::leaf_hash(core::as_bytes(one)));
    audit::TlogProof proof;
    proof.index = index;
    proof.path = value(audit::inclusion_path(index, hashes));
    proof.checkpoint =
        value(audit::sign_checkpoint({log.name(), hashes.size(), audit::tree_root(hashes)}, key));
    return proof;
  }
  audit::Handover made() {
    audit::Handover h;
    auto envelope = value(core::parse_canonical_envelope(leaf("shard-end", end, end_ledger)));
    envelope.signatures.push_back(
        value(core::sign_envelope(envelope.payload_type, envelope.payload, end_signer))
            .signatures.front());
    h.end_leaf = value(core::envelope_bytes(envelope));
    std::vector<std::string> leaves = {"one", "two", "three", "four"};
    leaves[end_index] = h.end_leaf;
    h.end_proof = prove(leaves, end_index, log, log_key);
    const auto last = value(audit::open_checkpoint(h.end_proof.checkpoint, log));
    const std::string note = value(audit::sign_checkpoint(
        {log.name(), last.size, claimed_root.value_or(last.root)}, key_of(2)));
    start["size"] = last.size;
    start["root"] = claimed_root.value_or(last.root).hex();
    const std::string line = note.substr(note.rfind("\n\n") + 2);
    start["log_line"] = line.substr(0, line.size() - 1);
    h.start_leaf = leaf("shard-start", start, start_ledger);
    leaves = {"one", "two", "three", "four"};
    leaves[start_index] = h.start_leaf;
    h.start_proof = prove(leaves, start_index, next, next_key);
    return h;
  }
  ErrorCode refused() { return code(audit::verify_handover(made(), log)); }
};

}  // namespace

TEST_CASE("handovers: one that holds, and everything that can be wrong with one", "[shards]") {
  ByHand h;
  CHECK(value(audit::verify_handover(h.made(), h.log)) == h.next);

  SECTION("another log is known") {
    const auto other = value(audit::NoteVerifier::create("a.example", key_of(9).public_key()));
    CHECK(code(audit::verify_handover(h.made(), other)) == ErrorCode::signature_invalid);
  }
  SECTION("the end is not the last entry") {
    h.end_index = 2;
    CHECK(h.refused() == ErrorCode::proof_invalid);
  }
  SECTION("the log has not signed the end: somebody appended it") {
    h.end_signer = key_of(1);
    CHECK(h.refused() == ErrorCode::signature_invalid);
  }
  SECTION("a forged new key") {
    h.next_key = key_of(8);
    CHECK(h.refused() == ErrorCode::signature_invalid);
  }
  SECTION("the new log keeps the name or the key") {
    h.next = value(audit::NoteVerifier::create("b.example", key_of(2).public_key()));
    h.next_key = key_of(2);
    h.end["next_log_key"] = h.next.vkey();
    CHECK(h.refused() == ErrorCode::proof_invalid);
  }
  SECTION("the key is not of the origin that is named") {
    h.end["next_origin"] = "c.example";
    CHECK(h.refused() == ErrorCode::invalid_input);
  }
  SECTION("the start is not the third entry") {
    h.start_index = 1;
    CHECK(h.refused() == ErrorCode::proof_invalid);
  }
  SECTION("the start is of another ledger") {
    h.start_ledger = hex_of('c');
    CHECK(h.refused() == ErrorCode::proof_invalid);
  }
  SECTION("the start names another ledger before it") {
    h.start["previous_ledger"] = hex_of('c');
    CHECK(h.refused() == ErrorCode::proof_invalid);
  }
  SECTION("the start names another log before it") {
    h.start["previous_log_key"] =
        value(audit::NoteVerifier::create("a.example", key_of(5).public_key())).vkey();
    CHECK(h.refused() == ErrorCode::signature_invalid);
  }
  SECTION("the start holds another checkpoint that the log signed") {
    h.claimed_root = core::sha256("fork");
    CHECK(h.refused() == ErrorCode::proof_invalid);
  }
  SECTION("numbers do not follow") {
    h.start["shard"] = 3;
    CHECK(h.refused() == ErrorCode::proof_invalid);
  }
  SECTION("the records are of other kinds") {
    auto swapped = h.made();
    std::swap(swapped.end_leaf, swapped.start_leaf);
    CHECK_FALSE(audit::verify_handover(swapped, h.log).has_value());
  }
}

TEST_CASE("handovers: a chain leads from any known key to the newest", "[shards]") {
  Sharded w;
  w.three();
  const std::string text = value(audit::handovers_text(value(audit::handovers(w.workspace))));
  const auto chain = value(audit::parse_handovers(text));
  REQUIRE(chain.size() == 2);
  CHECK(value(audit::handovers_text(chain)) == text);
  const auto from = [&](std::uint64_t shard) {
    return value(audit::follow_handovers(chain, w.log(shard)));
  };
  CHECK(from(1) == std::vector{w.log(1), w.log(2), w.log(3)});
  CHECK(from(2) == std::vector{w.log(2), w.log(3)});
  CHECK(from(3) == std::vector{w.log(3)});
  const auto other = value(audit::NoteVerifier::create("x.example", key_of(9).public_key()));
  const auto namesake = value(audit::NoteVerifier::create(kOrigin, key_of(9).public_key()));
  CHECK(code(audit::follow_handovers(chain, other)) == ErrorCode::not_trusted);
  CHECK(code(audit::follow_handovers(chain, namesake)) == ErrorCode::signature_invalid);
  CHECK(code(audit::follow_handovers({}, w.log(1))) == ErrorCode::not_trusted);
  // Out of order, the later one leads nowhere.
  CHECK(value(audit::follow_handovers({chain[1], chain[0]}, w.log(1))) ==
        std::vector{w.log(1), w.log(2)});
  // A gap is an error, not an end.
  auto gap = chain;
  gap[1] = gap[0];
  CHECK_FALSE(audit::follow_handovers(gap, w.log(1)).has_value());

  // No byte can be changed unseen.
  std::size_t tried = 0, unreadable = 0;
  for (std::size_t i = 0; i < text.size(); i += 7, ++tried) {
    std::string bad = text;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    const auto parsed = audit::parse_handovers(bad);
    if (!parsed.has_value()) ++unreadable;
    else CHECK_FALSE(audit::follow_handovers(*parsed, w.log(1)).has_value());
  }
  CHECK(tried > 500);
  CHECK(unreadable < tried);
  for (const char* bad :
       {"", "{}", "[]", R"({"format":2,"handovers":[]})", R"({"format":1,"handovers":{}})",
        R"({"format":1,"handovers":[{}]})", R"({"format":1,"handovers":[],"more":1})",
        R"({"format":1, "handovers":[]})"})
    CHECK_FALSE(audit::parse_handovers(bad).has_value());
  CHECK(audit::parse_handovers(R"({"format":1,"handovers":[]})").has_value());
}

TEST_CASE("shards: who may rotate, and when", "[shards]") {
  Sharded w;
  // A recorder's key seals nothing.
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
  CHECK(code(audit::rotate(w.workspace, "", w.entropy, w.clock)) == ErrorCode::not_trusted);
  config.record_key = "owner";
  ok(w.workspace.switch_to(config));
  // The list of two goes over as it stands.
  w.rotate();
  const auto report = check(w.workspace);
  CHECK(report.findings.empty());
  w.record("placement", example("placement"));
  // What is not sound is not sealed.
  sql(w.file(2), "UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 1");
  CHECK(code(audit::rotate(w.workspace, "", w.entropy, w.clock)) == ErrorCode::ledger_corrupt);
}

TEST_CASE("shards: another trust list than the one at the end is found", "[shards]") {
  Sharded w;
  w.rotate();
  // Made anew by somebody who holds the owner's and the new log's key: everything fits but the
  // list.
  const auto owner = value(w.workspace.keyring().signing_key("owner"));
  const auto log_key = value(w.workspace.keyring().signing_key("log-2"));
  std::vector<std::string> leaves;
  for (std::uint64_t i = 0; i < 3; ++i) leaves.push_back(value(w.ledger(2).leaf(i)));
  Json list = audit::single_key_trust(owner.public_key(), "Example AI", at("2026-01-01T00:00:00Z"));
  list["keys"].push_back(audit::single_key_trust(key_of(6).public_key(), "Revoked",
                                                 at("2026-01-01T00:00:00Z"))["keys"][0]);
  leaves[1] = value(audit::make_record(*audit::find_record_kind("trust-list"), list,
                                       {audit::named_subject("ledger", "x")},
                                       value(audit::ledger_id(w.workspace)), owner, w.clock));
  fs::remove(w.file(2));
  {
    auto ledger = value(audit::Ledger::create(w.file(2), w.workspace.config().origin));
    value(ledger.append(leaves));
    const std::string note = value(ledger.publish(log_key));
    has(faults(w.workspace), "the first 3 entries are not those that were signed: a fork");
    const auto log = value(audit::log_verifier(w.workspace, ledger));
    const audit::CheckpointStore store = w.workspace.checkpoint_store();
    ok(store.advance(log, value(store.last(log)), note));
  }
  const auto found = faults(w.workspace);
  CHECK(found.size() == 1);
  has(found, "does not begin with the trust list that shard 1 ended with");
}

TEST_CASE("shards: a backup holds them all", "[shards][care]") {
  Sharded w;
  w.three();
  const fs::path file = w.temp.path() / "b.tar";
  const auto summary = value(audit::backup(w.workspace, file, true));
  CHECK(summary.root == check(w.workspace).head.root);
  for (std::uint64_t shard = 1; shard <= 3; ++shard) {
    const fs::path copy = w.temp.path() / fmt::format("copy{}", shard);
    const std::string since = value(w.ledger(shard).latest_checkpoint());
    value(audit::restore({file, copy, {"", since}, false}, w.clock));
    const auto restored = value(audit::Workspace::open(copy));
    CHECK(check(restored).evidence.rows == check(w.workspace).evidence.rows);
    value(audit::record(restored, "placement", example("placement"),
                        {audit::named_subject("t", "t")}, w.clock));
    check(restored);
  }
}

TEST_CASE("shards: a rotation that is killed anywhere is finished by the next", "[shards]") {
  int unfinished = 0, sealed = 0, calls = 1;
  for (;; ++calls) {
    Sharded w;
    w.record("role-declaration", example("role-declaration"));
    const int ended = in_child([&] {
      return audit::rotate(w.workspace, "example.com/next", w.entropy, Fatal(calls)).has_value()
                 ? 0
                 : 1;
    });
    REQUIRE((ended == 0 || ended == 128 + SIGKILL));
    w.workspace = value(audit::Workspace::open(w.workspace.folder()));
    if (ended == 0) {
      CHECK(check(w.workspace).shards == 2);
      break;
    }
    CHECK(w.workspace.config().shard == 1);
    const auto found = faults(w.workspace);
    if (found.empty()) {
      ++unfinished;  // the old shard goes on
      w.record("placement", example("placement"));
    } else {
      ++sealed;
      CHECK(found.size() == 1);
      has(found, "it is sealed, and no shard goes on");
      CHECK(code(audit::record(w.workspace, "placement", example("placement"),
                               {audit::named_subject("t", "t")}, w.clock)) == ErrorCode::locked);
    }
    const auto rotation = w.rotate("example.com/next");
    CHECK(rotation.shard == 2);
    CHECK(check(w.workspace).findings.empty());
    CHECK_FALSE(fs::exists(w.workspace.folder() / "keys/log.pem"));
    CHECK_FALSE(fs::exists(w.workspace.shards_folder() / "2.new"));
    w.record("placement", example("placement"));
    check(w.workspace);
  }
  CHECK(unfinished > 0);
  CHECK(sealed > 0);
}
