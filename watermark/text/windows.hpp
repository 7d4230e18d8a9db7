// WindowSet: which context windows of a token sequence were seen before. Exact: windows are
// compared, not only hashed.
#pragma once

#include <functional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "sigillo/watermark/text.hpp"

namespace sigillo::watermark {

// Keeps positions into the caller's growing history; a position p stands for the window of the
// `width` tokens before it, -1 before the start. Not thread-safe.
class WindowSet {
 public:
  explicit WindowSet(std::int32_t width) : width_(static_cast<std::size_t>(width)) {}

  // The window before position `tokens.size()`, oldest first.
  [[nodiscard]] std::vector<TokenId> window(std::span<const TokenId> tokens) const {
    std::vector<TokenId> out(width_, -1);
    const std::size_t known = std::min(width_, tokens.size());
    std::copy(tokens.end() - static_cast<std::ptrdiff_t>(known), tokens.end(),
              out.end() - static_cast<std::ptrdiff_t>(known));
    return out;
  }
  [[nodiscard]] bool contains(const std::vector<TokenId>& window) const {
    return seen_.count(window) != 0;
  }
  // True if this window was not inserted before.
  bool insert(const std::vector<TokenId>& window) { return seen_.insert(window).second; }

 private:
  struct Hash {
    std::size_t operator()(const std::vector<TokenId>& window) const {
      return std::hash<std::string_view>{}(
          {reinterpret_cast<const char*>(window.data()), window.size() * sizeof(TokenId)});
    }
  };
  std::size_t width_;
  std::unordered_set<std::vector<TokenId>, Hash> seen_;
};

}  // namespace sigillo::watermark
