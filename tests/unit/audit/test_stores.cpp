// Blobs, manifests, outputs and private values: what is kept beside the ledger, named by digest.
#include <sys/stat.h>

#include "fixture.hpp"

using namespace fixture;
using core::ErrorCode;

TEST_CASE("blobs: content addressed, checked, healed", "[stores]") {
  const TempFolder temp;
  audit::BlobStore blobs(temp.path() / "blobs");
  const core::Digest digest = value(blobs.put(core::as_bytes("content")));
  CHECK(digest == core::sha256("content"));
  CHECK(value(blobs.put(core::as_bytes("content"))) == digest);
  CHECK(core::as_text(value(blobs.get(digest))) == "content");
  CHECK(code(blobs.get(core::sha256("other"))) == ErrorCode::not_found);
  CHECK(value(blobs.put({})) == core::sha256(""));
  write(blobs.path(digest), "altered");
  CHECK(code(blobs.get(digest)) == ErrorCode::evidence_corrupt);
  CHECK(core::as_text(value(blobs.get_unchecked(digest))) == "altered");
  value(blobs.put(core::as_bytes("content")));
  CHECK(core::as_text(value(blobs.get(digest))) == "content");
  for (const auto& file : fs::recursive_directory_iterator(temp.path()))
    CHECK(file.path().extension() != ".tmp");
  fs::remove_all(temp.path() / "blobs");
  write(temp.path() / "blobs", "a file in the way");
  CHECK_FALSE(blobs.put(core::as_bytes("x")).has_value());
}

TEST_CASE("manifest: chunks at and around 1 MiB, and no chunk for nothing", "[stores]") {
  const TempFolder temp;
  constexpr std::size_t mib = audit::kChunkBytes;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, mib - 1, mib, mib + 1}) {
    const std::string bytes(size, 'x');
    write(temp.path() / "f", bytes);
    const auto manifest = value(audit::scan_manifest(temp.path() / "f"));
    REQUIRE(manifest.files.size() == 1);
    const audit::ManifestFile& file = manifest.files[0];
    CHECK(file.path == "f");
    CHECK(file.size == size);
    CHECK(manifest.bytes() == size);
    CHECK(file.sha256 == core::sha256(bytes));
    std::vector<core::Digest> chunks;
    for (std::size_t at_byte = 0; at_byte < size; at_byte += mib)
      chunks.push_back(
          audit::leaf_hash(core::as_bytes(std::string_view(bytes).substr(at_byte, mib))));
    CHECK(file.chunks == chunks);
    CHECK(file.chunks_root() == audit::tree_root(chunks));
    const std::string text = value(audit::manifest_bytes(manifest));
    CHECK(value(audit::parse_manifest(text)).root() == manifest.root());
  }
}

TEST_CASE("manifest: sorted by bytes and the same every time", "[stores]") {
  const TempFolder temp;
  for (const std::string_view name : {"b", "a/z", "a.txt", "a/b/c", "\xC3\xA9", "A", "a-"})
    write(temp.path() / "d" / name, name);
  std::uint64_t progress = 0;
  const auto manifest = value(
      audit::scan_manifest(temp.path() / "d", [&](std::uint64_t bytes) { progress = bytes; }));
  std::vector<std::string> names;
  for (const auto& file : manifest.files) names.push_back(file.path);
  CHECK(names == std::vector<std::string>{"A", "a-", "a.txt", "a/b/c", "a/z", "b", "\xC3\xA9"});
  CHECK(progress == manifest.bytes());
  CHECK(value(audit::scan_manifest(temp.path() / "d")).root() == manifest.root());
  fs::rename(temp.path() / "d", temp.path() / "e");  // the folder's own name is no part of it
  CHECK(value(audit::scan_manifest(temp.path() / "e")).root() == manifest.root());
  fs::rename(temp.path() / "e/b", temp.path() / "e/bb");
  CHECK(value(audit::scan_manifest(temp.path() / "e")).root() != manifest.root());
}

