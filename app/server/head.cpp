#include "app/server/head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace sigillo::server {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

namespace {

using Step = std::optional<Problem>;  // nothing: go on

Problem refuse(ProblemKind kind, std::string detail) { return {kind, std::move(detail)}; }

bool is_token_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

Step read_request_line(std::string_view line, Head& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first)
    return refuse(ProblemKind::bad_request, "the request line is no METHOD PATH HTTP/1.1");
  head.method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(head.method) || head.method.size() > 16)
    return refuse(ProblemKind::bad_request, "the method is no token");
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return version.starts_with("HTTP/")
               ? refuse(ProblemKind::version_not_supported, "HTTP/1.1 and HTTP/1.0 are spoken here")
               : refuse(ProblemKind::bad_request, "the request line names no HTTP version");
  head.close = version == "HTTP/1.0";
  const bool printable =
      std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!target.starts_with('/') || !printable)
    return refuse(ProblemKind::bad_request, "the target is no path");
  const std::size_t mark = target.find('?');
  head.path = target.substr(0, mark);
  if (mark != std::string_view::npos) head.query = target.substr(mark + 1);
  if (head.path.size() > kMaxPathBytes)
    return refuse(ProblemKind::uri_too_long,
                  fmt::format("a path has at most {} bytes", kMaxPathBytes));
  if (head.query.size() > kMaxQueryBytes)
    return refuse(ProblemKind::uri_too_long,
                  fmt::format("a query has at most {} bytes", kMaxQueryBytes));
  return {};
}

// What decides where the request ends, and what may be given once only.
struct Framing {
  int hosts = 0, lengths = 0, transfer_encodings = 0;
  std::string_view length, content_encoding, expect;
};

Step read_field(std::string_view line, Head& head, Framing& framing) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return refuse(ProblemKind::bad_request, "a header line is no NAME: VALUE");
  const std::string name = lower(line.substr(0, colon));
  const std::string_view value = trim(line.substr(colon + 1));
  for (const char c : value)
    if ((c >= 0 && c < ' ' && c != '\t') || c == 0x7f)
      return refuse(ProblemKind::bad_request, "a header value holds a control character");
  if (name == "host") ++framing.hosts;
  else if (name == "content-length") ++framing.lengths, framing.length = value;
  else if (name == "transfer-encoding") ++framing.transfer_encodings;
  else if (name == "content-encoding") framing.content_encoding = value;
  else if (name == "expect") framing.expect = value;
  else if (name == "connection")
    head.close = head.close || lower(value).find("close") != std::string::npos;
  else if (name == "accept") head.accept = value;
  else if (name == "accept-language") head.accept_language = value;
  else if (name == "content-type") head.content_type = value;
  else if (name == "authorization") head.authorization = value;
  else if (name == "x-forwarded-for") head.forwarded_for = value;
  return {};
}

Step read_framing(const Framing& framing, Head& head) {
  if (framing.hosts != 1)
    return refuse(ProblemKind::bad_request, "exactly one Host field is needed");
  if (framing.lengths > 1 || (framing.lengths == 1 && framing.transfer_encodings > 0))
    return refuse(ProblemKind::bad_request, "the length of the body is given twice");
  if (framing.transfer_encodings > 0)
    return refuse(ProblemKind::length_required, "send Content-Length, not Transfer-Encoding");
  if (!framing.content_encoding.empty() && lower(framing.content_encoding) != "identity") {
    Problem problem = refuse(ProblemKind::unsupported_media, "send the content uncompressed");
    problem.headers = {{"Accept-Encoding", "identity"}};
    return problem;
  }
  if (framing.lengths == 0)
    return head.method == "POST" || head.method == "PUT" || head.method == "PATCH"
               ? Step(refuse(ProblemKind::length_required, "send Content-Length"))
               : Step();
  const std::string_view digits = framing.length;
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return refuse(ProblemKind::bad_request, "Content-Length is no number");
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), head.body_bytes);
  if (error != std::errc() || head.body_bytes > kMaxBodyBytes)
    return refuse(ProblemKind::content_too_large,
                  fmt::format("a body has at most {} bytes", kMaxBodyBytes));
  if (head.body_bytes > 0 && (head.method == "GET" || head.method == "HEAD"))
    return refuse(ProblemKind::bad_request, "this method has no body");
  if (!framing.expect.empty() && lower(framing.expect) != "100-continue")
    return refuse(ProblemKind::expectation_failed, "only 100-continue can be expected");
  head.expects_continue = !framing.expect.empty();
  return {};
}

std::variant<Head, Problem> read_complete(std::string_view text) {
  Head head;
  head.head_bytes = text.size();
  Framing framing;
  text.remove_suffix(2);  // the empty line
  for (std::size_t number = 0; !text.empty(); ++number) {
    const std::size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (number > kMaxFields)
      return refuse(ProblemKind::head_too_large,
                    fmt::format("there are at most {} header fields", kMaxFields));
    if (line.find_first_of("\r\n") != std::string_view::npos)
      return refuse(ProblemKind::bad_request, "a line ends with a lone CR or LF");
    if (auto problem =
            number == 0 ? read_request_line(line, head) : read_field(line, head, framing))
      return *std::move(problem);
  }
  if (auto problem = read_framing(framing, head)) return *std::move(problem);
  return head;
}

}  // namespace

std::string last_address(std::string_view forwarded_for) {
  const std::size_t comma = forwarded_for.rfind(',');
  const std::string_view last =
      trim(comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1));
  if (last.starts_with('[')) return std::string(last.substr(1, last.find(']') - 1));
  const std::size_t colon = last.find(':');
  const bool is_port = colon != std::string_view::npos && colon == last.rfind(':');
  return std::string(is_port ? last.substr(0, colon) : last);
}

std::optional<std::variant<Head, Problem>> read_head(std::string_view bytes) {
  const std::string_view window = bytes.substr(0, kMaxHeadBytes);
  const std::size_t end = window.find("\r\n\r\n");
  if (end != std::string_view::npos) return read_complete(window.substr(0, end + 4));
  if (bytes.size() < kMaxHeadBytes) return std::nullopt;
  // Whatever more comes, this does not become a head.
  const bool in_first_line = window.find("\r\n") == std::string_view::npos;
  return refuse(in_first_line ? ProblemKind::uri_too_long : ProblemKind::head_too_large,
                fmt::format("a head has at most {} bytes", kMaxHeadBytes));
}

}  // namespace sigillo::server
