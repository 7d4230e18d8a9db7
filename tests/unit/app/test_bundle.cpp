// The auditor's bundle: what it holds, what is refused, and the one of version 1 that every later
// version must verify.
#include "app/pipeline/bundle.hpp"
#include "app/pipeline/bundle_members.hpp"
#include "core/tar.hpp"
#include "tests/sanitizer.hpp"
#include "tests/unit/audit/fixture.hpp"

namespace {
using namespace fixture;
namespace app = sigillo::app;
namespace bundle = app::bundle;
namespace policy = sigillo::policy;

const fs::path kSource = SIGILLO_SOURCE_DIR;
const fs::path kGolden = kSource / "tests/golden/bundle-v1.tar";
constexpr const char* kGoldenLogKey = "tests/golden/bundle-v1.vkey";

// A pack of two rules, small enough to be kept in the golden bundle.
fs::path small_pack(const fs::path& folder) {
  const fs::path from = kSource / "policies/packs/eu-ai-act";
  fs::create_directories(folder / "rules");
  fs::copy_file(from / "pack.yaml", folder / "pack.yaml");
  for (const char* rule : {"EU50-2d.yaml", "HR-19.yaml"})
    fs::copy_file(from / "rules" / rule, folder / "rules" / rule);
  return folder;
}

struct Audited : World {
  Audited() {
    record("role-declaration", example("role-declaration"));
    record("placement", example("placement"));
    record("detector-release", example("detector-release"));
    const audit::Manifest manifest{
        {{"weights.bin", 3, core::sha256("abc"), {audit::leaf_hash(core::as_bytes("abc"))}}}};
    const std::string text = value(audit::manifest_bytes(manifest));
    blob = value(workspace.blobs().put(core::as_bytes(text)));
    record("dataset-manifest", {{"dataset", "corpus"},
                                {"license", "CC-BY-4.0"},
                                {"source", "https://example.com/corpus"},
                                {"root", manifest.root().hex()},
                                {"manifest", blob.hex()},
                                {"files", 1},
                                {"bytes", 3}});
  }
  app::BundleSummary export_to(const fs::path& file) {
    return value(app::export_bundle(workspace, request(file)));
  }
  app::BundleRequest request(const fs::path& file) {
    if (!fs::exists(temp.path() / "pack")) small_pack(temp.path() / "pack");
    return {file, temp.path() / "pack", at("2026-12-03T00:00:00Z"), {}};
  }
  std::string vkey() {
    const core::KeyInfo info = value(workspace.keyring().info("log"));
    return value(audit::NoteVerifier::create(kOrigin,
                                             value(core::PublicKey::from_pem(info.public_key))))
        .vkey();
  }
  core::Digest blob;
};

std::string text_of(const app::BundleReport& report) { return app::to_json(report).dump(1); }

// What is claimed when the answer is "verified".
std::string claim(const app::BundleReport& report) {
  return report.origin + report.root + report.log_key + report.exporter +
         std::to_string(report.entries) + report.tool_version +
         (report.verdict.has_value() ? policy::to_json(*report.verdict).dump() : "");
}

bundle::Members members_of(const fs::path& file) {
  core::TarReader tar = value(core::TarReader::open(file));
  bundle::Members members;
  for (;;) {
    const auto entry = value(tar.next());
    if (!entry.has_value()) return members;
    members[entry->name] = value(tar.content(std::size_t{1} << 26));
  }
}
void write_members(const fs::path& file, const bundle::Members& members) {
  core::TarWriter tar = value(core::TarWriter::create(file, 0644));
  for (const auto& [name, bytes] : members) ok(tar.add(name, bytes));
  ok(tar.finish(true));
}
// The exporter lies: the manifest is made anew over other members, and signed with the owner's key.
void sign_anew(const audit::Workspace& workspace, bundle::Members& members,
               const std::optional<std::string>& version = {},
               const core::PrivateKey* signer = nullptr) {
  const auto old = value(core::parse_envelope(core::as_text(members["MANIFEST.json"])));
  Json payload = Json::parse(old.payload);
  members.erase("MANIFEST.json");
  if (version.has_value()) payload["tool_version"] = *version;
  payload["members"] = Json::array();
  for (const auto& [name, bytes] : members)
    payload["members"].push_back(
        Json{{"name", name}, {"size", bytes.size()}, {"sha256", core::sha256(bytes).hex()}});
  const std::string text = value(core::canonical_json(payload));
  const core::PrivateKey owner = value(workspace.keyring().signing_key("owner"));
  members["MANIFEST.json"] = core::to_bytes(value(core::envelope_bytes(value(core::sign_envelope(
      app::kBundlePayloadType, core::as_bytes(text), signer == nullptr ? owner : *signer)))));
}
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t where = text.find(from);
  REQUIRE(where != std::string::npos);
  return text.replace(where, from.size(), to);
}

}  // namespace

