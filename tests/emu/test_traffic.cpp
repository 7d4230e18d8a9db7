// How many bytes of logits gumbel_choose reads, and what it writes. The kernel is compiled with
// -fsanitize=thread and linked with the hooks below instead of the sanitizer, so every access of
// the compiled code is counted.
#include <catch2/catch.hpp>
#include <cstdio>
#include <vector>

#include "tests/emu/scheduler.hpp"
#include "watermark/kernels/gumbel_choose.hpp"

namespace {

struct Range {
  std::uintptr_t begin = 0, end = 0;
  std::uint64_t bytes = 0;
  void watch(const void* data, std::size_t size) {
    begin = reinterpret_cast<std::uintptr_t>(data);
    end = begin + size;
    bytes = 0;
  }
  void count(const void* address, std::size_t size) {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    if (at >= begin && at < end) bytes += size;
  }
};
Range logits_read, logits_written, out_written, partial_read, partial_written;
std::uint64_t all_accesses = 0;

void on_read(const void* address, std::size_t size) {
  ++all_accesses;
  logits_read.count(address, size);
  partial_read.count(address, size);
}
void on_write(const void* address, std::size_t size) {
  ++all_accesses;
  logits_written.count(address, size);
  out_written.count(address, size);
  partial_written.count(address, size);
}

}  // namespace

extern "C" {
#define SIGILLO_HOOKS(size)                                                   \
  void __tsan_read##size(void* address) { on_read(address, size); }           \
  void __tsan_write##size(void* address) { on_write(address, size); }         \
  void __tsan_unaligned_read##size(void* address) { on_read(address, size); } \
  void __tsan_unaligned_write##size(void* address) { on_write(address, size); }
SIGILLO_HOOKS(1)
SIGILLO_HOOKS(2)
SIGILLO_HOOKS(4)
SIGILLO_HOOKS(8)
SIGILLO_HOOKS(16)
void __tsan_read_range(void* address, unsigned long size) { on_read(address, size); }
void __tsan_write_range(void* address, unsigned long size) { on_write(address, size); }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_init() {}
}

TEST_CASE("traffic: every logit is read once, and little else is written") {
  for (const std::int32_t misalignment : {0, 1}) {
    for (const std::int32_t vocabulary : {1027, 32000}) {
      for (const std::int32_t slices : {1, 4}) {
        constexpr std::int32_t kRows = 2;
        const auto entries = static_cast<std::size_t>(kRows * vocabulary);
        std::vector<float> logits(entries + 8);
        for (std::size_t i = 0; i < logits.size(); ++i)
          logits[i] = static_cast<float>(i * 7919 % 997) * 0.02F;
        float* first = logits.data() +
                       (16 - reinterpret_cast<std::uintptr_t>(logits.data()) % 16) % 16 / 4 +
                       misalignment;
        const std::int32_t contexts[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        std::vector<sigillo::watermark::kernels::Best> partial(
            static_cast<std::size_t>(kRows * slices));
        std::int32_t out[kRows] = {-2, -2};
        sigillo::watermark::kernels::GumbelChooseArguments a;
        a.logits = first;
        a.stride = a.vocabulary = vocabulary;
        a.rows = kRows;
        a.contexts = contexts;
        a.context_width = 4;
        a.key = 42;
        a.slices = slices;
        a.partial = partial.data();
        a.out = out;
        const std::size_t minimum = entries * sizeof(float);
        const std::size_t scratch = slices > 1 ? partial.size() * sizeof(partial[0]) : 0;
        logits_read.watch(first, minimum);
        logits_written.watch(first, minimum);
        out_written.watch(out, sizeof out);
        partial_read.watch(partial.data(), partial.size() * sizeof(partial[0]));
        partial_written.watch(partial.data(), partial.size() * sizeof(partial[0]));
        REQUIRE(sigillo::watermark::kernels::emu::gumbel_choose(a, nullptr) == 0);
        std::printf(
            "rows %d, vocabulary %d, misalignment %d, slices %d: logits read %llu B (minimum %zu), "
            "scratch %llu B, out %llu B\n",
            kRows, vocabulary, misalignment, slices,
            static_cast<unsigned long long>(logits_read.bytes), minimum,
            static_cast<unsigned long long>(partial_written.bytes + partial_read.bytes),
            static_cast<unsigned long long>(out_written.bytes));
        CHECK(all_accesses > 0);
        CHECK(logits_read.bytes >=
              minimum);  // fewer: an entry was not looked at, or an access was not counted
        CHECK(static_cast<double>(logits_read.bytes) <= 1.1 * static_cast<double>(minimum));
        CHECK(logits_written.bytes == 0);
        CHECK(out_written.bytes == sizeof out);
        CHECK(partial_written.bytes <= scratch);
        CHECK(partial_read.bytes <= scratch);
      }
    }
  }
}
