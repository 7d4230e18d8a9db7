#include "core/gpu/backend.hpp"

#ifdef SIGILLO_HAVE_CUDA
#include "core/gpu/cuda_device.hpp"
#endif

namespace sigillo::core::gpu {
namespace {

#ifdef SIGILLO_HAVE_CUDA
Backend cuda_backend() {
  static const Status status = cuda::probe();
  if (status.has_value()) return {"cuda", true};
  return {"cuda", false, status.error().message, status.error().remedy};
}
#else
Backend cuda_backend() {
  return {
      "cuda", false, "this build has no CUDA kernels",
      "configure with -DSIGILLO_CUDA=ON where the CUDA Toolkit is, or use the back end \"host\""};
}
#endif

std::string available_names(const std::vector<Backend>& list) {
  std::string names;
  for (const Backend& backend : list) {
    if (backend.available) names += (names.empty() ? "" : ", ") + std::string(backend.name);
  }
  return names.empty() ? "none" : names;
}

}  // namespace

const std::vector<Backend>& backends() {
  static const std::vector<Backend> list = {cuda_backend(), {"host", true}};
  return list;
}

Result<Backend> select_backend(const std::vector<Backend>& list, std::string_view name) {
  for (const Backend& backend : list) {
    if (name == "auto" ? !backend.available : backend.name != name) continue;
    if (backend.available) return backend;
    return Error{
        ErrorCode::device_unavailable,
        "back end \"" + std::string(name) + "\" is not available: " + std::string(backend.detail),
        std::string(backend.remedy)};
  }
  return Error{ErrorCode::device_unavailable, "there is no back end \"" + std::string(name) + "\"",
               "use one of: " + available_names(list) + "; or \"auto\""};
}

Result<Backend> select_backend(std::string_view name) { return select_backend(backends(), name); }

}  // namespace sigillo::core::gpu
