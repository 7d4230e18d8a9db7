// What the ledger makes durable, each beside what it cannot beat in the same run: SQLite's own
// inserts at the same batch, and one fdatasync. Entries are opaque and have 500 bytes.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "core/sqlite.hpp"
#include "sigillo/audit/committer.hpp"
#include "sigillo/audit/tile_folder.hpp"
#include "sigillo/core/files.hpp"

namespace {

namespace fs = std::filesystem;
using namespace sigillo::audit;
namespace sqlite = sigillo::core::sqlite;
using sigillo::core::Bytes;

constexpr std::size_t kEntryBytes = 500;

template <class T>
T value(sigillo::core::Result<T> result) {
  if (!result.has_value()) fmt::print(stderr, "{}\n", result.error().message);
  SIGILLO_CHECK(result.has_value());
  return std::move(result).value();
}
void ok(const sigillo::core::Status& status) { SIGILLO_CHECK(status.has_value()); }

std::string entry(std::uint64_t index) {
  std::string text(kEntryBytes, 'x');
  const std::string number = fmt::format("{}", index);
  return text.replace(0, number.size(), number);
}
std::vector<std::string> batch(std::uint64_t first, std::size_t count) {
  std::vector<std::string> entries;
  for (std::size_t i = 0; i < count; ++i) entries.push_back(entry(first + i));
  return entries;
}

// On the file system of the working folder: /tmp may be memory, which syncs nothing.
struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::current_path() / "sigillo-bench-XXXXXX").string();
    SIGILLO_CHECK(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

struct Log {
  Folder folder;
  sigillo::core::PrivateKey key = value(sigillo::core::PrivateKey::from_ed25519_seed(Bytes(32, 1)));
  NoteVerifier verifier = value(NoteVerifier::create("bench.example/l", key.public_key()));
  CheckpointStore store{folder.path / "signed"};
  Ledger ledger = value(Ledger::create(file(), "bench.example/l"));
  [[nodiscard]] fs::path file() const { return folder.path / "ledger.db"; }
  [[nodiscard]] Ledger open() const { return value(Ledger::open(file(), Ledger::Access::write)); }
};

void count(benchmark::State& state, std::size_t each) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(each));
}

// -- batches

// The same rows, without a tree, read-back or checkpoint.
void raw_inserts(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const Folder folder;
  auto database = value(sqlite::Database::open(folder.path / "raw.db", sqlite::OpenMode::create));
  ok(
      database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE entries("
                       "idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL, leaf_hash BLOB NOT NULL)"));
  const Bytes hash(32, 1);
  std::int64_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const auto entries = batch(static_cast<std::uint64_t>(next), size);
    state.ResumeTiming();
    auto transaction = value(sqlite::Transaction::begin(database));
    auto insert = value(database.prepare("INSERT INTO entries VALUES (?1, ?2, ?3)"));
    for (const std::string& leaf : entries)
      ok(insert.bind(1, next++).bind(2, sigillo::core::as_bytes(leaf)).bind(3, hash).run());
    ok(transaction.commit());
  }
  count(state, size);
}

enum class Depth { rows, checkpoint, tiles };

void appends(benchmark::State& state, Depth depth) {
  const auto size = static_cast<std::size_t>(state.range(0));
  Log log;
  std::uint64_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const auto entries = batch(next, size);
    next += size;
    state.ResumeTiming();
    value(log.ledger.append(entries));
    if (depth == Depth::rows) continue;
    value(log.ledger.publish(log.key, log.store));
    if (depth == Depth::checkpoint) continue;
    value(export_tiles(log.ledger, log.verifier, log.folder.path / "tiles"));
  }
  count(state, size);
}
void append_rows(benchmark::State& state) { appends(state, Depth::rows); }
void append_and_sign(benchmark::State& state) { appends(state, Depth::checkpoint); }
void append_sign_and_export(benchmark::State& state) { appends(state, Depth::tiles); }

BENCHMARK(raw_inserts)->Arg(256)->Arg(4096)->UseRealTime();
BENCHMARK(append_rows)->Arg(256)->Arg(4096)->UseRealTime();
BENCHMARK(append_and_sign)->Arg(256)->Arg(4096)->UseRealTime();
BENCHMARK(append_sign_and_export)->Arg(256)->Arg(4096)->UseRealTime();

// -- one, and many

void one_fdatasync(benchmark::State& state) {
  const Folder folder;
  const int file = ::open((folder.path / "plain").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  SIGILLO_CHECK(file >= 0);
  const Bytes page(4096, 1);
  for (auto _ : state)
    SIGILLO_CHECK(::write(file, page.data(), page.size()) == 4096 && ::fdatasync(file) == 0);
  ::close(file);
  count(state, 1);
}
void idle_add(benchmark::State& state) {
  Log log;
  Committer committer(log.open());
  std::uint64_t next = 0;
  for (auto _ : state) value(committer.add(entry(next++)));
  count(state, 1);
}
// range(0) threads; each adds an entry, waits until it is durable, and adds the next one.
void blocking_writers(benchmark::State& state) {
  constexpr int kEach = 40;
  const auto writers = static_cast<std::size_t>(state.range(0));
  Log log;
  Committer committer(log.open());
  for (auto _ : state) {
    std::vector<std::thread> threads;
    threads.reserve(writers);
    for (std::size_t w = 0; w < writers; ++w)
      threads.emplace_back([&committer, w] {
        for (int i = 0; i < kEach; ++i) value(committer.add(entry(w)));
      });
    for (std::thread& thread : threads) thread.join();
  }
  count(state, writers * kEach);
}
BENCHMARK(one_fdatasync)->UseRealTime();
BENCHMARK(idle_add)->UseRealTime();
BENCHMARK(blocking_writers)->Arg(1)->Arg(64)->Arg(512)->UseRealTime();

// -- many small files

void write_tiles(const fs::path& folder, int files) {
  const Bytes tile(8192, 1);
  for (int i = 0; i < files; ++i)
    ok(sigillo::core::write_file_unsynced(folder / fmt::format("{}", i), tile, folder / ".tmp"));
}
constexpr int kFiles = 32;  // tiles and bundles of a batch of 4,096
void sync_once(benchmark::State& state) {
  const Folder folder;
  for (auto _ : state) {
    write_tiles(folder.path, kFiles);
    ok(sigillo::core::sync_file_system(folder.path));
  }
  count(state, kFiles);
}
void sync_each_file(benchmark::State& state) {
  const Folder folder;
  const Bytes tile(8192, 1);
  for (auto _ : state)
    for (int i = 0; i < kFiles; ++i)
      ok(sigillo::core::write_file_atomically(folder.path / fmt::format("{}", i), tile));
  count(state, kFiles);
}
BENCHMARK(sync_once)->UseRealTime();
BENCHMARK(sync_each_file)->UseRealTime();

// -- opening

// A ledger of range(0) entries is opened and takes one more, as after a restart.
void open_and_append(benchmark::State& state) {
  const auto size = static_cast<std::uint64_t>(state.range(0));
  Log log;
  for (std::uint64_t first = 0; first < size; first += kMaxBatch)
    value(log.ledger.append(batch(first, kMaxBatch)));
  value(log.ledger.publish(log.key, log.store));
  for (auto _ : state) {
    Ledger again = log.open();
    const std::vector<std::string> one = {entry(0)};
    value(again.append(one));
    value(again.publish(log.key, log.store));
  }
}
BENCHMARK(open_and_append)->Arg(4096)->Arg(1 << 17)->UseRealTime();

}  // namespace
