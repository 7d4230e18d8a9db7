#include "policies/engine/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "sigillo/core/bytes.hpp"
#include "sigillo/core/clock.hpp"
#include "sigillo/policy/pack.hpp"

namespace sigillo::policy::yaml {
namespace {

using core::Error;
using core::ErrorCode;

// Refusal leaves yaml-cpp's parser; parse() catches it. It never crosses the module.
struct Refusal {
  ErrorCode code;
  int line;
  std::string message;
};

// Builder receives yaml-cpp's events and owns the tree that it grows.
class Builder final : public YAML::EventHandler {
 public:
  Node root;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    Node node;
    node.line = line_of(mark);
    place(std::move(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refusal{ErrorCode::invalid_input, line_of(mark), "aliases are not allowed"};
  }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    throw Refusal{ErrorCode::invalid_input, line_of(mark), "anchors are not allowed"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    Node node;
    node.kind = Kind::scalar;
    node.line = line_of(mark);
    node.text = value;
    node.quoted = tag == "!";
    place(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    std::string key;
    bool has_key = false;
  };
  std::vector<Open> stack_;
  std::size_t nodes_ = 0;

  static int line_of(const YAML::Mark& mark) { return mark.line + 1; }
  static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0)
      throw Refusal{ErrorCode::invalid_input, line_of(mark), "anchors are not allowed"};
  }
  // yaml-cpp gives "?" for plain and "!" for quoted scalars; anything else was written in the file.
  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refusal{ErrorCode::invalid_input, line_of(mark), "tags are not allowed"};
    }
  }
  void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (stack_.size() >= kMaxYamlDepth) {
      throw Refusal{ErrorCode::input_too_large, line_of(mark),
                    fmt::format("deeper than {} levels", kMaxYamlDepth)};
    }
    count(line_of(mark));
    Node node;
    node.kind = kind;
    node.line = line_of(mark);
    stack_.push_back(Open{std::move(node), {}, false});
  }
  void close() {
    Node node = std::move(stack_.back().node);
    stack_.pop_back();
    attach(std::move(node));
  }
  void place(Node node) {
    count(node.line);
    attach(std::move(node));
  }
  void count(int line) {
    if (++nodes_ > kMaxYamlNodes) {
      throw Refusal{ErrorCode::input_too_large, line,
                    fmt::format("more than {} nodes", kMaxYamlNodes)};
    }
  }
  void attach(Node node) {
    if (stack_.empty()) {
      root = std::move(node);
      return;
    }
    Open& top = stack_.back();
    if (top.node.kind == Kind::list) {
      top.node.items.push_back(std::move(node));
    } else if (!top.has_key) {
      take_key(top, node);
    } else {
      top.node.members.push_back(Member{std::move(top.key), std::move(node)});
      top.has_key = false;
    }
  }
  static void take_key(Open& top, const Node& node) {
    if (node.kind != Kind::scalar)
      throw Refusal{ErrorCode::invalid_input, node.line, "a key must be a word"};
    if (node.text == "<<")
      throw Refusal{ErrorCode::invalid_input, node.line, "merge keys are not allowed"};
    const auto same = [&](const auto& member) { return member.key == node.text; };
    if (std::any_of(top.node.members.begin(), top.node.members.end(), same)) {
      throw Refusal{ErrorCode::invalid_input, node.line,
                    fmt::format("duplicate key \"{}\"", node.text)};
    }
    top.key = node.text;
    top.has_key = true;
  }
};

}  // namespace

Error error_at(std::string_view file, int line, std::string message, std::string remedy) {
  if (remedy.empty()) remedy = "docs/formats/rule.md says what each key holds";
  return Error{ErrorCode::invalid_input, fmt::format("{}:{}: {}", file, line, message),
               std::move(remedy)};
}

core::Result<Node> parse(std::string_view text, std::string_view file) {
  if (text.size() > kMaxRuleBytes) {
    return Error{ErrorCode::input_too_large,
                 fmt::format("{}: {} bytes, the limit is {}", file, text.size(), kMaxRuleBytes),
                 "split the rule, or shorten its cases with `repeat`"};
  }
  if (!core::is_utf8(text)) return error_at(file, 1, "not UTF-8", "save the file as UTF-8");
  if (text.find('\0') != std::string_view::npos) return error_at(file, 1, "holds a NUL byte");
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder;
    if (!parser.HandleNextDocument(builder)) return error_at(file, 1, "empty file");
    Builder second;
    if (parser.HandleNextDocument(second)) {
      return error_at(file, second.root.line, "a second document", "one file holds one document");
    }
    return std::move(builder.root);
  } catch (const Refusal& refusal) {
    Error error =
        error_at(file, refusal.line, refusal.message, "write the value out where it is used");
    error.code = refusal.code;
    return error;
  } catch (const YAML::Exception& exception) {
    return error_at(file, exception.mark.is_null() ? 1 : exception.mark.line + 1, exception.msg,
                    "correct the YAML");
  }
}

core::Result<Reader> Reader::of(const Node& node, std::string_view file, std::string_view what) {
  if (node.kind != Kind::map)
    return error_at(file, node.line, fmt::format("{} must be a map", what));
  return Reader(node, file, what);
}

const Node* Reader::find(std::string_view key) {
  for (std::size_t i = 0; i < node_->members.size(); ++i) {
    if (node_->members[i].key != key) continue;
    taken_[i] = true;
    return &node_->members[i].value;
  }
  return nullptr;
}

core::Result<const Node*> Reader::need(std::string_view key) {
  const Node* node = find(key);
  if (node == nullptr)
    return error_at(file_, node_->line, fmt::format("{}: missing key \"{}\"", what_, key));
  return node;
}

Error Reader::wrong(const Node& node, std::string_view key, std::string_view wanted) const {
  return error_at(file_, node.line, fmt::format("{}: \"{}\" must be {}", what_, key, wanted));
}

core::Result<std::string> Reader::text(std::string_view key) {
  SIGILLO_TRY(const Node* node, need(key));
  if (node->kind != Kind::scalar || node->text.empty())
    return wrong(*node, key, "a text that is not empty");
  return node->text;
}

core::Result<std::string> Reader::date(std::string_view key) {
  SIGILLO_TRY(const Node* node, need(key));
  if (node->kind != Kind::scalar || !core::timestamp_from_date(node->text))
    return wrong(*node, key, "a date, YYYY-MM-DD");
  return node->text;
}

core::Result<std::int64_t> Reader::integer(std::string_view key) {
  SIGILLO_TRY(const Node* node, need(key));
  std::int64_t value = 0;
  if (!integer_of(*node, value) || value < 0) return wrong(*node, key, "an integer from 0");
  return value;
}

core::Status Reader::finish() const {
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    if (taken_[i]) continue;
    const auto& [key, node] = node_->members[i];
    return error_at(file_, node.line, fmt::format("{}: unknown key \"{}\"", what_, key));
  }
  return {};
}

bool integer_of(const Node& node, std::int64_t& value) {
  if (node.kind != Kind::scalar || node.quoted || node.text.empty()) return false;
  const char* end = node.text.data() + node.text.size();
  const auto [stop, code] = std::from_chars(node.text.data(), end, value);
  return code == std::errc() && stop == end;
}

}  // namespace sigillo::policy::yaml
