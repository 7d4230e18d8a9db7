#include "sigillo/audit/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sigillo::audit {
namespace {

using core::Error;
using core::ErrorCode;
using core::Json;
using core::Status;

using Choices = std::string_view;

constexpr FieldSpec text(std::string_view name, std::string_view help) {
  return {name, FieldType::text, true, help};
}
constexpr FieldSpec optional_text(std::string_view name, std::string_view help) {
  return {name, FieldType::text, false, help};
}
constexpr FieldSpec integer(std::string_view name, std::string_view help) {
  return {name, FieldType::integer, true, help};
}
constexpr FieldSpec optional_integer(std::string_view name, std::string_view help) {
  return {name, FieldType::integer, false, help};
}
constexpr FieldSpec digest(std::string_view name, std::string_view help) {
  return {name, FieldType::digest, true, help};
}
constexpr FieldSpec time_field(std::string_view name, std::string_view help) {
  return {name, FieldType::time, true, help};
}

constexpr std::array<Choices, 4> kModalities = {"text", "image", "audio", "video"};
constexpr std::array<Choices, 4> kLayers = {"signed_metadata", "watermark", "fingerprint", "log"};
constexpr std::array<Choices, 6> kRoles = {"gpai_provider", "modifier", "system_provider",
                                           "deployer",      "platform", "capture_device_maker"};
constexpr std::array<Choices, 4> kSizes = {"micro", "sme", "smc", "large"};
constexpr std::array<Choices, 3> kAppliedAt = {"model", "inference", "post_hoc"};
constexpr std::array<Choices, 3> kForms = {"spec", "software", "api"};
constexpr std::array<Choices, 4> kBasis = {"measured", "derived", "estimated", "claimed"};
constexpr std::array<Choices, 2> kKeyRoles = {"owner", "recorder"};

// -- genesis and trust
// ---------------------------------------------------------------------------------------------------
constexpr std::array kGenesis = {
    text("origin", "the log's name: its checkpoints' origin line"),
    text("log_key", "the log's verifier key (C2SP vkey)"),
    text("owner_key", "base64 SubjectPublicKeyInfo of the key that signs the first trust list"),
};
constexpr std::array kTrustKey = {
    digest("key_id", "SHA-256 of the SubjectPublicKeyInfo"),
    text("public_key", "base64 SubjectPublicKeyInfo (DER)"),
    text("actor", "who holds the key"),
    FieldSpec{"role", FieldType::choice, true,
              "owner may change the trust list; a recorder may not", kKeyRoles},
    FieldSpec{"kinds", FieldType::text_list, true,
              "record kinds that the key may sign; \"*\" for all"},
    time_field("valid_from", "records before this time do not count"),
    FieldSpec{"valid_to", FieldType::time, false, "records after this time do not count"},
};
constexpr std::array kTrustList = {
    FieldSpec{
        "keys", FieldType::object_list, true, "every key that counts from here on", {}, kTrustKey},
};

// -- declarations
// -------------------------------------------------------------------------------------------------------
constexpr std::array kRoleDeclaration = {
    text("actor", "name of the organisation"),
    FieldSpec{"role", FieldType::choice_list, true, "roles under the AI Act", kRoles},
    FieldSpec{"size", FieldType::choice, false, "size of the enterprise", kSizes},
    FieldSpec{"jurisdiction", FieldType::text_list, false,
              "where the actor is established or offers, such as EU"},
    FieldSpec{"cop_signatory", FieldType::boolean, false,
              "has signed the transparency Code of Practice"},
};
constexpr std::array kPlacement = {
    text("system", "name of the AI system"),
    text("actor", "provider that places it"),
    optional_text("version", "version of the system"),
    text("market", "market, such as EU"),
    FieldSpec{"placed_on", FieldType::date, false,
              "date first placed on the market; leave out if unknown"},
    FieldSpec{"modality", FieldType::choice_list, true, "what it generates", kModalities},
    FieldSpec{"high_risk", FieldType::boolean, false,
              "whether it is a high-risk system; leave out if not assessed"},
};
constexpr std::array kMarkingConfig = {
    text("system", "name of the AI system"),
    optional_text("release", "the release that it holds for; without it, all releases"),
    FieldSpec{"modality", FieldType::choice, true, "what is marked", kModalities},
    FieldSpec{"layer", FieldType::choice_list, true, "layers of marking", kLayers},
    text("scheme", "scheme, such as vllm-gumbel"),
    FieldSpec{"profile_digest", FieldType::digest, false,
              "SHA-256 of the profile; the command line knows it for its own schemes"},
    optional_text("key_id",
                  "id of the key, never the key; on the command line also the key's name"),
    FieldSpec{"applied_at", FieldType::choice, true, "where the mark is applied", kAppliedAt},
};
constexpr std::array kDetectorRelease = {
    text("system", "name of the AI system"),
    text("scheme", "scheme that the detector reads"),
    FieldSpec{"form", FieldType::choice, true, "form in which others can get it", kForms},
    text("url", "where it is"),
};
constexpr std::array kExemptionClaim = {
    text("system", "name of the AI system"),
    text("rule", "id of the rule, such as EU50-2x"),
    text("ground", "the ground that is relied on"),
    text("attested_by", "role or office that attests it"),
};
constexpr std::array kNotification = {
    text("model", "name of the model"),
    text("kind", "kind, such as art52"),
    FieldSpec{"known_on", FieldType::date, true,
              "date on which it became known that the threshold is or will be met"},
    FieldSpec{"sent_on", FieldType::date, false, "date on which it was sent"},
    text("recipient", "recipient, such as AI Office"),
};

// -- datasets, runs, releases, outputs
// ------------------------------------------------------------------------------
constexpr std::array kDatasetManifest = {
    text("dataset", "name of the dataset"),
    text("license", "SPDX licence expression"),
    text("source", "where it comes from (URI)"),
    digest("root", "Merkle root over the files' entries"),
    digest("manifest", "SHA-256 of the manifest blob"),
    integer("files", "number of files"),
    integer("bytes", "total size in bytes"),
};
constexpr std::array kNamedRoot = {
    text("dataset", "name of a sealed dataset"),
    digest("root", "its root"),
};
constexpr std::array kCode = {
    optional_text("commit", "git commit of the working folder"),
    FieldSpec{"dirty", FieldType::boolean, false, "uncommitted changes were there"},
};
constexpr std::array kHost = {
    text("cpu_model", "processor"),
    integer("cpus", "logical processors that the run may use"),
    integer("memory_bytes", "main memory"),
    text("kernel", "operating system and release"),
    text("architecture", "machine architecture"),
};
constexpr std::array kAccelerator = {
    text("model", "model as the driver names it"),
    optional_text("driver", "driver version"),
};
constexpr std::array kRunStart = {
    text("run_id", "random id of the run"),
    text("model", "name of the model"),
    FieldSpec{"datasets",
              FieldType::object_list,
              true,
              "sealed datasets that the run reads",
              {},
              kNamedRoot},
    digest("command", "commitment to the command and its arguments"),
    digest("environment", "commitment to the allowed environment variables"),
    digest("user", "commitment to the user name"),
    digest("host_name", "commitment to the host name"),
    digest("folder", "commitment to the working folder"),
    FieldSpec{"code", FieldType::object, true, "state of the code", {}, kCode},
    FieldSpec{"host", FieldType::object, true, "hardware and system", {}, kHost},
    FieldSpec{"accelerators",
              FieldType::object_list,
              true,
              "accelerators that the driver reports; empty if none",
              {},
              kAccelerator},
    time_field("started_at", "start, before the command is started"),
};
constexpr std::array kFlop = {
    text("exact", "floating-point operations, decimal (for display)"),
    integer("e12", "the same in units of 10^12, rounded up"),
    FieldSpec{"basis", FieldType::choice, true, "how it is known", kBasis},
    text("method", "how it was counted"),
};
constexpr std::array kEnergy = {
    integer("milliwatt_hours", "energy in units of 10^-9 MWh, rounded up"),
    FieldSpec{"basis", FieldType::choice, true, "how it is known", kBasis},
    text("method", "how it was found"),
    integer("uncertainty_percent", "half-width of the interval, percent"),
};
constexpr std::array kRunEnd = {
    text("run_id", "id of the run"),
    text("model", "name of the model"),
    time_field("ended_at", "end of the command"),
    optional_integer("exit_code", "exit code, if it exited"),
    optional_integer("signal", "signal number, if a signal ended it"),
    integer("wall_ms", "elapsed time, milliseconds"),
    integer("cpu_ms", "user and system time of the command and its children, milliseconds"),
    integer("max_rss_kib", "largest resident set, KiB"),
    FieldSpec{"outputs_root", FieldType::digest, false,
              "Merkle root over the output files' entries"},
    FieldSpec{"outputs_manifest", FieldType::digest, false,
              "SHA-256 of the outputs' manifest blob"},
    integer("outputs_files", "number of output files"),
    FieldSpec{"flop", FieldType::object, false, "compute, if the command reported it", {}, kFlop},
    FieldSpec{"energy", FieldType::object, true, "energy", {}, kEnergy},
    optional_text("note", "what could not be recorded, and why"),
};
constexpr std::array kModelRelease = {
    text("release", "name of the release"),
    text("system", "AI system that it is part of"),
    text("model", "name of the model"),
    digest("model_digest", "Merkle root over the released files' entries"),
    digest("manifest", "SHA-256 of the manifest blob"),
    integer("files", "number of files"),
    optional_text("run_id", "run that made the files, as the recorder saw it; views recompute it"),
};
constexpr std::array kOutputsBatch = {
    text("release", "release that made the outputs"),
    FieldSpec{"modality", FieldType::choice, true, "modality of the outputs", kModalities},
    integer("count", "number of outputs"),
    digest("batch_root", "Merkle root over the lines of the detections blob"),
    digest("lines", "SHA-256 of the detections blob (JSON Lines)"),
    digest("tree", "SHA-256 of the blob of leaf hashes, 32 bytes a line"),
    digest("profile_digest", "SHA-256 of the watermark profile that was tested"),
    text("key_id", "id of the key that was tested"),
    FieldSpec{"sample_basis", FieldType::choice, true, "who chose the sample",
              std::span<const Choices>()},
};

constexpr std::array<Choices, 1> kSampleBasis = {"chosen-by-provider"};
constexpr auto outputs_batch_fields() {
  auto fields = kOutputsBatch;
  fields.back().choices = kSampleBasis;
  return fields;
}
constexpr auto kOutputsBatchFields = outputs_batch_fields();

constexpr std::array kLedgerRestored = {
    text("origin", "the ledger's name"),
    integer("size", "entries that the copy held: what came after them is lost"),
    digest("root", "root of the ledger at that size"),
};

constexpr std::array kTimeStamp = {
    integer("size", "entries under the checkpoint that is stamped"),
    digest("root", "its root"),
    text("log_line", "the log's signature line of that checkpoint"),
    digest("imprint", "SHA-256 of what is stamped: the checkpoint with the log's line alone"),
    digest("token", "SHA-256 of the blob with the authority's RFC 3161 response"),
    time_field("time", "when the authority says that it existed"),
    text("authority", "subject of the authority's certificate"),
};

constexpr std::array kErasure = {
    FieldSpec{"commitments", FieldType::digest_list, true,
              "commitments whose values and salts are deleted"},
    text("reason", "why, without personal data"),
    optional_text("basis", "the legal basis, such as GDPR Art. 17(1)(b)"),
};

constexpr std::array<Choices, 2> kHoldStates = {"placed", "lifted"};
constexpr std::array kLegalHold = {
    text("hold", "its name, such as the case's"),
    FieldSpec{"state", FieldType::choice, true, "whether it begins or ends", kHoldStates},
    text("reason", "why, without personal data"),
};

// -- shards
// -------------------------------------------------------------------------------------------------------------
constexpr std::array kShardEnd = {
    integer("shard", "number of this shard, from 1"),
    text("next_origin", "name of the next shard"),
    text("next_log_key", "its log's verifier key (C2SP vkey)"),
    digest("next_ledger", "its ledger id: SHA-256 of its genesis statement"),
};
constexpr std::array kShardStart = {
    integer("shard", "number of this shard, from 2"),
    integer("first_entry", "number of its first entry: the entries of all shards before it"),
    text("previous_log_key", "verifier key of the log before it, which names its origin"),
    digest("previous_ledger", "ledger id of the shard before it"),
    integer("size", "entries under the final checkpoint of that shard"),
    digest("root", "root of that checkpoint"),
    text("log_line", "the log's signature line of that checkpoint"),
};
constexpr std::array kShardPruned = {
    integer("shard", "number of the shard, from 1"),
    text("log_key", "verifier key of its log, which names its origin"),
    digest("pruned_ledger", "its ledger id"),
    integer("first_entry", "number of its first entry"),
    integer("size", "entries under its final checkpoint"),
    digest("root", "root of that checkpoint"),
    text("log_line", "the log's signature line of that checkpoint"),
    digest("remainder", "SHA-256 of pruned.json: what stays of the shard"),
    time_field("expired_at", "the first moment at which none of its entries had to be kept"),
    text("basis", "which of its entries had to be kept longest, and by which law"),
};

constexpr std::array kKinds = {
    RecordKind{"genesis", Retention::document, false, "origin",
               "the ledger's first entry: its name and keys", kGenesis},
    RecordKind{"trust-list", Retention::document, false, "",
               "which key may sign which kinds of record", kTrustList},
    RecordKind{"role-declaration", Retention::document, true, "actor",
               "who we are under the AI Act", kRoleDeclaration},
    RecordKind{"placement", Retention::document, true, "system", "a system is placed on a market",
               kPlacement},
    RecordKind{"marking-config", Retention::document, true, "system",
               "which marks a system's outputs carry", kMarkingConfig},
    RecordKind{"detector-release", Retention::document, true, "system",
               "a detector that others can reach", kDetectorRelease},
    RecordKind{"exemption-claim", Retention::document, true, "system",
               "a signed claim that a rule does not apply", kExemptionClaim},
    RecordKind{"notification", Retention::document, true, "model", "a notification to an authority",
               kNotification},
    RecordKind{"dataset-manifest", Retention::document, false, "dataset", "a sealed dataset",
               kDatasetManifest},
    RecordKind{"run-start", Retention::document, false, "run_id", "a training run starts",
               kRunStart},
    RecordKind{"run-end", Retention::document, false, "run_id", "a training run has ended",
               kRunEnd},
    RecordKind{"model-release", Retention::document, false, "release", "a model is released",
               kModelRelease},
    RecordKind{"outputs-batch", Retention::event, false, "release",
               "generated outputs with what was detected in them", kOutputsBatchFields},
    RecordKind{"ledger-restored", Retention::document, false, "origin",
               "the ledger went on from an old copy, and later entries may be lost",
               kLedgerRestored},
    RecordKind{"time-stamp", Retention::document, false, "",
               "a third party's time stamp (RFC 3161) on a checkpoint", kTimeStamp},
    RecordKind{"erasure", Retention::document, false, "",
               "values behind commitments are deleted for good", kErasure},
    RecordKind{"legal-hold", Retention::document, true, "hold",
               "nothing may be erased while it is in force", kLegalHold},
    RecordKind{"shard-end", Retention::document, false, "",
               "the last entry of a sealed shard: which shard goes on", kShardEnd},
    RecordKind{"shard-start", Retention::document, false, "",
               "the third entry of a later shard: how the one before it ended", kShardStart},
    RecordKind{"shard-pruned", Retention::document, false, "",
               "a sealed shard that nobody has to keep any longer is deleted: what stays of it",
               kShardPruned},
};

// -- validation
// -------------------------------------------------------------------------------------------------------

constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxItems = 4096;

Error fault(const std::string& path, std::string_view what) {
  return Error{ErrorCode::invalid_input, fmt::format("record field {}: {}", path, what),
               "see docs/formats/record.md"};
}

std::string joined(std::span<const std::string_view> choices) {
  return fmt::format("{}", fmt::join(choices, ", "));
}

Status check_text(const std::string& path, const Json& value) {
  if (!value.is_string()) return fault(path, "is not a string");
  const auto& string = value.get_ref<const std::string&>();
  if (string.empty() || string.size() > kMaxText)
    return fault(path, fmt::format("must have 1 to {} bytes", kMaxText));
  const bool control = std::any_of(string.begin(), string.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (control || !core::is_utf8(string))
    return fault(path, "holds control characters or is not UTF-8");
  return {};
}

Status check_object(const std::string& path, std::span<const FieldSpec> members, const Json& value);

Status check_choice(const std::string& path, const FieldSpec& field, const Json& value) {
  SIGILLO_TRY_VOID(check_text(path, value));
  const auto& string = value.get_ref<const std::string&>();
  if (std::find(field.choices.begin(), field.choices.end(), string) == field.choices.end())
    return fault(path, fmt::format("\"{}\" is not one of {}", string, joined(field.choices)));
  return {};
}

Status check_digest(const std::string& path, const Json& value) {
  const bool ok =
      value.is_string() && core::Digest::from_hex(value.get_ref<const std::string&>()).has_value();
  return ok ? Status() : fault(path, "is not a SHA-256 digest in lower-case hex");
}

Status check_list(const std::string& path, const FieldSpec& field, const Json& value) {
  if (!value.is_array()) return fault(path, "is not a list");
  if (value.size() > kMaxItems)
    return fault(path, fmt::format("has more than {} items", kMaxItems));
  const bool may_be_empty = field.type == FieldType::object_list;
  if (value.empty() && !may_be_empty) return fault(path, "is empty");
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string item = fmt::format("{}[{}]", path, i);
    if (field.type == FieldType::choice_list) SIGILLO_TRY_VOID(check_choice(item, field, value[i]));
    else if (field.type == FieldType::text_list) SIGILLO_TRY_VOID(check_text(item, value[i]));
    else if (field.type == FieldType::digest_list) SIGILLO_TRY_VOID(check_digest(item, value[i]));
    else SIGILLO_TRY_VOID(check_object(item, field.members, value[i]));
  }
  return {};
}

Status check_field(const std::string& path, const FieldSpec& field, const Json& value) {
  switch (field.type) {
    case FieldType::text:
      return check_text(path, value);
    case FieldType::choice:
      return check_choice(path, field, value);
    case FieldType::boolean:
      return value.is_boolean() ? Status() : fault(path, "is not true or false");
    case FieldType::integer: {
      // A number beyond the signed range would wrap in the comparison that follows.
      const bool wraps = value.is_number_unsigned() &&
                         value.get<std::uint64_t>() > std::uint64_t{core::kMaxJsonInteger};
      const bool fits = value.is_number_integer() && !wraps &&
                        value.get<std::int64_t>() <= core::kMaxJsonInteger &&
                        value.get<std::int64_t>() >= -core::kMaxJsonInteger;
      return fits ? Status() : fault(path, "is not an integer within +-(2^53 - 1)");
    }
    case FieldType::digest:
      return check_digest(path, value);
    case FieldType::date: {
      const bool ok = value.is_string() &&
                      core::timestamp_from_date(value.get_ref<const std::string&>()).has_value();
      return ok ? Status() : fault(path, "is not a date such as 2026-11-23");
    }
    case FieldType::time: {
      const bool ok = value.is_string() &&
                      core::timestamp_from_rfc3339(value.get_ref<const std::string&>()).has_value();
      return ok ? Status() : fault(path, "is not a time such as 2026-11-23T09:30:00Z");
    }
    case FieldType::object:
      return check_object(path, field.members, value);
    case FieldType::text_list:
    case FieldType::choice_list:
    case FieldType::digest_list:
    case FieldType::object_list:
      return check_list(path, field, value);
  }
  return fault(path, "has an unknown type");
}

Status check_object(const std::string& path, std::span<const FieldSpec> members,
                    const Json& value) {
  if (!value.is_object()) return fault(path.empty() ? "(record)" : path, "is not an object");
  const std::string prefix = path.empty() ? "" : path + ".";
  for (const auto& [name, member] : value.items()) {
    const auto* field = std::find_if(members.data(), members.data() + members.size(),
                                     [&name = name](const FieldSpec& f) { return f.name == name; });
    if (field == members.data() + members.size()) return fault(prefix + name, "is unknown");
    SIGILLO_TRY_VOID(check_field(prefix + name, *field, member));
  }
  for (const FieldSpec& field : members)
    if (field.required && !value.contains(field.name))
      return fault(prefix + std::string(field.name), fmt::format("is missing ({})", field.help));
  return {};
}

// -- JSON Schema
// ------------------------------------------------------------------------------------------------------

Json schema_of_members(std::span<const FieldSpec> members);

Json schema_of(const FieldSpec& field) {
  // maxLength counts characters where validate_fields counts bytes: a schema is the looser of the
  // two.
  const Json plain_text{{"type", "string"},
                        {"minLength", 1},
                        {"maxLength", kMaxText},
                        {"pattern", "^[^\\u0000-\\u001f\\u007f]*$"}};
  const Json choice{{"enum", std::vector<std::string>(field.choices.begin(), field.choices.end())}};
  const Json digest{{"type", "string"}, {"pattern", "^[0-9a-f]{64}$"}};
  const auto list = [&](const Json& items, int least) {
    return Json{{"type", "array"}, {"items", items}, {"minItems", least}, {"maxItems", kMaxItems}};
  };
  switch (field.type) {
    case FieldType::text:
      return plain_text;
    case FieldType::choice:
      return choice;
    case FieldType::boolean:
      return Json{{"type", "boolean"}};
    case FieldType::integer:
      return Json{{"type", "integer"},
                  {"minimum", -core::kMaxJsonInteger},
                  {"maximum", core::kMaxJsonInteger}};
    case FieldType::digest:
      return digest;
    case FieldType::date:
      return Json{{"type", "string"}, {"pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}};
    case FieldType::time:
      return Json{{"type", "string"},
                  {"pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"}};
    case FieldType::object:
      return schema_of_members(field.members);
    case FieldType::text_list:
      return list(plain_text, 1);
    case FieldType::choice_list:
      return list(choice, 1);
    case FieldType::digest_list:
      return list(digest, 1);
    case FieldType::object_list:
      return list(schema_of_members(field.members), 0);
  }
  return Json();
}

Json schema_of_members(std::span<const FieldSpec> members) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const FieldSpec& field : members) {
    Json property = schema_of(field);
    property["description"] = field.help;
    properties[std::string(field.name)] = std::move(property);
    if (field.required) required.push_back(field.name);
  }
  return Json{{"type", "object"},
              {"properties", std::move(properties)},
              {"required", std::move(required)},
              {"additionalProperties", false}};
}

// A genesis is what the others name.
bool names_its_ledger(const RecordKind& kind) { return kind.name != "genesis"; }

std::string_view retention_text(Retention retention) {
  return retention == Retention::event ? "event" : "document";
}

}  // namespace

