// The keyed words of the "gumbel" scheme (PRF philox4x32-10-v1, docs/formats/text-profile.md
// section 2). Pure.
#pragma once

#include "watermark/kernels/philox.hpp"

namespace sigillo::watermark::kernels {

// CandidateStream is everything but the token id that a row's words depend on: one Philox call with
// it serves the four vocabulary entries 4 * group .. 4 * group + 3. Trivial, because it lives in
// shared memory.
struct CandidateStream {
  std::uint32_t c1, c2, c3, k0, k1;
};

SIGILLO_HD std::uint32_t low_word(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
SIGILLO_HD std::uint32_t high_word(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32);
}

// context_state absorbs `width` token ids (oldest first, -1 before the start of the text), four to
// a Philox call.
SIGILLO_HD Philox4 context_state(std::uint64_t key, const std::int32_t* context,
                                 std::int32_t width) {
  Philox4 state = {{0x574D4358u, static_cast<std::uint32_t>(width), 0u, 0u}};
  for (std::int32_t offset = 0; offset < width; offset += 4) {
    for (std::int32_t i = 0; i < 4; ++i) {
      state.word[i] ^= offset + i < width ? static_cast<std::uint32_t>(context[offset + i])
                                          : 0xFFFFFFFFu - static_cast<std::uint32_t>(i);
    }
    state =
        philox4x32_10(state, low_word(key) ^ static_cast<std::uint32_t>(offset), high_word(key));
  }
  return state;
}

// marked_stream: the words of a marked step.
SIGILLO_HD CandidateStream marked_stream(std::uint64_t key, const std::int32_t* context,
                                         std::int32_t width) {
  const Philox4 state = context_state(key, context, width);
  return {state.word[0], state.word[1], state.word[2], low_word(key) ^ state.word[3],
          high_word(key) ^ 0x574D544Bu};
}

// plain_stream: the words of an unmarked step, from its seed alone ("PLAI", "N1").
SIGILLO_HD CandidateStream plain_stream(std::uint64_t seed) {
  return {0x504C4149u, 0x00004E31u, 0u, low_word(seed), high_word(seed)};
}

// step_seed: the plain seed of step `step` of a sequence that was seeded with `seed` ("STEP", "1").
SIGILLO_HD std::uint64_t step_seed(std::uint64_t seed, std::uint64_t step) {
  const Philox4 out = philox4x32_10({{low_word(step), high_word(step), 0x53544550u, 0x00000031u}},
                                    low_word(seed), high_word(seed));
  return out.word[0] | std::uint64_t{out.word[1]} << 32;
}

// candidate_words: the words of the vocabulary entries 4 * group .. 4 * group + 3.
SIGILLO_HD Philox4 candidate_words(const CandidateStream& stream, std::uint32_t group) {
  return philox4x32_10({{group, stream.c1, stream.c2, stream.c3}}, stream.k0, stream.k1);
}

// The uniform of a word is u = float32((m + 1) / (2^24 + 1)) with m = word >> 8. Exactly: let z be
// the number of leading zeros of m as a 24-bit number (24 for m = 0); then u = (((m + 1) << z) - 1)
// / 2^(24 + z). It is never 0 or 1.
struct Uniform {
  std::uint64_t numerator;  // in [2^23, 2^24)
  std::uint32_t exponent;   // u = numerator / 2^exponent, exponent in 24..48
};
SIGILLO_HD std::uint32_t mantissa_of(std::uint32_t word) { return word >> 8; }
SIGILLO_HD Uniform uniform_of(std::uint32_t mantissa) {
  std::uint32_t zeros = 24;
#if defined(__CUDA_ARCH__)
  zeros = static_cast<std::uint32_t>(__clz(static_cast<int>(mantissa))) - 8u;
#else
  if (mantissa != 0) zeros = static_cast<std::uint32_t>(__builtin_clz(mantissa)) - 8u;
#endif
  return {((std::uint64_t{mantissa} + 1) << zeros) - 1, 24 + zeros};
}

}  // namespace sigillo::watermark::kernels