TEST_CASE("a bundle verifies, says what it proves and what not", "[bundle]") {
  Audited world;
  const fs::path file = world.temp.path() / "b.tar";
  const app::BundleSummary summary = world.export_to(file);
  CHECK(summary.entries == 6);
  REQUIRE(summary.verdict.has_value());

  const app::BundleReport report = value(app::verify_bundle(file));
  INFO(text_of(report));
  CHECK(report.exit == core::ExitCode::done);
  CHECK(report.entries == 6);
  CHECK(report.root == summary.root);
  CHECK(report.exporter == "Example AI");
  REQUIRE(report.verdict.has_value());
  CHECK(policy::gate_exit(*report.verdict) == *summary.verdict);
  CHECK(text_of(report).find("only consistent with itself") != std::string::npos);

  const app::BundleReport known = value(app::verify_bundle(file, {world.vkey(), ""}));
  CHECK(known.exit == core::ExitCode::done);
  CHECK(text_of(known).find("only consistent with itself") == std::string::npos);
  CHECK(text_of(known).find("give --since") != std::string::npos);
}

TEST_CASE("the same workspace and request give the same bytes", "[bundle]") {
  Audited world;
  world.export_to(world.temp.path() / "a.tar");
  world.clock.set(at("2027-01-01T00:00:00Z"));
  world.export_to(world.temp.path() / "b.tar");
  CHECK(read(world.temp.path() / "a.tar") == read(world.temp.path() / "b.tar"));
}

TEST_CASE("a bundle holds no secret", "[bundle]") {
  Audited world;
  auto values = value(audit::PrivateValues::open(world.workspace.private_values_file()));
  const core::Digest hidden =
      value(values.commit("command", "train --password hunter2", world.entropy));
  static_cast<void>(hidden);
  value(world.workspace.keyring().generate_watermark("mark", world.entropy, world.clock));
  const fs::path file = world.temp.path() / "b.tar";
  world.export_to(file);
  const std::string bytes = read(file);
  CHECK(bytes.find("hunter2") == std::string::npos);
  CHECK(bytes.find("PRIVATE KEY") == std::string::npos);
  for (const auto& entry : fs::directory_iterator(world.workspace.folder() / "keys")) {
    if (entry.path().extension() == ".json") continue;
    std::string secret = read(entry.path());
    if (secret.starts_with("-----")) secret = secret.substr(secret.find('\n') + 1, 40);
    CHECK(bytes.find(secret) == std::string::npos);
  }
}

TEST_CASE("without a pack there is no verdict, and the rest verifies", "[bundle]") {
  Audited world;
  const fs::path file = world.temp.path() / "b.tar";
  const auto summary = value(app::export_bundle(world.workspace, {file, {}, {}, {}}));
  CHECK_FALSE(summary.verdict.has_value());
  const app::BundleReport report = value(app::verify_bundle(file));
  CHECK(report.exit == core::ExitCode::done);
  CHECK_FALSE(report.verdict.has_value());
}

TEST_CASE("what is known from elsewhere is held against the bundle", "[bundle]") {
  Audited world;
  const fs::path file = world.temp.path() / "b.tar";
  world.export_to(file);
  const auto ledger = value(world.workspace.ledger(audit::Ledger::Access::read));
  const std::string first = value(ledger.checkpoints()).front().note;
  CHECK(value(app::verify_bundle(file, {world.vkey(), first})).exit == core::ExitCode::done);

  // another key under the same name
  const std::string other =
      value(audit::NoteVerifier::create(kOrigin, key_of(9).public_key())).vkey();
  CHECK(value(app::verify_bundle(file, {other, ""})).exit == core::ExitCode::not_verified);
  // a checkpoint of a history that this ledger does not have
  const core::PrivateKey log = value(world.workspace.keyring().signing_key("log"));
  const std::string fork = value(
      audit::sign_checkpoint({std::string(kOrigin), 3, core::sha256("another history")}, log));
  CHECK(value(app::verify_bundle(file, {world.vkey(), fork})).exit == core::ExitCode::not_verified);
  // more entries than the bundle has: an old copy
  const std::string later =
      value(audit::sign_checkpoint({std::string(kOrigin), 99, core::sha256("a later one")}, log));
  CHECK(value(app::verify_bundle(file, {world.vkey(), later})).exit ==
        core::ExitCode::not_verified);
  CHECK(code(app::verify_bundle(file, {"", first})) == core::ErrorCode::invalid_argument);
  CHECK_FALSE(app::verify_bundle(file, {"no key", ""}).has_value());
}

