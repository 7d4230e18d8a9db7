// A harness that breaks its promise on one input: shows that a failed FUZZ_CHECK is noticed.
#include "harness.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FUZZ_CHECK(size == 0 || data[0] != '{');
  return 0;
}
