#include "app/pipeline/sealing.hpp"

#include "sigillo/audit/fsck.hpp"
#include "sigillo/audit/runs.hpp"

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

}  // namespace

Result<Sealed> seal_dataset(const audit::Workspace& workspace, const SealDatasetRequest& request,
                            const core::Clock& clock,
                            const std::function<void(std::uint64_t)>& progress) {
  SIGILLO_TRY_VOID(workspace.stays_outside(request.path));
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
  SIGILLO_TRY_VOID(workspace.stays_outside(request.path));
  SIGILLO_TRY(const audit::Manifest manifest, audit::scan_manifest(request.path));
  SIGILLO_TRY(const audit::FsckReport report, audit::fsck(workspace));
  SIGILLO_TRY(Sealed sealed, store_manifest(workspace, manifest));
  const auto run_outputs = report.evidence.rows.find("ev1_run_outputs");
  if (run_outputs != report.evidence.rows.end())
    sealed.run_id = audit::producing_run(run_outputs->second, manifest);
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
