// Built without -fsanitize=thread even where the kernels are built with it: TSan then sees the
// kernels' own memory traffic and the orderings declared here, and nothing of the scheduler's.
#include "tests/emu/scheduler.hpp"

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <random>
#include <vector>

#ifdef SIGILLO_EMU_TSAN
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SIGILLO_EMU_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIGILLO_EMU_ASAN
#endif
#endif
#ifdef SIGILLO_EMU_ASAN
extern "C" {
void __sanitizer_start_switch_fiber(void** fake_stack_save, const void* bottom, std::size_t size);
void __sanitizer_finish_switch_fiber(void* fake_stack_save, const void** bottom_old,
                                     std::size_t* size_old);
}
#endif

namespace emu {
namespace {

constexpr std::size_t kStackBytes = 128 * 1024;

// The sanitizers' view of fibers, in one place. Without them it is empty.
struct Sanitizer {
#ifdef SIGILLO_EMU_TSAN
  static void* current() { return __tsan_get_current_fiber(); }
  static void* create() { return __tsan_create_fiber(0); }
  static void destroy(void* fiber) { __tsan_destroy_fiber(fiber); }
  static void switch_to(void* fiber) {
    __tsan_switch_to_fiber(fiber, 1);
  }  // 1: implies no ordering
  static void acquire(void* address) { __tsan_acquire(address); }
  static void release(void* address) { __tsan_release(address); }
#else
  static void* current() { return nullptr; }
  static void* create() { return nullptr; }
  static void destroy(void*) {}
  static void switch_to(void*) {}
  static void acquire(void*) {}
  static void release(void*) {}
#endif
};

// A meeting point: `arrived` counts, `generation` tells who may go on.
struct Meeting {
  unsigned arrived = 0;
  std::uint64_t generation = 0;
  Site site{};
};
// A warp primitive of one mask. Slots are double-buffered: a lane may arrive at the next one while
// others still read this one.
struct WarpMeeting : Meeting {
  std::uint64_t slot[2][32]{};
};

// A place to come back to. swapcontext asks the kernel for the signal mask at every switch; _setjmp
// and _longjmp do not, and are several times faster, but ThreadSanitizer intercepts them and takes
// the jump for one within a stack.
struct Place {
  ucontext_t context{};
#ifndef SIGILLO_EMU_TSAN
  jmp_buf jump{};
  bool entered = false;
#endif
};
void switch_place(Place& from, Place& to) {
#ifdef SIGILLO_EMU_TSAN
  swapcontext(&from.context, &to.context);
#else
  from.entered = true;
  if (_setjmp(from.jump) != 0) return;
  if (to.entered) _longjmp(to.jump, 1);
  setcontext(&to.context);
#endif
}

struct Fiber {
  Place place;
  std::unique_ptr<char[]> stack;
  void* tsan = nullptr;
  void* asan = nullptr;
  bool done = false;
  Meeting* waits_at = nullptr;
  std::uint64_t waits_for = 0;
};

struct Machine {
  std::vector<Fiber> fibers;
  std::vector<std::map<std::uint32_t, WarpMeeting>> warps;
  Meeting block;
  unsigned threads = 0;
  unsigned live = 0;
  unsigned now = 0;
  Place scheduler;
  void* scheduler_tsan = nullptr;
  void* scheduler_asan = nullptr;
  const void* scheduler_stack = nullptr;
  std::size_t scheduler_stack_size = 0;
  const std::function<void()>* thread = nullptr;
  Order order = Order::forward;
  std::mt19937_64 random;
  std::string failure;
  std::uint64_t launches = 0;
  // Their addresses order the launch: the host before every thread, every thread before the host.
  // Two, because one would also order a thread that ends before a thread that starts late, and so
  // hide their races.
  char start_edge = 0, end_edge = 0;
};
thread_local Machine machine;

std::string describe(const Site& site) {
  return std::string(site.primitive) + " at " + site.file + ":" + std::to_string(site.line);
}

void to_scheduler([[maybe_unused]] bool for_good) {
  Fiber& fiber = machine.fibers[machine.now];
  Sanitizer::release(&machine.end_edge);  // a thread that is abandoned here has still happened
                                          // before the host goes on
#ifdef SIGILLO_EMU_ASAN
  __sanitizer_start_switch_fiber(for_good ? nullptr : &fiber.asan, machine.scheduler_stack,
                                 machine.scheduler_stack_size);
#endif
  Sanitizer::switch_to(machine.scheduler_tsan);
  switch_place(fiber.place, machine.scheduler);
#ifdef SIGILLO_EMU_ASAN
  __sanitizer_finish_switch_fiber(fiber.asan, &machine.scheduler_stack,
                                  &machine.scheduler_stack_size);
#endif
}

void note_failure(const std::string& what) {
  machine.failure = "thread " + std::to_string(machine.now) + ": " + what;
}

// Ends the block: the scheduler sees the failure that was noted and never comes back here. Nothing
// on the abandoned stack may own memory, so a message is built and let go before.
[[noreturn]] void give_up() {
  for (;;) to_scheduler(false);
}

void open(Meeting& meeting) {
  meeting.arrived = 0;
  ++meeting.generation;
}

// Arrives and waits until `expected` have. ordered: a memory barrier too.
void meet(Meeting& meeting, unsigned expected, Site site, bool ordered) {
  if (meeting.arrived == 0) {
    meeting.site = site;
  } else if (meeting.site.line != site.line || std::string_view(meeting.site.file) != site.file) {
    note_failure("divergence: it calls " + describe(site) + " while others wait at " +
                 describe(meeting.site));
    give_up();
  }
  if (ordered) Sanitizer::release(&meeting);
  if (++meeting.arrived >= expected) {
    open(meeting);
  } else {
    Fiber& fiber = machine.fibers[machine.now];
    fiber.waits_at = &meeting;
    fiber.waits_for = meeting.generation;
    to_scheduler(false);
  }
  if (ordered) Sanitizer::acquire(&meeting);
}

WarpMeeting& join(std::uint32_t mask, const Site& site) {
  if ((mask >> lane() & 1u) == 0) {
    note_failure(describe(site) + " has a mask without the caller's own lane");
    give_up();
  }
  return machine.warps[machine.now / 32][mask];
}

void fiber_main() {
#ifdef SIGILLO_EMU_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &machine.scheduler_stack, &machine.scheduler_stack_size);
#endif
  Sanitizer::acquire(&machine.start_edge);
  (*machine.thread)();
  Sanitizer::release(&machine.end_edge);
  // The hardware forgives a barrier that some threads never reach because they have left; the
  // programming model does not.
  if (machine.block.arrived != 0) {
    note_failure("divergence: it leaves while others wait at " + describe(machine.block.site));
    give_up();
  }
  machine.fibers[machine.now].done = true;
  --machine.live;
  to_scheduler(true);
}

void prepare(unsigned threads) {
  if (machine.fibers.size() < threads) machine.fibers.resize(threads);
  machine.warps.assign((threads + 31) / 32, {});
  machine.block = {};
  machine.threads = machine.live = threads;
  machine.failure.clear();
  machine.scheduler_tsan = Sanitizer::current();
  for (unsigned i = 0; i < threads; ++i) {
    Fiber& fiber = machine.fibers[i];
    if (fiber.stack == nullptr) {
      fiber.stack = std::make_unique<char[]>(kStackBytes);
      fiber.tsan = Sanitizer::create();
    }
    fiber.done = false;
    fiber.waits_at = nullptr;
    fiber.place = {};
    ucontext_t& context = fiber.place.context;
    getcontext(&context);
    context.uc_stack.ss_sp = fiber.stack.get();
    context.uc_stack.ss_size = kStackBytes;
    context.uc_link = nullptr;
    makecontext(&context, &fiber_main, 0);
  }
}

void resume(unsigned i, const std::function<void(unsigned)>& enter) {
  Fiber& fiber = machine.fibers[i];
  fiber.waits_at = nullptr;
  machine.now = i;
  enter(i);
#ifdef SIGILLO_EMU_ASAN
  __sanitizer_start_switch_fiber(&machine.scheduler_asan, fiber.stack.get(), kStackBytes);
#endif
  Sanitizer::switch_to(fiber.tsan);
  switch_place(machine.scheduler, fiber.place);
#ifdef SIGILLO_EMU_ASAN
  __sanitizer_finish_switch_fiber(machine.scheduler_asan, nullptr, nullptr);
#endif
}

void report_deadlock(unsigned threads) {
  unsigned waiting = 0, first = threads;
  for (unsigned i = 0; i < threads; ++i) {
    if (machine.fibers[i].done) continue;
    ++waiting;
    first = std::min(first, i);
  }
  machine.failure = "deadlock: " + std::to_string(waiting) + " of " + std::to_string(threads) +
                    " threads wait for others that never come; thread " + std::to_string(first) +
                    " waits at " + describe(machine.fibers[first].waits_at->site);
}

// After a failure fibers stand in the middle of the kernel: they are thrown away, so that the next
// launch starts clean.
void abandon() {
  for (Fiber& fiber : machine.fibers) {
    if (fiber.stack != nullptr) Sanitizer::destroy(fiber.tsan);
  }
  machine.fibers.clear();
}

}  // namespace

void set_schedule(Order order, std::uint64_t seed) {
  machine.order = order;
  machine.random.seed(seed);
}

bool run_block(unsigned threads, const std::function<void(unsigned)>& enter,
               const std::function<void()>& thread) {
  prepare(threads);
  machine.thread = &thread;
  std::vector<unsigned> queue(threads);
  for (unsigned i = 0; i < threads; ++i)
    queue[i] = machine.order == Order::reverse ? threads - 1 - i : i;
  Sanitizer::release(&machine.start_edge);
  while (machine.live != 0 && machine.failure.empty()) {
    if (machine.order == Order::shuffled) std::shuffle(queue.begin(), queue.end(), machine.random);
    bool progress = false;
    for (const unsigned i : queue) {
      const Fiber& fiber = machine.fibers[i];
      if (fiber.done ||
          (fiber.waits_at != nullptr && fiber.waits_at->generation == fiber.waits_for))
        continue;
      progress = true;
      resume(i, enter);
      if (!machine.failure.empty()) break;
    }
    if (!progress) report_deadlock(threads);
  }
  Sanitizer::acquire(&machine.end_edge);
  if (machine.failure.empty()) return true;
  abandon();
  return false;
}

const std::string& last_failure() { return machine.failure; }
void count_launch() { ++machine.launches; }
std::uint64_t launches() { return machine.launches; }
unsigned lane() { return machine.now % 32; }

void block_barrier(Site site) {
  if (machine.live != machine.threads) {
    note_failure("divergence: it calls " + describe(site) + " after others have left");
    give_up();
  }
  meet(machine.block, machine.threads, site, true);
}

void warp_barrier(std::uint32_t mask, Site site) {
  meet(join(mask, site), static_cast<unsigned>(std::popcount(mask)), site, true);
}

std::uint64_t shuffle(std::uint32_t mask, std::uint64_t mine, unsigned source_lane, Site site) {
  WarpMeeting& meeting = join(mask, site);
  if ((mask >> source_lane & 1u) == 0) {
    note_failure(describe(site) + " reads a lane outside its mask");
    give_up();
  }
  const std::uint64_t parity = meeting.generation & 1;
  meeting.slot[parity][lane()] = mine;
  meet(meeting, static_cast<unsigned>(std::popcount(mask)), site, false);
  return meeting.slot[parity][source_lane];
}

}  // namespace emu
