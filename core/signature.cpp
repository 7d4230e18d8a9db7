#include "sigillo/core/signature.hpp"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "core/openssl.hpp"

namespace sigillo::core {
namespace {

using openssl::failure;

Result<KeyAlgorithm> algorithm_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return KeyAlgorithm::ed25519;
  char curve[32] = {};
  const bool ec = EVP_PKEY_is_a(key, "EC") == 1 &&
                  EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve,
                                                 sizeof curve, nullptr) == 1;
  if (ec && std::string_view(curve) == "prime256v1") return KeyAlgorithm::ecdsa_p256;
  return Error{ErrorCode::unsupported, "the key is neither Ed25519 nor ECDSA P-256",
               "generate one with `sigillo keys generate`"};
}

Result<Bytes> spki_of(const EVP_PKEY* key) {
  unsigned char* raw = nullptr;
  const int size = i2d_PUBKEY(key, &raw);
  if (size <= 0) return failure("cannot encode a public key");
  Bytes der(raw, raw + size);
  OPENSSL_free(raw);
  return der;
}

openssl::Memory memory_of(std::string_view text) {
  return openssl::Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

// A passphrase prompt would block a daemon for ever: encrypted files are refused instead.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

std::string_view to_string(KeyAlgorithm algorithm) {
  return algorithm == KeyAlgorithm::ed25519 ? "ed25519" : "ecdsa-p256";
}
Result<KeyAlgorithm> key_algorithm(std::string_view text) {
  for (const KeyAlgorithm algorithm : {KeyAlgorithm::ed25519, KeyAlgorithm::ecdsa_p256})
    if (to_string(algorithm) == text) return algorithm;
  return Error{ErrorCode::unsupported, "unknown key algorithm \"" + std::string(text) + "\"",
               "use ed25519 or ecdsa-p256"};
}

struct PublicKey::Impl {
  openssl::Key key;
  KeyAlgorithm algorithm;
  Bytes spki;
};

namespace {

using Raw =
    std::array<std::uint8_t, 32>;  // an encoded point, little-endian: y, and x's sign on top

// The y coordinates of the eight points whose order divides the cofactor (RFC 8032, 5.1): the sign
// of x gives the others. Anybody can make signatures that hold under such a key.
constexpr std::array<Raw, 5> kSmallOrder = {
    {{0x00},
     {0x01},
     {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
     {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
      0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
      0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
     {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
      0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
      0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}}};

// y is not below the field's prime 2^255 - 19: a second name for another point.
bool is_not_reduced(const Raw& y) {
  return y[31] == 0x7f && y[0] >= 0xed &&
         std::all_of(y.begin() + 1, y.end() - 1, [](std::uint8_t b) { return b == 0xff; });
}

Status check_ed25519_point(const EVP_PKEY* key) {
  Raw y{};
  std::size_t size = y.size();
  if (EVP_PKEY_get_raw_public_key(key, y.data(), &size) != 1 || size != y.size())
    return failure("cannot read an Ed25519 public key");
  y[31] &= 0x7f;
  if (!is_not_reduced(y) &&
      std::find(kSmallOrder.begin(), kSmallOrder.end(), y) == kSmallOrder.end())
    return {};
  return Error{ErrorCode::invalid_input,
               "the Ed25519 public key is of small order or not in its only form: signatures under "
               "it prove nothing",
               "ask the key's owner for a real one"};
}

Result<std::shared_ptr<const PublicKey::Impl>> describe(openssl::Key key) {
  SIGILLO_TRY(const KeyAlgorithm algorithm, algorithm_of(key.get()));
  if (algorithm == KeyAlgorithm::ed25519) SIGILLO_TRY_VOID(check_ed25519_point(key.get()));
  SIGILLO_TRY(Bytes spki, spki_of(key.get()));
  return std::shared_ptr<const PublicKey::Impl>(std::make_shared<PublicKey::Impl>(
      PublicKey::Impl{std::move(key), algorithm, std::move(spki)}));
}
}  // namespace

Result<PublicKey> PublicKey::from_spki_der(ByteView der) {
  const unsigned char* cursor = der.data();
  openssl::Key key(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(der.size())));
  if (key == nullptr || cursor != der.data() + der.size()) {
    ERR_clear_error();
    return Error{ErrorCode::invalid_input, "not a DER SubjectPublicKeyInfo", ""};
  }
  SIGILLO_TRY(auto impl, describe(std::move(key)));
  return PublicKey(std::move(impl));
}
Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  openssl::Key key(PEM_read_bio_PUBKEY(memory_of(pem).get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) {
    ERR_clear_error();
    return Error{ErrorCode::invalid_input, "not a PEM public key",
                 "give a file that begins with -----BEGIN PUBLIC KEY-----"};
  }
  SIGILLO_TRY(auto impl, describe(std::move(key)));
  return PublicKey(std::move(impl));
}
Result<PublicKey> PublicKey::from_ed25519(ByteView raw32) {
  if (raw32.size() != 32)
    return Error{ErrorCode::invalid_input, "an Ed25519 public key has 32 bytes", ""};
  openssl::Key key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw32.data(), raw32.size()));
  if (key == nullptr) return failure("cannot load an Ed25519 public key");
  SIGILLO_TRY(auto impl, describe(std::move(key)));
  return PublicKey(std::move(impl));
}

