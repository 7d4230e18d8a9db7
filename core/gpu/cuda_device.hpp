// The CUDA runtime as a Device. Compiled against the real runtime (namespace cuda) and, in tests,
// against the emulator's (namespace emu); SIGILLO_DEVICE_NAMESPACE picks it. Names no CUDA type.
#pragma once

#include "core/gpu/backend.hpp"

#ifndef SIGILLO_DEVICE_NAMESPACE
#define SIGILLO_DEVICE_NAMESPACE cuda
#endif

namespace sigillo::core::gpu::SIGILLO_DEVICE_NAMESPACE {

// probe asks the runtime for a device. Ok, or device_unavailable with the runtime's words and a
// remedy.
[[nodiscard]] Status probe();
// open_device opens device 0 with a stream of its own.
[[nodiscard]] Result<std::unique_ptr<Device>> open_device();

}  // namespace sigillo::core::gpu::SIGILLO_DEVICE_NAMESPACE
