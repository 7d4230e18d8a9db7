// The format pages' worked examples are read from the pages and recomputed here.
#include <algorithm>

#include "fixture.hpp"

using namespace fixture;

namespace {

std::string page(std::string_view name) {
  const std::string text = read(fs::path(SIGILLO_DOCS) / "formats" / fmt::format("{}.md", name));
  REQUIRE_FALSE(text.empty());
  return text;
}
// The fenced lines after the marker, without the last line end.
std::string block(const std::string& text, const std::string& marker) {
  const std::size_t start = text.find(marker, text.find("## Worked example"));
  CAPTURE(marker);
  REQUIRE(start != std::string::npos);
  const std::size_t fence = text.find("```\n", start);
  REQUIRE(fence != std::string::npos);
  return text.substr(fence + 4, text.find("\n```", fence + 4) - fence - 4);
}

const core::FixedClock& noon() {
  static const core::FixedClock clock(at("2026-11-24T12:00:00Z"));
  return clock;
}
std::string example_leaf() {
  return value(audit::make_record(
      *audit::find_record_kind("detector-release"), example("detector-release"),
      {audit::named_subject("system", "Assistant")}, some_ledger(), key_of(1), noon()));
}
std::string example_payload() {
  return std::string(core::as_text(value(audit::read_record(example_leaf())).envelope.payload));
}
// The ledger of ledger.md: two leaves, key 02..02.
std::string example_checkpoint() {
  const TempFolder temp;
  auto ledger = value(audit::Ledger::create(temp.path() / "ledger.db", kOrigin));
  value(ledger.append(std::vector<std::string>{"first", "second"}));
  return value(ledger.publish(key_of(2)));
}
audit::Manifest example_manifest() {
  const TempFolder temp;
  write(temp.path() / "d/a.txt", "first file");
  write(temp.path() / "d/b/c.txt", "");
  return value(audit::scan_manifest(temp.path() / "d"));
}
audit::OutputsBatch example_batch() {
  return value(audit::make_outputs_batch({output("one"), output("two")}));
}
std::string joined_hex(core::ByteView tree) {
  return core::hex_encode(tree.first(32)) + "\n" + core::hex_encode(tree.subspan(32));
}

std::string example_row() {
  World world;
  world.record("detector-release", example("detector-release"));
  const Json views = core::to_json(check(world.workspace).evidence).at("views");
  return value(core::canonical_json(views.at("ev1_detector_releases").at(0)));
}

// Marker -> expected block, page by page.
std::vector<std::array<std::string, 3>> examples() {
  const auto batch = example_batch();
  const auto manifest = example_manifest();
  const std::string checkpoint = example_checkpoint();
  return {{"record", "The payload is", example_payload()},
          {"record", "The leaf is", example_leaf()},
          {"record", "Its leaf hash", audit::leaf_hash(core::as_bytes(example_leaf())).hex()},
          {"ledger", "The checkpoint is", checkpoint.substr(0, checkpoint.size() - 1)},
          {"manifest", "The manifest is", value(audit::manifest_bytes(manifest))},
          {"manifest", "Its root", manifest.root().hex()},
          {"outputs", "The lines are", batch.lines.substr(0, batch.lines.size() - 1)},
          {"outputs", "The tree is", joined_hex(batch.tree)},
          {"outputs", "Its root", batch.root.hex()},
          {"views", "as entry 2", example_row()}};
}

}  // namespace

TEST_CASE("formats: the worked examples", "[formats]") {
  for (const auto& [name, marker, expected] : examples()) {
    CAPTURE(name);
    CHECK(block(page(name), marker) == expected);
  }
}

TEST_CASE("formats: print the worked examples", "[.write-examples]") {
  for (const auto& [name, marker, expected] : examples())
    fmt::print("== {} | {}\n{}\n", name, marker, expected);
}

TEST_CASE("formats: record.md names every kind, and every field of every kind", "[formats]") {
  const std::string text = page("record");
  const std::function<void(std::span<const audit::FieldSpec>, const std::string&)> look =
      [&](std::span<const audit::FieldSpec> fields, const std::string& section) {
        for (const audit::FieldSpec& field : fields) {
          CAPTURE(field.name);
          CHECK(section.find(fmt::format("`{}`", field.name)) != std::string::npos);
          look(field.members, section);
        }
      };
  for (const audit::RecordKind& kind : audit::record_kinds()) {
    CAPTURE(kind.name);
    const std::size_t start = text.find(fmt::format("\n### {}\n", kind.name));
    REQUIRE(start != std::string::npos);
    look(kind.fields, text.substr(start, text.find("\n##", start + 1) - start));
  }
}

TEST_CASE("formats: views.md names every column of every view, in order, and no other",
          "[formats]") {
  std::istringstream lines(page("views"));
  std::map<std::string, std::vector<std::string>> columns;
  std::string view;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("### ")) view = line.substr(4);
    else if (line.starts_with("| `") && !view.empty())
      columns[view].push_back(
          line.substr(3, line.find('`', 3) - 3) +
          (line.find("| INTEGER |") != std::string::npos ? " INTEGER" : " TEXT"));
  }
  CHECK(columns.size() == core::evidence_schema().size());
  for (const core::ViewSchema& schema : core::evidence_schema()) {
    CAPTURE(schema.name);
    std::vector<std::string> expected;
    for (const core::ColumnSchema& column : schema.columns)
      expected.push_back(std::string(column.name) +
                         (column.type == core::ColumnType::integer ? " INTEGER" : " TEXT"));
    CHECK(columns[std::string(schema.name)] == expected);
  }
}
