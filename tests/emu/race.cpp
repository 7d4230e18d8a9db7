// One launch of gumbel_choose under ThreadSanitizer; its report, if any, is the result.
#include <cstdio>
#include <vector>

#include "tests/emu/scheduler.hpp"
#include "watermark/kernels/gumbel_choose.hpp"

int main() {
  constexpr std::int32_t kVocabulary = 5000;
  std::vector<float> logits(kVocabulary);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i % 97) * 0.1F;
  const std::int32_t context[4] = {1, 2, 3, 4};
  std::int32_t out = -2;
  sigillo::watermark::kernels::GumbelChooseArguments a;
  a.logits = logits.data();
  a.stride = a.vocabulary = kVocabulary;
  a.rows = 1;
  a.contexts = context;
  a.context_width = 4;
  a.key = 42;
  a.out = &out;
  emu::set_schedule(emu::Order::shuffled, 1);
  const int error = sigillo::watermark::kernels::emu::gumbel_choose(a, nullptr);
  std::printf("error %d, token %d\n", error, out);
  return error != 0 || out < 0 ? 1 : 0;
}
