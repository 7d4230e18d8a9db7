// The whole server in memory: what each path answers, and what it refuses.
#include <set>
#include <thread>

#include "app/pipeline/record_intake.hpp"
#include "app/server/form.hpp"
#include "app/server/page.hpp"
#include "fixture.hpp"
#include "sigillo/audit/fsck.hpp"
#include "sigillo/audit/shards.hpp"

using namespace fixture;

TEST_CASE("verify: the verdict, its basis and its limits", "[server]") {
  World w;
  const std::string marked = w.text(true);
  const Answer found = w.verify(marked);
  REQUIRE(found.status == 200);
  const Json json = found.json();
  CHECK(json.at("verdict") == "watermark_found");
  CHECK(json.at("signals").size() == 1);
  CHECK(json.at("signals")[0].at("basis") == "measured");
  CHECK(json.at("content_sha256") == core::sha256(marked).hex());
  CHECK(json.at("limits_of_result").size() >= 3);
  CHECK_FALSE(json.contains("receipt"));
  CHECK(found.headers.at("Cache-Control") == "no-store");
  CHECK(w.verify(w.text(false)).json().at("verdict") == "not_found");
  CHECK(w.verify("Short.").json().at("verdict") == "inconclusive");
}

TEST_CASE("verify: one question in three forms has one answer", "[server]") {
  World w;
  const std::string marked = w.text(true);
  const auto plain = w.verify(marked).json();
  const auto json = w.ask("POST", "/v1/verify", Json{{"text", marked}}.dump(), World::kJson).json();
  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n" + marked +
      "\r\n--b--\r\n";
  const auto from_form =
      w.ask("POST", "/v1/verify", form, "Content-Type: multipart/form-data; boundary=\"b\"\r\n")
          .json();
  CHECK(plain.at("signals") == json.at("signals"));
  CHECK(plain.at("signals") == from_form.at("signals"));
}

// HTML, "constructing the entry list": a text field's line ends are sent as CR LF.
TEST_CASE("verify: a text that was pasted into a form is the text, line ends and all", "[server]") {
  World w;
  const std::string lines = "one\ntwo\n\nthree " + w.text(true);
  std::string sent;
  for (const char c : lines) sent += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const auto ask = [&](const std::string& field, const std::string& content) {
    return w
        .ask("POST", "/v1/verify?receipt=true",
             "--b\r\nContent-Disposition: form-data; name=" + field + "\r\n\r\n" + content +
                 "\r\n--b--\r\n",
             "Content-Type: multipart/form-data; boundary=b\r\n")
        .json();
  };
  const auto plain =
      w.ask("POST", "/v1/verify?receipt=true", lines, "Content-Type: text/plain\r\n").json();
  const auto payload = [](const Json& answer) {
    return value(core::parse_envelope(answer.at("receipt").dump())).payload;
  };
  const auto pasted = ask("\"text\"", sent);
  CHECK(pasted.at("signals") == plain.at("signals"));
  CHECK(payload(pasted) == payload(plain));
  // A file is the bytes that it has.
  CHECK(payload(ask("\"file\"; filename=\"a.txt\"", sent)) != payload(plain));
}

TEST_CASE("verify: several detectors are paid for", "[server]") {
  World one, two({1000, 1000}, 2);
  const std::string marked = one.text(true);
  const auto alone = one.verify(marked).json().at("signals")[0];
  const auto both = two.verify(marked).json();
  REQUIRE(both.at("signals").size() == 2);
  CHECK(both.at("verdict") == "watermark_found");
  CHECK(both.at("signals")[0].at("tries") == 2);
  // log10(2) = 0.30103, rounded outwards
  CHECK(both.at("signals")[0].at("log10_p_micro").get<std::int64_t>() -
            alone.at("log10_p_micro").get<std::int64_t>() ==
        Approx(301030).margin(2));
  CHECK(both.at("signals")[1].at("result") == "not_found");
}

