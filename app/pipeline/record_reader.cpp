#include "app/pipeline/record_reader.hpp"

#include <fmt/format.h>

#include <limits>

#include "sigillo/audit/shards.hpp"

namespace sigillo::app {
using audit::Ledger;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

Result<audit::TrustList> trust_of(const audit::Workspace& workspace) {
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  return audit::trust_at_end(ledger, 0);
}

}  // namespace

Result<std::string> RecordReader::leaf(std::string_view line) {
  SIGILLO_TRY(const Json value, core::parse_json(line));
  return value.is_object() && value.contains("payloadType") ? take(line) : sign(value);
}

// A signature under a trusted key that does not hold would be damage in the ledger for ever. A
// record that nobody here may sign is only worthless, and fsck says so.
Result<std::string> RecordReader::take(std::string_view line) {
  SIGILLO_TRY(const core::Envelope envelope, core::parse_envelope(line));
  SIGILLO_TRY(std::string leaf, core::envelope_bytes(envelope));
  SIGILLO_TRY(const audit::Record record, audit::read_record(leaf));
  if (!trust_.has_value()) {
    SIGILLO_TRY(trust_, trust_of(workspace_));
  }
  const auto actor = trust_->accept(std::numeric_limits<std::uint64_t>::max(), record);
  if (!actor.has_value() && actor.error().code != ErrorCode::not_trusted)
    return Error{actor.error().code, "the envelope's signature does not hold under the key named",
                 "get the original envelope again"};
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

Result<audit::Receipt> append_one_record(const audit::Workspace& opened, std::string_view json,
                                         const core::Clock& clock) {
  // A server opens its workspace once; it may have been rotated since.
  SIGILLO_TRY(const audit::Workspace workspace, audit::Workspace::open(opened.folder()));
  SIGILLO_TRY(const core::PrivateKey key,
              workspace.keyring().signing_key(workspace.config().record_key));
  SIGILLO_TRY(const core::Digest ledger, audit::ledger_id(workspace));
  RecordReader reader(clock, workspace, ledger, key);
  SIGILLO_TRY(const std::string leaf, reader.leaf(json));
  SIGILLO_TRY(const std::vector<audit::Receipt> receipts,
              audit::append_records(workspace, std::span(&leaf, 1)));
  return receipts.front();
}

}  // namespace sigillo::app
