#include "sigillo/audit/runs.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "audit/process.hpp"
#include "sigillo/audit/fsck.hpp"
#include "sigillo/audit/manifest.hpp"
#include "sigillo/audit/private_values.hpp"
#include "sigillo/core/files.hpp"

extern char** environ;

namespace sigillo::audit {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

// What an auditor needs to repeat a run; anything else in an environment may be a secret.
constexpr std::array<std::string_view, 9> kAllowedPrefixes = {
    "PATH=", "LANG=", "LC_ALL=", "CUDA_", "NCCL_", "OMP_", "PYTHON", "SLURM_", "TORCH_"};
constexpr std::int64_t kAssumedWattsPerCore = 15;
constexpr std::size_t kMaxReportBytes = 65536;
constexpr std::size_t kMaxMethodBytes = 1024;

// Some of what begins like that is a secret all the same, such as SLURM_JWT.
bool looks_secret(std::string_view name) {
  constexpr std::array<std::string_view, 11> marks = {"AUTH",   "COOKIE",  "CRED", "JWT",
                                                      "KEY",    "PASS",    "PWD",  "PRIVATE",
                                                      "SECRET", "SESSION", "TOKEN"};
  std::string upper(name);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return std::any_of(marks.begin(), marks.end(),
                     [&](std::string_view mark) { return upper.find(mark) != std::string::npos; });
}

// As in /proc/PID/cmdline and environ: each item ends in a NUL, which no item can hold.
std::string nul_terminated(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) (text += item).push_back('\0');
  return text;
}

std::string allowed_environment() {
  std::vector<std::string> lines;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view line = *variable;
    const bool allowed = std::any_of(kAllowedPrefixes.begin(), kAllowedPrefixes.end(),
                                     [&](std::string_view p) { return line.starts_with(p); });
    if (allowed && !looks_secret(line.substr(0, line.find('=')))) lines.emplace_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return nul_terminated(lines);
}

std::string user_name() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr ? entry->pw_name : fmt::format("uid {}", ::getuid());
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

// The value after "KEY ... : " on the first line of a /proc file that begins with KEY. /proc files
// have no size: a plain read.
std::string proc_value(const fs::path& file, std::string_view key) {
  const auto text = core::read_file(file, std::size_t{16} << 20);
  if (!text.has_value()) return "unknown";
  const std::string_view all = core::as_text(*text);
  for (std::size_t start = 0; start < all.size();) {
    const std::size_t end = std::min(all.find('\n', start), all.size());
    const std::string_view line = all.substr(start, end - start);
    const std::size_t colon = line.find(':');
    if (line.starts_with(key) && colon != std::string_view::npos) {
      const std::size_t value = line.find_first_not_of(" \t", colon + 1);
      if (value != std::string_view::npos) return std::string(line.substr(value));
    }
    start = end + 1;
  }
  return "unknown";
}

Json host_inventory() {
  utsname system{};
  ::uname(&system);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  // The call fails where there are more processors than a cpu_set_t holds.
  const std::int64_t count = ::sched_getaffinity(0, sizeof cpus, &cpus) == 0
                                 ? CPU_COUNT(&cpus)
                                 : ::sysconf(_SC_NPROCESSORS_ONLN);
  const auto memory = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  return Json{{"cpu_model", proc_value("/proc/cpuinfo", "model name")},
              {"cpus", count},
              {"memory_bytes", memory},
              {"kernel", fmt::format("{} {}", system.sysname, system.release)},
              {"architecture", system.machine}};
}

// What NVIDIA's kernel driver lists. No driver, no folder, no accelerators: the record then says so
// with an empty list.
Json accelerator_inventory() {
  Json list = Json::array();
  std::error_code error;
  const std::string driver = proc_value("/proc/driver/nvidia/version", "NVRM version");
  for (fs::directory_iterator gpus("/proc/driver/nvidia/gpus", error);
       !error && gpus != fs::directory_iterator(); gpus.increment(error)) {
    Json gpu{{"model", proc_value(gpus->path() / "information", "Model")}};
    if (driver != "unknown") gpu["driver"] = driver;
    list.push_back(std::move(gpu));
  }
  return list;
}

// The repository's own configuration may name programs, and the folder need not be ours: a question
// about its state must start none of them, and fetch and write nothing.
std::vector<std::string> git_command() {
  return {"env", "GIT_ALLOW_PROTOCOL=none", "git", "--no-optional-locks",
          "-c",  "core.fsmonitor=false",    "-c",  "core.hooksPath=/dev/null"};
}

std::optional<std::string> git(std::vector<std::string> options,
                               std::initializer_list<std::string> question) {
  std::vector<std::string> command = git_command();
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), question.begin(), question.end());
  return capture(command);
}

