// Records: typed facts, as in-toto Statements in DSSE envelopes (docs/formats/record.md).
//
// A record kind is a table of fields. That one table gives the validation, the command line's
// options and help, and the JSON Schemas in docs/formats/schemas/.
#pragma once

#include <nlohmann/json.hpp>  // Record holds one by value
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sigillo/core/dsse.hpp"

namespace sigillo::audit {

inline constexpr std::string_view kRecordTypePrefix =
    "https://sigillo.dev/record/";                   // a name, not a location
inline constexpr std::size_t kMaxLeafBytes = 65535;  // C2SP tlog-tiles: a u16 length

enum class FieldType {
  text,
  date,
  time,
  integer,
  boolean,
  digest,
  choice,
  text_list,
  choice_list,
  digest_list,
  object,
  object_list
};

struct FieldSpec {
  std::string_view name;
  FieldType type;
  bool required;
  std::string_view help;
  std::span<const std::string_view> choices = {};  // choice, choice_list
  std::span<const FieldSpec> members = {};         // object, object_list
};

enum class Retention {
  event,
  document
};  // at least six months; ten years (specs: retention matrix)

struct RecordKind {
  std::string_view name;  // "placement"; the predicate type is prefix + name + "/v1"
  Retention retention;
  bool
      by_hand;  // `sigillo record NAME` may write it; the others are made by the verb that measures
  std::string_view subject;  // the field that names the subject, such as "system"
  std::string_view help;
  std::span<const FieldSpec> fields;
};

// Every kind, in a fixed order; and a look-up by name (nullptr if unknown).
[[nodiscard]] std::span<const RecordKind> record_kinds();
[[nodiscard]] const RecordKind* find_record_kind(std::string_view name);
[[nodiscard]] std::string predicate_type(const RecordKind& kind);
[[nodiscard]] const RecordKind* kind_of_predicate_type(std::string_view predicate_type);

// The kind's JSON Schema (draft 2020-12), generated from its table.
[[nodiscard]] core::Json json_schema(const RecordKind& kind);

// validate_fields: every member known, required ones there, types and choices right, text 1..4096
// bytes of UTF-8 without control characters, lists at most 4096 items. The first fault is named
// with its path: invalid_input.
[[nodiscard]] core::Status validate_fields(const RecordKind& kind, const core::Json& fields);

// Subjects of named things carry SHA-256("sigillo-name:" TYPE ":" NAME), so that they match by
// digest as in-toto asks.
[[nodiscard]] core::Subject named_subject(std::string_view type, std::string_view name);

// Builds and signs one record: predicate = fields + "ledger" + "recorded_at" + "retention". Gives
// the envelope's canonical bytes: a leaf. `ledger` is the id of the one ledger in which the record
// counts (ledger_id); a genesis has none, every other kind must have one. Too long for a leaf:
// input_too_large.
[[nodiscard]] core::Result<std::string> make_record(const RecordKind& kind,
                                                    const core::Json& fields,
                                                    const std::vector<core::Subject>& subjects,
                                                    const std::optional<core::Digest>& ledger,
                                                    const core::PrivateKey& key,
                                                    const core::Clock& clock);

// A leaf that has been read: the statement, its kind, and the fields. Validated, but not yet
// trusted.
struct Record {
  core::Envelope envelope;
  core::Statement statement;
  const RecordKind* kind = nullptr;
  core::Json fields;                   // the predicate, with ledger, recorded_at and retention
  std::optional<core::Digest> ledger;  // nothing in a genesis
  std::string recorded_at;
};
[[nodiscard]] core::Result<Record> read_record(std::string_view leaf);

// A ledger's identity: the SHA-256 of its genesis statement, which names its origin and its keys.
// Two ledgers of one name, or of one key, differ in it.
[[nodiscard]] core::Digest ledger_id(const Record& genesis);

}  // namespace sigillo::audit
