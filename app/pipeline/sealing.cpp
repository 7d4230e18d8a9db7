#include "app/pipeline/sealing.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "sigillo/audit/fsck.hpp"

namespace sigillo::app {
using core::Json;
using core::Result;

namespace {

Result<Sealed> store_manifest(const audit::Workspace& workspace, const audit::Manifest& manifest) {
  SIGILLO_TRY(const std::string bytes, audit::manifest_bytes(manifest));
  SIGILLO_TRY(const core::Digest digest, workspace.blobs().put(core::as_bytes(bytes)));
  Sealed sealed;
  sealed.root = manifest.root().hex();
  sealed.manifest = digest.hex();
  sealed.files = manifest.files.size();
  sealed.bytes = manifest.bytes();
  return sealed;
}

// The run of the latest run-end entry whose outputs hold every file of the manifest.
std::string run_of(const core::Evidence& evidence, const audit::Manifest& manifest) {
  std::map<std::string, std::set<std::string>> outputs;
  std::map<std::int64_t, std::string> by_entry;
  const auto rows = evidence.rows.find("ev1_run_outputs");
  if (rows == evidence.rows.end()) return "";
  for (const core::Row& row : rows->second) {
    const auto& run = std::get<std::string>(row[0]);
    outputs[run].insert(std::get<std::string>(row[2]));
    by_entry[std::get<std::int64_t>(row[3])] = run;
  }
  for (auto entry = by_entry.rbegin(); entry != by_entry.rend(); ++entry) {
    const auto& digests = outputs[entry->second];
    if (std::all_of(manifest.files.begin(), manifest.files.end(),
                    [&](const auto& file) { return digests.contains(file.sha256.hex()); }))
      return entry->second;
  }
  return "";
}

}  // namespace

Result<Sealed> seal_dataset(const audit::Workspace& workspace, const SealDatasetRequest& request,
                            const core::Clock& clock,
                            const std::function<void(std::uint64_t)>& progress) {
  SIGILLO_TRY(const audit::Manifest manifest, audit::scan_manifest(request.path, progress));
  SIGILLO_TRY(Sealed sealed, store_manifest(workspace, manifest));
  const Json fields{{"dataset", request.name},     {"license", request.license},
                    {"source", request.source},    {"root", sealed.root},
                    {"manifest", sealed.manifest}, {"files", sealed.files},
                    {"bytes", sealed.bytes}};
  const std::vector<core::Subject> subjects = {{request.name, manifest.root()},
                                               audit::named_subject("dataset", request.name)};
  SIGILLO_TRY(sealed.receipt,
              audit::record(workspace, "dataset-manifest", fields, subjects, clock));
  return sealed;
}

Result<Sealed> release_model(const audit::Workspace& workspace, const ReleaseRequest& request,
                             const core::Clock& clock) {
  SIGILLO_TRY(const audit::Manifest manifest, audit::scan_manifest(request.path));
  SIGILLO_TRY(const audit::FsckReport report, audit::fsck(workspace));
  SIGILLO_TRY(Sealed sealed, store_manifest(workspace, manifest));
  sealed.run_id = run_of(report.evidence, manifest);
  Json fields{{"release", request.name},     {"system", request.system},
              {"model", request.model},      {"model_digest", sealed.root},
              {"manifest", sealed.manifest}, {"files", sealed.files}};
  if (!sealed.run_id.empty()) fields["run_id"] = sealed.run_id;
  std::vector<core::Subject> subjects = {{request.model, manifest.root()},
                                         audit::named_subject("release", request.name)};
  SIGILLO_TRY(sealed.receipt, audit::record(workspace, "model-release", fields, subjects, clock));
  return sealed;
}

}  // namespace sigillo::app
