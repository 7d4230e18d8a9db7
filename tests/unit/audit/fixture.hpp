// What the audit tests share: a temporary folder, a workspace with fixed time and randomness, a
// valid example of every record kind, and check(), which re-audits the whole workspace.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/sqlite.hpp"
#include "sigillo/audit/fsck.hpp"
#include "sigillo/audit/manifest.hpp"
#include "sigillo/audit/outputs.hpp"
#include "sigillo/audit/private_values.hpp"
#include "sigillo/audit/trust.hpp"
#include "sigillo/audit/workspace.hpp"

namespace fixture {

namespace fs = std::filesystem;
namespace audit = sigillo::audit;
namespace core = sigillo::core;
using core::Json;

class TempFolder {
 public:
  TempFolder() {
    std::string name = (fs::temp_directory_path() / "sigillo-audit-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
    fs::permissions(path_, fs::perms(0755));  // some tests look at it as another user
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

inline void write(const fs::path& file, std::string_view text) {
  fs::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  REQUIRE(out.flush());
}
inline std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

template <class T>
T value(core::Result<T> result) {
  INFO((result.has_value() ? "" : result.error().message));
  REQUIRE(result.has_value());
  return std::move(result).value();
}
inline void ok(const core::Status& status) {
  INFO((status.has_value() ? "" : status.error().message));
  REQUIRE(status.has_value());
}
template <class T>
core::ErrorCode code(const core::Result<T>& result) {
  REQUIRE_FALSE(result.has_value());
  CHECK_FALSE(result.error().message.empty());
  return result.error().code;
}

inline core::PrivateKey key_of(std::uint8_t seed) {
  return value(core::PrivateKey::from_ed25519_seed(core::Bytes(32, seed)));
}
inline constexpr std::string_view kOrigin = "example.com/audit";
inline core::Timestamp at(std::string_view time) {
  return value(core::timestamp_from_rfc3339(time));
}

inline std::string findings_text(const audit::FsckReport& report) {
  std::string text;
  for (const audit::Finding& f : report.findings)
    text += fmt::format("{} {} {}: {}\n", to_string(f.severity), f.check, f.place, f.message);
  return text;
}
inline std::vector<std::string> errors(const audit::FsckReport& report) {
  std::vector<std::string> places;
  for (const audit::Finding& f : report.findings)
    if (f.severity == audit::Severity::error) places.push_back(f.place);
  return places;
}

// Re-audits everything; the workspace must be sound.
inline audit::FsckReport check(const audit::Workspace& workspace) {
  auto report = value(audit::fsck(workspace));
  INFO(findings_text(report));
  REQUIRE(report.sound());
  return report;
}

struct World {
  World()
      : workspace(value(
            audit::Workspace::init(temp.path() / "ws", kOrigin, "Example AI", entropy, clock))) {}
  audit::Receipt record(std::string_view kind, const Json& fields) {
    const std::vector<core::Subject> subject = {audit::named_subject("test", kind)};
    auto made = audit::record(workspace, kind, fields, subject, clock);
    // What is said twice is said in another second.
    if (!made.has_value() && made.error().code == core::ErrorCode::already_exists) {
      clock.set({clock.now().seconds + 1, 0});
      made = audit::record(workspace, kind, fields, subject, clock);
    }
    return value(std::move(made));
  }
  TempFolder temp;
  core::SeededEntropy entropy{7};
  core::FixedClock clock{at("2026-11-24T12:00:00Z")};
  audit::Workspace workspace;
};

inline std::string hex_of(char digit) { return std::string(64, digit); }

// The ledger that the formats' examples name, where there is no real one.
inline core::Digest some_ledger() { return value(core::Digest::from_hex(hex_of('e'))); }
inline std::optional<core::Digest> ledger_of(const audit::RecordKind& kind,
                                             const core::Digest& ledger = some_ledger()) {
  return kind.name == "genesis" ? std::nullopt : std::optional(ledger);
}

// Every member of every kind that the table knows, required or not.
inline Json example(std::string_view kind) {
  const std::string spki = core::base64_encode(key_of(1).public_key().spki_der());
  if (kind == "genesis")
    return {{"origin", kOrigin},
            {"log_key", value(audit::NoteVerifier::create(kOrigin, key_of(2).public_key())).vkey()},
            {"owner_key", spki}};
  if (kind == "trust-list") {
    Json list =
        audit::single_key_trust(key_of(1).public_key(), "Example AI", at("2026-01-01T00:00:00Z"));
    list["keys"][0]["valid_to"] = "2027-01-01T00:00:00Z";
    return list;
  }
  if (kind == "role-declaration")
    return {{"actor", "Example AI"},
            {"role", {"gpai_provider", "system_provider"}},
            {"size", "sme"},
            {"jurisdiction", {"EU", "US-CA"}},
            {"cop_signatory", false}};
  if (kind == "placement")
    return {{"system", "Assistant"}, {"actor", "Example AI"},     {"version", "3"},
            {"market", "EU"},        {"placed_on", "2026-08-02"}, {"modality", {"text"}},
            {"high_risk", false}};
  if (kind == "marking-config")
    return {{"system", "Assistant"},   {"release", "assistant-3"},
            {"modality", "text"},      {"layer", {"watermark", "log"}},
            {"scheme", "vllm-gumbel"}, {"profile_digest", hex_of('a')},
            {"key_id", "k-2026-11"},   {"applied_at", "inference"}};
  if (kind == "detector-release")
    return {{"system", "Assistant"},
            {"scheme", "vllm-gumbel"},
            {"form", "api"},
            {"url", "https://example.com/verify"}};
  if (kind == "exemption-claim")
    return {{"system", "Assistant"},
            {"rule", "EU50-2x"},
            {"ground", "assistive function for standard editing"},
            {"attested_by", "head of compliance"}};
  if (kind == "notification")
    return {{"model", "assistant-3"},
            {"kind", "art52"},
            {"known_on", "2026-10-01"},
            {"sent_on", "2026-10-10"},
            {"recipient", "AI Office"}};
  if (kind == "dataset-manifest")
    return {
        {"dataset", "corpus"}, {"license", "CC-BY-4.0"},  {"source", "https://example.com/corpus"},
        {"root", hex_of('1')}, {"manifest", hex_of('2')}, {"files", 3},
        {"bytes", 1048600}};
  if (kind == "run-start")
    return {{"run_id", "00112233445566778899aabbccddeeff"},
            {"model", "assistant-3"},
            {"datasets", Json::array({{{"dataset", "corpus"}, {"root", hex_of('1')}}})},
            {"command", hex_of('3')},
            {"environment", hex_of('4')},
            {"user", hex_of('5')},
            {"host_name", hex_of('6')},
            {"folder", hex_of('7')},
            {"code", {{"commit", std::string(40, 'c')}, {"dirty", true}}},
            {"host",
             {{"cpu_model", "Example CPU"},
              {"cpus", 2},
              {"memory_bytes", 1073741824},
              {"kernel", "Linux 6.1"},
              {"architecture", "x86_64"}}},
            {"accelerators", Json::array({{{"model", "Example GPU"}, {"driver", "580.1"}}})},
            {"started_at", "2026-11-24T11:59:00Z"}};
  if (kind == "run-end")
    return {{"run_id", "00112233445566778899aabbccddeeff"},
            {"model", "assistant-3"},
            {"ended_at", "2026-11-24T12:00:00Z"},
            {"exit_code", 0},
            {"signal", 9},
            {"wall_ms", 60000},
            {"cpu_ms", 59000},
            {"max_rss_kib", 20000},
            {"outputs_root", hex_of('8')},
            {"outputs_manifest", hex_of('9')},
            {"outputs_files", 1},
            {"flop",
             {{"exact", "5300000000"}, {"e12", 1}, {"basis", "claimed"}, {"method", "counted"}}},
            {"energy",
             {{"milliwatt_hours", 246},
              {"basis", "estimated"},
              {"method", "CPU time x 15 W"},
              {"uncertainty_percent", 100}}},
            {"note", "compute not recorded: invalid-input"}};
  if (kind == "model-release")
    return {{"release", "assistant-3"},
            {"system", "Assistant"},
            {"model", "assistant-3"},
            {"model_digest", hex_of('8')},
            {"manifest", hex_of('9')},
            {"files", 1},
            {"run_id", "00112233445566778899aabbccddeeff"}};
  if (kind == "outputs-batch")
    return {{"release", "assistant-3"},
            {"modality", "text"},
            {"count", 3},
            {"batch_root", hex_of('b')},
            {"lines", hex_of('c')},
            {"tree", hex_of('d')},
            {"profile_digest", hex_of('a')},
            {"key_id", "k-2026-11"},
            {"sample_basis", "chosen-by-provider"}};
  if (kind == "ledger-restored") return {{"origin", kOrigin}, {"size", 7}, {"root", hex_of('e')}};
  if (kind == "time-stamp")
    return {{"size", 7},
            {"root", hex_of('e')},
            {"log_line", "\u2014 example.com/audit AAAAAA=="},
            {"imprint", hex_of('f')},
            {"token", hex_of('0')},
            {"time", "2026-11-24T12:00:00Z"},
            {"authority", "CN=Example TSA"}};
  if (kind == "erasure")
    return {{"commitments", {hex_of('5'), hex_of('6')}},
            {"reason", "request of the person concerned"},
            {"basis", "GDPR Art. 17(1)(b)"}};
  if (kind == "legal-hold")
    return {{"hold", "case 17"}, {"state", "placed"}, {"reason", "order of a court"}};
  if (kind == "shard-end")
    return {{"shard", 1},
            {"next_origin", "example.com/audit/2027-2"},
            {"next_log_key",
             value(audit::NoteVerifier::create("example.com/audit/2027-2", key_of(3).public_key()))
                 .vkey()},
            {"next_ledger", hex_of('d')}};
  if (kind == "shard-start")
    return {{"shard", 2},
            {"first_entry", 7},
            {"previous_log_key",
             value(audit::NoteVerifier::create(kOrigin, key_of(2).public_key())).vkey()},
            {"previous_ledger", hex_of('e')},
            {"size", 7},
            {"root", hex_of('f')},
            {"log_line", "\u2014 example.com/audit AAAAAA=="}};
  if (kind == "shard-pruned")
    return {{"shard", 1},
            {"log_key", value(audit::NoteVerifier::create(kOrigin, key_of(2).public_key())).vkey()},
            {"pruned_ledger", hex_of('e')},
            {"first_entry", 0},
            {"size", 7},
            {"root", hex_of('f')},
            {"log_line", "\u2014 example.com/audit AAAAAA=="},
            {"remainder", hex_of('a')},
            {"expired_at", "2036-12-02T00:00:00Z"},
            {"basis", "entry 5 (placement), from its recording on, 10 years"}};
  FAIL("no example of kind " << kind);
  return {};
}

inline core::Detection detection(std::string_view output) {
  core::Detection d;
  d.result = core::DetectionResult::found;
  d.reason = "depends on the key";
  d.detector = "sigillo-text/0.1.0";
  d.profile_digest = hex_of('a');
  d.key_id = "k-2026-11";
  d.artefact_digest = core::sha256(output).hex();
  d.tokens = 64;
  d.scored = 60;
  d.log10_p_micro = -9000000;
  return d;
}
inline audit::OutputLine output(std::string_view bytes) {
  return {core::sha256(bytes), "text", detection(bytes)};
}

// Stores the manifest of one folder and gives root, digest, files and bytes of it.
struct Sealed {
  audit::Manifest manifest;
  std::string digest;
};
inline Sealed seal(const audit::Workspace& workspace, const fs::path& folder) {
  Sealed sealed{value(audit::scan_manifest(folder)), ""};
  const std::string bytes = value(audit::manifest_bytes(sealed.manifest));
  audit::BlobStore blobs = workspace.blobs();
  sealed.digest = value(blobs.put(core::as_bytes(bytes))).hex();
  return sealed;
}

inline Json outputs_fields(const audit::Workspace& workspace, const audit::OutputsBatch& batch) {
  audit::BlobStore blobs = workspace.blobs();
  Json fields = example("outputs-batch");
  fields["count"] = batch.count;
  fields["batch_root"] = batch.root.hex();
  fields["lines"] = value(blobs.put(core::as_bytes(batch.lines))).hex();
  fields["tree"] = value(blobs.put(batch.tree)).hex();
  return fields;
}

// Appends one record of every kind that gives evidence, with their blobs and private values.
inline void fill(World& world) {
  write(world.temp.path() / "corpus/a.txt", "first file");
  write(world.temp.path() / "corpus/b/c.txt", "second file");
  write(world.temp.path() / "model/weights.bin", "weights");
  for (const std::string_view kind : {"role-declaration", "placement", "marking-config",
                                      "detector-release", "exemption-claim", "notification"})
    world.record(kind, example(kind));

  const Sealed corpus = seal(world.workspace, world.temp.path() / "corpus");
  Json dataset = example("dataset-manifest");
  dataset["root"] = corpus.manifest.root().hex();
  dataset["manifest"] = corpus.digest;
  dataset["files"] = corpus.manifest.files.size();
  dataset["bytes"] = corpus.manifest.bytes();
  world.record("dataset-manifest", dataset);

  auto hidden = value(audit::PrivateValues::open(world.workspace.private_values_file()));
  Json start = example("run-start");
  start["datasets"][0]["root"] = corpus.manifest.root().hex();
  for (const std::string field : {"command", "environment", "user", "host_name", "folder"})
    start[field] = value(hidden.commit(field, "value of " + field, world.entropy)).hex();
  world.record("run-start", start);

  const Sealed model = seal(world.workspace, world.temp.path() / "model");
  Json end = example("run-end");
  end.erase("signal");
  end["outputs_root"] = model.manifest.root().hex();
  end["outputs_manifest"] = model.digest;
  world.record("run-end", end);

  Json release = example("model-release");
  release["model_digest"] = model.manifest.root().hex();
  release["manifest"] = model.digest;
  world.record("model-release", release);

  const auto batch =
      value(audit::make_outputs_batch({output("one"), output("two"), output("three")}));
  world.record("outputs-batch", outputs_fields(world.workspace, batch));
}

inline core::sqlite::Database open_database(const fs::path& file) {
  auto database = value(core::sqlite::Database::open(file, core::sqlite::OpenMode::read_write));
  ok(database.execute("PRAGMA synchronous=OFF"));
  return database;
}
inline void sql(const fs::path& file, std::string_view statement) {
  auto database = open_database(file);
  ok(database.execute(statement));
}

// Runs a body in a child process, without Catch's handlers; gives its exit code, or 128 + signal.
inline int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int number : {SIGSEGV, SIGABRT, SIGTERM, SIGINT}) std::signal(number, SIG_DFL);
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
// The same without root's rights: file modes then count. -1 if this process cannot become nobody.
inline int as_nobody(const std::function<int()>& body) {
  const passwd* nobody = ::getpwnam("nobody");
  if (::getuid() == 0 && nobody == nullptr) return -1;
  return in_child([&] {
    if (::getuid() == 0 && (::setgid(nobody->pw_gid) != 0 || ::setuid(nobody->pw_uid) != 0))
      return 99;
    return body();
  });
}

}  // namespace fixture
