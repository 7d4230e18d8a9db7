// The head of an HTTP/1.1 request, read strictly before anything else sees it.
//
// What two readers could understand in two ways is refused: a second Content-Length, a
// Transfer-Encoding, a line folded or ended by a lone line feed, no Host or two. The library behind
// this gets a head of our own writing with the few fields that the server uses.
#pragma once

#include <optional>
#include <variant>

#include "app/server/problem.hpp"

namespace sigillo::server {

inline constexpr std::size_t kMaxHeadBytes = 16384;  // request line and fields: 431
inline constexpr std::size_t kMaxFields = 64;        // 431
inline constexpr std::size_t kMaxPathBytes = 512;    // 414
inline constexpr std::size_t kMaxQueryBytes = 2048;  // 414

struct Head {
  std::string method, path, query;
  std::string accept, accept_language, content_type, authorization, forwarded_for;
  std::size_t head_bytes = 0;  // with the empty line
  std::size_t body_bytes = 0;  // 0..kMaxBodyBytes
  bool close = false;          // the connection ends after the answer
  bool expects_continue = false;
};

// What HTTP compares without case, and what it allows round a value: ASCII alone.
[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] std::string_view trim(std::string_view text);

// The client's address in a list of X-Forwarded-For: its last element, which the nearest proxy
// wrote, without a port ("192.0.2.1:80", "[2001:db8::1]:80").
[[nodiscard]] std::string last_address(std::string_view forwarded_for);

// Nothing: the head is not complete, and may still become one.
[[nodiscard]] std::optional<std::variant<Head, Problem>> read_head(std::string_view bytes);

}  // namespace sigillo::server