TEST_CASE("an exporter who lies is found out", "[bundle]") {
  Audited world;
  const fs::path file = world.temp.path() / "b.tar";
  world.export_to(file);
  bundle::Members members = members_of(file);
  const std::string blob = bundle::blob_name(world.blob);
  const auto expect_failure = [&](const std::string& check) {
    sign_anew(world.workspace, members);
    write_members(file, members);
    const app::BundleReport report = value(app::verify_bundle(file));
    INFO(text_of(report));
    CHECK(report.exit == core::ExitCode::not_verified);
    REQUIRE_FALSE(report.checks.empty());
    CHECK(report.checks.back().check == check);
    CHECK_FALSE(report.checks.back().holds);
  };
  const auto edit = [&](const std::string& name, const std::string& from, const std::string& to) {
    members[name] = core::to_bytes(replaced(std::string(core::as_text(members[name])), from, to));
  };
  SECTION("control: signed anew without a change, it verifies") {
    sign_anew(world.workspace, members);
    write_members(file, members);
    CHECK(value(app::verify_bundle(file)).exit == core::ExitCode::done);
  }
  SECTION("the verdict is another") {
    edit("verdict.json", "\"exit_code\":", "\"exit_code\":1");
    expect_failure("verdict");
  }
  SECTION("the verdict is gone") {
    members.erase("verdict.json");
    expect_failure("verdict");
  }
  SECTION("a rule is softer than the pack that is named") {
    edit("pack/rules/EU50-2d.yaml", "mandatory", "advisory");
    expect_failure("verdict");
  }
  SECTION("a blob is missing") {
    REQUIRE(members.erase(blob) == 1);
    expect_failure("ledger");
  }
  SECTION("a blob has other bytes") {
    members[blob].push_back('x');
    expect_failure("blobs");
  }
  SECTION("an entry is missing at the end") {
    std::string lines(core::as_text(members["entries.jsonl"]));
    lines.erase(lines.rfind('\n', lines.size() - 2) + 1);
    members["entries.jsonl"] = core::to_bytes(lines);
    expect_failure("trust");
  }
  SECTION("an entry is another one") {
    std::string lines(core::as_text(members["entries.jsonl"]));
    const std::size_t last = lines.rfind('\n', lines.size() - 2) + 1;
    lines = lines.substr(0, last) +
            value(audit::make_record(
                *audit::find_record_kind("placement"), example("placement"),
                {audit::named_subject("system", "other")}, value(audit::ledger_id(world.workspace)),
                value(world.workspace.keyring().signing_key("owner")), world.clock)) +
            "\n";
    members["entries.jsonl"] = core::to_bytes(lines);
    expect_failure("checkpoint");
  }
  SECTION("the trust list says something else") {
    edit("trust.json", "Example AI", "Another AI");
    expect_failure("trust");
  }
  SECTION("the log key is another") {
    members["log.vkey"] = core::to_bytes(
        value(audit::NoteVerifier::create(kOrigin, key_of(9).public_key())).vkey() + "\n");
    expect_failure("trust");
  }
  SECTION("the checkpoint is signed by another key") {
    const core::PrivateKey other = key_of(9);
    members["checkpoint"] = core::to_bytes(
        value(audit::sign_checkpoint({std::string(kOrigin), 6, core::sha256("x")}, other)));
    expect_failure("checkpoint");
  }
  SECTION("a proof of an entry that nobody cites") {
    members["proofs/0.tlog-proof"] = core::to_bytes("x");
    expect_failure("proofs");
  }
  SECTION("a member of no known kind") {
    members["extra.txt"] = core::to_bytes("x");
    expect_failure("form");
  }
}