TEST_CASE("manifest: what cannot be sealed is refused by name", "[stores]") {
  const TempFolder temp;
  const fs::path folder = temp.path() / "d";
  const auto refused = [&](std::string_view part, const std::function<void()>& make) {
    fs::remove_all(folder);
    write(folder / "fine", "fine");
    REQUIRE(audit::scan_manifest(folder).has_value());
    make();
    const auto scanned = audit::scan_manifest(folder);
    CAPTURE(part);
    REQUIRE_FALSE(scanned.has_value());
    CHECK(scanned.error().message.find(part) != std::string::npos);
  };
  refused("link", [&] { fs::create_symlink("fine", folder / "link"); });
  refused("link", [&] { fs::create_directory_symlink("/", folder / "link"); });
  refused("link", [&] { fs::create_symlink("nowhere", folder / "link"); });
  refused("pipe", [&] { REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0); });
  refused("bad", [&] { write(folder / "bad\xFFname", "x"); });
  refused("bad", [&] { write(folder / "bad\nname", "x"); });
  refused("bad", [&] { write(folder / "bad\x1B[2Jname", "x"); });
  fs::remove_all(folder);
  fs::create_directories(folder / "only/folders");
  CHECK(code(audit::scan_manifest(folder)) == ErrorCode::invalid_input);
  CHECK(code(audit::scan_manifest(folder / "none")) == ErrorCode::not_found);
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_FALSE(audit::scan_manifest(folder / "pipe").has_value());
  // A link that the caller names is followed: that is what was asked for.
  write(folder / "file", "x");
  fs::create_symlink("file", folder / "named");
  CHECK(audit::scan_manifest(folder / "named").has_value());
}

TEST_CASE("manifest: a file that changes while it is read", "[stores]") {
  const TempFolder temp;
  write(temp.path() / "f", std::string(3 << 20, 'x'));
  bool once = false;
  const auto scanned = audit::scan_manifest(temp.path() / "f", [&](std::uint64_t) {
    if (std::exchange(once, true)) return;
    ::usleep(20000);  // past the granularity of file times
    std::ofstream(temp.path() / "f", std::ios::app) << "more";
  });
  CHECK(code(scanned) == ErrorCode::io_error);
}

TEST_CASE("manifest: parsing takes one form only", "[stores]") {
  const TempFolder temp;
  write(temp.path() / "d/a", "a");
  write(temp.path() / "d/b", "b");
  const auto manifest = value(audit::scan_manifest(temp.path() / "d"));
  const std::string text = value(audit::manifest_bytes(manifest));
  REQUIRE(value(audit::manifest_bytes(value(audit::parse_manifest(text)))) == text);
  const auto refused = [&](const std::function<void(Json&)>& change) {
    Json json = Json::parse(text);
    change(json);
    CAPTURE(json.dump());
    CHECK_FALSE(audit::parse_manifest(value(core::canonical_json(json))).has_value());
  };
  refused([](Json& j) { j["format"] = "sigillo-manifest-v2"; });
  refused([](Json& j) { j["chunk_bytes"] = 1024; });
  refused([](Json& j) { j["more"] = 1; });
  refused([](Json& j) { j.erase("chunk_bytes"); });
  refused([](Json& j) { j["files"] = Json::array(); });
  refused([](Json& j) { j["files"] = 1; });
  refused([](Json& j) { j["files"][0]["more"] = 1; });
  refused([](Json& j) { std::swap(j["files"][0], j["files"][1]); });
  refused([](Json& j) { j["files"][1] = j["files"][0]; });
  for (const std::string path : {"", "/a", "a/", "../a", "a/../b", "./a", "a//b", "a\nb", "."})
    refused([&](Json& j) { j["files"][0]["path"] = path; });
  refused([](Json& j) { j["files"][0]["size"] = -1; });
  refused([](Json& j) { j["files"][0]["size"] = 0; });
  refused([](Json& j) { j["files"][0]["size"] = core::kMaxJsonInteger; });
  refused([](Json& j) { j["files"][0]["chunks"].push_back(hex_of('a')); });
  refused([](Json& j) { j["files"][0]["chunks"][0] = 1; });
  refused([](Json& j) { j["files"][0]["chunks"][0] = "AA"; });
  refused([](Json& j) { j["files"][0]["sha256"] = "AA"; });
  CHECK_FALSE(audit::parse_manifest(text + "\n").has_value());
  CHECK_FALSE(audit::parse_manifest("").has_value());
}

