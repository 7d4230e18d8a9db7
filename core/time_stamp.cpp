#include "sigillo/core/time_stamp.hpp"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <vector>

#include "core/openssl.hpp"

namespace sigillo::core {
namespace {

using openssl::Owned;

using Request = Owned<TS_REQ, TS_REQ_free>;
using Response = Owned<TS_RESP, TS_RESP_free>;
using Imprint = Owned<TS_MSG_IMPRINT, TS_MSG_IMPRINT_free>;
using Algorithm = Owned<X509_ALGOR, X509_ALGOR_free>;
using Integer = Owned<ASN1_INTEGER, ASN1_INTEGER_free>;
using Certificate = Owned<X509, X509_free>;
using Store = Owned<X509_STORE, X509_STORE_free>;
using ChainContext = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;
using VerifyContext = Owned<TS_VERIFY_CTX, TS_VERIFY_CTX_free>;

constexpr std::size_t kNonceBytes = 8;
constexpr std::size_t kMaxRoots = 256;
// 112 bits of security: RSA from 2048 bits on, no SHA-1 in the chain.
constexpr int kSecurityLevel = 2;

void free_signers(STACK_OF(X509) * signers) { sk_X509_free(signers); }

Error malformed(std::string_view what, std::string_view why) {
  ERR_clear_error();
  return Error{ErrorCode::invalid_input, fmt::format("not {}: {}", what, why), ""};
}
Error no_response(std::string_view why) { return malformed("an RFC 3161 response", why); }

// A request for this digest, still without a nonce.
Result<Request> request_for(const Digest& imprint) {
  Request request(TS_REQ_new());
  const Imprint message(TS_MSG_IMPRINT_new());
  const Algorithm algorithm(X509_ALGOR_new());
  if (request == nullptr || message == nullptr || algorithm == nullptr)
    return openssl::failure("cannot make a time stamp request");
  X509_ALGOR_set_md(algorithm.get(), EVP_sha256());
  std::array<std::uint8_t, 32> bytes = imprint.bytes;  // the call takes no const
  if (TS_MSG_IMPRINT_set_algo(message.get(), algorithm.get()) != 1 ||
      TS_MSG_IMPRINT_set_msg(message.get(), bytes.data(), static_cast<int>(bytes.size())) != 1 ||
      TS_REQ_set_version(request.get(), 1) != 1 ||
      TS_REQ_set_msg_imprint(request.get(), message.get()) != 1 ||
      TS_REQ_set_cert_req(request.get(), 1) != 1)
    return openssl::failure("cannot make a time stamp request");
  return request;
}

Result<Digest> imprint_of(TS_MSG_IMPRINT* imprint) {
  X509_ALGOR* const algorithm = TS_MSG_IMPRINT_get_algo(imprint);
  const ASN1_OCTET_STRING* const message = TS_MSG_IMPRINT_get_msg(imprint);
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  if (OBJ_obj2nid(object) != NID_sha256) return no_response("it is not about a SHA-256 digest");
  auto digest = Digest::from_bytes(ByteView(ASN1_STRING_get0_data(message),
                                            static_cast<std::size_t>(ASN1_STRING_length(message))));
  if (!digest.has_value()) return no_response("its digest has not 32 bytes");
  return digest;
}

std::string_view failure_name(const ASN1_BIT_STRING* failures) {
  constexpr std::array<std::pair<int, std::string_view>, 8> names{{
      {0, "badAlg"},
      {2, "badRequest"},
      {5, "badDataFormat"},
      {14, "timeNotAvailable"},
      {15, "unacceptedPolicy"},
      {16, "unacceptedExtension"},
      {17, "addInfoNotAvailable"},
      {25, "systemFailure"},
  }};
  if (failures != nullptr)
    for (const auto& [bit, name] : names)
      if (ASN1_BIT_STRING_get_bit(failures, bit) == 1) return name;
  return "no reason given";
}

// 0 is granted, 1 granted with modifications: what was asked for is checked one by one all the
// same.
Status check_granted(TS_RESP* response) {
  const TS_STATUS_INFO* const info = TS_RESP_get_status_info(response);
  const long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(info));
  if (status != 0 && status != 1)
    return Error{ErrorCode::not_trusted,
                 fmt::format("the authority granted no time stamp: status {}, {}", status,
                             failure_name(TS_STATUS_INFO_get0_failure_info(info))),
                 "ask the operator of the authority, or another authority"};
  if (TS_RESP_get_tst_info(response) == nullptr) return no_response("it holds no token");
  return {};
}

// A granted response.
Result<Response> parse_response(ByteView der) {
  if (der.size() > kMaxTimeStampBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("a time stamp has at most {} bytes", kMaxTimeStampBytes), ""};
  const std::uint8_t* position = der.data();
  Response response(d2i_TS_RESP(nullptr, &position, static_cast<long>(der.size())));
  if (response == nullptr) return no_response("it is not the DER of one");
  if (position != der.data() + der.size()) return no_response("bytes follow it");
  SIGILLO_TRY_VOID(check_granted(response.get()));
  return response;
}

Result<Timestamp> time_of(const TS_TST_INFO* info) {
  std::tm time{};
  if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &time) != 1)
    return no_response("its time can not be read");
  return Timestamp{::timegm(&time), 0};
}

