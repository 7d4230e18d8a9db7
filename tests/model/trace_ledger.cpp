// Drives a ledger from several processes, kills some of them, and writes down what can be seen from
// outside: one JSON object a line, in the order of events. replay.py judges the trace by the rules
// of ledger.pml.
//
// A call is written down before it is made, and its answer after it came. "killing" stands before a
// signal is sent and "killed" after the process is gone. Exit code: 0 or
// 1.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "sigillo/audit/committer.hpp"
#include "sigillo/audit/proof.hpp"
#include "sigillo/audit/tile_folder.hpp"
#include "sigillo/audit/witness.hpp"
#include "sigillo/core/json.hpp"

namespace {

namespace fs = std::filesystem;
namespace audit = sigillo::audit;
namespace core = sigillo::core;
using core::Json;

constexpr std::string_view kOrigin = "example.com/trace";

[[noreturn]] void give_up(std::string_view what, const core::Error& error) {
  fmt::print(stderr, "trace_ledger: {}: {}\n", what, error.message);
  ::_exit(1);
}

template <class T>
T value(core::Result<T> result, std::string_view what) {
  if (!result.has_value()) give_up(what, result.error());
  return *std::move(result);
}

core::PrivateKey log_key() {
  return value(core::PrivateKey::from_ed25519_seed(core::Bytes(32, 7)), "key");
}
audit::NoteVerifier log_verifier() {
  return value(audit::NoteVerifier::create(kOrigin, log_key().public_key()), "verifier");
}

// Lines of several processes, each written at once.
class Trace {
 public:
  explicit Trace(const fs::path& file)
      : file_(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {}
  void line(const Json& event) const {
    const std::string text = event.dump() + "\n";
    if (::write(file_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::_exit(1);
  }

 private:
  int file_;
};

Json tree_of(Json event, const audit::Checkpoint& checkpoint) {
  event["size"] = checkpoint.size;
  event["root"] = checkpoint.root.hex();
  return event;
}

struct Place {
  fs::path folder;
  [[nodiscard]] fs::path ledger() const { return folder / "ledger.db"; }
  [[nodiscard]] fs::path store() const { return folder / "signed"; }
  [[nodiscard]] fs::path tiles() const { return folder / "tiles"; }
  [[nodiscard]] fs::path witness() const { return folder / "witness"; }
};

audit::Ledger open_ledger(const Place& place) {
  return value(audit::Ledger::open(place.ledger(), audit::Ledger::Access::write), "open");
}

std::string leaf_of(int entry) { return fmt::format("entry-{}", entry); }

// One process that uses the ledger.
class Agent {
 public:
  Agent(const Place& place, const Trace& trace, int number, unsigned seed)
      : place_(place), trace_(trace), number_(number), random_(seed), ledger_(open_ledger(place)) {}

  void add(const std::vector<int>& entries) {
    pause();
    std::vector<std::string> leaves;
    for (const int entry : entries) leaves.push_back(leaf_of(entry));
    say("add", {{"entries", entries}});
    const auto first = ledger_.append(leaves);
    if (!first.has_value()) return say("add-failed", {{"error", first.error().message}});
    for (std::size_t i = 0; i < entries.size(); ++i)
      say("acknowledged", {{"entry", entries[i]}, {"index", *first + i}});
  }

  // Each entry by a caller of its own, who all use one committer.
  void offer(const std::vector<int>& entries) {
    audit::Committer committer(open_ledger(place_));
    std::vector<std::thread> callers;
    for (const int entry : entries)
      callers.emplace_back([&, entry] {
        say("offer", {{"entry", entry}});
        const auto committed = committer.add(leaf_of(entry));
        if (committed.has_value())
          say("acknowledged", {{"entry", entry}, {"index", committed->index}});
      });
    for (std::thread& caller : callers) caller.join();
  }

  void publish() {
    pause();
    say("publish", {});
    const auto note = ledger_.publish(log_key(), audit::CheckpointStore(place_.store()));
    if (!note.has_value()) return say("not-published", {{"error", note.error().message}});
    note_ = *note;
    checkpoint_ = value(audit::open_checkpoint(note_, log_verifier()), "checkpoint");
    trace_.line(tree_of({{"event", "published"}, {"agent", number_}}, checkpoint_));
  }

  void export_tiles() {
    if (checkpoint_.size == 0) return;  // a ledger that `init` made is never empty
    pause();
    say("export", {});
    auto done = audit::export_tiles(ledger_, log_verifier(), place_.tiles());
    while (!done.has_value() && done.error().code == core::ErrorCode::locked) {
      pause();
      done = audit::export_tiles(ledger_, log_verifier(), place_.tiles());
    }
    if (!done.has_value()) return say("not-exported", {{"error", done.error().message}});
    trace_.line(tree_of({{"event", "exported"}, {"agent", number_}}, done->checkpoint));
  }

  // What it has published last, first as to a witness that knows nothing, then as that one says.
  void cosign() {
    if (note_.empty()) return;
    pause();
    auto witness = value(audit::Witness::open(place_.witness()), "witness");
    std::uint64_t old_size = 0;
    const audit::WitnessAnswer answer = ask(witness, old_size);
    if (answer.status != 409) return;
    const char* const end = answer.body.data() + answer.body.size();
    std::from_chars(answer.body.data(), end, old_size);
    if (old_size <= checkpoint_.size) ask(witness, old_size);
  }

 private:
  void say(std::string_view event, Json more) const {
    more["event"] = event;
    more["agent"] = number_;
    trace_.line(more);
  }
  void pause() { ::usleep(static_cast<useconds_t>(random_() % 2000)); }

  audit::WitnessAnswer ask(audit::Witness& witness, std::uint64_t old_size) {
    audit::ConsistencyProof proof{old_size, {}, note_};
    if (old_size > 0) {
      std::vector<core::Digest> hashes;
      const auto read = ledger_.for_each(0, checkpoint_.size,
                                         [&](const audit::StoredEntry& entry) -> core::Status {
                                           hashes.push_back(audit::leaf_hash(entry.leaf));
                                           return {};
                                         });
      if (!read.has_value()) give_up("read", read.error());
      proof.path = value(audit::consistency_path(old_size, hashes), "proof");
    }
    Json event{{"event", "ask"}, {"agent", number_}, {"old", old_size}};
    trace_.line(tree_of(std::move(event), checkpoint_));
    auto answer = value(
        witness.add_checkpoint(audit::consistency_proof_text(proof), core::SystemClock().now()),
        "witness");
    say("answer", {{"status", answer.status}});
    return answer;
  }

  const Place& place_;
  const Trace& trace_;
  int number_;
  std::minstd_rand random_;
  audit::Ledger ledger_;
  std::string note_;
  audit::Checkpoint checkpoint_;
};

class Round {
 public:
  Round(Place place, const Trace& trace, unsigned seed)
      : place_(std::move(place)), trace_(trace), random_(seed) {
    fs::create_directories(place_.folder);
    value(audit::Ledger::create(place_.ledger(), kOrigin), "create");
    core::SystemEntropy entropy;
    const auto made =
        audit::Witness::init(place_.witness(), "example.com/witness", entropy, core::SystemClock());
    if (!made.has_value()) give_up("witness", made.error());
    auto witness = value(audit::Witness::open(place_.witness()), "witness");
    if (const auto status = witness.add_log(log_verifier()); !status.has_value())
      give_up("witness", status.error());
    trace_.line({{"event", "round"}});
  }

  // Three agents at a time, of which some are killed; then one that finds what they left.
  void crowd() {
    start(0, [](Agent& agent) {
      agent.offer({1, 2});
      agent.publish();
      agent.export_tiles();
    });
    start(1, [](Agent& agent) {
      agent.add({3});
      agent.publish();
      agent.cosign();
      agent.add({4});
      agent.publish();
    });
    start(2, [](Agent& agent) {
      agent.publish();
      agent.export_tiles();
      agent.add({5});
      agent.publish();
      agent.cosign();
    });
    for (int agent = 0; agent < 3; ++agent)
      if (random_() % 3 != 0) {
        ::usleep(static_cast<useconds_t>(random_() % 6000));
        end(agent, true);
      }
    for (int agent = 0; agent < 3; ++agent)
      if (children_[agent] != 0) end(agent, false);
  }
  void alone(int entry) {
    start(0, [entry](Agent& agent) {
      agent.add({entry});
      agent.publish();
      agent.export_tiles();
      agent.cosign();
    });
    end(0, false);
  }

  void back_up() const {
    const audit::Ledger ledger = open_ledger(place_);
    if (const auto copied = ledger.copy_to(place_.folder / "copy.db"); !copied.has_value())
      give_up("copy", copied.error());
    fs::remove_all(place_.folder / "copy-of-store");
    if (fs::exists(place_.store())) fs::copy(place_.store(), place_.folder / "copy-of-store");
    trace_.line(state("backup", ledger));
  }
  void restore(bool store) const {
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(place_.ledger().string() + suffix);
    fs::copy_file(place_.folder / "copy.db", place_.ledger());
    if (const auto wal = open_ledger(place_).use_wal(); !wal.has_value())
      give_up("wal", wal.error());
    if (store) {
      fs::remove_all(place_.store());
      if (fs::exists(place_.folder / "copy-of-store"))
        fs::copy(place_.folder / "copy-of-store", place_.store());
    }
    trace_.line({{"event", "restored"}});
  }
  void read() const { trace_.line(state("read", open_ledger(place_))); }

 private:
  template <class Script>
  void start(int number, const Script& script) {
    const unsigned seed = static_cast<unsigned>(random_());
    const pid_t child = ::fork();
    if (child < 0) ::_exit(1);
    if (child == 0) {
      Agent agent(place_, trace_, number, seed);
      script(agent);
      ::_exit(0);
    }
    children_[number] = child;
  }
  void end(int number, bool kill) {
    int status = 0;
    if (kill) {
      trace_.line({{"event", "killing"}, {"agent", number}});
      ::kill(children_[number], SIGKILL);
    }
    ::waitpid(children_[number], &status, 0);
    if (kill) trace_.line({{"event", "killed"}, {"agent", number}});
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) ::exit(1);
    children_[number] = 0;
  }
  static Json state(std::string_view event, const audit::Ledger& ledger) {
    const auto head = value(ledger.head(), "head");
    Json line = tree_of({{"event", event}}, {std::string(kOrigin), head.size, head.root});
    audit::Checkpoint latest{std::string(kOrigin), 0, audit::CompactRange().root()};
    const auto note = ledger.latest_checkpoint();
    if (note.has_value()) latest = value(audit::open_checkpoint(*note, log_verifier()), "latest");
    line["checkpoint"] = tree_of(Json::object(), latest);
    return line;
  }

  Place place_;
  const Trace& trace_;
  std::minstd_rand random_;
  pid_t children_[3] = {};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: trace_ledger FOLDER ROUNDS SEED kills|restore|restore-all\n");
    return 1;
  }
  const fs::path folder = argv[1];
  const std::string mode = argv[4];
  const Trace trace(folder / "trace.jsonl");
  const int rounds = std::stoi(argv[2]);
  for (int n = 0; n < rounds; ++n) {
    const Place place{folder / std::to_string(n)};
    Round round(place, trace, static_cast<unsigned>(std::stoi(argv[3]) + n));
    round.crowd();
    if (mode == "kills") {
      round.alone(6);
    } else {
      // An old copy, or the newest one.
      if (n % 2 == 0) round.back_up();
      round.alone(6);
      if (n % 2 == 1) round.back_up();
      round.restore(mode == "restore-all");
      round.alone(7);
    }
    round.read();
    fs::remove_all(place.folder);
  }
  return 0;
}
