#include "app/pipeline/record_reader.hpp"

#include <fmt/format.h>

namespace sigillo::app {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

// Only genesis and trust lists are taken over: the other records change nobody's trust, and
// verifying each of them again would cost more than the record that is asked about.
Result<std::shared_ptr<const audit::TrustList>> LedgerTrust::now() {
  const std::lock_guard lock(mutex_);
  SIGILLO_TRY(const audit::LedgerHead head, ledger_.head());
  SIGILLO_TRY_VOID(
      ledger_.for_each(seen_, head.size, [&](const audit::StoredEntry& entry) -> Status {
        const auto record = audit::read_record(core::as_text(entry.leaf));
        if (!record.has_value()) return {};
        if (record->kind->name != "genesis" && record->kind->name != "trust-list") return {};
        auto next = std::make_shared<audit::TrustList>(*trust_);
        if (next->accept(entry.index, *record).has_value()) trust_ = std::move(next);
        return {};
      }));
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
