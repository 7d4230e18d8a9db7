// The ledger: limits, several processes, interrupted writers, and files that are not what they
// should be.
#include <poll.h>
#include <sys/resource.h>

#include <random>
#include <set>

#include "fixture.hpp"
#include "sigillo/core/digest.hpp"

using namespace fixture;
using audit::Ledger;
using core::ErrorCode;

namespace {

// Re-reads the whole ledger: hashes, head, tree and checkpoints; gives the leaves.
std::vector<std::string> check_log(const fs::path& file) {
  const Ledger ledger = value(Ledger::open(file, Ledger::Access::read));
  std::vector<std::string> leaves;
  audit::CompactRange range;
  std::map<std::uint64_t, core::Digest> roots{{0, range.root()}};
  ok(ledger.for_each(0, 1U << 30, [&](const audit::StoredEntry& entry) -> core::Status {
    REQUIRE(entry.index == leaves.size());
    REQUIRE(std::ranges::equal(audit::leaf_hash(entry.leaf).bytes, entry.leaf_hash));
    range.append(audit::leaf_hash(entry.leaf));
    roots[range.size()] = range.root();
    leaves.emplace_back(core::as_text(entry.leaf));
    return {};
  }));
  const auto head = value(ledger.head());
  REQUIRE(head.size == leaves.size());
  REQUIRE(head.root == range.root());
  REQUIRE(value(ledger.row_count()) == leaves.size());
  const auto log = value(audit::NoteVerifier::create(kOrigin, key_of(2).public_key()));
  for (const audit::StoredCheckpoint& stored : value(ledger.checkpoints())) {
    const auto checkpoint = value(audit::open_checkpoint(stored.note, log));
    REQUIRE(checkpoint.size == stored.size);
    REQUIRE(checkpoint.root == roots.at(stored.size));
  }
  return leaves;
}

struct Log {
  fs::path file() const { return temp.path() / "ledger.db"; }
  Ledger open() const { return value(Ledger::open(file(), Ledger::Access::write)); }
  TempFolder temp;
  Ledger ledger = value(Ledger::create(file(), kOrigin));
};

std::vector<std::string> batch_of(std::size_t count, std::string_view prefix = "leaf") {
  std::vector<std::string> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(fmt::format("{}-{}", prefix, i));
  return leaves;
}

}  // namespace

TEST_CASE("ledger: limits of a batch and of a leaf, at and one past", "[ledger]") {
  Log log;
  CHECK(code(log.ledger.append({})) == ErrorCode::invalid_argument);
  CHECK(check_log(log.file()).empty());
  CHECK(value(log.ledger.append(batch_of(1))) == 0);
  CHECK(value(log.ledger.append(batch_of(4096))) == 1);
  CHECK(check_log(log.file()).size() == 4097);
  CHECK(code(log.ledger.append(batch_of(4097))) == ErrorCode::invalid_argument);
  const std::vector<std::string> largest = {std::string(65535, 'x'), "y"};
  CHECK(value(log.ledger.append(largest)) == 4097);
  for (const std::string& bad : {std::string(65536, 'x'), std::string()}) {
    const std::vector<std::string> batch = {"fine", bad};
    CHECK(code(log.ledger.append(batch)) == ErrorCode::input_too_large);  // all or none
  }
  CHECK(check_log(log.file()).size() == 4099);
  CHECK(value(log.ledger.leaf(4097)) == largest[0]);
  CHECK(code(log.ledger.leaf(4099)) == ErrorCode::not_found);
  CHECK(code(log.ledger.latest_checkpoint()) == ErrorCode::not_found);
}

