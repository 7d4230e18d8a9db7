#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "app/report/lineage.hpp"
#include "app/report/plain_text.hpp"

namespace sigillo::report {
namespace {

using audit::Lineage;
using audit::LineageKind;
using audit::LineageNode;

constexpr int kBoxWidth = 208, kBoxHeight = 68, kColumnGap = 64, kRowGap = 20, kMargin = 12;
constexpr int kHeading = 28;
// Outputs and systems both come of a release: they share the last column.
constexpr std::size_t kColumns = 4;
std::size_t column_of(LineageKind kind) {
  return std::min<std::size_t>(static_cast<std::size_t>(kind), kColumns - 1);
}
constexpr std::array<std::string_view, kColumns> kColumnNames = {"Datasets", "Runs", "Releases",
                                                                 "Systems and outputs"};

struct Place {
  int x = 0, y = 0;
};

struct Layout {
  std::vector<Place> places;  // by node
  std::array<int, kColumns> left{};
  std::array<bool, kColumns> used{};
  int width = 0, height = 0;
};

// Within a column, nodes stand at the mean height of what leads to them: few lines cross.
std::vector<std::size_t> ordered(const Lineage& lineage, const std::vector<std::size_t>& nodes,
                                 const std::vector<Place>& places) {
  std::vector<double> height(lineage.nodes.size(), 0), count(lineage.nodes.size(), 0);
  for (const audit::LineageEdge& edge : lineage.edges) {
    if (column_of(lineage.nodes[edge.from].kind) >= column_of(lineage.nodes[edge.to].kind))
      continue;
    height[edge.to] += places[edge.from].y;
    count[edge.to] += 1;
  }
  std::vector<std::size_t> order = nodes;
  const auto mean = [&](std::size_t n) { return count[n] == 0 ? 0 : height[n] / count[n]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return mean(a) < mean(b); });
  return order;
}

Layout lay_out(const Lineage& lineage) {
  Layout layout;
  layout.places.resize(lineage.nodes.size());
  std::array<std::vector<std::size_t>, kColumns> columns;
  for (std::size_t i = 0; i < lineage.nodes.size(); ++i)
    columns[column_of(lineage.nodes[i].kind)].push_back(i);
  std::size_t tallest = 1;
  for (const auto& column : columns) tallest = std::max(tallest, column.size());
  const auto extent = [](std::size_t count) {
    return static_cast<int>(count) * (kBoxHeight + kRowGap) - kRowGap;
  };
  layout.height = extent(tallest) + 2 * kMargin + kHeading;
  int x = kMargin;
  for (std::size_t c = 0; c < kColumns; ++c) {
    if (columns[c].empty()) continue;
    layout.used[c] = true;
    layout.left[c] = x;
    int y = kMargin + kHeading + (extent(tallest) - extent(columns[c].size())) / 2;
    for (const std::size_t node : ordered(lineage, columns[c], layout.places)) {
      layout.places[node] = {x, y};
      y += kBoxHeight + kRowGap;
    }
    x += kBoxWidth + kColumnGap;
  }
  layout.width = std::max(x - kColumnGap + kMargin, 2 * kMargin + kBoxWidth);
  return layout;
}

// The first line names the kind, the second the thing, the third what matters most about it.
std::string third_line(const LineageNode& node) {
  if (!node.gaps.empty()) return node.gaps.front();
  switch (node.kind) {
    case LineageKind::dataset:
      return fact_of(node, "licence");
    case LineageKind::run:
      return fact_of(node, "state");
    case LineageKind::release:
      return "model " + fact_of(node, "model");
    case LineageKind::outputs:
      return fmt::format("mark found in {} of {}", fact_of(node, "mark found"),
                         fact_of(node, "outputs"));
    case LineageKind::system:
      return "placed on " + fact_of(node, "placed on");
  }
  return "";
}

std::string shown_name(const LineageNode& node) {
  if (node.kind == LineageKind::run) return shortened(printable(node.name), 15);
  return shortened(printable(node.name), 26);
}

std::string box(const LineageNode& node, Place at, bool start) {
  const bool gap = !node.gaps.empty();
  std::string out = fmt::format(
      "<g class=\"lin-node{}\"><title>{}</title>"
      "<rect class=\"lin-box\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\"></rect>"
      "<rect class=\"lin-edge lin-{}\" x=\"{}\" y=\"{}\" width=\"5\" height=\"{}\" "
      "rx=\"2\"></rect>",
      gap ? " lin-gap" : "", markup(node_words(node)), at.x, at.y, kBoxWidth, kBoxHeight,
      to_string(node.kind), at.x, at.y, kBoxHeight);
  if (gap)
    out += fmt::format("<path class=\"lin-mark\" d=\"M{} {}l8 14h-16z\"></path>",
                       at.x + kBoxWidth - 16, at.y + 9);
  const std::string kind =
      fmt::format("{}{}", to_string(node.kind), start ? ", where you asked" : "");
  out += fmt::format(
      "<text class=\"lin-kind\" x=\"{0}\" y=\"{1}\">{2}</text>"
      "<text class=\"lin-name\" x=\"{0}\" y=\"{3}\">{4}</text>"
      "<text class=\"lin-fact\" x=\"{0}\" y=\"{5}\">{6}</text></g>\n",
      at.x + 16, at.y + 20, markup(kind), at.y + 39, markup(shown_name(node)), at.y + 57,
      markup(shortened(printable(third_line(node)), gap ? 34 : 32)));
  return out;
}

std::string line(Place from, Place to, const std::string& role) {
  const int x1 = from.x + kBoxWidth, y1 = from.y + kBoxHeight / 2, x2 = to.x - 2,
            y2 = to.y + kBoxHeight / 2, bend = std::max((x2 - x1) / 2, 30);
  return fmt::format(
      "<path class=\"lin-line\" d=\"M{} {}C{} {} {} {} {} {}\" marker-end=\"url(#lin-arrow)\">"
      "<title>{}</title></path>\n",
      x1, y1, x1 + bend, y1, x2 - bend, y2, x2 - 6, y2, markup(role));
}

// Colours for a picture that stands alone. In a page, the page's own style knows light and dark.
constexpr std::string_view kStyle =
    "<style>text{font-family:system-ui,sans-serif;fill:#1b1f24}.lin-kind{font-size:11px;fill:#"
    "57606a}"
    ".lin-name{font-size:14px;font-weight:600}.lin-fact{font-size:12px;fill:#424a53}"
    ".lin-head{font-size:12px;fill:#57606a}.lin-box{fill:#fff;stroke:#8c959f}"
    ".lin-gap .lin-box{stroke:#b35900;stroke-width:2;stroke-dasharray:5 3}.lin-gap "
    ".lin-fact{fill:#8a4600}"
    ".lin-mark{fill:#b35900}.lin-line{fill:none;stroke:#6e7781;stroke-width:1.5}.lin-tip{fill:#"
    "6e7781}"
    ".lin-dataset{fill:#1f6feb}.lin-run{fill:#6f42c1}.lin-release{fill:#116329}.lin-outputs{fill:#"
    "57606a}"
    ".lin-system{fill:#9a3412}</style>\n";

std::string description(const Lineage& lineage) {
  std::string text = fmt::format("{} nodes, {} links, {} gaps. ", lineage.nodes.size(),
                                 lineage.edges.size(), lineage.gaps);
  for (const audit::LineageEdge& edge : lineage.edges)
    text += fmt::format("{} {} {}. ", node_words(lineage.nodes[edge.from]), edge.role,
                        node_words(lineage.nodes[edge.to]));
  for (const LineageNode& node : lineage.nodes)
    for (const std::string& gap : node.gaps) text += fmt::format("{}: {}. ", node_words(node), gap);
  return text;
}

}  // namespace

