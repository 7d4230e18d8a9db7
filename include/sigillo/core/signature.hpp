// Signing keys: Ed25519 (RFC 8032) and ECDSA P-256 with SHA-256 (FIPS 186-5), through OpenSSL,
// which this header does not name.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sigillo/core/clock.hpp"
#include "sigillo/core/digest.hpp"

namespace sigillo::core {

enum class KeyAlgorithm { ed25519, ecdsa_p256 };
[[nodiscard]] std::string_view to_string(KeyAlgorithm algorithm);  // "ed25519", "ecdsa-p256"
[[nodiscard]] Result<KeyAlgorithm> key_algorithm(std::string_view text);

// PublicKey is an immutable value; copies share it. Thread-safe.
class PublicKey {
 public:
  [[nodiscard]] static Result<PublicKey> from_spki_der(
      ByteView der);  // SubjectPublicKeyInfo; other algorithms: unsupported
  [[nodiscard]] static Result<PublicKey> from_pem(std::string_view pem);
  [[nodiscard]] static Result<PublicKey> from_ed25519(ByteView raw32);

  [[nodiscard]] KeyAlgorithm algorithm() const;
  [[nodiscard]] const Bytes& spki_der() const;
  [[nodiscard]] std::string pem() const;
  // SHA-256 of the SPKI DER: the key's identity in the trust list and in DSSE keyid fields.
  [[nodiscard]] Digest id() const;
  // The 32 raw bytes of an Ed25519 key; unsupported for others.
  [[nodiscard]] Result<Bytes> ed25519_raw() const;
  // Ed25519: 64 bytes. P-256: a DER sequence. signature_invalid if it does not hold.
  [[nodiscard]] Status verify(ByteView message, ByteView signature) const;

  struct Impl;

 private:
  friend class PrivateKey;
  explicit PublicKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// PrivateKey holds a secret; OpenSSL cleanses it. Move-only. sign() is thread-safe.
class PrivateKey {
 public:
  [[nodiscard]] static Result<PrivateKey> generate(KeyAlgorithm algorithm, Entropy& entropy);
  [[nodiscard]] static Result<PrivateKey> from_pem(std::string_view pem);  // PKCS#8, not encrypted
  [[nodiscard]] static Result<PrivateKey> from_ed25519_seed(
      ByteView seed32);  // RFC 8032's 32-byte secret
  [[nodiscard]] static Result<PrivateKey> from_p256_scalar(ByteView big_endian32);  // 1 <= d < n
  PrivateKey(PrivateKey&&) noexcept;
  PrivateKey& operator=(PrivateKey&&) noexcept;
  ~PrivateKey();

  [[nodiscard]] const PublicKey& public_key() const;
  [[nodiscard]] Result<std::string> pem() const;  // the secret itself: for key files only
  // Ed25519: 64 bytes, deterministic. P-256: DER, randomized by OpenSSL.
  [[nodiscard]] Result<Bytes> sign(ByteView message) const;

 private:
  struct Impl;
  explicit PrivateKey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// ecdsa_der turns a raw r||s signature of 64 bytes into the DER form that verify() takes.
[[nodiscard]] Result<Bytes> ecdsa_der(ByteView raw64);

}  // namespace sigillo::core
