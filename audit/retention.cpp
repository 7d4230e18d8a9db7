#include "sigillo/audit/retention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "sigillo/audit/handover.hpp"
#include "sigillo/audit/trust.hpp"

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;
using core::Timestamp;

namespace {

constexpr std::int64_t kDay = 86400;

constexpr std::array kPeriods = {
    RetentionPeriod{RetentionClass::event, 6, "Regulation (EU) 2024/1689, Art. 19(1) and 26(6)"},
    RetentionPeriod{RetentionClass::document, 120, "Regulation (EU) 2024/1689, Art. 18(1)"},
};

struct Exception {
  std::string_view kind;
  RetentionClass retention;
};
// All other kinds: what their leaf says.
constexpr std::array kExceptions = {
    // Who may speak, how shards follow one another, and what was done to what others recorded: none
    // of it is documentation of a system, and without it what remains could not be judged.
    Exception{"genesis", RetentionClass::kept},
    Exception{"trust-list", RetentionClass::kept},
    Exception{"shard-start", RetentionClass::kept},
    Exception{"shard-end", RetentionClass::kept},
    Exception{"shard-pruned", RetentionClass::kept},
    Exception{"ledger-restored", RetentionClass::kept},
    Exception{"erasure", RetentionClass::kept},
    Exception{"legal-hold", RetentionClass::kept},
    // When the others were sealed: nothing without them.
    Exception{"time-stamp", RetentionClass::shard},
};

const RetentionPeriod& period_of(RetentionClass retention) {
  const auto found = std::find_if(kPeriods.begin(), kPeriods.end(),
                                  [&](const auto& one) { return one.retention == retention; });
  SIGILLO_CHECK(found != kPeriods.end());
  return *found;
}

Result<Timestamp> recorded_at(const Ledger& ledger, std::uint64_t index, std::string_view kind) {
  SIGILLO_TRY(const std::string leaf, ledger.leaf(index));
  const auto record = read_record(leaf);
  if (record.has_value() && record->kind->name == kind)
    return core::timestamp_from_rfc3339(record->recorded_at);
  return Error{ErrorCode::ledger_corrupt,
               fmt::format("entry {} of {} is no {}", index, ledger.origin(), kind),
               "`sigillo log fsck` says what is wrong; keep this workspace as evidence"};
}

// The latest of the deadlines.
class Deadline {
 public:
  Deadline(Timestamp begin, Timestamp end, std::optional<Timestamp> placement)
      : begin_(begin),
        end_(end),
        placement_(placement),
        latest_{end, "nothing in it had to be kept beyond its end"} {}

  void unknown(std::uint64_t number, std::string_view what) {
    extend(period_of(RetentionClass::document), std::max(end_, placement_.value_or(end_)),
           fmt::format("entry {} {}: kept as a document", number, what));
  }
  void known(std::uint64_t number, const Record& record) {
    const RetentionClass retention = retention_class(*record.kind);
    if (retention != RetentionClass::event && retention != RetentionClass::document) return;
    const auto time = core::timestamp_from_rfc3339(record.recorded_at);
    SIGILLO_CHECK(time.has_value());  // read_record has seen to it
    if (*time < begin_) return unknown(number, "claims to be older than its shard");
    const bool placed =
        retention == RetentionClass::document && placement_.has_value() && *time < *placement_;
    extend(period_of(retention), placed ? *placement_ : *time,
           fmt::format("entry {} ({}), {}", number, record.kind->name,
                       placed ? "from the latest placement on" : "from its recording on"));
  }
  [[nodiscard]] const ShardDeadline& latest() const { return latest_; }

 private:
  void extend(const RetentionPeriod& period, Timestamp from, const std::string& why) {
    const Timestamp until = keep_until(from, period);
    if (until <= latest_.until) return;
    latest_ = {until, fmt::format("{}, {} {} ({})", why,
                                  period.months % 12 == 0 ? period.months / 12 : period.months,
                                  period.months % 12 == 0 ? "years" : "months", period.source)};
  }
  Timestamp begin_, end_;
  std::optional<Timestamp> placement_;
  ShardDeadline latest_;
};

}  // namespace

std::string_view to_string(RetentionClass retention) {
  switch (retention) {
    case RetentionClass::event:
      return "event";
    case RetentionClass::document:
      return "document";
    case RetentionClass::kept:
      return "kept";
    case RetentionClass::shard:
      break;
  }
  return "shard";
}

RetentionClass retention_class(const RecordKind& kind) {
  const auto found = std::find_if(kExceptions.begin(), kExceptions.end(),
                                  [&](const auto& one) { return one.kind == kind.name; });
  if (found != kExceptions.end()) return found->retention;
  return kind.retention == Retention::event ? RetentionClass::event : RetentionClass::document;
}

std::span<const RetentionPeriod> retention_periods() { return kPeriods; }

Timestamp keep_until(Timestamp from, const RetentionPeriod& period) {
  using std::chrono::days;
  using std::chrono::sys_days;
  using std::chrono::year_month_day;
  const std::int64_t day = from.seconds - ((from.seconds % kDay) + kDay) % kDay;
  year_month_day last =
      year_month_day{sys_days{days{day / kDay}}} + std::chrono::months{period.months};
  if (!last.ok()) last = last.year() / last.month() / std::chrono::last;
  const auto end = sys_days{last} + days{1 + kRetentionGraceDays};
  return {std::int64_t{end.time_since_epoch().count()} * kDay, 0};
}

Result<ShardDeadline> shard_deadline(const Ledger& ledger, std::uint64_t first,
                                     std::optional<Timestamp> latest_placement) {
  SIGILLO_TRY(const LedgerHead head, ledger.head());
  SIGILLO_TRY(const Timestamp begin, recorded_at(ledger, 0, "genesis"));
  SIGILLO_TRY(const Timestamp end, recorded_at(ledger, head.size - 1, kShardEndKind));
  Deadline deadline(begin, end, latest_placement);
  TrustList trust(first);
  SIGILLO_TRY_VOID(ledger.for_each(0, head.size, [&](const StoredEntry& entry) -> Status {
    const std::uint64_t number = first + entry.index;
    const auto record = read_record(core::as_text(entry.leaf));
    if (!record.has_value()) deadline.unknown(number, "cannot be read");
    else if (!trust.accept(number, *record).has_value())
      deadline.unknown(number, "counts for nothing");
    else deadline.known(number, *record);
    return {};
  }));
  return deadline.latest();
}

}  // namespace sigillo::audit
