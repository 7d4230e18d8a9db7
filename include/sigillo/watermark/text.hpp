// Text watermarking: choose marked tokens from logits, and detect the mark in token ids.
//
// Scheme "gumbel" (profile vllm-gumbel; vLLM's native `gumbel`, PRF philox4x32-10-v1): for each
// vocabulary entry a keyed uniform u of 24 bits is drawn from the last `context_width` generated
// tokens; the token with the largest logit - ln(-ln u) wins, the lowest id on a tie.
//
// Scheme "synthid" (profile synthid-transformers; SynthID-Text as in Hugging Face transformers, PRF
// transformers-table-cpu-v1): `depth` keyed bits of each entry shift its probability by a
// tournament of as many layers; then the token is drawn.
//
// PRF words and bits are exact to the publication. The choice is made on fixed-point numbers
// (docs/formats/text-profile.md), so that host, emulator and GPU choose the same token bit for bit.
// A scheme is an entry of one table; what is said below holds for every scheme.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "sigillo/core/detection.hpp"
#include "sigillo/core/digest.hpp"
#include "sigillo/core/watermark_key.hpp"

namespace sigillo::watermark {

using TokenId = std::int32_t;

// TextProfile names a scheme and every parameter that a detector needs; its canonical JSON's
// SHA-256 goes into records.
struct TextProfile {
  std::string name;                // "vllm-gumbel"
  std::string scheme;              // "gumbel"
  std::string prf;                 // "philox4x32-10-v1"
  std::int32_t context_width = 4;  // 1..64 tokens
  // What the scheme needs besides, by name: exactly its own parameters, each in its bounds
  // (docs/formats/text-profile.md). Members of the JSON object beside the four above.
  std::map<std::string, std::int64_t, std::less<>> parameters = {};
  bool operator==(const TextProfile&) const = default;
};
// The built-in profiles, and a look-up by name (unknown: not_found, with the known names in the
// remedy).
[[nodiscard]] std::span<const TextProfile> text_profiles();
[[nodiscard]] core::Result<TextProfile> text_profile(std::string_view name);
[[nodiscard]] core::Json to_json(const TextProfile& profile);
// text_profile_from_json reads one JSON object of at most kMaxProfileBytes with exactly the members
// that to_json writes. A scheme or PRF that is not implemented: unsupported; a value out of bounds:
// invalid_argument; anything else: invalid_input.
inline constexpr std::size_t kMaxProfileBytes = 4096;
[[nodiscard]] core::Result<TextProfile> text_profile_from_json(std::string_view text);
[[nodiscard]] core::Digest profile_digest(const TextProfile& profile);

// TextKey: "gumbel" takes one 64-bit number. "synthid" takes a list of `depth` numbers (the
// published form), or one 64-bit number from which it derives them. Another count is
// invalid_argument wherever profile and key meet.
using TextKey = core::WatermarkKey;

// One step of sampling for a batch of rows. All pointers are host memory; the caller owns them.
struct ChooseBatch {
  std::int32_t rows = 0;          // B >= 0
  std::int32_t vocabulary = 0;    // V in 1..2^24
  const float* logits = nullptr;  // [B][stride], row-major; already divided by nothing
  std::int64_t stride = 0;        // elements from row to row, >= V
  const TokenId* contexts =
      nullptr;  // [B][context_width], oldest first, -1 before the start of the generated text
  const std::uint8_t* plain =
      nullptr;  // [B]; non-zero: sample this row without the mark. May be null (none)
  // [B]; the randomness of plain rows, and of every row of a scheme whose marked choice is a draw
  // (synthid). May be null if no row needs it. Never use one for two steps.
  const std::uint64_t* plain_seeds = nullptr;
  float temperature = 1.0F;  // > 0, finite
};
// choose_tokens writes one token per row to out[B]; out.size() must be B. NaN logits count as minus
// infinity; plus infinity beats every number, the lowest id among several. A row without a logit
// above minus infinity is invalid_input, which names the first such row; it gets -1, and the other
// rows their tokens. Bad shapes, pointers or temperature: invalid_argument, nothing written.
// `backend`: "host" (always there), "cuda", or "auto" (core/gpu/backend.hpp); unknown or
// unavailable: device_unavailable. A scheme without a kernel (synthid) refuses "cuda" as
// unsupported, and "auto" is the host. Thread-safe. The tokens do not depend on the back end, the
// batch or the stride.
[[nodiscard]] core::Status choose_tokens(const TextProfile& profile, const TextKey& key,
                                         const ChooseBatch& batch, std::span<TokenId> out,
                                         std::string_view backend = "host");

// TextSampler samples one sequence: it keeps the context and leaves a step unmarked when its
// context window was used before: anywhere in the sequence (gumbel, vLLM's "single_turn"), or in
// the last `context_history_size` steps (synthid). Without a key every step is plain sampling.
// Deterministic in (key, seed, logits). Not thread-safe; one per sequence.
class TextSampler {
 public:
  [[nodiscard]] static core::Result<TextSampler> create(const TextProfile& profile,
                                                        std::optional<TextKey> key,
                                                        std::uint64_t seed,
                                                        float temperature = 1.0F);
  TextSampler(TextSampler&&) noexcept;
  TextSampler& operator=(TextSampler&&) noexcept;
  ~TextSampler();
  // Chooses the next token from logits[V] and appends it to the history.
  [[nodiscard]] core::Result<TokenId> next(std::span<const float> logits);
  [[nodiscard]] std::span<const TokenId> history() const;

 private:
  struct Impl;
  explicit TextSampler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct DetectOptions {
  std::int64_t threshold_log10_micro = -6000000;  // found means floor(log10 p * 1e6) <= this
  std::int64_t tries = 1;       // how many keys, profiles, tokenizations were tried: Bonferroni
  std::int32_t vocabulary = 0;  // if > 0, token ids >= this are invalid_input
};
// TextScore is the raw statistic of a scheme and its exact tail for text that does not depend on
// the key. Positions with a context window that occurred before are not scored.
//   gumbel: sum = S = sum of -ln(1 - u) in nats, S ~ Gamma(scored, 1).
//   synthid: sum = T = weighted number of ones among the scored bits; its law is taken over all
//   keys, with this text fixed (text-profile.md section 9).
struct TextScore {
  std::int64_t tokens = 0, scored = 0;
  double sum = 0;
  double ln_p = 0;        // not yet multiplied by tries
  double ln_p_least = 0;  // the smallest that these positions could have given
  bool exact = true;      // false: ln_p is an upper bound (synthid, long texts)
};
// score_text: token ids must be >= 0. At most 2^20 tokens (input_too_large).
[[nodiscard]] core::Result<TextScore> score_text(const TextProfile& profile, const TextKey& key,
                                                 std::span<const TokenId> tokens);
// detect_text scores and decides. inconclusive, with the reason, if no mark could have reached the
// threshold at these positions (ln_p_least), or at fewer than 16 positions. artefact/tokenizer
// digests and key_id are the caller's.
[[nodiscard]] core::Result<core::Detection> detect_text(const TextProfile& profile,
                                                        const TextKey& key,
                                                        std::span<const TokenId> tokens,
                                                        const DetectOptions& options = {});

}  // namespace sigillo::watermark
