// The client and the witness server over loopback sockets: what comes back is bounded, and the
// protocol's statuses arrive as they are.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "app/client/http_client.hpp"
#include "app/server/listener.hpp"
#include "app/server/witness_service.hpp"
#include "sigillo/audit/proof.hpp"
#include "tests/unit/audit/fixture.hpp"
#include "tests/unit/audit/tree_fixture.hpp"

namespace {

using namespace fixture;
namespace client = sigillo::client;
namespace server = sigillo::server;
namespace tree = audit::test;
using client::http_post;
using client::HttpPost;
using core::ErrorCode;

// Takes one connection, reads a little and answers with these bytes, after a while.
class OneAnswer {
 public:
  explicit OneAnswer(std::string bytes, std::chrono::milliseconds wait = {})
      : listening_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(::bind(listening_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(::listen(listening_, 1) == 0);
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, bytes = std::move(bytes), wait] {
      const int fd = ::accept(listening_, nullptr, nullptr);
      std::array<char, 4096> buffer{};
      const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
      request_.assign(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(0, count)));
      std::this_thread::sleep_for(wait);
      ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ::close(fd);
    });
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;
  ~OneAnswer() {
    finish();
    ::close(listening_);
  }
  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}/x", port_); }
  // The first bytes that came.
  const std::string& finish() {
    if (thread_.joinable()) thread_.join();
    return request_;
  }

 private:
  int listening_;
  std::uint16_t port_ = 0;
  std::string request_;
  std::thread thread_;
};

HttpPost post(const std::string& url, std::size_t max_bytes = 1000, int timeout_ms = 5000) {
  return {url, "old 0\n", "text/plain; charset=utf-8", std::chrono::milliseconds(timeout_ms),
          max_bytes};
}
std::string answer_of(const std::string& body, const std::string& head = "HTTP/1.1 200 OK") {
  return fmt::format("{}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", head, body.size(),
                     body);
}

// A witness of the reference log behind the server of this program.
struct Served {
  explicit Served(server::Rate rate = {1000, 1000}) {
    ok(audit::Witness::init(temp.path() / "w", "witness.example/w1", entropy, clock));
    witness.emplace(value(audit::Witness::open(temp.path() / "w")));
    ok(witness->add_log(tree::log_verifier()));
    service.emplace(*witness, clock, rate);
    exchange.emplace([this](const server::Request& r) { return service->respond(r); }, metrics,
                     entropy);
    listener.emplace(value(server::Listener::open(options(), *exchange, metrics)));
    listener->start();
  }
  static server::ListenOptions options() {
    server::ListenOptions options;
    options.address = "127.0.0.1:0";
    return options;
  }
  client::HttpAnswer send(const std::string& body, const std::string& path = "/add-checkpoint") {
    return value(http_post({listener->url() + path, body}));
  }
  // A request without a body, as a monitor sends it.
  std::string get(const std::string& path, const std::string& method = "GET") {
    server::Connection connection(*exchange, "192.0.2.1");
    connection.receive(method + " " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    return std::string(connection.to_send());
  }

  TempFolder temp;
  core::SeededEntropy entropy{7};
  core::FixedClock clock{core::Timestamp{1795000000, 0}};
  std::optional<audit::Witness> witness;
  server::Metrics metrics{server::WitnessService::paths()};
  std::optional<server::WitnessService> service;
  std::optional<server::Exchange> exchange;
  std::optional<server::Listener> listener;
};

}  // namespace

TEST_CASE("http: an answer, and what is sent for it") {
  OneAnswer peer(
      "HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\nContent-Length: "
      "2\r\nConnection: close\r\n\r\n7\n");
  const auto answer = value(http_post(post(peer.url())));
  CHECK(answer.status == 409);
  CHECK(answer.content_type == "text/x.tlog.size");
  CHECK(answer.body == "7\n");
  const std::string& request = peer.finish();
  CHECK(request.starts_with("POST /x HTTP/1.1\r\n"));
  CHECK(request.find("Content-Type: text/plain; charset=utf-8\r\n") != std::string::npos);
  CHECK(request.find("Content-Length: 6\r\n") != std::string::npos);
  for (const char* field : {"Expect:", "Authorization:", "Cookie:"})
    CHECK(request.find(field) == std::string::npos);
}

