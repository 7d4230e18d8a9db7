#include "sigillo/audit/witness.hpp"

#include <thread>

#include "sigillo/audit/cosignature.hpp"
#include "sigillo/audit/proof.hpp"
#include "tests/unit/audit/fixture.hpp"
#include "tests/unit/audit/tree_fixture.hpp"

namespace {

using namespace fixture;
using audit::Witness;
using audit::test::Hashes;
using audit::test::part;
namespace tree = audit::test;
using core::ErrorCode;

constexpr core::Timestamp kTime{1795000000, 0};

// A log of single bytes whose tree may be bent, and a witness that watches it.
struct Watched {
  Watched() {
    ok(Witness::init(folder(), "witness.example/w1", entropy, clock));
    witness.emplace(value(Witness::open(folder())));
    ok(witness->add_log(tree::log_verifier()));
  }
  [[nodiscard]] fs::path folder() const { return temp.path() / "witness"; }
  [[nodiscard]] std::string note(std::uint64_t size, std::string_view origin = tree::kLogName) {
    const audit::Checkpoint checkpoint{std::string(origin), size,
                                       tree::slow_root(part(leaves, 0, size))};
    return value(audit::sign_checkpoint(checkpoint, tree::log_key()));
  }
  [[nodiscard]] std::string body(std::uint64_t old_size, std::uint64_t size) {
    Hashes path;
    if (old_size > 0 && old_size <= size)
      path = tree::slow_consistency(old_size, part(leaves, 0, size));
    return audit::consistency_proof_text({old_size, path, note(size)});
  }
  audit::WitnessAnswer send(const std::string& text, core::Timestamp now = kTime) {
    return value(witness->add_checkpoint(text, now));
  }
  int status(const std::string& text) { return send(text).status; }
  // The size that the witness holds, asked for as the protocol has it.
  std::string size() {
    const auto answer = send(body(7, 7));
    if (answer.status == 200) return "7";
    CHECK(answer.status == 409);
    CHECK(answer.media_type == "text/x.tlog.size");
    return answer.body;
  }

  TempFolder temp;
  core::SeededEntropy entropy{7};
  core::FixedClock clock{kTime};
  Hashes leaves = tree::byte_leaves(40);
  std::optional<Witness> witness;
};

}  // namespace

TEST_CASE("witness: grows with the log, and cosigns what it has seen") {
  Watched w;
  std::uint64_t old_size = 0;
  for (const std::uint64_t size : {1U, 2U, 3U, 8U, 8U, 13U, 40U}) {
    const auto answer = w.send(w.body(old_size, size));
    REQUIRE(answer.status == 200);
    const std::string cosigned = w.note(size) + answer.body;
    const auto opened = value(audit::open_note(cosigned, {tree::log_verifier(), w.witness->key()}));
    REQUIRE(opened.signers.size() == 2);
    CHECK(opened.signers[1].time == static_cast<std::uint64_t>(kTime.seconds));
    const std::string hash = core::sha256(tree::kLogName).hex();
    CHECK(value(w.witness->latest(hash)) == cosigned);
    old_size = size;
  }
  CHECK(code(w.witness->latest(core::sha256("other").hex())) == ErrorCode::not_found);
  CHECK(code(w.witness->latest("' OR 1=1")) == ErrorCode::not_found);
}

TEST_CASE("witness: every pair of sizes has one answer") {
  for (std::uint64_t seen = 0; seen <= 9; ++seen)
    for (std::uint64_t old_size = 0; old_size <= 10; ++old_size)
      for (std::uint64_t size = 0; size <= 10; ++size) {
        if (old_size + size > 12 && seen % 3 != 0) continue;  // enough of each kind
        static Watched w;
        sql(w.folder() / "state.db", "DELETE FROM cosigned");
        if (seen > 0) REQUIRE(w.status(w.body(0, seen)) == 200);
        const int expected = old_size > size ? 400 : old_size != seen ? 409 : 200;
        INFO(seen << " " << old_size << " " << size);
        REQUIRE(w.status(w.body(old_size, size)) == expected);
      }
}

