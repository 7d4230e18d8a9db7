#include "app/client/cosigning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/folder_lock.hpp"
#include "sigillo/audit/cosignature.hpp"
#include "sigillo/audit/proof.hpp"
#include "sigillo/audit/witness.hpp"
#include "sigillo/core/files.hpp"
#include "sigillo/core/json.hpp"

namespace sigillo::client {
using audit::NoteVerifier;
using audit::WitnessPolicy;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

constexpr int kMaxRequests = 3;          // a witness
constexpr std::size_t kMaxThreads = 32;  // that wait for witnesses
constexpr std::size_t kMaxQuotedBytes = 200;
constexpr std::size_t kMaxMemoryBytes = std::size_t{1} << 20;

Error hard_stop(const std::string& why) {
  return Error{
      ErrorCode::ledger_corrupt,
      fmt::format("{}; this ledger may have been rolled back, restored from an old backup, "
                  "or rewritten",
                  why),
      "append nothing more and give out nothing of this ledger; compare it with the "
      "checkpoint that the witness holds (GET .../<hex SHA-256 of the origin>/checkpoint) "
      "and with receipts; go on with the copy that fits them. Leave the witness out of the "
      "policy only if it is shown to be wrong (docs/operating/ledger.md)"};
}

// The consistency proofs of one tree; witnesses at the same size share one. Thread-safe.
class SharedProofs {
 public:
  explicit SharedProofs(const SignedTree& tree) : tree_(tree) {}
  // old_size: at most the tree's.
  Result<std::string> request(std::uint64_t old_size) {
    const std::lock_guard lock(mutex_);
    const auto found = bodies_.find(old_size);
    if (found != bodies_.end()) return found->second;
    audit::ConsistencyProof proof{old_size, {}, tree_.note};
    if (old_size > 0) {
      SIGILLO_TRY(proof.path, audit::consistency_path(old_size, tree_.leaf_hashes));
    }
    return bodies_.emplace(old_size, audit::consistency_proof_text(proof)).first->second;
  }

 private:
  const SignedTree& tree_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::string> bodies_;
};

std::optional<std::uint64_t> size_of(const HttpAnswer& answer) {
  std::string_view text = answer.body;
  const std::string_view type(answer.content_type);
  if (type.substr(0, type.find_first_of("; ")) != audit::kSizeMediaType || !text.ends_with('\n'))
    return {};
  text.remove_suffix(1);
  if (text.empty() || text.size() > 19 || (text.size() > 1 && text.front() == '0')) return {};
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return size;
}

// The first line of what a stranger says; the command line escapes what a terminal would obey.
std::string quoted(const HttpAnswer& answer) {
  const std::string line = answer.body.substr(0, std::min(answer.body.find('\n'), kMaxQuotedBytes));
  return fmt::format("it answers {}{}{}", answer.status, line.empty() ? "" : ": ",
                     core::is_utf8(line) ? line : "(no text)");
}

// One witness and what is known of it.
class Asking {
 public:
  Asking(const SignedTree& tree, const WitnessPolicy::Witness& witness, std::uint64_t known_size,
         SharedProofs& proofs, const HttpClient& http, const core::Clock& clock,
         const CosigningOptions& options)
      : tree_(tree),
        witness_(witness),
        known_size_(known_size),
        proofs_(proofs),
        http_(http),
        clock_(clock),
        options_(options) {}

