// Requests and answers as this server sees them: plain values, no socket, no library.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigillo::server {

// body_bytes holds the longest text (app::kMaxVerifyBytes), escaped or wrapped in a form.
inline constexpr std::size_t kMaxBodyBytes = std::size_t{512} << 10;

struct Request {
  std::string method, path, query;  // HEAD comes as GET
  std::string accept, accept_language, content_type, authorization;
  std::string address;  // of the client: a key for the rate limit and nothing else
  std::string_view body;
  std::string request_id;
};

using HeaderFields = std::vector<std::pair<std::string, std::string>>;

struct Response {
  int status = 200;
  std::string content_type;
  std::string body;
  // A field that every answer has is replaced by one of its name; an empty value leaves it out.
  HeaderFields headers = {};
};

}  // namespace sigillo::server