TEST_CASE("witness: 409 names what was cosigned last") {
  Watched w;
  CHECK(w.send(w.body(3, 5)).body == "0\n");
  REQUIRE(w.status(w.body(0, 5)) == 200);
  const auto answer = w.send(w.body(0, 6));
  CHECK(answer.status == 409);
  CHECK(answer.media_type == "text/x.tlog.size");
  CHECK(answer.body == "5\n");
  // A log that was rolled back: its sizes shrink.
  CHECK(w.send(w.body(2, 3)).body == "5\n");
  CHECK(w.status(w.body(5, 3)) == 400);
}

TEST_CASE("witness: what did not grow from what was seen is refused") {
  Watched w;
  REQUIRE(w.status(w.body(0, 5)) == 200);
  const auto with_path = [&](std::uint64_t old_size, Hashes path, std::uint64_t size) {
    return w.status(audit::consistency_proof_text({old_size, std::move(path), w.note(size)}));
  };
  const Hashes good = tree::slow_consistency(5, part(w.leaves, 0, 9));
  CHECK(with_path(5, {}, 9) == 422);
  Hashes bent = good;
  bent[1].bytes[3] ^= 1;
  CHECK(with_path(5, bent, 9) == 422);
  bent = good;
  bent.push_back(good[0]);
  CHECK(with_path(5, bent, 9) == 422);
  bent = good;
  bent.pop_back();
  CHECK(with_path(5, bent, 9) == 422);
  CHECK(with_path(5, good, 5) == 422);  // the same size needs no hashes
  // A second history: another entry 2, in the same size and in a larger one.
  w.leaves[2].bytes[0] ^= 1;
  CHECK(w.status(w.body(5, 5)) == 422);
  CHECK(w.status(w.body(5, 9)) == 422);
  w.leaves[2].bytes[0] ^= 1;
  CHECK(w.size() == "5\n");
  CHECK(with_path(5, good, 9) == 200);
}

TEST_CASE("witness: a first proof has no hashes, an empty tree has one root") {
  Watched w;
  CHECK(w.status(audit::consistency_proof_text({0, {w.leaves[0]}, w.note(3)})) == 422);
  const std::string wrong =
      fmt::format("{}\n0\n{}\n", tree::kLogName, core::base64_encode(w.leaves[0].view()));
  const std::string signed_wrong = value(audit::sign_note(wrong, tree::kLogName, tree::log_key()));
  CHECK(w.status("old 0\n\n" + signed_wrong) == 422);
  CHECK(w.status(w.body(0, 0)) == 200);
  CHECK(w.status(w.body(0, 0)) == 200);
  CHECK(w.status(w.body(0, 4)) == 200);
}

TEST_CASE("witness: only what a trusted key has signed, for its own origin") {
  Watched w;
  std::string text = w.body(0, 4);
  text[text.size() - 5] = text[text.size() - 5] == 'A' ? 'B' : 'A';
  CHECK(w.status(text) == 403);
  const auto signed_by = [&](const core::PrivateKey& key, std::string_view name) {
    const std::string checkpoint = audit::checkpoint_text(
        {std::string(tree::kLogName), 4, tree::slow_root(part(w.leaves, 0, 4))});
    return w.status("old 0\n\n" + value(audit::sign_note(checkpoint, name, key)));
  };
  CHECK(signed_by(tree::counting_key(0x40), tree::kLogName) == 403);
  CHECK(signed_by(tree::log_key(), "other.example") == 403);
  CHECK(signed_by(tree::log_key(), tree::kLogName) == 200);
  // A log that is not watched, whatever it is signed with.
  const audit::Checkpoint other{"other.example", 4, tree::slow_root(part(w.leaves, 0, 4))};
  CHECK(w.status("old 0\n\n" + value(audit::sign_checkpoint(other, tree::log_key()))) == 404);
  // A bad line of a trusted key beside a good one.
  core::Bytes garbage(64, 7);
  CHECK(w.status(w.body(4, 9) + audit::signature_line(tree::log_verifier(), garbage)) == 403);
}

