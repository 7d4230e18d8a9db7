// Making and freeing profiles, keys and tokenizers.
#include "app/capi/handles.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sigillo/core/keyring.hpp"

using namespace sigillo;
using capi::guarded;
using capi::null_argument;

namespace {

constexpr std::size_t kMaxKeyText = 16384;

core::Status make_profile(watermark::TextProfile profile, sigillo_profile** out) {
  SIGILLO_TRY(std::string json, core::canonical_json(watermark::to_json(profile)));
  *out = std::make_unique<sigillo_profile>(sigillo_profile{std::move(profile), std::move(json)})
             .release();
  return {};
}

core::Status make_key(const watermark::TextKey& key, std::string key_id, sigillo_key** out) {
  *out = std::make_unique<sigillo_key>(sigillo_key{key, std::move(key_id)}).release();
  return {};
}

core::Error too_large(std::string_view function, std::size_t size) {
  return {core::ErrorCode::input_too_large,
          std::string(function) + ": " + std::to_string(size) + " bytes are too many", ""};
}

}  // namespace

extern "C" {

sigillo_status sigillo_profile_by_name(const char* name, sigillo_profile** profile) {
  constexpr std::string_view function = "sigillo_profile_by_name";
  return guarded([&]() -> core::Status {
    if (profile == nullptr) return null_argument(function, "profile");
    *profile = nullptr;
    if (name == nullptr) return null_argument(function, "name");
    SIGILLO_TRY(watermark::TextProfile found, watermark::text_profile(name));
    return make_profile(std::move(found), profile);
  });
}

sigillo_status sigillo_profile_from_json(const char* json, size_t size, sigillo_profile** profile) {
  constexpr std::string_view function = "sigillo_profile_from_json";
  return guarded([&]() -> core::Status {
    if (profile == nullptr) return null_argument(function, "profile");
    *profile = nullptr;
    if (json == nullptr) return null_argument(function, "json");
    if (size > watermark::kMaxProfileBytes) return too_large(function, size);
    SIGILLO_TRY(watermark::TextProfile found, watermark::text_profile_from_json({json, size}));
    return make_profile(std::move(found), profile);
  });
}

sigillo_status sigillo_profile_json(const sigillo_profile* profile, char* buffer, size_t capacity,
                                    size_t* size) {
  constexpr std::string_view function = "sigillo_profile_json";
  const sigillo_status status = guarded([&]() -> core::Status {
    if (profile == nullptr) return null_argument(function, "profile");
    if (size == nullptr) return null_argument(function, "size");
    return {};
  });
  if (status != SIGILLO_OK) return status;
  if (buffer == nullptr) capacity = 0;
  return capi::fill_text(function, profile->json, buffer, capacity, size);
}

sigillo_status sigillo_profile_context_width(const sigillo_profile* profile, int32_t* width) {
  constexpr std::string_view function = "sigillo_profile_context_width";
  return guarded([&]() -> core::Status {
    if (profile == nullptr) return null_argument(function, "profile");
    if (width == nullptr) return null_argument(function, "width");
    *width = profile->profile.context_width;
    return {};
  });
}

void sigillo_profile_free(sigillo_profile* profile) {
  const std::unique_ptr<sigillo_profile> owner(profile);
}

sigillo_status sigillo_key_from_keyring(const char* folder, const char* name, sigillo_key** key) {
  constexpr std::string_view function = "sigillo_key_from_keyring";
  return guarded([&]() -> core::Status {
    if (key == nullptr) return null_argument(function, "key");
    *key = nullptr;
    if (folder == nullptr) return null_argument(function, "folder");
    if (name == nullptr) return null_argument(function, "name");
    const core::Keyring keyring{std::filesystem::path(folder)};
    SIGILLO_TRY(core::KeyInfo info, keyring.info(name));
    SIGILLO_TRY(const watermark::TextKey secret, keyring.watermark_values(name));
    return make_key(secret, std::move(info.key_id), key);
  });
}

sigillo_status sigillo_key_from_text(const char* text, size_t size, sigillo_key** key) {
  constexpr std::string_view function = "sigillo_key_from_text";
  return guarded([&]() -> core::Status {
    if (key == nullptr) return null_argument(function, "key");
    *key = nullptr;
    if (text == nullptr) return null_argument(function, "text");
    if (size > kMaxKeyText) return too_large(function, size);
    SIGILLO_TRY(const watermark::TextKey secret, core::parse_watermark_values({text, size}));
    return make_key(secret, "", key);
  });
}

sigillo_status sigillo_key_from_integers(const uint64_t* integers, size_t count,
                                         sigillo_key** key) {
  constexpr std::string_view function = "sigillo_key_from_integers";
  return guarded([&]() -> core::Status {
    if (key == nullptr) return null_argument(function, "key");
    *key = nullptr;
    if (integers == nullptr) return null_argument(function, "integers");
    SIGILLO_TRY(const watermark::TextKey secret,
                watermark::TextKey::from_values(std::span(integers, count)));
    return make_key(secret, "", key);
  });
}

sigillo_status sigillo_key_from_bytes(const uint8_t* bytes, size_t size, sigillo_key** key) {
  constexpr std::string_view function = "sigillo_key_from_bytes";
  return guarded([&]() -> core::Status {
    if (key == nullptr) return null_argument(function, "key");
    *key = nullptr;
    if (bytes == nullptr) return null_argument(function, "bytes");
    if (size == 0 || size % 8 != 0 || size / 8 > watermark::TextKey::kMaxValues) {
      return core::Error{core::ErrorCode::invalid_argument,
                         std::string(function) + ": " + std::to_string(size) +
                             " bytes are no 1 to 64 integers of 8 bytes",
                         ""};
    }
    std::array<std::uint64_t, watermark::TextKey::kMaxValues> values{};
    for (std::size_t i = 0; i < size; ++i) values[i / 8] = values[i / 8] << 8 | bytes[i];
    auto secret = watermark::TextKey::from_values(std::span(values).first(size / 8));
    core::secure_zero(values.data(), sizeof values);
    if (!secret.has_value()) return secret.error();
    return make_key(*secret, "", key);
  });
}

void sigillo_key_free(sigillo_key* key) { const std::unique_ptr<sigillo_key> owner(key); }

sigillo_status sigillo_tokenizer_from_json(const char* json, size_t size,
                                           sigillo_tokenizer** tokenizer) {
  constexpr std::string_view function = "sigillo_tokenizer_from_json";
  return guarded([&]() -> core::Status {
    if (tokenizer == nullptr) return null_argument(function, "tokenizer");
    *tokenizer = nullptr;
    if (json == nullptr) return null_argument(function, "json");
    if (size > watermark::kMaxTokenizerFileBytes) return too_large(function, size);
    SIGILLO_TRY(watermark::Tokenizer read, watermark::Tokenizer::from_json({json, size}));
    *tokenizer = std::make_unique<sigillo_tokenizer>(sigillo_tokenizer{std::move(read)}).release();
    return {};
  });
}

sigillo_status sigillo_tokenizer_encode(const sigillo_tokenizer* tokenizer, const char* text,
                                        size_t text_size, int32_t* tokens, size_t capacity,
                                        size_t* size) {
  constexpr std::string_view function = "sigillo_tokenizer_encode";
  bool fits = true;
  if (tokens == nullptr) capacity = 0;
  const sigillo_status status = guarded([&]() -> core::Status {
    if (tokenizer == nullptr) return null_argument(function, "tokenizer");
    if (size == nullptr) return null_argument(function, "size");
    *size = 0;
    if (text == nullptr) return null_argument(function, "text");
    if (text_size > watermark::kMaxTokenizerTextBytes) return too_large(function, text_size);
    SIGILLO_TRY(const std::vector<watermark::TokenId> ids,
                tokenizer->tokenizer.encode({text, text_size}));
    *size = ids.size();
    fits = ids.size() <= capacity;
    if (fits) std::copy(ids.begin(), ids.end(), tokens);
    return {};
  });
  return fits ? status : capi::too_small(function, *size, capacity);
}

sigillo_status sigillo_tokenizer_vocabulary_size(const sigillo_tokenizer* tokenizer,
                                                 int32_t* vocabulary_size) {
  constexpr std::string_view function = "sigillo_tokenizer_vocabulary_size";
  return guarded([&]() -> core::Status {
    if (tokenizer == nullptr) return null_argument(function, "tokenizer");
    if (vocabulary_size == nullptr) return null_argument(function, "vocabulary_size");
    *vocabulary_size = tokenizer->tokenizer.vocabulary_size();
    return {};
  });
}

void sigillo_tokenizer_free(sigillo_tokenizer* tokenizer) {
  const std::unique_ptr<sigillo_tokenizer> owner(tokenizer);
}

}  // extern "C"
