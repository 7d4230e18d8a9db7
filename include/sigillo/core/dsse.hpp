// DSSE v1.0.2 envelopes and in-toto Statements v1 (docs/formats/record.md).
#pragma once

#include <nlohmann/json.hpp>  // Statement holds one by value
#include <string>
#include <vector>

#include "sigillo/core/json.hpp"
#include "sigillo/core/signature.hpp"

namespace sigillo::core {

inline constexpr std::string_view kStatementPayloadType = "application/vnd.in-toto+json";
inline constexpr std::string_view kStatementType = "https://in-toto.io/Statement/v1";

// Pre-authentication encoding: the bytes that are signed.
[[nodiscard]] Bytes dsse_pae(std::string_view payload_type, ByteView payload);

struct EnvelopeSignature {
  std::string key_id;  // a hint, not authenticated
  Bytes signature;
};
struct Envelope {
  std::string payload_type;
  Bytes payload;
  std::vector<EnvelopeSignature> signatures;
};
// Our canonical form: RFC 8785 JSON, standard base64, keyid = hex SHA-256 of the SPKI. These bytes
// are a ledger leaf.
[[nodiscard]] Result<std::string> envelope_bytes(const Envelope& envelope);
// Reads any DSSE envelope: either base64 alphabet, unknown members ignored, keyid optional. 1 to 16
// signatures.
[[nodiscard]] Result<Envelope> parse_envelope(std::string_view json);
// Like parse_envelope, but only the exact bytes that envelope_bytes writes: what a ledger leaf must
// be.
[[nodiscard]] Result<Envelope> parse_canonical_envelope(std::string_view json);
[[nodiscard]] Result<Envelope> sign_envelope(std::string_view payload_type, ByteView payload,
                                             const PrivateKey& key);
// verify_envelope: at least one signature holds under `key`. signature_invalid otherwise.
[[nodiscard]] Status verify_envelope(const Envelope& envelope, const PublicKey& key);

struct Subject {
  std::string name;
  Digest sha256;
  bool operator==(const Subject&) const = default;
};
// Statement: subjects match by digest alone; a name is for people.
struct Statement {
  std::vector<Subject> subjects;  // at least one
  std::string predicate_type;     // a URI
  Json predicate;                 // an object
};
// Canonical JSON (the payload), and its reader. The reader accepts any JSON form and ignores
// unknown members, as in-toto asks.
[[nodiscard]] Result<std::string> statement_bytes(const Statement& statement);
[[nodiscard]] Result<Statement> parse_statement(std::string_view json);

}  // namespace sigillo::core
