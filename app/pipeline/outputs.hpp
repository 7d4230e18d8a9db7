// Logs generated outputs: detects the mark in each, and records hashes and detections as one batch.
#pragma once

#include "app/pipeline/text.hpp"

namespace sigillo::app {

struct RecordOutputsRequest {
  std::string release;  // a recorded release
  TextDetectRequest
      detect;  // files and detector; a tokenizer is needed: outputs are the bytes that people get
};
struct RecordedOutputs {
  audit::Receipt receipt;
  std::string batch_root;
  std::int64_t count = 0, found = 0, not_found = 0, inconclusive = 0;
};
// The bytes are read once: what is hashed is what is tested. The outputs themselves are not kept.
[[nodiscard]] core::Result<RecordedOutputs> record_outputs(const audit::Workspace& workspace,
                                                           const RecordOutputsRequest& request,
                                                           const core::Clock& clock);

}  // namespace sigillo::app
