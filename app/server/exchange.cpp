#include "app/server/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>

namespace sigillo::server {
namespace {

constexpr std::size_t kMaxWaitingBytes = std::size_t{64} << 10;

std::string_view reason(int status) {
  constexpr std::pair<int, std::string_view> reasons[] = {{200, "OK"},
                                                          {201, "Created"},
                                                          {400, "Bad Request"},
                                                          {401, "Unauthorized"},
                                                          {403, "Forbidden"},
                                                          {404, "Not Found"},
                                                          {405, "Method Not Allowed"},
                                                          {406, "Not Acceptable"},
                                                          {409, "Conflict"},
                                                          {411, "Length Required"},
                                                          {413, "Content Too Large"},
                                                          {414, "URI Too Long"},
                                                          {415, "Unsupported Media Type"},
                                                          {417, "Expectation Failed"},
                                                          {422, "Unprocessable Content"},
                                                          {429, "Too Many Requests"},
                                                          {431, "Request Header Fields Too Large"},
                                                          {500, "Internal Server Error"},
                                                          {503, "Service Unavailable"},
                                                          {505, "HTTP Version Not Supported"}};
  for (const auto& [known, phrase] : reasons)
    if (known == status) return phrase;
  return "";
}

// Every answer has these, unless what made it says otherwise.
constexpr std::pair<std::string_view, std::string_view> kFixedFields[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"}};

bool names(const HeaderFields& fields, std::string_view name) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const auto& field) { return field.first == name; });
}

std::string response_bytes(const Response& response, std::string_view request_id, bool with_body,
                           bool close) {
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nX-Request-Id: {}\r\n",
      response.status, reason(response.status), response.content_type, response.body.size(),
      request_id);
  for (const auto& [name, value] : kFixedFields)
    if (!names(response.headers, name)) out += fmt::format("{}: {}\r\n", name, value);
  for (const auto& [name, value] : response.headers)
    if (!value.empty()) out += fmt::format("{}: {}\r\n", name, value);
  if (close) out += "Connection: close\r\n";
  out += "\r\n";
  if (with_body) out += response.body;
  return out;
}

std::string last_element(std::string_view list) {
  const std::size_t comma = list.rfind(',');
  std::string_view last = comma == std::string_view::npos ? list : list.substr(comma + 1);
  while (last.starts_with(' ')) last.remove_prefix(1);
  return std::string(last);
}

Request request_of(const Head& head, std::string_view body, std::string request_id) {
  Request request;
  request.method = head.method == "HEAD" ? "GET" : head.method;
  request.path = head.path;
  request.query = head.query;
  request.accept = head.accept;
  request.accept_language = head.accept_language;
  request.content_type = head.content_type;
  request.authorization = head.authorization;
  request.body = body;
  request.request_id = std::move(request_id);
  return request;
}

}  // namespace

Exchange::Exchange(Handler handler, Metrics& metrics, core::Entropy& entropy, bool behind_proxy)
    : handler_(std::move(handler)), metrics_(metrics), behind_proxy_(behind_proxy) {
  std::array<std::uint8_t, 8> seed{};
  SIGILLO_CHECK(entropy.fill(seed).has_value());
  for (const std::uint8_t byte : seed) request_seed_ = request_seed_ << 8 | byte;
}

// An id tells requests apart and nothing about them: a count, mixed (splitmix64) from a random
// start.
std::string Exchange::next_request_id() {
  std::uint64_t x = request_seed_ + ++requests_ * 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return fmt::format("{:016x}", x ^ (x >> 31));
}

Response Exchange::handle(const Request& request) const {
  try {
    return handler_(request);
  } catch (const std::exception&) {
    // what() may quote the content.
    return to_response({ProblemKind::internal, "the request could not be answered"},
                       request.request_id);
  }
}

std::string Exchange::answer(const Head& head, std::string& body, const std::string& address) {
  const auto start = std::chrono::steady_clock::now();
  const Metrics::InFlight in_flight(metrics_);
  Request request = request_of(head, body, next_request_id());
  const bool forwarded = behind_proxy_ && !head.forwarded_for.empty();
  request.address = forwarded ? last_element(head.forwarded_for) : address;
  const Response response = handle(request);
  core::secure_zero(body.data(), body.size());
  metrics_.count_answer(
      head.path, response.status,
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return response_bytes(response, request.request_id, head.method != "HEAD", head.close);
}

std::string Exchange::refuse(const Problem& problem) {
  metrics_.count_refusal(problem_name(problem.kind));
  const std::string request_id = next_request_id();
  return response_bytes(to_response(problem, request_id), request_id, true, true);
}

void Connection::receive(std::string_view bytes) {
  if (ending_) return;
  in_.append(bytes);
  answer_complete_requests();
}

void Connection::sent(std::size_t bytes) {
  sent_ += bytes;
  if (sent_ < out_.size()) return;
  out_.clear();
  sent_ = 0;
  answer_complete_requests();
}

void Connection::refuse(const Problem& problem) {
  out_ += exchange_.refuse(problem);
  ending_ = true;
  drop_input(in_.size());
}

void Connection::answer_complete_requests() {
  while (!ending_ && out_.size() < kMaxWaitingBytes && answer_one()) continue;
}

// False: more bytes are needed, or the connection ends.
bool Connection::answer_one() {
  if (!head_.has_value()) {
    auto read = in_.empty() ? std::nullopt : read_head(in_);
    if (!read.has_value()) return false;
    if (const auto* problem = std::get_if<Problem>(&*read)) {
      refuse(*problem);
      return false;
    }
    head_ = std::get<Head>(*std::move(read));
    drop_input(head_->head_bytes);
    in_.reserve(head_->body_bytes);  // no copies of a body are left behind by growth
    if (head_->expects_continue && in_.size() < head_->body_bytes)
      out_ += "HTTP/1.1 100 Continue\r\n\r\n";
  }
  if (in_.size() < head_->body_bytes) return false;
  std::string body = in_.substr(0, head_->body_bytes);
  drop_input(head_->body_bytes);
  out_ += exchange_.answer(*head_, body, address_);
  ending_ = head_->close;
  head_.reset();
  if (ending_) drop_input(in_.size());
  return !ending_;
}

void Connection::drop_input(std::size_t bytes) {
  core::secure_zero(in_.data(), bytes);
  in_.erase(0, bytes);
  if (in_.empty() && in_.capacity() > kMaxHeadBytes) in_ = std::string();
}

}  // namespace sigillo::server
