// One shared integer log2, and the two quantities that are made of it. No floating point, no libm:
// the host, the device and the emulator get the same 64 bits. docs/formats/text-profile.md section
// 4 defines every step; the table is printed by tests/vectors/text/reference.py.
#pragma once

#include "watermark/kernels/gumbel_prf.hpp"

namespace sigillo::watermark::kernels {

__extension__ typedef unsigned __int128 Uint128;
__extension__ typedef __int128 Int128;

SIGILLO_HD std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>(Uint128{a} * b >> 64);
}

// Reciprocal: ceil(2^21 / (128 + i)), and round(-log2(reciprocal / 2^14) * 2^64).
struct Reciprocal {
  std::uint64_t value;
  std::uint64_t log2_q64;
};

// The table sits in a function, because that is how host and device code can share one constant
// array.
SIGILLO_HD Reciprocal reciprocal_of(std::uint32_t index) {
  static const Reciprocal table[128] = {
      {16384u, 0x0000000000000000u}, {16257u, 0x02DFBE8C3A5C9EFCu}, {16132u, 0x05B9894C5EAA7E1Du},
      {16009u, 0x088D314BC93B24BAu}, {15888u, 0x0B5A8714BD7E6703u}, {15769u, 0x0E215AB598C96BA2u},
      {15651u, 0x10E7863BEFF959C3u}, {15535u, 0x13A6E5583B033F8Bu}, {15421u, 0x165F46AFE6FBCECCu},
      {15308u, 0x1916A59B80A2353Eu}, {15197u, 0x1BC6B9D7C06B6FD1u}, {15088u, 0x1E6F50C2D9F753DEu},
      {14980u, 0x2116871CA2F51884u}, {14874u, 0x23B5F0CAF7B0B5CDu}, {14769u, 0x2653C0DD04DBA20Au},
      {14666u, 0x28E973653FAC7B16u}, {14564u, 0x2B7D51CDEDACB2A9u}, {14464u, 0x2E08C0638F3F097Cu},
      {14365u, 0x30921EF189F200B7u}, {14267u, 0x33195A8D96F3C500u}, {14170u, 0x359E600657CF1B9Au},
      {14075u, 0x381A64275CF62B79u}, {13982u, 0x3A8D30812F5E1261u}, {13889u, 0x3D042BB6501252ACu},
      {13798u, 0x3F71AF848BA733A4u}, {13707u, 0x41E35024DB98F1F6u}, {13618u, 0x444B3896CA5C851Cu},
      {13531u, 0x46A930FEEF533C49u}, {13444u, 0x490B120D700C17FBu}, {13358u, 0x4B69D4B4BC9999CFu},
      {13274u, 0x4DBE4376DBFFDD3Au}, {13190u, 0x50167B85B43F9755u}, {13108u, 0x52641BE8E5A83722u},
      {13026u, 0x54B56F88451A8364u}, {12946u, 0x56FBE6C708E75BC6u}, {12866u, 0x5945FA51CE3D1450u},
      {12788u, 0x5B84EBE7CE851B1Fu}, {12711u, 0x5DBFF1B67856E524u}, {12634u, 0x5FFE6FBF7A9722D0u},
      {12558u, 0x6238E96295884C00u}, {12484u, 0x6467B39035223510u}, {12410u, 0x6699D035A477578Eu},
      {12337u, 0x68C79F7B296BDD31u}, {12265u, 0x6AF108B278E71919u}, {12193u, 0x6D1DB40A1C795D20u},
      {12123u, 0x6F3E11EBC531B693u}, {12053u, 0x716196CF5639F38Au}, {11984u, 0x7380684BD763447Du},
      {11916u, 0x759A6CDAC1A7DF63u}, {11849u, 0x77AF8AD3F9A659A8u}, {11782u, 0x79C7AEB4D7C222C1u},
      {11716u, 0x7BDACF4D112166B6u}, {11651u, 0x7DE8D279D1F4DCE1u}, {11587u, 0x7FF19DFDAC3696F4u},
      {11523u, 0x81FD4BF3CF8BAF09u}, {11460u, 0x8403A46AA15B8C3Bu}, {11398u, 0x86048CB80C26D485u},
      {11336u, 0x880841358C3D4793u}, {11276u, 0x89FE04473FEF5313u}, {11215u, 0x8BFEE2C9AB511ADEu},
      {11156u, 0x8DF199B9F586F697u}, {11097u, 0x8FE6F5A9CA7286D3u}, {11038u, 0x91DEFDD0FFAA8EB5u},
      {10980u, 0x93D11D02D43961D4u}, {10923u, 0x95BD3793F1D62B0Au}, {10867u, 0x97A331D575F2D99Bu},
      {10811u, 0x998BAEDC9910DA79u}, {10755u, 0x9B76B5567F9C8EB5u}, {10700u, 0x9D5B75D7EF0C87BEu},
      {10646u, 0x9F39D4332AC456E1u}, {10592u, 0xA11AA14EB954EEA2u}, {10539u, 0xA2F4EAC5BBB21D6Eu},
      {10486u, 0xA4D1986156DDA94Au}, {10434u, 0xA6A7A075EBCFE163u}, {10382u, 0xA88001B8B2E0ABB1u},
      {10331u, 0xAA519B3221A6E240u}, {10281u, 0xAC1C50239FB8691Bu}, {10231u, 0xADE94192E10AC579u},
      {10181u, 0xAFB8751BE6D0CA8Eu}, {10132u, 0xB1809B6984510D01u}, {10083u, 0xB34AF7D37435905Cu},
      {10035u, 0xB50E23BF4CE245D3u}, {9987u, 0xB6D379760B63E96Du},  {9940u, 0xB8917B2159B00495u},
      {9893u, 0xBA5199F483E92D26u},  {9846u, 0xBC13DB1700B229AAu},  {9800u, 0xBDCE9DCC961871A7u},
      {9755u, 0xBF81C4708BCAEED9u},  {9710u, 0xC136EE276BFE1EABu},  {9665u, 0xC2EE1FBA3B6AAB83u},
      {9620u, 0xC4A75E0325724DBEu},  {9577u, 0xC64EEEB4C9E9DF50u},  {9533u, 0xC802523B281FC7A0u},
      {9490u, 0xC9ADC2BE31440FA2u},  {9447u, 0xCB5B2431B3096E8Fu},  {9405u, 0xCD006D6A036C7487u},
      {9363u, 0xCEA79956394BAD70u},  {9321u, 0xD050AC4D739AE3E5u},  {9280u, 0xD1F17A5621FB01ACu},
      {9239u, 0xD39420D6131FDDB8u},  {9199u, 0xD52E5CA96ADFBC57u},  {9158u, 0xD6D4B4FA01A1426Du},
      {9119u, 0xD8683547F9EC431Du},  {9079u, 0xDA07DA23E21665C6u},  {9040u, 0xDB9EDF345AD0DD83u},
      {9001u, 0xDD37A6C3C5F2A73Bu},  {8963u, 0xDEC7A81A232CF016u},  {8925u, 0xE0595C8251B46EBEu},
      {8887u, 0xE1ECC7B2C605FFF1u},  {8849u, 0xE381ED6E2C85CCA5u},  {8812u, 0xE50E169A678169FFu},
      {8775u, 0xE69BEA816759B2C5u},  {8739u, 0xE8209AE2A8BF3B65u},  {8702u, 0xE9B1C3556CEE552Eu},
      {8666u, 0xEB39B82D157F25E2u},  {8631u, 0xECB85A334199FADFu},  {8595u, 0xEE438A30A585049Cu},
      {8560u, 0xEFC55707237AB3B8u},  {8526u, 0xF13DA17659876FA0u},  {8491u, 0xF2C28F3D548A2ED8u},
      {8457u, 0xF43DEA0D4418CB73u},  {8423u, 0xF5BACC15FFB5F6FEu},  {8389u, 0xF7393881B6D3F4C4u},
      {8356u, 0xF8ADE1B1B9CBE286u},  {8323u, 0xFA24046461B01914u},  {8290u, 0xFB9BA3999126531Du},
      {8257u, 0xFD14C25A5B15C9F8u},  {8225u, 0xFE83E4C2681D9DBDu},
  };
  return table[index];
}

