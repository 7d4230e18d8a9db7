#include "watermark/text/scheme.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace sigillo::watermark {
namespace {

core::Error profile_error(const TextProfile& profile, const std::string& what) {
  return {core::ErrorCode::invalid_argument, "text profile \"" + profile.name + "\": " + what, ""};
}

std::string known_schemes() {
  std::string known;
  for (const TextScheme* scheme : text_schemes()) {
    known += (known.empty() ? "" : ", or ") + std::string(scheme->scheme) + " with PRF " +
             std::string(scheme->prf);
  }
  return known;
}

core::Status check_parameters(const TextScheme& scheme, const TextProfile& profile) {
  for (const ParameterRange& range : scheme.parameters) {
    const auto found = profile.parameters.find(range.name);
    const std::string name(range.name);
    if (found == profile.parameters.end()) return profile_error(profile, name + " is missing");
    if (found->second < range.least || found->second > range.most) {
      return profile_error(profile, name + " " + std::to_string(found->second) + " is not in " +
                                        std::to_string(range.least) + ".." +
                                        std::to_string(range.most));
    }
    if (range.power_of_two && !std::has_single_bit(static_cast<std::uint64_t>(found->second)))
      return profile_error(profile, name + " is not a power of two");
  }
  for (const auto& entry : profile.parameters) {
    const std::string& name = entry.first;  // clang 14 captures no structured binding
    if (std::none_of(scheme.parameters.begin(), scheme.parameters.end(),
                     [&](const ParameterRange& range) { return range.name == name; }))
      return profile_error(profile, "\"" + name + "\" is no parameter of its scheme");
  }
  return {};
}

}  // namespace

std::span<const TextScheme* const> text_schemes() {
  static const std::array<const TextScheme*, 2> schemes = {&gumbel_scheme(), &synthid_scheme()};
  return schemes;
}

core::Result<const TextScheme*> scheme_of(const TextProfile& profile) {
  const auto schemes = text_schemes();
  const auto found = std::find_if(schemes.begin(), schemes.end(), [&](const TextScheme* scheme) {
    return scheme->scheme == profile.scheme && scheme->prf == profile.prf;
  });
  if (found == schemes.end()) {
    return core::Error{core::ErrorCode::unsupported,
                       "text profile \"" + profile.name + "\": scheme \"" + profile.scheme +
                           "\" with PRF \"" + profile.prf + "\" is not implemented",
                       "use scheme " + known_schemes()};
  }
  if (profile.name.empty() || !core::is_utf8(profile.name)) {
    return core::Error{core::ErrorCode::invalid_argument,
                       "a text profile's name is empty or not UTF-8", ""};
  }
  if (profile.context_width < 1 || profile.context_width > kMaxContextWidth) {
    return profile_error(
        profile, "context_width " + std::to_string(profile.context_width) + " is not in 1..64");
  }
  SIGILLO_TRY_VOID(check_parameters(**found, profile));
  return *found;
}

std::int64_t parameter(const TextProfile& profile, std::string_view name) {
  const auto found = profile.parameters.find(name);
  SIGILLO_CHECK(found != profile.parameters.end());
  return found->second;
}

}  // namespace sigillo::watermark
