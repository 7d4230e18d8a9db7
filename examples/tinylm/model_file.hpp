// model.tinylm: the model's bytes. The format is described in README.md.
#pragma once

#include "examples/tinylm/model.hpp"
#include "sigillo/core/bytes.hpp"

namespace tinylm {

inline constexpr std::size_t kMaxModelBytes = std::size_t{1} << 30;

// Deterministic: one model has one form.
[[nodiscard]] sigillo::core::Bytes model_bytes(const Model& model);

// model_from_bytes checks everything that the program later relies on, whatever the digest at the
// end says. Errors: invalid_input with the place, unsupported for another version, input_too_large.
[[nodiscard]] sigillo::core::Result<Model> model_from_bytes(sigillo::core::ByteView bytes);

}  // namespace tinylm
