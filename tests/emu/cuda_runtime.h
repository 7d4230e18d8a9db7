// A stand-in for <cuda_runtime.h>, first on the include path: lets a C++ compiler build an
// unchanged .cu file, whose kernels then run on tests/emu/scheduler.cpp. Covers what the project's
// kernels use, and nothing that it cannot check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "tests/emu/scheduler.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ [[gnu::always_inline]] inline
#define __launch_bounds__(...)
#define __shared__ static thread_local  // one OS thread runs one block at a time

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline thread_local uint3 threadIdx{}, blockIdx{};
inline thread_local dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;
// Each CUDA thread has its own threadIdx; here it is one variable that the scheduler sets, unseen
// by ThreadSanitizer.
__attribute__((no_sanitize("thread"), noinline)) inline void emu_enter_thread(unsigned i) {
  threadIdx = {i % blockDim.x, i / blockDim.x % blockDim.y, i / (blockDim.x * blockDim.y)};
}

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorLaunchFailure = 719,
};
inline const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorLaunchFailure:
      return emu::last_failure().c_str();
  }
  return "unknown error";
}

// Barriers know the line that calls them: threads that meet at different lines are reported as
// divergent.
inline void __syncthreads(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  emu::block_barrier({"__syncthreads", file, line});
}
inline void __syncwarp(std::uint32_t mask = 0xFFFFFFFFu, const char* file = __builtin_FILE(),
                       int line = __builtin_LINE()) {
  emu::warp_barrier(mask, {"__syncwarp", file, line});
}
template <class T>
T __shfl_xor_sync(std::uint32_t mask, T value, int lanes, int width = 32,
                  const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "the hardware shuffles 4 or 8 bytes");
  const unsigned mine = emu::lane(), other = mine ^ static_cast<unsigned>(lanes);
  const unsigned segment = ~(static_cast<unsigned>(width) - 1u);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = emu::shuffle(mask, bits, (other & segment) > (mine & segment) ? mine : other,
                      {"__shfl_xor_sync", file, line});
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Streams are in order and synchronous here; a stream is only an identity.
using cudaStream_t = struct CUstream_st*;
inline constexpr unsigned cudaStreamNonBlocking = 1;
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = static_cast<cudaStream_t>(std::malloc(1));
  return *stream != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  std::free(stream);
  return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }

enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2 };
template <class T>
cudaError_t cudaMalloc(T** memory, std::size_t bytes) {
  *memory = static_cast<T*>(std::aligned_alloc(256, (bytes + 255) / 256 * 256));
  return *memory != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}
inline cudaError_t cudaFree(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                                   cudaStream_t) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

// One device, of two multiprocessors, so that small tests too are cut into several slices.
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrMaxThreadsPerMultiProcessor = 39
};
inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
inline cudaError_t cudaSetDevice(int device) {
  return device == 0 ? cudaSuccess : cudaErrorInvalidValue;
}
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  *value = attribute == cudaDevAttrMultiProcessorCount ? 2 : 2048;
  return cudaSuccess;
}

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};
template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  const dim3 grid = config->gridDim, block = config->blockDim;
  if (std::size_t{block.x} * block.y * block.z - 1 >= 1024 || grid.x == 0 || grid.x > 0x7FFFFFFFu ||
      grid.y - 1 >= 65535 || grid.z - 1 >= 65535 || config->dynamicSmemBytes != 0) {
    return cudaErrorInvalidConfiguration;
  }
  gridDim = grid;
  blockDim = block;
  const auto run_thread = [&] { kernel(arguments...); };
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        if (!emu::run_block(block.x * block.y * block.z, &emu_enter_thread, run_thread))
          return cudaErrorLaunchFailure;
      }
    }
  }
  emu::count_launch();
  return cudaSuccess;
}