std::optional<std::int64_t> accuracy_of(TS_TST_INFO* info) {
  const TS_ACCURACY* const accuracy = TS_TST_INFO_get_accuracy(info);
  if (accuracy == nullptr) return std::nullopt;
  std::int64_t micros = 0;
  const auto add = [&](const ASN1_INTEGER* value, std::int64_t unit, std::int64_t most) {
    if (value == nullptr) return true;
    std::int64_t number = 0;
    if (ASN1_INTEGER_get_int64(&number, value) != 1 || number < 0 || number > most) return false;
    micros += number * unit;
    return true;
  };
  constexpr std::int64_t most_seconds = std::int64_t{1} << 32;
  const bool ok = add(TS_ACCURACY_get_seconds(accuracy), 1'000'000, most_seconds) &&
                  add(TS_ACCURACY_get_millis(accuracy), 1'000, 999) &&
                  add(TS_ACCURACY_get_micros(accuracy), 1, 999);
  return ok ? std::optional(micros) : std::nullopt;
}

std::string serial_of(const TS_TST_INFO* info) {
  const ASN1_INTEGER* const serial = TS_TST_INFO_get_serial(info);
  return hex_encode(ByteView(ASN1_STRING_get0_data(serial),
                             static_cast<std::size_t>(ASN1_STRING_length(serial))));
}

std::string policy_of(TS_TST_INFO* info) {
  std::array<char, 128> text{};
  const int length =
      OBJ_obj2txt(text.data(), static_cast<int>(text.size()), TS_TST_INFO_get_policy_id(info), 1);
  return length > 0 && length < static_cast<int>(text.size()) ? text.data() : "";
}

Result<TimeStamp> claims_of(TS_RESP* response) {
  TS_TST_INFO* const info = TS_RESP_get_tst_info(response);
  TimeStamp stamp;
  SIGILLO_TRY(stamp.imprint, imprint_of(TS_TST_INFO_get_msg_imprint(info)));
  SIGILLO_TRY(stamp.time, time_of(info));
  stamp.accuracy_micros = accuracy_of(info);
  stamp.serial = serial_of(info);
  stamp.policy = policy_of(info);
  return stamp;
}

// -- verification
// --------------------------------------------------------------------------------------------------

// The library tells why in its queue of errors, first cause last.
Error refusal() {
  Error error{ErrorCode::signature_invalid, "the signature of the time stamp does not hold", ""};
  const char* data = nullptr;
  int flags = 0;
  for (unsigned long code = 0;
       (code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) != 0;) {
    if (ERR_GET_LIB(code) != ERR_LIB_TS) continue;
    switch (ERR_GET_REASON(code)) {
      case TS_R_MESSAGE_IMPRINT_MISMATCH:
        error = {ErrorCode::proof_invalid, "the time stamp is about other bytes",
                 "give the time stamp of this very checkpoint"};
        break;
      case TS_R_NONCE_MISMATCH:
      case TS_R_NONCE_NOT_RETURNED:
        error = {ErrorCode::proof_invalid, "the time stamp answers another query",
                 "give the answer to the query that was written last"};
        break;
      case TS_R_CERTIFICATE_VERIFY_ERROR: {
        const bool told = (flags & ERR_TXT_STRING) != 0 && data != nullptr;
        error = {ErrorCode::not_trusted,
                 fmt::format("the authority's certificate does not hold under the given roots ({})",
                             told ? data : "no reason given"),
                 "give the root of the authority that is meant to be trusted"};
        break;
      }
      default:
        error.message =
            fmt::format("the signature of the time stamp does not hold: {}",
                        ERR_reason_error_string(code) != nullptr ? ERR_reason_error_string(code)
                                                                 : "no reason given");
    }
  }
  return error;
}

// What stands under the token is not weaker than what it stands for.
Status check_digests(PKCS7* token) {
  STACK_OF(PKCS7_SIGNER_INFO)* const signers = PKCS7_get_signer_info(token);
  for (int i = 0; i < sk_PKCS7_SIGNER_INFO_num(signers); ++i) {
    X509_ALGOR* digest = nullptr;
    PKCS7_SIGNER_INFO_get0_algs(sk_PKCS7_SIGNER_INFO_value(signers, i), nullptr, &digest, nullptr);
    const ASN1_OBJECT* object = nullptr;
    X509_ALGOR_get0(&object, nullptr, nullptr, digest);
    const int algorithm = OBJ_obj2nid(object);
    if (algorithm != NID_sha256 && algorithm != NID_sha384 && algorithm != NID_sha512)
      return Error{ErrorCode::signature_invalid,
                   "the time stamp is signed over another digest than SHA-256, 384 or 512",
                   "ask an authority that signs over SHA-2"};
  }
  return {};
}

}  // namespace

