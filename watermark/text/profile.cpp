#include <nlohmann/json.hpp>

#include "watermark/text/scheme.hpp"

namespace sigillo::watermark {

std::span<const TextProfile> text_profiles() {
  static const std::vector<TextProfile> profiles = [] {
    std::vector<TextProfile> all;
    for (const TextScheme* scheme : text_schemes())
      all.insert(all.end(), scheme->built_in.begin(), scheme->built_in.end());
    return all;
  }();
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
  core::Json json{{"context_width", profile.context_width},
                  {"name", profile.name},
                  {"prf", profile.prf},
                  {"scheme", profile.scheme}};
  for (const auto& [name, value] : profile.parameters) json.emplace(name, value);
  return json;
}

core::Result<TextProfile> text_profile_from_json(std::string_view text) {
  SIGILLO_TRY(const core::Json json, core::parse_json(text, {kMaxProfileBytes, 2}));
  constexpr std::string_view where = "text profile";
  TextProfile profile;
  SIGILLO_TRY(profile.name, core::json_string(json, "name", where));
  SIGILLO_TRY(profile.scheme, core::json_string(json, "scheme", where));
  SIGILLO_TRY(profile.prf, core::json_string(json, "prf", where));
  SIGILLO_TRY(const std::int64_t width, core::json_integer(json, "context_width", where));
  // Out of 32 bits is out of bounds, too; what is refused below must not wrap into them.
  profile.context_width = width < 0 || width > kMaxContextWidth ? 0 : static_cast<int>(width);
  for (const auto& [name, value] : json.items()) {
    if (name == "name" || name == "scheme" || name == "prf" || name == "context_width") continue;
    SIGILLO_TRY(profile.parameters[name], core::json_integer(json, name, where));
  }
  SIGILLO_TRY_VOID(scheme_of(profile));
  return profile;
}

core::Digest profile_digest(const TextProfile& profile) {
  // Strings and integers in bounds: the canonical form fails only for names that are not UTF-8,
  // which scheme_of refuses.
  return core::sha256(core::canonical_json(to_json(profile)).value());
}

}  // namespace sigillo::watermark
