// What the C interface adds to the choice itself: the same batch by sigillo_choose_tokens() of the
// shared library and by watermark::choose_tokens() of the static one, in one run.
#include <benchmark/benchmark.h>

#include <bit>
#include <random>
#include <vector>

#include "sigillo/sigillo.h"
#include "sigillo/watermark/text.hpp"

namespace {
using namespace sigillo;

constexpr std::int32_t kWidth = 4;

// A batch with the same values in all three forms (upper halves of floats, which the others hold
// too: small multiples of 1/8).
struct Inputs {
  std::int32_t rows, vocabulary;
  std::vector<float> wide;
  std::vector<std::uint16_t> bfloat, half;
  std::vector<std::int32_t> contexts;
  std::vector<std::uint64_t> seeds;
  std::vector<std::int32_t> tokens;

  explicit Inputs(const benchmark::State& state)
      : rows(static_cast<std::int32_t>(state.range(0))),
        vocabulary(static_cast<std::int32_t>(state.range(1))) {
    std::mt19937_64 random(20261125);
    const auto count = static_cast<std::size_t>(rows) * static_cast<std::size_t>(vocabulary);
    for (std::size_t i = 0; i < count; ++i) {
      const auto eighths = static_cast<int>(random() % 127) - 63;
      const float value = static_cast<float>(eighths) / 8;
      wide.push_back(value);
      bfloat.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
      half.push_back(half_of(value));
    }
    for (std::int32_t i = 0; i < rows * kWidth; ++i)
      contexts.push_back(static_cast<std::int32_t>(random() % 50000));
    for (std::int32_t i = 0; i < rows; ++i) seeds.push_back(random());
    tokens.resize(static_cast<std::size_t>(rows));
  }

  static std::uint16_t half_of(float value) {  // normal numbers with few bits, and zero
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = bits >> 16 & 0x8000u;
    if ((bits & 0x7FFFFFFFu) == 0) return static_cast<std::uint16_t>(sign);
    return static_cast<std::uint16_t>(sign | ((bits >> 13 & 0x3FFFFu) - (112u << 10)));
  }

  [[nodiscard]] watermark::ChooseBatch direct() const {
    return {rows,    vocabulary,   wide.data(), vocabulary, contexts.data(),
            nullptr, seeds.data(), 1.0F};
  }
  [[nodiscard]] sigillo_choose_batch through(std::int32_t form) const {
    const void* logits = form == SIGILLO_F32   ? static_cast<const void*>(wide.data())
                         : form == SIGILLO_F16 ? static_cast<const void*>(half.data())
                                               : static_cast<const void*>(bfloat.data());
    return {sizeof(sigillo_choose_batch),
            rows,
            vocabulary,
            logits,
            vocabulary,
            form,
            1.0F,
            contexts.data(),
            nullptr,
            seeds.data(),
            nullptr};
  }
};

const char* profile_name(std::int64_t index) {
  return index == 0 ? "vllm-gumbel" : "synthid-transformers";
}

void direct(benchmark::State& state) {
  Inputs inputs(state);
  const watermark::TextProfile profile =
      watermark::text_profile(profile_name(state.range(2))).value();
  const watermark::TextKey key(42);
  const watermark::ChooseBatch batch = inputs.direct();
  for ([[maybe_unused]] auto _ : state) {
    const auto status = watermark::choose_tokens(profile, key, batch, inputs.tokens);
    if (!status.has_value()) state.SkipWithError(status.error().message.c_str());
    benchmark::ClobberMemory();
  }
}

void c_interface(benchmark::State& state, std::int32_t form) {
  Inputs inputs(state);
  sigillo_profile* profile = nullptr;
  sigillo_key* key = nullptr;
  const std::uint64_t number = 42;
  if (sigillo_profile_by_name(profile_name(state.range(2)), &profile) != SIGILLO_OK ||
      sigillo_key_from_integers(&number, 1, &key) != SIGILLO_OK)
    state.SkipWithError(sigillo_last_error_message());
  const sigillo_choose_batch batch = inputs.through(form);
  for ([[maybe_unused]] auto _ : state) {
    const sigillo_status status =
        sigillo_choose_tokens(profile, key, &batch, inputs.tokens.data(), inputs.tokens.size());
    if (status != SIGILLO_OK) state.SkipWithError(sigillo_last_error_message());
    benchmark::ClobberMemory();
  }
  sigillo_key_free(key);
  sigillo_profile_free(profile);
}

// rows, vocabulary, profile
void sizes(benchmark::internal::Benchmark* benchmark) {
  for (const std::int64_t profile : {0, 1}) {
    benchmark->Args({1, 1, profile});
    benchmark->Args({1, 128256, profile});
    benchmark->Args({8, 32000, profile});
  }
}

BENCHMARK(direct)->Apply(sizes);
BENCHMARK_CAPTURE(c_interface, f32, SIGILLO_F32)->Apply(sizes);
BENCHMARK_CAPTURE(c_interface, f16, SIGILLO_F16)->Apply(sizes);
BENCHMARK_CAPTURE(c_interface, bf16, SIGILLO_BF16)->Apply(sizes);

}  // namespace
