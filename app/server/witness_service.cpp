#include "app/server/witness_service.hpp"

#include <fmt/format.h>

#include "app/server/problem.hpp"

namespace sigillo::server {
namespace {

constexpr std::string_view kAddCheckpoint = "/add-checkpoint";
constexpr std::string_view kHealth = "/healthz";
constexpr std::string_view kCheckpoint = "/checkpoint";
constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
constexpr std::size_t kHashDigits = 64;

Response refuse(const Request& request, const Problem& problem) {
  return to_response(problem, request.request_id);
}

Response only(const Request& request, std::string_view methods) {
  Problem problem{ProblemKind::method_not_allowed, "the Allow field lists the methods"};
  problem.headers = {{"Allow", std::string(methods)}};
  return refuse(request, problem);
}

// The hash in /<hash>/checkpoint; empty for any other path.
std::string_view origin_hash(std::string_view path) {
  if (path.size() != 1 + kHashDigits + kCheckpoint.size() || !path.ends_with(kCheckpoint))
    return {};
  const std::string_view digits = path.substr(1, kHashDigits);
  return digits.find_first_not_of("0123456789abcdef") == std::string_view::npos
             ? digits
             : std::string_view();
}

}  // namespace

std::vector<std::string> WitnessService::paths() {
  return {std::string(kAddCheckpoint), std::string(kHealth)};
}

Response WitnessService::respond(const Request& request) {
  const bool get = request.method == "GET";
  if (request.path == kAddCheckpoint)
    return request.method == "POST" ? add_checkpoint(request) : only(request, "POST");
  if (request.path == kHealth)
    return get ? Response{200, std::string(kPlainText), "ok\n"} : only(request, "GET, HEAD");
  const std::string_view hash = origin_hash(request.path);
  if (!hash.empty()) return get ? latest(request, hash) : only(request, "GET, HEAD");
  return refuse(request, {ProblemKind::not_found,
                          "a witness answers POST /add-checkpoint and GET /<hex SHA-256 of the "
                          "origin>/checkpoint"});
}

Response WitnessService::add_checkpoint(const Request& request) {
  const auto wait = limiter_.take(request.address, clock_.now());
  if (wait.has_value()) {
    Problem problem{ProblemKind::too_many_requests,
                    fmt::format("this witness takes {} requests at once and {} a second from one "
                                "address; try again in {} s",
                                rate_.burst, rate_.per_second, *wait)};
    problem.headers = {{"Retry-After", std::to_string(*wait)}};
    return refuse(request, problem);
  }
  const auto answer = witness_.add_checkpoint(request.body, clock_.now());
  if (!answer.has_value()) return refuse(request, problem_of(answer.error()));
  return {answer->status, answer->media_type, answer->body};
}

Response WitnessService::latest(const Request& request, std::string_view origin_sha256) {
  const auto note = witness_.latest(origin_sha256);
  if (note.has_value()) return {200, std::string(kPlainText), *note};
  if (note.error().code == core::ErrorCode::not_found)
    return refuse(request, {ProblemKind::not_found, note.error().message});
  return refuse(request, problem_of(note.error()));
}

}  // namespace sigillo::server
