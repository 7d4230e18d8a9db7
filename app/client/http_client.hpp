// One HTTP request to a server that is not ours: what it answers is bounded in bytes and time.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "sigillo/core/result.hpp"

namespace sigillo::client {

struct HttpAnswer {
  int status = 0;
  std::string content_type;
  std::string body;
};

struct HttpPost {
  std::string url;  // http or https, nothing else
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::chrono::milliseconds timeout{5000};  // for all of it, from the name's look-up on
  std::size_t max_answer_bytes = std::size_t{64} << 10;
};

// A function, so that tests answer without a socket. Thread-safe.
using HttpClient = std::function<core::Result<HttpAnswer>(const HttpPost&)>;

// check_http_url: invalid_argument unless it is http or https with a host, without a user,
// password, query or fragment.
[[nodiscard]] core::Status check_http_url(const std::string& url);

// http_post follows no redirect, sends no credential and keeps no cookie. Proxies are those of the
// environment (http_proxy, no_proxy); https verifies the server's certificate. Whatever the status,
// an answer is an answer; io_error if none came in time, input_too_large if it was too long.
[[nodiscard]] core::Result<HttpAnswer> http_post(const HttpPost& post);

}  // namespace sigillo::client
