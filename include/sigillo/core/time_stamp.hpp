// RFC 3161 time stamps, through OpenSSL, which this header does not name: the signed statement of a
// third party (a time-stamping authority) that a SHA-256 digest existed at a time.
//
// What is kept and verified is a whole response (TimeStampResp, DER), never a bare token.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "sigillo/core/clock.hpp"
#include "sigillo/core/digest.hpp"

namespace sigillo::core {

inline constexpr std::size_t kMaxTimeStampBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxTimeStampQueryBytes = std::size_t{4} << 10;
inline constexpr std::size_t kMaxTimeStampRootsBytes = std::size_t{1} << 20;
// How far the clock of an authority may be ahead of ours.
inline constexpr std::int64_t kMaxTimeStampSkewSeconds = 300;
// Media types of RFC 3161 section 3.4.
inline constexpr std::string_view kTimeStampQueryType = "application/timestamp-query";
inline constexpr std::string_view kTimeStampReplyType = "application/timestamp-reply";

// time_stamp_query asks for a time stamp on a digest: version 1, SHA-256, a nonce of 64 random
// bits, and the authority's certificate within the answer. DER.
[[nodiscard]] Result<Bytes> time_stamp_query(const Digest& imprint, Entropy& entropy);

// TimeStampRoots are the certificates that authorities must chain to. An authority's own
// certificate may be one of them. Immutable; copies share it; thread-safe.
class TimeStampRoots {
 public:
  // 1 to 256 PEM certificates, and nothing but text between them: invalid_input, input_too_large.
  [[nodiscard]] static Result<TimeStampRoots> from_pem(std::string_view pem);

  struct Impl;
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  explicit TimeStampRoots(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// What a response says.
struct TimeStamp {
  Digest imprint;                               // what existed
  Timestamp time;                               // when, to the second
  std::optional<std::int64_t> accuracy_micros;  // the authority's own bound on its error
  std::string serial;                           // of the token: lower-case hex
  std::string policy;                           // OID of the authority's policy
  std::string authority;  // subject of its certificate (RFC 2253, ASCII); empty if not verified
  // DER: its certificate first, the root that was given last; empty if not verified.
  std::vector<Bytes> certificates;
};

// read_time_stamp reads what a granted response says, and verifies nothing. invalid_input for what
// is none, or is about another hash than SHA-256; not_trusted if no time stamp was granted;
// input_too_large past kMaxTimeStampBytes.
[[nodiscard]] Result<TimeStamp> read_time_stamp(ByteView response);

// verify_time_stamp: does this response, under these roots, say that `imprint` existed? Checked
// together: status, version, imprint and its algorithm, the signature over the token (SHA-2) and
// its binding to the certificate (ESSCertID), and the certificate chain *at the token's time*: a
// response stays valid after the certificate has expired. The certificate must be for time stamping
// alone (critical extended key usage). A time later than kMaxTimeStampSkewSeconds after `now` is
// refused. Revocation is not looked up: this works offline.
//
// Errors: those of read_time_stamp; proof_invalid (other bytes); not_trusted (foreign authority,
// certificate out of validity or for another use, a time to come); signature_invalid.
[[nodiscard]] Result<TimeStamp> verify_time_stamp(ByteView response, const Digest& imprint,
                                                  const TimeStampRoots& roots, Timestamp now);
// The same, and that it answers this very query: proof_invalid if its nonce is another.
[[nodiscard]] Result<TimeStamp> verify_time_stamp_answer(ByteView response, ByteView query,
                                                         const Digest& imprint,
                                                         const TimeStampRoots& roots,
                                                         Timestamp now);

}  // namespace sigillo::core
