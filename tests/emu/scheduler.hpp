// The emulator's scheduler: runs the threads of one CUDA block as fibers of one OS thread.
//
// What it checks: that every thread of the block reaches the same __syncthreads; that every lane of
// a warp primitive's mask arrives at that primitive; that a shuffle reads a lane inside its mask. A
// breach ends the block and fails the launch, with a sentence in last_failure(). With
// ThreadSanitizer (SIGILLO_EMU_TSAN) each CUDA thread is a TSan fiber, and only what CUDA promises
// orders memory:
// __syncthreads among the block, __syncwarp among its mask, the start and the end of a launch.
// Shuffles order nothing.
//
// What it cannot check: weak memory between blocks, uninitialised shared memory, bank conflicts,
// occupancy, speed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace emu {

// Results must not depend on it. `seed` is for shuffled.
enum class Order { forward, reverse, shuffled };
void set_schedule(Order order, std::uint64_t seed = 0);

struct Site {
  const char* primitive;
  const char* file;
  int line;
};

// Runs one block of `threads` fibers; `enter(i)` is called before thread i goes on. False: a
// breach, see last_failure().
bool run_block(unsigned threads, const std::function<void(unsigned)>& enter,
               const std::function<void()>& thread);
const std::string& last_failure();

void count_launch();
std::uint64_t launches();  // kernels that ran to their end in this OS thread

// Called by fibers only.
unsigned lane();
void block_barrier(Site site);
void warp_barrier(std::uint32_t mask, Site site);
std::uint64_t shuffle(std::uint32_t mask, std::uint64_t mine, unsigned source_lane, Site site);

}  // namespace emu