// Options that empty the content filters which the repository itself configures. Those of the user
// and of the machine, such as Git LFS's, stay. None if one has a name that no option can carry.
std::optional<std::vector<std::string>> without_filters() {
  std::vector<std::string> options;
  const auto list = git({}, {"config", "--show-scope", "--null", "--name-only", "--get-regexp",
                             R"(^filter\..*\.(clean|process)$)"});
  if (!list.has_value()) return options;  // git exits with 1 if there is none
  std::string scope;
  for (std::size_t start = 0; start < list->size();) {
    const std::size_t end = std::min(list->find('\0', start), list->size());
    const std::string item = list->substr(start, end - start);
    start = end + 1;
    if (scope.empty()) {
      scope = item;
      continue;
    }
    if (scope == "local" || scope == "worktree") {
      if (item.find('=') != std::string::npos) return std::nullopt;
      const std::string filter = item.substr(0, item.rfind('.'));
      for (const char* off : {".clean=", ".process=", ".required=false"}) {
        options.emplace_back("-c");
        options.push_back(filter + off);
      }
    }
    scope.clear();
  }
  return options;
}

Json code_state() {
  Json code = Json::object();
  auto commit = git({}, {"rev-parse", "HEAD"});
  if (!commit.has_value()) return code;
  while (!commit->empty() && commit->back() == '\n') commit->pop_back();
  code["commit"] = *commit;
  const auto options = without_filters();
  if (!options.has_value()) return code;
  // A submodule has a configuration of its own: only the commit that it stands at is looked at.
  const auto status = git(*options, {"status", "--porcelain", "--ignore-submodules=dirty"});
  if (status.has_value()) code["dirty"] = !status->empty();
  return code;
}

Result<Json> start_fields(const Workspace& workspace, const RunRequest& request,
                          const std::string& run_id, core::Entropy& entropy,
                          const core::Clock& clock) {
  Json datasets = Json::array();
  if (!request.datasets.empty()) {
    SIGILLO_TRY(const FsckReport report, fsck(workspace));
    for (const Finding& finding : report.findings)
      if (finding.severity == Severity::error)
        return Error{ErrorCode::evidence_corrupt,
                     fmt::format("{}: {}", finding.place, finding.message), finding.remedy};
    for (const std::string& name : request.datasets) {
      SIGILLO_TRY(const std::string root, dataset_root(report.evidence, name));
      datasets.push_back(Json{{"dataset", name}, {"root", root}});
    }
  }
  Json fields{{"run_id", run_id},
              {"model", request.model},
              {"datasets", std::move(datasets)},
              {"code", code_state()},
              {"host", host_inventory()},
              {"accelerators", accelerator_inventory()},
              {"started_at", core::to_rfc3339(clock.now())}};
  std::error_code ignored;
  // In the order of kCommittedFields.
  const std::array<std::string, kCommittedFields.size()> hidden = {
      nul_terminated(request.command), allowed_environment(), user_name(), host_name(),
      fs::current_path(ignored).string()};
  SIGILLO_TRY(PrivateValues values, PrivateValues::open(workspace.private_values_file()));
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    const std::string_view field = kCommittedFields[i];
    SIGILLO_TRY(const core::Digest commitment, values.commit(field, hidden[i], entropy));
    fields[std::string(field)] = commitment.hex();
  }
  return fields;
}

Json energy_of(const ProcessEnd& end) {
  // CPU time x watts: milliseconds x W / 3600 = milliwatt-hours.
  const std::int64_t milliwatt_hours = (end.cpu_ms * kAssumedWattsPerCore + 3599) / 3600;
  return Json{
      {"milliwatt_hours", milliwatt_hours},
      {"basis", "estimated"},
      {"method",
       fmt::format(
           "CPU time x {} W a core (assumed); accelerators, memory and cooling not included",
           kAssumedWattsPerCore)},
      {"uncertainty_percent", 100}};
}