TEST_CASE("witness: bodies that are no request") {
  Watched w;
  const std::string note = w.note(4);
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("old 0\n"), std::string("old 0\n\n"),
        "old 00\n\n" + note, "old -1\n\n" + note, "old 0 \n\n" + note, "OLD 0\n\n" + note,
        "old 9223372036854775808\n\n" + note, "0\n\n" + note, "old 0\n" + note,
        "old 0\nnot base64\n\n" + note, "old 0\nAAAA\n\n" + note, "old 0\r\n\r\n" + note,
        "old 0\n\n" + note.substr(0, note.size() - 1), "old 0\n\n" + note + "\n",
        "old 0\n\n" + std::string(tree::kLogName) + "\n"}) {
    INFO(text);
    CHECK(w.status(text) == 400);
  }
  // Extension lines of a log that is watched, and control characters.
  const std::string extended = value(audit::sign_note(
      audit::checkpoint_text({std::string(tree::kLogName), 4, w.leaves[0]}) + "extension\n",
      tree::kLogName, tree::log_key()));
  CHECK(w.status("old 0\n\n" + extended) == 400);
  std::string control = note;
  control[tree::kLogName.size() + 1] = '\x07';
  CHECK(w.status("old 0\n\n" + control) == 400);
  std::string path;
  for (int i = 0; i < 64; ++i) path += core::base64_encode(w.leaves[0].view()) + "\n";
  CHECK(w.status("old 0\n" + path + "\n" + note) == 400);
  CHECK(w.status("old 0\n\n" + note + std::string(audit::kMaxProofBytes, 'a') + "\n") == 400);
  CHECK(w.size() == "0\n");  // and nothing of it was kept
}

TEST_CASE("witness: lines that were not verified are not kept") {
  Watched w;
  const std::string strange =
      "\xE2\x80\x94 stranger.example " + core::base64_encode(core::Bytes(3000, 7)) + "\n";
  const auto answer = w.send(w.body(0, 4) + strange);
  REQUIRE(answer.status == 200);
  CHECK(value(w.witness->latest(core::sha256(tree::kLogName).hex())) == w.note(4) + answer.body);
  const std::string state = read(w.folder() / "state.db");
  CHECK(state.find("stranger") == std::string::npos);
  CHECK(state.find(tree::kLogName) != std::string::npos);  // control
}

TEST_CASE("witness: two at once cannot roll it back") {
  Watched w;
  REQUIRE(w.status(w.body(0, 4)) == 200);
  Witness other = value(Witness::open(w.folder()));  // as another process would
  const std::string longer = w.body(4, 30);
  const std::string shorter = w.body(4, 9);
  int statuses[2] = {0, 0};
  std::thread first([&] { statuses[0] = other.add_checkpoint(longer, kTime).value().status; });
  std::thread second(
      [&] { statuses[1] = w.witness->add_checkpoint(shorter, kTime).value().status; });
  first.join();
  second.join();
  // Whoever came second was told the size of the first.
  CHECK((statuses[0] == 200) != (statuses[1] == 200));
  CHECK(statuses[0] + statuses[1] == 200 + 409);
  CHECK(w.size() == (statuses[0] == 200 ? "30\n" : "9\n"));
}

TEST_CASE("witness: survives the end of its process, and keeps its word") {
  Watched w;
  REQUIRE(in_child([&] {
            Witness mine = Witness::open(w.folder()).value();
            const auto answer = mine.add_checkpoint(w.body(0, 8), kTime);
            return answer.has_value() && answer->status == 200 ? 0 : 1;
          }) == 0);
  CHECK(value(Witness::open(w.folder())).logs().size() == 1);
  CHECK(w.size() == "8\n");
}

TEST_CASE("witness: a clock that went back stops it") {
  Watched w;
  REQUIRE(w.status(w.body(0, 4)) == 200);
  CHECK(code(w.witness->add_checkpoint(w.body(4, 5), {kTime.seconds - 6, 0})) ==
        ErrorCode::io_error);
  CHECK(w.size() == "4\n");
  // A request that waited while another one was answered is no such clock; its time is the later
  // one.
  const auto late = w.send(w.body(4, 5), {kTime.seconds - 5, 0});
  REQUIRE(late.status == 200);
  const auto opened = value(audit::open_note(
      value(audit::add_signature_lines(w.note(5), late.body)), {w.witness->key()}));
  CHECK(opened.signers.front().time == static_cast<std::uint64_t>(kTime.seconds));
}

