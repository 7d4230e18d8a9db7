// Writing texts with the model, marked or not.
#pragma once

#include <optional>
#include <string>

#include "examples/tinylm/model.hpp"
#include "sigillo/watermark/tokenizer.hpp"

namespace tinylm {

inline constexpr std::int64_t kMaxTexts = 1000000;
inline constexpr std::int64_t kMaxTextTokens = 65536;

struct WriteOptions {
  std::uint64_t seed = 0;
  std::int64_t tokens_mean = 260;
  std::int64_t tokens_spread = 30;  // lengths are uniform in [mean - spread, mean + spread]
  float temperature = 1.0F;
  sigillo::watermark::TextProfile profile;
  std::optional<sigillo::watermark::TextKey> key;  // none: unmarked
};

// Text: what one text came to. Token counts are those of the text encoded anew, as a detector sees
// it.
struct Text {
  std::string bytes;
  std::int64_t tokens = 0;
  std::int64_t sampled = 0;    // tokens of the sampler that the text is made of
  std::int64_t differing = 0;  // sampled tokens whose bytes the new encoding cuts otherwise
  double entropy_sum = 0;      // nats, over `entropy_steps` of the steps
  std::int64_t entropy_steps = 0;
};

// TextWriter writes text number i of a seed, always the same. Document, place in it, length and the
// sampler's seed come from SHA-256 of seed and i. Not thread-safe.
class TextWriter {
 public:
  // The model must outlive the writer. Error: invalid_input if the model was trained with another
  // tokenizer.
  [[nodiscard]] static sigillo::core::Result<TextWriter> create(
      const Model& model, sigillo::watermark::Tokenizer tokenizer, WriteOptions options);
  [[nodiscard]] sigillo::core::Result<Text> write(std::uint64_t number);

 private:
  TextWriter(const Model& model, sigillo::watermark::Tokenizer tokenizer, WriteOptions options)
      : model_(model), tokenizer_(std::move(tokenizer)), options_(std::move(options)) {}
  sigillo::core::Status classify_tokens();
  void fill_logits(const Predictor& predictor, Context context);
  [[nodiscard]] sigillo::core::Status encode_anew(Text& text,
                                                  std::span<const TokenId> sampled) const;
  [[nodiscard]] sigillo::core::Result<Text> shorten(Text text,
                                                    std::span<const TokenId> sampled) const;

  const Model& model_;
  sigillo::watermark::Tokenizer tokenizer_;
  WriteOptions options_;
  std::vector<std::string> token_bytes_;
  std::vector<bool> writable_;
  std::vector<float> base_logits_;  // of the current document
  std::vector<float> logits_;
  Predictor::Prediction prediction_;
};

}  // namespace tinylm
