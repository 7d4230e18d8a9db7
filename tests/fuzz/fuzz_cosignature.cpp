// Checkpoints with cosignatures: only the one that log and witness have signed opens, whatever else
// stands in the note.
#include "harness.hpp"
#include "sigillo/audit/witness_policy.hpp"

namespace {

using namespace sigillo::audit;
namespace core = sigillo::core;

constexpr std::string_view kPolicy =
    "log ledger.example/v1+a72446d6+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\n"
    "witness w witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X\n"
    "quorum w\n";

const CheckpointTrust& trust() {
  static const CheckpointTrust trust =
      trust_policy(WitnessPolicy::parse(kPolicy).value(), std::nullopt, {1800000000, 0}).value();
  return trust;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = core::as_text(core::ByteView(data, size));
  const auto opened = open_trusted_checkpoint(input, trust());
  if (!opened.has_value()) return 0;
  FUZZ_CHECK(opened->checkpoint.origin == "ledger.example/v1" && opened->checkpoint.size == 8);
  FUZZ_CHECK(opened->cosigned.size() == 1 && opened->cosigned[0].time == 1679315147);
  // Less is asked for: it opens, too, to the same.
  const auto log_alone = open_checkpoint(input, trust().logs.front());
  FUZZ_CHECK(log_alone.has_value() && *log_alone == opened->checkpoint);
  return 0;
}
