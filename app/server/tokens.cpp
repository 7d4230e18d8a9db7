#include "app/server/tokens.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/folder_lock.hpp"
#include "sigillo/core/files.hpp"
#include "sigillo/core/json.hpp"

namespace sigillo::server {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
constexpr std::string_view kPrefix = "sgl_";
constexpr std::size_t kIdDigits = 8;
constexpr std::size_t kTokenBytes = kPrefix.size() + kIdDigits + 1 + 64;

bool same(const core::Digest& a, const core::Digest& b) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.bytes.size(); ++i)
    difference |= static_cast<unsigned>(a.bytes[i] ^ b.bytes[i]);
  return difference == 0;
}

Json to_json(const Token& token) {
  return Json{{"id", token.id},
              {"name", token.name},
              {"scopes", token.scopes},
              {"created_at", token.created_at},
              {"expires_at", token.expires_at},
              {"sha256", token.sha256.hex()}};
}

Result<Token> token_from_json(const Json& value) {
  Token token;
  SIGILLO_TRY(token.id, core::json_string(value, "id", "token"));
  SIGILLO_TRY(token.name, core::json_string(value, "name", "token"));
  SIGILLO_TRY(token.created_at, core::json_string(value, "created_at", "token"));
  SIGILLO_TRY(token.expires_at, core::json_string(value, "expires_at", "token"));
  SIGILLO_TRY_VOID(
      core::timestamp_from_rfc3339(token.expires_at).has_value()
          ? Status()
          : Status(Error{ErrorCode::invalid_input, "token: expires_at is no time", ""}));
  SIGILLO_TRY(const std::string digest, core::json_string(value, "sha256", "token"));
  SIGILLO_TRY(token.sha256, core::Digest::from_hex(digest));
  SIGILLO_TRY(const Json scopes, core::json_member(value, "scopes", "token"));
  for (const Json& scope : scopes) {
    if (!scope.is_string()) return Error{ErrorCode::invalid_input, "token: a scope is no text", ""};
    token.scopes.push_back(scope.get<std::string>());
  }
  return token;
}

Status check_new(std::string_view name, const std::vector<std::string>& scopes, int valid_days) {
  const bool printable =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  if (name.empty() || name.size() > 64 || !printable)
    return Error{ErrorCode::invalid_argument, "the name is not 1 to 64 printable ASCII characters",
                 "name the person or program that gets the token"};
  for (const std::string& scope : scopes)
    if (scope != kScopeVerify && scope != kScopeRecords)
      return Error{ErrorCode::invalid_argument, fmt::format("there is no scope \"{}\"", scope),
                   fmt::format("the scopes are {} and {}", kScopeVerify, kScopeRecords)};
  if (scopes.empty())
    return Error{ErrorCode::invalid_argument, "a token without a scope allows nothing",
                 fmt::format("the scopes are {} and {}", kScopeVerify, kScopeRecords)};
  if (valid_days < 1 || valid_days > 3650)
    return Error{ErrorCode::invalid_argument, "a token is valid for 1 to 3650 days", ""};
  return {};
}

}  // namespace

bool has_scope(const Token& token, std::string_view scope) {
  return std::find(token.scopes.begin(), token.scopes.end(), scope) != token.scopes.end();
}

Result<TokenFile::Created> TokenFile::create(std::string_view name,
                                             const std::vector<std::string>& scopes, int valid_days,
                                             core::Entropy& entropy, const core::Clock& clock) {
  SIGILLO_TRY_VOID(check_new(name, scopes, valid_days));
  SIGILLO_TRY(const core::FolderLock lock, core::FolderLock::take(file_.parent_path()));
  SIGILLO_TRY(std::vector<Token> tokens, list());
  if (tokens.size() >= kMaxTokens)
    return Error{ErrorCode::input_too_large, "there are 1024 tokens already",
                 "revoke those that are no longer used"};
  std::array<std::uint8_t, kIdDigits / 2> id{};
  std::array<std::uint8_t, 32> random{};
  SIGILLO_TRY_VOID(entropy.fill(id));
  SIGILLO_TRY_VOID(entropy.fill(random));
  Created created;
  created.token.id = core::hex_encode(id);
  created.secret = fmt::format("{}{}_{}", kPrefix, created.token.id, core::hex_encode(random));
  core::secure_zero(random.data(), random.size());
  const core::Timestamp now = clock.now();
  created.token.name = name;
  created.token.scopes = scopes;
  created.token.created_at = core::to_rfc3339(now);
  created.token.expires_at = core::to_rfc3339({now.seconds + std::int64_t{valid_days} * 86400, 0});
  created.token.sha256 = core::sha256(created.secret);
  tokens.push_back(created.token);
  SIGILLO_TRY_VOID(store(tokens));
  return created;
}

Result<std::vector<Token>> TokenFile::list() const {
  struct stat info {};
  if (::stat(file_.c_str(), &info) != 0) {
    if (errno == ENOENT) return std::vector<Token>();
    return core::error_from_errno(errno, "cannot read", file_);
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Error{ErrorCode::key_insecure, fmt::format("others may use {}", file_.string()),
                 "replace the tokens if somebody may have changed the file, then chmod 600 it"};
  SIGILLO_TRY(const core::Bytes bytes, core::read_file(file_, kMaxFileBytes));
  auto value = core::parse_json(core::as_text(bytes));
  if (!value.has_value()) return value.error().in(file_.string());
  SIGILLO_TRY(const Json list, core::json_member(*value, "tokens", file_.string()));
  std::vector<Token> tokens;
  for (const Json& item : list) {
    auto token = token_from_json(item);
    if (!token.has_value()) return token.error().in(file_.string());
    tokens.push_back(*std::move(token));
  }
  return tokens;
}

Status TokenFile::revoke(std::string_view id) {
  SIGILLO_TRY(const core::FolderLock lock, core::FolderLock::take(file_.parent_path()));
  SIGILLO_TRY(std::vector<Token> tokens, list());
  const auto found = std::find_if(tokens.begin(), tokens.end(),
                                  [&](const Token& token) { return token.id == id; });
  if (found == tokens.end())
    return Error{ErrorCode::not_found, fmt::format("there is no token with the id \"{}\"", id),
                 "`sigillo tokens list` shows them"};
  tokens.erase(found);
  return store(tokens);
}

Status TokenFile::store(const std::vector<Token>& tokens) {
  Json list = Json::array();
  for (const Token& token : tokens) list.push_back(to_json(token));
  const std::string text = Json{{"tokens", std::move(list)}}.dump(2) + "\n";
  return core::write_file_atomically(file_, core::as_bytes(text), 0600);
}

TokenFile::Version TokenFile::version() const {
  struct stat info {};
  if (::stat(file_.c_str(), &info) != 0) return {};
  return {info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_size, info.st_ino};
}

Result<std::optional<Token>> TokenFile::find(std::string_view secret, core::Timestamp now) const {
  if (secret.size() != kTokenBytes || !secret.starts_with(kPrefix)) return std::optional<Token>();
  const std::lock_guard lock(mutex_);
  const Version current = version();
  if (read_version_ != current) {
    SIGILLO_TRY(read_tokens_, list());
    read_version_ = current;
  }
  const core::Digest digest = core::sha256(secret);
  const std::string_view id = secret.substr(kPrefix.size(), kIdDigits);
  for (const Token& token : read_tokens_) {
    if (token.id != id || !same(token.sha256, digest)) continue;
    const auto expires = core::timestamp_from_rfc3339(token.expires_at);
    if (expires.has_value() && now < *expires) return std::optional<Token>(token);
  }
  return std::optional<Token>();
}

}  // namespace sigillo::server
