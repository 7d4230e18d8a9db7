// A ledger and its witnesses: honest ones, ones that lie in every way that we could think of, and
// ones that do not answer. All in memory but the ledger and the witnesses' state.
#include "app/client/cosigning.hpp"

#include <mutex>

#include "sigillo/audit/cosignature.hpp"
#include "sigillo/audit/proof.hpp"
#include "sigillo/audit/witness.hpp"
#include "tests/unit/audit/fixture.hpp"

namespace {

using namespace fixture;
namespace client = sigillo::client;
using audit::SignatureType;
using audit::Witness;
using client::HttpAnswer;
using client::HttpPost;
using client::WitnessState;
using core::ErrorCode;
using core::Result;

HttpAnswer text(int status, std::string body, std::string type = "text/plain") {
  return {status, std::move(type), std::move(body)};
}

// Three witnesses a, b and c; each answers honestly until a test says otherwise.
struct Town {
  Town() {
    for (const char* name : {"a", "b", "c"}) {
      const fs::path folder = world.temp.path() / name;
      ok(Witness::init(folder, fmt::format("{}.example/w", name), world.entropy, world.clock));
      witnesses.push_back(value(Witness::open(folder)));
      ok(witnesses.back().add_log(log()));
      const std::size_t n = witnesses.size() - 1;
      answers[name] = [this, n](const HttpPost& post) { return honest(n, post); };
    }
  }
  [[nodiscard]] audit::NoteVerifier log() const {
    const auto key = value(world.workspace.keyring().signing_key("log"));
    return value(audit::NoteVerifier::create(kOrigin, key.public_key()));
  }
  Result<HttpAnswer> honest(std::size_t n, const HttpPost& post) {
    auto answer = value(witnesses[n].add_checkpoint(post.body, world.clock.now()));
    return HttpAnswer{answer.status, answer.media_type, answer.body};
  }
  // The line that a witness's own key makes of any text and time.
  std::string sign(std::size_t n, const std::string& checkpoint, core::Timestamp time) {
    const auto folder = world.temp.path() / std::string(1, static_cast<char>('a' + n));
    const auto key = value(core::Keyring(folder / "keys").signing_key("witness"));
    return value(audit::cosign(checkpoint, witnesses[n].key().name(), key, time));
  }
  [[nodiscard]] std::string policy_text(const std::string& quorum) const {
    std::string policy = "log " + log().vkey() + "\n";
    for (std::size_t n = 0; n < witnesses.size(); ++n) {
      const char name = static_cast<char>('a' + n);
      policy += fmt::format("witness {} {} http://{}.example/x/\n", name, witnesses[n].key().vkey(),
                            name);
    }
    return policy + "group two 2 a b c\n" + "quorum " + quorum + "\n";
  }
  [[nodiscard]] audit::WitnessPolicy policy(const std::string& quorum = "two") const {
    return value(audit::WitnessPolicy::parse(policy_text(quorum)));
  }
  Result<client::Cosigning> cosign(const std::string& quorum = "two", bool fail_open = false) {
    const client::HttpClient http = [this](const HttpPost& post) -> Result<HttpAnswer> {
      const std::size_t host = std::string_view("http://").size();
      CHECK(post.url == fmt::format("http://{}.example/x/add-checkpoint", post.url[host]));
      const std::lock_guard lock(mutex);
      ++requests;
      return answers.at(std::string(1, post.url[host]))(post);
    };
    return client::cosign_ledger(world.workspace, policy(quorum), http, world.clock,
                                 {std::chrono::milliseconds(1000), fail_open});
  }
  void grow(int entries = 1) {
    for (int i = 0; i < entries; ++i) {
      Json role = example("role-declaration");
      role["actor"] = fmt::format("actor {}", grown++);  // no statement twice
      world.record("role-declaration", role);
    }
  }
  std::string stored() {
    return value(value(world.workspace.ledger(audit::Ledger::Access::read)).latest_checkpoint());
  }
  audit::CheckpointTrust trust(const std::string& quorum = "two") {
    return value(audit::trust_policy(policy(quorum), std::nullopt, world.clock.now()));
  }

