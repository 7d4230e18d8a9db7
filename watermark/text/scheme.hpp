// The one table of text schemes, and what the files of text watermarking share.
//
// A scheme is an entry of text_schemes(): data that the common code reads, and a function that
// binds a profile and a key to a Mark. To add one: a file of its own, and its entry in scheme.cpp.
#pragma once

#include "core/gpu/backend.hpp"
#include "sigillo/watermark/text.hpp"

namespace sigillo::watermark {

inline constexpr std::int32_t kMaxContextWidth = 64;
inline constexpr std::int32_t kMaxVocabulary = 1 << 24;
inline constexpr std::size_t kMaxTokens = std::size_t{1} << 20;

// One row of a batch, as a Mark sees it.
struct MarkedRow {
  const float* logits;
  std::int32_t vocabulary;
  float temperature;
  const TokenId* context;
  std::uint64_t seed;  // 0 unless the scheme draws
};

// Mark is a scheme bound to a profile and a key. Thread-safe.
class Mark {
 public:
  virtual ~Mark() = default;
  // The token of a marked row on the host; -1 if there is no logit above minus infinity.
  [[nodiscard]] virtual TokenId choose(const MarkedRow& row) const = 0;
  // Tokens are at most kMaxTokens, none negative. Fills all of the score except `tokens`.
  [[nodiscard]] virtual TextScore score(std::span<const TokenId> tokens) const = 0;
};

struct ParameterRange {
  std::string_view name;
  std::int64_t least, most;
  bool power_of_two = false;
};

struct TextScheme {
  std::string_view scheme, prf;
  std::span<const TextProfile> built_in;       // the profiles that have a name
  std::span<const ParameterRange> parameters;  // exactly these are in a profile
  bool draws;                                  // a marked row needs a seed
  bool has_kernel;                             // chooses on a device
  TokenId padding;                             // stands for tokens before the start of the text
  // How many steps back a context window counts as used; no value: to the start.
  std::optional<std::int64_t> (*history)(const TextProfile& profile);
  // The profile is checked. invalid_argument: the key has the wrong count of numbers.
  core::Result<std::unique_ptr<const Mark>> (*bind)(const TextProfile& profile, const TextKey& key);
  // Null where this build has no kernel. The batch is checked and not empty; rows without an entry
  // to choose get -1.
  core::Status (*choose_on_device)(core::gpu::Device& device, const TextProfile& profile,
                                   const TextKey& key, const ChooseBatch& batch,
                                   std::span<TokenId> out);
};
[[nodiscard]] const TextScheme& gumbel_scheme();
[[nodiscard]] const TextScheme& synthid_scheme();
[[nodiscard]] std::span<const TextScheme* const> text_schemes();

// The scheme of a profile, after all of the profile was checked: unsupported (scheme, PRF) or
// invalid_argument (name, width, parameters).
[[nodiscard]] core::Result<const TextScheme*> scheme_of(const TextProfile& profile);
[[nodiscard]] std::int64_t parameter(const TextProfile& profile, std::string_view name);

// choose_plain: the token of an unmarked row, the same for every scheme.
[[nodiscard]] TokenId choose_plain(const MarkedRow& row);

// The first error that a batch has, checked before any back end sees it: invalid_argument.
[[nodiscard]] core::Status check_batch(const TextScheme& scheme, const ChooseBatch& batch,
                                       std::size_t out_size);

}  // namespace sigillo::watermark
