// The choice of a token on fixed-point numbers (docs/formats/text-profile.md section 5): integer
// comparisons only, so that the order in which entries are looked at, and the machine that looks,
// do not matter. Pure.
#pragma once

#include <cstring>

#include "watermark/kernels/fixed_log2.hpp"

namespace sigillo::watermark::kernels {

// Scores are in units of 2^-32 nat. A masked entry (NaN or minus infinity) never wins; plus
// infinity wins over every number.
inline constexpr std::int64_t kMasked = INT64_MIN;
inline constexpr std::int64_t kInfinite = INT64_MAX;
inline constexpr std::int64_t kSaturated = std::int64_t{1} << 62;  // |logit / temperature| >= 2^30
inline constexpr std::int64_t kBelowEveryScore = -kSaturated - (std::int64_t{1} << 40);

// Best is the best entry so far. Trivial, because it lives in shared memory.
struct Best {
  std::int64_t score;
  std::int32_t id;  // -1: none
};
SIGILLO_HD Best no_entry() { return {kMasked, -1}; }
// The larger score wins, the lower id on a tie: a total order, so that any reduction tree gives the
// same winner.
SIGILLO_HD bool better(const Best& a, const Best& b) {
  return a.score > b.score || (a.score == b.score && a.id < b.id);
}

SIGILLO_HD std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

// scaled_logit_q32: logit / temperature in units of 2^-32, to nearest, halves away from zero,
// saturating. Its one floating-point operation is that binary32 division; flushing subnormals makes
// no difference, because they round to 0.
SIGILLO_HD std::int64_t scaled_logit_q32(float logit, float temperature) {
  const std::uint32_t raw = bits_of(logit);
  if ((raw & 0x7F800000u) == 0x7F800000u) return raw == 0x7F800000u ? kInfinite : kMasked;
  const std::uint32_t bits = bits_of(logit / temperature);
  const int exponent =
      static_cast<int>(bits >> 23 & 255u);  // value = significand * 2^(exponent - 150)
  const std::uint64_t significand = (bits & 0x007FFFFFu) | 0x00800000u;
  const int shift = exponent - 118;
  std::int64_t magnitude = 0;
  if (exponent >= 157) {
    magnitude = kSaturated;
  } else if (shift >= 0) {
    magnitude = static_cast<std::int64_t>(significand << shift);
  } else if (shift >= -24) {
    magnitude =
        static_cast<std::int64_t>((significand + (std::uint64_t{1} << (-shift - 1))) >> -shift);
  }
  return bits >> 31 != 0 ? -magnitude : magnitude;
}

// consider_group looks at the entries 4 * group + i, i < valid, and keeps the best. `bound` is the
// score of some entry of the row, or kBelowEveryScore: entries that cannot reach it even with the
// largest noise are skipped, and if all four are, so is the Philox call. That never changes the
// winner.
SIGILLO_HD void consider_group(Best& best, std::int64_t bound, const CandidateStream& stream,
                               std::uint32_t group, const float (&logits)[4], std::int32_t valid,
                               float temperature) {
  std::int64_t scaled[4];
  bool live = false;
  for (std::int32_t i = 0; i < 4; ++i) {
    scaled[i] = i < valid ? scaled_logit_q32(logits[i], temperature) : kMasked;
    if (scaled[i] < bound - kMaxNoiseQ32) scaled[i] = kMasked;
    live = live || scaled[i] != kMasked;
  }
  if (!live) return;
  const Philox4 words = candidate_words(stream, group);
  for (std::int32_t i = 0; i < 4; ++i) {
    if (scaled[i] == kMasked) continue;
    const std::int64_t score = scaled[i] == kInfinite
                                   ? kInfinite
                                   : scaled[i] + gumbel_noise_q32(mantissa_of(words.word[i]));
    const Best entry = {score, static_cast<std::int32_t>(group * 4u) + i};
    if (better(entry, best)) best = entry;
  }
}
// bound_of: the bound that a best entry gives.
SIGILLO_HD std::int64_t bound_of(const Best& best) {
  return best.score > kBelowEveryScore ? best.score : kBelowEveryScore;
}

}  // namespace sigillo::watermark::kernels
