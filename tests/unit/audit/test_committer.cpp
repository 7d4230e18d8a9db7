// Grouped commit: what is answered is durable, in order, once; and who shares a transaction.
#include <atomic>
#include <set>
#include <thread>

#include "fixture.hpp"
#include "sigillo/audit/committer.hpp"
#include "tests/sanitizer.hpp"

using namespace fixture;
using audit::Committed;
using audit::Committer;
using audit::Ledger;
using core::ErrorCode;

namespace {

struct Log {
  fs::path file() const { return temp.path() / "ledger.db"; }
  Ledger open() const { return value(Ledger::open(file(), Ledger::Access::write)); }
  audit::CheckpointStore store() const { return audit::CheckpointStore(temp.path() / "signed"); }
  Committer::Signing signing() const { return {key_of(2), store()}; }
  TempFolder temp;
  Ledger ledger = value(Ledger::create(file(), kOrigin));
};

// A file lock that another connection holds: batches wait behind it.
class Held {
 public:
  explicit Held(const Log& log) : database_(open_database(log.file())) {
    ok(database_.execute("BEGIN IMMEDIATE"));
  }
  void release() { ok(database_.execute("ROLLBACK")); }

 private:
  core::sqlite::Database database_;
};

}  // namespace

TEST_CASE("committer: many writers, each answered once with its own place", "[committer]") {
  Log log;
  constexpr int kWriters = 16;
  const int each = test::kSanitized ? 10 : 50;
  std::vector<std::map<std::uint64_t, std::string>> answers(kWriters);
  std::atomic<int> failures{0};
  {
    Committer committer(log.open());
    std::vector<std::thread> writers;
    for (int w = 0; w < kWriters; ++w)
      writers.emplace_back([&, w] {
        for (int i = 0; i < each; ++i) {
          const std::string leaf = fmt::format("writer {} entry {}", w, i);
          const auto done = committer.add(leaf);
          if (done.has_value()) answers[static_cast<std::size_t>(w)][done->index] = leaf;
          else ++failures;
        }
      });
    for (std::thread& writer : writers) writer.join();
  }
  CHECK(failures == 0);
  std::map<std::uint64_t, std::string> all;
  for (const auto& some : answers) {
    std::string last;
    all.insert(some.begin(), some.end());
    // One writer's entries keep its order.
    std::vector<std::string> in_order;
    for (const auto& [index, leaf] : some) in_order.push_back(leaf);
    for (int i = 0; i < static_cast<int>(in_order.size()); ++i)
      CHECK(in_order[static_cast<std::size_t>(i)].ends_with(fmt::format("entry {}", i)));
  }
  CHECK(all.size() == static_cast<std::size_t>(kWriters * each));
  const Ledger ledger = log.open();
  CHECK(value(ledger.head()).size == all.size());
  for (const auto& [index, leaf] : all) REQUIRE(value(ledger.leaf(index)) == leaf);
}

TEST_CASE("committer: who waits together shares one transaction", "[committer]") {
  Log log;
  Committer committer(log.open());
  std::atomic<int> answered{0};
  std::atomic<int> wrong{0};
  constexpr int kMany = 3 * static_cast<int>(audit::kMaxBatch) + 1;
  Held held(log);
  for (int i = 0; i < kMany; ++i)
    committer.add(fmt::format("{}", i), [&, i](core::Result<Committed> done) {
      if (!done.has_value() || done->index != static_cast<std::uint64_t>(i)) ++wrong;
      ++answered;
    });
  CHECK(answered == 0);  // nothing is acknowledged while nothing can be durable
  held.release();
  CHECK(value(committer.add("last")).index == kMany);
  CHECK(answered == kMany);
  CHECK(wrong == 0);
}

TEST_CASE("committer: a checkpoint for who asks, over all of the batch", "[committer]") {
  Log log;
  Committer committer(log.open(), log.signing());
  const auto verifier = value(audit::NoteVerifier::create(kOrigin, key_of(2).public_key()));
  CHECK(value(committer.add("plain")).checkpoint.empty());
  const Committed covered = value(committer.add_with_checkpoint("covered"));
  CHECK(covered.index == 1);
  CHECK(value(audit::open_checkpoint(covered.checkpoint, verifier)).size == 2);
  CHECK(value(log.store().last(verifier)) == covered.checkpoint);

  Committer without(log.open());
  CHECK(code(without.add_with_checkpoint("x")) == ErrorCode::key_missing);
  CHECK(value(log.ledger.head()).size == 2);
}

TEST_CASE("committer: what is refused is told, and nothing else is lost", "[committer]") {
  Log log;
  std::atomic<int> taken{0};
  std::atomic<int> refused{0};
  {
    Committer committer(log.open(), std::nullopt, {2, 100});
    CHECK(code(committer.add("")) == ErrorCode::input_too_large);
    CHECK(code(committer.add(std::string(65536, 'x'))) == ErrorCode::input_too_large);
    CHECK(code(committer.add(std::string(101, 'x'))) == ErrorCode::locked);
    // One batch is at the lock, at most two entries wait behind it: of ten, most are refused.
    Held held(log);
    for (int i = 0; i < 10; ++i)
      committer.add("entry", [&](const core::Result<Committed>& done) {
        if (done.has_value()) ++taken;
        else if (done.error().code == ErrorCode::locked && !done.error().remedy.empty()) ++refused;
      });
    held.release();
  }  // answers all that wait
  CHECK(taken + refused == 10);
  CHECK(taken >= 2);
  CHECK(refused >= 5);
  CHECK(value(log.ledger.head()).size == static_cast<std::uint64_t>(taken));
}

TEST_CASE("committer: a sealed ledger takes nothing more, and says so", "[committer]") {
  Log log;
  Committer committer(log.open());
  CHECK(value(committer.add("first")).index == 0);
  CHECK(value(log.ledger.seal("end")) == 1);
  CHECK(code(committer.add("late")) == ErrorCode::locked);
  CHECK(value(log.ledger.head()).size == 2);
}

TEST_CASE("committer: after damage it acknowledges nothing", "[committer]") {
  Log log;
  Committer committer(log.open());
  CHECK(value(committer.add("first")).index == 0);
  sql(log.file(), "UPDATE state SET size = 7");  // the head no longer fits the entries
  CHECK(code(committer.add("second")) == ErrorCode::ledger_corrupt);
  sql(log.file(), "UPDATE state SET size = 1");
  // Whether the disk is right again is for whoever opens the ledger anew to find out.
  CHECK(code(committer.add("third")) == ErrorCode::ledger_corrupt);
  Committer anew(log.open());
  CHECK(value(anew.add("third")).index == 1);
}
