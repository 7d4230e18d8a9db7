// HTML as a value. Text and attributes are escaped by construction; what is not text is a literal
// of this program. There is no way to put a record's text into a page as markup.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sigillo/core/digest.hpp"

namespace sigillo::report {

class Html {
 public:
  Html() = default;
  using Attributes = std::vector<std::pair<std::string_view, std::string>>;
  // Text, from whatever source: printable, then escaped.
  [[nodiscard]] static Html text(std::string_view text);
  // <tag attributes>children</tag>; tag and attribute names are literals.
  [[nodiscard]] static Html element(std::string_view tag, const Attributes& attributes,
                                    std::initializer_list<Html> children = {});
  // What a pure renderer of this folder has escaped already (lineage_svg), or a literal.
  [[nodiscard]] static Html rendered(std::string markup);

  Html& add(const Html& child);  // appends to the end of a list of siblings
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// <tag>text</tag> and <tag class="name">children</tag>, the most frequent forms.
[[nodiscard]] Html tag(std::string_view name, std::string_view text);
[[nodiscard]] Html tag(std::string_view name, const Html& child);
[[nodiscard]] Html tag(std::string_view name, std::string_view css_class, const Html& child);

// The structure of a page that this folder made, as a text that a script can compute from the
// document that a browser shows: docs/formats/report.md, "The page's structure". `skipped`: the ids
// of elements whose content does not count. It reads our own bytes only; it is no HTML parser.
[[nodiscard]] std::string page_structure(std::string_view page,
                                         const std::vector<std::string_view>& skipped);

}  // namespace sigillo::report
