#include "sigillo/audit/handover.hpp"

#include <fmt/format.h>

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

constexpr std::int64_t kHandoversFormat = 1;
constexpr std::string_view kHandoversWhere = "handovers";

Error no_link(std::string message) {
  return Error{ErrorCode::proof_invalid, std::move(message),
               "one of the two shards was altered, or belongs to another ledger"};
}

Status require_kind(const Record& record, std::string_view kind) {
  if (record.kind->name == kind) return {};
  return Error{ErrorCode::invalid_input,
               fmt::format("a {} record is where a {} belongs", record.kind->name, kind), ""};
}

// A number that a record may hold, which may be negative there.
std::uint64_t number(const Json& fields, const char* name) {
  const auto value = fields.at(name).get<std::int64_t>();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
}

bool names_next(const std::string& end_leaf, const NoteVerifier& log) {
  const auto record = read_record(end_leaf);
  const auto end = record.has_value() ? read_shard_end(*record) : record.error();
  return end.has_value() && end->next_log_key == log.vkey();
}

}  // namespace

Result<ShardEnd> read_shard_end(const Record& record) {
  SIGILLO_TRY_VOID(require_kind(record, kShardEndKind));
  const Json& fields = record.fields;
  ShardEnd end{number(fields, "shard"), fields.at("next_origin"), fields.at("next_log_key"), {}};
  SIGILLO_TRY(end.next_ledger, Digest::from_hex(fields.at("next_ledger").get<std::string>()));
  SIGILLO_TRY(const NoteVerifier next, NoteVerifier::parse(end.next_log_key));
  SIGILLO_TRY_VOID(require_log_key(next));
  if (next.name() == end.next_origin) return end;
  return Error{ErrorCode::invalid_input, "next_log_key is not a key of next_origin", ""};
}

Result<ShardStart> read_shard_start(const Record& record) {
  SIGILLO_TRY_VOID(require_kind(record, kShardStartKind));
  const Json& fields = record.fields;
  ShardStart start{number(fields, "shard"),
                   number(fields, "first_entry"),
                   fields.at("previous_log_key"),
                   {},
                   {},
                   {}};
  SIGILLO_TRY(start.previous_ledger,
              Digest::from_hex(fields.at("previous_ledger").get<std::string>()));
  SIGILLO_TRY(const NoteVerifier log, NoteVerifier::parse(start.previous_log_key));
  SIGILLO_TRY(const Digest root, Digest::from_hex(fields.at("root").get<std::string>()));
  start.note = fmt::format("{}\n{}\n", checkpoint_text({log.name(), number(fields, "size"), root}),
                           fields.at("log_line").get_ref<const std::string&>());
  SIGILLO_TRY(start.checkpoint, open_checkpoint(start.note, log));
  return start;
}

Status check_link(const Record& end_record, const NoteVerifier& log, const Checkpoint& last,
                  const NoteVerifier& next, const Digest& next_ledger, const Record& start_record) {
  SIGILLO_TRY(const ShardEnd end, read_shard_end(end_record));
  // Whoever may append could otherwise put an end of his own there.
  const Status signed_by_log = core::verify_envelope(end_record.envelope, log.key());
  if (!signed_by_log.has_value())
    return Error{ErrorCode::signature_invalid,
                 fmt::format("the log {} has not signed its end itself", log.name()), ""};
  SIGILLO_TRY(const ShardStart start, read_shard_start(start_record));
  if (end.next_log_key != next.vkey() || end.next_ledger != next_ledger)
    return no_link(fmt::format("the end of {} names the log {} with ledger id {}, not this one",
                               log.name(), end.next_log_key, end.next_ledger.hex()));
  if (next.name() == log.name() || next.key().id() == log.key().id())
    return no_link(fmt::format("{} hands over to a log of the same name or key", log.name()));
  if (start_record.ledger != next_ledger)
    return no_link(fmt::format("the start of {} was made for another ledger", next.name()));
  if (start.previous_log_key != log.vkey() || start.previous_ledger != end_record.ledger)
    return no_link(fmt::format("the start of {} names another shard before it than {}", next.name(),
                               log.name()));
  if (start.checkpoint != last)
    return no_link(fmt::format(
        "the start of {} holds a checkpoint of size {} root {}; {} ends at size {} root {}",
        next.name(), start.checkpoint.size, start.checkpoint.root.hex(), log.name(), last.size,
        last.root.hex()));
  if (start.shard != end.shard + 1)
    return no_link(fmt::format("shard {} does not follow shard {}", start.shard, end.shard));
  return {};
}

