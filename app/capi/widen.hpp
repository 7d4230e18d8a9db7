// 16-bit floating-point numbers as binary32: every value has one there, so nothing is rounded.
// Pure.
#pragma once

#include <bit>
#include <cstdint>

namespace sigillo::capi {

// The upper half of a binary32.
[[nodiscard]] inline float widen_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

// IEEE 754 binary16: 1 sign, 5 exponent, 10 significand bits. NaN keeps its payload.
[[nodiscard]] inline float widen_f16(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
  const std::uint32_t exponent = bits >> 10 & 31u, significand = bits & 0x3FFu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | significand << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | significand << 13);
  // Zero or subnormal: the significand in units of 2^-24, which is exact.
  const float magnitude = static_cast<float>(significand) * 0x1p-24F;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

}  // namespace sigillo::capi
