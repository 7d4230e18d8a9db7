#include "core/tar.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/write_all.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::core {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kMaxName = 100;
constexpr std::size_t kBuffer = std::size_t{1} << 16;
using Block = std::array<std::uint8_t, kBlock>;

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  while (true) {
    const std::size_t slash = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, slash);
    const bool plain = std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '.' || c == '_' || c == '-';
    });
    if (part.empty() || part == "." || part == ".." || !plain) return false;
    if (slash == name.size()) return true;
    name.remove_prefix(slash + 1);
  }
}

void put(Block& block, std::size_t offset, std::string_view text) {
  std::memcpy(block.data() + offset, text.data(), text.size());
}

// The one header of a member: a reader makes it anew and compares.
Block header(std::string_view name, std::uint64_t size) {
  Block block{};
  put(block, 0, name);
  put(block, 100, "0000600");
  put(block, 108, "0000000");
  put(block, 116, "0000000");
  put(block, 124, fmt::format("{:011o}", size));
  put(block, 136, "00000000000");
  put(block, 148, "        ");
  put(block, 156, "0");
  put(block, 257, "ustar");
  put(block, 263, "00");
  put(block, 329, "0000000");
  put(block, 337, "0000000");
  unsigned sum = 0;
  for (const std::uint8_t byte : block) sum += byte;
  put(block, 148, fmt::format("{:06o}", sum));
  block[154] = 0;
  return block;
}

std::uint64_t padding(std::uint64_t size) { return (kBlock - size % kBlock) % kBlock; }

Status sync_folder_of(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int cause = errno;
  if (descriptor >= 0) ::close(descriptor);
  return synced ? Status() : error_from_errno(cause, "cannot sync folder", folder);
}

}  // namespace

Result<TarWriter> TarWriter::create(const fs::path& target, unsigned mode) {
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  fs::path temporary = folder / fmt::format(".{}.{}.tmp", target.filename().string(), ::getpid());
  ::unlink(temporary.c_str());  // of a process with our id that was killed
  const int descriptor =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, static_cast<mode_t>(mode));
  if (descriptor < 0) return error_from_errno(errno, "cannot create", temporary);
  TarWriter writer(target, std::move(temporary), descriptor);
  if (::fchmod(descriptor, static_cast<mode_t>(mode)) != 0)
    return error_from_errno(errno, "cannot set the mode of", writer.temporary_);
  return writer;
}

TarWriter::TarWriter(TarWriter&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      last_name_(std::move(other.last_name_)) {}

TarWriter::~TarWriter() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

Status TarWriter::write(ByteView bytes) { return write_all(descriptor_, bytes, temporary_); }

Status TarWriter::begin(const std::string& name, std::uint64_t size) {
  SIGILLO_CHECK(is_name(name) && last_name_ < name);
  if (size > kMaxTarMember)
    return Error{ErrorCode::input_too_large,
                 fmt::format("{} has {} bytes; an archive takes 8 GiB a file", name, size),
                 "copy it by other means"};
  last_name_ = name;
  return write(header(name, size));
}

Status TarWriter::pad(std::uint64_t size) {
  const Block zeros{};
  return write(ByteView(zeros).first(padding(size)));
}

Status TarWriter::add(const std::string& name, ByteView bytes) {
  SIGILLO_TRY_VOID(begin(name, bytes.size()));
  SIGILLO_TRY_VOID(write(bytes));
  return pad(bytes.size());
}

Result<Digest> TarWriter::add_file(const std::string& name, const fs::path& file) {
  std::error_code error;
  const std::uint64_t size = fs::file_size(file, error);
  if (error) return error_from_errno(error.value(), "cannot read", file);
  SIGILLO_TRY_VOID(begin(name, size));
  Status written;
  SIGILLO_TRY(const FileDigest read, digest_file(file, kBuffer, [&](ByteView part) {
                if (written.has_value()) written = write(part);
              }));
  SIGILLO_TRY_VOID(written);
  if (read.size != size)
    return Error{ErrorCode::io_error, fmt::format("{} changed while it was read", file.string()),
                 "try again"};
  SIGILLO_TRY_VOID(pad(size));
  return read.digest;
}

Status TarWriter::finish(bool replace) {
  const Block zeros{};
  SIGILLO_TRY_VOID(write(zeros));
  SIGILLO_TRY_VOID(write(zeros));
  if (::fsync(descriptor_) != 0) return error_from_errno(errno, "cannot write", temporary_);
  // link(2) is what refuses an existing name in the same step.
  const int moved = replace ? ::rename(temporary_.c_str(), target_.c_str())
                            : ::link(temporary_.c_str(), target_.c_str());
  if (moved != 0) return error_from_errno(errno, "cannot create", target_);
  if (!replace) ::unlink(temporary_.c_str());
  if (::close(std::exchange(descriptor_, -1)) != 0)
    return error_from_errno(errno, "cannot write", target_);
  return sync_folder_of(target_);
}

Result<TarReader> TarReader::open(const fs::path& file) {
  // O_NONBLOCK: opening a FIFO that nobody writes must fail, not wait.
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return error_from_errno(errno, "cannot open", file);
  TarReader reader(file, descriptor);
  struct stat info {};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode))
    return Error{ErrorCode::invalid_input, fmt::format("{} is not a regular file", file.string()),
                 "name a regular file"};
  return reader;
}

