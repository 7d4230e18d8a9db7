#include "sigillo/audit/cosignature.hpp"

#include <fmt/format.h>

#include "audit/lines.hpp"
#include "sigillo/audit/checkpoint.hpp"

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;

std::string cosignature_message(std::uint64_t time, std::string_view checkpoint_text) {
  return fmt::format("cosignature/v1\ntime {}\n{}", time, checkpoint_text);
}

core::Result<std::string> cosign(std::string_view checkpoint_text, std::string_view name,
                                 const core::PrivateKey& key, core::Timestamp time) {
  const auto checkpoint = parse_checkpoint_text(checkpoint_text);
  if (!checkpoint.has_value())
    return Error{ErrorCode::invalid_argument,
                 "what is no checkpoint is not cosigned: " + checkpoint.error().message, ""};
  if (time.seconds < 0)
    return Error{ErrorCode::invalid_argument, "a cosignature has no time before 1970",
                 "set the clock of this machine"};
  SIGILLO_TRY(const NoteVerifier signer,
              NoteVerifier::create(name, key.public_key(), SignatureType::cosignature));
  const auto seconds = static_cast<std::uint64_t>(time.seconds);
  const std::string message = cosignature_message(seconds, checkpoint_text);
  SIGILLO_TRY(const core::Bytes signature, key.sign(core::as_bytes(message)));
  core::Bytes timed;
  core::append_u64(timed, seconds);
  timed.insert(timed.end(), signature.begin(), signature.end());
  return signature_line(signer, timed);
}

core::Result<std::uint64_t> verify_cosignature(std::string_view checkpoint_text,
                                               core::ByteView signature,
                                               const core::PublicKey& key) {
  if (signature.size() != kCosignatureBytes)
    return Error{
        ErrorCode::signature_invalid,
        fmt::format("a cosignature has {} bytes, not {}", kCosignatureBytes, signature.size()), ""};
  std::uint64_t time = 0;
  for (const std::uint8_t byte : signature.first(8)) time = time << 8 | byte;
  if (time > kMaxTreeSize)
    return Error{ErrorCode::signature_invalid, "the time of a cosignature is past 2^63 - 1", ""};
  const std::string message = cosignature_message(time, checkpoint_text);
  SIGILLO_TRY_VOID(key.verify(core::as_bytes(message), signature.subspan(8)));
  return time;
}

}  // namespace sigillo::audit