  // An Error is the hard stop.
  Result<WitnessReport> run() {
    if (witness_.url.empty()) return report(WitnessState::no_url, "the policy names no URL for it");
    std::uint64_t old_size = known_size_;
    for (int i = 0; i < kMaxRequests; ++i) {
      SIGILLO_TRY(std::string body, proofs_.request(old_size));
      const auto answer =
          http_({url(), std::move(body), "text/plain; charset=utf-8", options_.timeout});
      if (!answer.has_value()) return report(WitnessState::unreachable, answer.error().message);
      if (answer->status == 200) return take(answer->body);
      if (answer->status == 422 && old_size > 0)
        return hard_stop(
            fmt::format("the witness {} has cosigned another history of this log at "
                        "size {}",
                        witness_.name, old_size));
      if (answer->status != 409) return report(WitnessState::refused, quoted(*answer));
      const auto size = size_of(*answer);
      if (!size.has_value())
        return report(WitnessState::invalid, "it answers 409 and names no size");
      if (*size > tree_.checkpoint.size)
        return hard_stop(
            fmt::format("the witness {} has cosigned size {} of this log, which has {} "
                        "entries",
                        witness_.name, *size, tree_.checkpoint.size));
      if (*size == old_size &&
          *size == 0)  // there is one tree of no entries: it cannot be in the way
        return report(WitnessState::invalid, "it answers 409 and names size 0");
      if (*size == old_size)  // what older witnesses answer instead of 422
        return hard_stop(fmt::format("the witness {} has cosigned another root at size {}",
                                     witness_.name, *size));
      if (*size < known_size_)
        return report(WitnessState::refused,
                      fmt::format("it had cosigned size {} and says {} now: its state was rolled "
                                  "back, and its word is worth nothing until its operator explains",
                                  known_size_, *size));
      old_size = *size;
    }
    return report(WitnessState::refused, "it names another size each time");
  }

 private:
  [[nodiscard]] std::string url() const {
    return witness_.url + (witness_.url.ends_with('/') ? "" : "/") + "add-checkpoint";
  }
  [[nodiscard]] WitnessReport report(WitnessState state, std::string detail) const {
    return {witness_.name, state, std::move(detail), 0, known_size_, ""};
  }

  // The witness's own line, if the whole note holds with what it answered.
  [[nodiscard]] WitnessReport take(const std::string& lines) const {
    const auto note = audit::add_signature_lines(tree_.note, lines);
    if (!note.has_value()) return report(WitnessState::invalid, note.error().message);
    const auto opened = audit::open_note(*note, {tree_.log, witness_.key});
    if (!opened.has_value()) return report(WitnessState::invalid, opened.error().message);
    for (const audit::NoteSigner& signer : opened->signers)
      if (signer.key == witness_.key) return accept(signer);
    return report(WitnessState::invalid, "it answers with no line of its key");
  }

  [[nodiscard]] WitnessReport accept(const audit::NoteSigner& signer) const {
    const std::int64_t now = clock_.now().seconds;
    const auto time = static_cast<std::int64_t>(signer.time.value_or(0));
    const auto skew = static_cast<std::int64_t>(audit::kMaxClockSkewSeconds);
    if (time < now - skew || time > now + skew)
      return report(WitnessState::invalid, fmt::format("its cosignature is of {}, which is not now",
                                                       core::to_rfc3339({time, 0})));
    return {witness_.name,           WitnessState::cosigned, "",
            signer.time.value_or(0), tree_.checkpoint.size,  signer.line};
  }

  const SignedTree& tree_;
  const WitnessPolicy::Witness& witness_;
  std::uint64_t known_size_;
  SharedProofs& proofs_;
  const HttpClient& http_;
  const core::Clock& clock_;
  const CosigningOptions& options_;
};

// Calls use(0) ... use(count - 1), several at a time.
void at_the_same_time(std::size_t count, const std::function<void(std::size_t)>& use) {
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < std::min(count, kMaxThreads); ++i)
    threads.emplace_back([&] {
      for (std::size_t n = next++; n < count; n = next++) use(n);
    });
  for (std::thread& thread : threads) thread.join();
}

std::filesystem::path memory_file(const audit::Workspace& workspace) {
  return workspace.folder() / "witnesses.json";
}

// {"<verifier key>": size}. It saves a request a witness, and tells a rolled-back ledger without
// the network; it is no part of a backup.
// A witness cosigns several logs, and a ledger has a new one after each rotation: by "LOG WITNESS",
// both verifier keys.
using Memory = std::map<std::string, std::uint64_t>;
std::string place_of(const NoteVerifier& log, const NoteVerifier& witness) {
  return fmt::format("{} {}", log.vkey(), witness.vkey());
}
KnownSizes known_of(const Memory& memory, const NoteVerifier& log, const WitnessPolicy& policy) {
  KnownSizes known;
  for (const WitnessPolicy::Witness& witness : policy.witnesses())
    if (const auto found = memory.find(place_of(log, witness.key)); found != memory.end())
      known[witness.key.vkey()] = found->second;
  return known;
}

