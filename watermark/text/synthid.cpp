#include "watermark/text/synthid.hpp"

#include <algorithm>
#include <random>

#include "sigillo/core/statistics.hpp"
#include "watermark/kernels/fixed_choice.hpp"
#include "watermark/kernels/fixed_exp.hpp"
#include "watermark/kernels/synthid_prf.hpp"
#include "watermark/text/windows.hpp"

namespace sigillo::watermark {
namespace synthid {
namespace {

constexpr TokenId kSynthIdPadding = 0;
constexpr std::string_view kDepth = "depth", kHistory = "context_history_size",
                           kTableSize = "sampling_table_size", kTableSeed = "sampling_table_seed";

SamplingTable make_table(std::uint32_t size, std::uint32_t seed) {
  std::mt19937 engine(seed);
  SamplingTable table(size);
  for (std::uint8_t& bit : table) bit = static_cast<std::uint8_t>(engine() & 1u);
  return table;
}

// Number `index` of the stream "synthid-key" of a 64-bit secret: the first eight bytes, big-endian,
// of HMAC-SHA-256(secret as 8 bytes, "synthid-key" and the index as 4 bytes, big-endian).
std::uint64_t derived_number(std::uint64_t secret, std::uint32_t index) {
  core::Bytes key, message = core::to_bytes("synthid-key");
  core::append_u64(key, secret);
  core::append_u16(message, static_cast<std::uint16_t>(index >> 16));
  core::append_u16(message, static_cast<std::uint16_t>(index));
  core::Digest digest = core::hmac_sha256(key, message);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | digest.bytes[i];
  core::secure_zero(key.data(), key.size());
  core::secure_zero(digest.bytes.data(), digest.bytes.size());
  return number;
}

std::int64_t log_q32(std::uint64_t part, std::uint64_t whole) {
  constexpr std::int64_t ln2_q63 = 0x58B90BFBE8E7BCD6;
  const auto t = static_cast<std::int64_t>(kernels::log2_q58(part) - kernels::log2_q58(whole));
  return static_cast<std::int64_t>((kernels::Int128{t} * ln2_q63) >> 89);
}

// How many of all keys give a layer each number of ones at these n-grams: a key moves their places
// in the table by one of its `size` rotations, all of them by as many keys. counts[i] is for
// smallest + i.
struct OnesLaw {
  std::vector<std::int64_t> counts;
  std::int64_t smallest = 0;
};

// RotationCounts adds up rotations of a table, for all places at once: plane k holds bit k of each
// place's sum, 64 places a word.
class RotationCounts {
 public:
  explicit RotationCounts(const SamplingTable& table) : words_(table.size() / 64) {
    packed_.resize(words_ + 1);
    carry_.resize(words_);
    for (std::size_t i = 0; i < table.size(); ++i)
      packed_[i / 64] |= std::uint64_t{table[i]} << (i % 64);
    packed_[words_] = packed_[0];
  }
  // Adds the table rotated by `place`, `times` times.
  void add(std::uint32_t place, std::uint32_t times) {
    for (std::size_t plane = 0; times != 0; ++plane, times >>= 1) {
      if ((times & 1u) == 0) continue;
      rotate(place);
      carry_up(plane);
    }
  }
  [[nodiscard]] std::uint32_t sum(std::size_t place) const {
    std::uint32_t total = 0;
    for (std::size_t plane = 0; plane < planes_.size(); ++plane) {
      const auto bit = static_cast<std::uint32_t>(planes_[plane][place / 64] >> (place % 64) & 1u);
      total |= bit << plane;
    }
    return total;
  }

