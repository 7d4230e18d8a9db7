// A strict subset of YAML as a tree with line numbers: one document, plain maps, lists and scalars.
// Anchors, aliases, tags, merge keys and duplicate keys are refused, so that a file means what it
// shows. Private to the engine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sigillo/core/result.hpp"

namespace sigillo::policy::yaml {

enum class Kind { null, scalar, list, map };

struct Member;

struct Node {
  Kind kind = Kind::null;
  int line = 0;         // from 1
  std::string text;     // of a scalar
  bool quoted = false;  // a quoted or block scalar is text, whatever it looks like
  std::vector<Node> items;
  std::vector<Member> members;
};

struct Member {
  std::string key;
  Node value;
};

// parse: errors are invalid_input with "file:line", or input_too_large past kMaxRuleBytes,
// kMaxYamlDepth or kMaxYamlNodes.
[[nodiscard]] core::Result<Node> parse(std::string_view text, std::string_view file);

[[nodiscard]] core::Error error_at(std::string_view file, int line, std::string message,
                                   std::string remedy = "");

// Reader takes the members of a map one by one; finish() refuses those that nobody took, so a
// misspelt key cannot be silent.
class Reader {
 public:
  // `what` names the map in messages. Both must outlive the reader.
  [[nodiscard]] static core::Result<Reader> of(const Node& node, std::string_view file,
                                               std::string_view what);

  [[nodiscard]] const Node* find(std::string_view key);
  [[nodiscard]] core::Result<const Node*> need(std::string_view key);
  [[nodiscard]] core::Result<std::string> text(std::string_view key);  // not empty
  [[nodiscard]] core::Result<std::string> date(std::string_view key);
  [[nodiscard]] core::Result<std::int64_t> integer(std::string_view key);  // not negative
  [[nodiscard]] core::Status finish() const;
  [[nodiscard]] core::Error wrong(const Node& node, std::string_view key,
                                  std::string_view wanted) const;
  [[nodiscard]] std::string_view file() const { return file_; }
  [[nodiscard]] int line() const { return node_->line; }

 private:
  Reader(const Node& node, std::string_view file, std::string_view what)
      : node_(&node), file_(file), what_(what), taken_(node.members.size(), false) {}
  const Node* node_;
  std::string file_, what_;
  std::vector<bool> taken_;
};

// integer_of: a plain scalar of decimal digits with an optional minus sign, within 64 bits.
[[nodiscard]] bool integer_of(const Node& node, std::int64_t& value);

}  // namespace sigillo::policy::yaml