  World world;
  std::vector<Witness> witnesses;
  std::map<std::string, std::function<Result<HttpAnswer>(const HttpPost&)>> answers;
  std::mutex mutex;
  int requests = 0, grown = 0;
};

std::string states(const client::Cosigning& cosigning) {
  std::string all;
  for (const client::WitnessReport& one : cosigning.witnesses)
    all += fmt::format("{}{}", all.empty() ? "" : " ", to_string(one.state));
  return all;
}

void copy_workspace(const Town& town, const fs::path& to) {
  fs::copy(town.world.workspace.folder(), to, fs::copy_options::recursive);
}
void restore_workspace(const Town& town, const fs::path& from) {
  fs::remove_all(town.world.workspace.folder());
  fs::copy(from, town.world.workspace.folder(), fs::copy_options::recursive);
}

}  // namespace

TEST_CASE("cosigning: the ledger keeps what its witnesses say, and receipts carry it") {
  Town town;
  const auto cosigning = value(town.cosign());
  CHECK(states(cosigning) == "cosigned cosigned cosigned");
  CHECK(cosigning.quorum_met);
  CHECK(town.stored() == cosigning.note);
  CHECK(value(audit::open_trusted_checkpoint(town.stored(), town.trust())).cosigned.size() == 3);
  check(town.world.workspace);

  // An entry, its path and the stored checkpoint: one receipt.
  const auto ledger = value(town.world.workspace.ledger(audit::Ledger::Access::read));
  std::vector<core::Digest> hashes;
  for (const std::uint64_t i : {0U, 1U})
    hashes.push_back(audit::leaf_hash(core::as_bytes(value(ledger.leaf(i)))));
  audit::TlogProof proof{1, value(audit::inclusion_path(1, hashes)), town.stored(), {}};
  const std::string leaf = value(ledger.leaf(1));
  CHECK(audit::verify_tlog_proof(proof, core::as_bytes(leaf), town.trust()).has_value());

  // Growth: each witness is asked once, from the size that is remembered.
  town.requests = 0;
  town.grow(3);
  CHECK(states(value(town.cosign())) == "cosigned cosigned cosigned");
  CHECK(town.requests == 3);
  CHECK(value(town.cosign()).checkpoint.size == 5);  // nothing new: cosigned again, later
}

TEST_CASE("cosigning: what was not remembered is found out") {
  Town town;
  value(town.cosign());
  town.grow(2);
  fs::remove(town.world.workspace.folder() / "witnesses.json");
  town.requests = 0;
  CHECK(states(value(town.cosign())) == "cosigned cosigned cosigned");
  CHECK(town.requests == 6);  // 409 and its size, then the proof
  fs::remove(town.world.workspace.folder() / "witnesses.json");
  CHECK(states(value(town.cosign())) == "cosigned cosigned cosigned");  // the very size
  for (const char* damaged : {"", "{\"x\":", "{\"x\":-1}", "{\"x\":\"1\"}", "5", "[5]"}) {
    INFO(damaged);
    write(town.world.workspace.folder() / "witnesses.json", damaged);
    CHECK(code(town.cosign()) == ErrorCode::invalid_input);
  }
}

