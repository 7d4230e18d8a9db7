// Erasure: values that commitments hide are deleted for good, and the ledger says so.
//
// The record of an erasure names commitments, a reason and no value. It is appended before anything
// is deleted: a process that is killed between the two leaves a value that fsck tells of, never a
// value that is gone without a word. A legal hold, a record too, forbids erasure until it is
// lifted. Only records of trusted keys count.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sigillo/audit/workspace.hpp"

namespace sigillo::audit {

inline constexpr std::string_view kErasureKind = "erasure";
inline constexpr std::string_view kLegalHoldKind = "legal-hold";

// What the records of a ledger say about erasure. Give it the trusted records in order.
class ErasureHistory {
 public:
  struct Erasure {
    std::uint64_t entry = 0;
    std::string recorded_at, reason;
  };
  struct Hold {
    std::uint64_t entry = 0;
    std::string reason;
  };

  void accept(std::uint64_t index, const Record& record);
  // By commitment in hex: its first erasure.
  [[nodiscard]] const std::map<std::string, Erasure>& erased() const { return erased_; }
  // By name: the holds in force.
  [[nodiscard]] const std::map<std::string, Hold>& holds() const { return holds_; }
  // Erasures that were recorded while a hold was in force: by entry, the hold's name.
  [[nodiscard]] const std::map<std::uint64_t, std::string>& in_spite_of() const {
    return in_spite_of_;
  }

 private:
  std::map<std::string, Erasure> erased_;
  std::map<std::string, Hold> holds_;
  std::map<std::uint64_t, std::string> in_spite_of_;
};

// A commitment in a run's record, and what became of the value behind it.
struct CommittedValue {
  std::string commitment;  // hex
  std::string field;       // such as "user"
  std::uint64_t entry = 0;
  std::string subject;  // of that entry, such as "run_id:0011..."
  bool stored = false;
  std::optional<ErasureHistory::Erasure> erased;
};

// Which values are meant; an absent member means any.
struct ValueSelection {
  std::vector<std::string> commitments;  // hex
  std::optional<std::uint64_t> entry;
  std::string field;
};

// In the order of the ledger. not_found if a commitment is named that no record holds.
[[nodiscard]] core::Result<std::vector<CommittedValue>> committed_values(
    const Workspace& workspace, const ValueSelection& selection);

struct ErasureRequest {
  ValueSelection selection;
  std::string reason;  // 1 to 4096 bytes; published with the ledger: no personal data
  std::string basis;   // the legal basis, such as "GDPR Art. 17(1)(b)"; may be empty
};
struct ErasureResult {
  std::vector<std::uint64_t> entries;  // the records of it; none if all was recorded before
  std::uint64_t values = 0;            // deleted now
};

// Records the erasure of the selected values that are not recorded as erased, then deletes them and
// those that are. All or nothing before the first record: invalid_argument (a hold is in force, or
// nothing is selected), not_found (nothing to erase). Safe to repeat.
[[nodiscard]] core::Result<ErasureResult> erase_values(const Workspace& workspace,
                                                       const ErasureRequest& request,
                                                       const core::Clock& clock);
// Deletes what the ledger says is erased, as after a restore of an older private.db. Gives how many
// values there were.
[[nodiscard]] core::Result<std::uint64_t> erase_again(const Workspace& workspace);

}  // namespace sigillo::audit
