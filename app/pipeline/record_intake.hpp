// RecordIntake: takes records from many callers at once, for as long as a server runs. Who waits
// shares a transaction and a checkpoint (audit/committer.hpp).
#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "sigillo/audit/workspace.hpp"

namespace sigillo::app {

// Thread-safe. What it is given must outlive it. Keys and ledger are opened by the first record,
// and anew after a rotation or a failure of the disk.
class RecordIntake {
 public:
  RecordIntake(const audit::Workspace& workspace, const core::Clock& clock)
      : workspace_(workspace), clock_(clock) {}

  // Reads, signs where it is to be signed (record_reader.hpp), and appends one record to the
  // current shard; returns when a stored checkpoint covers it. locked if too many wait.
  [[nodiscard]] core::Result<audit::Receipt> append(std::string_view json);

 private:
  struct Opened;  // one shard: its keys, trust list and committer
  [[nodiscard]] core::Result<std::shared_ptr<Opened>> opened();
  // Whether it is to be tried once more, now that the old one is closed.
  [[nodiscard]] bool close_after(const core::Error& error, const std::shared_ptr<Opened>& old);

  const audit::Workspace& workspace_;
  const core::Clock& clock_;
  std::mutex mutex_;  // guards opened_
  std::shared_ptr<Opened> opened_;
};

}  // namespace sigillo::app