TEST_CASE("cosigning: one witness lies or is silent, and the policy decides") {
  struct Row {
    const char* what;
    WitnessState state;
    std::function<Result<HttpAnswer>(Town&, const HttpPost&)> answer;
  };
  const auto other_root = [](Town& town, core::Timestamp time) {
    return town.sign(2, audit::checkpoint_text({std::string(kOrigin), 2, core::sha256("x")}), time);
  };
  const auto this_text = [](const HttpPost& post) {
    const std::string note = value(audit::parse_consistency_proof(post.body)).checkpoint;
    return note.substr(0, note.rfind("\n\n") + 1);
  };
  const std::vector<Row> rows = {
      {"signs another root", WitnessState::invalid,
       [&](Town& t, const HttpPost&) { return text(200, other_root(t, t.world.clock.now())); }},
      {"signs with another key", WitnessState::invalid,
       [&](Town&, const HttpPost& p) {
         return text(200, value(audit::cosign(this_text(p), "c.example/w", key_of(77), {1, 0})));
       }},
      {"signs as another witness", WitnessState::invalid,
       [&](Town& t, const HttpPost& p) {
         return text(200, t.sign(1, this_text(p), t.world.clock.now()));
       }},
      {"signs an old time", WitnessState::invalid,
       [&](Town& t, const HttpPost& p) {
         return text(200, t.sign(2, this_text(p), {t.world.clock.now().seconds - 301, 0}));
       }},
      {"signs a time to come", WitnessState::invalid,
       [&](Town& t, const HttpPost& p) {
         return text(200, t.sign(2, this_text(p), {t.world.clock.now().seconds + 301, 0}));
       }},
      {"signs 2^63 - 1", WitnessState::invalid,
       [&](Town& t, const HttpPost& p) {
         return text(200, t.sign(2, this_text(p), {INT64_MAX, 0}));
       }},
      {"replaces the log's line", WitnessState::invalid,
       [&](Town& t, const HttpPost& p) {
         return text(200, t.sign(2, this_text(p), t.world.clock.now()) +
                              audit::signature_line(t.log(), core::Bytes(64, 7)));
       }},
      {"garbage", WitnessState::invalid,
       [](Town&, const HttpPost&) { return text(200, std::string("\0\xFF garbage", 10)); }},
      {"nothing", WitnessState::invalid, [](Town&, const HttpPost&) { return text(200, ""); }},
      {"a page", WitnessState::invalid,
       [](Town&, const HttpPost&) { return text(200, "<html>\n\n</html>\n", "text/html"); }},
      {"409 without a size", WitnessState::invalid,
       [](Town&, const HttpPost&) { return text(409, "conflict\n"); }},
      {"409 with half a size", WitnessState::invalid,
       [](Town&, const HttpPost&) { return text(409, "2x\n", "text/x.tlog.size"); }},
      {"409 with a signed size", WitnessState::invalid,
       [](Town&, const HttpPost&) { return text(409, "-1\n", "text/x.tlog.size"); }},
      {"409 with the size that it was told", WitnessState::invalid,
       [](Town&, const HttpPost&) { return text(409, "0\n", "text/x.tlog.size"); }},
      {"409 with another media type", WitnessState::invalid,
       [](Town&, const HttpPost&) { return text(409, "2\n", "text/x.tlog.sizes"); }},
      {"another size each time", WitnessState::refused,
       [n = 0](Town&, const HttpPost&) mutable {
         return text(409, ++n % 2 == 0 ? "1\n" : "2\n", "text/x.tlog.size");
       }},
      {"404", WitnessState::refused, [](Town&, const HttpPost&) { return text(404, "who?\n"); }},
      {"403", WitnessState::refused, [](Town&, const HttpPost&) { return text(403, "no\n"); }},
      {"422 at once", WitnessState::refused,
       [](Town&, const HttpPost&) { return text(422, "no\n"); }},
      {"a redirect", WitnessState::refused, [](Town&, const HttpPost&) { return text(301, ""); }},
      {"503", WitnessState::refused, [](Town&, const HttpPost&) { return text(503, "later\n"); }},
      {"down", WitnessState::unreachable,
       [](Town&, const HttpPost&) -> Result<HttpAnswer> {
         return core::Error{ErrorCode::io_error, "connection refused", ""};
       }},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    Town town;
    const std::string before = town.stored();
    town.answers["c"] = [&](const HttpPost& post) { return row.answer(town, post); };
    // Two of three are enough without it.
    const auto cosigning = value(town.cosign("two"));
    CHECK(cosigning.witnesses[2].state == row.state);
    CHECK_FALSE(cosigning.witnesses[2].detail.empty());
    CHECK(cosigning.quorum_met);
    CHECK(value(audit::open_trusted_checkpoint(cosigning.note, town.trust())).cosigned.size() == 2);
    CHECK(town.stored().find("c.example") == std::string::npos);
    // Where it is needed, nothing is published.
    town.grow();
    const std::string uncosigned = town.stored();
    const auto closed = town.cosign("c");
    CHECK(code(closed) == ErrorCode::not_trusted);
    CHECK(closed.error().message.find("c ") != std::string::npos);
    CHECK(town.stored() == uncosigned);
    // Unless that is asked for.
    const auto open = value(town.cosign("c", true));
    CHECK_FALSE(open.quorum_met);
    CHECK(town.stored() == open.note);
    CHECK(code(audit::open_trusted_checkpoint(open.note, town.trust("c"))) ==
          ErrorCode::not_trusted);
    check(town.world.workspace);
  }
}

