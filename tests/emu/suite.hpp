// The conformance suite of gumbel_choose: batches of many shapes, each chosen by the host back end
// and by a device kernel.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "sigillo/watermark/text.hpp"
#include "tests/emu/scheduler.hpp"
#include "watermark/kernels/gumbel_choose.hpp"

namespace sigillo::test {

using watermark::TokenId;
using Kernel = int (*)(const watermark::kernels::GumbelChooseArguments&, void*);

struct Case {
  std::int32_t rows, vocabulary, slices;
  std::int64_t extra_stride;
  std::int32_t misalignment;  // elements past a 16-byte boundary
  std::int32_t width;
  int mask_percent;
  enum class Plain { none, some, all } plain;
  float temperature;
};

inline std::string describe(const Case& c) {
  return "rows " + std::to_string(c.rows) + ", vocabulary " + std::to_string(c.vocabulary) +
         ", slices " + std::to_string(c.slices) + ", stride +" + std::to_string(c.extra_stride) +
         ", misalignment " + std::to_string(c.misalignment) + ", width " + std::to_string(c.width) +
         ", masked " + std::to_string(c.mask_percent) + "%, temperature " +
         std::to_string(c.temperature);
}

// A batch in host memory, which is also the emulator's device memory. What lies outside the rows is
// +infinity, so that a token from there would win.
class Batch {
 public:
  Batch(const Case& c, std::uint64_t seed)
      : case_(c), profile_(watermark::text_profiles().front()), key_(seed * 0x9E3779B97F4A7C15u) {
    std::mt19937_64 random(seed);
    profile_.context_width = c.width;
    stride_ = c.vocabulary + c.extra_stride;
    const auto rows = static_cast<std::size_t>(c.rows);
    storage_.assign(rows * static_cast<std::size_t>(stride_) + 16, INFINITY);
    const std::size_t to_boundary =
        (16 - reinterpret_cast<std::uintptr_t>(storage_.data()) % 16) % 16 / sizeof(float);
    logits_ = storage_.data() + to_boundary + c.misalignment;
    std::normal_distribution<float> normal(0, 4);
    for (std::int64_t row = 0; row < c.rows; ++row) {
      for (std::int64_t i = 0; i < c.vocabulary; ++i)
        logits_[row * stride_ + i] = entry(random, normal);
    }
    for (std::size_t i = 0; i < rows * static_cast<std::size_t>(c.width); ++i) {
      contexts_.push_back(static_cast<TokenId>(random() % 100001) - 1);
    }
    for (std::size_t row = 0; row < rows; ++row) {
      plain_.push_back(c.plain == Case::Plain::all ||
                       (c.plain == Case::Plain::some && random() % 2 == 0));
      seeds_.push_back(random());
    }
  }

  // Rows without an entry to choose give -1, and the host's error is then expected.
  [[nodiscard]] std::vector<TokenId> on_host() const {
    std::vector<TokenId> out(static_cast<std::size_t>(case_.rows), -2);
    const auto status = watermark::choose_tokens(profile_, watermark::TextKey(key_), batch(), out);
    for (const TokenId token : out) {
      if (token == -1 && status.has_value())
        out.assign(out.size(), -3);  // an unreported row: agree with nothing
    }
    return out;
  }
  // Empty if the launch failed.
  [[nodiscard]] std::vector<TokenId> on_device(Kernel kernel) const {
    std::vector<TokenId> out(static_cast<std::size_t>(case_.rows), -2);
    std::vector<watermark::kernels::Best> partial(out.size() *
                                                  static_cast<std::size_t>(case_.slices));
    watermark::kernels::GumbelChooseArguments a;
    a.logits = logits_;
    a.stride = stride_;
    a.rows = case_.rows;
    a.vocabulary = case_.vocabulary;
    a.contexts = contexts_.data();
    a.context_width = case_.width;
    a.plain = case_.plain == Case::Plain::none ? nullptr : plain_.data();
    a.plain_seeds = case_.plain == Case::Plain::none ? nullptr : seeds_.data();
    a.key = key_;
    a.temperature = case_.temperature;
    a.slices = case_.slices;
    a.partial = case_.slices > 1 ? partial.data() : nullptr;
    a.out = out.data();
    return kernel(a, nullptr) == 0 ? out : std::vector<TokenId>{};
  }
  [[nodiscard]] watermark::ChooseBatch batch() const {
    return {case_.rows,       case_.vocabulary,
            logits_,          stride_,
            contexts_.data(), case_.plain == Case::Plain::none ? nullptr : plain_.data(),
            seeds_.data(),    case_.temperature};
  }
  [[nodiscard]] const watermark::TextProfile& profile() const { return profile_; }
  [[nodiscard]] watermark::TextKey key() const { return watermark::TextKey(key_); }

