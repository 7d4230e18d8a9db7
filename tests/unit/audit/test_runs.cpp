// Recorded runs: what the command returns, what the ledger keeps, and what it must never keep.
#include <algorithm>

#include "fixture.hpp"
#include "sigillo/audit/runs.hpp"

using namespace fixture;
using core::ErrorCode;

namespace {

struct Runner : World {
  audit::RunResult run(const std::vector<std::string>& command) {
    request.command = command;
    warnings.clear();
    return value(audit::run_recorded(workspace, request, entropy, clock,
                                     [&](const std::string& text) { warnings += text + "\n"; }));
  }
  Json fields(std::uint64_t entry) {
    const std::string leaf =
        value(value(workspace.ledger(audit::Ledger::Access::read)).leaf(entry));
    return value(audit::read_record(leaf)).fields;
  }
  Json end_of(const std::string& script) {
    const auto result = run({"/bin/sh", "-c", script});
    check(workspace);
    REQUIRE(result.end_entry.has_value());
    return fields(*result.end_entry);
  }
  std::string state() {
    const auto evidence = check(workspace).evidence;
    return std::get<std::string>(evidence.rows.at("ev1_runs").back()[2]);
  }
  audit::RunRequest request{"assistant-3", {}, std::nullopt, {}};
  std::string warnings;
};

bool mentions(const fs::path& folder, std::string_view text) {
  for (const auto& file : fs::recursive_directory_iterator(folder))
    if (file.is_regular_file() && read(file.path()).find(text) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("runs: exit codes and signals are the command's own", "[runs]") {
  Runner r;
  write(r.temp.path() / "not-executable", "x");
  for (const auto& [command, expected] : std::vector<std::pair<std::vector<std::string>, int>>{
           {{"/bin/true"}, 0},
           {{"/bin/sh", "-c", "exit 3"}, 3},
           {{"no-such-program-anywhere"}, 127},
           {{(r.temp.path() / "not-executable").string()}, 126}}) {
    const auto result = r.run(command);
    CHECK(result.exit_code == expected);
    REQUIRE(result.end_entry.has_value());
    CHECK(r.fields(*result.end_entry).at("exit_code") == expected);
    CHECK_FALSE(r.fields(*result.end_entry).contains("signal"));
    check(r.workspace);
  }
  const auto killed = r.run({"/bin/sh", "-c", "kill -KILL $$"});
  CHECK(killed.exit_code == 128 + SIGKILL);
  CHECK(r.fields(*killed.end_entry).at("signal") == SIGKILL);
  CHECK_FALSE(r.fields(*killed.end_entry).contains("exit_code"));
  CHECK(r.warnings.empty());
  CHECK(check(r.workspace).evidence.rows.at("ev1_runs").size() == 5);
}

TEST_CASE("runs: nothing to run, or an impossible name, is refused before anything starts",
          "[runs]") {
  Runner r;
  const auto run = [&](const audit::RunRequest& request) {
    return code(
        audit::run_recorded(r.workspace, request, r.entropy, r.clock, [](const std::string&) {}));
  };
  CHECK(run({"m", {}, std::nullopt, {}}) == ErrorCode::invalid_argument);
  CHECK(run({"", {}, std::nullopt, {"true"}}) == ErrorCode::invalid_input);
  CHECK(run({"m", {"unsealed"}, std::nullopt, {"true"}}) == ErrorCode::not_found);
  CHECK(check(r.workspace).head.size == 2);
}

TEST_CASE("runs: a workspace that is not sound gives no dataset roots", "[runs]") {
  Runner r;
  fill(r);
  r.request.datasets = {"corpus"};
  const auto good = r.run({"/bin/true"});
  CHECK(r.fields(good.start_entry).at("datasets").size() == 1);
  sql(r.workspace.folder() / "ledger.db", "UPDATE entries SET leaf = x'00' WHERE idx = 5");
  r.request.command = {"/bin/true"};
  CHECK(code(audit::run_recorded(r.workspace, r.request, r.entropy, r.clock,
                                 [](const std::string&) {})) == ErrorCode::evidence_corrupt);
}

TEST_CASE("runs: SIGTERM is passed on and the end is recorded, however often it comes", "[runs]") {
  Runner r;
  const fs::path ready = r.temp.path() / "ready";
  for (const bool ignored_by_command : {false, true}) {
    fs::remove(ready);
    const pid_t recorder = ::fork();
    if (recorder == 0) {
      std::signal(SIGTERM, SIG_DFL);
      audit::RunRequest request{
          "m",
          {},
          std::nullopt,
          {"/bin/sh", "-c",
           fmt::format("{} touch {}; while :; do sleep 0.02; done",
                       ignored_by_command ? "trap 'exit 7' TERM;" : "", ready.string())}};
      const auto result =
          audit::run_recorded(r.workspace, request, r.entropy, r.clock, [](const std::string&) {});
      ::_exit(result.has_value() && result->end_entry.has_value() ? result->exit_code : 1);
    }
    while (!fs::exists(ready)) ::usleep(5000);
    int status = 0;
    for (int i = 0; ::waitpid(recorder, &status, WNOHANG) == 0; ++i) {
      ::kill(recorder, SIGTERM);
      ::usleep(1000);
    }
    // A TERM after the end was recorded may end the recorder: what counts is in the ledger below.
    if (WIFEXITED(status)) CHECK(WEXITSTATUS(status) == (ignored_by_command ? 7 : 128 + SIGTERM));
    r.entropy = core::SeededEntropy(99);
  }
  const auto evidence = check(r.workspace).evidence;
  CHECK(evidence.rows.at("ev1_runs").size() == 2);
  for (const core::Row& row : evidence.rows.at("ev1_runs"))
    CHECK(std::get<std::string>(row[2]) != "no end recorded");
}

TEST_CASE("runs: a recorder that is killed leaves a start without an end, and the command runs on",
          "[runs]") {
  Runner r;
  const fs::path ready = r.temp.path() / "ready", done = r.temp.path() / "done";
  const pid_t recorder = ::fork();
  if (recorder == 0) {
    audit::RunRequest request{
        "m",
        {},
        std::nullopt,
        {"/bin/sh", "-c",
         fmt::format("touch {}; sleep 0.3; touch {}", ready.string(), done.string())}};
    static_cast<void>(
        audit::run_recorded(r.workspace, request, r.entropy, r.clock, [](const std::string&) {
        }).has_value());
    ::_exit(0);
  }
  while (!fs::exists(ready)) ::usleep(5000);
  ::kill(recorder, SIGKILL);
  REQUIRE(::waitpid(recorder, nullptr, 0) == recorder);
  CHECK(r.state() == "no end recorded");
  for (int i = 0; i < 1000 && !fs::exists(done); ++i) ::usleep(10000);
  CHECK(fs::exists(done));
}

TEST_CASE("runs: if the start cannot be recorded the command never runs", "[runs]") {
  Runner r;
  const fs::path mark = r.temp.path() / "mark";
  fs::permissions(r.temp.path(), fs::perms(0777));
  const int result = as_nobody([&] {  // nobody may not even read the keys
    const audit::RunRequest request{"m", {}, std::nullopt, {"/usr/bin/touch", mark.string()}};
    const auto run =
        audit::run_recorded(r.workspace, request, r.entropy, r.clock, [](const std::string&) {});
    return run.has_value()                                                    ? 1
           : core::exit_code(run.error().code) == core::ExitCode::environment ? 0
                                                                              : 2;
  });
  if (result == -1) WARN("skipped: there is no user nobody");
  else CHECK(result == 0);
  CHECK_FALSE(fs::exists(mark));
  CHECK(check(r.workspace).head.size == 2);
}

TEST_CASE("runs: the command's report, honest and hostile", "[runs]") {
  Runner r;
  const auto reported = [&](const std::string& json) {
    write(r.temp.path() / "report.json", json);
    return r.end_of(
        fmt::format("cp {} $SIGILLO_RUN_REPORT", (r.temp.path() / "report.json").string()));
  };
  const Json good = reported(R"({"flop":"5300000000","flop_method":"6ND","more":[1]})");
  CHECK(good.at("flop").at("e12") == 1);
  CHECK(good.at("flop").at("basis") == "claimed");
  CHECK(good.at("flop").at("method") == "reported by the command: 6ND");
  CHECK_FALSE(good.contains("note"));
  CHECK_FALSE(r.end_of("true").contains("flop"));
  const std::string long_method(5000, 'm');
  for (const std::string& bad : std::vector<std::string>{
           "", "not JSON", "[]", R"({"flop":1,"flop_method":"m"})",
           R"({"flop":"1e25","flop_method":"m"})", R"({"flop":"-1","flop_method":"m"})",
           R"({"flop":"1"})", R"({"flop":"1","flop_method":""})",
           R"({"flop":"1","flop_method":"a\nb\u001b[2J"})",
           R"({"flop":"1","flop_method":")" + long_method + "\"}",
           R"({"x":")" + std::string(70000, 'x') + "\"}", std::string(60000, '['),
           R"({"leak-me":1,"leak-me":2})", "\xFF\xFE"}) {
    const Json end = reported(bad);
    CAPTURE(bad.substr(0, 60));
    CHECK_FALSE(end.contains("flop"));
    CHECK(end.at("note").get<std::string>().starts_with("compute not recorded: in"));
    CHECK_FALSE(r.warnings.empty());
    CHECK(end.at("exit_code") == 0);
  }
  CHECK_FALSE(mentions(r.workspace.folder(), "leak-me"));
  CHECK(r.end_of("mkfifo $SIGILLO_RUN_REPORT").contains("note"));
  CHECK(r.end_of("mkdir $SIGILLO_RUN_REPORT").contains("note"));
}

TEST_CASE("runs: outputs are sealed, or the record says that they are not", "[runs]") {
  Runner r;
  r.request.outputs = r.temp.path() / "private-folder-name";
  const Json none = r.end_of("true");
  CHECK(none.at("outputs_files") == 0);
  CHECK(none.at("note") == "outputs not recorded: not-found");
  CHECK(r.warnings.find("private-folder-name") != std::string::npos);
  const Json some =
      r.end_of(fmt::format("mkdir {0}; echo x > {0}/weights", r.request.outputs->string()));
  CHECK(some.at("outputs_files") == 1);
  const auto rows = check(r.workspace).evidence.rows.at("ev1_run_outputs");
  REQUIRE(rows.size() == 1);
  CHECK(std::get<std::string>(rows[0][1]) == "weights");
  CHECK_FALSE(mentions(r.workspace.folder() / "blobs", "private-folder-name"));
  CHECK(read(r.workspace.folder() / "ledger.db").find("private-folder-name") == std::string::npos);
}

TEST_CASE("runs: what is private stays out of ledger and blobs, secrets out of everything",
          "[runs]") {
  Runner r;
  ::setenv("MY_API_TOKEN", "secret-one-6b1f", 1);
  ::setenv("SLURM_JWT", "secret-two-6b1f", 1);
  ::setenv("SLURM_jwt", "secret-two-6b1f", 1);
  ::setenv("CUDA_AUTH", "secret-two-6b1f", 1);
  ::setenv("PYTHON_API_PASS", "secret-two-6b1f", 1);
  ::setenv("OMP_NUM_THREADS", "allowed-three-6b1f", 1);
  const auto result = r.run({"/bin/sh", "-c", "exit 0", "argument-four-6b1f"});
  for (const char* name : {"MY_API_TOKEN", "SLURM_JWT", "SLURM_jwt", "CUDA_AUTH", "PYTHON_API_PASS",
                           "OMP_NUM_THREADS"})
    ::unsetenv(name);
  check(r.workspace);
  CHECK_FALSE(mentions(r.workspace.folder(), "secret-one-6b1f"));
  CHECK_FALSE(mentions(r.workspace.folder(), "secret-two-6b1f"));
  const auto values = value(audit::PrivateValues::open_read(r.workspace.private_values_file()));
  const Json start = r.fields(result.start_entry);
  const auto reveal = [&](const std::string& field) {
    return value(values.reveal(value(core::Digest::from_hex(start.at(field).get<std::string>()))));
  };
  CHECK(reveal("command") == std::string("/bin/sh\0-c\0exit 0\0argument-four-6b1f\0", 37));
  CHECK(reveal("environment").find("OMP_NUM_THREADS=allowed-three-6b1f") != std::string::npos);
  const std::string public_bytes = [&] {
    std::string all;
    for (const auto& file : fs::directory_iterator(r.workspace.folder()))
      if (file.path().filename().string().starts_with("ledger.db")) all += read(file.path());
    for (const auto& leaf_index : {result.start_entry, *result.end_entry})
      all += r.fields(leaf_index).dump();
    return all;
  }();
  char host[256] = {};
  REQUIRE(::gethostname(host, sizeof host - 1) == 0);
  for (const std::string& hidden :
       {std::string("argument-four-6b1f"), std::string("allowed-three-6b1f"),
        fs::current_path().string(), r.temp.path().string()})
    CHECK(public_bytes.find(hidden) == std::string::npos);
  // A host's name may be two letters, which base64 holds by chance: it is looked for as a value.
  CHECK(public_bytes.find(fmt::format("\"{}\"", host)) == std::string::npos);
}

TEST_CASE("runs: operations in units of 10^12, rounded up", "[runs]") {
  for (const auto& [text, expected] : std::vector<std::pair<std::string, std::int64_t>>{
           {"0", 0},
           {"1", 1},
           {"999999999999", 1},
           {"1000000000000", 1},
           {"1000000000001", 2},
           {"10000000000000000000000000", 10000000000000},
           {"10000000000000000000000001", 10000000000001},
           {"9007199254740991" + std::string(12, '0'), core::kMaxJsonInteger}})
    CHECK(value(audit::flop_e12(text)) == expected);
  for (const std::string& bad :
       {std::string(), std::string("-1"), std::string("1e25"), std::string(" 1"),
        std::string("1.5"), std::string(29, '1'), std::string(28, '9'),
        "9007199254740991" + std::string(11, '0') + "1"})
    CHECK(code(audit::flop_e12(bad)) == ErrorCode::invalid_input);
}
