// What the server tests share: a workspace with a key and a byte-level tokenizer, marked and plain
// texts, and a client that speaks to the whole server in memory.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/server/exchange.hpp"
#include "app/server/service.hpp"
#include "sigillo/core/json.hpp"
#include "tests/unit/watermark_tokenizer/small_tokenizer.hpp"

namespace fixture {

namespace fs = std::filesystem;
namespace app = sigillo::app;
namespace audit = sigillo::audit;
namespace core = sigillo::core;
namespace server = sigillo::server;
namespace watermark = sigillo::watermark;
using core::Json;

template <class T>
T value(core::Result<T> result) {
  INFO((result.has_value() ? "" : result.error().message));
  REQUIRE(result.has_value());
  return std::move(result).value();
}

class TempFolder {
 public:
  TempFolder() {
    std::string name = (fs::temp_directory_path() / "sigillo-server-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;
  [[nodiscard]] Json json() const { return Json::parse(body); }
};

// Splits the bytes of a connection into its answers; every byte must belong to one.
inline std::vector<Answer> read_answers(std::string_view bytes) {
  std::vector<Answer> answers;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find("\r\n\r\n");
    REQUIRE(end != std::string_view::npos);
    REQUIRE(bytes.starts_with("HTTP/1.1 "));
    Answer answer;
    answer.status = std::stoi(std::string(bytes.substr(9, 3)));
    std::istringstream lines{std::string(bytes.substr(0, end))};
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      while (!line.empty() && line.back() == '\r') line.pop_back();
      const std::size_t colon = line.find(": ");
      REQUIRE(colon != std::string::npos);
      REQUIRE(answer.headers.emplace(line.substr(0, colon), line.substr(colon + 2)).second);
    }
    bytes.remove_prefix(end + 4);
    const std::size_t length =
        answer.status == 100 ? 0 : std::stoul(answer.headers.at("Content-Length"));
    REQUIRE(length <= bytes.size());
    answer.body = bytes.substr(0, length);
    bytes.remove_prefix(length);
    answers.push_back(std::move(answer));
  }
  return answers;
}

struct World {
  TempFolder temp;
  core::FixedClock clock{core::Timestamp{1795000000, 0}};
  core::SeededEntropy entropy{7};
  audit::Workspace workspace;
  app::Verifier verifier;
  server::Metrics metrics{server::Service::paths()};
  server::Service service;
  server::Exchange exchange;

  explicit World(server::Rate rate = {1000, 1000}, int detectors = 1)
      : workspace(make_workspace()),
        verifier(value(app::Verifier::open(workspace, specs(detectors), clock))),
        service(workspace, verifier, clock, metrics, {rate, true}),
        exchange([this](const server::Request& r) { return service.respond(r); }, metrics,
                 entropy) {}

  audit::Workspace make_workspace() {
    audit::Workspace made =
        value(audit::Workspace::init(temp.path / "w", "test.example/s", "T", entropy, clock));
    for (const char* name : {"mark", "other"})
      value(made.keyring().generate_watermark(name, entropy, clock));
    std::ofstream(temp.path / "tokenizer.json") << test::tokenizer_json({{"t", "h"}}).dump();
    return made;
  }
  std::vector<app::TextDetectorSpec> specs(int count) const {
    std::vector<app::TextDetectorSpec> list{{"mark", "vllm-gumbel", temp.path / "tokenizer.json"}};
    if (count > 1) list.push_back({"other", "vllm-gumbel", temp.path / "tokenizer.json"});
    return list;
  }

  // Letters, one token each, marked with the key or not.
  std::string text(bool marked, std::size_t length = 400, std::uint64_t seed = 1) {
    const auto tokenizer =
        value(watermark::Tokenizer::from_json(test::tokenizer_json({{"t", "h"}}).dump()));
    std::optional<watermark::TextKey> key;
    if (marked) key = watermark::TextKey(value(workspace.keyring().watermark_key("mark")));
    auto sampler = value(
        watermark::TextSampler::create(value(watermark::text_profile("vllm-gumbel")), key, seed));
    std::vector<float> logits(static_cast<std::size_t>(tokenizer.vocabulary_size()),
                              -std::numeric_limits<float>::infinity());
    for (char c = 'A'; c <= 'Z'; ++c) logits[static_cast<std::size_t>(c)] = 0;
    for (std::size_t i = 0; i < length; ++i) value(sampler.next(logits));
    return value(tokenizer.decode(sampler.history()));
  }

  // What a connection answers to these bytes.
  std::vector<Answer> send(std::string_view bytes, const std::string& address = "192.0.2.1") {
    server::Connection connection(exchange, address);
    connection.receive(bytes);
    std::string out;
    while (!connection.to_send().empty()) {
      out += connection.to_send();
      connection.sent(connection.to_send().size());
    }
    return read_answers(out);
  }
  Answer ask(const std::string& method, const std::string& target, std::string_view body = {},
             const std::string& fields = "", const std::string& address = "192.0.2.1") {
    std::string bytes = method + " " + target + " HTTP/1.1\r\nHost: test\r\n" + fields;
    if (method != "GET" && method != "HEAD")
      bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    bytes += "\r\n";
    bytes += body;
    if (method == "HEAD") {
      server::Connection connection(exchange, address);
      connection.receive(bytes);
      Answer answer;
      answer.status = std::stoi(std::string(connection.to_send().substr(9, 3)));
      answer.body = connection.to_send().substr(connection.to_send().find("\r\n\r\n") + 4);
      return answer;
    }
    std::vector<Answer> answers = send(bytes, address);
    REQUIRE(answers.size() == 1);
    return answers.front();
  }
  Answer verify(std::string_view text, const std::string& address = "192.0.2.1") {
    return ask("POST", "/v1/verify", text, kText, address);
  }
  static constexpr const char* kText = "Content-Type: text/plain\r\n";
  static constexpr const char* kJson = "Content-Type: application/json\r\n";
  std::string token(const std::string& scope, int days = 1) {
    server::TokenFile file(workspace.folder() / "tokens.json");
    return "Authorization: Bearer " +
           value(file.create("t", {scope}, days, entropy, clock)).secret + "\r\n";
  }
};

// A refusal is a problem with the members that are promised.
inline void check_problem(const Answer& answer, int status, const std::string& name) {
  INFO(answer.body);
  CHECK(answer.status == status);
  REQUIRE(answer.headers.at("Content-Type") == "application/problem+json");
  const Json problem = answer.json();
  CHECK(problem.at("type") == "https://sigillo.dev/problems/" + name);
  CHECK(problem.at("status") == status);
  CHECK(problem.at("request_id") == answer.headers.at("X-Request-Id"));
}

}  // namespace fixture
