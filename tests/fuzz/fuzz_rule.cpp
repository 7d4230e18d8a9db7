// Rule files: any text is refused with its place, or is a rule whose SQL is compiled in the sandbox
// or refused.
#include "harness.hpp"
#include "sigillo/policy/engine.hpp"

using namespace sigillo;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto rule = policy::parse_rule(core::as_text(core::ByteView(data, size)), "rule.yaml");
  if (!rule.has_value()) {
    FUZZ_CHECK(rule.error().message.find("rule.yaml") != std::string::npos);
    return 0;
  }
  FUZZ_CHECK(!rule->id.empty());
  const auto columns = policy::footprint(*rule);
  FUZZ_CHECK(columns.has_value() || columns.error().code == core::ErrorCode::rule_error);
  return 0;
}
