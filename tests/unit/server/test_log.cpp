// The log that everybody may read: what its paths answer, with which fields, and what those who ask
// for much or for nonsense get.
#include <random>
#include <thread>

#include "app/server/listener.hpp"
#include "core/sqlite.hpp"
#include "fixture.hpp"
#include "sigillo/audit/tile_folder.hpp"

using namespace fixture;

namespace {

struct PublicLog {
  World world;
  audit::Ledger ledger = value(world.workspace.ledger(audit::Ledger::Access::write));
  core::PrivateKey key =
      value(world.workspace.keyring().signing_key(world.workspace.config().log_key));
  audit::NoteVerifier verifier = value(audit::log_verifier(world.workspace, ledger));
  audit::LedgerTiles tiles{
      [this] { return world.workspace.ledger(audit::Ledger::Access::read); }, verifier, {}, 1};
  server::Service service;
  server::Exchange exchange;

  explicit PublicLog(std::uint64_t size = 600, server::Rate reads = {1e9, 1e9})
      : service(world.workspace, world.verifier, world.clock, world.metrics,
                {{1000, 1000}, true, &tiles, reads}),
        exchange([this](const server::Request& r) { return service.respond(r); }, world.metrics,
                 world.entropy) {
    grow(size);
    REQUIRE(tiles.catch_up().has_value());
  }
  std::string grow(std::uint64_t size, std::size_t bytes = 10) {
    while (value(ledger.head()).size < size) {
      std::vector<std::string> batch;
      const std::uint64_t first = value(ledger.head()).size;
      for (std::uint64_t i = first; i < size && i < first + 1000; ++i)
        batch.push_back(fmt::format("{:0{}}", i, bytes));
      value(ledger.append(batch));
    }
    return value(ledger.publish(key));
  }
  Answer get(const std::string& target, const std::string& method = "GET") {
    server::Connection connection(exchange, "192.0.2.1");
    connection.receive(method + " " + target + " HTTP/1.1\r\nHost: test\r\n\r\n");
    std::string out;
    while (!connection.to_send().empty()) {
      out += connection.to_send();
      connection.sent(connection.to_send().size());
    }
    const auto answers = read_answers(out);
    REQUIRE(answers.size() == 1);
    return answers[0];
  }
};

void check_for_everybody(const Answer& answer) {
  CHECK(answer.headers.at("Access-Control-Allow-Origin") == "*");
  CHECK(answer.headers.at("Cross-Origin-Resource-Policy") == "cross-origin");
  CHECK(answer.headers.at("X-Content-Type-Options") == "nosniff");
}

}  // namespace

TEST_CASE("log: without being published it has no paths", "[server][log]") {
  World w;
  for (const char* target :
       {"/checkpoint", "/tile/0/000.p/1", "/tile/entries/000.p/1", "/v1/proofs/0", "/tile/"}) {
    check_problem(w.ask("GET", target), 404, "not-found");
    check_problem(w.ask("POST", target), 404, "not-found");
  }
}

TEST_CASE("log: the files of an export, with the fields of tlog-tiles", "[server][log]") {
  PublicLog log;
  const fs::path folder = log.world.temp.path / "public";
  value(audit::export_tiles(log.ledger, log.verifier, folder));
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), folder).string();
    INFO(name);
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream bytes;
    bytes << in.rdbuf();
    const Answer answer = log.get("/" + name);
    CHECK(answer.status == 200);
    CHECK(answer.body == bytes.str());
    check_for_everybody(answer);
    const bool checkpoint = name == "checkpoint";
    CHECK(answer.headers.at("Cache-Control") ==
          (checkpoint ? "no-store" : "public, max-age=604800, immutable"));
    CHECK(answer.headers.at("Content-Type") ==
          (checkpoint ? "text/plain; charset=utf-8" : "application/octet-stream"));
    ++files;
  }
  CHECK(files == 8);
  check_problem(log.get("/checkpoint", "DELETE"), 405, "method-not-allowed");
  const std::string metrics = log.get("/metrics").body;
  CHECK(metrics.find("route=\"/tile/\",status=\"200\"} 7") != std::string::npos);
}

TEST_CASE("log: only up to the checkpoint that is published, and on with the next",
          "[server][log]") {
  PublicLog log(600);
  value(log.ledger.append(std::vector<std::string>{"not covered"}));
  CHECK(log.get("/tile/0/002.p/88").status == 200);
  CHECK(log.get("/tile/0/002.p/89").status == 404);
  CHECK(log.get("/tile/entries/002.p/89").status == 404);
  CHECK(log.get("/v1/proofs/600").status == 404);
  const std::string note = value(log.ledger.publish(log.key));
  CHECK(log.get("/checkpoint").body == note);
  CHECK(log.get("/tile/entries/002.p/89").status == 200);
  CHECK(log.get("/tile/0/002.p/88").status == 200);  // a checkpoint that was published before
  const Answer receipt = log.get("/v1/proofs/600");
  REQUIRE(receipt.status == 200);
  check_for_everybody(receipt);
  CHECK(receipt.headers.at("Cache-Control") == "no-store");
  const auto proof = value(audit::parse_tlog_proof(receipt.body));
  CHECK(audit::verify_tlog_proof(proof, core::as_bytes("not covered"), log.verifier).has_value());
}