// What the command reports of itself is claimed, not measured by us.
Result<Json> reported_flop(const fs::path& report) {
  SIGILLO_TRY(const core::Bytes text, core::read_file(report, kMaxReportBytes));
  SIGILLO_TRY(const Json value, core::parse_json(core::as_text(text)));
  SIGILLO_TRY(const std::string exact, core::json_string(value, "flop", "run report"));
  SIGILLO_TRY(const std::string method, core::json_string(value, "flop_method", "run report"));
  SIGILLO_TRY(const std::int64_t e12, flop_e12(exact));
  // The command writes this text: it must not be able to make the record of its end invalid.
  const bool control = std::any_of(method.begin(), method.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (method.empty() || method.size() > kMaxMethodBytes || control)
    return Error{
        ErrorCode::invalid_input,
        fmt::format("run report: flop_method is not 1 to {} bytes without control characters",
                    kMaxMethodBytes),
        ""};
  return Json{{"exact", exact},
              {"e12", e12},
              {"basis", "claimed"},
              {"method", fmt::format("reported by the command: {}", method)}};
}

// What tells whether a file was touched: its inode, size and times of change. The time of its
// inode's change cannot be set by a program.
using FileState = std::array<std::int64_t, 6>;
std::map<std::string, FileState> file_states(const fs::path& path) {
  std::map<std::string, FileState> states;
  const auto add = [&](const fs::path& file, const std::string& name) {
    struct ::stat s {};
    if (::lstat(file.c_str(), &s) == 0 && S_ISREG(s.st_mode))
      states[name] = {static_cast<std::int64_t>(s.st_ino),
                      s.st_size,
                      s.st_mtim.tv_sec,
                      s.st_mtim.tv_nsec,
                      s.st_ctim.tv_sec,
                      s.st_ctim.tv_nsec};
  };
  std::error_code error;
  if (!fs::is_directory(path, error)) add(path, path.filename().string());
  for (fs::recursive_directory_iterator item(path, error), end; !error && item != end;
       item.increment(error))
    add(item->path(), item->path().lexically_relative(path).generic_string());
  return states;
}

// The files that the command wrote: a file that lay there before, untouched, is none of its
// outputs.
Result<Json> hash_outputs(const Workspace& workspace, const fs::path& folder,
                          const std::map<std::string, FileState>& before) {
  const std::map<std::string, FileState> after = file_states(folder);
  SIGILLO_TRY(Manifest manifest, scan_manifest(folder));
  std::erase_if(manifest.files, [&](const ManifestFile& file) {
    const auto old = before.find(file.path);
    const auto now = after.find(file.path);
    return old != before.end() && now != after.end() && old->second == now->second;
  });
  if (manifest.files.empty())
    return Error{ErrorCode::not_found, "the command wrote no file there", ""};
  SIGILLO_TRY(const std::string bytes, manifest_bytes(manifest));
  SIGILLO_TRY(const core::Digest digest, workspace.blobs().put(core::as_bytes(bytes)));
  return Json{{"outputs_files", manifest.files.size()},
              {"outputs_root", manifest.root().hex()},
              {"outputs_manifest", digest.hex()}};
}

// What could not be recorded of a run's end. The ledger keeps the error's code alone: a message
// names paths, and may quote what the command wrote. People get the message.
class Gaps {
 public:
  explicit Gaps(const std::function<void(const std::string&)>& warn) : warn_(warn) {}
  void add(std::string_view what, const Error& error) {
    warn_(fmt::format("{} not recorded: {}", what, error.message));
    note_ += fmt::format("{}{} not recorded: {}", note_.empty() ? "" : "; ", what,
                         core::to_string(error.code));
  }
  [[nodiscard]] const std::string& note() const { return note_; }

 private:
  const std::function<void(const std::string&)>& warn_;
  std::string note_;
};

Json end_fields(const Workspace& workspace, const RunRequest& request, const std::string& run_id,
                const ProcessEnd& end, const fs::path& report,
                const std::map<std::string, FileState>& before, const core::Clock& clock,
                const std::function<void(const std::string&)>& warn) {
  Gaps gaps(warn);
  Json fields{{"outputs_files", 0}};
  if (request.outputs.has_value()) {
    auto outputs = hash_outputs(workspace, *request.outputs, before);
    if (outputs.has_value()) fields = *std::move(outputs);
    else gaps.add("outputs", outputs.error());
  }
  fields["run_id"] = run_id;
  fields["model"] = request.model;
  fields["ended_at"] = core::to_rfc3339(clock.now());
  if (end.exit_code.has_value()) fields["exit_code"] = *end.exit_code;
  if (end.signal.has_value()) fields["signal"] = *end.signal;
  fields["wall_ms"] = end.wall_ms;
  fields["cpu_ms"] = end.cpu_ms;
  fields["max_rss_kib"] = end.max_rss_kib;
  fields["energy"] = energy_of(end);
  std::error_code ignored;
  if (!end.started) {
    fields["flop"] = Json{{"exact", "0"},
                          {"e12", 0},
                          {"basis", "measured"},
                          {"method", "the command could not be started"}};
  } else if (fs::exists(report, ignored)) {
    auto flop = reported_flop(report);
    if (flop.has_value()) fields["flop"] = *std::move(flop);
    else gaps.add("compute", flop.error());
  }
  if (!gaps.note().empty()) fields["note"] = gaps.note();
  return fields;
}

}  // namespace

