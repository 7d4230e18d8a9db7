// Compute profiles: three texts with a NUL between them. What is accepted can be looked up, and
// every unit of a cluster has an accelerator.
#include "harness.hpp"
#include "sigillo/audit/compute.hpp"
#include "sigillo/core/bytes.hpp"

using namespace sigillo;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = core::as_text(core::ByteView(data, size));
  const auto take = [&rest] {
    const std::string_view text = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    return text;
  };
  const std::string_view accelerators = take();
  const std::string_view clusters = take();
  const auto profiles = audit::parse_profiles(accelerators, clusters, rest);
  if (!profiles) {
    FUZZ_CHECK(!profiles.error().message.empty());
    return 0;
  }
  for (const audit::Accelerator& accelerator : profiles->accelerators) {
    FUZZ_CHECK(profiles->accelerator(accelerator.sku).has_value());
    for (const audit::Peak& peak : accelerator.peaks)
      FUZZ_CHECK(peak.dense_gflops > 0 && peak.dense_gflops <= audit::kMaxPeakGflops &&
                 accelerator.peak(peak.dtype) != nullptr);
  }
  for (const audit::Cluster& cluster : profiles->clusters) {
    FUZZ_CHECK(profiles->cluster(cluster.name).has_value());
    for (const audit::ClusterUnits& units : cluster.units)
      FUZZ_CHECK(units.count > 0 && units.count <= audit::kMaxUnits &&
                 profiles->accelerator(units.sku).has_value());
  }
  for (std::size_t i = 1; i < profiles->lines.size(); ++i)
    FUZZ_CHECK(profiles->lines[i - 1].flop_e12 <= profiles->lines[i].flop_e12);
  return 0;
}
