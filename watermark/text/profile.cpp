#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "sigillo/watermark/text.hpp"
#include "watermark/text/scheme.hpp"

namespace sigillo::watermark {

std::span<const TextProfile> text_profiles() {
  static const std::array<TextProfile, 1> profiles = {
      TextProfile{"vllm-gumbel", std::string(kGumbelScheme), std::string(kPhiloxPrf), 4}};
  return profiles;
}

core::Result<TextProfile> text_profile(std::string_view name) {
  std::string known;
  for (const TextProfile& profile : text_profiles()) {
    if (profile.name == name) return profile;
    known += (known.empty() ? "" : ", ") + profile.name;
  }
  return core::Error{core::ErrorCode::not_found,
                     "there is no text profile \"" + std::string(name) + "\"",
                     "use one of: " + known};
}

core::Json to_json(const TextProfile& profile) {
  return core::Json{{"context_width", profile.context_width},
                    {"name", profile.name},
                    {"prf", profile.prf},
                    {"scheme", profile.scheme}};
}

core::Digest profile_digest(const TextProfile& profile) {
  // Strings and one 32-bit integer: the canonical form fails only for names that are not UTF-8,
  // which check_profile refuses.
  return core::sha256(core::canonical_json(to_json(profile)).value());
}

core::Status check_profile(const TextProfile& profile) {
  if (profile.scheme != kGumbelScheme || profile.prf != kPhiloxPrf) {
    return core::Error{core::ErrorCode::unsupported,
                       "text profile \"" + profile.name + "\": scheme \"" + profile.scheme +
                           "\" with PRF \"" + profile.prf + "\" is not implemented",
                       "use scheme gumbel with PRF philox4x32-10-v1"};
  }
  if (profile.context_width < 1 || profile.context_width > kMaxContextWidth) {
    return core::Error{core::ErrorCode::invalid_argument,
                       "text profile \"" + profile.name + "\": context_width " +
                           std::to_string(profile.context_width) + " is not in 1..64",
                       ""};
  }
  if (profile.name.empty() || !core::is_utf8(profile.name)) {
    return core::Error{core::ErrorCode::invalid_argument,
                       "a text profile's name is empty or not UTF-8", ""};
  }
  return {};
}

}  // namespace sigillo::watermark
