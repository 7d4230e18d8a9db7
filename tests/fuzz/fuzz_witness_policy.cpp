// Policies: what is accepted is met by all of its witnesses, and by nobody only if none is asked
// for.
#include "harness.hpp"
#include "sigillo/audit/witness_policy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sigillo::audit;
  namespace core = sigillo::core;
  const auto policy = WitnessPolicy::parse(core::as_text(core::ByteView(data, size)));
  if (!policy.has_value()) {
    FUZZ_CHECK(!policy.error().message.empty());
    return 0;
  }
  std::set<std::string> all;
  for (const WitnessPolicy::Witness& witness : policy->witnesses()) {
    FUZZ_CHECK(witness.key.type() == SignatureType::cosignature);
    FUZZ_CHECK(all.insert(witness.name).second);
  }
  for (const WitnessPolicy::Log& log : policy->logs())
    FUZZ_CHECK(log.key.type() == SignatureType::ed25519);
  for (const WitnessPolicy::Group& group : policy->groups())
    FUZZ_CHECK(group.threshold >= 1 && group.threshold <= group.members.size());
  FUZZ_CHECK(policy->quorum_met(all));
  FUZZ_CHECK(policy->quorum_met({}) == (policy->quorum() == "none"));
  return 0;
}
