#include <fmt/format.h>

#include "app/report/lineage.hpp"
#include "app/report/plain_text.hpp"

namespace sigillo::report {
namespace {

// A DOT string between quotes. A backslash begins an escape in a label, so it is doubled.
std::string dot_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string_view shape(audit::LineageKind kind) {
  switch (kind) {
    case audit::LineageKind::dataset:
      return "cylinder";
    case audit::LineageKind::run:
      return "cds";
    case audit::LineageKind::release:
      return "box3d";
    case audit::LineageKind::outputs:
      return "note";
    case audit::LineageKind::system:
      return "component";
  }
  return "box";
}

}  // namespace

std::string lineage_dot(const audit::Lineage& lineage) {
  std::string out =
      "digraph lineage {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n"
      "  edge [fontname=\"sans-serif\"];\n";
  for (std::size_t i = 0; i < lineage.nodes.size(); ++i) {
    const audit::LineageNode& node = lineage.nodes[i];
    std::string gaps;
    for (const std::string& gap : node.gaps) gaps += (gaps.empty() ? "" : "; ") + gap;
    out += fmt::format(
        "  n{} [shape={}, label={}{}];\n", i, shape(node.kind), dot_string(node_words(node)),
        gaps.empty() ? "" : ", style=dashed, xlabel=" + dot_string("MISSING: " + gaps));
  }
  for (const audit::LineageEdge& edge : lineage.edges)
    out += fmt::format("  n{} -> n{} [label={}];\n", edge.from, edge.to, dot_string(edge.role));
  return out + "}\n";
}

}  // namespace sigillo::report