TEST_CASE("verify: a receipt is signed by the key that is published, and holds no text",
          "[server]") {
  World w;
  const std::string marked = w.text(true);
  const Json json = w.ask("POST", "/v1/verify?receipt=true", marked, World::kText).json();
  const auto envelope = value(core::parse_envelope(json.at("receipt").dump()));
  const auto key = value(core::PublicKey::from_pem(
      w.ask("GET", "/v1/detectors").json().at("receipt_key").get<std::string>()));
  CHECK(core::verify_envelope(envelope, key).has_value());
  const auto statement = value(core::parse_statement(core::as_text(envelope.payload)));
  CHECK(statement.predicate_type == app::kVerifyReceiptType);
  CHECK(statement.subjects.at(0).sha256 == core::sha256(marked));
  CHECK(statement.predicate.at("verdict") == "watermark_found");
  CHECK(core::as_text(envelope.payload).find(marked.substr(0, 30)) == std::string_view::npos);
  auto other = envelope;
  other.payload[20] ^= 1;
  CHECK_FALSE(core::verify_envelope(other, key).has_value());
}

TEST_CASE("verify: what is refused", "[server]") {
  World w;
  const auto post = [&](std::string_view body, const std::string& fields,
                        const std::string& query = "") {
    return w.ask("POST", "/v1/verify" + query, body, fields);
  };
  check_problem(post("x", "Content-Type: image/png\r\n"), 415, "unsupported-media-type");
  CHECK(post("x", "Content-Type: image/png\r\n").json().at("supported").size() == 3);
  check_problem(post("x", ""), 415, "unsupported-media-type");
  check_problem(post("x", "Content-Type: text/plain; charset=latin1\r\n"), 415,
                "unsupported-media-type");
  check_problem(post("x", std::string(World::kText) + "Accept: image/png\r\n"), 406,
                "not-acceptable");
  check_problem(post("x", std::string(World::kText) + "Content-Encoding: gzip\r\n"), 415,
                "unsupported-media-type");
  check_problem(post("{", World::kJson), 400, "bad-request");
  check_problem(post(R"({"text":"a","b":1})", World::kJson), 400, "bad-request");
  check_problem(post(R"({"text":"a","receipt":1})", World::kJson), 400, "bad-request");
  check_problem(post(std::string(200, '['), World::kJson), 400, "bad-request");
  check_problem(post("a", World::kText, "?nosuch=1"), 400, "bad-request");
  check_problem(post("a", World::kText, "?receipt=true&receipt=true"), 400, "bad-request");
  check_problem(post("", World::kText), 422, "invalid-content");
  check_problem(post("\xff\xfe", World::kText), 422, "invalid-content");
  check_problem(post(std::string("a\0b", 3), World::kText), 422, "invalid-content");
  CHECK(post(std::string(app::kMaxVerifyBytes, 'a'), World::kText).status == 200);
  check_problem(post(std::string(app::kMaxVerifyBytes + 1, 'a'), World::kText), 413,
                "content-too-large");
  check_problem(w.ask("GET", "/nosuch"), 404, "not-found");
  const Answer wrong = w.ask("DELETE", "/v1/verify");
  check_problem(wrong, 405, "method-not-allowed");
  CHECK(wrong.headers.at("Allow") == "POST");
  CHECK(w.ask("PUT", "/").headers.at("Allow") == "GET, HEAD, POST");
}

TEST_CASE("the public limit is an address's, and a token lifts it", "[server]") {
  World w({1, 3});
  for (int i = 0; i < 3; ++i) CHECK(w.verify("Short.").status == 200);
  const Answer refused = w.verify("Short.");
  check_problem(refused, 429, "too-many-requests");
  CHECK(refused.headers.at("Retry-After") == "1");
  CHECK(w.verify("Short.", "192.0.2.2").status == 200);
  const std::string token = w.token("verify");
  CHECK(w.ask("POST", "/v1/verify", "Short.", World::kText + token).status == 200);
  CHECK(w.ask("GET", "/healthz").status == 200);
  w.clock.set({w.clock.now().seconds + 2, 0});
  CHECK(w.verify("Short.").status == 200);
}

