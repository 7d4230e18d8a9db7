// Power cuts at every call that changes the disk, and calls that fail: no acknowledged entry is
// lost. The harness first has to find ledgers that are broken on purpose.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>
#include <set>

#include "core/sqlite.hpp"
#include "tests/faults/history.hpp"
#include "tests/faults/power_cut_vfs.hpp"

using namespace faults;
using audit::Ledger;
using core::ErrorCode;

namespace {

// A writer that goes on after errors, and notes what it was told.
class Writer {
 public:
  Writer(fs::path folder, const Recording& recording, History& history)
      : file_(std::move(folder) / "ledger.db"), recording_(&recording), history_(&history) {}

  std::optional<Ledger> create() {
    auto ledger = told(Ledger::create(file_, kOrigin));
    if (ledger.has_value()) history_->created = recording_->position();
    return ledger;
  }
  std::optional<Ledger> open() { return told(Ledger::open(file_, Ledger::Access::write)); }
  void append(std::optional<Ledger>& ledger, const std::vector<std::size_t>& sizes) {
    if (!ledger.has_value()) return;
    Attempt attempt{{}, recording_->position(), std::nullopt};
    for (const std::size_t size : sizes) {
      std::string leaf = fmt::format("{} entry {} ", history_->before.size(), entries_++);
      while (leaf.size() < size) leaf += static_cast<char>('a' + (leaf.size() * 7 + entries_) % 26);
      attempt.leaves.push_back(std::move(leaf));
    }
    history_->attempts.push_back(std::move(attempt));
    if (told(ledger->append(history_->attempts.back().leaves)).has_value())
      history_->attempts.back().acknowledged = recording_->position();
  }
  void publish(std::optional<Ledger>& ledger) {
    if (!ledger.has_value()) return;
    auto note = told(ledger->publish(log_key()));
    if (note.has_value()) history_->published.push_back({*std::move(note), recording_->position()});
  }
  // As another process would.
  void checkpoint_wal(const char* mode) {
    auto database = core::sqlite::Database::open(file_, core::sqlite::OpenMode::read_write);
    if (database.has_value())
      (void)database->execute(fmt::format("PRAGMA wal_checkpoint({})", mode));
  }
  [[nodiscard]] const std::vector<core::Error>& errors() const { return errors_; }

 private:
  template <class T>
  std::optional<T> told(core::Result<T> result) {
    if (result.has_value()) return std::move(result).value();
    errors_.push_back(result.error());
    return std::nullopt;
  }
  fs::path file_;
  const Recording* recording_;
  History* history_;
  std::size_t entries_ = 0;
  std::vector<core::Error> errors_;
};

std::vector<std::size_t> hundred() {
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < 100; ++i) sizes.push_back(20 + i * 37 % 900);
  sizes[50] = 40000;
  return sizes;
}

// A life of a ledger: batches of 1, 3 and 100, checkpoints, WALs that are copied, begun anew, cut
// and removed, and two writers.
void live(Writer& writer) {
  {
    auto ledger = writer.create();
    writer.append(ledger, {40});
    writer.append(ledger, {10, 5000, 300});
    writer.publish(ledger);
    writer.append(ledger, hundred());
    writer.publish(ledger);
    writer.checkpoint_wal("PASSIVE");
    auto other = writer.open();
    writer.append(other, {100, 200});
    writer.append(ledger, {4090});
    writer.publish(other);
    writer.checkpoint_wal("RESTART");
    writer.append(ledger, {1, 9000, 1});
    writer.publish(ledger);
    writer.append(other, {70});
    writer.checkpoint_wal("TRUNCATE");
    writer.append(ledger, {500});
    writer.publish(other);
  }
  auto ledger = writer.open();
  writer.append(ledger, {33, 6000});
  writer.publish(ledger);
}

