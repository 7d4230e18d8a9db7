// What the files of text watermarking share: names, limits and checks.
#pragma once

#include "sigillo/watermark/text.hpp"

namespace sigillo::watermark {

inline constexpr std::string_view kGumbelScheme = "gumbel";
inline constexpr std::string_view kPhiloxPrf = "philox4x32-10-v1";
inline constexpr std::int32_t kMaxContextWidth = 64;
inline constexpr std::int32_t kMaxVocabulary = 1 << 24;
inline constexpr std::size_t kMaxTokens = std::size_t{1} << 20;

// unsupported (scheme, PRF) or invalid_argument (width, name).
[[nodiscard]] core::Status check_profile(const TextProfile& profile);

// The first error that a batch has, checked before any back end sees it: invalid_argument.
[[nodiscard]] core::Status check_batch(const ChooseBatch& batch, std::size_t out_size);

// invalid_input for the first row whose token is -1: it had no entry to choose.
[[nodiscard]] core::Status check_chosen(std::span<const TokenId> out);

}  // namespace sigillo::watermark