TEST_CASE("ledger: publish is idempotent and signs only what it read back", "[ledger]") {
  Log log;
  const core::PrivateKey key = key_of(2);
  value(log.ledger.append(batch_of(3)));
  const std::string first = value(log.ledger.publish(key));
  CHECK(value(log.ledger.publish(key)) == first);
  CHECK(value(log.open().latest_checkpoint()) == first);
  CHECK_FALSE(log.ledger.publish(key_of(3)).has_value());  // another key than the log's
  check_log(log.file());

  value(log.ledger.append(batch_of(3)));
  sql(log.file(), "UPDATE entries SET leaf = x'00' WHERE idx = 4");
  CHECK(code(log.ledger.publish(key)) == ErrorCode::ledger_corrupt);
  CHECK(value(log.ledger.latest_checkpoint()) == first);
}

TEST_CASE("ledger: an older ledger under a newer checkpoint is refused", "[ledger]") {
  Log log;
  value(log.ledger.append(batch_of(2)));
  value(log.ledger.publish(key_of(2)));
  auto database = open_database(log.file());
  auto select = value(database.prepare("SELECT size, hex(root), hex(subtrees) FROM state"));
  REQUIRE(value(select.step()));
  const std::string old = fmt::format("UPDATE state SET size = {}, root = x'{}', subtrees = x'{}'",
                                      select.integer(0), select.text(1), select.text(2));
  select.reset();
  value(log.ledger.append(batch_of(2)));
  value(log.ledger.publish(key_of(2)));
  ok(database.execute(old + "; DELETE FROM entries WHERE idx >= 2"));
  const auto refused = log.ledger.publish(key_of(2));
  CHECK(code(refused) == ErrorCode::ledger_corrupt);
  CHECK(refused.error().message.find("old copy") != std::string::npos);
}

TEST_CASE("ledger: rows beyond the head, or missing before it, stop an append", "[ledger]") {
  Log log;
  value(log.ledger.append(batch_of(3)));
  sql(log.file(), "INSERT INTO entries VALUES (3, x'00', x'00')");
  CHECK(code(log.ledger.append(batch_of(1))) == ErrorCode::ledger_corrupt);
  sql(log.file(), "DELETE FROM entries WHERE idx >= 2");
  CHECK(code(log.ledger.append(batch_of(1))) == ErrorCode::ledger_corrupt);
}

TEST_CASE("ledger: a trigger that comes after the open swallows nothing", "[ledger]") {
  Log log;
  value(log.ledger.append(batch_of(2)));
  sql(log.file(),
      "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries WHERE idx = new.idx; "
      "END");
  value(log.ledger.append(batch_of(2, "more")));
  sql(log.file(), "DROP TRIGGER t");
  CHECK(check_log(log.file()).size() == 4);
}

TEST_CASE("ledger: create and open", "[ledger]") {
  Log log;
  value(log.ledger.append(batch_of(2)));
  CHECK(code(Ledger::create(log.file(), kOrigin)) == ErrorCode::already_exists);
  CHECK(check_log(log.file()).size() == 2);
  CHECK(log.open().origin() == kOrigin);
  const auto missing = log.temp.path() / "none.db";
  CHECK(code(Ledger::open(missing, Ledger::Access::write)) == ErrorCode::not_found);
  CHECK(code(Ledger::open(missing, Ledger::Access::read)) == ErrorCode::not_found);
  CHECK_FALSE(fs::exists(missing));  // never created by accident
  CHECK_FALSE(Ledger::create(log.temp.path() / "no/folder/l.db", kOrigin).has_value());
  write(log.temp.path() / "text", std::string(5000, 'x'));
  CHECK(code(Ledger::open(log.temp.path() / "text", Ledger::Access::read)) ==
        ErrorCode::ledger_corrupt);
  write(log.temp.path() / "empty", "");
  CHECK(code(Ledger::open(log.temp.path() / "empty", Ledger::Access::write)) ==
        ErrorCode::ledger_corrupt);
  CHECK_FALSE(Ledger::open(log.temp.path(), Ledger::Access::read).has_value());
  for (const auto& [change, expected] : std::vector<std::pair<std::string, ErrorCode>>{
           {"PRAGMA user_version = 2", ErrorCode::workspace_newer},
           {"PRAGMA user_version = 0", ErrorCode::ledger_corrupt},
           {"PRAGMA application_id = 1", ErrorCode::ledger_corrupt},
           {"CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END",
            ErrorCode::ledger_corrupt},
           {"CREATE VIEW v AS SELECT 1", ErrorCode::ledger_corrupt},
           {"CREATE TABLE extra(a)", ErrorCode::ledger_corrupt},
           {"CREATE INDEX i ON entries(leaf)", ErrorCode::ledger_corrupt},
           {"ALTER TABLE checkpoints ADD COLUMN more TEXT", ErrorCode::ledger_corrupt},
           {"DROP TABLE checkpoints", ErrorCode::ledger_corrupt}}) {
    Log other;
    sql(other.file(), change);
    CAPTURE(change);
    CHECK(code(Ledger::open(other.file(), Ledger::Access::write)) == expected);
    CHECK(code(Ledger::open(other.file(), Ledger::Access::read)) == expected);
  }
}