TEST_CASE("records: a token with the scope, a valid record, a receipt", "[server]") {
  World w;
  const Json record{
      {"kind", "role-declaration"},
      {"fields", {{"actor", "A"}, {"role", {"system_provider"}}, {"jurisdiction", {"EU"}}}}};
  const auto post = [&](const std::string& fields, const std::string& body) {
    return w.ask("POST", "/v1/records", body, fields);
  };
  check_problem(post(World::kJson, record.dump()), 401, "unauthorized");
  check_problem(post(World::kJson + std::string("Authorization: Bearer sgl_x\r\n"), record.dump()),
                401, "unauthorized");
  check_problem(post(World::kJson + w.token("verify"), record.dump()), 403, "forbidden");
  const std::string token = w.token("records:write");
  const Answer appended = post(World::kJson + token, record.dump());
  REQUIRE(appended.status == 201);
  const auto ledger = value(w.workspace.ledger(audit::Ledger::Access::read));
  const std::string leaf = value(ledger.leaf(appended.json().at("entry").get<std::uint64_t>()));
  CHECK(value(audit::read_record(leaf)).kind->name == "role-declaration");
  CHECK(appended.json().at("checkpoint").get<std::string>().starts_with("test.example/s\n"));
  const auto size = value(ledger.head()).size;
  Json bad = record;
  bad["fields"]["nosuch"] = 1;
  check_problem(post(World::kJson + token, bad.dump()), 422, "invalid-content");
  CHECK(post(World::kJson + token, bad.dump()).json().at("code") == "invalid-input");
  check_problem(post(World::kJson + token, "{"), 400, "bad-request");
  check_problem(post("Content-Type: text/plain\r\n" + token, record.dump()), 415,
                "unsupported-media-type");
  server::TokenFile tokens(w.workspace.folder() / "tokens.json");
  for (const auto& t : value(tokens.list())) CHECK(tokens.revoke(t.id).has_value());
  check_problem(post(World::kJson + token, record.dump()), 401, "unauthorized");
  CHECK(value(ledger.head()).size == size);
}

TEST_CASE("records: many at once, each answered with a place and a checkpoint of its own",
          "[server]") {
  World w;
  app::RecordIntake intake(w.workspace, w.clock);
  constexpr int kThreads = 8;
  constexpr int kEach = 12;
  const auto json = [](int thread, int i) {
    return Json{{"kind", "role-declaration"},
                {"fields",
                 {{"actor", fmt::format("{} of {}", i, thread)},
                  {"role", {"deployer"}},
                  {"jurisdiction", {"EU"}}}}}
        .dump();
  };
  std::vector<std::vector<audit::Receipt>> receipts(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        auto receipt = intake.append(json(t, i));
        if (receipt.has_value())
          receipts[static_cast<std::size_t>(t)].push_back(*std::move(receipt));
      }
    });
  for (std::thread& thread : threads) thread.join();
  const auto ledger = value(w.workspace.ledger(audit::Ledger::Access::read));
  const auto log = value(audit::log_verifier(w.workspace, ledger));
  std::set<std::uint64_t> places;
  for (const auto& some : receipts) {
    CHECK(some.size() == kEach);
    for (const audit::Receipt& receipt : some) {
      places.insert(receipt.index);
      const auto leaf = value(ledger.leaf(receipt.index));
      CHECK(audit::leaf_hash(core::as_bytes(leaf)) == receipt.leaf_hash);
      CHECK(value(audit::open_checkpoint(receipt.checkpoint, log)).size > receipt.index);
    }
  }
  CHECK(places.size() == std::size_t{kThreads} * kEach);
  // A rotation closes the ledger under it: the next record is in the next shard.
  value(audit::rotate(w.workspace, "", w.entropy, w.clock));
  const auto now = value(audit::Workspace::open(w.workspace.folder()));
  const std::uint64_t before = value(audit::fsck(now)).entries;
  CHECK(value(intake.append(json(0, kEach))).index == before);
  CHECK(value(audit::fsck(now)).sound());
}

TEST_CASE("records: an envelope is held to the trust list as it is now", "[server]") {
  World w;
  app::RecordIntake intake(w.workspace, w.clock);
  const auto owner = value(w.workspace.keyring().signing_key("owner"));
  const auto envelope = [&](const std::string& actor) {
    const audit::RecordKind& kind = *audit::find_record_kind("role-declaration");
    return value(audit::make_record(
        kind, Json{{"actor", actor}, {"role", {"deployer"}}, {"jurisdiction", {"EU"}}},
        {audit::named_subject("actor", actor)}, value(audit::ledger_id(w.workspace)), owner,
        w.clock));
  };
  CHECK(intake.append(envelope("A")).has_value());
  auto broken = value(core::parse_envelope(envelope("B")));
  broken.signatures.at(0).signature.back() ^= 1;
  const auto refused = intake.append(value(core::envelope_bytes(broken)));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == core::ErrorCode::signature_invalid);
  CHECK(value(audit::fsck(w.workspace)).sound());
}

