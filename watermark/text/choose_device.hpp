// choose_tokens on a device: uploads the batch, runs the kernels, downloads the tokens.
#pragma once

#include "core/gpu/backend.hpp"
#include "sigillo/watermark/text.hpp"

#ifndef SIGILLO_DEVICE_NAMESPACE
#define SIGILLO_DEVICE_NAMESPACE cuda
#endif

namespace sigillo::watermark::SIGILLO_DEVICE_NAMESPACE {

// The batch is checked and not empty. Rows without an entry to choose get -1.
[[nodiscard]] core::Status choose_on_device(core::gpu::Device& device, const TextProfile& profile,
                                            const TextKey& key, const ChooseBatch& batch,
                                            std::span<TokenId> out);

}  // namespace sigillo::watermark::SIGILLO_DEVICE_NAMESPACE
