// Each way in which the HTTP library that we did not take was broken (0030), against the whole
// server: in memory where bytes decide, over loopback sockets where time and memory do.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <thread>

#include "app/server/listener.hpp"
#include "app/server/serve.hpp"
#include "fixture.hpp"
#include "tests/sanitizer.hpp"

using namespace fixture;
using std::chrono::milliseconds;

namespace {

constexpr const char* kGet = "GET /healthz HTTP/1.1\r\nHost: a\r\n";

std::string get(const std::string& fields) { return kGet + fields + "\r\n"; }

// One refusal, and nothing of what follows is read as a request.
void refused(World& w, const std::string& head, int status, const std::string& name) {
  const auto answers = w.send(head + "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(answers.size() == 1);
  check_problem(answers[0], status, name);
  CHECK(answers[0].headers.at("Connection") == "close");
}

std::size_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::size_t pages = 0;
  in >> pages >> pages;
  return pages * 4096;
}

class Socket {
 public:
  explicit Socket(const std::string& url) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  // False: the server does not take more.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  // What comes until the server closes, or until `until` has come.
  std::string receive(std::string_view until = "\n\n\n\n") const {
    std::string all;
    std::array<char, 65536> buffer{};
    while (all.find(until) == std::string::npos) {
      pollfd wait{fd_, POLLIN, 0};
      if (::poll(&wait, 1, 60000) != 1) return all + "(nothing for a minute)";
      const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      all.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return all;
  }

 private:
  int fd_;
};

struct Served {
  World world;
  server::Listener listener;
  explicit Served(server::ListenOptions options = {})
      : listener(value(server::Listener::open(any_port(options), world.exchange, world.metrics))) {
    listener.start();
  }
  static server::ListenOptions any_port(server::ListenOptions options) {
    options.address = "127.0.0.1:0";
    return options;
  }
  Socket connect() { return Socket(listener.url()); }
  bool healthy() {
    const Socket socket = connect();
    socket.send(get("Connection: close\r\n"));
    return socket.receive().starts_with("HTTP/1.1 200 ");
  }
};

}  // namespace

TEST_CASE("attack: two readings of one request", "[server][attack]") {
  World w;
  const std::string post = "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n";
  refused(w, post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad-request");
  refused(w, post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, "bad-request");
  refused(w, post + "Content-Length: 1, 1\r\n\r\n", 400, "bad-request");
  refused(w, post + "Content-Length: +1\r\n\r\n", 400, "bad-request");
  refused(w, post + "Content-Length : 1\r\n\r\n", 400, "bad-request");
  refused(w, post + "X: y\r\n Content-Length: 1\r\n\r\n", 400, "bad-request");
  refused(w, post + "X: y\nContent-Length: 1\r\n\r\n", 400, "bad-request");
  refused(w, post + "\r\n", 411, "length-required");
  refused(w, post + "Transfer-Encoding: chunked\r\n\r\n", 411, "length-required");
  refused(w, post + "Content-Length: 99999999999999999999\r\n\r\n", 413, "content-too-large");
  refused(w, post + "Content-Length: 524289\r\n\r\n", 413, "content-too-large");
  refused(w, post + "Content-Length: 1\r\nContent-Encoding: gzip\r\n\r\n", 415,
          "unsupported-media-type");
  refused(w, post + "Content-Length: 1\r\nExpect: tea\r\n\r\n", 417, "expectation-failed");
  refused(w, "GET / HTTP/1.1\r\n\r\n", 400, "bad-request");
  refused(w, get("Host: b\r\n"), 400, "bad-request");
  refused(w, get("Content-Length: 1\r\n"), 400, "bad-request");
  refused(w, "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "http-version-not-supported");
  refused(w, "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-request");
  refused(w, std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28), 400, "bad-request");
}

TEST_CASE("attack: long and many", "[server][attack]") {
  World w;
  CHECK(w.send("GET /" + std::string(511, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n")[0].status == 404);
  refused(w, "GET /" + std::string(512, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri-too-long");
  refused(w, "GET /?" + std::string(2049, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414,
          "uri-too-long");
  refused(w, "GET /" + std::string(100000, 'a'), 414, "uri-too-long");
  std::string fields;
  for (int i = 0; i < 63; ++i) fields += "X: y\r\n";
  CHECK(w.send(get(fields))[0].status == 200);
  refused(w, get(fields + "X: y\r\n"), 431, "header-fields-too-large");
  refused(w, kGet + std::string("X: ") + std::string(100000, 'a'), 431, "header-fields-too-large");
}

TEST_CASE("attack: ranges and forged addresses are not read", "[server][attack]") {
  World w({1, 1});
  std::string ranges = "Range: bytes=0-0";
  for (int i = 0; i < 2000; ++i) ranges += ",0-0";
  const auto answers = w.send("GET /openapi.json HTTP/1.1\r\nHost: a\r\n" + ranges + "\r\n\r\n");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].status == 200);
  CHECK(w.ask("POST", "/v1/verify", "Short.", World::kText).status == 200);
  for (const char* forged : {"REMOTE_ADDR: 9.9.9.9\r\n", "X-Forwarded-For: 9.9.9.9\r\n"})
    CHECK(w.ask("POST", "/v1/verify", "Short.", World::kText + std::string(forged)).status == 429);
}

TEST_CASE("behind a proxy the client is the last element that the proxy wrote", "[server]") {
  World w({1, 1});
  server::Exchange behind([&](const server::Request& r) { return w.service.respond(r); }, w.metrics,
                          w.entropy, true);
  const auto status = [&](const std::string& list) {
    server::Connection connection(behind, "127.0.0.1");
    connection.receive(
        "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
        "Content-Length: 6\r\nX-Forwarded-For: " +
        list + "\r\n\r\nShort.");
    return read_answers(connection.to_send()).at(0).status;
  };
  CHECK(status("9.9.9.9, 192.0.2.5") == 200);
  CHECK(status("8.8.8.8, 192.0.2.5") == 429);
  CHECK(status("192.0.2.6") == 200);
}

TEST_CASE("pipelined requests are answered in order; one that is not read waits", "[server]") {
  World w;
  const auto answers = w.send(get("") + "GET /nosuch HTTP/1.1\r\nHost: a\r\n\r\n" + get(""));
  REQUIRE(answers.size() == 3);
  CHECK(answers[1].status == 404);
  server::Connection connection(w.exchange, "");
  std::string many;
  for (int i = 0; i < 400; ++i) many += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  connection.receive(many);
  CHECK(connection.buffered_bytes() < 200000);  // 400 pages are 5 MB
  std::size_t all = 0;
  while (!connection.to_send().empty()) {
    std::string out(connection.to_send());
    connection.sent(out.size());
    all += read_answers(out).size();
  }
  CHECK(all == 400);
}

TEST_CASE("a client that waits is told to go on", "[server]") {
  World w;
  server::Connection connection(w.exchange, "");
  connection.receive(
      "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
      "Content-Length: 6\r\nExpect: 100-continue\r\n\r\n");
  REQUIRE(connection.to_send() == "HTTP/1.1 100 Continue\r\n\r\n");
  connection.sent(connection.to_send().size());
  connection.receive("Short.");
  CHECK(read_answers(connection.to_send()).at(0).status == 200);
}

TEST_CASE("attack over sockets: a victim is served while 200 slow clients are not done",
          "[server][attack]") {
  server::ListenOptions options;
  options.request_time = milliseconds(60000);
  Served served(options);
  std::vector<Socket> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(served.connect());
    REQUIRE(slow.back().send(i % 2 == 0 ? std::string_view("GET /hea")
                                        : std::string_view("POST /v1/verify HTTP/1.1\r\nHost: a\r\n"
                                                           "Content-Type: text/plain\r\n"
                                                           "Content-Length: 9\r\n\r\nabc")));
  }
  for (int i = 0; i < 20; ++i) CHECK(served.healthy());
  // None of them was served or thrown out meanwhile: each can still finish.
  for (std::size_t i = 0; i < slow.size(); i += 2) {
    CHECK(slow[i].send("lthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    CHECK(slow[i].receive().starts_with("HTTP/1.1 200 "));
  }
}

TEST_CASE("attack over sockets: a slow client is ended at its deadline", "[server][attack]") {
  server::ListenOptions options;
  options.request_time = milliseconds(300);
  Served served(options);
  const Socket slow = served.connect();
  slow.send("GET ");
  bool open = true;
  for (int i = 0; i < 600 && open; ++i) {  // each byte is in time, the request is not
    std::this_thread::sleep_for(milliseconds(50));
    open = slow.send("a");
  }
  CHECK_FALSE(open);
  CHECK(served.healthy());
}

TEST_CASE("attack over sockets: more connections than there are places", "[server][attack]") {
  server::ListenOptions options;
  options.max_connections = 50;
  options.request_time = milliseconds(60000);
  Served served(options);
  std::vector<Socket> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(served.connect());
    slow.back().send("GET /");
  }
  int healthy = 0;
  for (int i = 0; i < 20; ++i) healthy += served.healthy() ? 1 : 0;
  CHECK(healthy >= 10);
}

TEST_CASE("attack over sockets: memory stays bounded", "[server][attack]") {
  Served served;
  const std::size_t before = resident_bytes();
  const std::string megabyte(std::size_t{1} << 20, 'a');
  const auto flood = [&](const std::string& start, int megabytes) {
    const Socket socket = served.connect();
    socket.send(start);
    int sent = 0;
    while (sent < megabytes && socket.send(megabyte)) ++sent;
    return sent;
  };
  CHECK(flood("GET / HTTP/1.1\r\nHost: a\r\nX: ", 100) < 100);  // an endless header
  CHECK(
      flood("POST /v1/verify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nC800000\r\n",
            200) < 200);
  CHECK(flood("POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 200000000\r\n\r\n", 200) <
        200);
  // Many that send nearly all of the largest body and stop.
  std::vector<Socket> half;
  const std::string most(server::kMaxBodyBytes - 1, 'a');
  for (int i = 0; i < 300; ++i) {
    half.push_back(served.connect());
    half.back().send(
        fmt::format("POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: "
                    "text/plain\r\nContent-Length: {}\r\n\r\n",
                    server::kMaxBodyBytes));
    half.back().send(most);
  }
  CHECK(served.healthy());
  // A sanitizer keeps what was freed.
  if (!test::kSanitized) CHECK(resident_bytes() < (std::size_t{256} << 20));
  if (!test::kSanitized) CHECK(resident_bytes() < before + (std::size_t{100} << 20));
}

TEST_CASE("a refusal arrives though the client still sends", "[server]") {
  Served served;
  const Socket socket = served.connect();
  socket.send("POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n" +
              std::string(100000, 'a'));
  CHECK(socket.receive().starts_with("HTTP/1.1 413 "));
}

TEST_CASE("the process leaves no core and cannot be read", "[server]") {
  CHECK(server::forbid_memory_dumps().has_value());
  std::ifstream limits("/proc/self/limits");
  std::string line, core;
  while (std::getline(limits, line))
    if (line.starts_with("Max core file size")) core = line;
  CHECK(core.find(" 0 ") != std::string::npos);
}

TEST_CASE("addresses that cannot be listened on", "[server]") {
  World w;
  for (const char* bad :
       {"", "localhost:80", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "::1:80"}) {
    server::ListenOptions options;
    options.address = bad;
    const auto listener = server::Listener::open(options, w.exchange, w.metrics);
    REQUIRE_FALSE(listener.has_value());
    CHECK(listener.error().code == core::ErrorCode::invalid_argument);
  }
  Served served;
  server::ListenOptions options;
  options.address = served.listener.url().substr(7);
  CHECK(server::Listener::open(options, w.exchange, w.metrics).error().code ==
        core::ErrorCode::already_exists);
}