// A shorter one, for what has to be lived again for each call that fails.
void live_briefly(Writer& writer) {
  {
    auto ledger = writer.create();
    writer.append(ledger, {40});
    writer.append(ledger, {10, 5000, 300});
    writer.publish(ledger);
    writer.checkpoint_wal("RESTART");
    writer.append(ledger, {600, 20});
  }
  auto ledger = writer.open();
  writer.append(ledger, {33});
  writer.publish(ledger);
  writer.append(ledger, {34});
}

struct Survey {
  std::size_t moments = 0, disks = 0;
  std::map<Problem::Kind, std::size_t> problems;
  std::string first;
  [[nodiscard]] std::size_t lost() const {
    const auto found = problems.find(Problem::Kind::lost);
    return found == problems.end() ? 0 : found->second;
  }
};

void count(Survey& survey, const std::optional<Problem>& problem, std::string_view where) {
  ++survey.disks;
  if (!problem.has_value()) return;
  ++survey.problems[problem->kind];
  if (survey.first.empty()) survey.first = fmt::format("{}: {}", where, problem->what);
}

// Seeds 0 and 1 are the two ends: nothing that was not synchronised is there, and all of it.
PowerCutDisk::Rule rule_of(std::size_t seed) {
  if (seed == 0) return PowerCutDisk::Rule::drop_all;
  return seed == 1 ? PowerCutDisk::Rule::keep_all : PowerCutDisk::Rule::random;
}
Random random_of(std::size_t moment, std::size_t seed) { return Random(moment * 1000003 + seed); }

// How a survey goes: at which moments, and whether a synchronisation is believed.
struct Plan {
  std::size_t seeds = 2;
  std::size_t every = 1;
  std::function<bool(const Operation&)> believes = [](const Operation&) { return true; };
  // After a sound disk was judged: its folder, moment and random numbers.
  std::function<void(Survey&, const Disk&, std::size_t, Random&)> further = {};
};

Survey survey(const Scratch& scratch, const Recording& recording, const History& history,
              const Plan& plan) {
  Survey result;
  PowerCutDisk disk(recording.before());
  const auto& operations = recording.operations();
  for (std::size_t moment = 0; moment <= operations.size(); ++moment) {
    if (moment % plan.every == 0) {
      ++result.moments;
      for (std::size_t seed = 0; seed < plan.seeds; ++seed) {
        Random random = random_of(moment, seed);
        const Disk left = disk.cut(rule_of(seed), random);
        const fs::path folder = scratch.folder("judged");
        write_disk(folder, left);
        const auto problem = judge(folder, history, moment);
        count(result, problem, fmt::format("moment {} seed {}", moment, seed));
        if (plan.further && !problem.has_value()) plan.further(result, left, moment, random);
      }
    }
    if (moment < operations.size() && plan.believes(operations[moment]))
      disk.apply(operations[moment]);
  }
  return result;
}

bool is_sync(const Operation& operation) { return operation.kind == Operation::Kind::sync; }

std::size_t acknowledged(const History& history) {
  std::size_t entries = 0;
  for (const Attempt& attempt : history.attempts)
    if (attempt.acknowledged.has_value()) entries += attempt.leaves.size();
  return entries;
}

struct Life {
  explicit Life(const Scratch& scratch, std::optional<char> synchronous = std::nullopt,
                void (*scenario)(Writer&) = live)
      : folder(scratch.folder("lived")), recording(folder) {
    if (synchronous.has_value()) recording.force_synchronous(*synchronous);
    Writer writer(folder, recording, history);
    scenario(writer);
    REQUIRE(writer.errors().empty());
  }
  fs::path folder;
  History history;
  Recording recording;
};

}  // namespace