std::span<const RecordKind> record_kinds() { return kKinds; }

const RecordKind* find_record_kind(std::string_view name) {
  const auto* found = std::find_if(kKinds.begin(), kKinds.end(),
                                   [&](const RecordKind& kind) { return kind.name == name; });
  return found == kKinds.end() ? nullptr : found;
}

std::string predicate_type(const RecordKind& kind) {
  return fmt::format("{}{}/v1", kRecordTypePrefix, kind.name);
}

const RecordKind* kind_of_predicate_type(std::string_view type) {
  if (!type.starts_with(kRecordTypePrefix) || !type.ends_with("/v1")) return nullptr;
  type.remove_prefix(kRecordTypePrefix.size());
  type.remove_suffix(3);
  return find_record_kind(type);
}

Json json_schema(const RecordKind& kind) {
  Json schema = schema_of_members(kind.fields);
  if (names_its_ledger(kind)) {
    schema["properties"]["ledger"] = schema_of(FieldSpec{"", FieldType::digest, true, ""});
    schema["required"].push_back("ledger");
  }
  schema["properties"]["recorded_at"] = schema_of(FieldSpec{"", FieldType::time, true, ""});
  schema["properties"]["retention"] = Json{{"const", retention_text(kind.retention)}};
  schema["required"].push_back("recorded_at");
  schema["required"].push_back("retention");
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["$id"] = predicate_type(kind);
  schema["title"] = kind.name;
  schema["description"] = kind.help;
  return schema;
}