 private:
  float entry(std::mt19937_64& random, std::normal_distribution<float>& normal) const {
    if (static_cast<int>(random() % 100) < case_.mask_percent)
      return random() % 2 == 0 ? -INFINITY : NAN;
    const std::uint64_t kind = random() % 64;
    if (kind == 0) return 40.0F * normal(random);
    if (kind == 1) return 2.5F;  // many equal logits
    return normal(random);
  }
  Case case_;
  watermark::TextProfile profile_;
  std::uint64_t key_;
  std::int64_t stride_ = 0;
  std::vector<float> storage_;
  float* logits_ = nullptr;
  std::vector<TokenId> contexts_;
  std::vector<std::uint8_t> plain_;
  std::vector<std::uint64_t> seeds_;
};

inline std::vector<Case> cases() {
  using Plain = Case::Plain;
  std::vector<Case> out;
  for (const std::int32_t vocabulary :
       {1, 2, 3, 4, 5, 31, 127, 128, 1021, 1024, 1025, 1026, 1027, 4099}) {
    out.push_back({1, vocabulary, 1, 0, 0, 4, 0, Plain::none, 1.0F});
    out.push_back({3, vocabulary, 2, 5, 1, 4, 30, Plain::some, 0.7F});
  }
  for (const std::int32_t misalignment : {0, 1, 2, 3}) {
    for (const std::int64_t extra : {0, 1, 2, 3, 4, 8}) {
      out.push_back({2, 254, 1 + static_cast<std::int32_t>(extra) % 3, extra, misalignment, 4, 5,
                     Plain::some, 1.3F});
    }
  }
  for (const std::int32_t width : {1, 2, 3, 5, 8, 64})
    out.push_back({2, 66, 1, 2, 0, width, 0, Plain::none, 1.0F});
  for (const int masked : {0, 50, 97, 100})
    out.push_back({4, 90, 1, 0, 0, 4, masked, Plain::some, 1.0F});
  for (const Plain plain : {Plain::none, Plain::some, Plain::all})
    out.push_back({5, 33, 1, 3, 0, 4, 10, plain, 1.0F});
  for (const std::int32_t slices : {1, 2, 7, 33, 40})
    out.push_back({2, 2500, slices, 4, 0, 4, 20, Plain::some, 1.0F});
  // Long enough for warps to share their bounds several times: 8 steps of 256 threads of 4 entries
  // and more.
  for (const float temperature : {0.3F, 1.0F})
    out.push_back({1, 40003, 1, 0, 0, 4, 10, Plain::none, temperature});
  return out;
}

// Runs all cases under the three schedules; returns what went wrong, stopping after `enough`.
inline std::vector<std::string> run_suite(Kernel kernel, std::size_t enough) {
  std::vector<std::string> wrong;
  const std::pair<emu::Order, const char*> orders[] = {{emu::Order::forward, "forward"},
                                                       {emu::Order::reverse, "reverse"},
                                                       {emu::Order::shuffled, "shuffled"}};
  std::uint64_t seed = 1;
  for (const Case& c : cases()) {
    const Batch batch(c, ++seed);
    const std::vector<TokenId> expected = batch.on_host();
    for (const auto& [order, name] : orders) {
      emu::set_schedule(order, seed);
      const std::vector<TokenId> chosen = batch.on_device(kernel);
      if (chosen == expected) continue;
      wrong.push_back(
          std::string(name) + ", " + describe(c) +
          (chosen.empty() ? ": launch failed: " + emu::last_failure() : ": other tokens"));
      if (wrong.size() >= enough) return wrong;
    }
  }
  return wrong;
}

}  // namespace sigillo::test
