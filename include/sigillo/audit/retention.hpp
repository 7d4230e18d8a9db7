// Retention: how long records have to stay, and from when on a sealed shard may go
// (docs/decisions/0059-pruning.md).
//
// The class that a record states in its leaf ("event", "document") is its kind's. What serves the
// ledger itself has no period of its own: most of it outlives a pruning.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "sigillo/audit/ledger.hpp"
#include "sigillo/audit/record.hpp"
#include "sigillo/core/clock.hpp"

namespace sigillo::audit {

enum class RetentionClass {
  event,     // automatic logs: six months at least
  document,  // technical documentation, declarations: ten years
  kept,      // stays with its proof when its shard is pruned (pruned_shard.hpp)
  shard,     // says something about its shard, and goes with it
};
[[nodiscard]] std::string_view to_string(RetentionClass retention);
[[nodiscard]] RetentionClass retention_class(const RecordKind& kind);

struct RetentionPeriod {
  RetentionClass retention;
  int months;               // of the calendar
  std::string_view source;  // the law
};
// Of event and document.
[[nodiscard]] std::span<const RetentionPeriod> retention_periods();

// A period ends with the last hour (UTC) of the day that has the same date in its last month, or of
// that month's last day if there is no such date: Regulation (EEC, Euratom) No 1182/71, Art.
// 3(2)(c); the day from which it runs is not counted, Art. 3(1). These days come on top: for time
// zones, Saturdays, Sundays and holidays, by which Art. 3(4) may prolong it.
inline constexpr int kRetentionGraceDays = 7;
// The first moment at which what was recorded at `from` need not be kept any longer.
[[nodiscard]] core::Timestamp keep_until(core::Timestamp from, const RetentionPeriod& period);

struct ShardDeadline {
  core::Timestamp until;  // the first moment at which the shard may go
  std::string basis;      // which entry decides, and by which period
};
// shard_deadline reads a sealed shard. Each entry that counts is kept for its class's period, from
// its recorded_at; documents not before ten years after latest_placement, if there is one. What
// cannot be read or does not count under the trust list, and what claims to be older than its
// shard, is kept as a document, from the shard's end. first: the number of its first entry.
// ledger_corrupt if it has no genesis or no end.
[[nodiscard]] core::Result<ShardDeadline> shard_deadline(
    const Ledger& ledger, std::uint64_t first, std::optional<core::Timestamp> latest_placement);

}  // namespace sigillo::audit