TEST_CASE("log: what is not there has no caching field", "[server][log]") {
  PublicLog log;
  for (const char* target : {"/tile/0/003",
                             "/tile/0/000.p/0",
                             "/tile/0/000.p/256",
                             "/tile/1/001",
                             "/tile/9/000",
                             "/tile/64/000",
                             "/tile/",
                             "/tile/entries",
                             "/tile/entries/",
                             "/tile/0/x000/000",
                             "/tile/0/0",
                             "/tile//0/000",
                             "/tile/0/000/",
                             "/tile/../checkpoint",
                             "/tile/%30/000",
                             "/tile/0/..%2f..%2fetc%2fpasswd",
                             "/tile/entries/../../w/keys/log.pem",
                             "/tile/0/000.p/1/",
                             "/tile/0/x036/x028/x797/x018/x963/967",
                             "/tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
                             "/tile/-1/000",
                             "/tile/+0/000",
                             "/tile/entries/x018/x446/x744/x073/x709/551",
                             "/v1/proofs/",
                             "/v1/proofs/-1",
                             "/v1/proofs/00",

                             "/v1/proofs/0x1",
                             "/v1/proofs/602",
                             "/v1/proofs/1/2",
                             "/v1/proofs/18446744073709551615",
                             "/v1/proofs/18446744073709551616",
                             "/v1/proofs/9999999999999999999999999999"}) {
    INFO(target);
    const Answer answer = log.get(target);
    check_problem(answer, 404, "not-found");
    CHECK_FALSE(answer.headers.contains("Cache-Control"));
    CHECK_FALSE(answer.headers.contains("Expires"));
    check_for_everybody(answer);
  }
  check_problem(log.get("/checkpointx"), 404, "not-found");
  check_problem(log.get("/tile/0/000?x=1"), 400, "bad-request");
  check_problem(log.get("/checkpoint?x"), 400, "bad-request");
}

TEST_CASE("log: no path that a machine makes up is a failure of the server", "[server][log]") {
  PublicLog log;
  std::mt19937_64 random(5);
  const std::vector<std::string> parts{
      "tile", "entries", "0",  "1",   "63", "000", "001", "002",    "x000", "x001",      ".p/",
      ".p",   "/",       "88", "256", "..", "%2e", "v1",  "proofs", "599",  "checkpoint"};
  int found = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string target = random() % 2 == 0 ? "/tile/" : "/";
    for (std::uint64_t n = random() % 6; n > 0; --n)
      target += parts[random() % parts.size()] + (random() % 2 == 0 ? "/" : "");
    const int status = log.get(target).status;
    REQUIRE((status == 200 || status == 404 || status == 400));
    found += status == 200 ? 1 : 0;
  }
  CHECK(found > 20);
}

TEST_CASE("log: altered entries and an old copy are refused, not served", "[server][log]") {
  PublicLog log;
  const auto sql = [&](const char* statement) {
    auto database = value(core::sqlite::Database::open(log.world.workspace.folder() / "ledger.db",
                                                       core::sqlite::OpenMode::read_write));
    REQUIRE(database.execute(statement).has_value());
  };
  sql("UPDATE entries SET leaf = CAST('x' AS BLOB), leaf_hash = zeroblob(32) WHERE idx = 10");
  for (const char* target : {"/tile/0/000", "/tile/entries/000", "/v1/proofs/7"}) {
    const Answer answer = log.get(target);
    check_problem(answer, 503, "unavailable");
    CHECK(answer.headers.at("Cache-Control") == "no-store");
    CHECK(answer.body.find("ledger.db") == std::string::npos);
  }
  CHECK(log.get("/tile/0/001").status == 200);
  sql("DELETE FROM checkpoints WHERE size > 100");
  check_problem(log.get("/checkpoint"), 503, "unavailable");
}

TEST_CASE("log: reads have a limit of their own", "[server][log]") {
  PublicLog log(600, {1, 3});
  for (int i = 0; i < 3; ++i) CHECK(log.get("/checkpoint").status == 200);
  const Answer refused = log.get("/tile/0/000");
  check_problem(refused, 429, "too-many-requests");
  CHECK(refused.headers.contains("Retry-After"));
  CHECK(log.get("/healthz").status == 200);
}

TEST_CASE("log: large bundles that nobody takes do not shut out others", "[server][log][attack]") {
  PublicLog log(2);
  log.grow(2 + 300, 65000);  // a bundle has 16 MB
  REQUIRE(log.tiles.catch_up().has_value());
  server::ListenOptions options;
  options.address = "127.0.0.1:0";
  server::Listener listener =
      value(server::Listener::open(options, log.exchange, log.world.metrics));
  listener.start();
  const auto talk = [&](const std::string& target, bool read) {
    const std::string port = listener.url().substr(listener.url().rfind(':') + 1);
    const std::string command = fmt::format(
        "exec 3<>/dev/tcp/127.0.0.1/{}; printf 'GET {} HTTP/1.1\\r\\nHost: a\\r\\n"
        "Connection: close\\r\\n\\r\\n' >&3; {}",
        port, target, read ? "head -c 12 <&3" : "sleep 5 &");
    std::string out;
    std::FILE* pipe = ::popen(("bash -c \"" + command + "\"").c_str(), "r");
    if (pipe == nullptr) return out;  // no assertion: Catch2's are for one thread
    std::array<char, 64> buffer{};
    if (read)
      while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) out += buffer.data();
    ::pclose(pipe);
    return out;
  };
  std::vector<std::thread> greedy;
  for (int i = 0; i < 6; ++i) greedy.emplace_back([&] { talk("/tile/entries/000", false); });
  for (std::thread& thread : greedy) thread.join();
  for (int i = 0; i < 20; ++i) CHECK(talk("/healthz", true) == "HTTP/1.1 200");
  CHECK(talk("/checkpoint", true) == "HTTP/1.1 200");
}
