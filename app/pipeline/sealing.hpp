// Seals files: datasets and model releases, by digest.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "sigillo/audit/manifest.hpp"
#include "sigillo/audit/workspace.hpp"

namespace sigillo::app {

struct Sealed {
  audit::Receipt receipt;
  std::string root, manifest;  // hex
  std::uint64_t files = 0, bytes = 0;
  std::string run_id;  // releases: the run that recorded these files as outputs; empty if none did
};

struct SealDatasetRequest {
  std::filesystem::path path;
  std::string name, license, source;
};
[[nodiscard]] core::Result<Sealed> seal_dataset(
    const audit::Workspace& workspace, const SealDatasetRequest& request, const core::Clock& clock,
    const std::function<void(std::uint64_t)>& progress = {});

struct ReleaseRequest {
  std::filesystem::path path;
  std::string name, system, model;
};
// The run is looked up by digest (audit::producing_run). It is never taken from the caller.
[[nodiscard]] core::Result<Sealed> release_model(const audit::Workspace& workspace,
                                                 const ReleaseRequest& request,
                                                 const core::Clock& clock);

}  // namespace sigillo::app
