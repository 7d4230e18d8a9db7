#include "app/pipeline/doctor.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/pipeline/compute.hpp"
#include "app/pipeline/gate.hpp"
#include "sigillo/audit/fsck.hpp"

namespace sigillo::app {
namespace fs = std::filesystem;
using audit::Ledger;
using core::Error;
using core::Result;

namespace {

constexpr std::uint64_t kLittleSpace = std::uint64_t{1} << 30;
constexpr std::uint64_t kNoSpace = std::uint64_t{64} << 20;
constexpr std::int64_t kFirstSaneSecond = 1767225600;  // 2026-01-01: this program is younger

Examination fine(std::string name, std::string message) {
  return {std::move(name), Health::ok, std::move(message), ""};
}
Examination failed(std::string name, const Error& error) {
  return {std::move(name), Health::fail, error.message,
          error.remedy.empty() ? "see docs/errors.md" : error.remedy};
}

Examination examine_folder(const fs::path& folder) {
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) != 0)
    return {"folder", Health::warn,
            fmt::format("{} cannot be written by this user", folder.string()),
            "nothing can be recorded: use the user who owns it, or a backup to read from"};
  struct stat info {};
  if (::stat(folder.c_str(), &info) == 0 && (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return {"folder", Health::warn, fmt::format("others may write in {}", folder.string()),
            fmt::format("chmod go-w {}", folder.string())};
  return fine("folder", "writable by this user, not by others");
}

// Secrets that others may read are refused when they are used: this says so before.
Examination examine_keys(const audit::Workspace& workspace) {
  std::size_t secrets = 0;
  std::error_code error;
  std::vector<fs::path> files = {workspace.private_values_file()};
  for (fs::directory_iterator at(workspace.folder() / "keys", error), end; !error && at != end;
       at.increment(error))
    if (at->path().extension() != ".json") files.push_back(at->path());
  for (const fs::path& file : files) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) continue;
    ++secrets;
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
      return {"secrets", Health::fail, fmt::format("others may read {}", file.string()),
              fmt::format("chmod 600 {}; then think of it as known, and rotate it", file.string())};
  }
  const core::Keyring keyring = workspace.keyring();
  for (const std::string& name : {workspace.config().log_key, workspace.config().record_key}) {
    const auto key = keyring.signing_key(name);
    if (!key.has_value()) return failed("secrets", key.error());
  }
  return fine("secrets", fmt::format("{} files, readable by their owner alone", secrets));
}

Examination examine_disk(const fs::path& folder) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error)
    return {"disk", Health::warn, fmt::format("the free space is not known: {}", error.message()),
            "look at the file system"};
  const std::string message = fmt::format("{} MiB free", space.available >> 20);
  if (space.available >= kLittleSpace) return fine("disk", message);
  return {"disk", space.available < kNoSpace ? Health::fail : Health::warn, message,
          "free some space: a full disk stops every recording"};
}

Examination examine_storage(const Ledger& ledger) {
  const auto storage = ledger.storage();
  if (!storage.has_value()) return failed("storage", storage.error());
  const std::string message =
      fmt::format("SQLite {}, journal {}", storage->engine_version, storage->journal_mode);
  if (storage->journal_mode == "wal") return fine("storage", message);
  return {"storage", Health::warn, message,
          "the ledger is not in WAL mode: on a read-only or network file system nothing can be "
          "appended safely"};
}

Examination examine_clock(const Ledger& ledger, const core::Clock& clock) {
  const core::Timestamp now = clock.now();
  const std::string message = fmt::format("{} UTC", core::to_rfc3339(now));
  if (now.seconds < kFirstSaneSecond)
    return {"clock", Health::fail, message, "set the clock: records would carry a wrong time"};
  const auto head = ledger.head();
  const auto leaf = head.has_value() && head->size > 0 ? ledger.leaf(head->size - 1)
                                                       : Result<std::string>(std::string());
  if (!leaf.has_value()) return failed("clock", leaf.error());
  const auto record = audit::read_record(*leaf);
  const auto last = record.has_value() ? core::timestamp_from_rfc3339(record->recorded_at)
                                       : Result<core::Timestamp>(now);
  if (last.has_value() && now.seconds < last->seconds)
    return {"clock", Health::fail,
            fmt::format("{}, but the last entry was recorded at {}", message, record->recorded_at),
            "set the clock, or find out who recorded with another one"};
  return fine("clock", message + ", not before the last entry");
}

Examination examine_ledger(const audit::Workspace& workspace) {
  const auto report = audit::fsck(workspace);
  if (!report.has_value()) return failed("ledger", report.error());
  std::size_t errors = 0, warnings = 0;
  for (const audit::Finding& finding : report->findings) {
    errors += finding.severity == audit::Severity::error ? 1U : 0U;
    warnings += finding.severity == audit::Severity::warning ? 1U : 0U;
  }
  const std::string message =
      fmt::format("fsck: {} entries, {} checkpoints, {} errors, {} warnings", report->entries,
                  report->checkpoints, errors, warnings);
  if (errors + warnings == 0) return fine("ledger", message);
  return {"ledger", errors > 0 ? Health::fail : Health::warn, message,
          "`sigillo log fsck` names each"};
}

Examination examine_packs() {
  const auto known = find_pack("eu-ai-act");
  if (!known.has_value()) return failed("packs", known.error());
  std::size_t packs = 0;
  std::error_code error;
  for (fs::directory_iterator at(known->parent_path(), error), end; !error && at != end;
       at.increment(error)) {
    const auto pack = policy::load_pack(at->path());
    if (!pack.has_value()) return failed("packs", pack.error());
    ++packs;
  }
  return fine("packs", fmt::format("{} in {}", packs, known->parent_path().string()));
}

Examination examine_profiles() {
  const auto profiles = load_profiles();
  if (!profiles.has_value()) return failed("profiles", profiles.error());
  return fine("profiles", fmt::format("{} accelerators, {} clusters", profiles->accelerators.size(),
                                      profiles->clusters.size()));
}

Examination examine_device() {
  std::error_code ignored;
  if (fs::exists("/proc/driver/nvidia/version", ignored))
    return fine("device", "an NVIDIA driver is loaded");
  return fine("device", "no NVIDIA driver: marks are chosen on the CPU");
}

}  // namespace

std::string_view to_string(Health health) {
  return health == Health::ok ? "ok" : health == Health::warn ? "warn" : "fail";
}

std::vector<Examination> examine(const fs::path& folder, const core::Clock& clock) {
  std::vector<Examination> all = {examine_packs(), examine_profiles(), examine_device()};
  const auto workspace = audit::Workspace::open(folder);
  if (!workspace.has_value()) {
    all.push_back(failed("workspace", workspace.error()));
    return all;
  }
  all.push_back(
      fine("workspace", fmt::format("{}, origin {}", folder.string(), workspace->config().origin)));
  all.push_back(examine_folder(folder));
  all.push_back(examine_keys(*workspace));
  all.push_back(examine_disk(folder));
  const auto ledger = workspace->ledger(Ledger::Access::read);
  if (!ledger.has_value()) {
    all.push_back(failed("ledger", ledger.error()));
    return all;
  }
  all.push_back(examine_storage(*ledger));
  all.push_back(examine_clock(*ledger, clock));
  all.push_back(examine_ledger(*workspace));
  return all;
}

}  // namespace sigillo::app