TEST_CASE("a manifest that no trusted key signed is refused", "[bundle]") {
  Audited world;
  const fs::path file = world.temp.path() / "b.tar";
  world.export_to(file);
  bundle::Members members = members_of(file);
  const auto old = value(core::parse_envelope(core::as_text(members["MANIFEST.json"])));
  members["MANIFEST.json"] = core::to_bytes(value(core::envelope_bytes(
      value(core::sign_envelope(app::kBundlePayloadType, old.payload, key_of(9))))));
  write_members(file, members);
  const app::BundleReport report = value(app::verify_bundle(file));
  CHECK(report.exit == core::ExitCode::not_verified);
  CHECK(report.checks.back().check == "exporter");
}

TEST_CASE("a verdict of another version agrees in all but its words", "[bundle]") {
  Audited world;
  const fs::path file = world.temp.path() / "b.tar";
  world.export_to(file);
  bundle::Members members = members_of(file);
  Json verdict = Json::parse(core::as_text(members["verdict.json"]));
  verdict["tool_version"] = "0.0.9";
  const auto judged = [&](const Json& said, const std::string& version) {
    members["verdict.json"] = core::to_bytes(value(core::canonical_json(said)));
    sign_anew(world.workspace, members, version);
    write_members(file, members);
    const app::BundleReport report = value(app::verify_bundle(file));
    INFO(text_of(report));
    return report.exit;
  };
  Json words = verdict;
  words["rules"][0]["reason"] = "put otherwise";
  CHECK(judged(words, "0.0.9") == core::ExitCode::done);
  const auto lies = [&](const char* pointer, const Json& lie) {
    Json said = verdict;
    said[Json::json_pointer(pointer)] = lie;
    INFO(pointer);
    CHECK(judged(said, "0.0.9") == core::ExitCode::undecided);
  };
  lies("/summary/subjects", 7);
  lies("/rules/0/counts/pass", 7);
  lies("/rules/0/enforcement", "advisory");
  lies("/evidence_digest", std::string(64, '0'));
  lies("/pack/digest", std::string(64, '0'));
  lies("/statement", "conforms");
  Json silent = verdict;
  silent.erase("evidence_digest");
  CHECK(judged(silent, "0.0.9") == core::ExitCode::undecided);
  CHECK(judged(verdict, "") == core::ExitCode::not_verified);
  CHECK(judged(verdict, "0.0.9\n\nVERIFIED") == core::ExitCode::not_verified);
}

TEST_CASE("a bundle's rules are held against those that are known here", "[bundle]") {
  Audited world;
  const fs::path file = world.temp.path() / "b.tar";
  world.export_to(file);
  const auto checked = [&](const std::string& pack) {
    app::BundleReport report = value(app::verify_bundle(file));
    ok(app::check_rules(report, pack));
    return report;
  };
  CHECK(checked((world.temp.path() / "pack").string()).exit == core::ExitCode::done);
  // Named as the installed one, and of its version, but two rules of it.
  const app::BundleReport other = checked((kSource / "policies/packs/eu-ai-act").string());
  CHECK(other.exit == core::ExitCode::not_verified);
  CHECK(other.checks.back().check == "rules");
  app::BundleReport report = value(app::verify_bundle(file));
  CHECK(code(app::check_rules(report, "no-such-pack")) == core::ErrorCode::not_found);
}

TEST_CASE("only a key for everything, valid at the last entry, signs a bundle", "[bundle]") {
  Audited world;
  const auto with_key = [&](const std::vector<std::string>& kinds, const char* valid_to) {
    const core::PublicKey owner =
        value(world.workspace.keyring().signing_key("owner")).public_key();
    Json fields = audit::single_key_trust(owner, "Example AI", at("2026-01-01T00:00:00Z"));
    Json entry = fields.at("keys").at(0);
    const core::PrivateKey other = key_of(9);
    entry["key_id"] = other.public_key().id().hex();
    entry["public_key"] = core::base64_encode(other.public_key().spki_der());
    entry["actor"] = "Contractor";
    entry["role"] = "recorder";
    entry["kinds"] = kinds;
    if (valid_to != nullptr) entry["valid_to"] = valid_to;
    fields["keys"].push_back(entry);
    world.record("trust-list", fields);
    const fs::path file = world.temp.path() / "b.tar";
    fs::remove(file);
    world.export_to(file);
    bundle::Members members = members_of(file);
    sign_anew(world.workspace, members, {}, &other);
    write_members(file, members);
    const app::BundleReport report = value(app::verify_bundle(file));
    INFO(text_of(report));
    return report.checks.back().check == "exporter" ? core::ExitCode::not_verified : report.exit;
  };
  CHECK(with_key({"*"}, nullptr) == core::ExitCode::done);
  CHECK(with_key({"notification"}, nullptr) == core::ExitCode::not_verified);
  CHECK(with_key({"*"}, "2026-01-02T00:00:00Z") == core::ExitCode::not_verified);
}