TEST_CASE("tokens: hashed, private, scoped, and over in time", "[server]") {
  World w;
  server::TokenFile file(w.workspace.folder() / "tokens.json");
  const auto made = value(file.create("me", {"verify"}, 1, w.entropy, w.clock));
  std::ifstream in(w.workspace.folder() / "tokens.json");
  std::stringstream stored;
  stored << in.rdbuf();
  CHECK(stored.str().find(made.secret.substr(13)) == std::string::npos);
  CHECK(stored.str().find(core::sha256(made.secret).hex()) != std::string::npos);
  CHECK(value(file.find(made.secret, w.clock.now())).has_value());
  std::string other = made.secret;
  other.back() = other.back() == '0' ? '1' : '0';
  CHECK_FALSE(value(file.find(other, w.clock.now())).has_value());
  CHECK_FALSE(value(file.find("", w.clock.now())).has_value());
  CHECK_FALSE(value(file.find(made.secret, {w.clock.now().seconds + 86400, 0})).has_value());
  CHECK(value(file.find(made.secret, {w.clock.now().seconds + 86399, 0})).has_value());
  CHECK_FALSE(file.create("x", {"nosuch"}, 1, w.entropy, w.clock).has_value());
  CHECK_FALSE(file.create("", {"verify"}, 1, w.entropy, w.clock).has_value());
  CHECK_FALSE(file.create("x", {}, 1, w.entropy, w.clock).has_value());
  CHECK_FALSE(file.create("x", {"verify"}, 3651, w.entropy, w.clock).has_value());
  fs::permissions(w.workspace.folder() / "tokens.json", fs::perms(0644));
  CHECK(file.list().error().code == core::ErrorCode::key_insecure);
}

