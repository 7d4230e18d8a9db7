#include "sigillo/audit/time_stamp.hpp"

#include <fmt/format.h>

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

Result<Receipt> record_time_stamp(const Workspace& workspace, const StampedCheckpoint& stamped,
                                  core::ByteView response, const core::TimeStamp& stamp,
                                  const core::Clock& clock) {
  const core::Digest imprint = stamped.imprint();
  if (stamp.imprint != imprint)
    return Error{ErrorCode::proof_invalid,
                 "the time stamp is about other bytes than the checkpoint",
                 "give the time stamp of this very checkpoint"};
  SIGILLO_TRY(const Workspace now, Workspace::open(workspace.folder()));
  if (now.config().origin != stamped.checkpoint.origin)
    return Error{ErrorCode::locked, "the ledger was rotated meanwhile",
                 "stamp a checkpoint of the new shard: it covers the end of the old one"};
  BlobStore blobs = workspace.blobs();
  SIGILLO_TRY(const core::Digest token, blobs.put(response));
  const Json fields{{"size", stamped.checkpoint.size},
                    {"root", stamped.checkpoint.root.hex()},
                    {"log_line", stamped.log_line.substr(0, stamped.log_line.size() - 1)},
                    {"imprint", imprint.hex()},
                    {"token", token.hex()},
                    {"time", core::to_rfc3339(stamp.time)},
                    {"authority", stamp.authority}};
  const core::Subject subject{
      fmt::format("checkpoint:{}:{}", stamped.checkpoint.origin, stamped.checkpoint.size), imprint};
  return record(workspace, kTimeStampKind, fields, {subject}, clock);
}

Result<StampedCheckpoint> recorded_checkpoint(const Record& record, const NoteVerifier& log) {
  const Json& fields = record.fields;
  SIGILLO_TRY(const std::int64_t size, core::json_integer(fields, "size", kTimeStampKind));
  SIGILLO_TRY(const std::string root_text, core::json_string(fields, "root", kTimeStampKind));
  SIGILLO_TRY(const Digest root, Digest::from_hex(root_text));
  SIGILLO_TRY(const std::string line, core::json_string(fields, "log_line", kTimeStampKind));
  SIGILLO_TRY(const std::string imprint, core::json_string(fields, "imprint", kTimeStampKind));
  const std::string text = checkpoint_text(
      {log.name(), static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0)), root});
  SIGILLO_TRY(StampedCheckpoint stamped,
              stamped_checkpoint(fmt::format("{}\n{}\n", text, line), {log}));
  if (stamped.imprint().hex() != imprint)
    return Error{ErrorCode::proof_invalid,
                 "its imprint is not that of the checkpoint that it names", ""};
  return stamped;
}

Status check_recorded_response(const Record& record, core::ByteView response) {
  SIGILLO_TRY(const core::TimeStamp stamp, core::read_time_stamp(response));
  SIGILLO_TRY(const std::string imprint,
              core::json_string(record.fields, "imprint", kTimeStampKind));
  SIGILLO_TRY(const std::string time, core::json_string(record.fields, "time", kTimeStampKind));
  if (stamp.imprint.hex() == imprint && core::to_rfc3339(stamp.time) == time) return {};
  return Error{ErrorCode::evidence_corrupt,
               "imprint or time are not those of the response that the record names", ""};
}

Result<std::vector<RecordedStamp>> recorded_time_stamps(const Ledger& ledger) {
  std::vector<RecordedStamp> stamps;
  SIGILLO_TRY_VOID(ledger.for_each(0, kNoEnd, [&](const StoredEntry& entry) -> Status {
    auto record = read_record(core::as_text(entry.leaf));
    if (!record.has_value() || record->kind->name != kTimeStampKind) return {};
    SIGILLO_TRY(const std::int64_t size,
                core::json_integer(record->fields, "size", kTimeStampKind));
    SIGILLO_TRY(const std::string hex, core::json_string(record->fields, "token", kTimeStampKind));
    SIGILLO_TRY(const Digest token, Digest::from_hex(hex));
    stamps.push_back({entry.index, *std::move(record),
                      static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0)), token});
    return {};
  }));
  return stamps;
}

}  // namespace sigillo::audit