// log2_q58(x): log2(x) * 2^58 for x >= 1, of which the 48 leading bits count; within 0.6 units for
// x < 2^48, exact for powers of two. Six integer bits hold log2 of any 64-bit number.
SIGILLO_HD std::uint64_t log2_q58(std::uint64_t x) {
#if defined(__CUDA_ARCH__)
  const auto zeros = static_cast<std::uint32_t>(__clzll(static_cast<long long>(x)));
#else
  const auto zeros = static_cast<std::uint32_t>(__builtin_clzll(x));
#endif
  const std::uint64_t leading = x << zeros >> 16;  // 1.47 bits: in [2^47, 2^48)
  const Reciprocal reciprocal = reciprocal_of(static_cast<std::uint32_t>(leading >> 40) & 127u);
  // leading * reciprocal is 1 + f in units of 2^-61, with 0 <= f < 2^-6.9; f in units of 2^-64.
  const std::uint64_t f = (leading * reciprocal.value - (std::uint64_t{1} << 61)) << 3;
  // log2(1 + f) = f * (c1 - f * (c2 - f * (c3 - ...))), c_k = 1 / (k ln 2); c1's integer part is
  // added apart.
  std::uint64_t h = 0x2E2A8ECA5705FC2Fu;
  h = 0x34C2EC54F5BDB27Fu - multiply_high(f, h);
  h = 0x3D8E13B87407FAE9u - multiply_high(f, h);
  h = 0x49DDB143BE6FF9E5u - multiply_high(f, h);
  h = 0x5C551D94AE0BF85Eu - multiply_high(f, h);
  h = 0x7B1C2770E80FF5D2u - multiply_high(f, h);
  h = 0xB8AA3B295C17F0BCu - multiply_high(f, h);
  h = 0x71547652B82FE177u - multiply_high(f, h);
  const std::uint64_t fraction = reciprocal.log2_q64 + f + multiply_high(f, h);
  return (std::uint64_t{63u - zeros} << 58) + ((fraction + 32) >> 6);
}