TEST_CASE("ledger: a writer that does not let go is an error, not a wait for ever", "[ledger]") {
  Log log;
  auto holder = open_database(log.file());
  ok(holder.execute("BEGIN IMMEDIATE"));
  const auto blocked = log.ledger.append(batch_of(1));
  CHECK(code(blocked) == ErrorCode::locked);
  CHECK(core::exit_code(blocked.error().code) == core::ExitCode::environment);
  CHECK(check_log(log.file()).empty());  // readers are not held up
  ok(holder.execute("ROLLBACK"));
  CHECK(value(log.ledger.append(batch_of(1))) == 0);
}

TEST_CASE("ledger: read-only files and folders", "[ledger]") {
  for (const bool folder : {false, true}) {
    TempFolder temp;
    const fs::path file = temp.path() / "ledger.db";
    {
      Ledger ledger = value(Ledger::create(file, kOrigin));
      value(ledger.append(batch_of(2)));
    }
    fs::permissions(file, folder ? fs::perms(0666) : fs::perms(0444));
    fs::permissions(temp.path(), folder ? fs::perms(0555) : fs::perms(0777));
    const int result = as_nobody([&] {
      const auto reader = Ledger::open(file, Ledger::Access::read);
      if (!reader.has_value() || !reader->head().has_value() || reader->head()->size != 2) return 1;
      auto writer = Ledger::open(file, Ledger::Access::write);
      const auto appended = writer.has_value() ? writer->append(batch_of(1))
                                               : core::Result<std::uint64_t>(writer.error());
      if (appended.has_value()) return 2;
      return core::exit_code(appended.error().code) == core::ExitCode::environment ? 0 : 3;
    });
    CAPTURE(folder);
    if (result == -1) WARN("skipped: there is no user nobody");
    else CHECK(result == 0);
    fs::permissions(temp.path(), fs::perms(0000));
    const int hidden = as_nobody([&] {
      const auto opened = Ledger::open(file, Ledger::Access::read);
      return opened.has_value() ? 1 : opened.error().code == ErrorCode::permission_denied ? 0 : 2;
    });
    CHECK((hidden == 0 || hidden == -1));
    fs::permissions(temp.path(), fs::perms(0755));
  }
}

