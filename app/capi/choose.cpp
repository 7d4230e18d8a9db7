// sigillo_choose_tokens: logits in any of the three forms, one call of the watermark module.
#include <vector>

#include "app/capi/handles.hpp"
#include "app/capi/widen.hpp"

using namespace sigillo;
using capi::guarded;
using capi::null_argument;

namespace {

constexpr std::string_view kFunction = "sigillo_choose_tokens";

core::Error argument_error(std::string_view what) {
  return {core::ErrorCode::invalid_argument, std::string(kFunction) + ": " + std::string(what), ""};
}

watermark::ChooseBatch host_batch(const sigillo_choose_batch& batch) {
  watermark::ChooseBatch out;
  out.rows = batch.rows;
  out.vocabulary = batch.vocabulary;
  out.stride = batch.stride;
  out.contexts = batch.contexts;
  out.plain = batch.plain;
  out.plain_seeds = batch.plain_seeds;
  out.temperature = batch.temperature;
  return out;
}

template <class Widen>
std::vector<float> widened(const sigillo_choose_batch& batch, Widen widen) {
  const auto rows = static_cast<std::size_t>(batch.rows);
  const auto vocabulary = static_cast<std::size_t>(batch.vocabulary);
  const auto stride = static_cast<std::size_t>(batch.stride);
  const auto* logits = static_cast<const std::uint16_t*>(batch.logits);
  std::vector<float> out;
  if (rows > out.max_size() / vocabulary) throw std::bad_alloc();
  out.resize(rows * vocabulary);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t v = 0; v < vocabulary; ++v)
      out[row * vocabulary + v] = widen(logits[row * stride + v]);
  }
  return out;
}

core::Status choose(const sigillo_profile& profile, const sigillo_key& key,
                    const sigillo_choose_batch& batch, std::span<std::int32_t> out) {
  watermark::ChooseBatch host = host_batch(batch);
  const std::string_view backend = batch.backend != nullptr ? batch.backend : "host";
  if (batch.logit_type == SIGILLO_F32) {
    host.logits = static_cast<const float*>(batch.logits);
    return watermark::choose_tokens(profile.profile, key.key, host, out, backend);
  }
  if (batch.logit_type != SIGILLO_F16 && batch.logit_type != SIGILLO_BF16)
    return argument_error("logit_type is none of SIGILLO_F32, SIGILLO_F16, SIGILLO_BF16");
  // Shapes are checked before a logit is read: by the same code, on a batch without rows.
  host.rows = 0;
  SIGILLO_TRY_VOID(watermark::choose_tokens(profile.profile, key.key, host, out.first(0), backend));
  if (batch.rows < 0) return argument_error("rows is negative");
  if (out.size() != static_cast<std::size_t>(batch.rows))
    return argument_error("token_count is not rows");
  if (batch.rows > 0 && batch.logits == nullptr) return argument_error("logits is NULL");
  host.rows = batch.rows;
  const std::vector<float> logits = batch.logit_type == SIGILLO_F16
                                        ? widened(batch, capi::widen_f16)
                                        : widened(batch, capi::widen_bf16);
  host.logits = logits.data();
  host.stride = batch.vocabulary;
  return watermark::choose_tokens(profile.profile, key.key, host, out, backend);
}

}  // namespace

extern "C" sigillo_status sigillo_choose_tokens(const sigillo_profile* profile,
                                                const sigillo_key* key,
                                                const sigillo_choose_batch* batch, int32_t* tokens,
                                                size_t token_count) {
  return guarded([&]() -> core::Status {
    if (profile == nullptr) return null_argument(kFunction, "profile");
    if (key == nullptr) return null_argument(kFunction, "key");
    if (batch == nullptr) return null_argument(kFunction, "batch");
    if (tokens == nullptr && token_count != 0) return null_argument(kFunction, "tokens");
    SIGILLO_TRY(const sigillo_choose_batch known, capi::read_struct(batch, kFunction, "batch"));
    return choose(*profile, *key, known, std::span(tokens, token_count));
  });
}
