#include "app/server/form.hpp"

#include <algorithm>

#include "app/server/head.hpp"

namespace sigillo::server {
using core::Error;
using core::ErrorCode;
using core::Result;

namespace {

Error broken(std::string message) {
  return {ErrorCode::invalid_input, std::move(message), "send it as a browser's form does"};
}

// Calls item with each element between separators outside of quotes.
template <typename Item>
void split(std::string_view text, char separator, Item item) {
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] != separator || quoted) continue;
    item(trim(text.substr(start, i - start)));
    start = i + 1;
  }
  item(trim(text.substr(start)));
}

bool has_parameter(std::string_view value, std::string_view name) {
  bool found = false;
  split(value, ';', [&](std::string_view part) {
    const std::size_t equals = part.find('=');
    found = found || (equals != std::string_view::npos && lower(part.substr(0, equals)) == name);
  });
  return found;
}

Result<FormPart> read_part_head(std::string_view head) {
  FormPart part;
  bool described = false;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return broken("a line of a form part is no NAME: VALUE");
    const std::string name = lower(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "content-transfer-encoding") return broken("a form part has a transfer encoding");
    if (name != "content-disposition") continue;
    if (described || media_type(value) != "form-data")
      return broken("a form part is described as something else");
    described = true;
    part.name = media_parameter(value, "name");
    part.is_file = has_parameter(value, "filename") || has_parameter(value, "filename*");
  }
  if (!described || part.name.empty()) return broken("a form part has no name");
  return part;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return Error{ErrorCode::invalid_input, "the query has a broken % escape", ""};
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace

std::string media_type(std::string_view content_type) {
  return lower(trim(content_type.substr(0, content_type.find(';'))));
}

std::string media_parameter(std::string_view content_type, std::string_view name) {
  std::string found;
  split(content_type, ';', [&](std::string_view part) {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || lower(part.substr(0, equals)) != name) return;
    std::string_view value = part.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    found = value;
  });
  return found;
}

bool accepts(std::string_view accept, std::string_view type) {
  if (trim(accept).empty()) return true;
  bool found = false;
  split(accept, ',', [&](std::string_view range) {
    const std::string weight = media_parameter(range, "q");
    const bool refused = !weight.empty() && weight.find_first_not_of("0.") == std::string::npos;
    const std::string wanted = media_type(range);
    const bool all_of_kind =
        wanted.ends_with("/*") &&
        type.starts_with(std::string_view(wanted).substr(0, wanted.size() - 1));
    found = found || (!refused && (wanted == type || wanted == "*/*" || all_of_kind));
  });
  return found;
}

Result<std::vector<FormPart>> read_form(std::string_view content_type, std::string_view body) {
  const std::string boundary = media_parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > 70) return broken("the form names no boundary");
  const std::string first = "--" + boundary;
  const std::string next = "\r\n" + first;
  if (!body.starts_with(first)) return broken("the form does not begin with its boundary");
  body.remove_prefix(first.size());
  std::vector<FormPart> parts;
  while (!body.starts_with("--")) {
    if (!body.starts_with("\r\n")) return broken("a boundary of the form does not end its line");
    body.remove_prefix(2);
    const std::size_t head_end = body.substr(0, kMaxPartHeadBytes).find("\r\n\r\n");
    if (head_end == std::string_view::npos) return broken("a form part has no end of its head");
    SIGILLO_TRY(FormPart part, read_part_head(body.substr(0, head_end)));
    body.remove_prefix(head_end + 4);
    // An empty part's boundary may follow its head at once.
    const std::size_t end = body.starts_with(first) ? 0 : body.find(next);
    if (end == std::string_view::npos) return broken("a form part has no end");
    part.content = body.substr(0, end);
    body.remove_prefix(end + (body.starts_with(first) ? first.size() : next.size()));
    parts.push_back(std::move(part));
    if (parts.size() > kMaxFormParts) return broken("the form has too many parts");
  }
  if (body != "--" && body != "--\r\n") return broken("something follows the end of the form");
  return parts;
}

Result<std::map<std::string, std::string>> read_query(std::string_view query) {
  std::map<std::string, std::string> values;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    SIGILLO_TRY(std::string name, decode(pair.substr(0, equals)));
    SIGILLO_TRY(std::string value, decode(pair.substr(std::min(equals + 1, pair.size()))));
    if (name.empty() || !values.emplace(std::move(name), std::move(value)).second)
      return Error{ErrorCode::invalid_input, "the query names something twice or not at all", ""};
  }
  return values;
}

}  // namespace sigillo::server
