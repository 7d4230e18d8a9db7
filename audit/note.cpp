#include "sigillo/audit/note.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "audit/lines.hpp"
#include "sigillo/audit/cosignature.hpp"

namespace sigillo::audit {
namespace {

using core::Error;
using core::ErrorCode;

constexpr std::size_t kMaxSignatureLines = 100;
constexpr std::size_t kKeyIdBytes = 4;
constexpr std::string_view kSignaturePrefix = "\xE2\x80\x94 ";  // em dash, space

Error malformed_note(std::string_view why) {
  return Error{ErrorCode::invalid_input, fmt::format("not a signed note: {}", why), ""};
}

Error too_large() {
  return Error{ErrorCode::input_too_large,
               fmt::format("a note has at most {} bytes", kMaxNoteBytes), ""};
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20; }

bool is_note_text(std::string_view text) {
  return core::is_utf8(text) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || !is_control(c); });
}

// The characters with the Unicode property White_Space; those below U+0020 are control characters
// and refused as such.
constexpr std::array<std::string_view, 20> kUnicodeSpaces{
    " ",
    "\xC2\x85",      // next line
    "\xC2\xA0",      // no-break space
    "\xE1\x9A\x80",  // ogham space mark
    "\xE2\x80\x80",
    "\xE2\x80\x81",
    "\xE2\x80\x82",
    "\xE2\x80\x83",
    "\xE2\x80\x84",
    "\xE2\x80\x85",
    "\xE2\x80\x86",
    "\xE2\x80\x87",
    "\xE2\x80\x88",
    "\xE2\x80\x89",
    "\xE2\x80\x8A",
    "\xE2\x80\xA8",  // line separator
    "\xE2\x80\xA9",  // paragraph separator
    "\xE2\x80\xAF",  // narrow no-break space
    "\xE2\x81\x9F",  // medium mathematical space
    "\xE3\x80\x80",  // ideographic space
};

bool is_key_name(std::string_view name) {
  // A well-formed UTF-8 character can not hide inside another, so a search of bytes is enough.
  return !name.empty() && core::is_utf8(name) && name.find('+') == std::string_view::npos &&
         std::none_of(name.begin(), name.end(), is_control) &&
         std::none_of(kUnicodeSpaces.begin(), kUnicodeSpaces.end(), [&](std::string_view space) {
           return name.find(space) != std::string_view::npos;
         });
}

std::uint32_t read_u32(core::ByteView bytes) {
  return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
         static_cast<std::uint32_t>(bytes[2]) << 8 | static_cast<std::uint32_t>(bytes[3]);
}

// typed_key: signature type || public key, as a verifier key holds it.
std::uint32_t key_id_of(std::string_view name, core::ByteView typed_key) {
  const core::Digest digest = core::Sha256().update(name).update("\n").update(typed_key).finish();
  return read_u32(digest.view());
}

core::Bytes typed_key_of(SignatureType type, core::ByteView raw) {
  core::Bytes typed;
  typed.reserve(1 + raw.size());
  typed.push_back(static_cast<std::uint8_t>(type));
  typed.insert(typed.end(), raw.begin(), raw.end());
  return typed;
}

struct SignatureLine {
  std::string_view whole;  // with its \n
  std::string_view name;
  std::uint32_t key_id = 0;
  core::Bytes signature;
};

