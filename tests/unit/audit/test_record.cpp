// Record kinds: what validates, what does not, and that the JSON Schemas in the documentation are
// the ones that the tables give.
#include <cstdio>

#include "fixture.hpp"

using namespace fixture;
using audit::FieldSpec;
using audit::FieldType;

namespace {

core::ErrorCode refusal(const audit::RecordKind& kind, const Json& fields) {
  return code(audit::validate_fields(kind, fields));
}

// A value that no field of the type takes.
std::vector<Json> wrong_values(FieldType type) {
  std::vector<Json> wrong = {nullptr, 1.5, Json::object({{"x", 1}})};
  if (type != FieldType::integer) wrong.push_back(1);
  if (type != FieldType::boolean) wrong.push_back(true);
  if (type != FieldType::text) wrong.push_back("no such value");
  if (type == FieldType::date) wrong.insert(wrong.end(), {"2026-02-30", "2026-13-01", "26-01-01"});
  if (type == FieldType::time) wrong.insert(wrong.end(), {"2026-01-01", "2026-01-01T24:00:00Z"});
  if (type == FieldType::digest) wrong.insert(wrong.end(), {hex_of('A'), std::string(63, 'a')});
  if (type == FieldType::text_list || type == FieldType::choice_list)
    wrong.insert(wrong.end(), {Json::array(), Json::array({1}), Json::array({""})});
  if (type == FieldType::choice_list) wrong.push_back(Json::array({"no such choice"}));
  if (type == FieldType::object_list) wrong.push_back(Json::array({1}));
  if (type != FieldType::text_list && type != FieldType::choice_list &&
      type != FieldType::object_list)
    wrong.push_back(Json::array());
  if (type == FieldType::text || type == FieldType::choice)
    wrong.insert(wrong.end(),
                 {"", "a\nb", "a\x7F", std::string("a\0b", 3), "\xFF", std::string(4097, 'a')});
  if (type == FieldType::integer)
    wrong.insert(wrong.end(), {"1", core::kMaxJsonInteger + 1, -core::kMaxJsonInteger - 1,
                               std::uint64_t{1} << 63});
  return wrong;
}

// Breaks one member after another, in `object` and in what it holds.
void break_members(const audit::RecordKind& kind, const Json& whole,
                   const Json::json_pointer& place, std::span<const FieldSpec> members,
                   int& broken) {
  for (const FieldSpec& field : members) {
    const auto here = place / std::string(field.name);
    CAPTURE(here.to_string());
    REQUIRE(whole.contains(here));  // the example must show every member
    Json without = whole;
    without.at(place).erase(std::string(field.name));
    CHECK(audit::validate_fields(kind, without).has_value() == !field.required);
    for (const Json& wrong : wrong_values(field.type)) {
      Json bad = whole;
      bad[here] = wrong;
      CAPTURE(wrong.dump(-1, ' ', true, Json::error_handler_t::replace));
      const auto status = audit::validate_fields(kind, bad);
      REQUIRE_FALSE(status.has_value());
      CHECK(status.error().message.find(field.name) != std::string::npos);
      ++broken;
    }
    if (field.type == FieldType::object) break_members(kind, whole, here, field.members, broken);
    if (field.type == FieldType::object_list)
      break_members(kind, whole, here / 0, field.members, broken);
  }
  Json unknown = whole;
  unknown.at(place)["no_such_member"] = "x";
  CHECK(refusal(kind, unknown) == core::ErrorCode::invalid_input);
}

fs::path schema_file(const audit::RecordKind& kind) {
  return fs::path(SIGILLO_DOCS) / "formats/schemas" / fmt::format("{}.json", kind.name);
}

}  // namespace

TEST_CASE("record: every kind's example is valid, and every broken one is refused", "[record]") {
  int broken = 0;
  for (const audit::RecordKind& kind : audit::record_kinds()) {
    CAPTURE(kind.name);
    const Json fields = example(kind.name);
    ok(audit::validate_fields(kind, fields));
    break_members(kind, fields, Json::json_pointer(), kind.fields, broken);
    CHECK(refusal(kind, Json::array()) == core::ErrorCode::invalid_input);
    CHECK(audit::find_record_kind(kind.name) == &kind);
    CHECK(audit::kind_of_predicate_type(audit::predicate_type(kind)) == &kind);
  }
  CHECK(broken > 800);  // no evidence is a failure
  CHECK(audit::find_record_kind("no-such-kind") == nullptr);
  CHECK(audit::kind_of_predicate_type("https://sigillo.dev/record/placement/v2") == nullptr);
  CHECK(audit::kind_of_predicate_type("https://sigillo.dev/record//v1") == nullptr);
}