TarReader::TarReader(TarReader&& other) noexcept
    : file_(std::move(other.file_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      last_name_(std::move(other.last_name_)),
      size_(other.size_),
      pending_(other.pending_) {}

TarReader::~TarReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Error TarReader::malformed(std::string_view what) const {
  return Error{ErrorCode::invalid_input, fmt::format("{}: {}", file_.string(), what),
               "get the file again: it is cut, altered, or was made by another program"};
}

Status TarReader::read_exactly(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t count = ::read(descriptor_, out.data(), out.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return error_from_errno(errno, "cannot read", file_);
    if (count == 0) return malformed("the archive is cut");
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::optional<TarEntry>> TarReader::next() {
  SIGILLO_CHECK(!pending_);
  Block block;
  SIGILLO_TRY_VOID(read_exactly(block));
  const Block zeros{};
  if (block == zeros) {
    SIGILLO_TRY_VOID(read_exactly(block));
    std::uint8_t more = 0;
    if (block != zeros || ::read(descriptor_, &more, 1) != 0)
      return malformed("there is something after the archive's end");
    return std::optional<TarEntry>();
  }
  const auto name_end = std::find(block.begin(), block.begin() + kMaxName, 0);
  TarEntry entry{std::string(block.begin(), name_end), 0};
  for (std::size_t i = 124; i < 135; ++i)
    entry.size = entry.size * 8 + (block[i] >= '0' && block[i] <= '7' ? block[i] - '0' : 0U);
  if (!is_name(entry.name) || block != header(entry.name, entry.size))
    return malformed(fmt::format("the header after \"{}\" is not in the one form", last_name_));
  if (entry.name <= last_name_)
    return malformed(fmt::format("\"{}\" is not in order, or comes twice", entry.name));
  last_name_ = entry.name;
  size_ = entry.size;
  pending_ = true;
  return std::optional(entry);
}

Status TarReader::skip_padding() {
  pending_ = false;
  Block block{};
  const auto rest = std::span(block).first(padding(size_));
  SIGILLO_TRY_VOID(read_exactly(rest));
  if (std::any_of(rest.begin(), rest.end(), [](std::uint8_t byte) { return byte != 0; }))
    return malformed(fmt::format("the padding of \"{}\" is not zero", last_name_));
  return {};
}

Result<Bytes> TarReader::content(std::size_t limit) {
  SIGILLO_CHECK(pending_);
  if (size_ > limit)
    return Error{ErrorCode::input_too_large,
                 fmt::format("{}: \"{}\" is larger than the limit of {} bytes", file_.string(),
                             last_name_, limit),
                 "give a smaller input"};
  Bytes bytes;
  // A header may say anything: memory follows the bytes that are really there.
  while (bytes.size() < size_) {
    const std::size_t part = std::min<std::size_t>(kBuffer * 16, size_ - bytes.size());
    const std::size_t before = bytes.size();
    bytes.resize(before + part);
    SIGILLO_TRY_VOID(read_exactly(std::span(bytes).subspan(before)));
  }
  SIGILLO_TRY_VOID(skip_padding());
  return bytes;
}

Status TarReader::content_to(const fs::path& file, unsigned mode) {
  SIGILLO_CHECK(pending_);
  const int out =
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, static_cast<mode_t>(mode));
  if (out < 0) return error_from_errno(errno, "cannot create", file);
  Bytes buffer(kBuffer);
  Status status;
  for (std::uint64_t left = size_; left > 0 && status.has_value();) {
    const auto part = std::span(buffer).first(std::min<std::size_t>(kBuffer, left));
    status = read_exactly(part);
    if (status.has_value()) status = write_all(out, part, file);
    left -= part.size();
  }
  const bool synced = ::fsync(out) == 0;
  const int cause = errno;
  ::close(out);
  SIGILLO_TRY_VOID(status);
  if (!synced) return error_from_errno(cause, "cannot write", file);
  return skip_padding();
}

}  // namespace sigillo::core