core::Result<SignatureLine> parse_signature_line(std::string_view line) {
  const std::string_view whole(line.data(), line.size() + 1);  // take_line found a \n behind it
  if (!line.starts_with(kSignaturePrefix))
    return malformed_note("a signature line does not begin with an em dash and a space");
  line.remove_prefix(kSignaturePrefix.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return malformed_note("a signature line has no signature");
  const std::string_view name = line.substr(0, space);
  if (!is_key_name(name)) return malformed_note("a signature line has no valid key name");
  auto blob = core::base64_decode(line.substr(space + 1));
  if (!blob) return malformed_note("a signature is not valid base64");
  if (blob->size() <= kKeyIdBytes) return malformed_note("a signature is too short");
  SignatureLine parsed{whole, name, read_u32(*blob), {}};
  parsed.signature.assign(blob->begin() + kKeyIdBytes, blob->end());
  return parsed;
}

core::Result<std::vector<SignatureLine>> parse_signature_lines(std::string_view rest) {
  if (rest.empty()) return malformed_note("it has no signature");
  std::vector<SignatureLine> lines;
  while (!rest.empty()) {
    const auto line = take_line(rest);
    if (!line) return malformed_note("its last line is not ended");
    if (lines.size() == kMaxSignatureLines)
      return Error{ErrorCode::input_too_large,
                   fmt::format("a note has at most {} signature lines", kMaxSignatureLines), ""};
    SIGILLO_TRY(SignatureLine signature, parse_signature_line(*line));
    lines.push_back(std::move(signature));
  }
  return lines;
}

struct ParsedNote {
  std::string_view text;
  std::vector<SignatureLine> signatures;
};

core::Result<ParsedNote> parse_note(std::string_view note) {
  if (note.size() > kMaxNoteBytes) return too_large();
  if (!is_note_text(note)) return malformed_note("it is not UTF-8, or holds a control character");
  // The last blank line, for the text may hold some of its own.
  const std::size_t blank = note.rfind("\n\n");
  if (blank == std::string_view::npos) return malformed_note("no blank line ends its text");
  ParsedNote parsed{note.substr(0, blank + 1), {}};
  SIGILLO_TRY(parsed.signatures, parse_signature_lines(note.substr(blank + 2)));
  return parsed;
}

// The known verifier that a line names, or null. Key ids have only 32 bits: if two different known
// keys share name and id, then nobody can say which of them the line is for.
core::Result<const NoteVerifier*> find_known(const std::vector<NoteVerifier>& known,
                                             const SignatureLine& line) {
  const NoteVerifier* found = nullptr;
  for (const NoteVerifier& verifier : known) {
    if (verifier.key_id() != line.key_id || verifier.name() != line.name) continue;
    if (found != nullptr && *found != verifier)
      return Error{ErrorCode::invalid_argument,
                   fmt::format("two known keys are both called {}+{:08x}", line.name, line.key_id),
                   "remove one of them"};
    if (found == nullptr) found = &verifier;
  }
  return found;
}

// The time of a cosignature, nothing for another type; signature_invalid if it does not hold.
core::Result<std::optional<std::uint64_t>> verify_line(const NoteVerifier& known,
                                                       std::string_view text,
                                                       core::ByteView signature) {
  if (known.type() == SignatureType::cosignature) {
    SIGILLO_TRY(const std::uint64_t time, verify_cosignature(text, signature, known.key()));
    return std::optional(time);
  }
  SIGILLO_TRY_VOID(known.key().verify(core::as_bytes(text), signature));
  return std::optional<std::uint64_t>();
}

bool is_known_type(std::uint8_t type) {
  return type == static_cast<std::uint8_t>(SignatureType::ed25519) ||
         type == static_cast<std::uint8_t>(SignatureType::cosignature);
}

}  // namespace

core::Result<NoteVerifier> NoteVerifier::parse(std::string_view vkey) {
  const auto bad = [](std::string_view why) {
    return Error{
        ErrorCode::invalid_input, fmt::format("not a verifier key: {}", why),
        "give the text itself: <name>+<8 hex digits>+<base64>, as `sigillo keys export log "
        "--format vkey` prints it; if it is in a file, \"$(cat FILE)\""};
  };
  const std::size_t first = vkey.find('+');
  const std::size_t second =
      first == std::string_view::npos ? first : vkey.find('+', first + 1);  // base64 may hold more
  if (second == std::string_view::npos) return bad("it has fewer than three parts");
  const std::string_view name = vkey.substr(0, first);
  const std::string_view id_text = vkey.substr(first + 1, second - first - 1);
  if (!is_key_name(name)) return bad("its name is empty, or holds a space or control character");
  const auto id = core::hex_decode(id_text);
  if (!id || id->size() != kKeyIdBytes) return bad("its key id is not 8 lower-case hex digits");
  const auto typed_key = core::base64_decode(vkey.substr(second + 1));
  if (!typed_key || typed_key->empty()) return bad("its key is not valid base64");
  const std::uint32_t key_id = read_u32(*id);
  if (key_id != key_id_of(name, *typed_key)) return bad("its key id does not fit name and key");
  if (!is_known_type(typed_key->front()))
    return Error{
        ErrorCode::unsupported,
        fmt::format("verifier key {}: signature type 0x{:02x} is neither Ed25519 (0x01) nor "
                    "an Ed25519 cosignature (0x04)",
                    name, typed_key->front()),
        "ask for an Ed25519 key; ML-DSA-44 (0x06) needs an OpenSSL later than 3.0"};
  SIGILLO_TRY(core::PublicKey key,
              core::PublicKey::from_ed25519(core::ByteView(*typed_key).subspan(1)));
  return NoteVerifier(std::string(name), SignatureType{typed_key->front()}, key_id, std::move(key));
}