TEST_CASE("record: limits of texts and lists, at and one past", "[record]") {
  const auto& kind = *audit::find_record_kind("placement");
  Json fields = example("placement");
  fields["system"] = std::string(4096, 'a');
  ok(audit::validate_fields(kind, fields));
  fields["system"] = std::string(4097, 'a');
  CHECK(refusal(kind, fields) == core::ErrorCode::invalid_input);
  std::string two_bytes;  // the limit counts bytes
  for (int i = 0; i < 2049; ++i) two_bytes += "\u00e9";
  fields["system"] = two_bytes;
  CHECK(refusal(kind, fields) == core::ErrorCode::invalid_input);

  const auto& role = *audit::find_record_kind("role-declaration");
  Json declared = example("role-declaration");
  declared["jurisdiction"] = std::vector<std::string>(4096, "EU");
  ok(audit::validate_fields(role, declared));
  declared["jurisdiction"].push_back("EU");
  CHECK(refusal(role, declared) == core::ErrorCode::invalid_input);

  const auto& end = *audit::find_record_kind("run-end");
  Json run = example("run-end");
  for (const std::int64_t limit : {core::kMaxJsonInteger, -core::kMaxJsonInteger}) {
    run["wall_ms"] = limit;
    ok(audit::validate_fields(end, run));
  }
}

TEST_CASE("record: a leaf has at most 65535 bytes", "[record]") {
  const auto& kind = *audit::find_record_kind("role-declaration");
  const core::PrivateKey key = key_of(1);
  const core::FixedClock clock(at("2026-11-24T12:00:00Z"));
  const auto leaf_of = [&](std::size_t bytes) {
    Json fields = example("role-declaration");
    fields["jurisdiction"] = std::vector<std::string>(bytes / 4000, std::string(4000, 'a'));
    fields["jurisdiction"].push_back(std::string(bytes % 4000 + 1, 'a'));
    return audit::make_record(kind, fields, {audit::named_subject("actor", "A")}, some_ledger(),
                              key, clock);
  };
  std::size_t least = 40000, most = 60000;  // the largest content that fits, by halves
  while (least + 1 < most) {
    const std::size_t middle = (least + most) / 2;
    (leaf_of(middle).has_value() ? least : most) = middle;
  }
  const std::string largest = value(leaf_of(least));
  CHECK(largest.size() <= audit::kMaxLeafBytes);
  CHECK(largest.size() > audit::kMaxLeafBytes - 8);  // base64 grows in steps
  ok([&]() -> core::Status {
    auto record = audit::read_record(largest);
    return record.has_value() ? core::Status() : record.error();
  }());
  CHECK(code(leaf_of(most)) == core::ErrorCode::input_too_large);
}

TEST_CASE("record: reading is strict", "[record]") {
  const core::FixedClock clock(at("2026-11-24T12:00:00Z"));
  const core::PrivateKey key = key_of(1);
  for (const audit::RecordKind& kind : audit::record_kinds()) {
    const std::string leaf =
        value(audit::make_record(kind, example(kind.name), {audit::named_subject("test", "t")},
                                 ledger_of(kind), key, clock));
    const auto record = value(audit::read_record(leaf));
    CHECK(record.kind == &kind);
    CHECK(record.recorded_at == "2026-11-24T12:00:00Z");
    CHECK(code(audit::read_record(leaf + " ")) == core::ErrorCode::invalid_input);
    CHECK(code(audit::read_record(leaf.substr(1))) == core::ErrorCode::invalid_input);
  }
  const auto signed_statement = [&](const std::string& payload, std::string_view type) {
    return value(
        core::envelope_bytes(value(core::sign_envelope(type, core::as_bytes(payload), key))));
  };
  const auto& kind = *audit::find_record_kind("placement");
  Json predicate = example("placement");
  predicate["ledger"] = some_ledger().hex();
  predicate["recorded_at"] = "2026-11-24T12:00:00Z";
  predicate["retention"] = "document";
  const auto with = [&](const Json& changed, std::string type = "") {
    const core::Statement statement{{audit::named_subject("system", "A")},
                                    type.empty() ? audit::predicate_type(kind) : type,
                                    changed};
    return audit::read_record(
        signed_statement(value(core::statement_bytes(statement)), core::kStatementPayloadType));
  };
  REQUIRE(with(predicate).has_value());  // the control
  CHECK(code(with(predicate, "https://example.com/other/v1")) == core::ErrorCode::unsupported);
  for (const auto& [member, wrong] :
       std::vector<std::pair<std::string, Json>>{{"retention", "event"},
                                                 {"retention", 1},
                                                 {"recorded_at", "yesterday"},
                                                 {"ledger", "example.com"},
                                                 {"ledger", nullptr},
                                                 {"x", 1}}) {
    Json changed = predicate;
    changed[member] = wrong;
    CHECK_FALSE(with(changed).has_value());
  }
  for (const char* member : {"ledger", "recorded_at", "retention"}) {
    Json changed = predicate;
    changed.erase(member);
    CHECK(code(with(changed)) == core::ErrorCode::invalid_input);
  }
  CHECK(code(audit::read_record(signed_statement("{}", "text/plain"))) ==
        core::ErrorCode::unsupported);
  const std::string spaced = "{ }";
  CHECK(code(audit::read_record(signed_statement(spaced, core::kStatementPayloadType))) ==
        core::ErrorCode::invalid_input);
}