// gumbel_noise_q32(m) = -ln(-ln u) * 2^32, rounded; strictly increasing in m. In [kMinNoiseQ32,
// kMaxNoiseQ32].
inline constexpr std::int64_t kMinNoiseQ32 = -12075476274;
inline constexpr std::int64_t kMaxNoiseQ32 = 71449067196;
SIGILLO_HD std::int64_t gumbel_noise_q32(std::uint32_t mantissa) {
  const Uniform u = uniform_of(mantissa);
  const std::uint64_t c = (std::uint64_t{u.exponent} << 58) - log2_q58(u.numerator);  // -log2 u
  // log2(-ln u) = log2(c) - 58 + log2(ln 2); the difference fits 64 signed bits, so it may wrap on
  // the way.
  const auto t =
      static_cast<std::int64_t>(log2_q58(c) - (std::uint64_t{58} << 58) - 0x021D74EE9C176C67u);
  constexpr std::int64_t ln2_q63 = 0x58B90BFBE8E7BCD6;
  return static_cast<std::int64_t>(((Int128{1} << 88) - Int128{t} * ln2_q63) >> 89);
}

// score_q58(m) = -log2(1 - u) * 2^58: a detector's evidence of one token, in bits; times ln 2 it is
// nats.
SIGILLO_HD std::uint64_t score_q58(std::uint32_t mantissa) {
  const Uniform u = uniform_of(mantissa);
  const std::uint64_t complement = (std::uint64_t{1} << u.exponent) - u.numerator;
  return (std::uint64_t{u.exponent} << 58) - log2_q58(complement);
}

}  // namespace sigillo::watermark::kernels
