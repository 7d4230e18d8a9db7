// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). Pure.
#pragma once

#include <cstdint>

#include "watermark/kernels/host_device.hpp"

namespace sigillo::watermark::kernels {

struct Philox4 {
  std::uint32_t word[4];
};

// philox4x32_10(counter, k0, k1): ten rounds, the key bumped between them.
SIGILLO_HD Philox4 philox4x32_10(Philox4 counter, std::uint32_t k0, std::uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(p1 >> 32) ^ counter.word[1] ^ k0,
                static_cast<std::uint32_t>(p1),
                static_cast<std::uint32_t>(p0 >> 32) ^ counter.word[3] ^ k1,
                static_cast<std::uint32_t>(p0)}};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

}  // namespace sigillo::watermark::kernels
