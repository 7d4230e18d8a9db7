// The auditor's bundle: everything that a verdict rests on, in one file that is checked offline
// (docs/formats/bundle.md).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sigillo/audit/fsck.hpp"
#include "sigillo/core/json.hpp"
#include "sigillo/policy/engine.hpp"

namespace sigillo::app {

inline constexpr int kBundleVersion = 3;  // 1: one shard; 2: several; 3: some of them pruned
inline constexpr std::size_t kMaxBundleBytes = std::size_t{1} << 30;  // all members together
inline constexpr std::size_t kMaxBundleMembers = 100000;
inline constexpr const char* kBundlePayloadType = "application/vnd.sigillo.bundle+json";

struct BundleRequest {
  std::filesystem::path output;
  std::optional<std::filesystem::path> pack;  // without one the bundle holds no verdict
  core::Timestamp as_of;
  std::optional<std::string> release;
};
struct BundleSummary {
  std::size_t members = 0;
  std::uint64_t entries = 0;
  std::string root;  // hex
  std::optional<core::ExitCode> verdict;
};
// Writes the bundle whole or not at all; an older file of that name is replaced. The same workspace
// and request give the same bytes, if the record key is Ed25519. ledger_corrupt if fsck finds an
// error: what is not sound is not handed to an auditor as if it were.
[[nodiscard]] core::Result<BundleSummary> export_bundle(const audit::Workspace& workspace,
                                                        const BundleRequest& request);

struct BundleCheck {
  std::string check;  // stable name: "form", "digests", "exporter", "checkpoint", ...
  bool holds = false;
  std::string message;
};
struct BundleReport {
  std::vector<BundleCheck> checks;   // in the order made; the last one fails, or none
  std::vector<std::string> remarks;  // what the bundle does not prove, and what else to know
  core::ExitCode exit = core::ExitCode::not_verified;
  std::string tool_version;  // that wrote it; empty until it is known
  std::string origin, root, log_key, log_key_sha256, exporter;
  std::uint64_t entries = 0;
  std::optional<policy::Verdicts> verdict;  // recomputed here, equal to the one inside
};
// Checks a bundle with nothing but itself and what is known before. An Error only for what is not
// the bundle's fault: the file cannot be read, there is no space, what is known before is unusable.
// Exit codes: done if all holds; not_verified if something does not; undecided if a verdict of
// another tool version comes out differently here.
[[nodiscard]] core::Result<BundleReport> verify_bundle(const std::filesystem::path& file,
                                                       const audit::KnownBefore& known = {});
// Holds the rules of the bundle's verdict against a pack that is known here: `pack` by name or
// path, or, if it is empty, the installed one of the same name and version (a bundle brings its own
// rules, which may be anything under any name). Adds a check, or a remark if nothing is known to
// compare with; not_verified if the rules are others. Errors: those of find_pack and load_pack for
// a named pack.
[[nodiscard]] core::Status check_rules(BundleReport& report, const std::string& pack);
[[nodiscard]] core::Json to_json(const BundleReport& report);

}  // namespace sigillo::app