TEST_CASE("record: named subjects are what the page says", "[record]") {
  const core::Subject subject = audit::named_subject("system", "Assistant");
  CHECK(subject.name == "system:Assistant");
  CHECK(subject.sha256 == core::sha256("sigillo-name:system:Assistant"));
}

TEST_CASE("record: docs/formats/schemas are the tables' schemas", "[record]") {
  std::size_t files = 0;
  for (const auto& file : fs::directory_iterator(fs::path(SIGILLO_DOCS) / "formats/schemas"))
    files += file.path().extension() == ".json" ? 1U : 0U;
  CHECK(files == audit::record_kinds().size());
  for (const audit::RecordKind& kind : audit::record_kinds()) {
    INFO("regenerate with: test_audit \"[.write-schemas]\"");
    CHECK(read(schema_file(kind)) == audit::json_schema(kind).dump(2) + "\n");
  }
}

TEST_CASE("record: write docs/formats/schemas", "[.write-schemas]") {
  for (const audit::RecordKind& kind : audit::record_kinds())
    write(schema_file(kind), audit::json_schema(kind).dump(2) + "\n");
}

TEST_CASE("record: an independent validator agrees with the schemas", "[record]") {
  if (std::system("python3 -c 'import jsonschema' 2>/dev/null") != 0) {
    WARN("skipped: python3 with jsonschema is not installed");
    return;
  }
  const TempFolder temp;
  Json cases = Json::array();
  for (const audit::RecordKind& kind : audit::record_kinds()) {
    Json good = example(kind.name);
    if (const auto ledger = ledger_of(kind); ledger.has_value()) good["ledger"] = ledger->hex();
    good["recorded_at"] = "2026-11-24T12:00:00Z";
    good["retention"] = audit::json_schema(kind)["properties"]["retention"]["const"];
    cases.push_back({{"schema", schema_file(kind).string()}, {"value", good}, {"valid", true}});
    Json unknown = good;
    unknown["no_such_member"] = 1;
    cases.push_back({{"schema", schema_file(kind).string()}, {"value", unknown}, {"valid", false}});
    for (const FieldSpec& field : kind.fields) {
      Json bad = good;
      bad[std::string(field.name)] =
          field.type == FieldType::text ? Json("a\nb") : Json("no such value");
      cases.push_back({{"schema", schema_file(kind).string()}, {"value", bad}, {"valid", false}});
    }
  }
  REQUIRE(cases.size() > 100);
  write(temp.path() / "cases.json", cases.dump());
  write(temp.path() / "check.py",
        "import json, sys, jsonschema\n"
        "for case in json.load(open(sys.argv[1])):\n"
        "    validator = jsonschema.Draft202012Validator(json.load(open(case['schema'])))\n"
        "    if validator.is_valid(case['value']) != case['valid']:\n"
        "        sys.exit(f'disagrees: {case}')\n");
  CHECK(std::system(fmt::format("python3 {} {}", (temp.path() / "check.py").string(),
                                (temp.path() / "cases.json").string())
                        .c_str()) == 0);
}
