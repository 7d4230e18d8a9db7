// The workspace as a whole: made in one step or not at all, opened strictly, and usable after any
// kill.
#include <poll.h>

#include "fixture.hpp"

using namespace fixture;
using audit::Workspace;
using core::ErrorCode;

TEST_CASE("workspace: init makes everything in one step and overwrites nothing", "[workspace]") {
  World w;
  const auto report = check(w.workspace);
  CHECK(report.head.size == 2);
  CHECK(report.findings.empty());
  CHECK(report.evidence.origin == kOrigin);
  CHECK(std::distance(fs::directory_iterator(w.temp.path()), fs::directory_iterator()) == 1);
  const std::string before = read(w.workspace.folder() / "ledger.db");
  const auto again = [&](const fs::path& folder, std::string_view origin = kOrigin) {
    return Workspace::init(folder, origin, "Other", w.entropy, w.clock);
  };
  CHECK(code(again(w.workspace.folder())) == ErrorCode::already_exists);
  CHECK(read(w.workspace.folder() / "ledger.db") == before);
  write(w.temp.path() / "file", "x");
  CHECK_FALSE(again(w.temp.path() / "file").has_value());
  CHECK(read(w.temp.path() / "file") == "x");
  for (const std::string_view bad : {"", "with space", "plus+sign", "new\nline"}) {
    CHECK_FALSE(again(w.temp.path() / "bad", bad).has_value());
    CHECK_FALSE(fs::exists(w.temp.path() / "bad"));
  }
  fs::create_directories(w.temp.path() / "empty");
  CHECK(check(value(again(w.temp.path() / "empty"))).head.size == 2);
  CHECK(check(value(again(w.temp.path() / "new/nested/"))).head.size == 2);
  // What a killed process with our id left behind is in nobody's way.
  write(w.temp.path() / fmt::format(".next.{}.tmp/keys/log.json", ::getpid()), "{}");
  CHECK(check(value(again(w.temp.path() / "next"))).head.size == 2);
}

TEST_CASE("workspace: open is strict", "[workspace]") {
  const World w;
  const fs::path file = w.workspace.folder() / "sigillo.json";
  CHECK(value(Workspace::open(w.workspace.folder())).config().origin == kOrigin);
  CHECK(code(Workspace::open(w.temp.path())) == ErrorCode::workspace_missing);
  CHECK(code(Workspace::open(w.temp.path() / "none")) == ErrorCode::workspace_missing);
  Json config = Json::parse(read(file));
  config["format"] = 3;
  write(file, config.dump());
  CHECK(code(Workspace::open(w.workspace.folder())) == ErrorCode::workspace_newer);
  // Format 2 has shards, and says which is the current one.
  config["format"] = 2;
  for (const Json& bad : {Json(), Json(1), Json(-2), Json(10001), Json("2")}) {
    config["shard"] = bad;
    write(file, config.dump());
    CHECK(code(Workspace::open(w.workspace.folder())) == ErrorCode::invalid_input);
  }
  config["shard"] = 2;
  write(file, config.dump());
  CHECK(value(Workspace::open(w.workspace.folder())).config().shard == 2);
  CHECK(code(audit::fsck(value(Workspace::open(w.workspace.folder())))) ==
        ErrorCode::ledger_corrupt);
  for (const std::string& bad : {std::string("{}"), std::string("x"), std::string(70000, ' ')}) {
    write(file, bad);
    CHECK_FALSE(Workspace::open(w.workspace.folder()).has_value());
  }
}

TEST_CASE("workspace: another origin in sigillo.json is named", "[workspace]") {
  const World w;
  Json config = Json::parse(read(w.workspace.folder() / "sigillo.json"));
  config["origin"] = "example.com/other";
  write(w.workspace.folder() / "sigillo.json", config.dump());
  const auto report = value(audit::fsck(value(Workspace::open(w.workspace.folder()))));
  CHECK_FALSE(report.sound());
  CHECK(report.evidence.rows.empty());
  CHECK(errors(report) == std::vector<std::string>{"entry 0"});
}

