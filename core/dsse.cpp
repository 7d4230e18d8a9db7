#include "sigillo/core/dsse.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace sigillo::core {

Bytes dsse_pae(std::string_view payload_type, ByteView payload) {
  Bytes out =
      to_bytes(fmt::format("DSSEv1 {} {} {} ", payload_type.size(), payload_type, payload.size()));
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

Result<std::string> envelope_bytes(const Envelope& envelope) {
  Json signatures = Json::array();
  for (const EnvelopeSignature& s : envelope.signatures)
    signatures.push_back(Json{{"keyid", s.key_id}, {"sig", base64_encode(s.signature)}});
  return canonical_json(Json{{"payload", base64_encode(envelope.payload)},
                             {"payloadType", envelope.payload_type},
                             {"signatures", std::move(signatures)}});
}

Result<Envelope> parse_envelope(std::string_view json) {
  constexpr std::string_view where = "DSSE envelope";
  constexpr std::size_t max_signatures = 16;
  SIGILLO_TRY(const Json value, parse_json(json));
  Envelope envelope;
  SIGILLO_TRY(envelope.payload_type, json_string(value, "payloadType", where));
  SIGILLO_TRY(const std::string payload, json_string(value, "payload", where));
  SIGILLO_TRY(envelope.payload, base64_decode_any(payload));
  SIGILLO_TRY(const Json signatures, json_member(value, "signatures", where));
  if (!signatures.is_array() || signatures.empty() || signatures.size() > max_signatures)
    return Error{ErrorCode::invalid_input,
                 fmt::format("{}: 1 to {} signatures are needed", where, max_signatures), ""};
  for (const Json& item : signatures) {
    EnvelopeSignature signature;
    SIGILLO_TRY(signature.key_id, json_string_or(item, "keyid", "", where));
    SIGILLO_TRY(const std::string text, json_string(item, "sig", where));
    SIGILLO_TRY(signature.signature, base64_decode_any(text));
    envelope.signatures.push_back(std::move(signature));
  }
  return envelope;
}

Result<Envelope> parse_canonical_envelope(std::string_view json) {
  SIGILLO_TRY(Envelope envelope, parse_envelope(json));
  SIGILLO_TRY(const std::string written, envelope_bytes(envelope));
  if (written != json)
    return Error{ErrorCode::invalid_input, "DSSE envelope: not in canonical form", ""};
  return envelope;
}

Result<Envelope> sign_envelope(std::string_view payload_type, ByteView payload,
                               const PrivateKey& key) {
  SIGILLO_TRY(Bytes signature, key.sign(dsse_pae(payload_type, payload)));
  Envelope envelope{std::string(payload_type), Bytes(payload.begin(), payload.end()), {}};
  envelope.signatures.push_back({key.public_key().id().hex(), std::move(signature)});
  return envelope;
}

Status verify_envelope(const Envelope& envelope, const PublicKey& key) {
  const Bytes message = dsse_pae(envelope.payload_type, envelope.payload);
  for (const EnvelopeSignature& s : envelope.signatures)
    if (key.verify(message, s.signature).has_value()) return {};
  return Error{ErrorCode::signature_invalid,
               "no signature of the envelope holds under key " + key.id().hex().substr(0, 16), ""};
}

Result<std::string> statement_bytes(const Statement& statement) {
  SIGILLO_CHECK(!statement.subjects.empty());
  if (!statement.predicate.is_object())
    return Error{ErrorCode::invalid_argument, "in-toto statement: predicate is not an object", ""};
  Json subjects = Json::array();
  for (const Subject& s : statement.subjects)
    subjects.push_back(Json{{"name", s.name}, {"digest", Json{{"sha256", s.sha256.hex()}}}});
  return canonical_json(Json{{"_type", kStatementType},
                             {"subject", std::move(subjects)},
                             {"predicateType", statement.predicate_type},
                             {"predicate", statement.predicate}});
}

Result<Statement> parse_statement(std::string_view json) {
  constexpr std::string_view where = "in-toto statement";
  SIGILLO_TRY(const Json value, parse_json(json));
  SIGILLO_TRY(const std::string type, json_string(value, "_type", where));
  if (type != kStatementType)
    return Error{ErrorCode::unsupported,
                 fmt::format("{}: _type \"{}\" is not Statement v1", where, type), ""};
  Statement statement;
  SIGILLO_TRY(statement.predicate_type, json_string(value, "predicateType", where));
  SIGILLO_TRY(statement.predicate, json_member(value, "predicate", where));
  if (!statement.predicate.is_object())
    return Error{ErrorCode::invalid_input, "in-toto statement: predicate is not an object", ""};
  SIGILLO_TRY(const Json subjects, json_member(value, "subject", where));
  if (!subjects.is_array() || subjects.empty())
    return Error{ErrorCode::invalid_input, "in-toto statement: at least one subject is needed", ""};
  for (const Json& item : subjects) {
    Subject subject;
    SIGILLO_TRY(subject.name, json_string_or(item, "name", "", where));
    SIGILLO_TRY(const Json digests, json_member(item, "digest", where));
    SIGILLO_TRY(const std::string hex, json_string(digests, "sha256", "in-toto subject digest"));
    SIGILLO_TRY(subject.sha256, Digest::from_hex(hex));
    statement.subjects.push_back(std::move(subject));
  }
  return statement;
}

}  // namespace sigillo::core
