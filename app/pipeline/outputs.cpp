#include "app/pipeline/outputs.hpp"

#include <fmt/format.h>

#include "sigillo/audit/fsck.hpp"
#include "sigillo/audit/outputs.hpp"

namespace sigillo::app {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;

namespace {

core::Status check_release(const audit::Workspace& workspace, const std::string& release) {
  SIGILLO_TRY(const audit::FsckReport report, audit::fsck(workspace));
  const auto rows = report.evidence.rows.find("ev1_releases");
  if (rows != report.evidence.rows.end())
    for (const core::Row& row : rows->second)
      if (std::get<std::string>(row[0]) == release) return {};
  return Error{ErrorCode::not_found, fmt::format("no release \"{}\" is recorded", release),
               "record it first: `sigillo model release PATH --name N --system S --model M`"};
}

void count(RecordedOutputs& recorded, core::DetectionResult result) {
  switch (result) {
    case core::DetectionResult::found:
      ++recorded.found;
      break;
    case core::DetectionResult::not_found:
      ++recorded.not_found;
      break;
    case core::DetectionResult::inconclusive:
      ++recorded.inconclusive;
      break;
  }
  ++recorded.count;
}

}  // namespace

Result<RecordedOutputs> record_outputs(const audit::Workspace& workspace,
                                       const RecordOutputsRequest& request,
                                       const core::Clock& clock) {
  SIGILLO_TRY_VOID(check_release(workspace, request.release));
  SIGILLO_TRY(const std::vector<FileDetection> detections,
              detect_text_files(workspace, request.detect));
  RecordedOutputs recorded;
  std::vector<audit::OutputLine> lines;
  for (const FileDetection& file : detections) {
    SIGILLO_TRY(const core::Digest digest, core::Digest::from_hex(file.detection.artefact_digest));
    lines.push_back({digest, "text", file.detection});
    count(recorded, file.detection.result);
  }
  SIGILLO_TRY(const audit::OutputsBatch batch, audit::make_outputs_batch(std::move(lines)));
  audit::BlobStore blobs = workspace.blobs();
  SIGILLO_TRY(const core::Digest lines_blob, blobs.put(core::as_bytes(batch.lines)));
  SIGILLO_TRY(const core::Digest tree_blob, blobs.put(batch.tree));
  recorded.batch_root = batch.root.hex();
  const Json fields{{"release", request.release},
                    {"modality", "text"},
                    {"count", batch.count},
                    {"batch_root", recorded.batch_root},
                    {"lines", lines_blob.hex()},
                    {"tree", tree_blob.hex()},
                    {"profile_digest", detections.front().detection.profile_digest},
                    {"key_id", detections.front().detection.key_id},
                    {"sample_basis", "chosen-by-provider"}};
  const std::vector<core::Subject> subjects = {
      {fmt::format("outputs of {}", request.release), batch.root},
      audit::named_subject("release", request.release)};
  SIGILLO_TRY(recorded.receipt, audit::record(workspace, "outputs-batch", fields, subjects, clock));
  return recorded;
}

}  // namespace sigillo::app
