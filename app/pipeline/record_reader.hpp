// RecordReader: from one JSON value given by a user to one ledger leaf.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sigillo/audit/trust.hpp"
#include "sigillo/audit/workspace.hpp"

namespace sigillo::app {

// An envelope that was signed elsewhere is taken as it is; {"kind", "fields"} is signed here. What
// is given must outlive the reader. Not thread-safe.
class RecordReader {
 public:
  RecordReader(const core::Clock& clock, const audit::Workspace& workspace,
               const core::Digest& ledger, const core::PrivateKey& key)
      : clock_(clock), workspace_(workspace), ledger_(ledger), key_(key) {}

  // Not valid as a record, or its signature does not hold under the trusted key named: an Error.
  [[nodiscard]] core::Result<std::string> leaf(std::string_view line);

 private:
  [[nodiscard]] core::Result<std::string> take(std::string_view line);
  [[nodiscard]] core::Result<std::string> sign(const core::Json& value) const;

  const core::Clock& clock_;
  const audit::Workspace& workspace_;
  core::Digest ledger_;
  const core::PrivateKey& key_;
  std::optional<audit::TrustList> trust_;  // made when the first envelope comes
};

// Reads, signs where it is to be signed, and appends one record.
[[nodiscard]] core::Result<audit::Receipt> append_one_record(const audit::Workspace& workspace,
                                                             std::string_view json,
                                                             const core::Clock& clock);

}  // namespace sigillo::app