struct TimeStampRoots::Impl {
  std::vector<Certificate> certificates;
};

namespace {

// A store of its own for each verification: it carries the time to check at.
Result<Store> store_at(const TimeStampRoots& roots, Timestamp time) {
  Store store(X509_STORE_new());
  if (store == nullptr) return openssl::failure("cannot make a store of certificates");
  for (const Certificate& root : roots.impl().certificates)
    if (X509_STORE_add_cert(store.get(), root.get()) != 1)
      return openssl::failure("cannot trust a certificate");
  X509_VERIFY_PARAM* const rules = X509_STORE_get0_param(store.get());
  X509_VERIFY_PARAM_set_time(rules, static_cast<std::time_t>(time.seconds));
  X509_VERIFY_PARAM_set_auth_level(rules, kSecurityLevel);
  // An anchor is what the caller says it is, self-signed or not.
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

std::string subject_of(X509* certificate) {
  const openssl::Memory text(BIO_new(BIO_s_mem()));
  if (text == nullptr ||
      X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0)
    return "";
  char* data = nullptr;
  const long length = BIO_get_mem_data(text.get(), &data);
  return length > 0 ? std::string(data, static_cast<std::size_t>(length)) : "";
}

Result<Bytes> der_of(X509* certificate) {
  const int length = i2d_X509(certificate, nullptr);
  if (length <= 0) return openssl::failure("cannot write a certificate");
  Bytes der(static_cast<std::size_t>(length));
  std::uint8_t* position = der.data();
  if (i2d_X509(certificate, &position) != length)
    return openssl::failure("cannot write a certificate");
  return der;
}

// Who signed a token that has been verified: its name, and its certificates up to a root.
Status add_authority(TimeStamp& stamp, PKCS7* token, const TimeStampRoots& roots) {
  const Owned<STACK_OF(X509), free_signers> signers(PKCS7_get0_signers(token, nullptr, 0));
  if (signers == nullptr || sk_X509_num(signers.get()) != 1) return {};
  X509* const signer = sk_X509_value(signers.get(), 0);
  stamp.authority = subject_of(signer);
  SIGILLO_TRY(const Store store, store_at(roots, stamp.time));
  const ChainContext context(X509_STORE_CTX_new());
  if (context == nullptr ||
      X509_STORE_CTX_init(context.get(), store.get(), signer, token->d.sign->cert) != 1 ||
      X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_TIMESTAMP_SIGN) != 1 ||
      X509_verify_cert(context.get()) != 1)
    return openssl::failure("cannot give the certificates of an authority");
  STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    SIGILLO_TRY(Bytes der, der_of(sk_X509_value(chain, i)));
    stamp.certificates.push_back(std::move(der));
  }
  return {};
}