TEST_CASE("ledger: two and eight processes append at once", "[ledger]") {
  for (const int writers : {2, 8}) {
    Log log;
    constexpr int kBatches = 12;
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::vector<pid_t> children;
    for (int w = 0; w < writers; ++w) {
      const pid_t child = ::fork();
      if (child == 0) {
        auto ledger = Ledger::open(log.file(), Ledger::Access::write);
        for (int b = 0; ledger.has_value() && b < kBatches; ++b) {
          const std::string name = fmt::format("w{}b{}", w, b);
          const auto first = ledger->append(batch_of(static_cast<std::size_t>(b) % 3 + 1, name));
          if (!first.has_value() || !ledger->publish(key_of(2)).has_value()) ::_exit(1);
          const std::string line = fmt::format("{} {}\n", *first, name);
          if (::write(ends[1], line.data(), line.size()) < 0) ::_exit(1);
        }
        ::_exit(ledger.has_value() ? 0 : 1);
      }
      children.push_back(child);
    }
    ::close(ends[1]);
    std::string said;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
      said.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    for (const pid_t child : children) {
      int status = 0;
      REQUIRE(::waitpid(child, &status, 0) == child);
      CHECK(status == 0);
    }
    const auto leaves = check_log(log.file());
    CHECK(leaves.size() == static_cast<std::size_t>(writers * kBatches * 2));
    CHECK(std::set<std::string>(leaves.begin(), leaves.end()).size() == leaves.size());
    std::istringstream lines(said);
    std::size_t index = 0, acknowledged = 0;
    for (std::string name; lines >> index >> name; ++acknowledged)
      CHECK(leaves.at(index) == name + "-0");
    CHECK(acknowledged == static_cast<std::size_t>(writers * kBatches));
  }
}

TEST_CASE("ledger: a writer that is killed loses nothing that it acknowledged", "[ledger]") {
  Log log;
  std::mt19937 random(20261124);
  std::size_t acknowledged = 0;
  for (int round = 0; round < 30; ++round) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto ledger = Ledger::open(log.file(), Ledger::Access::write);
      for (std::size_t i = 0; ledger.has_value(); ++i) {
        const auto first = ledger->append(batch_of(i % 5 + 1, fmt::format("r{}", round)));
        if (!first.has_value()) break;
        const std::uint64_t end = *first + i % 5 + 1;
        if (::write(ends[1], &end, sizeof end) != sizeof end) break;
        if (i % 3 == 0 && !ledger->publish(key_of(2)).has_value()) break;
      }
      ::_exit(1);
    }
    ::close(ends[1]);
    pollfd ready{ends[0], POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 60000) == 1);
    ::usleep(static_cast<useconds_t>(random() % 60000));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    std::uint64_t end = 0;
    while (::read(ends[0], &end, sizeof end) == sizeof end)
      acknowledged = static_cast<std::size_t>(end);
    ::close(ends[0]);
    CHECK(check_log(log.file()).size() >= acknowledged);
  }
  CHECK(acknowledged >= 30);  // each round waits for at least one
}

TEST_CASE("ledger: a full disk is an error of the environment and harms nothing", "[ledger]") {
  Log log;
  value(log.ledger.append(batch_of(100)));
  const int result = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{400000, 400000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 10;
    auto ledger = Ledger::open(log.file(), Ledger::Access::write);
    if (!ledger.has_value()) return 11;
    const std::vector<std::string> big(20, std::string(60000, 'x'));
    const auto appended = ledger->append(big);
    if (appended.has_value()) return 12;
    if (core::exit_code(appended.error().code) != core::ExitCode::environment) return 13;
    return ledger->append(batch_of(1)).has_value() ? 0 : 14;  // what fits still goes in
  });
  CHECK(result == 0);
  CHECK(check_log(log.file()).size() == 101);
}

TEST_CASE("ledger: a snapshot holds while another process appends", "[ledger]") {
  Log log;
  value(log.ledger.append(batch_of(2)));
  const Ledger reader = value(Ledger::open(log.file(), Ledger::Access::read));
  ok(reader.in_snapshot([&]() -> core::Status {
    CHECK(value(reader.row_count()) == 2);
    value(log.ledger.append(batch_of(2)));
    CHECK(value(reader.row_count()) == 2);
    CHECK(value(reader.head()).size == 2);
    return {};
  }));
  CHECK(value(reader.row_count()) == 4);
  CHECK(code(reader.in_snapshot([]() -> core::Status {
          return core::Error{ErrorCode::io_error, "x", ""};
        })) == ErrorCode::io_error);
  CHECK(value(reader.row_count()) == 4);
}
