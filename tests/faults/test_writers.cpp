// Writers that are killed while others append, and a clock that goes backwards.
#include <fcntl.h>
#include <poll.h>

#include <set>
#include <sstream>

#include "tests/faults/history.hpp"
#include "tests/unit/audit/fixture.hpp"

namespace audit = sigillo::audit;
namespace core = sigillo::core;
using audit::Ledger;
namespace fs = std::filesystem;

namespace {

// One to five entries that no other batch has: NAME-0, NAME-1, ...
std::vector<std::string> batch_of(const std::string& name, std::size_t count) {
  std::vector<std::string> leaves;
  for (std::size_t i = 0; i < count; ++i)
    leaves.push_back(fmt::format("{}-{}", name, i) + std::string(i * 997 % 3000, '.'));
  return leaves;
}
std::size_t count_of(std::size_t batch) { return batch % 5 + 1; }

// Appends until it is killed; what it was told goes to the pipe, a line a batch.
[[noreturn]] void append_for_ever(const fs::path& file, int pipe, const std::string& name) {
  for (const int number : {SIGSEGV, SIGABRT, SIGTERM, SIGINT}) std::signal(number, SIG_DFL);
  auto ledger = Ledger::open(file, Ledger::Access::write);
  for (std::size_t i = 0; ledger.has_value(); ++i) {
    const std::string batch = fmt::format("{}b{}", name, i);
    const auto first = ledger->append(batch_of(batch, count_of(i)));
    if (!first.has_value()) ::_exit(2);
    const std::string line = fmt::format("{} {} {}\n", *first, batch, count_of(i));
    if (::write(pipe, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
    if (i % 4 == 3 && !ledger->publish(faults::log_key()).has_value()) ::_exit(4);
  }
  ::_exit(1);
}

class Writers {
 public:
  Writers(fs::path file, std::size_t number) : file_(std::move(file)) {
    REQUIRE(::pipe2(pipe_, O_CLOEXEC) == 0);
    for (std::size_t i = 0; i < number; ++i) {
      children_.push_back(0);
      start(i);
    }
  }
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;
  ~Writers() {
    for (const pid_t child : children_) ::kill(child, SIGKILL);
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }
  void start(std::size_t i) {
    const std::string name = fmt::format("w{}", started_++);
    const pid_t child = ::fork();
    if (child == 0) append_for_ever(file_, pipe_[1], name);
    children_[i] = child;
  }
  // It must have been at work until now.
  void kill(std::size_t i) {
    ::kill(children_[i], SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(children_[i], &status, 0) == children_[i]);
    CAPTURE(status);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
  }
  // Reads what was said within this time.
  void listen(int milliseconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
      pollfd ready{pipe_[0], POLLIN, 0};
      if (::poll(&ready, 1, std::max(0, static_cast<int>(left.count()))) != 1) return;
      char buffer[4096];
      const ssize_t count = ::read(pipe_[0], buffer, sizeof buffer);
      REQUIRE(count > 0);
      said_.append(buffer, static_cast<std::size_t>(count));
      if (left.count() <= 0 && count < static_cast<ssize_t>(sizeof buffer)) return;
    }
  }
  [[nodiscard]] const std::string& said() const { return said_; }
  [[nodiscard]] std::size_t size() const { return children_.size(); }

 private:
  fs::path file_;
  int pipe_[2] = {-1, -1};
  std::vector<pid_t> children_;
  std::size_t started_ = 0;
  std::string said_;
};

}  // namespace

TEST_CASE("writers: two and eight, of whom some are killed", "[writers]") {
  std::mt19937 random(20261129);
  for (const std::size_t number : {2U, 8U}) {
    fixture::TempFolder temp;
    const fs::path file = temp.path() / "ledger.db";
    fixture::value(Ledger::create(file, faults::kOrigin));
    const int kills = 20;
    std::string said;
    {
      Writers writers(file, number);
      for (int i = 0; i < kills; ++i) {
        writers.listen(static_cast<int>(10 + random() % 40));
        const std::size_t unlucky = random() % number;
        writers.kill(unlucky);
        writers.start(unlucky);
      }
      writers.listen(500);
      for (std::size_t i = 0; i < number; ++i) writers.kill(i);
      writers.listen(0);
      said = writers.said();
    }
    const Ledger ledger = fixture::value(Ledger::open(file, Ledger::Access::write));
    const auto found = fixture::value(faults::recompute(ledger));  // indices, tree, checkpoints
    CHECK(std::set<std::string>(found.leaves.begin(), found.leaves.end()).size() ==
          found.leaves.size());
    std::istringstream lines(said);
    std::size_t first = 0, count = 0, acknowledged = 0, batches = 0;
    for (std::string name; lines >> first >> name >> count; ++batches) {
      const auto batch = batch_of(name, count);
      CAPTURE(name, first);
      REQUIRE(first + count <= found.leaves.size());
      CHECK(std::equal(batch.begin(), batch.end(),
                       found.leaves.begin() + static_cast<std::ptrdiff_t>(first)));
      acknowledged += count;
    }
    CHECK(batches > static_cast<std::size_t>(kills));
    // What nobody was told of: at most one batch for each who was killed.
    CHECK(found.leaves.size() <= acknowledged + (static_cast<std::size_t>(kills) + number) * 5);
    fmt::print("{} writers, {} killed: {} entries, {} acknowledged\n", number,
               static_cast<std::size_t>(kills) + number, found.leaves.size(), acknowledged);
  }
}

TEST_CASE("writers: a clock that goes backwards", "[writers]") {
  fixture::World world;
  const auto declare = [&](std::string_view time) {
    world.clock.set(fixture::at(time));
    return world.record("role-declaration", fixture::example("role-declaration")).index;
  };
  const auto first = declare("2026-11-24T13:00:00Z");
  CHECK(declare("2026-11-24T12:30:00Z") == first + 1);
  CHECK(declare("2026-11-24T14:00:00Z") == first + 2);
  CHECK(fixture::check(world.workspace).records == first + 3);
  // Said before by the clock's word: the entry counts for nothing twice, and is refused.
  world.clock.set(fixture::at("2026-11-24T12:30:00Z"));
  const std::vector<core::Subject> subject = {audit::named_subject("test", "role-declaration")};
  CHECK(fixture::code(audit::record(world.workspace, "role-declaration",
                                    fixture::example("role-declaration"), subject, world.clock)) ==
        core::ErrorCode::already_exists);
  // Before the key was in office: it is appended, stays, and fsck says that it counts for nothing.
  CHECK(declare("2026-11-24T11:00:00Z") == first + 3);
  const auto report = fixture::check(world.workspace);
  CHECK(report.entries == first + 4);
  CHECK(report.records == first + 3);
  std::size_t warned = 0;
  for (const audit::Finding& finding : report.findings)
    warned += finding.severity == audit::Severity::warning &&
                      finding.place.find(std::to_string(first + 3)) != std::string::npos
                  ? 1U
                  : 0U;
  INFO(fixture::findings_text(report));
  CHECK(warned == 1);
}
