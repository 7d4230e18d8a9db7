// A lineage as text, JSON, DOT and SVG (docs/formats/lineage.md). Pure; equal graphs give equal
// bytes. Names from records are escaped for each form.
#pragma once

#include <string>

#include "sigillo/audit/lineage.hpp"

namespace sigillo::report {

// Most nodes that a picture shows; a larger lineage is refused (input_too_large): nobody can read
// it.
inline constexpr std::size_t kMaxPictureNodes = 400;

[[nodiscard]] std::string lineage_text(const audit::Lineage& lineage);
// Strings and integers only: canonical_json accepts it.
[[nodiscard]] core::Json lineage_json(const audit::Lineage& lineage);
[[nodiscard]] std::string lineage_dot(const audit::Lineage& lineage);
// One <svg> element with <title> and <desc>: columns in the order in which data flows. A node is
// named by words and marked by the shape of its left edge; what has gaps carries a triangle and the
// words of the first gap. `page` leaves out the colours, which a page gives by classes (lin-*).
struct SvgOptions {
  bool page = false;
};
[[nodiscard]] core::Result<std::string> lineage_svg(const audit::Lineage& lineage,
                                                    const SvgOptions& options = {});

// The words for a node: "dataset corpus", "run 8f14e45f…", "200 outputs of marked (entry 11)".
[[nodiscard]] std::string node_words(const audit::LineageNode& node);
[[nodiscard]] std::string fact_of(const audit::LineageNode& node, std::string_view name);

}  // namespace sigillo::report