Result<std::int64_t> flop_e12(std::string_view decimal) {
  const bool digits =
      !decimal.empty() && decimal.size() <= 28 &&
      std::all_of(decimal.begin(), decimal.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits)
    return Error{ErrorCode::invalid_input,
                 fmt::format("\"{}\" is no number of operations", decimal.substr(0, 40)),
                 "write a decimal integer of at most 28 digits"};
  const std::size_t split = decimal.size() > 12 ? decimal.size() - 12 : 0;
  std::int64_t whole = 0;
  for (const char c : decimal.substr(0, split)) whole = whole * 10 + (c - '0');
  const bool rest = decimal.substr(split).find_first_not_of('0') != std::string_view::npos;
  whole += rest ? 1 : 0;
  if (whole > core::kMaxJsonInteger)
    return Error{ErrorCode::invalid_input,
                 fmt::format("{} operations are beyond what a record can hold", decimal), ""};
  return whole;
}

std::string producing_run(std::span<const core::Row> run_outputs, const Manifest& manifest) {
  std::map<std::string, std::set<std::string>> outputs;
  std::map<std::int64_t, std::string> by_entry;
  for (const core::Row& row : run_outputs) {
    const auto& run = std::get<std::string>(row[0]);
    outputs[run].insert(std::get<std::string>(row[2]));
    by_entry[std::get<std::int64_t>(row[3])] = run;
  }
  for (const auto& [entry, run] : by_entry) {
    const auto& digests = outputs[run];
    if (std::all_of(manifest.files.begin(), manifest.files.end(),
                    [&](const auto& file) { return digests.contains(file.sha256.hex()); }))
      return run;
  }
  return "";
}

Result<std::string> dataset_root(const core::Evidence& evidence, std::string_view name) {
  const auto rows = evidence.rows.find("ev1_datasets");
  std::vector<std::string> names;
  if (rows != evidence.rows.end()) {
    for (const core::Row& row : rows->second) {
      names.push_back(std::get<std::string>(row[0]));
      if (names.back() == name) return std::get<std::string>(row[1]);
    }
  }
  return Error{ErrorCode::not_found,
               fmt::format("no dataset \"{}\" is sealed (there are: {})", name,
                           names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))),
               "seal it first: `sigillo dataset seal PATH --name N --license SPDX --source URI`"};
}

Result<RunResult> run_recorded(const Workspace& workspace, const RunRequest& request,
                               core::Entropy& entropy, const core::Clock& clock,
                               const std::function<void(const std::string&)>& warn) {
  if (request.command.empty())
    return Error{ErrorCode::invalid_argument, "no command to run", "name one after --"};
  if (request.outputs.has_value()) SIGILLO_TRY_VOID(workspace.stays_outside(*request.outputs));
  std::error_code error;
  const fs::path folder = fs::absolute(workspace.folder(), error);
  if (error)
    return core::error_from_errno(error.value(), "cannot find the folder of", workspace.folder());
  core::Bytes id(16);
  SIGILLO_TRY_VOID(entropy.fill(id));
  RunResult result;
  result.run_id = core::hex_encode(id);
  SIGILLO_TRY(const Json start, start_fields(workspace, request, result.run_id, entropy, clock));
  const std::vector<core::Subject> subject = {named_subject("run", result.run_id)};
  SIGILLO_TRY(const Receipt receipt, record(workspace, "run-start", start, subject, clock));
  result.start_entry = receipt.index;

  const fs::path report = folder / fmt::format("run-{}.report", result.run_id);
  const auto before =
      request.outputs.has_value() ? file_states(*request.outputs) : decltype(file_states("")){};
  const HeldSignals held;
  SIGILLO_TRY(const ProcessEnd end, supervise(held, request.command,
                                              {{"SIGILLO_RUN_ID", result.run_id},
                                               {"SIGILLO_RUN_REPORT", report.string()}}));
  result.exit_code = end.exit_code.value_or(128 + end.signal.value_or(0));

  const Json fields =
      end_fields(workspace, request, result.run_id, end, report, before, clock, warn);
  auto recorded = record(workspace, "run-end", fields, subject, clock);
  if (recorded.has_value()) result.end_entry = recorded->index;
  else
    warn(fmt::format("the end of run {} could not be recorded: {}; what is known: {}",
                     result.run_id, recorded.error().message, fields.dump()));
  fs::remove_all(report, error);  // the command may have made a folder; no link is followed
  if (error) warn(fmt::format("{} could not be removed: {}", report.string(), error.message()));
  return result;
}

}  // namespace sigillo::audit