TEST_CASE("tokens: changes at the same time are all made", "[server]") {
  World w;
  const fs::path path = w.workspace.folder() / "tokens.json";
  constexpr int kThreads = 4;
  constexpr int kEach = 8;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      core::SeededEntropy entropy(static_cast<std::uint64_t>(t) + 100);
      server::TokenFile file(path);  // as in a process of its own
      for (int i = 0; i < kEach; ++i) {
        const auto made = file.create("me", {"verify"}, 1, entropy, w.clock);
        if (made.has_value() && i % 2 == 1) static_cast<void>(file.revoke(made->token.id));
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(value(server::TokenFile(path).list()).size() == kThreads * kEach / 2);
}

TEST_CASE("behind a proxy: an address with a port, or in brackets, is that address", "[server]") {
  World w;
  const auto twice = [&](const std::string& first, const std::string& second) {
    return server::last_address(first) == server::last_address(second);
  };
  CHECK(twice("192.0.2.1", "10.0.0.1,\t192.0.2.1"));
  CHECK(twice("192.0.2.1", "192.0.2.1:1001"));
  CHECK(twice("2001:db8::1", "[2001:db8::1]:443"));
  CHECK(twice("2001:db8::1", "[2001:db8::1]"));
  CHECK_FALSE(twice("192.0.2.1", "192.0.2.2"));
}

TEST_CASE("limiter: a /64 is one place, memory is bounded, a clock set back gives nothing",
          "[server]") {
  server::RateLimiter limiter({1, 2}, 100);
  const core::Timestamp now{1000, 0};
  const auto allowed = [&](std::string_view address, core::Timestamp time) {
    return !limiter.take(address, time).has_value();
  };
  CHECK(allowed("2001:db8::1", now));
  CHECK(allowed("2001:db8::ffff", now));
  CHECK_FALSE(allowed("2001:db8:0:0:1::", now));
  CHECK(allowed("2001:db8:0:1::", now));
  CHECK(allowed("192.0.2.1", now));
  CHECK(allowed("::ffff:192.0.2.1", now));
  CHECK_FALSE(allowed("192.0.2.1", now));
  CHECK_FALSE(allowed("192.0.2.1", {0, 0}));
  CHECK(limiter.take("192.0.2.1", {0, 0}) == 1);
  for (int i = 0; i < 5000; ++i)
    static_cast<void>(limiter.take(fmt::format("10.0.{}.{}", i / 250, i % 250), now));
  CHECK(limiter.size() <= 100);
}

TEST_CASE("forms and queries are read strictly", "[server]") {
  const auto form = [](std::string_view body) {
    return server::read_form("multipart/form-data; boundary=b", body);
  };
  const std::string head = "--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n";
  CHECK(value(form(head + "x\r\n--b--\r\n")).at(0).content == "x");
  CHECK(value(form(head + "\r\n--b--")).at(0).content.empty());
  CHECK(value(form(head + "a\r\n--c\r\n--b--")).at(0).content == "a\r\n--c");
  CHECK(value(form("--b--\r\n")).empty());
  for (const std::string& bad :
       {std::string(""), std::string("--b"), head, head + "x", head + "x\r\n--b", "x" + head,
        head + "x\r\n--b--y", std::string("--b\r\nX: y\r\n\r\n\r\n--b--"),
        std::string("--b\r\n") + std::string(3000, 'a')})
    CHECK_FALSE(form(bad).has_value());
  CHECK_FALSE(server::read_form("multipart/form-data", head).has_value());
  CHECK(value(server::read_query("a=%41+b&c=")).at("a") == "A b");
  CHECK(value(server::read_query("a=%41")).at("a") == "A");
  for (const std::string_view bad : {"a=%4", "a=%", "a=%zz", "a=1&a=2", "=1", "&"})
    CHECK_FALSE(server::read_query(bad).has_value());
  CHECK(server::accepts("", "text/html"));
  CHECK(server::accepts("application/*", "application/json"));
  CHECK_FALSE(server::accepts("text/html;q=0", "text/html"));
  CHECK_FALSE(server::accepts("text/plain", "text/html"));
}

TEST_CASE("page: every language, nothing of the text, only its own style and script", "[server]") {
  World w;
  const std::string marked = w.text(true);
  for (const server::Words& words : server::all_words()) {
    const std::string language(words.language);
    const Answer form = w.ask("GET", "/?lang=" + language);
    CHECK(form.status == 200);
    CHECK(form.body.find(fmt::format("<html lang=\"{}\"", language)) != std::string::npos);
    CHECK(form.headers.at("Content-Security-Policy").starts_with("default-src 'none'; style-src"));
    CHECK(form.headers.count("Set-Cookie") == 0);
    const std::string body = "--b\r\nContent-Disposition: form-data; name=\"lang\"\r\n\r\n" +
                             language +
                             "\r\n--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n" +
                             marked + "\r\n--b--\r\n";
    const Answer result =
        w.ask("POST", "/", body, "Content-Type: multipart/form-data; boundary=b\r\n");
    CHECK(result.body.find(words.found) != std::string::npos);
    CHECK(result.body.find(marked.substr(0, 20)) == std::string::npos);
  }
  CHECK(&server::words_for("", "fr-CH, de;q=0.5") == &server::words_for("fr", ""));
  CHECK(&server::words_for("xx", "zh") == &server::words_for("en", ""));
  CHECK(server::escape_html("<a href='x'>&\"") == "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
  CHECK(server::grouped(1000000, ',') == "1,000,000");
  CHECK(server::grouped(999, ',') == "999");
}

TEST_CASE("a handler that throws is a 500 without the reason", "[server]") {
  server::Metrics metrics({"/"});
  core::SeededEntropy entropy(1);
  server::Exchange exchange(
      [](const server::Request&) -> server::Response { throw std::runtime_error("SECRET"); },
      metrics, entropy);
  server::Connection connection(exchange, "");
  connection.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto answers = read_answers(connection.to_send());
  REQUIRE(answers.size() == 1);
  check_problem(answers[0], 500, "internal");
  CHECK(answers[0].body.find("SECRET") == std::string::npos);
}

TEST_CASE("metrics count, and name no client and no content", "[server]") {
  World w;
  static_cast<void>(w.verify("Short.", "198.51.100.77"));
  static_cast<void>(w.ask("GET", "/secret-path"));
  const std::string text = w.ask("GET", "/metrics").body;
  CHECK(text.find("sigillo_http_requests_total{route=\"/v1/verify\",status=\"200\"} 1\n") !=
        std::string::npos);
  CHECK(text.find("route=\"other\",status=\"404\"") != std::string::npos);
  CHECK(text.find("sigillo_verifications_total{verdict=\"inconclusive\"} 1\n") !=
        std::string::npos);
  CHECK(text.find("secret-path") == std::string::npos);
  CHECK(text.find("198.51.100.77") == std::string::npos);
}