TEST_CASE("a ledger that is not sound is not exported, and nothing is left", "[bundle]") {
  Audited world;
  fs::remove(world.workspace.blobs().path(world.blob));
  const fs::path file = world.temp.path() / "out" / "b.tar";
  fs::create_directories(file.parent_path());
  CHECK(code(app::export_bundle(world.workspace, world.request(file))) ==
        core::ErrorCode::ledger_corrupt);
  CHECK(fs::is_empty(file.parent_path()));
}

TEST_CASE("what is no bundle is not verified; what is not there is an error", "[bundle]") {
  Audited world;
  const fs::path file = world.temp.path() / "b.tar";
  world.export_to(file);
  const std::string good = read(file);
  const auto refused = [&](const std::string& bytes) {
    write(file, bytes);
    const app::BundleReport report = value(app::verify_bundle(file));
    CHECK(report.exit == core::ExitCode::not_verified);
    CHECK(report.checks.back().check == "form");
  };
  refused("");
  refused("not a tar");
  refused(good + "x");
  refused(good + std::string(512, '\0'));
  refused(good.substr(0, good.size() - 512));
  refused(good.substr(0, good.size() / 2));
  refused(std::string(1024, '\0'));
  CHECK(code(app::verify_bundle(world.temp.path() / "nowhere")) == core::ErrorCode::not_found);
}

// -- the golden bundle ----------------------------------------------------------------------------

// Run by hand, with a name that is not taken: test_app "[.make-golden]". It overwrites nothing.
TEST_CASE("makes a new golden bundle", "[.make-golden]") {
  const char* target = std::getenv("SIGILLO_NEW_GOLDEN");
  REQUIRE(target != nullptr);
  REQUIRE_FALSE(fs::exists(fs::path(target).concat(".tar")));
  Audited world;
  world.export_to(fs::path(target).concat(".tar"));
  write(fs::path(target).concat(".vkey"), world.vkey() + "\n");
}

TEST_CASE("the bundle of version 1 verifies in every later version", "[bundle][golden]") {
  std::string vkey = read(kSource / kGoldenLogKey);
  REQUIRE_FALSE(vkey.empty());
  vkey.pop_back();
  const app::BundleReport report = value(app::verify_bundle(kGolden, {vkey, ""}));
  INFO(text_of(report));
  CHECK(report.exit == core::ExitCode::done);
  CHECK(report.origin == kOrigin);
  CHECK(report.entries == 6);
  REQUIRE(report.verdict.has_value());
  CHECK(report.verdict->as_of == "2026-12-03");
  CHECK(report.verdict->rules.size() == 2);
}

TEST_CASE("no flipped bit of the golden bundle passes as another claim", "[bundle][golden]") {
  const std::string original = claim(value(app::verify_bundle(kGolden)));
  std::string bytes = read(kGolden);
  REQUIRE(bytes.size() > 10000);
  TempFolder temp;
  const fs::path file = temp.path() / "flipped.tar";
  write(file, bytes);
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(descriptor >= 0);
  std::size_t passed = 0;
  for (std::size_t i = 0; i < bytes.size(); i += test::kEveryNth) {
    const auto flipped = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    REQUIRE(::pwrite(descriptor, &flipped, 1, static_cast<off_t>(i)) == 1);
    const auto report = app::verify_bundle(file);
    REQUIRE(report.has_value());
    if (report->exit == core::ExitCode::done) ++passed;
    REQUIRE(::pwrite(descriptor, &bytes[i], 1, static_cast<off_t>(i)) == 1);
  }
  ::close(descriptor);
  CHECK(passed == 0);
  CHECK(claim(value(app::verify_bundle(file))) == original);
}