TEST_CASE("workspace: a process that is killed at any moment leaves it sound and usable",
          "[workspace]") {
  World w;
  unsigned seed = 20261124;
  for (int round = 0; round < 30; ++round) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      for (int i = 0;; ++i) {
        core::SeededEntropy entropy(static_cast<std::uint64_t>(round * 1000 + i));
        auto values = audit::PrivateValues::open(w.workspace.private_values_file());
        if (!values.has_value() || !values->commit("user", "ada", entropy).has_value()) ::_exit(1);
        Json fields = example("notification");
        fields["model"] = fmt::format("r{}i{}", round, i);
        if (!audit::record(w.workspace, "notification", fields, {audit::named_subject("t", "t")},
                           w.clock))
          ::_exit(1);
        if (::write(ends[1], "r", 1) != 1) ::_exit(1);
      }
    }
    ::close(ends[1]);
    // Every other round waits for a first record, however slow the machine is.
    pollfd ready{ends[0], POLLIN, 0};
    if (round % 2 == 0) REQUIRE(::poll(&ready, 1, 60000) == 1);
    ::usleep(20000 + static_cast<useconds_t>(::rand_r(&seed) % 80000));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    ::close(ends[0]);
    CHECK(WIFSIGNALED(status));  // it did not end by itself
    check(w.workspace);
  }
  const auto report = check(w.workspace);
  CHECK(report.head.size > 10);
  Json last = example("notification");
  last["model"] = "after";
  w.record("notification", last);
  const auto after = check(w.workspace);
  CHECK(after.evidence.size == static_cast<std::int64_t>(report.head.size) + 1);
}

TEST_CASE("workspace: a disk that fails loses no acknowledged entry", "[workspace]") {
  if (std::system("strace -o /dev/null -e inject=fsync:error=EIO:when=1 true 2>/dev/null") != 0) {
    WARN("skipped: strace is absent or not permitted");
    return;
  }
  const World w;
  // The same program, told by its environment to append once (the next case).
  const std::string self = fs::read_symlink("/proc/self/exe").string();
  ::setenv("SIGILLO_TEST_WORKSPACE", w.workspace.folder().c_str(), 1);
  ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // the leak checker cannot work beneath strace
  int failed = 0, done = 0;
  std::uint64_t size = 2;
  for (const std::string call : {"pwrite64", "fsync", "fdatasync"}) {
    for (const std::string cause : {"EIO", "ENOSPC"}) {
      for (int n = 1; n <= 6; ++n) {
        ::setenv("SIGILLO_TEST_MODEL", fmt::format("{}-{}-{}", call, cause, n).c_str(), 1);
        const int status =
            std::system(fmt::format("strace -f -o /dev/null -e inject={}:error={}:when={} {} "
                                    "'[.append-once]' >/dev/null 2>&1",
                                    call, cause, n, self)
                            .c_str());
        CAPTURE(call, cause, n);
        const auto report = check(w.workspace);
        REQUIRE(report.head.size >= size);
        if (status == 0) CHECK(report.head.size == size + 1);
        ++(status == 0 ? done : failed);
        size = report.head.size;
      }
    }
  }
  ::unsetenv("SIGILLO_TEST_WORKSPACE");
  ::unsetenv("ASAN_OPTIONS");
  CHECK(failed > 0);  // the faults were really injected
  CHECK(done > 0);
}

TEST_CASE("workspace: append once, for the case above", "[.append-once]") {
  const char* folder = ::getenv("SIGILLO_TEST_WORKSPACE");
  REQUIRE(folder != nullptr);
  Json fields = example("notification");
  fields["model"] = ::getenv("SIGILLO_TEST_MODEL");
  const core::FixedClock clock(at("2026-11-24T12:00:00Z"));
  const auto receipt = audit::record(value(Workspace::open(folder)), "notification", fields,
                                     {audit::named_subject("t", "t")}, clock);
  REQUIRE(receipt.has_value());
}
