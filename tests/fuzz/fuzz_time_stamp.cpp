// RFC 3161 responses: whatever arrives, only what an authority signed is believed, and of a genuine
// token no mutation says something else.
#include "harness.hpp"
#include "sigillo/core/time_stamp.hpp"

namespace {

using namespace sigillo::core;

// The root of the authority that made the seed "granted", a stamp on "hello\n".
constexpr std::string_view kRoot =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBcjCCARmgAwIBAgIUbPye49XSVb/9rs2FRXhCz13ZG+owCgYIKoZIzj0EAwIw\n"
    "DzENMAsGA1UEAwwEUm9vdDAeFw0yNjExMjUxMjUyMjhaFw0zNjExMjIxMjUyMjha\n"
    "MA8xDTALBgNVBAMMBFJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARtKynq\n"
    "EEGyCBDGvT3ebPuDAV+N7Zooao/EN6sj3L3/6cCuD2B0InY0dV72ZxnKANk45NMF\n"
    "xr7JuHkkOoVcYxLFo1MwUTAdBgNVHQ4EFgQUhhe9/Z8bKftszwMoL+vD1DflyXEw\n"
    "HwYDVR0jBBgwFoAUhhe9/Z8bKftszwMoL+vD1DflyXEwDwYDVR0TAQH/BAUwAwEB\n"
    "/zAKBggqhkjOPQQDAgNHADBEAiAfazUOt20B1kMT7lt/GW83s9ovb7P0onzLp4w/\n"
    "HotsigIgfUE8eyVJWPIm3gUOMBHSfX/8vSVMSURYK8oOxmuYe/0=\n"
    "-----END CERTIFICATE-----\n";

const TimeStampRoots& roots() {
  static const TimeStampRoots known = TimeStampRoots::from_pem(kRoot).value();
  return known;
}
constexpr Timestamp kNow{4102444800, 0};  // 2100: no time is one to come
constexpr std::string_view kTime = "2026-11-25T12:52:28Z";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto claims = read_time_stamp(input);
  const auto stamp = verify_time_stamp(input, sha256("hello\n"), roots(), kNow);
  FUZZ_CHECK(claims.has_value() || !stamp.has_value());
  if (stamp.has_value()) {
    FUZZ_CHECK(stamp->imprint == sha256("hello\n"));
    FUZZ_CHECK(to_rfc3339(stamp->time) == kTime);
  }
  FUZZ_CHECK(!verify_time_stamp(input, sha256("other bytes"), roots(), kNow).has_value());
  (void)TimeStampRoots::from_pem(as_text(input));
  return 0;
}
