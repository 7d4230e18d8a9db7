// Manifests: what is in a folder of files, by digest (docs/formats/manifest.md).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "sigillo/audit/merkle.hpp"

namespace sigillo::audit {

inline constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxManifestFiles = 1000000;

struct ManifestFile {
  std::string path;        // relative, "/" between parts, valid UTF-8 without control characters
  std::uint64_t size = 0;  // bytes
  Digest sha256;           // of the whole file
  std::vector<Digest> chunks;  // RFC 6962 leaf hashes of its chunks of kChunkBytes
  [[nodiscard]] Digest chunks_root() const { return tree_root(chunks); }
};

struct Manifest {
  std::vector<ManifestFile> files;  // sorted by path bytes
  [[nodiscard]] std::uint64_t bytes() const;
  // RFC 6962 root over the canonical JSON of each file's entry.
  [[nodiscard]] Digest root() const;
};

// Scans a regular file or every regular file below a folder, one pass over each. Symbolic links
// below it are refused (their target is no part of the folder), as are names that are not UTF-8 or
// hold control characters, an empty folder, and a file that changes while it is read. progress, if
// given, is called with the bytes read so far.
[[nodiscard]] core::Result<Manifest> scan_manifest(
    const std::filesystem::path& path, const std::function<void(std::uint64_t)>& progress = {});
// Canonical JSON and its strict reader.
[[nodiscard]] core::Result<std::string> manifest_bytes(const Manifest& manifest);
[[nodiscard]] core::Result<Manifest> parse_manifest(std::string_view text);

}  // namespace sigillo::audit
