#include "sigillo/core/evidence.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace sigillo::core {
namespace {

constexpr ColumnSchema text(std::string_view name) { return {name, ColumnType::text}; }
constexpr ColumnSchema integer(std::string_view name) { return {name, ColumnType::integer}; }

// Every view ends with the entry it rests on, the actor whose key signed it, and when it was
// recorded.
constexpr std::array kActors = {text("actor"),
                                text("role"),
                                text("size"),
                                text("jurisdictions"),
                                integer("cop_signatory"),
                                integer("entry"),
                                text("signer"),
                                text("recorded_at")};
constexpr std::array kSystems = {text("system"),   text("actor"),     text("version"),
                                 text("market"),   text("placed_on"), integer("high_risk"),
                                 integer("entry"), text("signer"),    text("recorded_at")};
constexpr std::array kSystemModalities = {text("system"), text("modality"), integer("entry"),
                                          text("signer"), text("recorded_at")};
constexpr std::array kMarkingConfigs = {text("system"), text("release"),    text("modality"),
                                        text("layer"),  text("scheme"),     text("profile_digest"),
                                        text("key_id"), text("applied_at"), integer("entry"),
                                        text("signer"), text("recorded_at")};
constexpr std::array kDetectorReleases = {text("system"),     text("scheme"),   text("form"),
                                          text("url"),        integer("entry"), text("signer"),
                                          text("recorded_at")};
constexpr std::array kReleases = {text("release"),      text("system"),     text("model"),
                                  text("model_digest"), text("run_id"),     integer("entry"),
                                  text("signer"),       text("recorded_at")};
constexpr std::array kOutputs = {
    text("release"),        text("output_digest"), text("modality"),   integer("tokens"),
    text("tested_digest"),  text("result"),        integer("scored"),  integer("log10_p_micro"),
    text("profile_digest"), text("key_id"),        text("detector"),   text("sample_basis"),
    integer("entry"),       text("signer"),        text("recorded_at")};
constexpr std::array kDatasets = {text("dataset"),  text("root"),     text("license"),
                                  text("source"),   integer("files"), integer("bytes"),
                                  integer("entry"), text("signer"),   text("recorded_at")};
constexpr std::array kRuns = {text("run_id"),       text("model"),
                              text("state"),        text("started_at"),
                              text("ended_at"),     integer("exit_code"),
                              integer("flop_e12"),  text("flop_basis"),
                              text("flop_method"),  integer("energy_milliwatt_hours"),
                              text("energy_basis"), text("energy_method"),
                              integer("entry"),     text("signer"),
                              text("recorded_at")};
constexpr std::array kRunDatasets = {text("run_id"),   text("dataset"), text("root"),
                                     integer("entry"), text("signer"),  text("recorded_at")};
constexpr std::array kRunOutputs = {text("run_id"),   text("path"),   text("digest"),
                                    integer("entry"), text("signer"), text("recorded_at")};
constexpr std::array kNotifications = {text("model"),   text("kind"),       text("known_on"),
                                       text("sent_on"), text("recipient"),  integer("entry"),
                                       text("signer"),  text("recorded_at")};
constexpr std::array kExemptionClaims = {text("system"),      text("rule"),     text("ground"),
                                         text("attested_by"), integer("entry"), text("signer"),
                                         text("recorded_at")};

const std::array kSchema = {
    ViewSchema{"ev1_actors", kActors, "who declared which role (one row per role)"},
    ViewSchema{"ev1_systems", kSystems,
               "AI systems and the date each was first placed on the market"},
    ViewSchema{"ev1_system_modalities", kSystemModalities,
               "what a system generates: text, image, audio, video"},
    ViewSchema{"ev1_marking_configs", kMarkingConfigs,
               "which marks are applied (one row per layer)"},
    ViewSchema{"ev1_detector_releases", kDetectorReleases,
               "detectors that others can reach, per scheme"},
    ViewSchema{"ev1_releases", kReleases, "model releases, with the digest of the released files"},
    ViewSchema{"ev1_outputs", kOutputs,
               "outputs of a release with the detection that was measured on each"},
    ViewSchema{"ev1_datasets", kDatasets, "sealed datasets: root, licence, source, size"},
    ViewSchema{"ev1_runs", kRuns,
               "training runs: state, times, compute and energy with their basis"},
    ViewSchema{"ev1_run_datasets", kRunDatasets, "the sealed datasets that a run read"},
    ViewSchema{"ev1_run_outputs", kRunOutputs, "files that a run wrote, by digest"},
    ViewSchema{"ev1_notifications", kNotifications, "notifications to authorities"},
    ViewSchema{"ev1_exemption_claims", kExemptionClaims,
               "signed claims that a rule does not apply, with the ground"},
};

bool fits(const Cell& cell, ColumnType type) {
  if (std::holds_alternative<std::monostate>(cell)) return true;
  return std::holds_alternative<std::int64_t>(cell) == (type == ColumnType::integer);
}

}  // namespace

std::span<const ViewSchema> evidence_schema() { return kSchema; }

const ViewSchema* find_view(std::string_view name) {
  const auto* found = std::find_if(kSchema.begin(), kSchema.end(),
                                   [&](const ViewSchema& v) { return v.name == name; });
  return found == kSchema.end() ? nullptr : found;
}

void Evidence::add(std::string_view view, Row row) {
  const ViewSchema* schema = find_view(view);
  SIGILLO_CHECK(schema != nullptr && row.size() == schema->columns.size());
  for (std::size_t i = 0; i < row.size(); ++i) SIGILLO_CHECK(fits(row[i], schema->columns[i].type));
  rows[std::string(view)].push_back(std::move(row));
}

void Evidence::sort() {
  for (auto& [view, list] : rows) std::sort(list.begin(), list.end());
}

Json to_json(const Evidence& evidence) {
  Json views = Json::object();
  for (const ViewSchema& schema : kSchema) {
    Json list = Json::array();
    const auto found = evidence.rows.find(schema.name);
    if (found != evidence.rows.end()) {
      for (const Row& row : found->second) {
        Json object = Json::object();
        for (std::size_t i = 0; i < row.size(); ++i) {
          Json& cell = object[std::string(schema.columns[i].name)];
          if (const auto* number = std::get_if<std::int64_t>(&row[i])) cell = *number;
          if (const auto* string = std::get_if<std::string>(&row[i])) cell = *string;
        }
        list.push_back(std::move(object));
      }
    }
    views[std::string(schema.name)] = std::move(list);
  }
  return Json{{"origin", evidence.origin},
              {"size", evidence.size},
              {"root", evidence.root},
              {"views", std::move(views)}};
}

Digest evidence_digest(const Evidence& evidence) {
  auto bytes = canonical_json(to_json(evidence));
  SIGILLO_CHECK(
      bytes.has_value());  // rows hold integers within bounds and valid text, by construction
  return sha256(*bytes);
}

}  // namespace sigillo::core