TEST_CASE("http: no redirect is followed") {
  OneAnswer elsewhere(answer_of("other"));
  OneAnswer peer(fmt::format(
      "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      elsewhere.url()));
  CHECK(value(http_post(post(peer.url()))).status == 302);
  CHECK(value(http_post(post(elsewhere.url()))).body == "other");  // nobody had been there
}

TEST_CASE("http: bodies and heads, at the limit and one past") {
  {
    OneAnswer peer(answer_of(std::string(1000, 'x')));
    CHECK(value(http_post(post(peer.url()))).body.size() == 1000);
  }
  {
    OneAnswer peer(answer_of(std::string(1001, 'x')));
    CHECK(code(http_post(post(peer.url()))) == ErrorCode::input_too_large);
  }
  {  // no length named: it ends when the connection does
    OneAnswer peer("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(5000, 'x'));
    CHECK(code(http_post(post(peer.url()))) == ErrorCode::input_too_large);
  }
  {
    std::string head = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 80; ++i) head += fmt::format("X-{}: {}\r\n", i, std::string(1000, 'x'));
    OneAnswer peer(head + "Content-Length: 0\r\n\r\n");
    CHECK(code(http_post(post(peer.url()))) == ErrorCode::input_too_large);
  }
}

TEST_CASE("http: who does not answer in time, or at all") {
  {
    OneAnswer peer(answer_of("late"), std::chrono::milliseconds(800));
    const auto start = std::chrono::steady_clock::now();
    CHECK(code(http_post(post(peer.url(), 1000, 200))) == ErrorCode::io_error);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(700));
  }
  {
    OneAnswer peer("");
    CHECK(code(http_post(post(peer.url()))) == ErrorCode::io_error);
  }
  {
    OneAnswer peer("no HTTP at all\r\n\r\n");
    CHECK_FALSE(http_post(post(peer.url())).has_value());
  }
  {
    OneAnswer peer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    CHECK(code(http_post(post(peer.url()))) == ErrorCode::io_error);
  }
  CHECK(code(http_post(post("http://127.0.0.1:1/x"))) == ErrorCode::io_error);
  for (const char* url : {"", "x", "ftp://127.0.0.1/x", "file:///dev/null", "http:///x"})
    CHECK(code(http_post(post(url))) == ErrorCode::invalid_argument);
}

TEST_CASE("witness server: the protocol's statuses over a socket") {
  Served served;
  const std::string body = "old 0\n\n" + tree::reference_note();
  const auto cosigned = served.send(body);
  CHECK(cosigned.status == 200);
  CHECK(cosigned.content_type.starts_with("text/plain"));
  CHECK(audit::open_note(tree::reference_note() + cosigned.body, {served.witness->key()})
            .has_value());
  const auto conflict = served.send(body);
  CHECK(conflict.status == 409);
  CHECK(conflict.content_type == "text/x.tlog.size");
  CHECK(conflict.body == "8\n");
  CHECK(served.send("old 9\n\n" + tree::reference_note()).status == 400);
  CHECK(served.send("nonsense").status == 400);
  CHECK(served.send("").status == 400);
  CHECK(
      served.send("old 0\n\n" + value(audit::sign_note("other\n1\nx\n", "other", tree::log_key())))
          .status == 404);
  CHECK(served
            .send("old 0\n\n" + value(audit::sign_checkpoint(tree::reference_checkpoint(),
                                                             tree::counting_key(0x40))))
            .status == 403);
  const std::string path = core::base64_encode(core::Bytes(32, 1)) + "\n";
  CHECK(served.send("old 8\n" + path + "\n" + tree::reference_note()).status == 422);
  CHECK(served.send(std::string(server::kMaxBodyBytes + 1, 'x')).status == 413);
  CHECK(served.send(body, "/").status == 404);
  CHECK(served.send(body, "/add-checkpoint/").status == 404);

  const std::string hash = core::sha256(tree::kLogName).hex();
  CHECK(hash == "f7b6266e1cd61b36b4d7df53533be36b3f8a2ed3fe5b1b312233e8e1c869e6a2");
  const std::string latest = served.get("/" + hash + "/checkpoint");
  CHECK(latest.starts_with("HTTP/1.1 200 "));
  CHECK(latest.ends_with("\r\n\r\n" + tree::reference_note() + cosigned.body));
  for (const std::string& path_of_none :
       {std::string("/") + std::string(64, '0') + "/checkpoint", "/" + hash, "/" + hash + "/",
        "/" + hash + "/checkpoint/", "/" + hash.substr(1) + "/checkpoint",
        "/F" + hash.substr(1) + "/checkpoint", std::string("/../checkpoint")})
    CHECK(served.get(path_of_none).starts_with("HTTP/1.1 404 "));
  CHECK(served.get("/add-checkpoint").starts_with("HTTP/1.1 405 "));
  CHECK(served.get("/" + hash + "/checkpoint", "POST").starts_with("HTTP/1.1 405 "));
  CHECK(served.get("/healthz").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("witness server: one address cannot take all of its time") {
  Served served({1, 3});
  for (int i = 0; i < 3; ++i) CHECK(served.send("nonsense").status == 400);
  CHECK(served.send("nonsense").status == 429);
  served.clock.set({1795000001, 0});
  CHECK(served.send("nonsense").status == 400);
}
