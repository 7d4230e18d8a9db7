// Scheme "synthid", PRF transformers-table-cpu-v1: SynthID-Text as in Hugging Face transformers,
// with the sampling table of a CPU. The parts that tests look at; docs/formats/text-profile.md
// sections 8 and 9 are the specification.
#pragma once

#include "watermark/text/scheme.hpp"

namespace sigillo::watermark::synthid {

// The bits of a table, one a byte; `size` is a power of two.
using SamplingTable = std::vector<std::uint8_t>;
[[nodiscard]] std::shared_ptr<const SamplingTable> sampling_table(std::uint32_t size,
                                                                  std::uint32_t seed);

// The `depth` numbers of a key: its own, or derived from a single one. invalid_argument.
[[nodiscard]] core::Result<TextKey> layer_keys(const TextProfile& profile, const TextKey& key);

// Weights of the layers in the statistic T: round(10 - 9 l / (depth - 1)), halves up.
[[nodiscard]] std::vector<std::int64_t> layer_weights(std::int64_t depth);

// Bit l is g_l of the n-gram with this hash, for as many layers as there are keys.
[[nodiscard]] std::uint64_t layer_bits(const SamplingTable& table,
                                       std::span<const std::uint64_t> keys,
                                       std::uint64_t ngram_hash);

// The hashes of the n-grams that are scored: from position context_width on, each whose context
// occurred at no earlier position.
[[nodiscard]] std::vector<std::uint64_t> scored_ngrams(std::int32_t context_width,
                                                       std::span<const TokenId> tokens);

// What a layer adds to the logarithm of an entry's probability, by its bit, in units of 2^-32 nat;
// kNever where no such entry has weight.
struct LayerShift {
  std::int64_t by_bit[2];
};
inline constexpr std::int64_t kNever = INT64_MIN;
// Runs the tournament on weights (units of 2^-38 of the largest) and leaves the weights of the
// winner in them. The sum of the weights must be in [2^38, 2^62].
[[nodiscard]] std::vector<LayerShift> run_tournament(std::span<std::uint64_t> weights,
                                                     std::span<const std::uint64_t> bits,
                                                     std::int64_t depth);

}  // namespace sigillo::watermark::synthid
