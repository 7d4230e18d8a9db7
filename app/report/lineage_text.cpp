#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/report/lineage.hpp"
#include "app/report/plain_text.hpp"

namespace sigillo::report {

std::string fact_of(const audit::LineageNode& node, std::string_view name) {
  for (const audit::LineageFact& fact : node.facts)
    if (fact.name == name) return fact.value;
  return "";
}

std::string node_words(const audit::LineageNode& node) {
  if (node.kind == audit::LineageKind::outputs)
    return fmt::format("{} outputs of {} (entry {})", fact_of(node, "outputs"),
                       printable(node.name), printable(node.version));
  return fmt::format("{} {}", to_string(node.kind), printable(node.name));
}

std::string lineage_text(const audit::Lineage& lineage) {
  std::string out;
  for (std::size_t i = 0; i < lineage.nodes.size(); ++i) {
    const audit::LineageNode& node = lineage.nodes[i];
    out += node_words(node);
    if (node.entry.has_value())
      out += fmt::format("  [entry {}, recorded by {} at {}]", *node.entry, printable(node.signer),
                         printable(node.recorded_at));
    out += "\n";
    if (node.kind == audit::LineageKind::dataset && !node.version.empty())
      out += fmt::format("    root: {}\n", printable(node.version));
    for (const audit::LineageFact& fact : node.facts)
      out += fmt::format("    {}: {}\n", fact.name, printable(fact.value));
    for (const std::string& gap : node.gaps) out += fmt::format("    MISSING: {}\n", gap);
    for (const audit::LineageEdge& edge : lineage.edges)
      if (edge.from == i)
        out += fmt::format("    {} -> {}\n", edge.role, node_words(lineage.nodes[edge.to]));
  }
  out += fmt::format("{} nodes, {} edges, {} gaps\n", lineage.nodes.size(), lineage.edges.size(),
                     lineage.gaps);
  return out;
}

core::Json lineage_json(const audit::Lineage& lineage) {
  core::Json nodes = core::Json::array(), edges = core::Json::array();
  for (const audit::LineageNode& node : lineage.nodes) {
    core::Json facts = core::Json::object();
    for (const audit::LineageFact& fact : node.facts) facts[fact.name] = fact.value;
    core::Json item = {{"kind", to_string(node.kind)},
                       {"name", node.name},
                       {"facts", facts},
                       {"gaps", node.gaps},
                       {"distance", node.distance}};
    if (!node.version.empty()) item["version"] = node.version;
    if (node.entry.has_value()) {
      item["entry"] = *node.entry;
      item["signer"] = node.signer;
      item["recorded_at"] = node.recorded_at;
    }
    nodes.push_back(std::move(item));
  }
  for (const audit::LineageEdge& edge : lineage.edges)
    edges.push_back({{"from", edge.from}, {"to", edge.to}, {"role", edge.role}});
  return {{"schema", "sigillo.lineage/v1"},
          {"nodes", std::move(nodes)},
          {"edges", std::move(edges)},
          {"starts", lineage.starts},
          {"gaps", lineage.gaps}};
}

}  // namespace sigillo::report