// `request` holds the imprint, and the nonce if one is asked for.
Result<TimeStamp> verify(ByteView response_der, TS_REQ* request, const TimeStampRoots& roots,
                         Timestamp now) {
  SIGILLO_TRY(const Response response, parse_response(response_der));
  SIGILLO_TRY(TimeStamp stamp, claims_of(response.get()));
  SIGILLO_TRY_VOID(check_digests(TS_RESP_get_token(response.get())));
  SIGILLO_TRY(Store store, store_at(roots, stamp.time));
  const VerifyContext context(TS_REQ_to_TS_VERIFY_CTX(request, nullptr));
  if (context == nullptr) return openssl::failure("cannot verify a time stamp");
  TS_VERIFY_CTX_add_flags(context.get(), TS_VFY_SIGNATURE);
  TS_VERIFY_CTX_set_store(context.get(), store.release());  // which the context now owns
  ERR_clear_error();
  if (TS_RESP_verify_response(context.get(), response.get()) != 1) return refusal();
  if (stamp.time.seconds > now.seconds + kMaxTimeStampSkewSeconds)
    return Error{ErrorCode::not_trusted,
                 fmt::format("the time stamp is from a time to come, {}", to_rfc3339(stamp.time)),
                 "check the clock of this machine"};
  SIGILLO_TRY_VOID(add_authority(stamp, TS_RESP_get_token(response.get()), roots));
  return stamp;
}

}  // namespace

Result<Bytes> time_stamp_query(const Digest& imprint, Entropy& entropy) {
  SIGILLO_TRY(const Request request, request_for(imprint));
  std::array<std::uint8_t, kNonceBytes> random{};
  SIGILLO_TRY_VOID(entropy.fill(random));
  // Positive, and of a fixed length in DER.
  random[0] = static_cast<std::uint8_t>((random[0] & 0x3FU) | 0x40U);
  const openssl::Number number(BN_bin2bn(random.data(), static_cast<int>(random.size()), nullptr));
  if (number == nullptr) return openssl::failure("cannot make a nonce");
  const Integer nonce(BN_to_ASN1_INTEGER(number.get(), nullptr));
  if (nonce == nullptr || TS_REQ_set_nonce(request.get(), nonce.get()) != 1)
    return openssl::failure("cannot make a nonce");
  const int length = i2d_TS_REQ(request.get(), nullptr);
  if (length <= 0) return openssl::failure("cannot write a time stamp request");
  Bytes der(static_cast<std::size_t>(length));
  std::uint8_t* position = der.data();
  if (i2d_TS_REQ(request.get(), &position) != length)
    return openssl::failure("cannot write a time stamp request");
  return der;
}

Result<TimeStampRoots> TimeStampRoots::from_pem(std::string_view pem) {
  constexpr std::string_view what = "a file of PEM certificates";
  if (pem.size() > kMaxTimeStampRootsBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("a file of roots has at most {} bytes", kMaxTimeStampRootsBytes), ""};
  const openssl::Memory source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (source == nullptr) return openssl::failure("cannot read certificates");
  auto impl = std::make_shared<Impl>();
  ERR_clear_error();
  for (;;) {
    Certificate next(PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr));
    if (next == nullptr) break;
    if (impl->certificates.size() == kMaxRoots)
      return malformed(what, fmt::format("it holds more than {}", kMaxRoots));
    impl->certificates.push_back(std::move(next));
  }
  // The end of the file is the one good reason to stop: a damaged certificate must not be skipped.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) return malformed(what, "a certificate in it can not be read");
  if (impl->certificates.empty()) return malformed(what, "it holds none");
  return TimeStampRoots(std::move(impl));
}

Result<TimeStamp> read_time_stamp(ByteView response) {
  SIGILLO_TRY(const Response parsed, parse_response(response));
  return claims_of(parsed.get());
}

Result<TimeStamp> verify_time_stamp(ByteView response, const Digest& imprint,
                                    const TimeStampRoots& roots, Timestamp now) {
  SIGILLO_TRY(const Request request, request_for(imprint));
  return verify(response, request.get(), roots, now);
}

Result<TimeStamp> verify_time_stamp_answer(ByteView response, ByteView query, const Digest& imprint,
                                           const TimeStampRoots& roots, Timestamp now) {
  constexpr std::string_view what = "an RFC 3161 query";
  if (query.size() > kMaxTimeStampQueryBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("a query has at most {} bytes", kMaxTimeStampQueryBytes), ""};
  const std::uint8_t* position = query.data();
  const Request asked(d2i_TS_REQ(nullptr, &position, static_cast<long>(query.size())));
  if (asked == nullptr || position != query.data() + query.size())
    return malformed(what, "it is not the DER of one");
  if (TS_REQ_get_nonce(asked.get()) == nullptr) return malformed(what, "it has no nonce");
  SIGILLO_TRY(const Request request, request_for(imprint));
  if (TS_REQ_set_nonce(request.get(), TS_REQ_get_nonce(asked.get())) != 1)
    return openssl::failure("cannot verify a time stamp");
  return verify(response, request.get(), roots, now);
}

}  // namespace sigillo::core
