#include "policies/engine/sql_tokens.hpp"

#include <algorithm>
#include <array>

namespace sigillo::policy {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$' ||
         (c & 0x80) != 0;
}

class Scanner {
 public:
  explicit Scanner(std::string_view sql) : sql_(sql) {}

  std::vector<Token> run() {
    while (at_ < sql_.size()) {
      if (skip_blank() || skip_comment()) continue;
      const char c = sql_[at_];
      if (c == '\'') {
        quoted(TokenKind::string, '\'');
      } else if (c == '"' || c == '`') {
        quoted(TokenKind::quoted_name, c);
      } else if (c == '[') {
        quoted(TokenKind::quoted_name, ']');
      } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
        number();
      } else if (c == ':' || c == '@' || c == '?' || c == '$') {
        span(TokenKind::parameter, 1);
      } else if (is_word(c)) {
        span(TokenKind::word, 0);
      } else {
        symbol();
      }
    }
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead) const {
    return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
  }

  char next() {
    const char c = sql_[at_++];
    if (c == '\n') ++line_;
    return c;
  }
  bool skip_blank() {
    const char c = sql_[at_];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f') return false;
    next();
    return true;
  }
  bool skip_comment() {
    if (peek(0) == '-' && peek(1) == '-') {
      while (at_ < sql_.size() && next() != '\n') {
      }
      return true;
    }
    if (peek(0) != '/' || peek(1) != '*') return false;
    at_ += 2;
    while (at_ < sql_.size() && !(peek(0) == '*' && peek(1) == '/')) next();
    at_ = std::min(at_ + 2, sql_.size());
    return true;
  }
  void add(TokenKind kind, std::string text, int line) {
    Token token{kind, std::move(text), {}, line};
    if (kind == TokenKind::word) {
      token.upper = token.text;
      std::transform(token.upper.begin(), token.upper.end(), token.upper.begin(),
                     [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    }
    tokens_.push_back(std::move(token));
  }
  void quoted(TokenKind kind, char close) {
    const int line = line_;
    std::string text;
    next();
    while (at_ < sql_.size()) {
      const char c = next();
      if (c != close) {
        text += c;
      } else if (close != ']' && peek(0) == close) {
        text += next();
      } else {
        break;
      }
    }
    add(kind, std::move(text), line);
  }
  void number() {
    const std::size_t start = at_;
    while (at_ < sql_.size()) {
      const char before = sql_[at_ == start ? at_ : at_ - 1];
      const bool sign = (peek(0) == '+' || peek(0) == '-') && (before == 'e' || before == 'E');
      if (!is_word(peek(0)) && peek(0) != '.' && !sign) break;
      ++at_;
    }
    add(TokenKind::number, std::string(sql_.substr(start, at_ - start)), line_);
  }
  void span(TokenKind kind, std::size_t prefix) {
    const std::size_t start = at_;
    at_ += prefix;
    while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
    add(kind, std::string(sql_.substr(start, at_ - start)), line_);
  }
  void symbol() {
    static constexpr std::array<std::string_view, 9> kPairs = {
        "<=", ">=", "<>", "!=", "==", "||", "<<", ">>", "->"};
    const std::string_view pair = sql_.substr(at_, 2);
    const std::size_t size = std::find(kPairs.begin(), kPairs.end(), pair) != kPairs.end() ? 2 : 1;
    add(TokenKind::symbol, std::string(sql_.substr(at_, size)), line_);
    at_ += size;
  }

  std::string_view sql_;
  std::size_t at_ = 0;
  int line_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view sql) { return Scanner(sql).run(); }

}  // namespace sigillo::policy