Result<Memory> remembered(const audit::Workspace& workspace) {
  const auto damaged = [&](const Error& error) {
    return Error{error.code, fmt::format("{}: {}", memory_file(workspace).string(), error.message),
                 "remove the file: the witnesses still know what they cosigned"};
  };
  const auto bytes = core::read_file(memory_file(workspace), kMaxMemoryBytes);
  if (!bytes.has_value() && bytes.error().code == ErrorCode::not_found) return Memory{};
  if (!bytes.has_value()) return bytes.error();
  const auto json = core::parse_json(core::as_text(*bytes));
  if (!json.has_value()) return damaged(json.error());
  if (!json->is_object()) return damaged({ErrorCode::invalid_input, "it is no object", ""});
  Memory sizes;
  for (const auto& [place, size] : json->items()) {
    if (!size.is_number_unsigned())
      return damaged({ErrorCode::invalid_input, "a size is no number", ""});
    // Without the log, as earlier versions wrote it: nobody knows which it is about.
    if (place.find(' ') != std::string::npos) sizes[place] = size.get<std::uint64_t>();
  }
  return sizes;
}

Status remember(const audit::Workspace& workspace, const NoteVerifier& log,
                const WitnessPolicy& policy, Memory sizes,
                const std::vector<WitnessReport>& reports) {
  for (std::size_t i = 0; i < reports.size(); ++i)
    if (reports[i].state == WitnessState::cosigned)
      sizes[place_of(log, policy.witnesses()[i].key)] = reports[i].cosigned_size;
  Json json = Json::object();
  for (const auto& [place, size] : sizes) json[place] = size;
  SIGILLO_TRY(const std::string text, core::canonical_json(json));
  return core::write_file_atomically(memory_file(workspace), core::as_bytes(text + "\n"));
}

// One `log cosign` at a time: another one could show the witnesses a larger tree between our
// checkpoint and their answer, which would look like a ledger that was rolled back.
Result<core::FolderLock> only_one(const audit::Workspace& workspace) {
  return core::FolderLock::try_take(
      workspace.folder(),
      Error{ErrorCode::locked, "another `log cosign` of this workspace is under way",
            "wait until it has ended"});
}

// The checkpoint with the log's line alone: what witnesses are shown.
Result<std::string> without_cosignatures(const std::string& note, const NoteVerifier& log) {
  SIGILLO_TRY(const audit::OpenedNote opened, audit::open_note(note, {log}));
  return fmt::format("{}\n{}", opened.text, opened.signers.front().line);
}

Result<SignedTree> signed_tree(const audit::Ledger& ledger, const NoteVerifier& log,
                               const std::string& stored) {
  SIGILLO_TRY(audit::Checkpoint checkpoint, audit::open_checkpoint(stored, log));
  SIGILLO_TRY(std::string note, without_cosignatures(stored, log));
  std::vector<core::Digest> hashes;
  SIGILLO_TRY_VOID(
      ledger.for_each(0, checkpoint.size, [&](const audit::StoredEntry& entry) -> Status {
        hashes.push_back(audit::leaf_hash(entry.leaf));
        return {};
      }));
  // What is proved to witnesses is what stands in the ledger, not what was signed once.
  if (hashes.size() != checkpoint.size || audit::tree_root(hashes) != checkpoint.root)
    return Error{ErrorCode::ledger_corrupt, "the entries do not give the root of the checkpoint",
                 "run `sigillo log fsck`, keep this file, and restore a good copy"};
  return SignedTree{std::move(note), std::move(checkpoint), log, std::move(hashes)};
}

Status stops_before_asking(const SignedTree& tree, const WitnessPolicy& policy,
                           const KnownSizes& known) {
  for (const WitnessPolicy::Witness& witness : policy.witnesses()) {
    const auto found = known.find(witness.key.vkey());
    if (found != known.end() && found->second > tree.checkpoint.size)
      return hard_stop(
          fmt::format("the witness {} had cosigned size {} of this log before, which "
                      "has {} entries",
                      witness.name, found->second, tree.checkpoint.size));
  }
  return {};
}

Error no_quorum(const WitnessPolicy& policy, const std::vector<WitnessReport>& reports) {
  std::vector<std::string> lines;
  for (const WitnessReport& one : reports)
    lines.push_back(fmt::format("{} {}{}{}", one.witness, to_string(one.state),
                                one.detail.empty() ? "" : ": ", one.detail));
  return Error{
      ErrorCode::not_trusted,
      fmt::format("the quorum \"{}\" of the policy does not hold; nothing was published ({})",
                  policy.quorum(), fmt::join(lines, "; ")),
      "see to the witnesses that did not cosign and run the command again; --fail-open "
      "publishes without a quorum"};
}

}  // namespace

