// Chains of handovers: a text has one reading, that reading has one text, and nobody is led from
// the known log to another by a chain that does not begin with it.
#include <cstddef>
#include <cstdint>

#include "harness.hpp"
#include "known_log.hpp"
#include "sigillo/audit/handover.hpp"

using namespace sigillo::audit;
namespace core = sigillo::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = core::as_text(core::ByteView(data, size));
  const auto chain = parse_handovers(input);
  if (!chain) return 0;
  const auto again = handovers_text(*chain);
  FUZZ_CHECK(again.has_value() && *again == input);
  FUZZ_CHECK(chain->size() <= kMaxHandovers);
  // The seeds are not signed by the known log, whose key nobody has.
  const auto from_known = follow_handovers(*chain, known_log());
  FUZZ_CHECK(!from_known || from_known->size() == 1);
  // From the key that a chain itself names, every step has to hold.
  if (chain->empty()) return 0;
  const auto record = read_record(chain->front().start_leaf);
  const auto start = record ? read_shard_start(*record) : record.error();
  if (!start) return 0;
  const auto log = NoteVerifier::parse(start->previous_log_key);
  FUZZ_CHECK(log.has_value());
  const auto logs = follow_handovers(*chain, *log);
  FUZZ_CHECK(!logs || (logs->size() >= 2 && logs->front() == *log));
  return 0;
}