TEST_CASE("witness: the lists of two processes add up") {
  Watched w;
  Witness other = value(Witness::open(w.folder()));
  const auto log = [](std::string_view name, std::uint8_t seed) {
    return value(audit::NoteVerifier::create(name, key_of(seed).public_key()));
  };
  ok(other.add_log(log("example.com/a", 0x21)));
  ok(w.witness->add_log(log("example.com/b", 0x22)));
  CHECK(code(other.add_log(log("example.com/b", 0x22))) == ErrorCode::already_exists);
  CHECK(value(Witness::open(w.folder())).logs().size() == 3);
}

TEST_CASE("witness: its state is one file, and damage asks for no backup") {
  Watched w;
  REQUIRE(w.status(w.body(0, 4)) == 200);
  for (const auto& file : fs::directory_iterator(w.folder()))
    if (file.path().filename().string().starts_with("state.db"))
      CHECK(file.path().filename() == "state.db");
  w.witness.reset();
  const std::string whole = read(w.folder() / "state.db");
  for (const std::size_t size : {std::size_t{5000}, std::size_t{100}, std::size_t{0}}) {
    write(w.folder() / "state.db", whole.substr(0, size));
    const auto opened = Witness::open(w.folder());
    REQUIRE(code(opened) == ErrorCode::ledger_corrupt);
    CHECK(opened.error().remedy.find("do not restore") != std::string::npos);
  }
}

TEST_CASE("witness: its folder") {
  Watched w;
  CHECK(code(Witness::init(w.folder(), "w.example", w.entropy, w.clock)) ==
        ErrorCode::already_exists);
  CHECK(code(Witness::open(w.temp.path() / "none")) == ErrorCode::not_found);
  CHECK(code(Witness::init(w.temp.path() / "bad", "a b", w.entropy, w.clock)) ==
        ErrorCode::invalid_argument);
  CHECK_FALSE(fs::exists(w.temp.path() / "bad"));  // nothing is left of it
  CHECK(code(w.witness->add_log(tree::log_verifier())) == ErrorCode::already_exists);
  CHECK(code(w.witness->add_log(w.witness->key())) == ErrorCode::invalid_argument);
  const auto own = value(audit::NoteVerifier::create("me.example", w.witness->key().key()));
  CHECK(code(w.witness->add_log(own)) == ErrorCode::invalid_argument);
  CHECK((fs::status(w.folder() / "keys").permissions() & fs::perms::others_all) == fs::perms::none);

  // Without its state it would cosign a second history.
  w.witness.reset();
  const std::string state = read(w.folder() / "state.db");
  fs::remove(w.folder() / "state.db");
  CHECK(code(Witness::open(w.folder())) == ErrorCode::ledger_corrupt);
  CHECK_FALSE(fs::exists(w.folder() / "state.db"));
  write(w.folder() / "state.db", "not a database, but long enough to look like one");
  CHECK(code(Witness::open(w.folder())) == ErrorCode::ledger_corrupt);
  write(w.folder() / "state.db", state);
  CHECK(value(Witness::open(w.folder())).logs().size() == 1);
  sql(w.folder() / "state.db", "CREATE TABLE more(x)");
  CHECK(code(Witness::open(w.folder())) == ErrorCode::ledger_corrupt);
  sql(w.folder() / "state.db", "DROP TABLE more");
  for (const std::string_view config :
       {"", "{}", "[]", R"({"format":2,"name":"a","logs":[]})", R"({"format":1,"name":"a"})",
        R"({"format":1,"name":"a","logs":[1]})", R"({"format":1,"name":"a","logs":["x"]})",
        R"({"format":1,"name":"a b","logs":[]})"}) {
    write(w.folder() / "witness.json", config);
    INFO(config);
    CHECK_FALSE(Witness::open(w.folder()).has_value());
  }
}