TEST_CASE("power cut: the disk keeps what was synchronised and may lose the rest", "[power_cut]") {
  using Kind = Operation::Kind;
  PowerCutDisk disk(Disk{{"a", Bytes(1024, 'o')}});
  Random random(1);
  disk.apply({Kind::write, "a", 0, 0, Bytes(1024, 'n')});
  disk.apply({Kind::write, "a", 0, 1024, Bytes(10, 'n')});
  CHECK(disk.cut(PowerCutDisk::Rule::drop_all, random).at("a") == Bytes(1024, 'o'));
  CHECK(disk.cut(PowerCutDisk::Rule::keep_all, random).at("a") == Bytes(1034, 'n'));
  std::set<Bytes> seen;
  bool reordered = false, torn = false;
  for (int i = 0; i < 300; ++i) {
    const Bytes bytes = disk.cut(PowerCutDisk::Rule::random, random).at("a");
    seen.insert(bytes);
    reordered = reordered || (bytes[0] == 'o' && bytes[511] == 'o' && bytes[512] == 'n');
    torn = torn || (bytes[0] == 'n' && bytes[511] != 'n');
    CHECK((bytes.size() == 1024 || bytes.size() == 1034));
  }
  CHECK(seen.size() > 50);
  CHECK(reordered);
  CHECK(torn);
  disk.apply({Kind::create, "b", 1, 0, {}});
  disk.apply({Kind::write, "b", 1, 0, Bytes(5, 'b')});
  disk.apply({Kind::sync, "b", 1, 0, {}});
  CHECK_FALSE(disk.cut(PowerCutDisk::Rule::drop_all, random).contains("b"));  // its name was not
  disk.apply({Kind::sync_names, "b", 0, 0, {}});
  disk.apply({Kind::remove, "a", 0, 0, {}});
  const Disk left = disk.cut(PowerCutDisk::Rule::drop_all, random);
  CHECK(left.at("b") == Bytes(5, 'b'));
  CHECK(left.at("a") == Bytes(1024, 'o'));
  // A failed synchronisation: a later one does not write what it should have written.
  disk.apply({Kind::write, "b", 1, 0, Bytes(5, 'c')});
  disk.apply({Kind::failed_sync, "b", 1, 0, {}});
  disk.apply({Kind::sync, "b", 1, 0, {}});
  CHECK(disk.cut(PowerCutDisk::Rule::drop_all, random).at("b") == Bytes(5, 'b'));
  disk.apply({Kind::write, "b", 1, 0, Bytes(5, 'd')});
  disk.apply({Kind::sync, "b", 1, 0, {}});
  CHECK(disk.cut(PowerCutDisk::Rule::drop_all, random).at("b") == Bytes(5, 'd'));
}

TEST_CASE("power cut: at every change of the disk, whatever was not synchronised", "[power_cut]") {
  const Scratch scratch;
  const Life life(scratch);
  REQUIRE(acknowledged(life.history) == 114);
  // The scenario does what it is there for.
  std::map<Operation::Kind, std::size_t> kinds;
  for (const Operation& operation : life.recording.operations()) ++kinds[operation.kind];
  CHECK(kinds[Operation::Kind::create] >= 3);    // the database, its journal, two WALs
  CHECK(kinds[Operation::Kind::remove] >= 2);    // the journal, the first WAL
  CHECK(kinds[Operation::Kind::truncate] >= 1);  // the WAL, by TRUNCATE
  Plan plan;
  plan.seeds = 6;
  plan.every = 1;
  std::size_t again = 0;
  // At some of the moments the power fails again while the ledger recovers and goes on.
  plan.further = [&](Survey& result, const Disk& left, std::size_t moment, Random& random) {
    if (moment % 37 != 0 || life.history.created.value_or(0) > moment) return;
    const fs::path folder = scratch.folder("again");
    write_disk(folder, left);
    History second;
    second.created = 0;
    {
      const Ledger ledger = Ledger::open(folder / "ledger.db", Ledger::Access::read).value();
      second.before = recompute(ledger).value().leaves;
    }
    write_disk(folder, left);
    const Recording recording(folder);
    {
      Writer writer(folder, recording, second);
      auto ledger = writer.open();
      writer.append(ledger, {90, 4100});
      writer.publish(ledger);
      REQUIRE(writer.errors().empty());
    }
    Plan once_more;
    once_more.seeds = 2;
    once_more.every = 1 + random() % 3;
    const Survey found = survey(scratch, recording, second, once_more);
    again += found.disks;
    for (const auto& [kind, number] : found.problems) result.problems[kind] += number;
    if (result.first.empty() && !found.first.empty())
      result.first = fmt::format("moment {}, then {}", moment, found.first);
  };
  const Survey found = survey(scratch, life.recording, life.history, plan);
  INFO(found.first);
  CHECK(found.problems.empty());
  CHECK(again > 0);
  fmt::print("power cuts: {} moments, {} disks, {} more after a second cut\n", found.moments,
             found.disks, again);
}

