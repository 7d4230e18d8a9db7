// Bearer tokens: who may do more than the public (docs/operating/serve.md).
//
//   sgl_ID_SECRET   ID: 8 hex digits, to find it by; SECRET: 64 hex digits, 256 random bits
//
// The file tokens.json of the workspace (mode 0600) holds SHA-256 of each token, never a token. A
// plain hash is enough: what is hashed cannot be guessed.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sigillo/core/clock.hpp"
#include "sigillo/core/digest.hpp"

namespace sigillo::server {

inline constexpr std::string_view kScopeVerify = "verify";          // without the anonymous limit
inline constexpr std::string_view kScopeRecords = "records:write";  // append records
inline constexpr std::size_t kMaxTokens = 1024;

struct Token {
  std::string id;
  std::string name;  // for people: 1..64 printable ASCII characters
  std::vector<std::string> scopes;
  std::string created_at, expires_at;  // RFC 3339
  core::Digest sha256;                 // of the whole token
};

// Thread-safe, and safe among processes: a change waits for the one before it (the file's folder is
// locked).
class TokenFile {
 public:
  explicit TokenFile(std::filesystem::path file) : file_(std::move(file)) {}

  struct Created {
    Token token;
    std::string secret;  // the token itself: shown once
  };
  // valid_days: 1..3650. Unknown scope, bad name: invalid_argument.
  [[nodiscard]] core::Result<Created> create(std::string_view name,
                                             const std::vector<std::string>& scopes, int valid_days,
                                             core::Entropy& entropy, const core::Clock& clock);
  // A missing file holds no tokens. Others may read or write it: key_insecure.
  [[nodiscard]] core::Result<std::vector<Token>> list() const;
  [[nodiscard]] core::Status revoke(std::string_view id);  // not_found

  // The token that this is, if it is one and its time has not passed. The file is read again when
  // it has changed, so that a revocation counts at once. The comparison takes the same time
  // wherever two digests differ.
  [[nodiscard]] core::Result<std::optional<Token>> find(std::string_view secret,
                                                        core::Timestamp now) const;

 private:
  struct Version {
    std::int64_t seconds = 0, nanoseconds = 0, size = -1;
    std::uint64_t inode = 0;
    bool operator==(const Version&) const = default;
  };
  [[nodiscard]] Version version() const;
  [[nodiscard]] core::Status store(const std::vector<Token>& tokens);

  std::filesystem::path file_;
  mutable std::mutex mutex_;  // guards what follows
  mutable std::optional<Version> read_version_;
  mutable std::vector<Token> read_tokens_;
};

[[nodiscard]] bool has_scope(const Token& token, std::string_view scope);

}  // namespace sigillo::server
