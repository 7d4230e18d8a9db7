// Archives: what the reader accepts to its end is, byte for byte, what the writer makes of it.
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "core/tar.hpp"
#include "harness.hpp"
#include "sigillo/core/files.hpp"

using namespace sigillo;

namespace {

// The input as a file that lives in memory only.
class MemoryFile {
 public:
  explicit MemoryFile(core::ByteView bytes) : descriptor_(::memfd_create("tar", MFD_CLOEXEC)) {
    FUZZ_CHECK(descriptor_ >= 0);
    FUZZ_CHECK(::write(descriptor_, bytes.data(), bytes.size()) ==
               static_cast<ssize_t>(bytes.size()));
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }
  [[nodiscard]] std::filesystem::path path() const {
    return "/proc/self/fd/" + std::to_string(descriptor_);
  }

 private:
  int descriptor_;
};

using Members = std::vector<std::pair<std::string, core::Bytes>>;

core::Result<Members> read_all(const std::filesystem::path& file) {
  SIGILLO_TRY(core::TarReader reader, core::TarReader::open(file));
  Members members;
  for (;;) {
    SIGILLO_TRY(auto entry, reader.next());
    if (!entry.has_value()) return members;
    SIGILLO_TRY(core::Bytes bytes, reader.content(std::size_t{1} << 20));
    members.emplace_back(std::move(entry->name), std::move(bytes));
  }
}

core::Bytes written(const Members& members) {
  const auto target =
      std::filesystem::temp_directory_path() / ("sigillo-fuzz-tar-" + std::to_string(::getpid()));
  auto writer = core::TarWriter::create(target, 0600);
  FUZZ_CHECK(writer.has_value());
  for (const auto& [name, bytes] : members) FUZZ_CHECK(writer->add(name, bytes).has_value());
  FUZZ_CHECK(writer->finish(true).has_value());
  const auto bytes = core::read_file(target, std::size_t{4} << 20);
  FUZZ_CHECK(bytes.has_value());
  ::unlink(target.c_str());
  return *bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView input(data, size);
  const MemoryFile file(input);
  const auto members = read_all(file.path());
  if (!members) return 0;
  const core::Bytes again = written(*members);
  FUZZ_CHECK(core::ByteView(again).size() == size && std::equal(again.begin(), again.end(), data));
  return 0;
}
