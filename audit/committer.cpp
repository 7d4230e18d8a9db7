#include "sigillo/audit/committer.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "sigillo/audit/record.hpp"

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Result;

namespace {

// What the disk holds is not known any more.
bool is_final(const Error& error) {
  return error.code == ErrorCode::io_error || error.code == ErrorCode::ledger_corrupt;
}

}  // namespace

struct Committer::Impl {
  struct Waiting {
    std::string leaf;
    CommitAnswer answer;
    bool wants_checkpoint = false;
  };

  Impl(Ledger l, std::optional<Signing> s, const CommitterOptions& o)
      : ledger(std::move(l)), signing(std::move(s)), options(o), thread([this] { work(); }) {}
  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    some_wait.notify_one();
    thread.join();
  }

  void add(Waiting one) {
    if (auto refusal = enqueue(one)) one.answer(*std::move(refusal));
  }
  // The refusal, and `one` is left as it was; or nothing.
  std::optional<Error> enqueue(Waiting& one);
  Result<Committed> wait_for(std::string leaf, bool wants_checkpoint);

  void work();
  std::vector<Waiting> take();  // empty: it is to end
  void commit(std::vector<Waiting> batch);
  Result<std::uint64_t> append(const std::vector<std::string>& leaves);
  // Who wants a checkpoint waits for it; the others are answered.
  void answer_durable(std::vector<Waiting>& batch, std::uint64_t first);
  void answer_covered(std::vector<Waiting>& batch, std::uint64_t first);
  Result<std::string> sign();
  void note_failure(const Error& error);
  static void refuse(std::vector<Waiting>& batch, const Error& error);

  Ledger ledger;  // the thread's
  std::optional<Signing> signing;
  CommitterOptions options;

  std::mutex mutex;  // guards what follows
  std::condition_variable some_wait;
  std::vector<Waiting> waiting;
  std::size_t waiting_bytes = 0;
  std::optional<Error> broken;
  bool ending = false;

  std::thread thread;  // last: it uses all of the above
};

std::optional<Error> Committer::Impl::enqueue(Waiting& one) {
  if (one.leaf.empty() || one.leaf.size() > kMaxLeafBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("an entry has 1 to {} bytes, not {}", kMaxLeafBytes, one.leaf.size()),
                 ""};
  if (one.wants_checkpoint && !signing.has_value())
    return Error{ErrorCode::key_missing, "no checkpoint can be signed here: there is no log key",
                 "add the entry without one"};
  bool wakes = false;
  {
    const std::lock_guard lock(mutex);
    if (broken.has_value()) return broken;
    if (waiting.size() >= options.max_waiting ||
        waiting_bytes + one.leaf.size() > options.max_waiting_bytes)
      return Error{ErrorCode::locked,
                   fmt::format("{} entries wait for the disk already", waiting.size()),
                   "try again in a moment"};
    wakes = waiting.empty();
    waiting_bytes += one.leaf.size();
    waiting.push_back(std::move(one));
  }
  if (wakes) some_wait.notify_one();
  return std::nullopt;
}

Result<Committed> Committer::Impl::wait_for(std::string leaf, bool wants_checkpoint) {
  // Shared: who waits may be gone before set_value has returned.
  auto promise = std::make_shared<std::promise<Result<Committed>>>();
  auto answer = promise->get_future();
  add({std::move(leaf),
       [promise](Result<Committed> result) { promise->set_value(std::move(result)); },
       wants_checkpoint});
  return answer.get();
}

std::vector<Committer::Impl::Waiting> Committer::Impl::take() {
  std::unique_lock lock(mutex);
  some_wait.wait(lock, [&] { return !waiting.empty() || ending; });
  std::vector<Waiting> batch;
  if (waiting.size() <= kMaxBatch) {
    batch.swap(waiting);
    waiting_bytes = 0;
    return batch;
  }
  const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(kMaxBatch);
  std::move(waiting.begin(), end, std::back_inserter(batch));
  waiting.erase(waiting.begin(), end);
  for (const Waiting& one : batch) waiting_bytes -= one.leaf.size();
  return batch;
}

void Committer::Impl::work() {
  for (std::vector<Waiting> batch = take(); !batch.empty(); batch = take())
    commit(std::move(batch));
}

void Committer::Impl::refuse(std::vector<Waiting>& batch, const Error& error) {
  for (Waiting& one : batch)
    if (one.answer) one.answer(error);
}

void Committer::Impl::note_failure(const Error& error) {
  if (!is_final(error)) return;
  const std::lock_guard lock(mutex);
  broken = error;
}

void Committer::Impl::commit(std::vector<Waiting> batch) {
  // Not under the lock: an answer may add again.
  const std::optional<Error> failed = [&] {
    const std::lock_guard lock(mutex);
    return broken;
  }();
  if (failed.has_value()) return refuse(batch, *failed);
  std::vector<std::string> leaves;
  leaves.reserve(batch.size());
  for (Waiting& one : batch) leaves.push_back(std::move(one.leaf));
  const auto first = append(leaves);
  if (!first.has_value()) {
    note_failure(first.error());
    return refuse(batch, first.error());
  }
  answer_durable(batch, *first);
  answer_covered(batch, *first);
}

Result<std::uint64_t> Committer::Impl::append(const std::vector<std::string>& leaves) {
  if (signing.has_value()) {
    SIGILLO_TRY(const NoteVerifier log,
                NoteVerifier::create(ledger.origin(), signing->log_key.public_key()));
    SIGILLO_TRY_VOID(ledger.require_newest(log, signing->signed_before));
  }
  return ledger.append(leaves);
}

void Committer::Impl::answer_durable(std::vector<Waiting>& batch, std::uint64_t first) {
  for (std::size_t i = 0; i < batch.size(); ++i)
    if (!batch[i].wants_checkpoint) std::exchange(batch[i].answer, {})(Committed{first + i, {}});
}

Result<std::string> Committer::Impl::sign() {
  auto note = ledger.publish(signing->log_key, signing->signed_before);
  if (note.has_value()) return note;
  note_failure(note.error());
  return note.error().in("the entry is in the ledger, but no checkpoint could be signed");
}

void Committer::Impl::answer_covered(std::vector<Waiting>& batch, std::uint64_t first) {
  std::optional<Result<std::string>> note;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!batch[i].wants_checkpoint) continue;
    if (!note.has_value()) note = sign();
    if (note->has_value()) batch[i].answer(Committed{first + i, note->value()});
    else batch[i].answer(note->error());
  }
}

Committer::Committer(Ledger ledger, std::optional<Signing> signing, const CommitterOptions& options)
    : impl_(std::make_unique<Impl>(std::move(ledger), std::move(signing), options)) {}
Committer::~Committer() = default;

Result<Committed> Committer::add(std::string leaf) {
  return impl_->wait_for(std::move(leaf), false);
}

Result<Committed> Committer::add_with_checkpoint(std::string leaf) {
  return impl_->wait_for(std::move(leaf), true);
}

void Committer::add(std::string leaf, CommitAnswer answer) {
  impl_->add({std::move(leaf), std::move(answer), false});
}

}  // namespace sigillo::audit
