#include "sigillo/core/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace sigillo::core {
namespace {

// Watches the parser's events: depth and duplicate names end the parse. Values are built by a
// second, plain parse.
class StrictReader final : public nlohmann::json_sax<Json> {
 public:
  explicit StrictReader(int max_depth) : max_depth_(max_depth) {}
  std::string error;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return enter(true); }
  bool start_array(std::size_t) override { return enter(false); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    if (names_.back().insert(name).second) return true;
    error = fmt::format("member \"{}\" appears twice", name);
    return false;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    error = fmt::format("syntax error at byte {}", position);
    return false;
  }

 private:
  bool enter(bool) {
    names_.emplace_back();
    if (static_cast<int>(names_.size()) <= max_depth_) return true;
    error = fmt::format("nested deeper than {}", max_depth_);
    return false;
  }
  bool leave() {
    names_.pop_back();
    return true;
  }
  int max_depth_;
  std::vector<std::set<std::string>> names_;
};

// RFC 8785 sorts by UTF-16 code units. That order differs from UTF-8's only between U+E000..U+FFFF
// and the supplementary planes, whose surrogates (D800..DFFF) come first.
bool utf16_less(std::string_view a, std::string_view b) {
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (x == a.end() || y == b.end()) return x == a.end() && y != b.end();
  const auto rank = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0xF0) return 0xEE;  // supplementary: as its surrogates, after U+D7FF, before U+E000
    if (byte >= 0xEE) return byte + 1;  // U+E000..U+FFFF
    return static_cast<int>(byte);
  };
  const int left = rank(*x);
  const int right = rank(*y);
  return left != right ? left < right
                       : static_cast<unsigned char>(*x) < static_cast<unsigned char>(*y);
}

// True if an integer lies within +-(2^53 - 1).
bool is_exact(const Json& integer) {
  if (integer.is_number_unsigned())
    return integer.get<std::uint64_t>() <= std::uint64_t{kMaxJsonInteger};
  const auto value = integer.get<std::int64_t>();
  return value >= -kMaxJsonInteger && value <= kMaxJsonInteger;
}

void write_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else out.push_back(c);
    }
  }
  out.push_back('"');
}

Status write(std::string& out, const Json& value);

Status write_object(std::string& out, const Json& value) {
  std::vector<const std::string*> names;
  for (const auto& [name, member] : value.items()) names.push_back(&name);
  std::sort(names.begin(), names.end(),
            [](const auto* a, const auto* b) { return utf16_less(*a, *b); });
  out.push_back('{');
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out.push_back(',');
    SIGILLO_TRY_VOID(write(out, Json(*names[i])));
    out.push_back(':');
    SIGILLO_TRY_VOID(write(out, value.at(*names[i])));
  }
  out.push_back('}');
  return {};
}

Status write(std::string& out, const Json& value) {
  const auto refuse = [](std::string_view why) {
    return Error{ErrorCode::invalid_argument, fmt::format("no canonical JSON: {}", why),
                 "write quantities as integers with a unit"};
  };
  switch (value.type()) {
    case Json::value_t::null:
      out += "null";
      return {};
    case Json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return {};
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned: {
      if (!is_exact(value)) return refuse("an integer is beyond 2^53 - 1");
      out += fmt::format("{}", value.get<std::int64_t>());
      return {};
    }
    case Json::value_t::string: {
      const auto& text = value.get_ref<const std::string&>();
      if (!is_utf8(text)) return refuse("a string is not UTF-8");
      write_string(out, text);
      return {};
    }
    case Json::value_t::array: {
      out.push_back('[');
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i > 0) out.push_back(',');
        SIGILLO_TRY_VOID(write(out, value[i]));
      }
      out.push_back(']');
      return {};
    }
    case Json::value_t::object:
      return write_object(out, value);
    case Json::value_t::number_float:
      return refuse("signed bytes hold no floating point");
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return refuse("a value has no JSON form");
}

Error wrong(std::string_view where, std::string_view member, std::string_view what) {
  return Error{ErrorCode::invalid_input, fmt::format("{}: member \"{}\" {}", where, member, what),
               ""};
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  const auto refuse = [](std::string_view why) {
    return Error{ErrorCode::invalid_input, fmt::format("not valid JSON: {}", why), ""};
  };
  if (text.size() > limits.max_bytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("JSON of {} bytes is larger than the limit of {}", text.size(),
                             limits.max_bytes),
                 ""};
  if (!is_utf8(text)) return refuse("not UTF-8");
  // The parser takes a NUL byte for the end of its input and would ignore what follows.
  if (text.find('\0') != std::string_view::npos) return refuse("a NUL byte");
  StrictReader reader(limits.max_depth);
  if (!Json::sax_parse(text, &reader))
    return refuse(reader.error.empty() ? "syntax error" : reader.error);
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) return refuse("syntax error");
  return value;
}

Result<std::string> canonical_json(const Json& value) {
  std::string out;
  SIGILLO_TRY_VOID(write(out, value));
  return out;
}

Result<Json> parse_canonical_json(std::string_view text, const JsonLimits& limits) {
  SIGILLO_TRY(Json value, parse_json(text, limits));
  const auto written = canonical_json(value);
  if (!written.has_value() || *written != text)
    return Error{ErrorCode::invalid_input, "JSON is not in canonical form (RFC 8785)", ""};
  return value;
}

Result<Json> json_member(const Json& object, std::string_view member, std::string_view where) {
  if (!object.is_object())
    return Error{ErrorCode::invalid_input, fmt::format("{}: not an object", where), ""};
  const auto found = object.find(member);
  if (found == object.end() || found->is_null()) return wrong(where, member, "is missing");
  return *found;
}

Result<std::string> json_string(const Json& object, std::string_view member,
                                std::string_view where) {
  SIGILLO_TRY(const Json value, json_member(object, member, where));
  if (!value.is_string()) return wrong(where, member, "is not a string");
  return value.get<std::string>();
}

Result<std::int64_t> json_integer(const Json& object, std::string_view member,
                                  std::string_view where) {
  SIGILLO_TRY(const Json value, json_member(object, member, where));
  if (!value.is_number_integer() || !is_exact(value))
    return wrong(where, member, "is not an integer within +-(2^53 - 1)");
  return value.get<std::int64_t>();
}

Result<std::string> json_string_or(const Json& object, std::string_view member,
                                   std::string_view fallback, std::string_view where) {
  if (object.is_object() && (!object.contains(member) || object.at(std::string(member)).is_null()))
    return std::string(fallback);
  return json_string(object, member, where);
}

Result<std::int64_t> json_integer_or(const Json& object, std::string_view member,
                                     std::int64_t fallback, std::string_view where) {
  if (object.is_object() && (!object.contains(member) || object.at(std::string(member)).is_null()))
    return fallback;
  return json_integer(object, member, where);
}

}  // namespace sigillo::core