 private:
  void rotate(std::uint32_t place) {
    const std::size_t first = place / 64;
    const std::uint32_t shift = place % 64;
    for (std::size_t i = 0; i < words_; ++i) {
      const std::size_t from = first + i < words_ ? first + i : first + i - words_;
      carry_[i] =
          shift == 0 ? packed_[from] : packed_[from] >> shift | packed_[from + 1] << (64 - shift);
    }
  }
  // Adds carry_ to the sums, from a plane on.
  void carry_up(std::size_t plane) {
    for (bool more = true; more; ++plane) {
      while (plane >= planes_.size()) planes_.emplace_back(words_);
      std::uint64_t* sums = planes_[plane].data();
      std::uint64_t* bits = carry_.data();
      std::uint64_t any = 0;
      for (std::size_t i = 0; i < words_; ++i) {
        const std::uint64_t carry = sums[i] & bits[i];
        sums[i] ^= bits[i];
        bits[i] = carry;
        any |= carry;
      }
      more = any != 0;
    }
  }
  std::size_t words_;
  std::vector<std::uint64_t> packed_, carry_;
  std::vector<std::vector<std::uint64_t>> planes_;
};

OnesLaw ones_law(const SamplingTable& table, std::span<const std::uint64_t> ngrams) {
  const auto size = static_cast<std::uint32_t>(table.size());
  std::vector<std::uint32_t> occurrences(size), ones(size);
  for (const std::uint64_t ngram : ngrams) ++occurrences[kernels::synthid_index(ngram, 0, size)];
  RotationCounts counts(table);
  for (std::uint32_t place = 0; place < size; ++place)
    if (occurrences[place] != 0) counts.add(place, occurrences[place]);
  for (std::uint32_t rotation = 0; rotation < size; ++rotation)
    ones[rotation] = counts.sum(rotation);
  const auto [least, most] = std::minmax_element(ones.begin(), ones.end());
  OnesLaw law;
  law.smallest = *least;
  law.counts.resize(*most - *least + 1);
  for (const std::uint32_t count : ones) ++law.counts[count - *least];
  return law;
}

class SynthidMark final : public Mark {
 public:
  SynthidMark(const TextProfile& profile, const TextKey& keys)
      : width_(profile.context_width),
        keys_(keys),
        table_(sampling_table(static_cast<std::uint32_t>(parameter(profile, kTableSize)),
                              static_cast<std::uint32_t>(parameter(profile, kTableSeed)))) {}

  TokenId choose(const MarkedRow& row) const override;
  TextScore score(std::span<const TokenId> tokens) const override;