Status validate_fields(const RecordKind& kind, const Json& fields) {
  return check_object("", kind.fields, fields);
}

core::Subject named_subject(std::string_view type, std::string_view name) {
  return {fmt::format("{}:{}", type, name),
          core::sha256(fmt::format("sigillo-name:{}:{}", type, name))};
}

core::Result<std::string> make_record(const RecordKind& kind, const Json& fields,
                                      const std::vector<core::Subject>& subjects,
                                      const std::optional<core::Digest>& ledger,
                                      const core::PrivateKey& key, const core::Clock& clock) {
  SIGILLO_CHECK(ledger.has_value() == names_its_ledger(kind));
  SIGILLO_TRY_VOID(validate_fields(kind, fields));
  core::Statement statement{subjects, predicate_type(kind), fields};
  if (ledger.has_value()) statement.predicate["ledger"] = ledger->hex();
  statement.predicate["recorded_at"] = core::to_rfc3339(clock.now());
  statement.predicate["retention"] = retention_text(kind.retention);
  SIGILLO_TRY(const std::string payload, core::statement_bytes(statement));
  SIGILLO_TRY(const core::Envelope envelope,
              core::sign_envelope(core::kStatementPayloadType, core::as_bytes(payload), key));
  SIGILLO_TRY(std::string leaf, core::envelope_bytes(envelope));
  if (leaf.size() > kMaxLeafBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("record \"{}\" has {} bytes; a ledger entry has at most {}", kind.name,
                             leaf.size(), kMaxLeafBytes),
                 "put bulk content into a file and record its digest"};
  return leaf;
}