KeyAlgorithm PublicKey::algorithm() const { return impl_->algorithm; }
const Bytes& PublicKey::spki_der() const { return impl_->spki; }
Digest PublicKey::id() const { return sha256(impl_->spki); }
std::string PublicKey::pem() const {
  openssl::Memory memory(BIO_new(BIO_s_mem()));
  SIGILLO_CHECK(PEM_write_bio_PUBKEY(memory.get(), impl_->key.get()) == 1);
  return text_of(memory.get());
}
Result<Bytes> PublicKey::ed25519_raw() const {
  Bytes raw(32);
  std::size_t size = raw.size();
  if (algorithm() != KeyAlgorithm::ed25519 ||
      EVP_PKEY_get_raw_public_key(impl_->key.get(), raw.data(), &size) != 1)
    return Error{ErrorCode::unsupported, "not an Ed25519 key",
                 "notes and checkpoints need an Ed25519 key"};
  return raw;
}

Status PublicKey::verify(ByteView message, ByteView signature) const {
  openssl::DigestContext context(EVP_MD_CTX_new());
  const EVP_MD* method = algorithm() == KeyAlgorithm::ed25519 ? nullptr : EVP_sha256();
  if (EVP_DigestVerifyInit(context.get(), nullptr, method, nullptr, impl_->key.get()) != 1)
    return failure("cannot start a verification");
  const bool holds = EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                      message.data(), message.size()) == 1;
  ERR_clear_error();
  if (!holds)
    return Error{ErrorCode::signature_invalid,
                 "the signature does not hold under key " + id().hex().substr(0, 16), ""};
  return {};
}

struct PrivateKey::Impl {
  openssl::Key key;
  PublicKey public_key;
};
PrivateKey::PrivateKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;
PrivateKey::~PrivateKey() = default;

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  openssl::Key key(PEM_read_bio_PrivateKey(memory_of(pem).get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) {
    ERR_clear_error();
    return Error{ErrorCode::invalid_input, "not an unencrypted PEM private key",
                 "give a PKCS#8 file that begins with -----BEGIN PRIVATE KEY-----"};
  }
  SIGILLO_TRY(const Bytes spki, spki_of(key.get()));
  SIGILLO_TRY(PublicKey public_key, PublicKey::from_spki_der(spki));
  return PrivateKey(std::make_unique<Impl>(Impl{std::move(key), std::move(public_key)}));
}

