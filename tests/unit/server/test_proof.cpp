// POST /v1/verify-proof: a proof is judged, and a question that cannot be read is a problem.
#include "fixture.hpp"
#include "sigillo/audit/verify_proof.hpp"

using namespace fixture;

namespace {

struct Held {
  World w;
  Json question;
  std::string leaf;

  explicit Held(server::Rate rate = {1000, 1000}) : w(rate) {
    const auto ledger = value(w.workspace.ledger(audit::Ledger::Access::read));
    const auto log = value(audit::log_verifier(w.workspace, ledger));
    audit::LedgerTiles tiles{
        [this] { return w.workspace.ledger(audit::Ledger::Access::read); }, log, {}, 1};
    REQUIRE(tiles.catch_up().has_value());
    leaf = value(ledger.leaf(0));
    question = Json{{"receipt", audit::tlog_proof_text(value(tiles.prove_entry(0)))},
                    {"leaf", core::base64_encode(core::as_bytes(leaf))},
                    {"log_key", log.vkey()}};
  }
  Answer ask(const Json& body, const std::string& fields = "") {
    return w.ask("POST", "/v1/verify-proof", body.dump(), World::kJson + fields);
  }
  [[nodiscard]] Json with(const std::string& name, const Json& member) const {
    Json changed = question;
    if (member.is_null()) changed.erase(name);
    else changed[name] = member;
    return changed;
  }
};

}  // namespace

TEST_CASE("verify-proof: what holds is told in full", "[server][proof]") {
  Held held;
  const Answer answer = held.ask(held.question);
  REQUIRE(answer.status == 200);
  const Json json = answer.json();
  CHECK(json.at("verified") == true);
  CHECK(json.at("origin") == "test.example/s");
  CHECK(json.at("index") == 0);
  CHECK(json.at("size").get<int>() >= 1);
  CHECK(json.at("quorum").is_null());
  CHECK(json.at("time_stamp").is_null());
  CHECK(json.at("request_id") == answer.headers.at("X-Request-Id"));
  CHECK(answer.headers.at("Cache-Control") == "no-store");
  Json as_text = held.with("leaf", nullptr);
  as_text["leaf_text"] = held.leaf;
  CHECK(held.ask(as_text).json().at("verified") == true);
}

TEST_CASE("verify-proof: what does not hold is an answer, with its code", "[server][proof]") {
  Held held;
  const auto refused = [&](const Json& question, const std::string& code) {
    const Answer answer = held.ask(question);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    const Json json = answer.json();
    CHECK(json.size() == 4);
    CHECK(json.at("verified") == false);
    CHECK(json.at("code") == code);
    CHECK_FALSE(json.at("message").get<std::string>().empty());
  };
  refused(held.with("leaf", core::base64_encode(core::as_bytes("another"))), "proof-invalid");
  const auto stranger = value(core::PrivateKey::from_ed25519_seed(core::Bytes(32, 1)));
  const auto key = [&](const std::string& name) {
    return value(audit::NoteVerifier::create(name, stranger.public_key()));
  };
  refused(held.with("log_key", key("test.example/s").vkey()), "signature-invalid");
  const std::string witnessed = fmt::format(
      "log {}\nwitness A {}\nquorum A\n", held.question.at("log_key").get<std::string>(),
      value(audit::NoteVerifier::create("w.example", stranger.public_key(),
                                        audit::SignatureType::cosignature))
          .vkey());
  refused(held.with("policy", witnessed), "not-trusted");
  const std::string metrics = held.w.ask("GET", "/metrics").body;
  CHECK(metrics.find("sigillo_proof_verifications_total{verified=\"false\"} 3\n") !=
        std::string::npos);
  CHECK(metrics.find("test.example") == std::string::npos);
}

TEST_CASE("verify-proof: questions that cannot be read", "[server][proof]") {
  Held held;
  const auto bad = [&](const Json& question) {
    check_problem(held.ask(question), 400, "bad-request");
  };
  bad(Json::array());
  bad(Json::object());
  bad(held.with("receipt", nullptr));
  bad(held.with("leaf", nullptr));
  bad(held.with("leaf_text", "both"));
  bad(held.with("leaf", "not base64"));
  bad(held.with("time_stamp", "not base64"));
  bad(held.with("leaf", 1));
  bad(held.with("extra", "x"));
  check_problem(held.w.ask("POST", "/v1/verify-proof", "{", World::kJson), 400, "bad-request");
  check_problem(held.w.ask("POST", "/v1/verify-proof?a=1", held.question.dump(), World::kJson), 400,
                "bad-request");
  const auto unfit = [&](const Json& question, const std::string& code) {
    const Answer answer = held.ask(question);
    check_problem(answer, 422, "invalid-content");
    CHECK(answer.json().at("code") == code);
  };
  unfit(held.with("receipt", "none"), "invalid-input");
  unfit(held.with("log_key", "none"), "invalid-input");
  unfit(held.with("log_key", nullptr), "invalid-argument");
  unfit(held.with("policy", ""), "invalid-input");
  unfit(held.with("roots", "none"), "invalid-argument");
  Json stamped = held.with("roots", "none");
  stamped["time_stamp"] = "";
  unfit(stamped, "invalid-input");
  check_problem(held.ask(held.with("leaf", core::base64_encode(core::Bytes(65536, 1)))), 413,
                "content-too-large");
  check_problem(held.ask(held.with("receipt", std::string(audit::kMaxProofBytes + 1, 'a'))), 413,
                "content-too-large");
  check_problem(held.w.ask("POST", "/v1/verify-proof", "x", World::kText), 415,
                "unsupported-media-type");
  check_problem(held.w.ask("GET", "/v1/verify-proof"), 405, "method-not-allowed");
}

TEST_CASE("verify-proof: it shares the public limit, and a token lifts it", "[server][proof]") {
  Held held({1, 2});
  CHECK(held.ask(held.question).status == 200);
  CHECK(held.w.verify("Short.").status == 200);
  check_problem(held.ask(held.question), 429, "too-many-requests");
  CHECK(held.ask(held.question, held.w.token("verify")).status == 200);
}
