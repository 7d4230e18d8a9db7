#include "sigillo/audit/runs.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>

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

std::string allowed_environment() {
  std::vector<std::string> lines;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view line = *variable;
    if (std::any_of(kAllowedPrefixes.begin(), kAllowedPrefixes.end(),
                    [&](std::string_view p) { return line.starts_with(p); }))
      lines.emplace_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, "\n"));
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
  const int count = ::sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
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

Json code_state() {
  Json code = Json::object();
  auto commit = capture({"git", "rev-parse", "HEAD"});
  if (!commit.has_value()) return code;
  while (!commit->empty() && commit->back() == '\n') commit->pop_back();
  code["commit"] = *commit;
  const auto status = capture({"git", "status", "--porcelain"});
  if (status.has_value()) code["dirty"] = !status->empty();
  return code;
}

Result<Json> start_fields(const Workspace& workspace, const RunRequest& request,
                          const std::string& run_id, core::Entropy& entropy,
                          const core::Clock& clock) {
  Json datasets = Json::array();
  if (!request.datasets.empty()) {
    SIGILLO_TRY(const FsckReport report, fsck(workspace));
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
  const std::array<std::pair<std::string_view, std::string>, 5> hidden = {
      {{"command", fmt::format("{}", fmt::join(request.command, "\n"))},
       {"environment", allowed_environment()},
       {"user", user_name()},
       {"host_name", host_name()},
       {"folder", fs::current_path(ignored).string()}}};
  SIGILLO_TRY(PrivateValues values, PrivateValues::open(workspace.private_values_file()));
  for (const auto& [field, value] : hidden) {
    SIGILLO_TRY(const core::Digest commitment, values.commit(field, value, entropy));
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
  return Json{{"exact", exact},
              {"e12", e12},
              {"basis", "claimed"},
              {"method", fmt::format("reported by the command: {}", method)}};
}

struct Outputs {
  Json fields = Json::object();
  std::string problem;
};

Outputs hash_outputs(const Workspace& workspace, const std::optional<fs::path>& folder) {
  Outputs outputs;
  outputs.fields["outputs_files"] = 0;
  if (!folder.has_value()) return outputs;
  const auto scanned = scan_manifest(*folder);
  if (!scanned.has_value()) {
    outputs.problem = "outputs not recorded: " + scanned.error().message;
    return outputs;
  }
  const auto bytes = manifest_bytes(*scanned);
  auto digest = bytes.has_value() ? workspace.blobs().put(core::as_bytes(*bytes))
                                  : Result<core::Digest>(bytes.error());
  if (!digest.has_value()) {
    outputs.problem = "outputs not recorded: " + digest.error().message;
    return outputs;
  }
  outputs.fields = Json{{"outputs_files", scanned->files.size()},
                        {"outputs_root", scanned->root().hex()},
                        {"outputs_manifest", digest->hex()}};
  return outputs;
}

Json end_fields(const Workspace& workspace, const RunRequest& request, const std::string& run_id,
                const ProcessEnd& end, const fs::path& report, const core::Clock& clock) {
  Outputs outputs = hash_outputs(workspace, request.outputs);
  Json fields = std::move(outputs.fields);
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
  if (fs::exists(report, ignored)) {
    auto flop = reported_flop(report);
    if (flop.has_value()) fields["flop"] = *std::move(flop);
    else
      outputs.problem += fmt::format("{}compute not recorded: {}",
                                     outputs.problem.empty() ? "" : "; ", flop.error().message);
  }
  if (!outputs.problem.empty()) {
    // Record text holds no control characters and at most 4096 bytes.
    std::replace_if(
        outputs.problem.begin(), outputs.problem.end(),
        [](char c) {
          return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E;
        },
        '?');
    fields["note"] = outputs.problem.substr(0, 1000);
  }
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
  core::Bytes id(16);
  SIGILLO_TRY_VOID(entropy.fill(id));
  RunResult result;
  result.run_id = core::hex_encode(id);
  SIGILLO_TRY(const Json start, start_fields(workspace, request, result.run_id, entropy, clock));
  const std::vector<core::Subject> subject = {named_subject("run", result.run_id)};
  SIGILLO_TRY(const Receipt receipt, record(workspace, "run-start", start, subject, clock));
  result.start_entry = receipt.index;

  const fs::path report =
      fs::absolute(workspace.folder()) / fmt::format("run-{}.report", result.run_id);
  SIGILLO_TRY(const ProcessEnd end,
              supervise(request.command, {{"SIGILLO_RUN_ID", result.run_id},
                                          {"SIGILLO_RUN_REPORT", report.string()}}));
  result.exit_code = end.exit_code.value_or(128 + end.signal.value_or(0));

  const Json fields = end_fields(workspace, request, result.run_id, end, report, clock);
  auto recorded = record(workspace, "run-end", fields, subject, clock);
  if (recorded.has_value()) result.end_entry = recorded->index;
  else
    warn(fmt::format("the end of run {} could not be recorded: {}; what is known: {}",
                     result.run_id, recorded.error().message, fields.dump()));
  std::error_code ignored;
  fs::remove(report, ignored);
  return result;
}

}  // namespace sigillo::audit