TEST_CASE("cosigning: one lies and one is down: no quorum of two") {
  Town town;
  town.answers["b"] = [](const HttpPost&) { return text(200, "lies\n"); };
  town.answers["c"] = [](const HttpPost&) -> Result<HttpAnswer> {
    return core::Error{ErrorCode::io_error, "no answer in time", ""};
  };
  const auto refused = town.cosign("two");
  CHECK(code(refused) == ErrorCode::not_trusted);
  for (const char* part : {"a cosigned", "b invalid", "c unreachable: no answer in time"})
    CHECK(refused.error().message.find(part) != std::string::npos);
  CHECK(states(value(town.cosign("a"))) == "cosigned invalid unreachable");
  CHECK(states(value(town.cosign("none"))) == "cosigned invalid unreachable");
}

TEST_CASE("cosigning: a ledger that was rolled back is stopped, whatever is asked for") {
  Town town;
  town.grow(2);
  const fs::path backup = town.world.temp.path() / "backup";
  copy_workspace(town, backup);
  town.grow(3);
  value(town.cosign());
  restore_workspace(town, backup);  // without what was remembered
  for (const bool fail_open : {false, true}) {
    const auto stopped = town.cosign("two", fail_open);
    CHECK(code(stopped) == ErrorCode::ledger_corrupt);
    CHECK(stopped.error().message.find("has cosigned size 7 of this log, which has 4 entries") !=
          std::string::npos);
    CHECK_FALSE(stopped.error().remedy.empty());
    CHECK(code(town.cosign("none", fail_open)) == ErrorCode::ledger_corrupt);
  }
  // It grows past what the witnesses saw, with other entries: another history.
  town.world.clock.set(at("2026-11-24T13:00:00Z"));
  town.grow(5);
  const auto forked = town.cosign("two", true);
  CHECK(code(forked) == ErrorCode::ledger_corrupt);
  CHECK(forked.error().message.find("another history of this log at size 7") != std::string::npos);
  CHECK(town.stored().find("a.example") == std::string::npos);
}

TEST_CASE("cosigning: the very size with another root") {
  Town town;
  const fs::path backup = town.world.temp.path() / "backup";
  copy_workspace(town, backup);
  town.grow(1);
  value(town.cosign());
  restore_workspace(town, backup);
  town.world.clock.set(at("2026-11-24T13:00:00Z"));
  town.grow(1);
  CHECK(code(town.cosign()) == ErrorCode::ledger_corrupt);
  // As witnesses of an older reading answer: 409 with that very size.
  for (const char* name : {"a", "b", "c"})
    town.answers[name] = [](const HttpPost&) { return text(409, "3\n", "text/x.tlog.size"); };
  const auto stopped = town.cosign();
  CHECK(code(stopped) == ErrorCode::ledger_corrupt);
  CHECK(stopped.error().message.find("another root at size 3") != std::string::npos);
}

TEST_CASE("cosigning: what is remembered tells a rolled-back ledger without the network") {
  Town town;
  town.grow(3);
  const fs::path backup = town.world.temp.path() / "backup";
  copy_workspace(town, backup);
  town.grow(3);
  value(town.cosign());
  const std::string memory = read(town.world.workspace.folder() / "witnesses.json");
  restore_workspace(town, backup);
  write(town.world.workspace.folder() / "witnesses.json", memory);
  town.requests = 0;
  CHECK(code(town.cosign()) == ErrorCode::ledger_corrupt);
  CHECK(town.requests == 0);
}

