// gumbel_choose on a device: one pass over the logits, one Philox call for four entries, no float
// after the scaling division.
//
// A row is cut into `slices`; a block of kThreads threads takes one slice. Threads keep their own
// best entry, a warp shares its best score every kShareEvery steps (so that hopeless entries cost
// no Philox call), and the block's best is reduced by shuffles. `better` is a total order, so the
// winner does not depend on the cut or on the schedule.
#include "watermark/kernels/gumbel_choose.hpp"

#include <cuda_runtime.h>

// Tests compile broken copies of this file (tests/emu/), each of which the suite must catch. 0 is
// the real one.
#ifndef SIGILLO_MUTANT
#define SIGILLO_MUTANT 0
#endif

namespace sigillo::watermark::kernels::SIGILLO_DEVICE_NAMESPACE {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kShareEvery = 8;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

enum class Mutant {
  none,
  no_first_barrier,
  no_second_barrier,
  no_tail,
  wrong_stride,
  no_plain,
  divergent_barrier,
  lost_lane
};
constexpr Mutant kMutant = static_cast<Mutant>(SIGILLO_MUTANT);

__device__ __forceinline__ Best other_lane(const Best& mine, int lanes) {
  return {static_cast<std::int64_t>(
              __shfl_xor_sync(kAllLanes, static_cast<long long>(mine.score), lanes)),
          __shfl_xor_sync(kAllLanes, mine.id, lanes)};
}

// Every lane of a full warp gets the warp's best entry.
__device__ __forceinline__ Best warp_best(Best best) {
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    if (kMutant == Mutant::lost_lane && lanes == 4) continue;
    const Best other = other_lane(best, lanes);
    if (better(other, best)) best = other;
  }
  return best;
}

__device__ __forceinline__ std::int64_t warp_bound(std::int64_t bound) {
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    const long long other = __shfl_xor_sync(kAllLanes, static_cast<long long>(bound), lanes);
    if (other > bound) bound = other;
  }
  return bound;
}

__device__ __forceinline__ CandidateStream row_stream(const GumbelChooseArguments& a,
                                                      std::int32_t row) {
  if (kMutant != Mutant::no_plain && a.plain != nullptr && a.plain[row] != 0) {
    return plain_stream(a.plain_seeds[row]);
  }
  return marked_stream(a.key, a.contexts + std::int64_t{row} * a.context_width, a.context_width);
}

// Reads the entries 4 * group .. of a row: 16 bytes at once where the row is aligned and the group
// is whole.
__device__ __forceinline__ std::int32_t load_group(const float* row, bool aligned,
                                                   std::int32_t vocabulary, std::int32_t group,
                                                   float (&logits)[4]) {
  const std::int32_t first = group * 4;
  const std::int32_t left = vocabulary - first;
  if (aligned && left >= 4) {
    const float4 four = *reinterpret_cast<const float4*>(row + first);
    logits[0] = four.x;
    logits[1] = four.y;
    logits[2] = four.z;
    logits[3] = four.w;
    return 4;
  }
  const std::int32_t valid = kMutant == Mutant::no_tail || left >= 4 ? 4 : left;
#pragma unroll
  for (std::int32_t i = 0; i < 4; ++i) logits[i] = i < valid ? row[first + i] : 0.0F;
  return valid;
}

__global__ void __launch_bounds__(kThreads) gumbel_choose_kernel(const GumbelChooseArguments a) {
  __shared__ CandidateStream stream;
  __shared__ Best best_of_warp[kWarps];
  const auto row = static_cast<std::int32_t>(blockIdx.x);
  const auto slice = static_cast<std::int32_t>(blockIdx.y);
  const auto thread = static_cast<std::int32_t>(threadIdx.x);

  if (thread == 0) stream = row_stream(a, row);
  if (kMutant != Mutant::no_first_barrier) __syncthreads();

  const std::int64_t stride = kMutant == Mutant::wrong_stride ? a.vocabulary : a.stride;
  const float* logits = a.logits + row * stride;
  const bool aligned = reinterpret_cast<std::uintptr_t>(logits) % 16 == 0;
  const std::int32_t groups = (a.vocabulary + 3) / 4;
  const std::int32_t per_slice = (groups + a.slices - 1) / a.slices;
  const std::int32_t first = slice * per_slice;
  const std::int32_t end = first + per_slice < groups ? first + per_slice : groups;
  const CandidateStream mine = stream;

  Best best = no_entry();
  std::int64_t bound = kBelowEveryScore;
  std::int32_t step = 0;
  for (std::int32_t base = first; base < end; base += kThreads) {  // uniform: every lane shares
    const std::int32_t group = base + thread;
    if (group < end) {
      float four[4];
      const std::int32_t valid = load_group(logits, aligned, a.vocabulary, group, four);
      consider_group(best, bound, mine, static_cast<std::uint32_t>(group), four, valid,
                     a.temperature);
      if (bound_of(best) > bound) bound = bound_of(best);
    }
    if (++step % kShareEvery == 0) bound = warp_bound(bound);
  }

  best = warp_best(best);
  if (thread % 32 == 0) best_of_warp[thread / 32] = best;
  if (kMutant == Mutant::divergent_barrier) {
    if (thread < 32) __syncthreads();
  } else if (kMutant != Mutant::no_second_barrier) {
    __syncthreads();
  }
  if (thread >= 32) return;
  best = warp_best(thread < kWarps ? best_of_warp[thread] : no_entry());
  if (thread != 0) return;
  if (a.slices == 1) {
    a.out[row] = best.id;
  } else {
    a.partial[std::int64_t{row} * a.slices + slice] = best;
  }
}

// One warp a row: the best of the row's slices.
__global__ void __launch_bounds__(32) gumbel_finish_kernel(const GumbelChooseArguments a) {
  const auto row = static_cast<std::int32_t>(blockIdx.x);
  const auto lane = static_cast<std::int32_t>(threadIdx.x);
  Best best = no_entry();
  for (std::int32_t i = lane; i < a.slices; i += 32) {
    const Best other = a.partial[std::int64_t{row} * a.slices + i];
    if (better(other, best)) best = other;
  }
  best = warp_best(best);
  if (lane == 0) a.out[row] = best.id;
}

}  // namespace

int gumbel_choose(const GumbelChooseArguments& arguments, void* stream) {
  if (arguments.rows <= 0 || arguments.vocabulary <= 0 || arguments.slices <= 0 ||
      arguments.slices > kMaxSlices || (arguments.slices > 1 && arguments.partial == nullptr)) {
    return static_cast<int>(cudaErrorInvalidValue);
  }
  cudaLaunchConfig_t config{};
  config.gridDim =
      dim3(static_cast<unsigned>(arguments.rows), static_cast<unsigned>(arguments.slices));
  config.blockDim = dim3(kThreads);
  config.stream = static_cast<cudaStream_t>(stream);
  cudaError_t error = cudaLaunchKernelEx(&config, &gumbel_choose_kernel, arguments);
  if (error == cudaSuccess && arguments.slices > 1) {
    config.gridDim = dim3(static_cast<unsigned>(arguments.rows));
    config.blockDim = dim3(32);
    error = cudaLaunchKernelEx(&config, &gumbel_finish_kernel, arguments);
  }
  return static_cast<int>(error);
}

}  // namespace sigillo::watermark::kernels::SIGILLO_DEVICE_NAMESPACE
