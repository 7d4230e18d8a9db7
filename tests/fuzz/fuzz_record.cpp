// Ledger entries: any bytes are refused, or are a record whose envelope has exactly these bytes.
#include "harness.hpp"
#include "sigillo/audit/record.hpp"

using namespace sigillo;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view leaf = core::as_text(core::ByteView(data, size));
  const auto record = audit::read_record(leaf);
  if (!record.has_value()) return 0;
  const auto written = core::envelope_bytes(record->envelope);
  FUZZ_CHECK(written.has_value() && *written == leaf);
  FUZZ_CHECK(record->kind != nullptr && record->fields.is_object());
  return 0;
}
