// WindowSet: which context windows of a token sequence were seen before. Exact: windows are
// compared, not only hashed.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sigillo/watermark/text.hpp"

namespace sigillo::watermark {

// A window is the `width` tokens before a position, `padding` before the start of the text. One
// window is inserted a step. `history`: how many steps back a window counts as seen; no value: all.
// Not thread-safe.
class WindowSet {
 public:
  WindowSet(std::int32_t width, TokenId padding, std::optional<std::int64_t> history = {})
      : width_(static_cast<std::size_t>(width)), padding_(padding), history_(history) {}

  // The window before position `tokens.size()`, oldest first.
  [[nodiscard]] std::vector<TokenId> window(std::span<const TokenId> tokens) const {
    std::vector<TokenId> out(width_, padding_);
    const std::size_t known = std::min(width_, tokens.size());
    std::copy(tokens.end() - static_cast<std::ptrdiff_t>(known), tokens.end(),
              out.end() - static_cast<std::ptrdiff_t>(known));
    return out;
  }
  // Whether this step's window was seen; the step is not counted yet.
  [[nodiscard]] bool contains(const std::vector<TokenId>& window) const {
    const auto found = last_step_.find(window);
    return found != last_step_.end() && (!history_ || step_ - found->second <= *history_);
  }
  // Counts the step. True if its window was not seen.
  bool insert(const std::vector<TokenId>& window) {
    const bool fresh = !contains(window);
    last_step_[window] = step_++;
    return fresh;
  }

 private:
  struct Hash {
    std::size_t operator()(const std::vector<TokenId>& window) const {
      return std::hash<std::string_view>{}(
          {reinterpret_cast<const char*>(window.data()), window.size() * sizeof(TokenId)});
    }
  };
  std::size_t width_;
  TokenId padding_;
  std::optional<std::int64_t> history_;
  std::int64_t step_ = 0;
  std::unordered_map<std::vector<TokenId>, std::int64_t, Hash> last_step_;
};

}  // namespace sigillo::watermark
