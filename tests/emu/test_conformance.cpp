// The kernels on the emulator choose the host's tokens, bit for bit, under every schedule.
#include <catch2/catch.hpp>

#include "core/gpu/cuda_device.hpp"
#include "tests/emu/suite.hpp"
#include "watermark/text/choose_device.hpp"

using namespace sigillo;
using namespace sigillo::test;

TEST_CASE("emulated kernels agree with the host under three schedules") {
  const std::uint64_t before = ::emu::launches();
  for (const std::string& what : run_suite(&watermark::kernels::emu::gumbel_choose, 10))
    FAIL_CHECK(what);
  CHECK(::emu::launches() - before >= 3 * cases().size());  // the kernels really ran
}

TEST_CASE("the device path (buffers, slices, launch) agrees with the host") {
  const auto device = core::gpu::emu::open_device().value();
  CHECK(device->name() == "emu");
  std::uint64_t seed = 900;
  ::emu::set_schedule(::emu::Order::shuffled, 3);
  for (const std::int32_t vocabulary : {1, 7, 5000, 20001}) {
    const Case c{3, vocabulary, 1, 3, 1, 4, 10, Case::Plain::some, 0.9F};
    const Batch batch(c, ++seed);
    std::vector<TokenId> chosen(3, -2);
    const std::uint64_t before = ::emu::launches();
    const auto status = watermark::emu::choose_on_device(*device, batch.profile(), batch.key(),
                                                         batch.batch(), chosen);
    REQUIRE(status.has_value());
    CHECK(::emu::launches() - before == (vocabulary > 4096 ? 2 : 1));
    CHECK(chosen == batch.on_host());
  }
}

TEST_CASE("slices: enough blocks, never more than the row is worth") {
  using watermark::kernels::gumbel_slices;
  CHECK(gumbel_slices(1, 100, 1056) == 1);
  CHECK(gumbel_slices(1, 4097, 1056) == 2);
  CHECK(gumbel_slices(1, 248320, 1056) == 61);
  CHECK(gumbel_slices(256, 248320, 1056) == 5);
  CHECK(gumbel_slices(100000, 248320, 1056) == 1);
  CHECK(gumbel_slices(1, 1 << 24, 1 << 20) == watermark::kernels::kMaxSlices);
}

TEST_CASE("a launch with arguments that make no sense is refused") {
  watermark::kernels::GumbelChooseArguments a;
  CHECK(watermark::kernels::emu::gumbel_choose(a, nullptr) != 0);
  a.rows = a.vocabulary = 1;
  a.slices = 2;  // without scratch
  CHECK(watermark::kernels::emu::gumbel_choose(a, nullptr) != 0);
}
