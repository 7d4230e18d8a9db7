// A log as static files: what an export writes, what the verifier says of each kind of damage, and
// what is left when an export ends half-way.
#include "sigillo/audit/tile_folder.hpp"

#include <sys/resource.h>

#include <map>

#include "fixture.hpp"

using namespace fixture;

namespace {

// A ledger whose entry i is the decimal form of i, with a checkpoint at each size it stops at.
struct Log {
  TempFolder temp;
  core::PrivateKey key = key_of(2);
  audit::NoteVerifier verifier = value(audit::NoteVerifier::create(kOrigin, key.public_key()));
  audit::Ledger ledger = value(audit::Ledger::create(temp.path() / "ledger.db", kOrigin));
  fs::path folder = temp.path() / "tiles";

  Log() { sql(temp.path() / "ledger.db", "PRAGMA synchronous=OFF"); }
  std::string grow(std::uint64_t size) {
    std::vector<std::string> batch;
    for (std::uint64_t i = value(ledger.head()).size; i < size; ++i) {
      batch.push_back(fmt::format("{}", i));
      if (batch.size() < audit::kMaxBatch && i + 1 < size) continue;
      value(ledger.append(batch));
      batch.clear();
    }
    return value(ledger.publish(key));
  }
  core::Result<audit::TileExport> run() { return audit::export_tiles(ledger, verifier, folder); }
  audit::TileReport report() {
    return value(audit::verify_tiles(audit::TileFolder(folder), verifier));
  }
  void sound() {
    const audit::TileReport r = report();
    for (const audit::TileFinding& f : r.findings) UNSCOPED_INFO(f.place << ": " << f.message);
    REQUIRE(r.sound());
    REQUIRE(r.entries == r.checkpoint.size);
  }
};

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      files[fs::relative(entry.path(), folder).string()] = read(entry.path());
  return files;
}

std::string text_of(const audit::TileReport& report) {
  std::string text;
  for (const audit::TileFinding& f : report.findings) text += f.place + ": " + f.message + "\n";
  return text;
}

std::uint64_t count_tiles(std::uint64_t size) {
  std::uint64_t count = 0;
  for (unsigned level = 0; level < audit::tile_levels(size); ++level)
    count += (audit::level_size(level, size) + audit::kTileWidth - 1) / audit::kTileWidth;
  return count;
}

}  // namespace

TEST_CASE("export: a tree that others can read, of every size round the borders", "[tiles]") {
  for (const std::uint64_t size : {1U, 2U, 255U, 256U, 257U, 511U, 512U, 513U, 66000U}) {
    Log log;
    const std::string note = log.grow(size);
    const audit::TileExport done = value(log.run());
    CHECK(done.checkpoint.size == size);
    CHECK(done.before == 0);
    CHECK(read(log.folder / "checkpoint") == note);
    const auto files = files_of(log.folder);
    CHECK(files.size() == 1 + count_tiles(size) + (size + 255) / 256);
    CHECK(done.files == files.size() - 1);
    for (const auto& [name, bytes] : files)
      if (name != "checkpoint") REQUIRE(audit::in_tree(value(audit::parse_tile_path(name)), size));
    log.sound();
    CHECK(log.report().tiles == count_tiles(size));
  }
}

TEST_CASE("export: the files of 70,000 entries are those of the specification's vectors",
          "[tiles]") {
  Log log;
  log.grow(70000);
  value(log.run());
  const auto sha = [&](const std::string& name) {
    return core::sha256(core::as_bytes(read(log.folder / name))).hex();
  };
  CHECK(sha("tile/0/000") == "b9704a8bfbee2c61185ceb38904a49f3f703c81e194b5b2ccdc254c2bdaaa62b");
  CHECK(sha("tile/0/273.p/112") ==
        "4d21244557c976993a9a89bf928a46b5a876585228df279878239fd84489e5a5");
  CHECK(sha("tile/1/001.p/17") ==
        "adfaca2731630fe7944a4b98a0f98ef3e98685eafda09e6f81070218fb759ce4");
  CHECK(sha("tile/entries/000") ==
        "94693d5c6d6a0355ec07bac8214516c1ce6a5100b0588f226fd95f26571157d7");
}

