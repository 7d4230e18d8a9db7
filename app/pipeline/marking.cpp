#include "app/pipeline/marking.hpp"

#include <nlohmann/json.hpp>

#include "sigillo/watermark/text.hpp"

namespace sigillo::app {
using core::Json;

core::Result<Json> resolve_marking(const audit::Workspace& workspace, Json fields) {
  if (fields.contains("key_id")) {
    const auto key = workspace.keyring().info(fields["key_id"].get<std::string>());
    if (key.has_value() && key->kind == "watermark") fields["key_id"] = key->key_id;
    else if (!key.has_value() && key.error().code != core::ErrorCode::key_missing)
      return key.error();
  }
  if (!fields.contains("profile_digest")) {
    const auto profile = watermark::text_profile(fields.at("scheme").get<std::string>());
    if (profile.has_value()) fields["profile_digest"] = watermark::profile_digest(*profile).hex();
  }
  return fields;
}

}  // namespace sigillo::app
