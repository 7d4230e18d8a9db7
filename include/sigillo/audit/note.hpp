// C2SP signed-note v1.0.0 with Ed25519 (type 0x01) signatures.
//
//   <text ending in \n> \n — <key name> <base64(key id[4] || signature)>\n ...
//
// Verifier key: NAME+<8 hex key id>+<base64(0x01 || 32 public bytes)>; key id = SHA-256(NAME ||
// 0x0A || 0x01 || public)[0:4].
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sigillo/core/signature.hpp"

namespace sigillo::audit {

// NoteVerifier is a named public key that can open notes. A value; thread-safe.
class NoteVerifier {
 public:
  [[nodiscard]] static core::Result<NoteVerifier> parse(std::string_view vkey);
  // name: not empty, no Unicode space, no '+', valid UTF-8. key: Ed25519.
  [[nodiscard]] static core::Result<NoteVerifier> create(std::string_view name,
                                                         const core::PublicKey& key);
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint32_t key_id() const { return key_id_; }
  [[nodiscard]] const core::PublicKey& key() const { return key_; }
  [[nodiscard]] std::string vkey() const;

 private:
  NoteVerifier(std::string name, std::uint32_t key_id, core::PublicKey key)
      : name_(std::move(name)), key_id_(key_id), key_(std::move(key)) {}
  std::string name_;
  std::uint32_t key_id_;
  core::PublicKey key_;
};

// sign_note: text must be non-empty, end in \n, be valid UTF-8 and hold no control character but
// \n. key must be Ed25519.
[[nodiscard]] core::Result<std::string> sign_note(std::string_view text, std::string_view name,
                                                  const core::PrivateKey& key);

struct OpenedNote {
  std::string text;                   // the signed bytes, with the final newline
  std::vector<std::string> verified;  // names of the known keys whose lines hold, in note order
};
// open_note: lines of unknown keys are ignored; a line of a known (name, key id) must hold; at
// least one known line must be there. signature_invalid if not; invalid_input if it is no note. At
// most 1 MiB and 100 signature lines.
[[nodiscard]] core::Result<OpenedNote> open_note(std::string_view note,
                                                 const std::vector<NoteVerifier>& known);

}  // namespace sigillo::audit