TEST_CASE("outputs: order does not matter, twins are refused", "[stores]") {
  const auto batch = value(audit::make_outputs_batch({output("a"), output("b"), output("c")}));
  const auto again = value(audit::make_outputs_batch({output("c"), output("a"), output("b")}));
  CHECK(batch.lines == again.lines);
  CHECK(batch.root == again.root);
  CHECK(batch.tree.size() == 96);
  CHECK(batch.count == 3);
  CHECK(code(audit::make_outputs_batch({output("a"), output("a")})) == ErrorCode::invalid_input);
  CHECK(code(audit::make_outputs_batch({})) == ErrorCode::invalid_argument);
  CHECK(code(audit::make_outputs_batch(std::vector<audit::OutputLine>(100001))) ==
        ErrorCode::invalid_argument);
  // A detection that no reader would take must not be signed.
  audit::OutputLine bad = output("a");
  bad.detection.profile_digest = "none";
  CHECK(code(audit::make_outputs_batch({bad})) == ErrorCode::invalid_input);
}

TEST_CASE("outputs: lines are read in one form only", "[stores]") {
  const auto batch = value(audit::make_outputs_batch({output("a"), output("b"), output("c")}));
  const auto lines = value(audit::parse_output_lines(batch.lines));
  CHECK(value(audit::make_outputs_batch(lines)).root == batch.root);
  const std::string first = batch.lines.substr(0, batch.lines.find('\n') + 1);
  const std::string rest = batch.lines.substr(first.size());
  for (const std::string& bad :
       {std::string(), rest + first, first + batch.lines, batch.lines + "\n",
        batch.lines.substr(0, batch.lines.size() - 1), " " + batch.lines})
    CHECK_FALSE(audit::parse_output_lines(bad).has_value());
  Json more = Json::parse(first);
  more["more"] = 1;
  CHECK_FALSE(audit::parse_output_lines(value(core::canonical_json(more)) + "\n").has_value());
  const auto refused = audit::parse_output_lines(first + "{}\n");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("line 2") != std::string::npos);
}

TEST_CASE("outputs: altered lines are named", "[stores]") {
  const auto batch = value(audit::make_outputs_batch({output("a"), output("b"), output("c")}));
  using Lines = std::vector<std::size_t>;
  CHECK(audit::altered_lines(batch.lines, batch.tree).empty());
  std::string changed = batch.lines;
  changed[changed.find('\n') + 5] ^= 1;
  CHECK(audit::altered_lines(changed, batch.tree) == Lines{2});
  CHECK(audit::altered_lines(batch.lines + "x\n", batch.tree) == Lines{4});
  CHECK(audit::altered_lines("", batch.tree) == Lines{1, 2, 3});
  CHECK(audit::altered_lines(batch.lines, core::ByteView(batch.tree).first(64)) == Lines{3});
}

TEST_CASE("private values: committed, revealed, erased", "[stores]") {
  const TempFolder temp;
  const fs::path file = temp.path() / "private.db";
  core::SeededEntropy entropy(1);
  CHECK(code(audit::PrivateValues::open_read(file)) == ErrorCode::not_found);
  auto values = value(audit::PrivateValues::open(file));
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  const std::string nul("a\0b", 3);
  const core::Digest first = value(values.commit("user", "ada", entropy));
  const core::Digest second = value(values.commit("user", "ada", entropy));
  CHECK(first != second);  // a fresh salt each time
  const core::Digest third = value(values.commit("command", nul, entropy));
  CHECK(value(values.reveal(first)) == "ada");
  CHECK(value(values.reveal(third)) == nul);
  int seen = 0;
  ok(value(audit::PrivateValues::open_read(file))
         .for_each([&](const audit::PrivateValue& v) -> core::Status {
           CHECK(audit::commitment(v.salt, v.field, v.value) == v.commitment);
           CHECK(audit::commitment(v.salt, v.field + "x", v.value) != v.commitment);
           CHECK(v.salt.size() == 32);
           ++seen;
           return {};
         }));
  CHECK(seen == 3);
  sql(file, "DELETE FROM private_values WHERE field = 'user'");
  CHECK(code(values.reveal(first)) == ErrorCode::not_found);
  CHECK(read(file).find("ada") == std::string::npos);  // secure_delete left nothing behind
}
