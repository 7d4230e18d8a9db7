#include "examples/tinylm/texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tinylm {
namespace core = sigillo::core;
namespace watermark = sigillo::watermark;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// The choices that make text `number` of a seed: 64 bits each, independent for all practical
// purposes.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint64_t number)
      : digest_(core::sha256(fmt::format("tinylm write {} {}", seed, number))) {}
  [[nodiscard]] std::uint64_t word(std::size_t i) const {
    std::uint64_t value = 0;
    for (std::size_t k = 0; k < 8; ++k) value = value << 8 | digest_.bytes[8 * i + k];
    return value;
  }
  // In [0, count); the bias is below count * 2^-64.
  [[nodiscard]] std::uint64_t below(std::size_t i, std::uint64_t count) const {
    return word(i) % count;
  }

 private:
  core::Digest digest_;
};

// Readable on its own: complete UTF-8 without control characters. Half a character would need its
// other half.
bool is_printable(std::string_view bytes) {
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
  };
  return core::is_utf8(bytes) && std::none_of(bytes.begin(), bytes.end(), is_control);
}

// Entropy in nats of softmax(logits / temperature).
double softmax_entropy(std::span<const float> logits, float temperature) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0, weighted = 0;
  for (const float logit : logits) {
    if (logit == kNever) continue;
    const double x = (static_cast<double>(logit) - top) / static_cast<double>(temperature);
    const double p = std::exp(x);
    sum += p;
    weighted += p * x;
  }
  return std::log(sum) - weighted / sum;
}

// How many tokens of `sampled` do not stand, with the same bytes at the same place, in `encoded`.
std::int64_t count_differing(std::span<const TokenId> sampled, std::span<const TokenId> encoded,
                             std::span<const std::string> bytes) {
  const auto size = [&](TokenId token) { return bytes[static_cast<std::size_t>(token)].size(); };
  std::int64_t differing = 0;
  std::size_t here = 0, there = 0, k = 0;
  for (const TokenId token : sampled) {
    while (k < encoded.size() && there < here) there += size(encoded[k++]);
    if (k >= encoded.size() || there != here || encoded[k] != token) ++differing;
    here += size(token);
  }
  return differing;
}

Status check_options(const WriteOptions& options) {
  const std::int64_t shortest = options.tokens_mean - options.tokens_spread;
  if (options.tokens_spread < 0 || shortest < 1 ||
      options.tokens_mean + options.tokens_spread > kMaxTextTokens)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("texts of {} +- {} tokens are outside 1 to {}", options.tokens_mean,
                             options.tokens_spread, kMaxTextTokens),
                 "choose another mean or spread"};
  return {};
}

}  // namespace

Result<TextWriter> TextWriter::create(const Model& model, watermark::Tokenizer tokenizer,
                                      WriteOptions options) {
  SIGILLO_TRY_VOID(check_options(options));
  if (tokenizer.digest() != model.tokenizer || tokenizer.vocabulary_size() != model.vocabulary)
    return Error{ErrorCode::invalid_input,
                 "tokenizer.json is not the one that the model was trained with",
                 "keep both files of one training together"};
  TextWriter writer(model, std::move(tokenizer), std::move(options));
  SIGILLO_TRY_VOID(writer.classify_tokens());
  return writer;
}

Status TextWriter::classify_tokens() {
  for (TokenId token = 0; token < model_.vocabulary; ++token) {
    SIGILLO_TRY(token_bytes_.emplace_back(), tokenizer_.decode(std::span(&token, 1)));
    writable_.push_back(model_.unigrams[static_cast<std::size_t>(token)] > 0 &&
                        is_printable(token_bytes_.back()));
  }
  if (std::none_of(writable_.begin(), writable_.end(), [](bool yes) { return yes; }))
    return Error{ErrorCode::invalid_input, "the model knows no printable token", "train on text"};
  return {};
}

void TextWriter::fill_logits(const Predictor& predictor, Context context) {
  predictor.predict(context, prediction_);
  logits_ = base_logits_;
  // The scale that all tokens share does not matter to a softmax.
  for (const auto& [token, extra] : prediction_.extras) {
    const auto w = static_cast<std::size_t>(token);
    if (writable_[w]) logits_[w] = static_cast<float>(std::log(predictor.base()[w] + extra));
  }
}

Result<Text> TextWriter::write(std::uint64_t number) {
  const Draws draws(options_.seed, number);
  const auto lengths = static_cast<std::uint64_t>(2 * options_.tokens_spread + 1);
  const std::int64_t wanted = options_.tokens_mean - options_.tokens_spread +
                              static_cast<std::int64_t>(draws.below(0, lengths));
  const Start& start = model_.starts[draws.below(1, model_.starts.size())];
  const Predictor predictor(model_, start.document);
  base_logits_.assign(writable_.size(), kNever);
  for (std::size_t w = 0; w < writable_.size(); ++w)
    if (writable_[w]) base_logits_[w] = static_cast<float>(predictor.log_base()[w]);
  SIGILLO_TRY(auto sampler, watermark::TextSampler::create(options_.profile, options_.key,
                                                           draws.word(2), options_.temperature));
  Text text;
  Context context = start.context;
  // The new encoding may need fewer tokens than were sampled: go on until it has as many.
  while (text.tokens < wanted) {
    for (std::int64_t missing = wanted - text.tokens; missing > 0; --missing) {
      fill_logits(predictor, context);
      if (sampler.history().size() % 4 == 0) {
        text.entropy_sum += softmax_entropy(logits_, options_.temperature);
        ++text.entropy_steps;
      }
      SIGILLO_TRY(const TokenId token, sampler.next(logits_));
      context = {context.newer, token};
    }
    SIGILLO_TRY_VOID(encode_anew(text, sampler.history()));
  }
  return shorten(std::move(text), sampler.history());
}

// The last token may cut others anew and so add more than one. Where leaving tokens out gives an
// allowed length, they are.
Result<Text> TextWriter::shorten(Text text, std::span<const TokenId> sampled) const {
  const std::int64_t longest = options_.tokens_mean + options_.tokens_spread;
  const std::int64_t shortest = options_.tokens_mean - options_.tokens_spread;
  Text shorter = text;
  while (shorter.tokens > longest) {
    sampled = sampled.first(sampled.size() - 1);
    SIGILLO_TRY_VOID(encode_anew(shorter, sampled));
  }
  return shorter.tokens >= shortest ? shorter : text;
}

Status TextWriter::encode_anew(Text& text, std::span<const TokenId> sampled) const {
  SIGILLO_TRY(text.bytes, tokenizer_.decode(sampled));
  SIGILLO_TRY(const auto encoded, tokenizer_.encode(text.bytes));
  text.sampled = static_cast<std::int64_t>(sampled.size());
  text.tokens = static_cast<std::int64_t>(encoded.size());
  text.differing = count_differing(sampled, encoded, token_bytes_);
  return {};
}

}  // namespace tinylm