TEST_CASE("export: in steps it ends where one step ends, and old partial tiles go with their use",
          "[tiles]") {
  Log steps;
  std::uint64_t before = 0;
  for (const std::uint64_t size :
       {3U, 200U, 256U, 300U, 301U, 511U, 1000U, 1024U, 65535U, 66100U}) {
    steps.grow(size);
    const audit::TileExport done = value(steps.run());
    REQUIRE(done.before == before);
    steps.sound();
    // Each partial tile of a published checkpoint is there, or its full tile is.
    for (const std::uint64_t published : {3U, 200U, 300U, 301U, 511U, 1000U}) {
      if (published > size) continue;
      const audit::Tile tile =
          audit::widest_tile(audit::TileKind::hashes, 0, published / 256, published);
      REQUIRE(audit::TileFolder(steps.folder).hashes(tile).has_value());
      audit::Tile bundle = tile;
      bundle.kind = audit::TileKind::entries;
      REQUIRE(audit::TileFolder(steps.folder).bundle(bundle).has_value());
    }
    const auto files = files_of(steps.folder);
    REQUIRE(value(steps.run()).files == 0);  // again: nothing to do
    REQUIRE(files_of(steps.folder) == files);
    before = size;
  }
  Log once;
  once.grow(66100);
  value(once.run());
  CHECK(files_of(once.folder) == files_of(steps.folder));
}

TEST_CASE("verify: each damage is named where it is, and nowhere else", "[tiles]") {
  Log log;
  log.grow(66000);  // level 0: 257 full and .p/208; level 1: one full and .p/1; level 2: .p/1
  value(log.run());
  const auto good = files_of(log.folder);
  const auto damaged = [&](const std::string& name, const std::string& bytes,
                           const std::string& place, const std::string& message) {
    INFO(name << " -> " << place << ": " << message);
    write(log.folder / name, bytes);
    const audit::TileReport report = log.report();
    INFO(text_of(report));
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings[0].place == place);
    CHECK(report.findings[0].message.find(message) != std::string::npos);
    write(log.folder / name, good.at(name));
  };
  const auto flipped = [&](const std::string& name, std::size_t at) {
    std::string bytes = good.at(name);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    return bytes;
  };
  for (const std::string name :
       {"tile/0/000", "tile/0/200", "tile/0/257.p/208", "tile/1/000", "tile/1/001.p/1",
        "tile/2/000.p/1", "tile/entries/000", "tile/entries/256", "tile/entries/257.p/208"}) {
    const std::string& bytes = good.at(name);
    damaged(name, bytes.substr(0, bytes.size() - 1), name, "too short");
    damaged(name, bytes.substr(0, bytes.size() / 2), name, "too short");
    damaged(name, "", name, "too short");
    damaged(name, bytes + "x", name, "too long");
    fs::remove(log.folder / name);
    const audit::TileReport missing = log.report();
    INFO(text_of(missing));
    REQUIRE(missing.findings.size() == 1);
    CHECK(missing.findings[0].place == name);
    CHECK(missing.findings[0].message == "it is missing");
    write(log.folder / name, bytes);
  }
  for (const auto& [name, hash] : std::map<std::string, int>{{"tile/0/000", 0},
                                                             {"tile/0/200", 255},
                                                             {"tile/0/257.p/208", 207},
                                                             {"tile/1/000", 77},
                                                             {"tile/1/001.p/1", 0},
                                                             {"tile/2/000.p/1", 0}})
    damaged(name, flipped(name, static_cast<std::size_t>(hash) * 32 + 5),
            fmt::format("{}, hash {}", name, hash), "what is below it gives");
  damaged("tile/entries/000", flipped("tile/entries/000", 2), "tile/entries/000, entry 0",
          "its bytes hash to");
  damaged("tile/entries/200", flipped("tile/entries/200", 2), "tile/entries/200, entry 51200",
          "its bytes hash to");
  damaged("tile/entries/257.p/208", flipped("tile/entries/257.p/208", 9),
          "tile/entries/257.p/208, entry 65793", "its bytes hash to");
  log.sound();
}

TEST_CASE("verify: what was exchanged is named, both of it", "[tiles]") {
  Log log;
  log.grow(2000);
  value(log.run());
  const auto good = files_of(log.folder);
  const auto exchanged = [&](const std::string& one, const std::string& other) {
    write(log.folder / one, good.at(other));
    write(log.folder / other, good.at(one));
    const audit::TileReport report = log.report();
    INFO(text_of(report));
    CHECK_FALSE(report.sound());
    bool first = false, second = false;
    for (const audit::TileFinding& f : report.findings) {
      first = first || f.place.starts_with(one);
      second = second || f.place.starts_with(other);
      CHECK((f.place.starts_with(one) || f.place.starts_with(other)));
    }
    CHECK((first && second));
  };
  exchanged("tile/0/003", "tile/0/004");
  for (const std::string name : {"tile/0/003", "tile/0/004"})
    write(log.folder / name, good.at(name));
  exchanged("tile/entries/003", "tile/entries/004");
  // Hashes and entries together: they agree with each other, not with the tree.
  write(log.folder / "tile/0/003", good.at("tile/0/004"));
  write(log.folder / "tile/0/004", good.at("tile/0/003"));
  const audit::TileReport both = log.report();
  const std::string text = text_of(both);
  INFO(text);
  for (const std::string name :
       {"tile/0/003", "tile/0/004", "tile/entries/003", "tile/entries/004"})
    CHECK(text.find(name + ": it") != std::string::npos);
  for (const auto& [name, bytes] : good) write(log.folder / name, bytes);
  log.sound();
}

