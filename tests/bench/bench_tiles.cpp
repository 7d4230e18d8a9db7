// The ledger's hashing, proofs and export, each beside what it cannot beat: SHA-256 of the same
// bytes, or one file of the same bytes made durable. Entries are opaque and have 500 bytes.
//
// SIGILLO_BENCH_ENTRIES: how many entries are exported (default 20000; the target is 1000000).
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "sigillo/audit/ledger_tiles.hpp"
#include "sigillo/audit/tile_folder.hpp"
#include "sigillo/core/files.hpp"

namespace {

namespace fs = std::filesystem;
using namespace sigillo::audit;
using sigillo::core::Bytes;
using sigillo::core::ByteView;

constexpr std::size_t kEntryBytes = 500;
constexpr std::uint64_t kTreeSize = 1000000;

template <class T>
T value(sigillo::core::Result<T> result) {
  SIGILLO_CHECK(result.has_value());
  return std::move(result).value();
}

std::string entry(std::uint64_t index) {
  std::string text(kEntryBytes, 'x');
  const std::string number = fmt::format("{}", index);
  return text.replace(0, number.size(), number);
}

std::uint64_t exported_entries() {
  const char* text = std::getenv("SIGILLO_BENCH_ENTRIES");
  return text == nullptr ? 20000 : std::strtoull(text, nullptr, 10);
}

// -- hashing

void sha256_stream(benchmark::State& state) {
  const Bytes bytes(kEntryBytes * 1024, 1);
  for (auto _ : state) benchmark::DoNotOptimize(sigillo::core::sha256(ByteView(bytes)));
  state.SetItemsProcessed(state.iterations() * 1024);
}
void leaf_hashes(benchmark::State& state) {
  const Bytes bytes(kEntryBytes * 1024, 1);
  for (auto _ : state)
    for (std::size_t i = 0; i < 1024; ++i)
      benchmark::DoNotOptimize(leaf_hash(ByteView(bytes).subspan(i * kEntryBytes, kEntryBytes)));
  state.SetItemsProcessed(state.iterations() * 1024);
}
// As fsck and export do it: the leaf and its part of the tree.
void tree_appends(benchmark::State& state) {
  const Bytes bytes(kEntryBytes * 1024, 1);
  TileEdge edge;
  const auto drop = [](const Tile&, std::vector<Digest>&&) { return sigillo::core::Status(); };
  for (auto _ : state)
    for (std::size_t i = 0; i < 1024; ++i)
      benchmark::DoNotOptimize(
          edge.append(leaf_hash(ByteView(bytes).subspan(i * kEntryBytes, kEntryBytes)), drop));
  state.SetItemsProcessed(state.iterations() * 1024);
}
BENCHMARK(sha256_stream);
BENCHMARK(leaf_hashes);
BENCHMARK(tree_appends);

// -- proofs of a tree of a million, without a note's signature

const std::vector<Digest>& leaves() {
  static const std::vector<Digest> all = [] {
    std::vector<Digest> made(kTreeSize);
    for (std::uint64_t i = 0; i < kTreeSize; ++i)
      made[i].bytes[i % 32] = static_cast<std::uint8_t>(i);
    return made;
  }();
  return all;
}
NodeReader million() {
  static TiledNodes nodes(
      kTreeSize, [](const Tile& tile) -> sigillo::core::Result<std::vector<Digest>> {
        std::vector<Digest> hashes;
        const std::uint64_t span = std::uint64_t{1} << (tile.level * kTileHeight);
        for (std::uint64_t i = 0; i < tile.width; ++i)
          hashes.push_back(
              tree_root(std::span(leaves()).subspan((tile.index * kTileWidth + i) * span, span)));
        return hashes;
      });
  return nodes.reader();
}

// The hashing that a path of 20 asks for, and nothing else.
void twenty_nodes(benchmark::State& state) {
  const Digest sibling;
  for (auto _ : state) {
    Digest hash = leaves()[5];
    for (int i = 0; i < 20; ++i) hash = node_hash(hash, sibling);
    benchmark::DoNotOptimize(hash);
  }
  state.SetItemsProcessed(state.iterations());
}
void verify_inclusions(benchmark::State& state) {
  const std::uint64_t index = 123456;
  const Digest root = value(tree_root(kTreeSize, million()));
  const auto path = value(inclusion_path(index, kTreeSize, million()));
  for (auto _ : state)
    SIGILLO_CHECK(verify_inclusion(leaves()[index], index, kTreeSize, path, root).has_value());
  state.SetItemsProcessed(state.iterations());
}
void verify_consistencies(benchmark::State& state) {
  const std::uint64_t old_size = 777777;
  const Digest root = value(tree_root(kTreeSize, million()));
  const Digest old_root = value(tree_root(old_size, million()));
  const auto path = value(consistency_path(old_size, kTreeSize, million()));
  for (auto _ : state)
    SIGILLO_CHECK(verify_consistency(old_size, old_root, kTreeSize, root, path).has_value());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(twenty_nodes);
BENCHMARK(verify_inclusions);
BENCHMARK(verify_consistencies);

// -- a ledger on a disk

struct Log {
  fs::path folder;
  sigillo::core::PrivateKey key = value(sigillo::core::PrivateKey::from_ed25519_seed(Bytes(32, 1)));
  NoteVerifier verifier = value(NoteVerifier::create("bench.example/l", key.public_key()));
  std::optional<Ledger> ledger;

  Log() {
    std::string name = (fs::temp_directory_path() / "sigillo-bench-XXXXXX").string();
    SIGILLO_CHECK(::mkdtemp(name.data()) != nullptr);
    folder = name;
    ledger = value(Ledger::create(folder / "ledger.db", "bench.example/l"));
    std::vector<std::string> batch;
    for (std::uint64_t i = 0; i < exported_entries(); ++i) {
      batch.push_back(entry(i));
      if (batch.size() < kMaxBatch && i + 1 < exported_entries()) continue;
      value(ledger->append(batch));
      batch.clear();
    }
    value(ledger->publish(key));
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  static Log& get() {
    static Log log;
    return log;
  }
};

// The same bytes as one file, made durable.
void one_file(benchmark::State& state) {
  Log& log = Log::get();
  const Bytes megabyte(1 << 20, 1);
  const std::uint64_t bytes = exported_entries() * (kEntryBytes + 2 + 32);
  for (auto _ : state) {
    std::ofstream out(log.folder / "plain", std::ios::binary);
    for (std::uint64_t done = 0; done < bytes; done += megabyte.size())
      out.write(reinterpret_cast<const char*>(megabyte.data()), 1 << 20);
    out.close();
    SIGILLO_CHECK(out.good() && sigillo::core::sync_file_system(log.folder).has_value());
    fs::remove(log.folder / "plain");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(exported_entries()));
}
void exports(benchmark::State& state) {
  Log& log = Log::get();
  for (auto _ : state) {
    value(export_tiles(*log.ledger, log.verifier, log.folder / "tiles"));
    state.PauseTiming();
    fs::remove_all(log.folder / "tiles");
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(exported_entries()));
}
void verifies_tiles(benchmark::State& state) {
  Log& log = Log::get();
  value(export_tiles(*log.ledger, log.verifier, log.folder / "tiles"));
  for (auto _ : state)
    SIGILLO_CHECK(value(verify_tiles(TileFolder(log.folder / "tiles"), log.verifier)).sound());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(exported_entries()));
  fs::remove_all(log.folder / "tiles");
}
// Receipts for entries at random, as a server makes them, without HTTP.
void receipts(benchmark::State& state) {
  Log& log = Log::get();
  LedgerTiles tiles([&] { return Ledger::open(log.folder / "ledger.db", Ledger::Access::read); },
                    log.verifier);
  SIGILLO_CHECK(tiles.catch_up().has_value());
  std::mt19937_64 random(1);
  for (auto _ : state) {
    SIGILLO_CHECK(tiles.catch_up(1).has_value());
    benchmark::DoNotOptimize(
        tlog_proof_text(value(tiles.prove_entry(random() % exported_entries()))));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(one_file)->UseRealTime();
BENCHMARK(exports)->UseRealTime();
BENCHMARK(verifies_tiles)->UseRealTime();
BENCHMARK(receipts);

}  // namespace
