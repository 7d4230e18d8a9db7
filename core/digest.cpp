#include "sigillo/core/digest.hpp"

#include <openssl/hmac.h>

#include <algorithm>

#include "core/openssl.hpp"

namespace sigillo::core {
namespace {
// Fetched once: an implicit fetch per message costs more than hashing it.
const EVP_MD* sha256_method() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  SIGILLO_CHECK(method != nullptr);
  return method;
}
}  // namespace

Result<Digest> Digest::from_hex(std::string_view text) {
  SIGILLO_TRY(const Bytes bytes, hex_decode(text));
  return from_bytes(bytes);
}
Result<Digest> Digest::from_bytes(ByteView bytes) {
  if (bytes.size() != 32)
    return Error{ErrorCode::invalid_input, "a SHA-256 digest has 32 bytes", ""};
  Digest digest;
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  return digest;
}

struct Sha256::Impl {
  openssl::DigestContext context{EVP_MD_CTX_new()};
  void restart() {
    SIGILLO_CHECK(EVP_DigestInit_ex2(context.get(), sha256_method(), nullptr) == 1);
  }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) { impl_->restart(); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(ByteView bytes) {
  SIGILLO_CHECK(EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}
Digest Sha256::finish() {
  Digest digest;
  unsigned length = 0;
  SIGILLO_CHECK(EVP_DigestFinal_ex(impl_->context.get(), digest.bytes.data(), &length) == 1 &&
                length == 32);
  impl_->restart();
  return digest;
}

Digest sha256(ByteView bytes) {
  thread_local Sha256 hasher;
  return hasher.update(bytes).finish();
}
Digest sha256(std::string_view text) { return sha256(as_bytes(text)); }

Digest hmac_sha256(ByteView key, ByteView message) {
  Digest digest;
  unsigned length = 0;
  static constexpr std::uint8_t kEmpty = 0;  // OpenSSL takes no null key
  const auto* result =
      HMAC(sha256_method(), key.empty() ? &kEmpty : key.data(), static_cast<int>(key.size()),
           message.data(), message.size(), digest.bytes.data(), &length);
  SIGILLO_CHECK(result != nullptr && length == 32);
  return digest;
}

}  // namespace sigillo::core
