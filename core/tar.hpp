// POSIX ustar archives in one form, so that a reader accepts exactly what the writer writes.
//
// Regular files alone, mode 0600, owner 0, time 0, names in strictly ascending byte order, two zero
// blocks at the end and nothing after them. A name is 1 to 100 characters of [A-Za-z0-9._/-]
// without an empty, "." or ".." part. Whatever else a tar can hold (links, devices, long names,
// sparse files) does not exist here. Private to the project.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sigillo/core/digest.hpp"

namespace sigillo::core {

inline constexpr std::uint64_t kMaxTarMember = (std::uint64_t{1} << 33) - 1;  // 11 octal digits

// TarWriter writes beside `target` and moves the whole archive there in finish(); without it
// nothing is left. Not thread-safe.
class TarWriter {
 public:
  [[nodiscard]] static Result<TarWriter> create(const std::filesystem::path& target, unsigned mode);
  TarWriter(TarWriter&& other) noexcept;
  TarWriter& operator=(TarWriter&&) = delete;
  ~TarWriter();
  [[nodiscard]] Status add(const std::string& name, ByteView bytes);
  // Gives the digest of the bytes that were written.
  [[nodiscard]] Result<Digest> add_file(const std::string& name, const std::filesystem::path& file);
  // replace: an older file at the target gives way; otherwise already_exists.
  [[nodiscard]] Status finish(bool replace);

 private:
  TarWriter(std::filesystem::path target, std::filesystem::path temporary, int descriptor)
      : target_(std::move(target)), temporary_(std::move(temporary)), descriptor_(descriptor) {}
  [[nodiscard]] Status begin(const std::string& name, std::uint64_t size);
  [[nodiscard]] Status write(ByteView bytes);
  [[nodiscard]] Status pad(std::uint64_t size);
  std::filesystem::path target_, temporary_;
  int descriptor_ = -1;
  std::string last_name_;
};

struct TarEntry {
  std::string name;
  std::uint64_t size = 0;
};

// TarReader gives members in order; each member's content is read before the next is asked for.
// Anything that TarWriter would not have written is invalid_input. Not thread-safe.
class TarReader {
 public:
  [[nodiscard]] static Result<TarReader> open(const std::filesystem::path& file);
  TarReader(TarReader&& other) noexcept;
  TarReader& operator=(TarReader&&) = delete;
  ~TarReader();
  [[nodiscard]] Result<std::optional<TarEntry>> next();    // nothing: the end, and it was proper
  [[nodiscard]] Result<Bytes> content(std::size_t limit);  // input_too_large
  // Into a new file.
  [[nodiscard]] Status content_to(const std::filesystem::path& file, unsigned mode);

 private:
  TarReader(std::filesystem::path file, int descriptor)
      : file_(std::move(file)), descriptor_(descriptor) {}
  [[nodiscard]] Status read_exactly(std::span<std::uint8_t> out);
  [[nodiscard]] Status skip_padding();
  [[nodiscard]] Error malformed(std::string_view what) const;
  std::filesystem::path file_;
  int descriptor_ = -1;
  std::string last_name_;
  std::uint64_t size_ = 0;
  bool pending_ = false;
};

}  // namespace sigillo::core
