// Keyring: a folder of key files, one secret a file, mode 0600.
//
//   NAME.json        {"algorithm", "created_at", "key_id", "kind", "name", ["public_key"]}: no
//   secret NAME.pem         signing key: PKCS#8 PEM, usable with other tools NAME.watermark
//   watermark key: "0x" and 16 hex digits of the 64-bit secret, or a list of such numbers, one a
//   line
//
// A watermark key's id is random: an id derived from 64 secret bits could be searched. A signing
// key's id is the SHA-256 of its SubjectPublicKeyInfo. Secrets never reach arguments, logs or the
// ledger. Thread-safe for distinct names.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sigillo/core/clock.hpp"
#include "sigillo/core/signature.hpp"
#include "sigillo/core/watermark_key.hpp"

namespace sigillo::core {

struct KeyInfo {
  std::string name;       // [a-z0-9][a-z0-9._-]{0,63}
  std::string kind;       // "signing" or "watermark"
  std::string algorithm;  // "ed25519", "ecdsa-p256", "uint64", "uint64-list"
  std::string key_id;
  std::string created_at;  // RFC 3339
  std::string public_key;  // PEM, for signing keys
};

class Keyring {
 public:
  explicit Keyring(std::filesystem::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] Result<KeyInfo> generate_signing(std::string_view name, KeyAlgorithm algorithm,
                                                 Entropy& entropy, const Clock& clock);
  [[nodiscard]] Result<KeyInfo> generate_watermark(std::string_view name, Entropy& entropy,
                                                   const Clock& clock);
  // Imports from the text of a key file: PEM, or a watermark key (parse_watermark_values).
  [[nodiscard]] Result<KeyInfo> import_key(std::string_view name, std::string_view text,
                                           Entropy& entropy, const Clock& clock);

  [[nodiscard]] Result<std::vector<KeyInfo>> list() const;  // by name
  [[nodiscard]] Result<KeyInfo> info(
      std::string_view name) const;  // key_missing names the keys that are there
  // Deletes the secret of a signing key; its description, with the public half, stays. Nothing to
  // do if it is gone. key_missing.
  [[nodiscard]] Status forget_secret(std::string_view name);
  // The secrets. A file that others may read is refused: key_insecure.
  [[nodiscard]] Result<PrivateKey> signing_key(std::string_view name) const;
  [[nodiscard]] Result<WatermarkKey> watermark_values(std::string_view name) const;
  // The same for callers whose scheme takes one number: a list is unsupported.
  [[nodiscard]] Result<std::uint64_t> watermark_key(std::string_view name) const;

 private:
  [[nodiscard]] Status store(const KeyInfo& info, std::string_view secret,
                             std::string_view extension);
  [[nodiscard]] Result<std::string> secret(const KeyInfo& info, std::string_view extension) const;
  std::filesystem::path folder_;
};

// parse_watermark_key reads a decimal or 0x-hex number in [0, 2^64), one trailing newline allowed.
// invalid_input otherwise.
[[nodiscard]] Result<std::uint64_t> parse_watermark_key(std::string_view text);

}  // namespace sigillo::core
