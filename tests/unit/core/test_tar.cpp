#include "core/tar.hpp"

#include <array>
#include <cstdio>
#include <vector>

#include "sigillo/core/files.hpp"
#include "support.hpp"

using namespace sigillo::core;
using namespace sigillo::test;
namespace fs = std::filesystem;

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kBlock = 512;
constexpr std::size_t kLimit = std::size_t{1} << 20;

const Members& three() {
  static const Members members{
      {"a", ""}, {"b/c.txt", "hello"}, {"b/d", std::string(kBlock, 'x')}};  // each kind of padding
  return members;
}

std::string archive(const TemporaryFolder& folder, const Members& members) {
  auto writer = TarWriter::create(folder / "made.tar", 0600);
  REQUIRE(writer.has_value());
  for (const auto& [name, text] : members) REQUIRE(writer->add(name, as_bytes(text)).has_value());
  REQUIRE(writer->finish(true).has_value());
  return read_text(folder / "made.tar");
}

Result<Members> read_all(const fs::path& file) {
  SIGILLO_TRY(TarReader reader, TarReader::open(file));
  Members members;
  for (;;) {
    SIGILLO_TRY(const auto entry, reader.next());
    if (!entry.has_value()) return members;
    SIGILLO_TRY(const Bytes bytes, reader.content(kLimit));
    CHECK(bytes.size() == entry->size);
    members.emplace_back(entry->name, as_text(bytes));
  }
}

Result<Members> read_bytes(const TemporaryFolder& folder, const std::string& bytes) {
  write_text(folder / "read.tar", bytes);
  return read_all(folder / "read.tar");
}

// The first header's: the sum of its bytes, its own field counted as blanks.
void set_checksum(std::string& bytes) {
  bytes.replace(148, 8, "        ");
  unsigned sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) sum += static_cast<std::uint8_t>(bytes[i]);
  std::array<char, 8> field{};
  std::snprintf(field.data(), field.size(), "%06o", sum);
  field[7] = ' ';
  bytes.replace(148, 8, field.data(), 8);
}

}  // namespace

TEST_CASE("what was written is read again, in one form of bytes") {
  const TemporaryFolder folder;
  const std::string bytes = archive(folder, three());
  CHECK(bytes.size() == kBlock * (3 + 2 + 2));  // headers, contents, end
  CHECK(archive(folder, three()) == bytes);
  const auto read = read_bytes(folder, bytes);
  REQUIRE(read.has_value());
  CHECK(*read == three());
  CHECK(read_bytes(folder, archive(folder, {}))->empty());
}

TEST_CASE("the tar program of the system reads it too") {
  const TemporaryFolder folder;
  archive(folder, three());
  const std::string list = "tar -tf '" + (folder / "made.tar").string() + "' > '" +
                           (folder / "list").string() + "' && tar -xOf '" +
                           (folder / "made.tar").string() + "' b/c.txt > '" +
                           (folder / "content").string() + "'";
  REQUIRE(std::system(list.c_str()) == 0);  // NOLINT(cert-env33-c): a fixed command
  CHECK(read_text(folder / "list") == "a\nb/c.txt\nb/d\n");
  CHECK(read_text(folder / "content") == "hello");
}

TEST_CASE("no byte outside a content can change, and no content without being read") {
  const TemporaryFolder folder;
  const std::string bytes = archive(folder, three());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto read = read_bytes(folder, changed);
    if (read.has_value()) CHECK(*read != three());
    else CHECK(read.error().code == ErrorCode::invalid_input);
    const bool in_content =
        (i >= 2 * kBlock && i < 2 * kBlock + 5) || (i >= 4 * kBlock && i < 5 * kBlock);
    if (in_content) CHECK(read.has_value());
  }
}

TEST_CASE("an archive that is cut anywhere, or goes on, is refused") {
  const TemporaryFolder folder;
  const std::string bytes = archive(folder, three());
  for (std::size_t size = 0; size < bytes.size(); size += 64) {
    const auto read = read_bytes(folder, bytes.substr(0, size));
    REQUIRE(!read.has_value());
    CHECK(read.error().code == ErrorCode::invalid_input);
  }
  CHECK(!read_bytes(folder, bytes + '\0').has_value());
  CHECK(!read_bytes(folder, bytes + bytes).has_value());
}

TEST_CASE("names that leave the folder, come twice or are out of order are refused") {
  const TemporaryFolder folder;
  const auto with_name = [&](const std::string& name) {
    std::string bytes = archive(folder, {{"n", ""}});
    bytes.replace(0, name.size(), name);
    set_checksum(bytes);
    return read_bytes(folder, bytes);
  };
  CHECK(with_name("o").has_value());  // control: the checksum is made right
  CHECK(with_name(std::string(100, 'n')).has_value());
  for (const std::string& name :
       {std::string("n/../o"), std::string("../n"), std::string("/n"), std::string("n//o"),
        std::string("n/"), std::string("./n"), std::string("n o"), std::string("n\0o", 3),
        std::string("\0n", 2), std::string("n\xff")})
    CHECK(!with_name(name).has_value());
  const auto joined = [&](const std::string& first, const std::string& second) {
    std::string bytes = archive(folder, {{first, ""}});
    bytes.resize(bytes.size() - 2 * kBlock);
    return read_bytes(folder, bytes + archive(folder, {{second, ""}}));
  };
  CHECK(joined("a", "b").has_value());
  CHECK(!joined("b", "a").has_value());
  CHECK(!joined("a", "a").has_value());
}

TEST_CASE("a writer that does not finish leaves nothing, and replaces nothing unasked") {
  const TemporaryFolder folder;
  {
    auto writer = TarWriter::create(folder / "made.tar", 0600);
    REQUIRE(writer.has_value());
    REQUIRE(writer->add("a", as_bytes("text")).has_value());
  }
  CHECK(fs::is_empty(folder.path()));
  write_text(folder / "made.tar", "older");
  {
    auto writer = TarWriter::create(folder / "made.tar", 0600);
    REQUIRE(writer.has_value());
    const Status finished = writer->finish(false);
    REQUIRE(!finished.has_value());
    CHECK(finished.error().code == ErrorCode::already_exists);
  }
  CHECK(read_text(folder / "made.tar") == "older");
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a member's limit holds before its bytes are read, and what is no file is refused") {
  const TemporaryFolder folder;
  archive(folder, three());
  auto reader = TarReader::open(folder / "made.tar");
  REQUIRE(reader.has_value());
  REQUIRE(reader->next().has_value());
  REQUIRE(reader->content(0).has_value());  // "a" is empty
  REQUIRE(reader->next().has_value());
  const auto content = reader->content(4);
  REQUIRE(!content.has_value());
  CHECK(content.error().code == ErrorCode::input_too_large);
  CHECK(TarReader::open(folder.path()).error().code == ErrorCode::invalid_input);
  CHECK(TarReader::open(folder / "none").error().code == ErrorCode::not_found);
}