Result<NoteVerifier> verify_handover(const Handover& handover, const NoteVerifier& log) {
  SIGILLO_TRY(const Checkpoint last,
              verify_tlog_proof(handover.end_proof, core::as_bytes(handover.end_leaf), log));
  if (handover.end_proof.index + 1 != last.size)
    return no_link(fmt::format("entry {} is not the last of {}, which has {}",
                               handover.end_proof.index, log.name(), last.size));
  SIGILLO_TRY(const Record end_record, read_record(handover.end_leaf));
  SIGILLO_TRY(const ShardEnd end, read_shard_end(end_record));
  SIGILLO_TRY(NoteVerifier next, NoteVerifier::parse(end.next_log_key));
  SIGILLO_TRY(const Checkpoint first,
              verify_tlog_proof(handover.start_proof, core::as_bytes(handover.start_leaf), next));
  if (handover.start_proof.index != kShardStartIndex)
    return no_link(fmt::format("a shard's start is entry {}, not {}, of {}", kShardStartIndex,
                               handover.start_proof.index, first.origin));
  SIGILLO_TRY(const Record start_record, read_record(handover.start_leaf));
  SIGILLO_TRY_VOID(check_link(end_record, log, last, next, end.next_ledger, start_record));
  return next;
}

Result<std::string> handovers_text(const std::vector<Handover>& handovers) {
  Json list = Json::array();
  for (const Handover& handover : handovers)
    list.push_back(Json{{"end", handover.end_leaf},
                        {"end_proof", tlog_proof_text(handover.end_proof)},
                        {"start", handover.start_leaf},
                        {"start_proof", tlog_proof_text(handover.start_proof)}});
  return core::canonical_json(Json{{"format", kHandoversFormat}, {"handovers", std::move(list)}});
}

Result<std::vector<Handover>> parse_handovers(std::string_view text) {
  SIGILLO_TRY(const Json json, core::parse_canonical_json(text, {kMaxHandoversBytes, 4}));
  SIGILLO_TRY(const std::int64_t format, core::json_integer(json, "format", kHandoversWhere));
  if (format != kHandoversFormat)
    return Error{ErrorCode::unsupported,
                 fmt::format("handovers of format {} are not known", format),
                 "use the sigillo that wrote it, or a newer one"};
  SIGILLO_TRY(const Json list, core::json_member(json, "handovers", kHandoversWhere));
  if (!list.is_array() || json.size() != 2)
    return Error{ErrorCode::invalid_input, "handovers are no list, or not all there is", ""};
  if (list.size() > kMaxHandovers)
    return Error{ErrorCode::input_too_large,
                 fmt::format("a chain has at most {} handovers", kMaxHandovers), ""};
  std::vector<Handover> handovers;
  for (const Json& item : list) {
    Handover handover;
    SIGILLO_TRY(handover.end_leaf, core::json_string(item, "end", kHandoversWhere));
    SIGILLO_TRY(const std::string end_proof, core::json_string(item, "end_proof", kHandoversWhere));
    SIGILLO_TRY(handover.end_proof, parse_tlog_proof(end_proof));
    SIGILLO_TRY(handover.start_leaf, core::json_string(item, "start", kHandoversWhere));
    SIGILLO_TRY(const std::string start_proof,
                core::json_string(item, "start_proof", kHandoversWhere));
    SIGILLO_TRY(handover.start_proof, parse_tlog_proof(start_proof));
    if (item.size() != 4)
      return Error{ErrorCode::invalid_input, "a handover has four members, no others", ""};
    handovers.push_back(std::move(handover));
  }
  return handovers;
}

Result<std::vector<NoteVerifier>> follow_handovers(const std::vector<Handover>& handovers,
                                                   const NoteVerifier& known) {
  SIGILLO_TRY_VOID(require_log_key(known));
  std::vector<NoteVerifier> logs;
  for (const Handover& handover : handovers) {
    const NoteVerifier& log = logs.empty() ? known : logs.back();
    auto next = verify_handover(handover, log);
    if (next.has_value()) {
      if (logs.empty()) logs.push_back(known);
      logs.push_back(*std::move(next));
    } else if (!logs.empty() || handover.end_proof.checkpoint.starts_with(known.name() + "\n")) {
      return next.error();
    }
  }
  if (!logs.empty()) return logs;
  // The newest log hands over to nobody: who knows its key needs no other.
  if (!handovers.empty() && names_next(handovers.back().end_leaf, known)) return std::vector{known};
  return Error{ErrorCode::not_trusted,
               fmt::format("no handover of the log {} is in the chain", known.name()),
               "give the key of a log that the chain hands over from"};
}

}  // namespace sigillo::audit
