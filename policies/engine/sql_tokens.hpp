// SQL as tokens, for lint. Private to the engine; pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sigillo::policy {

enum class TokenKind { word, quoted_name, string, number, parameter, symbol };

struct Token {
  TokenKind kind = TokenKind::symbol;
  std::string text;   // a string without its quotes; a symbol such as "<="
  std::string upper;  // of a word, for keywords
  int line = 0;       // from 0, relative to the text
};

// tokenize splits as SQLite does: comments and white space vanish, '' in a string is one quote. It
// never fails: an open string or comment ends with the text (SQLite itself refuses such a text
// later).
[[nodiscard]] std::vector<Token> tokenize(std::string_view sql);

}  // namespace sigillo::policy
