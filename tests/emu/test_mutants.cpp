// Each deliberately broken copy of the kernel is caught by the conformance suite; the real one is
// not.
#include <catch2/catch.hpp>
#include <cstdio>

#include "tests/emu/suite.hpp"

using namespace sigillo::test;

namespace sigillo::watermark::kernels {
#define SIGILLO_MUTANTS(X)                                                   \
  X(mutant_1, "no barrier after the row's state is made")                    \
  X(mutant_2, "no barrier before the block's reduction")                     \
  X(mutant_3, "reads past the end of a vocabulary that is no multiple of 4") \
  X(mutant_4, "uses the vocabulary as the stride")                           \
  X(mutant_5, "marks the plain rows too")                                    \
  X(mutant_6, "a barrier that one warp alone reaches")                       \
  X(mutant_7, "a warp reduction that leaves lanes out")
#define SIGILLO_DECLARE(space, what)                                       \
  namespace space {                                                        \
  int gumbel_choose(const GumbelChooseArguments& arguments, void* stream); \
  }
SIGILLO_MUTANTS(SIGILLO_DECLARE)
}  // namespace sigillo::watermark::kernels

TEST_CASE("mutants: every broken kernel is caught") {
  const struct {
    Kernel kernel;
    const char* what;
  } mutants[] = {
#define SIGILLO_ENTRY(space, what) {&sigillo::watermark::kernels::space::gumbel_choose, what},
      SIGILLO_MUTANTS(SIGILLO_ENTRY)};
  for (const auto& mutant : mutants) {
    const auto wrong = run_suite(mutant.kernel, 1);
    INFO(mutant.what);
    CHECK(wrong.size() == 1);
    if (!wrong.empty()) std::printf("%s: caught by %s\n", mutant.what, wrong.front().c_str());
  }
}