core::Result<Record> read_record(std::string_view leaf) {
  Record record;
  SIGILLO_TRY(record.envelope, core::parse_canonical_envelope(leaf));
  if (record.envelope.payload_type != core::kStatementPayloadType)
    return Error{ErrorCode::unsupported,
                 fmt::format("payload type \"{}\" is not an in-toto statement",
                             record.envelope.payload_type),
                 ""};
  const std::string_view payload = core::as_text(record.envelope.payload);
  SIGILLO_TRY(const Json canonical, core::parse_canonical_json(payload));
  SIGILLO_TRY(record.statement, core::parse_statement(payload));
  record.kind = kind_of_predicate_type(record.statement.predicate_type);
  if (record.kind == nullptr)
    return Error{ErrorCode::unsupported,
                 fmt::format("record type \"{}\" is unknown", record.statement.predicate_type),
                 "a newer sigillo may know it"};
  record.fields = record.statement.predicate;
  SIGILLO_TRY(record.recorded_at,
              core::json_string(record.fields, "recorded_at", record.kind->name));
  SIGILLO_TRY(const core::Timestamp time, core::timestamp_from_rfc3339(record.recorded_at));
  static_cast<void>(time);
  SIGILLO_TRY(const std::string retention,
              core::json_string(record.fields, "retention", record.kind->name));
  if (retention != retention_text(record.kind->retention))
    return fault("retention", "is not this kind's class");
  if (names_its_ledger(*record.kind)) {
    SIGILLO_TRY(const std::string ledger,
                core::json_string(record.fields, "ledger", record.kind->name));
    SIGILLO_TRY(record.ledger, core::Digest::from_hex(ledger));
  }
  Json fields = record.fields;
  if (record.ledger.has_value()) fields.erase("ledger");
  fields.erase("recorded_at");
  fields.erase("retention");
  SIGILLO_TRY_VOID(validate_fields(*record.kind, fields));
  return record;
}

core::Digest ledger_id(const Record& genesis) { return core::sha256(genesis.envelope.payload); }

}  // namespace sigillo::audit
