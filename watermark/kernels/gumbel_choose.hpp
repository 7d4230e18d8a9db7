// gumbel_choose: one token per row of logits, on a device. Names no CUDA type.
//
// The same source is compiled by nvcc (namespace cuda) and, for tests, by a C++ compiler on the
// emulator (namespace emu, and one namespace for each deliberately broken copy);
// SIGILLO_DEVICE_NAMESPACE picks it.
#pragma once

#include "watermark/kernels/fixed_choice.hpp"

#ifndef SIGILLO_DEVICE_NAMESPACE
#define SIGILLO_DEVICE_NAMESPACE cuda
#endif

namespace sigillo::watermark::kernels {

// All pointers are device memory that the caller owns and keeps until the stream has passed the
// call.
struct GumbelChooseArguments {
  const float* logits = nullptr;               // [rows][stride]
  std::int64_t stride = 0;                     // elements, >= vocabulary
  std::int32_t rows = 0;                       // 1..2^31 - 1
  std::int32_t vocabulary = 0;                 // 1..2^24
  const std::int32_t* contexts = nullptr;      // [rows][context_width]
  std::int32_t context_width = 0;              // 1..64
  const std::uint8_t* plain = nullptr;         // [rows] or null
  const std::uint64_t* plain_seeds = nullptr;  // [rows] or null if plain is
  std::uint64_t key = 0;
  float temperature = 1.0F;
  std::int32_t slices = 1;      // blocks a row is cut into, 1..kMaxSlices
  Best* partial = nullptr;      // [rows][slices] scratch; may be null if slices is 1
  std::int32_t* out = nullptr;  // [rows]: the token, or -1 for a row without an entry to choose
};
inline constexpr std::int32_t kMaxSlices = 1024;

// gumbel_slices: how many blocks a row is best cut into, so that about `resident_blocks` blocks are
// in flight and each still has some thousand entries to read.
[[nodiscard]] inline std::int32_t gumbel_slices(std::int32_t rows, std::int32_t vocabulary,
                                                std::int32_t resident_blocks) {
  const std::int32_t most = (vocabulary + 4095) / 4096;
  const std::int32_t wanted = rows > 0 ? (resident_blocks + rows - 1) / rows : 1;
  const std::int32_t slices = wanted < most ? wanted : most;
  return slices < 1 ? 1 : slices < kMaxSlices ? slices : kMaxSlices;
}

namespace SIGILLO_DEVICE_NAMESPACE {
// Enqueues the kernels on `stream` (a cudaStream_t; null is the default one) and returns without
// waiting. The result is the runtime's error number, 0 for success.
[[nodiscard]] int gumbel_choose(const GumbelChooseArguments& arguments, void* stream);
}  // namespace SIGILLO_DEVICE_NAMESPACE

}  // namespace sigillo::watermark::kernels