Result<PrivateKey> PrivateKey::from_ed25519_seed(ByteView seed32) {
  if (seed32.size() != 32)
    return Error{ErrorCode::invalid_input, "an Ed25519 secret has 32 bytes", ""};
  openssl::Key key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed32.data(), seed32.size()));
  if (key == nullptr) return failure("cannot load an Ed25519 secret");
  SIGILLO_TRY(const Bytes spki, spki_of(key.get()));
  SIGILLO_TRY(PublicKey public_key, PublicKey::from_spki_der(spki));
  return PrivateKey(std::make_unique<Impl>(Impl{std::move(key), std::move(public_key)}));
}

Result<PrivateKey> PrivateKey::from_p256_scalar(ByteView big_endian32) {
  if (big_endian32.size() != 32)
    return Error{ErrorCode::invalid_input, "a P-256 secret has 32 bytes", ""};
  const openssl::Group group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  const openssl::Number scalar(
      BN_bin2bn(big_endian32.data(), static_cast<int>(big_endian32.size()), nullptr));
  const openssl::Point point(EC_POINT_new(group.get()));
  if (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(group.get())) >= 0)
    return Error{ErrorCode::invalid_input, "the scalar is no P-256 secret", ""};
  Bytes encoded(65);
  if (EC_POINT_mul(group.get(), point.get(), scalar.get(), nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(),
                         encoded.size(), nullptr) != 65)
    return failure("cannot derive a P-256 public key");
  const openssl::ParameterBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get());
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(),
                                   encoded.size());
  const openssl::Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const openssl::KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* raw = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_KEYPAIR, parameters.get()) != 1)
    return failure("cannot load a P-256 secret");
  openssl::Key key(raw);
  SIGILLO_TRY(const Bytes spki, spki_of(key.get()));
  SIGILLO_TRY(PublicKey public_key, PublicKey::from_spki_der(spki));
  return PrivateKey(std::make_unique<Impl>(Impl{std::move(key), std::move(public_key)}));
}

Result<PrivateKey> PrivateKey::generate(KeyAlgorithm algorithm, Entropy& entropy) {
  Bytes secret(32);
  for (;;) {
    SIGILLO_TRY_VOID(entropy.fill(secret));
    auto key =
        algorithm == KeyAlgorithm::ed25519 ? from_ed25519_seed(secret) : from_p256_scalar(secret);
    // A P-256 scalar outside 1..n-1 (chance 2^-32) is drawn again, which keeps the distribution
    // uniform.
    const bool again = !key.has_value() && key.error().code == ErrorCode::invalid_input;
    secure_zero(secret.data(), secret.size());
    if (!again) return key;
  }
}

const PublicKey& PrivateKey::public_key() const { return impl_->public_key; }

Result<std::string> PrivateKey::pem() const {
  openssl::Memory memory(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_PKCS8PrivateKey(memory.get(), impl_->key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1)
    return failure("cannot write a private key");
  return text_of(memory.get());
}

Result<Bytes> PrivateKey::sign(ByteView message) const {
  openssl::DigestContext context(EVP_MD_CTX_new());
  const EVP_MD* method = public_key().algorithm() == KeyAlgorithm::ed25519 ? nullptr : EVP_sha256();
  std::size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, method, nullptr, impl_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) != 1)
    return failure("cannot sign");
  Bytes signature(size);
  if (EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1)
    return failure("cannot sign");
  signature.resize(size);
  return signature;
}

Result<Bytes> ecdsa_der(ByteView raw64) {
  if (raw64.size() != 64)
    return Error{ErrorCode::invalid_input, "a raw P-256 signature has 64 bytes", ""};
  openssl::Owned<ECDSA_SIG, ECDSA_SIG_free> pair(ECDSA_SIG_new());
  SIGILLO_CHECK(ECDSA_SIG_set0(pair.get(), BN_bin2bn(raw64.data(), 32, nullptr),
                               BN_bin2bn(raw64.data() + 32, 32, nullptr)) == 1);
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &out);
  if (size <= 0) return failure("cannot encode a signature");
  Bytes der(out, out + size);
  OPENSSL_free(out);
  return der;
}

}  // namespace sigillo::core
