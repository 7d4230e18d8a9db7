#include "app/server/problem.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sigillo/core/json.hpp"

namespace sigillo::server {
using core::ErrorCode;
using core::ExitCode;

namespace {

struct KindInfo {
  std::string_view name;
  int status;
  std::string_view title;
};

constexpr KindInfo kKinds[] = {
#define SIGILLO_X(kind, name, status, title) {name, status, title},
    SIGILLO_PROBLEMS(SIGILLO_X)
#undef SIGILLO_X
};

const KindInfo& info(ProblemKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

ProblemKind kind_of(const core::Error& error) {
  switch (error.code) {
    case ErrorCode::input_too_large:
      return ProblemKind::content_too_large;
    case ErrorCode::unsupported:
      return ProblemKind::unsupported_media;
    case ErrorCode::workspace_missing:
    case ErrorCode::workspace_newer:
    case ErrorCode::key_missing:
    case ErrorCode::key_insecure:
      return ProblemKind::internal;
    default:
      break;
  }
  switch (exit_code(error.code)) {
    case ExitCode::environment:
      return ProblemKind::unavailable;
    case ExitCode::undecided:
      return ProblemKind::internal;
    default:
      return ProblemKind::invalid_content;
  }
}

}  // namespace

std::string_view problem_name(ProblemKind kind) { return info(kind).name; }
int problem_status(ProblemKind kind) { return info(kind).status; }

Problem problem_of(const core::Error& error) {
  Problem problem{kind_of(error), "", std::string(to_string(error.code))};
  if (problem_status(problem.kind) >= 500) {
    problem.detail = "the cause is on the server's side; try again later";
    if (problem.kind == ProblemKind::unavailable) problem.headers = {{"Retry-After", "5"}};
  } else {
    problem.detail = error.message;
    if (!error.remedy.empty()) problem.detail += "; " + error.remedy;
  }
  return problem;
}

Problem unsupported_media(std::vector<std::string> supported) {
  Problem problem{ProblemKind::unsupported_media,
                  "this server reads the media types that are listed"};
  problem.supported = std::move(supported);
  return problem;
}

Response to_response(const Problem& problem, std::string_view request_id) {
  const KindInfo& kind = info(problem.kind);
  core::Json body{{"type", fmt::format("https://sigillo.dev/problems/{}", kind.name)},
                  {"title", kind.title},
                  {"status", kind.status},
                  {"detail", problem.detail},
                  {"request_id", request_id}};
  if (!problem.code.empty()) body["code"] = problem.code;
  if (!problem.supported.empty()) body["supported"] = problem.supported;
  // A detail may quote what the caller sent, which need not be UTF-8.
  return {kind.status, std::string(kProblemType),
          body.dump(-1, ' ', false, core::Json::error_handler_t::replace) + "\n", problem.headers};
}

}  // namespace sigillo::server
