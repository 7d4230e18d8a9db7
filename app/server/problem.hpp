// Refusals as RFC 9457 problem details (docs/formats/verify.md).
#pragma once

#include <string>
#include <vector>

#include "app/server/http.hpp"
#include "sigillo/core/result.hpp"

namespace sigillo::server {

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kProblemType = "application/problem+json";

// X(name, status, title): every kind of problem. A name is the end of its type URI and is never
// renamed.
#define SIGILLO_PROBLEMS(X)                                                            \
  X(bad_request, "bad-request", 400, "The request cannot be understood")               \
  X(unauthorized, "unauthorized", 401, "A token is needed")                            \
  X(forbidden, "forbidden", 403, "The token does not allow this")                      \
  X(not_found, "not-found", 404, "There is nothing at this path")                      \
  X(method_not_allowed, "method-not-allowed", 405, "This path has other methods")      \
  X(not_acceptable, "not-acceptable", 406, "The answer has another media type")        \
  X(length_required, "length-required", 411, "The length of the body must be named")   \
  X(content_too_large, "content-too-large", 413, "The content is too large")           \
  X(uri_too_long, "uri-too-long", 414, "The path or query is too long")                \
  X(unsupported_media, "unsupported-media-type", 415, "This media is not supported")   \
  X(expectation_failed, "expectation-failed", 417, "The expectation cannot be met")    \
  X(invalid_content, "invalid-content", 422, "The content is not valid")               \
  X(too_many_requests, "too-many-requests", 429, "Too many requests from this place")  \
  X(head_too_large, "header-fields-too-large", 431, "The header fields are too large") \
  X(internal, "internal", 500, "The server could not answer")                          \
  X(unavailable, "unavailable", 503, "The server cannot answer now")                   \
  X(version_not_supported, "http-version-not-supported", 505, "HTTP/1.1 is spoken here")

enum class ProblemKind {
#define SIGILLO_X(kind, name, status, title) kind,
  SIGILLO_PROBLEMS(SIGILLO_X)
#undef SIGILLO_X
};

struct Problem {
  ProblemKind kind = ProblemKind::internal;
  std::string detail;
  std::string code = {};                    // of the core::Error behind it, if there is one
  std::vector<std::string> supported = {};  // media types, for 406 and 415
  HeaderFields headers = {};
};

[[nodiscard]] std::string_view problem_name(ProblemKind kind);
[[nodiscard]] int problem_status(ProblemKind kind);
// What the environment did (4, 2) is told as "unavailable" or "internal" without its message, which
// may name paths of this machine. What the caller did is told in full.
[[nodiscard]] Problem problem_of(const core::Error& error);
// 415, with what is read instead.
[[nodiscard]] Problem unsupported_media(std::vector<std::string> supported);
[[nodiscard]] Response to_response(const Problem& problem, std::string_view request_id);

}  // namespace sigillo::server