TEST_CASE("verify: a whole tree of another log, a foreign key, no checkpoint", "[tiles]") {
  Log log, other;
  log.grow(300);
  value(log.run());
  std::vector<std::string> leaves(300, "the same");
  value(other.ledger.append(leaves));
  value(other.ledger.publish(other.key));
  value(other.run());
  const auto mine = files_of(log.folder);
  for (const auto& [name, bytes] : files_of(other.folder))
    if (name != "checkpoint") write(log.folder / name, bytes);
  const audit::TileReport report = log.report();
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].place == "checkpoint");
  for (const auto& [name, bytes] : mine) write(log.folder / name, bytes);
  log.sound();
  const auto foreign = value(audit::NoteVerifier::create(kOrigin, key_of(9).public_key()));
  CHECK(code(audit::verify_tiles(audit::TileFolder(log.folder), foreign)) ==
        core::ErrorCode::signature_invalid);
  fs::remove(log.folder / "checkpoint");
  CHECK(code(audit::verify_tiles(audit::TileFolder(log.folder), log.verifier)) ==
        core::ErrorCode::not_found);
}

TEST_CASE("verify: damage without end does not fill the memory", "[tiles]") {
  Log log;
  log.grow(2000);
  value(log.run());
  for (const char* name : {"000", "001", "002", "003", "004", "005"}) {
    std::string bytes = read(log.folder / "tile/entries" / name);
    for (std::size_t at = 2; at < bytes.size(); at += 2) {
      const auto length = static_cast<unsigned char>(bytes[at - 1]);
      bytes[at] = 'x';
      at += length;
    }
    write(log.folder / "tile/entries" / name, bytes);
  }
  const audit::TileReport report = log.report();
  CHECK(report.findings.size() == audit::kMaxTileFindings);
  CHECK(report.more_findings == 6 * 256 - audit::kMaxTileFindings);
  CHECK(report.entries == 2000 - 6 * 256);
}

TEST_CASE("export: a folder of another log, of another history, or with other files is refused",
          "[tiles]") {
  Log log;
  log.grow(300);
  value(log.run());
  const auto before = files_of(log.folder);
  const auto refused = [&](Log& from, core::ErrorCode expected) {
    from.folder = log.folder;
    CHECK(code(from.run()) == expected);
    CHECK(files_of(log.folder) == before);
  };
  Log other;
  other.grow(400);
  other.verifier = value(audit::NoteVerifier::create(kOrigin, key_of(9).public_key()));
  CHECK(code(other.run()) == core::ErrorCode::signature_invalid);  // not that ledger's key

  Log foreign;  // its key, and entries, are its own
  foreign.key = key_of(9);
  foreign.verifier = other.verifier;
  foreign.grow(400);
  refused(foreign, core::ErrorCode::already_exists);

  Log smaller;  // an old copy
  smaller.grow(299);
  refused(smaller, core::ErrorCode::ledger_corrupt);

  Log forked;
  const auto fork = [](Log& l, std::uint64_t at, std::uint64_t size) {
    std::vector<std::string> batch;
    for (std::uint64_t i = 0; i < size; ++i)
      batch.push_back(i == at ? std::string("other") : fmt::format("{}", i));
    value(l.ledger.append(batch));
    value(l.ledger.publish(l.key));
  };
  fork(forked, 5, 300);
  refused(forked, core::ErrorCode::ledger_corrupt);
  Log longer;  // found by the root
  fork(longer, 5, 900);
  longer.folder = log.folder;
  CHECK(code(longer.run()) == core::ErrorCode::ledger_corrupt);
  log.sound();
  Log near;  // found by the entry
  fork(near, 299, 900);
  near.folder = log.folder;
  CHECK(near.run().error().message.find("entry 299") != std::string::npos);
  log.sound();

  TempFolder home;
  write(home.path() / "letter.txt", "mine");
  log.folder = home.path();
  CHECK(code(log.run()) == core::ErrorCode::already_exists);
  CHECK(files_of(home.path()).size() == 1);
  log.folder = home.path() / "letter.txt";
  CHECK_FALSE(log.run().has_value());
  log.folder = home.path() / "no" / "such";
  CHECK(code(log.run()) == core::ErrorCode::not_found);
}

