// C2SP tlog-cosignature v1 with Ed25519 (type 0x04): a witness's statement that at `time` this was
// the largest tree of that origin that it had seen, and that it grew from all the earlier ones.
//
//   signed bytes:  cosignature/v1\n time <decimal seconds>\n <the checkpoint's text>
//   in its line:   u64 time, big-endian || 64 bytes of Ed25519
//
// The signed bytes do not name the witness: a key must serve one name only.
#pragma once

#include "sigillo/audit/note.hpp"

namespace sigillo::audit {

inline constexpr std::size_t kCosignatureBytes = 8 + 64;

// time: seconds since 1970, at most 2^63 - 1.
[[nodiscard]] std::string cosignature_message(std::uint64_t time, std::string_view checkpoint_text);

// cosign gives the signature line. checkpoint_text must be one that parse_checkpoint_text reads:
// whoever signs has understood what. invalid_argument otherwise, and for a time before 1970.
[[nodiscard]] core::Result<std::string> cosign(std::string_view checkpoint_text,
                                               std::string_view name, const core::PrivateKey& key,
                                               core::Timestamp time);

// verify_cosignature gives the time of a signature (what follows the key id in its line) that
// holds for this text; signature_invalid otherwise.
[[nodiscard]] core::Result<std::uint64_t> verify_cosignature(std::string_view checkpoint_text,
                                                             core::ByteView signature,
                                                             const core::PublicKey& key);

}  // namespace sigillo::audit
