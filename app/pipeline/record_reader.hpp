// RecordReader: from one JSON value given by a user to one ledger leaf.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "sigillo/audit/trust.hpp"
#include "sigillo/audit/workspace.hpp"

namespace sigillo::app {

// The trust list at the end of a ledger that grows. Thread-safe.
class LedgerTrust {
 public:
  // index: the ledger's (Workspace::index_file); a long ledger is not read for its few trust lists.
  LedgerTrust(audit::Ledger ledger, std::filesystem::path index)
      : ledger_(std::move(ledger)), index_(std::move(index)) {}
  // An Error if the record names a trusted key under which its signature does not hold: that would
  // be damage in the ledger for ever. One that nobody here may sign is only worthless, and fsck
  // says so.
  [[nodiscard]] core::Status check(const audit::Record& record);

 private:
  [[nodiscard]] core::Result<std::shared_ptr<const audit::TrustList>> now();
  [[nodiscard]] core::Status catch_up(std::uint64_t size);
  void take(std::uint64_t index, const audit::Record& record);
  std::mutex mutex_;
  audit::Ledger ledger_;
  std::filesystem::path index_;
  std::uint64_t seen_ = 0;  // entries
  std::shared_ptr<const audit::TrustList> trust_ = std::make_shared<audit::TrustList>();
};

// An envelope that was signed elsewhere is taken as it is; {"kind", "fields"} is signed here. What
// is given must outlive the reader. Thread-safe.
class RecordReader {
 public:
  RecordReader(const core::Clock& clock, const core::Digest& ledger, const core::PrivateKey& key,
               LedgerTrust& trust)
      : clock_(clock), ledger_(ledger), key_(key), trust_(trust) {}

  // Not valid as a record, or its signature does not hold under the trusted key named: an Error.
  [[nodiscard]] core::Result<std::string> leaf(std::string_view line) const;

 private:
  [[nodiscard]] core::Result<std::string> take(std::string_view line) const;
  [[nodiscard]] core::Result<std::string> sign(const core::Json& value) const;

  const core::Clock& clock_;
  core::Digest ledger_;
  const core::PrivateKey& key_;
  LedgerTrust& trust_;
};

}  // namespace sigillo::app