TEST_CASE("export: damaged tiles of the folder are not built upon", "[tiles]") {
  Log log;
  log.grow(300);
  value(log.run());
  log.grow(600);
  std::string bytes = read(log.folder / "tile/0/001.p/44");
  bytes[7] = static_cast<char>(bytes[7] ^ 1);
  write(log.folder / "tile/0/001.p/44", bytes);
  CHECK(code(log.run()) == core::ErrorCode::proof_invalid);
  fs::remove(log.folder / "tile/0/001.p/44");
  CHECK(code(log.run()) == core::ErrorCode::proof_invalid);
}

TEST_CASE("export: a folder that is not complete is neither up to date nor built upon", "[tiles]") {
  Log log;
  log.grow(1000);
  value(log.run());
  const auto whole = files_of(log.folder);
  for (const std::string name :
       {"tile/0/000", "tile/0/002", "tile/0/003.p/232", "tile/1/000.p/3", "tile/entries/000",
        "tile/entries/002", "tile/entries/003.p/232"}) {
    INFO(name);
    const std::string bytes = whole.at(name);
    const auto refused = [&] {
      const auto result = log.run();
      CHECK(code(result) == core::ErrorCode::proof_invalid);
      if (!result.has_value()) CHECK(result.error().message.find(name) != std::string::npos);
    };
    fs::remove(log.folder / name);
    refused();
    write(log.folder / name, "");
    refused();
    fs::remove(log.folder / name);
    fs::create_symlink("/dev/zero", log.folder / name);
    CHECK(code(log.run()) == core::ErrorCode::proof_invalid);
    fs::remove(log.folder / name);
    write(log.folder / name, bytes);
    CHECK(value(log.run()).files == 0);
  }
  fs::remove(log.folder / "tile/entries/000");
  log.grow(1300);
  CHECK(code(log.run()) == core::ErrorCode::proof_invalid);
  CHECK(read(log.folder / "checkpoint") == whole.at("checkpoint"));
}

TEST_CASE("verify: a checkpoint of more entries than any folder holds is judged at once",
          "[tiles]") {
  Log log;
  log.grow(300);
  value(log.run());
  for (const std::uint64_t size : {(std::uint64_t{1} << 34) + 1, (std::uint64_t{1} << 62) - 1}) {
    write(log.folder / "checkpoint",
          value(audit::sign_checkpoint({std::string(kOrigin), size, core::sha256("x")}, log.key)));
    const audit::TileReport report = log.report();
    CHECK_FALSE(report.sound());
    CHECK(report.findings.size() + report.more_findings < 3000);
    CHECK(report.entries == 0);
  }
}

TEST_CASE("export: what the ledger's entries do not give is not published", "[tiles]") {
  Log log;
  log.grow(300);
  value(log.run());
  log.grow(700);
  const auto before = read(log.folder / "checkpoint");
  sql(log.temp.path() / "ledger.db", "UPDATE entries SET leaf = CAST('x' AS BLOB) WHERE idx = 500");
  CHECK(code(log.run()) == core::ErrorCode::ledger_corrupt);
  CHECK(read(log.folder / "checkpoint") == before);
  log.sound();
  sql(log.temp.path() / "ledger.db", "DELETE FROM entries WHERE idx = 500");
  CHECK(log.run().error().message.find("no entry 500") != std::string::npos);
  sql(log.temp.path() / "ledger.db",
      "INSERT INTO entries(idx, leaf, leaf_hash) VALUES (500, CAST('500' AS BLOB), x'')");
  value(log.run());
  log.sound();
}

