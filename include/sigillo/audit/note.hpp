// C2SP signed-note v1.0.0: a text with one or more signature lines.
//
//   <text ending in \n> \n — <key name> <base64(key id[4] || signature)>\n ...
//
// Verifier key: NAME+<8 hex key id>+<base64(type || 32 public bytes)>; key id = SHA-256(NAME ||
// 0x0A || type || public)[0:4].
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sigillo/core/signature.hpp"

namespace sigillo::audit {

inline constexpr std::size_t kMaxNoteBytes = std::size_t{1} << 20;

// SignatureType is the first byte of a verifier key: what a line of that key signs. Other types of
// the specification are `unsupported`: of those, 0x06 (ML-DSA-44) would be the one to have, and
// OpenSSL 3.0 does not have it.
enum class SignatureType : std::uint8_t {
  ed25519 = 0x01,      // the text; what logs sign
  cosignature = 0x04,  // time and text (cosignature.hpp); what witnesses sign
};

// NoteVerifier is a named public key that can open notes. A value; thread-safe.
class NoteVerifier {
 public:
  [[nodiscard]] static core::Result<NoteVerifier> parse(std::string_view vkey);
  // name: not empty, no Unicode space, no '+', valid UTF-8. key: Ed25519.
  [[nodiscard]] static core::Result<NoteVerifier> create(
      std::string_view name, const core::PublicKey& key,
      SignatureType type = SignatureType::ed25519);
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] SignatureType type() const { return type_; }
  [[nodiscard]] std::uint32_t key_id() const { return key_id_; }
  [[nodiscard]] const core::PublicKey& key() const { return key_; }
  [[nodiscard]] std::string vkey() const;
  // Name, type and key are the same.
  [[nodiscard]] bool operator==(const NoteVerifier& other) const;

 private:
  NoteVerifier(std::string name, SignatureType type, std::uint32_t key_id, core::PublicKey key)
      : name_(std::move(name)), type_(type), key_id_(key_id), key_(std::move(key)) {}
  std::string name_;
  SignatureType type_;
  std::uint32_t key_id_;
  core::PublicKey key_;
};

// sign_note: text must be non-empty, end in \n, be valid UTF-8 and hold no control character but
// \n. key must be Ed25519. The note has one line, of type ed25519.
[[nodiscard]] core::Result<std::string> sign_note(std::string_view text, std::string_view name,
                                                  const core::PrivateKey& key);

// signature_line writes the line of a signature that was made elsewhere.
[[nodiscard]] std::string signature_line(const NoteVerifier& signer, core::ByteView signature);

// add_signature_lines puts lines behind those of a note; a line of the same name and key id takes
// the place of the ones that are there. Nothing is verified: open the note afterwards.
// invalid_input if note or lines are malformed, input_too_large past the limits of open_note.
[[nodiscard]] core::Result<std::string> add_signature_lines(std::string_view note,
                                                            std::string_view lines);

// A known key whose line holds.
struct NoteSigner {
  NoteVerifier key;
  std::optional<std::uint64_t> time;  // of a cosignature: seconds since 1970; of several, the last
  std::string line;                   // that line, with its \n
};
struct OpenedNote {
  std::string text;                 // the signed bytes, with the final newline
  std::vector<NoteSigner> signers;  // each once, in note order
};
// open_note: lines of unknown keys are ignored; a line of a known (name, key id) must hold; at
// least one known line must be there. signature_invalid if not; invalid_input if it is no note. At
// most 1 MiB and 100 signature lines.
[[nodiscard]] core::Result<OpenedNote> open_note(std::string_view note,
                                                 const std::vector<NoteVerifier>& known);

}  // namespace sigillo::audit