core::Result<NoteVerifier> NoteVerifier::create(std::string_view name, const core::PublicKey& key,
                                                SignatureType type) {
  if (!is_key_name(name))
    return Error{ErrorCode::invalid_argument, fmt::format("\"{}\" can not name a note key", name),
                 "use a name without spaces and '+', such as example.com/log"};
  SIGILLO_TRY(const core::Bytes raw, key.ed25519_raw());
  return NoteVerifier(std::string(name), type, key_id_of(name, typed_key_of(type, raw)), key);
}

std::string NoteVerifier::vkey() const {
  const auto raw = key_.ed25519_raw();
  SIGILLO_CHECK(raw.has_value());  // both ways to make one refuse other keys
  return fmt::format("{}+{:08x}+{}", name_, key_id_,
                     core::base64_encode(typed_key_of(type_, *raw)));
}

bool NoteVerifier::operator==(const NoteVerifier& other) const {
  return name_ == other.name_ && type_ == other.type_ && key_.spki_der() == other.key_.spki_der();
}

std::string signature_line(const NoteVerifier& signer, core::ByteView signature) {
  core::Bytes blob;
  for (int shift = 24; shift >= 0; shift -= 8)
    blob.push_back(static_cast<std::uint8_t>(signer.key_id() >> shift & 0xFF));
  blob.insert(blob.end(), signature.begin(), signature.end());
  return fmt::format("{}{} {}\n", kSignaturePrefix, signer.name(), core::base64_encode(blob));
}

core::Result<std::string> sign_note(std::string_view text, std::string_view name,
                                    const core::PrivateKey& key) {
  if (text.empty() || text.back() != '\n' || !is_note_text(text))
    return Error{ErrorCode::invalid_argument,
                 "the text of a note is UTF-8 without control characters and ends in a newline",
                 ""};
  SIGILLO_TRY(const NoteVerifier signer, NoteVerifier::create(name, key.public_key()));
  SIGILLO_TRY(const core::Bytes signature, key.sign(core::as_bytes(text)));
  std::string note = fmt::format("{}\n{}", text, signature_line(signer, signature));
  if (note.size() > kMaxNoteBytes) return too_large();
  return note;
}

core::Result<std::string> add_signature_lines(std::string_view note, std::string_view lines) {
  if (lines.size() > kMaxNoteBytes) return too_large();
  if (!is_note_text(lines))
    return malformed_note("a line is not UTF-8, or holds a control character");
  SIGILLO_TRY(const ParsedNote parsed, parse_note(note));
  SIGILLO_TRY(const std::vector<SignatureLine> added, parse_signature_lines(lines));
  std::vector<const SignatureLine*> kept;
  for (const SignatureLine& line : parsed.signatures) kept.push_back(&line);
  const auto keep = [&](const SignatureLine& line) {
    std::erase_if(kept, [&](const SignatureLine* other) {
      return other->name == line.name && other->key_id == line.key_id;
    });
    kept.push_back(&line);
  };
  for (const SignatureLine& line : added) keep(line);
  std::string result = fmt::format("{}\n", parsed.text);
  for (const SignatureLine* line : kept) result += line->whole;
  SIGILLO_TRY(const ParsedNote again, parse_note(result));  // within the limits
  static_cast<void>(again);
  return result;
}

core::Result<OpenedNote> open_note(std::string_view note, const std::vector<NoteVerifier>& known) {
  SIGILLO_TRY(const ParsedNote parsed, parse_note(note));
  OpenedNote opened{std::string(parsed.text), {}};
  for (const SignatureLine& line : parsed.signatures) {
    SIGILLO_TRY(const NoteVerifier* const verifier, find_known(known, line));
    if (verifier == nullptr) continue;
    const auto time = verify_line(*verifier, parsed.text, line.signature);
    if (!time.has_value())
      return Error{ErrorCode::signature_invalid,
                   fmt::format("the signature of {} does not hold", verifier->vkey()),
                   "the note was altered, or not signed by that key"};
    // A repeated line is no second opinion; of two cosignatures the later one says more.
    const auto same = std::find_if(opened.signers.begin(), opened.signers.end(),
                                   [&](const NoteSigner& s) { return s.key == *verifier; });
    const NoteSigner signer{*verifier, *time, std::string(line.whole)};
    if (same == opened.signers.end()) opened.signers.push_back(signer);
    else if (same->time < signer.time) *same = signer;
  }
  if (opened.signers.empty())
    return Error{ErrorCode::signature_invalid, "no known key has signed the note",
                 "check that the verifier key is that of the signer"};
  return opened;
}

}  // namespace sigillo::audit