TEST_CASE("export: killed while it writes it leaves a checkpoint that holds, and can be done again",
          "[tiles]") {
  Log log;
  log.grow(300);
  value(log.run());
  log.grow(3000);
  int killed = 0;
  for (int limit = 1; limit < 200; ++limit) {
    TempFolder temp;
    const fs::path copy = temp.path() / "tiles";
    fs::copy(log.folder, copy, fs::copy_options::recursive);
    // SIGXFSZ kills the child in the write of its first file that is larger than the limit.
    const int status = in_child([&] {
      const rlimit bytes{static_cast<rlim_t>(limit) * 64, static_cast<rlim_t>(limit) * 64};
      ::setrlimit(RLIMIT_FSIZE, &bytes);
      std::signal(SIGXFSZ, SIG_DFL);
      const auto ledger =
          audit::Ledger::open(log.temp.path() / "ledger.db", audit::Ledger::Access::read);
      return ledger.has_value() && audit::export_tiles(*ledger, log.verifier, copy).has_value() ? 0
                                                                                                : 1;
    });
    killed += status == 128 + SIGXFSZ ? 1 : 0;
    const audit::TileReport report =
        value(audit::verify_tiles(audit::TileFolder(copy), log.verifier));
    INFO(limit << " " << status << " " << text_of(report));
    REQUIRE(report.sound());
    REQUIRE(report.checkpoint.size == (status == 0 ? 3000 : 300));
    const auto again = audit::export_tiles(log.ledger, log.verifier, copy);
    REQUIRE(value(again).checkpoint.size == 3000);
    REQUIRE(value(audit::verify_tiles(audit::TileFolder(copy), log.verifier)).sound());
    for (const auto& [name, bytes] : files_of(copy)) REQUIRE(name.find("tmp") == std::string::npos);
    if (status == 0) break;
  }
  CHECK(killed > 50);
}

TEST_CASE("export: a checkpoint that was cosigned replaces the one that was not", "[tiles]") {
  Log log;
  const std::string note = log.grow(300);
  value(log.run());
  const std::string line =
      "\xE2\x80\x94 witness.example/w " + core::base64_encode(core::Bytes(68, 7)) + "\n";
  sql(log.temp.path() / "ledger.db",
      fmt::format("UPDATE checkpoints SET note = note || '{}'", line));
  CHECK(value(log.run()).files == 0);
  CHECK(read(log.folder / "checkpoint") == note + line);
  log.sound();
}

TEST_CASE("export: two at once do not mix", "[tiles]") {
  Log log;
  log.grow(300);
  fs::create_directory(log.folder);
  core::Result<audit::TileExport> inner = audit::TileExport{};
  const auto outer = audit::export_tiles(log.ledger, log.verifier, log.folder,
                                         [&](std::uint64_t, std::uint64_t) { inner = log.run(); });
  CHECK(code(inner) == core::ErrorCode::locked);
  CHECK(outer.has_value());
  log.sound();
}

TEST_CASE("proofs from a folder: every one holds, and none from altered tiles", "[tiles]") {
  Log log;
  std::vector<std::pair<std::uint64_t, std::string>> older;
  for (const std::uint64_t size : {1U, 5U, 256U, 300U, 1000U, 66000U})
    older.emplace_back(size, log.grow(size));
  value(log.run());
  const audit::TileFolder folder(log.folder);
  for (std::uint64_t index = 0; index < 66000; index += index < 1000 || index > 65700 ? 41 : 4001) {
    const auto proof = value(audit::prove_entry(folder, index, log.verifier));
    REQUIRE(audit::verify_tlog_proof(proof, core::as_bytes(fmt::format("{}", index)), log.verifier)
                .has_value());
  }
  for (const auto& [size, note] : older) {
    const auto proof = value(audit::prove_growth(folder, size, log.verifier));
    REQUIRE(audit::verify_consistency_proof(proof, note, log.verifier).has_value());
  }
  CHECK(code(audit::prove_entry(folder, 66000, log.verifier)) == core::ErrorCode::invalid_argument);
  CHECK(code(audit::prove_growth(folder, 0, log.verifier)) == core::ErrorCode::invalid_argument);
  std::string bytes = read(log.folder / "tile/0/003");
  bytes[100] = static_cast<char>(bytes[100] ^ 1);
  write(log.folder / "tile/0/003", bytes);
  CHECK(code(audit::prove_entry(folder, 800, log.verifier)) == core::ErrorCode::proof_invalid);
  CHECK(audit::prove_entry(folder, 300, log.verifier).has_value());
  fs::remove(log.folder / "tile/1/000");
  CHECK(code(audit::prove_entry(folder, 300, log.verifier)) == core::ErrorCode::not_found);
}

TEST_CASE("docs/formats/tiles.md: the worked example is what an export writes", "[tiles]") {
  Log log;
  value(log.ledger.append(std::vector<std::string>{"first", "second"}));
  value(log.ledger.publish(log.key));
  value(log.run());
  const std::string page = read(fs::path(SIGILLO_DOCS) / "formats" / "tiles.md");
  for (const std::string name : {"tile/entries/000.p/2", "tile/0/000.p/2"}) {
    const std::size_t fence =
        page.find("```\n", page.find("`" + name + "`", page.find("## Worked example"))) + 4;
    std::string hex = page.substr(fence, page.find("```", fence) - fence);
    std::erase(hex, '\n');
    CHECK(core::hex_encode(core::as_bytes(read(log.folder / name))) == hex);
  }
}
