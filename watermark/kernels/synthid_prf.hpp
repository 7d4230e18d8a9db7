// The keyed bits of the "synthid" scheme with PRF transformers-table-cpu-v1
// (docs/formats/text-profile.md section 8). Pure.
#pragma once

#include <cstdint>

#include "watermark/kernels/host_device.hpp"

namespace sigillo::watermark::kernels {

// synthid_absorb: one step of the linear congruential hash; signed data as two's complement.
SIGILLO_HD std::uint64_t synthid_absorb(std::uint64_t hash, std::uint64_t datum) {
  return (hash + datum) * 6364136223846793005u + 1u;
}

// synthid_context_hash absorbs `width` token ids, oldest first. Before the start of the text stand
// zeros; callers write -1 there.
SIGILLO_HD std::uint64_t synthid_context_hash(const std::int32_t* context, std::int32_t width) {
  std::uint64_t hash = 1;
  for (std::int32_t i = 0; i < width; ++i)
    hash = synthid_absorb(hash, context[i] < 0 ? 0u : static_cast<std::uint64_t>(context[i]));
  return hash;
}

// synthid_index: where the bit of an n-gram under one key stands in the sampling table. `size` is a
// power of two, so the floored remainder of a signed hash is its low bits.
SIGILLO_HD std::uint32_t synthid_index(std::uint64_t ngram_hash, std::uint64_t key,
                                       std::uint32_t size) {
  return static_cast<std::uint32_t>(synthid_absorb(ngram_hash, key)) & (size - 1);
}

}  // namespace sigillo::watermark::kernels
