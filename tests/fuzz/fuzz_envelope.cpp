// DSSE and in-toto: what is read can be written, and what was written is a ledger leaf.
#include "harness.hpp"
#include "sigillo/core/dsse.hpp"

using namespace sigillo::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(ByteView(data, size));
  const auto envelope = parse_envelope(text);
  const auto leaf = parse_canonical_envelope(text);
  FUZZ_CHECK(envelope.has_value() || !leaf.has_value());
  if (envelope.has_value()) {
    FUZZ_CHECK(!envelope->signatures.empty() && envelope->signatures.size() <= 16);
    const auto written = envelope_bytes(*envelope);
    FUZZ_CHECK(written.has_value());
    FUZZ_CHECK(leaf.has_value() == (*written == text));
    const auto again = parse_canonical_envelope(*written);
    FUZZ_CHECK(again.has_value() && again->payload == envelope->payload &&
               again->payload_type == envelope->payload_type);
  }
  const auto statement = parse_statement(envelope.has_value() ? as_text(envelope->payload) : text);
  if (statement.has_value()) {
    const auto written = statement_bytes(*statement);
    if (written.has_value()) {
      const auto again = parse_statement(*written);
      FUZZ_CHECK(again.has_value() && again->subjects == statement->subjects &&
                 again->predicate == statement->predicate);
    }
  }
  return 0;
}
