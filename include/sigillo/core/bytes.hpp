// Bytes and their text forms. Pure functions; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sigillo/core/result.hpp"

namespace sigillo::core {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// as_bytes views a string's characters; the string must outlive the view.
[[nodiscard]] ByteView as_bytes(std::string_view text);
[[nodiscard]] std::string_view as_text(ByteView bytes);
[[nodiscard]] Bytes to_bytes(std::string_view text);

// Lower-case hexadecimal. hex_decode takes lower case only, an even number of digits, nothing else.
[[nodiscard]] std::string hex_encode(ByteView bytes);
[[nodiscard]] Result<Bytes> hex_decode(std::string_view text);

// RFC 4648 section 4 with padding. base64_decode is strict: padding exact, unused bits zero, no
// white space.
[[nodiscard]] std::string base64_encode(ByteView bytes);
[[nodiscard]] Result<Bytes> base64_decode(std::string_view text);
// base64_decode_any also takes the URL-safe alphabet and missing padding, as DSSE verifiers must.
[[nodiscard]] Result<Bytes> base64_decode_any(std::string_view text);

// Big-endian unsigned integers, as C2SP and RFC 6962 structures use them.
void append_u16(Bytes& out, std::uint16_t value);
void append_u64(Bytes& out, std::uint64_t value);

// True if text is well-formed UTF-8 (no overlong forms, surrogates, or code points past U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text);

// secure_zero overwrites memory in a way that the compiler keeps.
void secure_zero(void* data, std::size_t size);

}  // namespace sigillo::core
