// sigillo_detect_*: a call of the pipeline, and its result as a struct and as JSON.
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "app/capi/handles.hpp"
#include "app/pipeline/detect_text.hpp"

using namespace sigillo;
using capi::guarded;
using capi::null_argument;

namespace {

std::int32_t number_of(core::DetectionResult result) {
  switch (result) {
    case core::DetectionResult::found:
      return SIGILLO_MARK_FOUND;
    case core::DetectionResult::not_found:
      return SIGILLO_MARK_NOT_FOUND;
    case core::DetectionResult::inconclusive:
      return SIGILLO_MARK_INCONCLUSIVE;
  }
  return SIGILLO_MARK_INCONCLUSIVE;
}

// Where a result goes. `json_size` null: no JSON is wanted.
struct Output {
  std::string_view function;
  sigillo_detection* detection;
  char* json;
  std::size_t capacity;
  std::size_t* json_size;
};

core::Result<watermark::DetectOptions> read_options(const sigillo_detect_options* given,
                                                    std::string_view function) {
  watermark::DetectOptions options;
  if (given == nullptr) return options;
  SIGILLO_TRY(const sigillo_detect_options known, capi::read_struct(given, function, "options"));
  options.threshold_log10_micro = known.threshold_log10_micro;
  options.tries = known.tries;
  return options;
}

void write_numbers(const core::Detection& detection, sigillo_detection* out) {
  sigillo_detection numbers{};
  numbers.struct_size = out->struct_size;
  numbers.result = number_of(detection.result);
  numbers.tokens = detection.tokens;
  numbers.scored = detection.scored;
  numbers.tries = detection.tries;
  numbers.log10_p_micro = detection.log10_p_micro;
  numbers.threshold_log10_micro = detection.threshold_log10_micro;
  std::memcpy(out, &numbers, sizeof numbers);
}

// detect(options) makes the detection.
template <class Detect>
sigillo_status run(const Output& output, const sigillo_detect_options* given, Detect detect) {
  std::string json;
  const sigillo_status status = guarded([&]() -> core::Status {
    SIGILLO_TRY_VOID(
        capi::check_result(output.detection, output.function, "detection", "sigillo_detection"));
    SIGILLO_TRY(const watermark::DetectOptions options, read_options(given, output.function));
    SIGILLO_TRY(const core::Detection detection, detect(options));
    SIGILLO_TRY(json, core::canonical_json(core::to_json(detection)));
    write_numbers(detection, output.detection);
    return {};
  });
  if (status != SIGILLO_OK || output.json_size == nullptr) return status;
  return capi::fill_text(output.function, json, output.json,
                         output.json != nullptr ? output.capacity : 0, output.json_size);
}

}  // namespace

extern "C" {

sigillo_status sigillo_detect_tokens(const sigillo_profile* profile, const sigillo_key* key,
                                     const int32_t* tokens, size_t token_count,
                                     const sigillo_detect_options* options,
                                     sigillo_detection* detection, char* json, size_t json_capacity,
                                     size_t* json_size) {
  const Output output = {"sigillo_detect_tokens", detection, json, json_capacity, json_size};
  return run(output, options,
             [&](const watermark::DetectOptions& read) -> core::Result<core::Detection> {
               if (profile == nullptr) return null_argument(output.function, "profile");
               if (key == nullptr) return null_argument(output.function, "key");
               if (tokens == nullptr && token_count != 0)
                 return null_argument(output.function, "tokens");
               return app::detect_in_tokens({&profile->profile, &key->key, key->key_id, nullptr},
                                            std::span(tokens, token_count), read);
             });
}

sigillo_status sigillo_detect_text(const sigillo_profile* profile, const sigillo_key* key,
                                   const sigillo_tokenizer* tokenizer, const char* text,
                                   size_t text_size, const sigillo_detect_options* options,
                                   sigillo_detection* detection, char* json, size_t json_capacity,
                                   size_t* json_size) {
  const Output output = {"sigillo_detect_text", detection, json, json_capacity, json_size};
  return run(output, options,
             [&](const watermark::DetectOptions& read) -> core::Result<core::Detection> {
               if (profile == nullptr) return null_argument(output.function, "profile");
               if (key == nullptr) return null_argument(output.function, "key");
               if (tokenizer == nullptr) return null_argument(output.function, "tokenizer");
               if (text == nullptr) return null_argument(output.function, "text");
               return app::detect_in_text(
                   {&profile->profile, &key->key, key->key_id, &tokenizer->tokenizer},
                   {reinterpret_cast<const std::uint8_t*>(text), text_size}, read);
             });
}

}  // extern "C"
