#include "app/pipeline/record_intake.hpp"

#include "app/pipeline/record_reader.hpp"
#include "sigillo/audit/committer.hpp"

namespace sigillo::app {
using audit::Ledger;
using core::ErrorCode;
using core::Result;

struct RecordIntake::Opened {
  std::uint64_t shard, first;  // its number, and that of its first entry
  core::Digest ledger;
  core::PrivateKey record_key;
  audit::Committer committer;
  LedgerTrust trust;  // closed before the committer: a writer who closes last folds the WAL away

  static Result<std::shared_ptr<Opened>> open(const audit::Workspace& workspace);
};

Result<std::shared_ptr<RecordIntake::Opened>> RecordIntake::Opened::open(
    const audit::Workspace& workspace) {
  const audit::WorkspaceConfig& config = workspace.config();
  SIGILLO_TRY(Ledger reader, workspace.ledger(Ledger::Access::read));
  SIGILLO_TRY(Ledger writer, workspace.ledger(Ledger::Access::write));
  SIGILLO_TRY_VOID(writer.require_open());  // a sealed one has no key any more
  SIGILLO_TRY(const std::uint64_t first, audit::first_entry(reader, config.shard));
  SIGILLO_TRY(const core::Digest ledger, audit::ledger_id(reader));
  SIGILLO_TRY(core::PrivateKey record_key, workspace.keyring().signing_key(config.record_key));
  SIGILLO_TRY(core::PrivateKey log_key, workspace.keyring().signing_key(config.log_key));
  return std::shared_ptr<Opened>(new Opened{
      config.shard, first, ledger, std::move(record_key),
      audit::Committer(std::move(writer),
                       audit::Committer::Signing{std::move(log_key), workspace.checkpoint_store()}),
      LedgerTrust(std::move(reader), workspace.index_file(config.shard))});
}

Result<std::shared_ptr<RecordIntake::Opened>> RecordIntake::opened() {
  const std::lock_guard lock(mutex_);
  if (opened_ != nullptr) return opened_;
  SIGILLO_TRY(const audit::Workspace now, audit::Workspace::open(workspace_.folder()));
  SIGILLO_TRY(opened_, Opened::open(now));
  return opened_;
}

bool RecordIntake::close_after(const core::Error& error, const std::shared_ptr<Opened>& old) {
  bool rotated = false;
  if (error.code == ErrorCode::locked) {
    const auto now = audit::Workspace::open(workspace_.folder());
    rotated = now.has_value() && now->config().shard != old->shard;
    if (!rotated) return false;  // too many wait, or another process writes: the next may succeed
  }
  // What the disk holds is for whoever opens the ledger anew to find out.
  const std::lock_guard lock(mutex_);
  if (opened_ == old) opened_ = nullptr;
  return rotated;
}

Result<audit::Receipt> RecordIntake::append(std::string_view json) {
  for (bool again = false;; again = true) {
    SIGILLO_TRY(const std::shared_ptr<Opened> at, opened());
    const RecordReader reader(clock_, at->ledger, at->record_key, at->trust);
    SIGILLO_TRY(std::string leaf, reader.leaf(json));
    const audit::Digest hash = audit::leaf_hash(core::as_bytes(leaf));
    auto done = at->committer.add_with_checkpoint(std::move(leaf));
    if (done.has_value())
      return audit::Receipt{at->first + done->index, hash, std::move(done->checkpoint)};
    if (!close_after(done.error(), at) || again) return done.error();
  }
}

}  // namespace sigillo::app
