// The emulator's own promises: schedules, barriers, shuffles, and the reports of deadlock and
// divergence.
#include <cuda_runtime.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <vector>

namespace {

template <class... P, class... A>
cudaError_t launch(unsigned blocks, unsigned threads, void (*kernel)(P...), A... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(threads);
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

__global__ void rotate_kernel(const int* in, int* out) {
  __shared__ int tile[1024];
  tile[threadIdx.x] = in[blockIdx.x * blockDim.x + threadIdx.x];
  __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = tile[(threadIdx.x + 1) % blockDim.x];
  __syncthreads();
  tile[threadIdx.x] = 0;
}
__global__ void sum_lanes_kernel(long long* out) {
  long long sum = (1LL << threadIdx.x % 32) << 8;
  for (int lanes = 1; lanes < 32; lanes *= 2) sum += __shfl_xor_sync(0xFFFFFFFFu, sum, lanes);
  out[threadIdx.x] = sum;
}
__global__ void order_kernel(std::atomic<unsigned>* next, unsigned* order) {
  order[next->fetch_add(1, std::memory_order_relaxed)] = threadIdx.x;
}
__global__ void two_lines_kernel() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
__global__ void lonely_lane_kernel() {
  if (threadIdx.x == 0) (void)__shfl_xor_sync(0xFFFFFFFFu, 1, 1);
}
__global__ void foreign_mask_kernel() { (void)__shfl_xor_sync(0x1u, 1, 0); }
__global__ void outside_mask_kernel() {
  if (threadIdx.x == 0) (void)__shfl_xor_sync(0x1u, 1, 1);
}
__global__ void early_exit_kernel() {
  if (threadIdx.x >= 8) return;
  __syncthreads();
}

void each_schedule(void (*test)()) {
  for (const auto order : {emu::Order::forward, emu::Order::reverse, emu::Order::shuffled}) {
    emu::set_schedule(order, 7);
    test();
  }
}
bool reported(const char* word) { return emu::last_failure().find(word) != std::string::npos; }

}  // namespace

TEST_CASE("barriers and shuffles carry data under every schedule") {
  each_schedule([] {
    std::vector<int> in(3 * 100), out(300);
    for (int i = 0; i < 300; ++i) in[static_cast<std::size_t>(i)] = i;
    REQUIRE(launch(3, 100, &rotate_kernel, static_cast<const int*>(in.data()), out.data()) ==
            cudaSuccess);
    for (int i = 0; i < 300; ++i)
      CHECK(out[static_cast<std::size_t>(i)] == i / 100 * 100 + (i + 1) % 100);
    std::vector<long long> sums(64);
    REQUIRE(launch(1, 64, &sum_lanes_kernel, sums.data()) == cudaSuccess);
    for (const long long sum : sums) CHECK(sum == 0xFFFFFFFFLL << 8);
  });
}

TEST_CASE("schedules differ, and a seeded one repeats itself") {
  const auto run = [](emu::Order order, std::uint64_t seed) {
    emu::set_schedule(order, seed);
    std::vector<unsigned> threads(40);
    std::atomic<unsigned> next{0};
    REQUIRE(launch(1, 40, &order_kernel, &next, threads.data()) == cudaSuccess);
    return threads;
  };
  const auto forward = run(emu::Order::forward, 0);
  auto reverse = run(emu::Order::reverse, 0);
  CHECK(forward != reverse);
  std::reverse(reverse.begin(), reverse.end());
  CHECK(forward == reverse);
  CHECK(run(emu::Order::shuffled, 1) == run(emu::Order::shuffled, 1));
  CHECK(run(emu::Order::shuffled, 1) != run(emu::Order::shuffled, 2));
}

TEST_CASE("breaches are reported, and the next launch starts clean") {
  each_schedule([] {
    CHECK(launch(1, 64, &two_lines_kernel) == cudaErrorLaunchFailure);
    CHECK(reported("divergence"));
    CHECK(reported("test_scheduler.cpp"));
    CHECK(launch(1, 32, &lonely_lane_kernel) == cudaErrorLaunchFailure);
    CHECK(reported("deadlock"));
    CHECK(reported("__shfl_xor_sync"));
    CHECK(launch(1, 32, &foreign_mask_kernel) == cudaErrorLaunchFailure);
    CHECK(reported("own lane"));
    CHECK(launch(1, 32, &outside_mask_kernel) == cudaErrorLaunchFailure);
    CHECK(reported("outside its mask"));
    CHECK(launch(1, 32, &early_exit_kernel) == cudaErrorLaunchFailure);
    CHECK(reported("divergence"));
    std::vector<long long> sums(32);
    CHECK(launch(1, 32, &sum_lanes_kernel, sums.data()) == cudaSuccess);
    CHECK(emu::last_failure().empty());
  });
}

TEST_CASE("impossible launches are refused") {
  CHECK(launch(1, 0, &two_lines_kernel) == cudaErrorInvalidConfiguration);
  CHECK(launch(1, 1025, &two_lines_kernel) == cudaErrorInvalidConfiguration);
  CHECK(launch(0, 32, &two_lines_kernel) == cudaErrorInvalidConfiguration);
}