core::Result<std::string> lineage_svg(const Lineage& lineage, const SvgOptions& options) {
  if (lineage.nodes.size() > kMaxPictureNodes)
    return core::Error{core::ErrorCode::input_too_large,
                       fmt::format("the lineage has {} nodes; a picture shows at most {}",
                                   lineage.nodes.size(), kMaxPictureNodes),
                       "ask for --format json or dot, or name a start and one direction"};
  const Layout layout = lay_out(lineage);
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\" aria-labelledby=\"lin-title lin-desc\">\n"
      "<title id=\"lin-title\">Lineage: datasets, runs, releases, systems and outputs</title>\n"
      "<desc id=\"lin-desc\">{2}</desc>\n{3}"
      "<defs><marker id=\"lin-arrow\" viewBox=\"0 0 8 8\" refX=\"2\" refY=\"4\" markerWidth=\"7\" "
      "markerHeight=\"7\" orient=\"auto\"><path class=\"lin-tip\" d=\"M0 0L8 4L0 "
      "8z\"></path></marker>"
      "</defs>\n",
      layout.width, layout.height, markup(description(lineage)), options.page ? "" : kStyle);
  for (std::size_t c = 0; c < kColumns; ++c)
    if (layout.used[c])
      out += fmt::format("<text class=\"lin-head\" x=\"{}\" y=\"{}\">{}</text>\n", layout.left[c],
                         kMargin + 10, kColumnNames[c]);
  for (const audit::LineageEdge& edge : lineage.edges)
    out += line(layout.places[edge.from], layout.places[edge.to], edge.role);
  for (std::size_t i = 0; i < lineage.nodes.size(); ++i) {
    const bool start =
        lineage.starts.size() < lineage.nodes.size() &&
        std::find(lineage.starts.begin(), lineage.starts.end(), i) != lineage.starts.end();
    out += box(lineage.nodes[i], layout.places[i], start);
  }
  return out + "</svg>\n";
}

}  // namespace sigillo::report
