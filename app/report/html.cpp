#include "app/report/html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "app/report/plain_text.hpp"

namespace sigillo::report {
namespace {

constexpr std::array<std::string_view, 3> kVoid = {"br", "link", "meta"};
// Their content is text as it stands, without references.
constexpr std::array<std::string_view, 2> kRaw = {"script", "style"};

template <std::size_t n>
bool among(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string dereferenced(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 5> kReferences = {
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}}};
  std::string out;
  while (!text.empty()) {
    std::size_t used = 1;
    char c = text[0];
    for (const auto& [reference, character] : kReferences)
      if (text.starts_with(reference)) used = reference.size(), c = character;
    out += c;
    text.remove_prefix(used);
  }
  return out;
}

// One line, whatever is in it: no text can look like a tag.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out += "\\\\";
    else if (c == '\n') out += "\\n";
    else out += c;
  }
  return out;
}

struct Tag {
  std::string_view name;
  std::vector<std::pair<std::string, std::string>> attributes;

  [[nodiscard]] std::string id() const {
    for (const auto& [name_, value] : attributes)
      if (name_ == "id") return value;
    return "";
  }
};

// The inside of <...>: a name, then name="value" or a bare name.
Tag read_tag(std::string_view inside) {
  Tag tag;
  const std::size_t end = std::min(inside.find(' '), inside.size());
  tag.name = inside.substr(0, end);
  inside.remove_prefix(end);
  while (!inside.empty()) {
    inside.remove_prefix(1);  // the space
    const std::size_t name_end = std::min(inside.find_first_of("= "), inside.size());
    std::string name(inside.substr(0, name_end)), value;
    inside.remove_prefix(name_end);
    if (inside.starts_with("=\"")) {
      const std::size_t quote = std::min(inside.find('"', 2), inside.size());
      value = dereferenced(inside.substr(2, quote - 2));
      inside.remove_prefix(std::min(quote + 1, inside.size()));
    }
    tag.attributes.emplace_back(std::move(name), std::move(value));
  }
  return tag;
}

}  // namespace

Html Html::text(std::string_view text) { return rendered(markup(text)); }

Html Html::rendered(std::string markup) {
  Html html;
  html.bytes_ = std::move(markup);
  return html;
}

Html Html::element(std::string_view tag, const Attributes& attributes,
                   std::initializer_list<Html> children) {
  Html html;
  html.bytes_ = fmt::format("<{}", tag);
  for (const auto& [name, value] : attributes)
    html.bytes_ += fmt::format(" {}=\"{}\"", name, markup(value));
  html.bytes_ += ">";
  if (among(kVoid, tag)) return html;
  for (const Html& child : children) html.bytes_ += child.bytes_;
  html.bytes_ += fmt::format("</{}>", tag);
  return html;
}

Html& Html::add(const Html& child) {
  bytes_ += child.bytes_;
  return *this;
}

Html tag(std::string_view name, std::string_view text) {
  return Html::element(name, {}, {Html::text(text)});
}
Html tag(std::string_view name, const Html& child) { return Html::element(name, {}, {child}); }
Html tag(std::string_view name, std::string_view css_class, const Html& child) {
  return Html::element(name, {{"class", std::string(css_class)}}, {child});
}

std::string page_structure(std::string_view page, const std::vector<std::string_view>& skipped) {
  std::string out;
  const auto take_text = [&](std::string_view text) {
    if (!text.empty()) out.append("\nt").append(one_line(text));
  };
  while (!page.empty()) {
    const std::size_t open = std::min(page.find('<'), page.size());
    take_text(dereferenced(page.substr(0, open)));
    page.remove_prefix(open);
    const std::size_t close = page.find('>');
    if (close == std::string_view::npos) break;
    const std::string_view inside = page.substr(1, close - 1);
    page.remove_prefix(close + 1);
    if (inside.starts_with('!')) continue;  // the doctype
    if (inside.starts_with('/')) {
      out += "\n)";
      continue;
    }
    const Tag tag = read_tag(inside);
    out.append("\n(").append(tag.name);
    for (const auto& [name, value] : tag.attributes)
      if (name != "open") out.append("\na").append(name).append("=").append(one_line(value));
    if (among(kVoid, tag.name)) out += "\n)";
    if (among(kRaw, tag.name)) {
      const std::size_t end = std::min(page.find(fmt::format("</{}>", tag.name)), page.size());
      if (std::find(skipped.begin(), skipped.end(), tag.id()) == skipped.end())
        take_text(page.substr(0, end));
      page.remove_prefix(end);
    }
  }
  return out;
}

}  // namespace sigillo::report
