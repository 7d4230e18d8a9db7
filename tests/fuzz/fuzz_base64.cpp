// Text forms of bytes: strict forms have one text a value, the tolerant one agrees with them.
#include "harness.hpp"
#include "sigillo/core/clock.hpp"
#include "sigillo/core/keyring.hpp"

using namespace sigillo::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const std::string_view text = as_text(bytes);
  const auto strict = base64_decode(text);
  const auto tolerant = base64_decode_any(text);
  if (strict.has_value()) {
    FUZZ_CHECK(base64_encode(*strict) == text);
    FUZZ_CHECK(tolerant.has_value() && *tolerant == *strict);
  }
  if (tolerant.has_value())
    FUZZ_CHECK(base64_decode(base64_encode(*tolerant)).value() == *tolerant);
  FUZZ_CHECK(base64_decode(base64_encode(bytes)).value() == Bytes(data, data + size));

  if (const auto hex = hex_decode(text); hex.has_value()) FUZZ_CHECK(hex_encode(*hex) == text);
  if (const auto time = timestamp_from_rfc3339(text); time.has_value())
    FUZZ_CHECK(to_rfc3339(*time) == text);
  if (const auto date = timestamp_from_date(text); date.has_value())
    FUZZ_CHECK(to_date(*date) == text);
  if (parse_watermark_key(text).has_value())
    FUZZ_CHECK(parse_watermark_values(text).value().values().size() == 1);
  (void)parse_watermark_values(text);
  (void)PublicKey::from_spki_der(bytes);
  (void)PublicKey::from_pem(text);
  return 0;
}