TEST_CASE("cosigning: a witness that was rolled back loses its word") {
  Town town;
  town.grow(3);
  value(town.cosign());
  sql(town.world.temp.path() / "a" / "state.db", "DELETE FROM cosigned");
  town.grow(1);
  const auto cosigning = value(town.cosign());
  CHECK(states(cosigning) == "refused cosigned cosigned");
  CHECK(cosigning.witnesses[0].detail.find("rolled back") != std::string::npos);
}

TEST_CASE("cosigning: one at a time, and witnesses see the log's line alone") {
  Town town;
  value(town.cosign());
  int asked = 0;
  town.answers["a"] = [&](const HttpPost& post) {
    ++asked;
    // Somebody starts another one meanwhile.
    const auto second = client::cosign_ledger(town.world.workspace, town.policy(),
                                              town.answers["b"], town.world.clock, {});
    CHECK(code(second) == ErrorCode::locked);
    CHECK(post.body.find("example/w ") == std::string::npos);
    return town.honest(0, post);
  };
  CHECK(states(value(town.cosign())) == "cosigned cosigned cosigned");
  CHECK(asked == 1);
}

TEST_CASE("cosigning: policies and URLs that do not fit") {
  Town town;
  const client::HttpClient none = [](const HttpPost&) -> Result<HttpAnswer> {
    FAIL("asked");
    return HttpAnswer{};
  };
  const auto with = [&](const std::string& text) {
    return client::cosign_ledger(town.world.workspace, value(audit::WitnessPolicy::parse(text)),
                                 none, town.world.clock, {});
  };
  const std::string witness = "witness a " + town.witnesses[0].key().vkey();
  const auto other = value(audit::NoteVerifier::create("other.example", key_of(3).public_key()));
  CHECK(code(with("log " + other.vkey() + "\n" + witness + " http://a.example\nquorum a\n")) ==
        ErrorCode::not_trusted);
  for (const std::string url :
       {"ftp://a.example", "file:///etc/passwd", "a.example", "http://", "http://user@a.example",
        "http://a.example/?x=1", "http://a.example/#x", "javascript:alert(1)", "http://a b"})
    if (url.find(' ') == std::string::npos)
      CHECK(code(with(witness + " " + url + "\nquorum a\n")) == ErrorCode::invalid_argument);
  const auto no_url = with(witness + "\nquorum a\n");
  CHECK(code(no_url) == ErrorCode::not_trusted);
  CHECK(no_url.error().message.find("a no-url") != std::string::npos);
  CHECK(value(with("quorum none\n")).quorum_met);
}

TEST_CASE("ledger: only cosignatures that hold are added to a checkpoint") {
  Town town;
  auto ledger = value(town.world.workspace.ledger(audit::Ledger::Access::write));
  const std::string before = town.stored();
  const std::string checkpoint = before.substr(0, before.rfind("\n\n") + 1);
  const std::vector<audit::NoteVerifier> known = {town.witnesses[0].key()};
  const std::string good = town.sign(0, checkpoint, town.world.clock.now());
  const std::string strange = town.sign(1, checkpoint, town.world.clock.now());
  const std::string bad =
      town.sign(0, audit::checkpoint_text({std::string(kOrigin), 2, core::sha256("x")}), {1, 0});
  CHECK(code(ledger.add_cosignatures(2, bad, known)) == ErrorCode::signature_invalid);
  CHECK(code(ledger.add_cosignatures(2, good + bad, known)) == ErrorCode::signature_invalid);
  CHECK(code(ledger.add_cosignatures(2, strange, known)) == ErrorCode::signature_invalid);
  CHECK(code(ledger.add_cosignatures(2, "", known)) == ErrorCode::invalid_input);
  CHECK(code(ledger.add_cosignatures(1, good, known)) == ErrorCode::not_found);
  CHECK(town.stored() == before);
  CHECK(value(ledger.add_cosignatures(2, strange + good, known)) == before + good);
  CHECK(town.stored() == before + good);
  const std::string later = town.sign(0, checkpoint, {town.world.clock.now().seconds + 9, 0});
  CHECK(value(ledger.add_cosignatures(2, later, known)) == before + later);
  check(town.world.workspace);
}
