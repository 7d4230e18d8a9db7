// Tiles and proofs straight from a ledger: the same as the exported files, and nothing that is not
// what was signed.
#include "sigillo/audit/ledger_tiles.hpp"

#include <atomic>
#include <thread>

#include "fixture.hpp"
#include "sigillo/audit/tile_folder.hpp"
#include "tests/sanitizer.hpp"

using namespace fixture;

namespace {

struct Log {
  TempFolder temp;
  core::PrivateKey key = key_of(2);
  audit::NoteVerifier verifier = value(audit::NoteVerifier::create(kOrigin, key.public_key()));
  fs::path file = temp.path() / "ledger.db";
  audit::Ledger ledger = value(audit::Ledger::create(file, kOrigin));
  // One tile is remembered, so that the others are read when they are asked for.
  audit::LedgerTiles tiles{
      [this] { return audit::Ledger::open(file, audit::Ledger::Access::read); }, verifier, {}, 1};

  std::string grow(std::uint64_t size) {
    while (value(ledger.head()).size < size) {
      std::vector<std::string> batch;
      for (std::uint64_t i = value(ledger.head()).size; i < size && batch.size() < audit::kMaxBatch;
           ++i)
        batch.push_back(fmt::format("{}", i));
      value(ledger.append(batch));
    }
    return value(ledger.publish(key));
  }
  [[nodiscard]] bool receipt_holds(std::uint64_t index) const {
    const auto proof = tiles.prove_entry(index);
    return proof.has_value() &&
           audit::verify_tlog_proof(*proof, core::as_bytes(fmt::format("{}", index)), verifier)
               .has_value();
  }
};

}  // namespace

TEST_CASE("ledger tiles: the same bytes as the exported files, and every narrower tile",
          "[ledger_tiles]") {
  Log log;
  CHECK(code(log.tiles.checkpoint()) == core::ErrorCode::not_found);
  for (const std::uint64_t size : {1U, 255U, 256U, 300U, 600U, test::kSanitized ? 2000U : 66000U}) {
    const std::string note = log.grow(size);
    ok(log.tiles.catch_up());
    CHECK(value(log.tiles.checkpoint()) == note);
    const fs::path folder = log.temp.path() / fmt::format("tiles-{}", size);
    value(audit::export_tiles(log.ledger, log.verifier, folder));
    for (const auto& entry : fs::recursive_directory_iterator(folder / "tile")) {
      if (!entry.is_regular_file()) continue;
      const std::string name = fs::relative(entry.path(), folder).string();
      INFO(name);
      audit::Tile tile = value(audit::parse_tile_path(name));
      const core::Bytes bytes = value(log.tiles.tile(tile));
      REQUIRE(core::as_text(bytes) == read(entry.path()));
      if (tile.width == 1) continue;
      --tile.width;
      const core::Bytes narrower = value(log.tiles.tile(tile));
      REQUIRE(core::as_text(bytes).starts_with(core::as_text(narrower)));
      tile.width += 2;
      if (!audit::in_tree(tile, size) && tile.width <= audit::kTileWidth)
        REQUIRE(code(log.tiles.tile(tile)) == core::ErrorCode::not_found);
    }
    for (const audit::Tile& tile :
         {audit::Tile{audit::TileKind::hashes, 0, 1U << 20, 1},
          audit::Tile{audit::TileKind::hashes, 8, 0, 1},
          audit::Tile{audit::TileKind::hashes, 63, 0, 256},
          audit::Tile{audit::TileKind::entries, 0, (std::uint64_t{1} << 55) - 1, 256}})
      CHECK(code(log.tiles.tile(tile)) == core::ErrorCode::not_found);
  }
}

TEST_CASE("ledger tiles: every receipt and every proof of growth holds", "[ledger_tiles]") {
  Log log;
  std::vector<std::string> notes(1);
  for (std::uint64_t size = 1; size <= 40; ++size) notes.push_back(log.grow(size));
  ok(log.tiles.catch_up());
  for (std::uint64_t old = 1; old <= 40; ++old) {
    const auto proof = value(log.tiles.prove_growth(old));
    CHECK(audit::verify_consistency_proof(proof, notes[old], log.verifier).has_value());
  }
  log.grow(66000);
  ok(log.tiles.catch_up());
  for (const std::uint64_t index : {0U, 255U, 256U, 65535U, 65536U, 65791U, 65792U, 65999U})
    CHECK(log.receipt_holds(index));
  for (std::uint64_t index = 0; index < 66000; index += 997) REQUIRE(log.receipt_holds(index));
  for (std::uint64_t old = 1; old <= 40; ++old)
    REQUIRE(audit::verify_consistency_proof(value(log.tiles.prove_growth(old)), notes[old],
                                            log.verifier)
                .has_value());
  CHECK(code(log.tiles.prove_entry(66000)) == core::ErrorCode::invalid_argument);
  CHECK(code(log.tiles.prove_entry(~std::uint64_t{0})) == core::ErrorCode::invalid_argument);
  CHECK(code(log.tiles.prove_growth(0)) == core::ErrorCode::invalid_argument);
  CHECK(code(log.tiles.prove_growth(66001)) == core::ErrorCode::invalid_argument);
}

