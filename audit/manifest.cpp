#include "sigillo/audit/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sigillo/audit/blobs.hpp"
#include "sigillo/core/files.hpp"
#include "sigillo/core/json.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;

namespace {

constexpr std::string_view kManifestFormat = "sigillo-manifest-v1";

Json entry_json(const ManifestFile& file) {
  Json chunks = Json::array();
  for (const Digest& chunk : file.chunks) chunks.push_back(chunk.hex());
  return Json{{"path", file.path},
              {"size", file.size},
              {"sha256", file.sha256.hex()},
              {"chunks", std::move(chunks)}};
}

Error not_well_formed(std::string_view path) {
  return Error{ErrorCode::invalid_input,
               fmt::format("manifest: entry \"{}\" is not well formed", path), ""};
}

bool is_relative_path(std::string_view path) {
  // Control characters would let a name write over what a terminal or a report shows beside it.
  const bool control = std::any_of(path.begin(), path.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (control || path.empty() || path.front() == '/' || path.back() == '/') return false;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    if (part.empty() || part == "." || part == "..") return false;
    start = end + 1;
  }
  return core::is_utf8(path);
}

Result<std::vector<fs::path>> list_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator walk(folder, error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    const fs::file_status status = walk->symlink_status(error);
    if (error) break;
    if (fs::is_directory(status)) continue;
    if (!fs::is_regular_file(status))
      return Error{
          ErrorCode::unsupported, fmt::format("{} is not a regular file", walk->path().string()),
          "replace links and devices by the files themselves, or seal a folder without them"};
    files.push_back(walk->path());
    if (files.size() > kMaxManifestFiles)
      return Error{ErrorCode::input_too_large,
                   fmt::format("{} holds more than {} files", folder.string(), kMaxManifestFiles),
                   "seal it in parts"};
  }
  if (error) return core::error_from_errno(error.value(), "cannot list", folder);
  if (files.empty())
    return Error{ErrorCode::invalid_input, fmt::format("{} holds no files", folder.string()),
                 "check the path"};
  return files;
}

Result<ManifestFile> scan_file(const fs::path& file, std::string name, std::uint64_t& total,
                               const std::function<void(std::uint64_t)>& progress) {
  if (!is_relative_path(name))
    return Error{ErrorCode::invalid_input,
                 fmt::format("the name of {} cannot be recorded", file.string()),
                 "rename it to valid UTF-8 without control characters"};
  std::error_code error;
  const auto before = fs::last_write_time(file, error);
  ManifestFile entry;
  entry.path = std::move(name);
  SIGILLO_TRY(const core::FileDigest whole,
              core::digest_file(file, kChunkBytes, [&](core::ByteView chunk) {
                entry.chunks.push_back(leaf_hash(chunk));
                total += chunk.size();
                if (progress) progress(total);
              }));
  if (error || fs::last_write_time(file, error) != before ||
      fs::file_size(file, error) != whole.size)
    return Error{ErrorCode::io_error, fmt::format("{} changed while it was read", file.string()),
                 "try again when nothing writes to it"};
  entry.size = whole.size;
  entry.sha256 = whole.digest;
  return entry;
}

Result<ManifestFile> parse_entry(const Json& item) {
  constexpr std::string_view where = "manifest";
  ManifestFile file;
  SIGILLO_TRY(file.path, core::json_string(item, "path", where));
  SIGILLO_TRY(const std::int64_t size, core::json_integer(item, "size", where));
  SIGILLO_TRY(const std::string hex, core::json_string(item, "sha256", where));
  SIGILLO_TRY(file.sha256, Digest::from_hex(hex));
  SIGILLO_TRY(const Json chunks, core::json_member(item, "chunks", where));
  if (size < 0 || !is_relative_path(file.path) || !chunks.is_array())
    return not_well_formed(file.path);
  file.size = static_cast<std::uint64_t>(size);
  if (chunks.size() != (file.size + kChunkBytes - 1) / kChunkBytes)
    return not_well_formed(file.path);
  for (const Json& chunk : chunks) {
    if (!chunk.is_string()) return not_well_formed(file.path);
    SIGILLO_TRY(Digest digest, Digest::from_hex(chunk.get_ref<const std::string&>()));
    file.chunks.push_back(digest);
  }
  return file;
}

}  // namespace

std::uint64_t Manifest::bytes() const {
  std::uint64_t sum = 0;
  for (const ManifestFile& file : files) sum += file.size;
  return sum;
}

Digest Manifest::root() const {
  CompactRange range;
  for (const ManifestFile& file : files) {
    const auto bytes = core::canonical_json(entry_json(file));
    SIGILLO_CHECK(bytes.has_value());  // paths are UTF-8 and sizes are below 2^53, by construction
    range.append(leaf_hash(core::as_bytes(*bytes)));
  }
  return range.root();
}

Result<Manifest> scan_manifest(const fs::path& path,
                               const std::function<void(std::uint64_t)>& progress) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status))
    return core::error_from_errno(error ? error.value() : ENOENT, "cannot read", path);
  Manifest manifest;
  std::uint64_t total = 0;
  if (!fs::is_directory(status)) {
    SIGILLO_TRY(ManifestFile file, scan_file(path, path.filename().string(), total, progress));
    manifest.files.push_back(std::move(file));
    return manifest;
  }
  SIGILLO_TRY(const std::vector<fs::path> files, list_files(path));
  for (const fs::path& file : files) {
    SIGILLO_TRY(ManifestFile entry,
                scan_file(file, file.lexically_relative(path).generic_string(), total, progress));
    manifest.files.push_back(std::move(entry));
  }
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return manifest;
}

Result<std::string> manifest_bytes(const Manifest& manifest) {
  Json files = Json::array();
  for (const ManifestFile& file : manifest.files) files.push_back(entry_json(file));
  SIGILLO_TRY(std::string bytes, core::canonical_json(Json{{"format", kManifestFormat},
                                                           {"chunk_bytes", kChunkBytes},
                                                           {"files", std::move(files)}}));
  if (bytes.size() > kMaxBlobBytes)
    return Error{ErrorCode::input_too_large, "the manifest is larger than a blob may be",
                 "seal the dataset in parts"};
  return bytes;
}

Result<Manifest> parse_manifest(std::string_view text) {
  constexpr std::string_view where = "manifest";
  SIGILLO_TRY(const Json value, core::parse_json(text, {kMaxBlobBytes, 8}));
  SIGILLO_TRY(const std::string format, core::json_string(value, "format", where));
  if (format != kManifestFormat)
    return Error{ErrorCode::unsupported, fmt::format("manifest format \"{}\" is unknown", format),
                 ""};
  SIGILLO_TRY(const Json files, core::json_member(value, "files", where));
  if (!files.is_array() || files.empty() || files.size() > kMaxManifestFiles)
    return Error{ErrorCode::invalid_input,
                 fmt::format("manifest: files is not a list of 1 to {}", kMaxManifestFiles), ""};
  Manifest manifest;
  for (const Json& item : files) {
    SIGILLO_TRY(ManifestFile file, parse_entry(item));
    if (!manifest.files.empty() && !(manifest.files.back().path < file.path))
      return not_well_formed(file.path);
    manifest.files.push_back(std::move(file));
  }
  // One form only: this refuses unknown members, another chunk size and any other spelling.
  SIGILLO_TRY(const std::string written, manifest_bytes(manifest));
  if (written != text)
    return Error{ErrorCode::invalid_input, "manifest: not the canonical bytes of its content", ""};
  return manifest;
}

}  // namespace sigillo::audit
