// What stays of a pruned shard: a text has one reading, that reading has one text, and what is read
// is proved by the key that it names.
#include <cstddef>
#include <cstdint>

#include "harness.hpp"
#include "sigillo/audit/pruned_shard.hpp"

using namespace sigillo::audit;
namespace core = sigillo::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = core::as_text(core::ByteView(data, size));
  const auto shard = parse_pruned_shard(input);
  if (!shard) return 0;
  const auto again = pruned_shard_text(*shard);
  FUZZ_CHECK(again.has_value() && *again == input);
  const auto log = NoteVerifier::parse(shard->log_key);
  FUZZ_CHECK(log.has_value());
  for (const KeptEntry& entry : shard->entries)
    FUZZ_CHECK(
        verify_tlog_proof(shard->receipt(entry), core::as_bytes(entry.leaf), *log).has_value());
  FUZZ_CHECK(shard->entries.front().index == 0);
  FUZZ_CHECK(shard->entries.back().index + 1 == shard->checkpoint.size);
  FUZZ_CHECK(identity_fields(*shard).has_value());
  return 0;
}