 private:
  [[nodiscard]] std::int64_t depth() const {
    return static_cast<std::int64_t>(keys_.values().size());
  }
  std::int32_t width_;
  TextKey keys_;
  std::shared_ptr<const SamplingTable> table_;
};

TokenId SynthidMark::choose(const MarkedRow& row) const {
  const auto size = static_cast<std::size_t>(row.vocabulary);
  std::vector<std::int64_t> scores(size);
  std::int64_t largest = kernels::kMasked;
  for (std::size_t v = 0; v < size; ++v) {
    scores[v] = kernels::scaled_logit_q32(row.logits[v], row.temperature);
    if (scores[v] == kernels::kInfinite) return static_cast<TokenId>(v);
    largest = std::max(largest, scores[v]);
  }
  if (largest == kernels::kMasked) return -1;
  const std::uint64_t context = kernels::synthid_context_hash(row.context, width_);
  std::vector<std::uint64_t> bits(size), weights(size);
  for (std::size_t v = 0; v < size; ++v) {
    if (scores[v] == kernels::kMasked) continue;
    bits[v] = layer_bits(*table_, keys_.values(), kernels::synthid_absorb(context, v));
    weights[v] = kernels::exp_weight_q38(static_cast<std::uint64_t>(largest) -
                                         static_cast<std::uint64_t>(scores[v]));
  }
  const std::vector<LayerShift> shifts = run_tournament(weights, bits, depth());
  const kernels::CandidateStream stream = kernels::plain_stream(row.seed);
  kernels::Best best = kernels::no_entry();
  kernels::Philox4 words{};
  for (std::size_t v = 0; v < size; ++v) {
    if (v % 4 == 0) words = kernels::candidate_words(stream, static_cast<std::uint32_t>(v / 4));
    if (scores[v] == kernels::kMasked) continue;
    std::int64_t score =
        scores[v] + kernels::gumbel_noise_q32(kernels::mantissa_of(words.word[v % 4]));
    bool possible = true;
    for (std::size_t layer = 0; layer < shifts.size(); ++layer) {
      const std::int64_t shift = shifts[layer].by_bit[bits[v] >> layer & 1u];
      possible = possible && shift != kNever;
      score += possible ? shift : 0;
    }
    const kernels::Best entry = {score, static_cast<std::int32_t>(v)};
    if (possible && kernels::better(entry, best)) best = entry;
  }
  return best.id;
}

TextScore SynthidMark::score(std::span<const TokenId> tokens) const {
  const std::vector<std::uint64_t> ngrams = scored_ngrams(width_, tokens);
  const std::vector<std::int64_t> weights = layer_weights(depth());
  TextScore score;
  score.scored = static_cast<std::int64_t>(ngrams.size());
  if (ngrams.empty()) return score;
  std::int64_t sum = 0;
  for (const std::uint64_t ngram : ngrams) {
    const std::uint64_t bits = layer_bits(*table_, keys_.values(), ngram);
    for (std::size_t layer = 0; layer < weights.size(); ++layer)
      sum += (bits >> layer & 1u) != 0 ? weights[layer] : 0;
  }
  const OnesLaw law = ones_law(*table_, ngrams);
  const core::WeightedSumTail tail =
      core::log_weighted_sum_tail(law.counts, law.smallest, weights, sum);
  score.sum = static_cast<double>(sum);
  score.ln_p = tail.ln_tail;
  score.ln_p_least = tail.ln_least;
  score.exact = tail.exact;
  return score;
}

core::Result<std::unique_ptr<const Mark>> bind_synthid(const TextProfile& profile,
                                                       const TextKey& key) {
  SIGILLO_TRY(const TextKey keys, layer_keys(profile, key));
  return std::unique_ptr<const Mark>(std::make_unique<SynthidMark>(profile, keys));
}

}  // namespace

std::shared_ptr<const SamplingTable> sampling_table(std::uint32_t size, std::uint32_t seed) {
  // The published default is made once; others are rare, and a cache of them would have no bound.
  if (size == 65536 && seed == 0) {
    static const auto published = std::make_shared<const SamplingTable>(make_table(65536, 0));
    return published;
  }
  return std::make_shared<const SamplingTable>(make_table(size, seed));
}

core::Result<TextKey> layer_keys(const TextProfile& profile, const TextKey& key) {
  const auto depth = static_cast<std::size_t>(parameter(profile, kDepth));
  if (key.values().size() == depth) return key;
  if (key.values().size() != 1) {
    return core::Error{core::ErrorCode::invalid_argument,
                       "text profile \"" + profile.name + "\" takes one 64-bit key or a list of " +
                           std::to_string(depth) + " numbers, not " +
                           std::to_string(key.values().size()),
                       "name a key with as many numbers as the profile's depth"};
  }
  std::array<std::uint64_t, TextKey::kMaxValues> numbers{};
  for (std::uint32_t i = 0; i < depth; ++i) numbers[i] = derived_number(key.value(), i);
  auto derived = TextKey::from_values(std::span(numbers).first(depth));
  core::secure_zero(numbers.data(), sizeof numbers);
  return derived;
}

std::vector<std::int64_t> layer_weights(std::int64_t depth) {
  std::vector<std::int64_t> weights;
  const std::int64_t steps = depth - 1;
  for (std::int64_t layer = 0; layer < depth; ++layer)
    weights.push_back((2 * (10 * steps - 9 * layer) + steps) / (2 * steps));
  return weights;
}

std::uint64_t layer_bits(const SamplingTable& table, std::span<const std::uint64_t> keys,
                         std::uint64_t ngram_hash) {
  const auto size = static_cast<std::uint32_t>(table.size());
  std::uint64_t bits = 0;
  for (std::size_t layer = 0; layer < keys.size(); ++layer)
    bits |= std::uint64_t{table[kernels::synthid_index(ngram_hash, keys[layer], size)]} << layer;
  return bits;
}

std::vector<std::uint64_t> scored_ngrams(std::int32_t context_width,
                                         std::span<const TokenId> tokens) {
  WindowSet windows(context_width, kSynthIdPadding);
  std::vector<std::uint64_t> ngrams;
  for (auto i = static_cast<std::size_t>(context_width); i < tokens.size(); ++i) {
    const std::vector<TokenId> window = windows.window(tokens.first(i));
    if (!windows.insert(window)) continue;
    ngrams.push_back(
        kernels::synthid_absorb(kernels::synthid_context_hash(window.data(), context_width),
                                static_cast<std::uint64_t>(tokens[i])));
  }
  return ngrams;
}

std::vector<LayerShift> run_tournament(std::span<std::uint64_t> weights,
                                       std::span<const std::uint64_t> bits, std::int64_t depth) {
  std::vector<LayerShift> shifts;
  for (std::int64_t layer = 0; layer < depth; ++layer) {
    std::uint64_t all = 0, ones = 0;
    for (std::size_t v = 0; v < weights.size(); ++v) {
      all += weights[v];
      ones += (bits[v] >> layer & 1u) != 0 ? weights[v] : 0;
    }
    // With G = ones / all: an entry with bit 1 gains 2 - G, one with bit 0 keeps 1 - G.
    const std::uint64_t gains[2] = {all - ones, 2 * all - ones};
    std::uint64_t factors_q32[2] = {0, 0};
    LayerShift shift = {{kNever, kNever}};
    for (std::size_t bit = 0; bit < 2; ++bit) {
      if (gains[bit] == 0) continue;
      factors_q32[bit] = static_cast<std::uint64_t>((kernels::Uint128{gains[bit]} << 32) / all);
      shift.by_bit[bit] = log_q32(gains[bit], all);
    }
    for (std::size_t v = 0; v < weights.size(); ++v) {
      weights[v] = static_cast<std::uint64_t>(
          kernels::Uint128{weights[v]} * factors_q32[bits[v] >> layer & 1u] >> 32);
    }
    shifts.push_back(shift);
  }
  return shifts;
}

}  // namespace synthid

const TextScheme& synthid_scheme() {
  using namespace synthid;
  static const std::array<ParameterRange, 4> parameters = {
      ParameterRange{kDepth, 2, static_cast<std::int64_t>(TextKey::kMaxValues)},
      ParameterRange{kHistory, 1, 1 << 20}, ParameterRange{kTableSize, 256, 1 << 18, true},
      ParameterRange{kTableSeed, 0, 0xFFFFFFFF}};
  static const std::array<TextProfile, 1> built_in = {TextProfile{"synthid-transformers",
                                                                  "synthid",
                                                                  "transformers-table-cpu-v1",
                                                                  4,
                                                                  {{std::string(kDepth), 30},
                                                                   {std::string(kHistory), 1024},
                                                                   {std::string(kTableSize), 65536},
                                                                   {std::string(kTableSeed), 0}}}};
  static const TextScheme scheme = {
      .scheme = "synthid",
      .prf = "transformers-table-cpu-v1",
      .built_in = built_in,
      .parameters = parameters,
      .draws = true,
      .has_kernel = false,
      .padding = kSynthIdPadding,
      .history =
          [](const TextProfile& profile) {
            return std::optional<std::int64_t>(parameter(profile, kHistory));
          },
      .bind = bind_synthid,
      .choose_on_device = nullptr,
  };
  return scheme;
}

}  // namespace sigillo::watermark
