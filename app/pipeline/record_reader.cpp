#include "app/pipeline/record_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sigillo/audit/entry_index.hpp"

namespace sigillo::app {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

// Only genesis and trust lists are taken over: the other records change nobody's trust, and
// verifying each of them again would cost more than the record that is asked about.
constexpr std::array<std::string_view, 2> kKindsOfTrust{"genesis", "trust-list"};
// So many entries are read faster than the index is opened.
constexpr std::uint64_t kReadAtOnce = 1024;

void LedgerTrust::take(std::uint64_t index, const audit::Record& record) {
  if (std::ranges::find(kKindsOfTrust, record.kind->name) == kKindsOfTrust.end()) return;
  auto next = std::make_shared<audit::TrustList>(*trust_);
  if (next->accept(index, record).has_value()) trust_ = std::move(next);
}

Status LedgerTrust::catch_up(std::uint64_t size) {
  if (size - seen_ <= kReadAtOnce)
    return ledger_.for_each(seen_, size, [&](const audit::StoredEntry& entry) -> Status {
      const auto record = audit::read_record(core::as_text(entry.leaf));
      if (record.has_value()) take(entry.index, *record);
      return {};
    });
  SIGILLO_TRY(const audit::EntryIndex index, audit::EntryIndex::open(index_, ledger_));
  for (const std::string_view kind : kKindsOfTrust) {
    audit::EntryQuery query;
    query.kind = kind;
    SIGILLO_TRY_VOID(
        index.find(ledger_, query, [&](std::uint64_t entry, const audit::Record& record) -> Status {
          if (entry >= seen_ && entry < size) take(entry, record);
          return {};
        }));
  }
  return {};
}

Result<std::shared_ptr<const audit::TrustList>> LedgerTrust::now() {
  const std::lock_guard lock(mutex_);
  SIGILLO_TRY(const audit::LedgerHead head, ledger_.head());
  SIGILLO_TRY_VOID(catch_up(head.size));
  seen_ = head.size;
  return trust_;
}

Status LedgerTrust::check(const audit::Record& record) {
  SIGILLO_TRY(const std::shared_ptr<const audit::TrustList> trust, now());
  const auto actor = trust->judge(record);
  if (actor.has_value() || actor.error().code == ErrorCode::not_trusted) return {};
  return Error{actor.error().code, "the envelope's signature does not hold under the key named",
               "get the original envelope again"};
}

Result<std::string> RecordReader::leaf(std::string_view line) const {
  SIGILLO_TRY(const Json value, core::parse_json(line));
  return value.is_object() && value.contains("payloadType") ? take(line) : sign(value);
}

Result<std::string> RecordReader::take(std::string_view line) const {
  SIGILLO_TRY(const core::Envelope envelope, core::parse_envelope(line));
  SIGILLO_TRY(std::string leaf, core::envelope_bytes(envelope));
  SIGILLO_TRY(const audit::Record record, audit::read_record(leaf));
  SIGILLO_TRY_VOID(trust_.check(record));
  return leaf;
}

Result<std::string> RecordReader::sign(const Json& value) const {
  SIGILLO_TRY(const std::string name, core::json_string(value, "kind", "record"));
  SIGILLO_TRY(const Json fields, core::json_member(value, "fields", "record"));
  if (value.size() != 2)
    return Error{ErrorCode::invalid_input, "a record has the members kind and fields, no others",
                 "what is to be recorded belongs into fields"};
  const audit::RecordKind* kind = audit::find_record_kind(name);
  if (kind == nullptr || !kind->by_hand)
    return Error{ErrorCode::invalid_input,
                 fmt::format("record kind \"{}\" cannot be appended by hand", name.substr(0, 64)),
                 "`sigillo record --help` lists the kinds"};
  SIGILLO_TRY_VOID(audit::validate_fields(*kind, fields));
  const std::string subject = fields.at(std::string(kind->subject)).get<std::string>();
  return audit::make_record(*kind, fields, {audit::named_subject(kind->subject, subject)}, ledger_,
                            key_, clock_);
}

}  // namespace sigillo::app