TEST_CASE("power cut: a WAL of a thousand pages, copied by SQLite's own choice", "[power_cut]") {
  const Scratch scratch;
  const Life life(scratch, std::nullopt, [](Writer& writer) {
    auto ledger = writer.create();
    writer.append(ledger, {40});
    writer.append(ledger, std::vector<std::size_t>(70, 60000));
    writer.publish(ledger);
    writer.append(ledger, {50});
    writer.publish(ledger);
  });
  std::size_t copied = 0;
  for (const Operation& operation : life.recording.operations())
    copied += operation.kind == Operation::Kind::write && operation.name == "ledger.db" ? 1U : 0U;
  CHECK(copied > 1000);
  Plan plan;
  plan.every = 83;
  plan.seeds = 3;
  const Survey found = survey(scratch, life.recording, life.history, plan);
  INFO(found.first);
  CHECK(found.problems.empty());
  fmt::print("power cuts around a large WAL: {} moments, {} disks\n", found.moments, found.disks);
}

// A writer that was killed before its sync leaves entries that the next process reads. Once the
// checkpoint store knows them they must not be lost: the ledger would look like an old copy.
TEST_CASE("power cut: what the checkpoint store is told of is durable in the ledger",
          "[power_cut]") {
  const Scratch scratch;
  const fs::path folder = scratch.folder("killed");
  const fs::path elsewhere = scratch.folder("elsewhere");
  const auto size_after_cut = [&](const Recording& recording) {
    PowerCutDisk disk(recording.before());
    for (const Operation& operation : recording.operations()) disk.apply(operation);
    Random random(1);
    const fs::path left = scratch.folder("left");
    write_disk(left, disk.cut(PowerCutDisk::Rule::drop_all, random));
    const auto ledger = Ledger::open(left / "ledger.db", Ledger::Access::read).value();
    return ledger.head().value().size;
  };
  Recording recording(folder);
  Ledger first = Ledger::create(folder / "ledger.db", kOrigin).value();
  const std::vector<std::string> one = {"synchronised"};
  REQUIRE(first.append(one).has_value());
  // The one that is killed: its transaction is written, and not synchronised.
  recording.force_synchronous('0');
  Ledger killed = Ledger::open(folder / "ledger.db", Ledger::Access::write).value();
  const std::vector<std::string> two = {"left behind"};
  REQUIRE(killed.append(two).has_value());
  CHECK(size_after_cut(recording) == 1);  // control: it would be lost
  recording.force_synchronous('2');
  // The store cannot be written, so that the ledger's own commit does not come after it.
  std::ofstream(elsewhere / "store") << "no folder";
  const auto refused = first.publish(log_key(), audit::CheckpointStore(elsewhere / "store"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(size_after_cut(recording) == 2);
}

// Controls: each of these loses acknowledged entries, and must be seen to.
TEST_CASE("power cut: the harness finds ledgers that are broken on purpose", "[power_cut]") {
  const Scratch scratch;
  Plan plan;
  plan.seeds = 4;
  plan.every = 7;
  const auto finds = [&](std::string_view name, const Recording& recording,
                         const History& history) {
    const Survey found = survey(scratch, recording, history, plan);
    INFO(name);
    CHECK(found.lost() > 0);
    std::size_t found_wrong = 0;
    for (const auto& [kind, number] : found.problems) found_wrong += number;
    fmt::print("control, {}: {} of {} disks are wrong, {} of them lost entries\n", name,
               found_wrong, found.disks, found.lost());
  };
  SECTION("synchronisations that do nothing") {
    const Life life(scratch);
    plan.believes = [](const Operation& o) { return !is_sync(o); };
    finds("no synchronisation", life.recording, life.history);
    plan.believes = [](const Operation& o) { return !is_sync(o) || !o.name.ends_with("-wal"); };
    finds("none of the WAL", life.recording, life.history);
  }
  SECTION("acknowledged before the synchronisation") {
    Life life(scratch);
    const auto& operations = life.recording.operations();
    for (Attempt& attempt : life.history.attempts) {
      std::size_t& at = *attempt.acknowledged;
      while (at > attempt.from && !is_sync(operations[at - 1])) --at;
      if (at > attempt.from) --at;
    }
    plan.every = 1;
    plan.seeds = 1;
    finds("acknowledged too early", life.recording, life.history);
  }
  SECTION("a connection that does not ask for durability") {
    for (const char level : {'0', '1'}) {
      const Life life(scratch, level);
      finds(fmt::format("PRAGMA synchronous={}", level), life.recording, life.history);
    }
  }
}

TEST_CASE("io errors: each call that fails is told, and nothing acknowledged is lost",
          "[io_errors]") {
  const Scratch scratch;
  std::uint64_t calls = 0;
  {
    Life life(scratch, std::nullopt, [](Writer&) {});
    life.recording.fail_at(UINT64_MAX - 1, EIO, false);
    Writer writer(life.folder, life.recording, life.history);
    live_briefly(writer);
    REQUIRE(writer.errors().empty());
    calls = life.recording.calls();
  }
  REQUIRE(calls > 60);
  std::size_t lives = 0, told = 0, disks = 0;
  std::map<Call, std::size_t> failed;
  for (std::uint64_t n = 0; n < calls; n += 1) {
    for (const int error_number : {EIO, ENOSPC}) {
      for (const bool forever : {false, true}) {
        CAPTURE(n, error_number, forever);
        const fs::path folder = scratch.folder("lived");
        Recording recording(folder);
        recording.fail_at(n, error_number, forever);
        History history;
        Writer writer(folder, recording, history);
        live_briefly(writer);
        REQUIRE(recording.failed().has_value());
        ++failed[*recording.failed()];
        ++lives;
        told += writer.errors().empty() ? 0U : 1U;
        recording.heal();
        for (const core::Error& error : writer.errors()) {
          INFO(error.message);
          CHECK_FALSE(error.remedy.empty());
          // A ledger that was half made stays in the way; `init` works in a folder that it removes.
          if (!history.created.has_value() && error.code != ErrorCode::io_error &&
              error.code != ErrorCode::disk_full)
            continue;
          if (error_number == EIO) CHECK(error.code == ErrorCode::io_error);
          // SQLite does not say why a COMMIT could not synchronise.
          else if (*recording.failed() == Call::write || *recording.failed() == Call::open)
            CHECK(error.code == ErrorCode::disk_full);
          else CHECK((error.code == ErrorCode::disk_full || error.code == ErrorCode::io_error));
        }
        // The power fails later, when calls have succeeded again.
        PowerCutDisk disk(recording.before());
        for (const Operation& operation : recording.operations()) disk.apply(operation);
        for (std::size_t seed = 0; seed < 3; ++seed) {
          Random random = random_of(n, seed);
          const fs::path left = scratch.folder("judged");
          write_disk(left, disk.cut(rule_of(seed), random));
          const auto problem = judge(left, history, recording.position());
          ++disks;
          INFO((problem.has_value() ? problem->what : ""));
          CHECK_FALSE(problem.has_value());
        }
      }
    }
  }
  for (const Call call : {Call::open, Call::write, Call::truncate, Call::sync, Call::remove}) {
    CAPTURE(static_cast<int>(call));
    CHECK(failed[call] > 0);
  }
  CHECK(told > calls);
  fmt::print("failing calls: {} calls, {} lives, {} told of it, {} disks\n", calls, lives, told,
             disks);
}
