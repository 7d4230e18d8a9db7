// Integer exponential for token choice: the weight of an entry beside the largest one
// (docs/formats/text-profile.md section 8). Pure.
#pragma once

#include "watermark/kernels/fixed_log2.hpp"

namespace sigillo::watermark::kernels {

// 2^(-i / 16) * 2^63, to nearest.
SIGILLO_HD std::uint64_t sixteenth_power(std::uint32_t i) {
  constexpr std::uint64_t table[16] = {
      0x8000000000000000u, 0x7A92BE8A92436616u, 0x75606373EE921C97u, 0x70666F76154A7089u,
      0x6BA27E656B4EB57Au, 0x6712460A8FC24072u, 0x62B39508AA836D6Fu, 0x5E8451CFAC061B5Fu,
      0x5A827999FCEF3242u, 0x56AC1F752150A563u, 0x52FF6B54D8A89C75u, 0x4F7A993048D088D7u,
      0x4C1BF828C6DC54B8u, 0x48E1E9B9D588E19Bu, 0x45CAE0F1F545EB73u, 0x42D561B3E6243D8Au,
  };
  return table[i];
}

// exp_weight_q38(d) = exp(-d * 2^-32) * 2^38, rounded down; within 1 unit. 0 from 26.4 nats on.
inline constexpr std::uint32_t kWeightBits = 38;
SIGILLO_HD std::uint64_t exp_weight_q38(std::uint64_t difference_q32) {
  if (difference_q32 >= std::uint64_t{27} << 32) return 0;
  constexpr std::uint64_t log2_e_q62 = 0x5C551D94AE0BF85Eu;
  constexpr std::uint64_t ln2_q64 = 0xB17217F7D1CF79ACu;
  const Uint128 binary = Uint128{difference_q32} * log2_e_q62 >> 30;  // in units of 2^-64
  const auto whole = static_cast<std::uint32_t>(binary >> 64);
  const auto fraction = static_cast<std::uint64_t>(binary);
  // 2^-fraction = 2^-(i / 16) * e^-y with y < ln 2 / 16; e^-y by its first eight terms.
  const std::uint64_t y = multiply_high(fraction & ((std::uint64_t{1} << 60) - 1), ln2_q64);
  std::uint64_t h = 0x0003403403403403u;
  h = 0x0016C16C16C16C17u - multiply_high(y, h);
  h = 0x0088888888888889u - multiply_high(y, h);
  h = 0x02AAAAAAAAAAAAABu - multiply_high(y, h);
  h = 0x0AAAAAAAAAAAAAABu - multiply_high(y, h);
  h = 0x2000000000000000u - multiply_high(y, h);
  h = 0x4000000000000000u - multiply_high(y, h);
  h = 0x4000000000000000u - multiply_high(y, h);
  const std::uint64_t power_q61 =
      multiply_high(h, sixteenth_power(static_cast<std::uint32_t>(fraction >> 60)));
  return power_q61 >> (61 - kWeightBits + whole);
}

}  // namespace sigillo::watermark::kernels
