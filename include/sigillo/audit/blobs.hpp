// Blobs: content-addressed files, named by the SHA-256 of their bytes: FOLDER/ab/cdef...
#pragma once

#include <filesystem>

#include "sigillo/core/digest.hpp"

namespace sigillo::audit {

inline constexpr std::size_t kMaxBlobBytes = std::size_t{256} << 20;

class BlobStore {
 public:
  explicit BlobStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // Durable when it returns; storing the same bytes again is a no-op. At most kMaxBlobBytes.
  // Thread- and process-safe.
  [[nodiscard]] core::Result<core::Digest> put(core::ByteView bytes);
  // The bytes, checked against the digest: not_found, or evidence_corrupt if they differ.
  [[nodiscard]] core::Result<core::Bytes> get(const core::Digest& digest) const;
  // Whatever is stored under the name, unchecked: for fsck's report of what differs.
  [[nodiscard]] core::Result<core::Bytes> get_unchecked(const core::Digest& digest) const;
  [[nodiscard]] std::filesystem::path path(const core::Digest& digest) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace sigillo::audit
