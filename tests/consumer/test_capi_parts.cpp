// Parts of the C interface that a C program cannot see: codes one to one, widening of all 16-bit
// numbers, layout of the structs, messages of threads.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <thread>

#include "app/capi/status.hpp"
#include "app/capi/widen.hpp"

using namespace sigillo;

// What callers compiled: these numbers change only with SIGILLO_ABI_VERSION.
static_assert(SIGILLO_ABI_VERSION == 1);
static_assert(sizeof(sigillo_choose_batch) == 72 && offsetof(sigillo_choose_batch, logits) == 16);
static_assert(offsetof(sigillo_choose_batch, logit_type) == 32 &&
              offsetof(sigillo_choose_batch, contexts) == 40);
static_assert(offsetof(sigillo_choose_batch, backend) == 64);
static_assert(sizeof(sigillo_detect_options) == 24);
static_assert(sizeof(sigillo_detection) == 56 && offsetof(sigillo_detection, tokens) == 16);
static_assert(capi::number_of(core::ErrorCode::invalid_argument) == 1);
static_assert(capi::number_of(core::ErrorCode::device_unavailable) == 23);

TEST_CASE("capi: every code has a number of its own, and the number its text") {
  std::set<sigillo_status> numbers = {SIGILLO_OK, SIGILLO_BUFFER_TOO_SMALL, SIGILLO_OUT_OF_MEMORY,
                                      SIGILLO_INTERNAL_ERROR};
#define SIGILLO_X(name, text, exit)                                     \
  CHECK(numbers.insert(capi::number_of(core::ErrorCode::name)).second); \
  CHECK(std::string(sigillo_status_text(capi::number_of(core::ErrorCode::name))) == text);
  SIGILLO_ERROR_CODES(SIGILLO_X)
#undef SIGILLO_X
  CHECK(numbers.size() > 20);
}

TEST_CASE("capi: every binary16 and bfloat16 is widened to the bit") {
  int not_a_number = 0;
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const auto half = std::bit_cast<std::uint32_t>(capi::widen_f16(bits));
    const std::uint32_t exponent = i >> 10 & 31, significand = i & 1023;
    if (exponent == 31 && significand != 0) {
      ++not_a_number;
      CHECK(half == ((i & 0x8000) << 16 | 0x7F800000 | significand << 13));
    } else {
      // By the definition, in binary64; the conversion to binary32 is exact.
      double value = exponent == 31 ? HUGE_VAL
                     : exponent == 0
                         ? std::ldexp(significand, -24)
                         : std::ldexp(1024 + significand, static_cast<int>(exponent) - 25);
      if ((i & 0x8000) != 0) value = -value;
      CHECK(half == std::bit_cast<std::uint32_t>(static_cast<float>(value)));
    }
    CHECK(std::bit_cast<std::uint32_t>(capi::widen_bf16(bits)) == i << 16);
  }
  CHECK(not_a_number == 2046);
}

TEST_CASE("capi: exceptions become codes") {
  CHECK(capi::guarded([]() -> core::Status { throw std::bad_alloc(); }) == SIGILLO_OUT_OF_MEMORY);
  CHECK(capi::guarded([]() -> core::Status { throw 7; }) == SIGILLO_INTERNAL_ERROR);
  CHECK(capi::guarded([]() -> core::Status { return {}; }) == SIGILLO_OK);
}

TEST_CASE("capi: a thread's message is its own, and long ones are cut at a character") {
  (void)capi::fail(SIGILLO_IO_ERROR, "mine", "do");
  std::thread([] {
    CHECK(std::string(sigillo_last_error_message()).empty());
    (void)capi::fail(SIGILLO_IO_ERROR, "yours", "");
  }).join();
  CHECK(std::string(sigillo_last_error_message()) == "mine");
  CHECK(std::string(sigillo_last_error_remedy()) == "do");
  const auto kept = [](const std::string& text) {
    (void)capi::fail(SIGILLO_IO_ERROR, text, "");
    return std::string(sigillo_last_error_message());
  };
  CHECK(kept(std::string(1023, 'a')).size() == 1023);
  CHECK(kept(std::string(1024, 'a')).size() == 1023);
  CHECK(kept(std::string(1022, 'a') + "\u00e9").size() == 1022);
  CHECK(kept(std::string(1021, 'a') + "\u00e9").size() == 1023);
}