std::string_view to_string(WitnessState state) {
  switch (state) {
    case WitnessState::cosigned:
      return "cosigned";
    case WitnessState::refused:
      return "refused";
    case WitnessState::invalid:
      return "invalid";
    case WitnessState::unreachable:
      return "unreachable";
    case WitnessState::no_url:
      return "no-url";
  }
  return "";
}

Result<std::vector<WitnessReport>> ask_witnesses(const SignedTree& tree,
                                                 const WitnessPolicy& policy,
                                                 const KnownSizes& known, const HttpClient& http,
                                                 const core::Clock& clock,
                                                 const CosigningOptions& options) {
  SIGILLO_TRY_VOID(stops_before_asking(tree, policy, known));
  SharedProofs proofs(tree);
  std::vector<std::optional<Result<WitnessReport>>> answers(policy.witnesses().size());
  at_the_same_time(answers.size(), [&](std::size_t n) {
    const WitnessPolicy::Witness& witness = policy.witnesses()[n];
    const auto size = known.find(witness.key.vkey());
    answers[n] =
        Asking(tree, witness, size == known.end() ? 0 : size->second, proofs, http, clock, options)
            .run();
  });
  std::vector<WitnessReport> reports;
  for (auto& answer : answers) {
    SIGILLO_TRY(WitnessReport one, *std::move(answer));
    reports.push_back(std::move(one));
  }
  return reports;
}

Result<Cosigning> cosign_ledger(const audit::Workspace& workspace, const WitnessPolicy& policy,
                                const HttpClient& http, const core::Clock& clock,
                                const CosigningOptions& options) {
  for (const WitnessPolicy::Witness& witness : policy.witnesses())
    if (!witness.url.empty()) {
      const Status url = check_http_url(witness.url);
      if (!url.has_value()) return url.error().in(fmt::format("witness {}", witness.name));
    }
  SIGILLO_TRY(const core::FolderLock lock, only_one(workspace));
  SIGILLO_TRY(audit::Ledger ledger, workspace.ledger(audit::Ledger::Access::write));
  SIGILLO_TRY(const core::PrivateKey key,
              workspace.keyring().signing_key(workspace.config().log_key));
  SIGILLO_TRY(const NoteVerifier log, NoteVerifier::create(ledger.origin(), key.public_key()));
  SIGILLO_TRY(const audit::CheckpointTrust trust, audit::trust_policy(policy, log, clock.now()));
  SIGILLO_TRY(Memory memory, remembered(workspace));

  SIGILLO_TRY(std::string note, ledger.publish(key, workspace.checkpoint_store()));
  SIGILLO_TRY(const SignedTree tree, signed_tree(ledger, log, note));
  SIGILLO_TRY(std::vector<WitnessReport> reports,
              ask_witnesses(tree, policy, known_of(memory, log, policy), http, clock, options));
  SIGILLO_TRY_VOID(remember(workspace, log, policy, std::move(memory), reports));

  // Lines of an earlier run count, too: the checkpoint is the same.
  std::string lines;
  for (const WitnessReport& one : reports) lines += one.line;
  if (!lines.empty()) {
    SIGILLO_TRY(note, audit::add_signature_lines(note, lines));
  }
  const auto trusted = audit::open_trusted_checkpoint(note, trust);
  if (!trusted.has_value() && trusted.error().code != ErrorCode::not_trusted)
    return trusted.error().in("the stored checkpoint");
  if (!trusted.has_value() && !options.fail_open) return no_quorum(policy, reports);
  if (!lines.empty()) {
    std::vector<NoteVerifier> witnesses;
    for (const WitnessPolicy::Witness& witness : policy.witnesses())
      witnesses.push_back(witness.key);
    SIGILLO_TRY(note, ledger.add_cosignatures(tree.checkpoint.size, lines, witnesses));
  }
  return Cosigning{std::move(note), tree.checkpoint, trusted.has_value(), std::move(reports)};
}

}  // namespace sigillo::client