TEST_CASE("ledger tiles: only what a checkpoint covers, and at most the work that is allowed",
          "[ledger_tiles]") {
  Log log;
  const std::string first = log.grow(300);
  ok(log.tiles.catch_up());
  value(log.ledger.append(std::vector<std::string>(5, "more")));
  ok(log.tiles.catch_up());
  CHECK(value(log.tiles.checkpoint()) == first);
  CHECK(code(log.tiles.prove_entry(300)) == core::ErrorCode::invalid_argument);
  const std::string second = value(log.ledger.publish(log.key));
  int calls = 0;
  while (value(log.tiles.checkpoint()) == first) {
    ok(log.tiles.catch_up(2));
    ++calls;
  }
  CHECK(calls == 3);
  CHECK(value(log.tiles.checkpoint()) == second);
}

TEST_CASE("ledger tiles: altered hashes and entries are not given, and others are",
          "[ledger_tiles]") {
  Log log;
  log.grow(1000);
  ok(log.tiles.catch_up());
  const auto tile = [&](audit::TileKind kind, std::uint64_t index, unsigned width = 256) {
    return log.tiles.tile({kind, 0, index, width});
  };
  sql(log.file, "UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 300");
  sql(log.file, "UPDATE entries SET leaf_hash = x'00' WHERE idx = 10");
  for (const std::uint64_t index : {7U, 10U, 300U, 400U})
    CHECK_FALSE(log.tiles.prove_entry(index).has_value());
  CHECK(code(tile(audit::TileKind::hashes, 1)) == core::ErrorCode::ledger_corrupt);
  CHECK(code(tile(audit::TileKind::entries, 1)) == core::ErrorCode::ledger_corrupt);
  CHECK(log.receipt_holds(700));
  CHECK(tile(audit::TileKind::entries, 2).has_value());
  // Hashes do not vouch for bytes that were altered, remembered or not.
  sql(log.file, "UPDATE entries SET leaf = CAST('x' AS BLOB) WHERE idx IN (520, 999)");
  CHECK(log.receipt_holds(700));  // of what was signed
  CHECK(log.receipt_holds(520));
  CHECK(code(tile(audit::TileKind::entries, 2)) == core::ErrorCode::ledger_corrupt);
  CHECK(code(tile(audit::TileKind::entries, 3, 232)) == core::ErrorCode::ledger_corrupt);
  CHECK(tile(audit::TileKind::entries, 3, 231).has_value());
  sql(log.file, "DELETE FROM entries WHERE idx = 770");
  CHECK(code(tile(audit::TileKind::entries, 3, 231)) == core::ErrorCode::ledger_corrupt);
}

TEST_CASE("ledger tiles: a checkpoint that the entries do not give is not given",
          "[ledger_tiles]") {
  Log log;
  const std::string good = log.grow(300);
  ok(log.tiles.catch_up());
  log.grow(700);
  sql(log.file, "UPDATE entries SET leaf = CAST('x' AS BLOB) WHERE idx = 350");
  CHECK(code(log.tiles.catch_up()) == core::ErrorCode::ledger_corrupt);
  CHECK(code(log.tiles.catch_up()) == core::ErrorCode::ledger_corrupt);
  CHECK(value(log.tiles.checkpoint()) == good);
  CHECK(log.receipt_holds(299));
  sql(log.file, "UPDATE entries SET leaf = CAST('350' AS BLOB) WHERE idx = 350");
  log.grow(800);
  ok(log.tiles.catch_up());
  for (std::uint64_t index = 250; index < 800; ++index) REQUIRE(log.receipt_holds(index));
  sql(log.file, "DELETE FROM checkpoints WHERE size > 300");
  CHECK(code(log.tiles.catch_up()) == core::ErrorCode::ledger_corrupt);

  audit::LedgerTiles foreign(
      [&] { return audit::Ledger::open(log.file, audit::Ledger::Access::read); },
      value(audit::NoteVerifier::create(kOrigin, key_of(9).public_key())));
  CHECK(code(foreign.catch_up()) == core::ErrorCode::signature_invalid);
}

TEST_CASE("ledger tiles: many threads read while the ledger grows", "[ledger_tiles]") {
  Log log;
  log.grow(1000);
  ok(log.tiles.catch_up());
  std::atomic<bool> done{false};
  std::atomic<int> failures{0}, receipts{0};
  std::vector<std::thread> readers;
  for (unsigned t = 0; t < 4; ++t)
    readers.emplace_back([&, t] {
      for (std::uint64_t i = t; !done || i < 200; i += 37) {
        if (!log.tiles.catch_up(64).has_value()) ++failures;
        if (!log.receipt_holds(i % 1000)) ++failures;
        if (!log.tiles.tile({audit::TileKind::entries, 0, i % 3, 256}).has_value()) ++failures;
        ++receipts;
      }
    });
  std::string last;
  for (std::uint64_t size = 1050; size <= 3000; size += 50) last = log.grow(size);
  done = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(failures == 0);
  CHECK(receipts > 20);
  while (value(log.tiles.checkpoint()) != last) ok(log.tiles.catch_up(64));
  CHECK(log.receipt_holds(2999));
}
