#include "sigillo/audit/pruned_shard.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sigillo/audit/handover.hpp"
#include "sigillo/audit/retention.hpp"
#include "sigillo/audit/verify_proof.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

constexpr std::int64_t kPrunedFormat = 1;
constexpr std::string_view kPrunedWhere = "pruned shard";

Error malformed_shard(std::string message) {
  return Error{ErrorCode::invalid_input, "pruned shard: " + std::move(message), ""};
}

Result<std::uint64_t> number_of(const Json& json, std::string_view member) {
  SIGILLO_TRY(const std::int64_t value, core::json_integer(json, member, kPrunedWhere));
  if (value < 0) return malformed_shard(fmt::format("{} is negative", member));
  return static_cast<std::uint64_t>(value);
}

Result<KeptEntry> parse_kept_entry(const Json& item) {
  KeptEntry entry;
  SIGILLO_TRY(entry.index, number_of(item, "index"));
  SIGILLO_TRY(entry.leaf, core::json_string(item, "leaf", kPrunedWhere));
  SIGILLO_TRY(const Json path, core::json_member(item, "path", kPrunedWhere));
  if (item.size() != 3 || !path.is_array() || path.size() > kMaxPathHashes)
    return malformed_shard("an entry has index, leaf and a path of at most 63 hashes, no more");
  for (const Json& hash : path) {
    if (!hash.is_string()) return malformed_shard("a hash is no text");
    SIGILLO_TRY(const Digest digest, Digest::from_hex(hash.get<std::string>()));
    entry.path.push_back(digest);
  }
  return entry;
}

Result<PrunedShard> parse_form(std::string_view text) {
  SIGILLO_TRY(const Json json, core::parse_canonical_json(text, {kMaxPrunedShardBytes, 5}));
  SIGILLO_TRY(const std::int64_t format, core::json_integer(json, "format", kPrunedWhere));
  if (format != kPrunedFormat)
    return Error{ErrorCode::unsupported,
                 fmt::format("a pruned shard of format {} is not known", format),
                 "use the sigillo that wrote it, or a newer one"};
  PrunedShard shard;
  SIGILLO_TRY(shard.number, number_of(json, "shard"));
  SIGILLO_TRY(shard.first, number_of(json, "first_entry"));
  SIGILLO_TRY(shard.log_key, core::json_string(json, "log_key", kPrunedWhere));
  SIGILLO_TRY(shard.note, core::json_string(json, "checkpoint", kPrunedWhere));
  SIGILLO_TRY(const Json entries, core::json_member(json, "entries", kPrunedWhere));
  if (json.size() != 6 || !entries.is_array())
    return malformed_shard("it has six members, no others");
  for (const Json& item : entries) {
    SIGILLO_TRY(KeptEntry entry, parse_kept_entry(item));
    if (!shard.entries.empty() && entry.index <= shard.entries.back().index)
      return malformed_shard("its entries are not in order");
    shard.entries.push_back(std::move(entry));
  }
  if (shard.entries.empty()) return malformed_shard("it keeps no entry");
  shard.digest = core::sha256(text);
  return shard;
}

Result<Record> kept_record(const KeptEntry& entry) {
  SIGILLO_TRY(Record record, read_record(entry.leaf));
  if (retention_class(*record.kind) != RetentionClass::kept)
    return malformed_shard(fmt::format("a {} record is not kept", record.kind->name));
  return record;
}

Status check_genesis(PrunedShard& shard) {
  SIGILLO_TRY(const Record genesis, kept_record(shard.entries.front()));
  if (shard.entries.front().index != 0 || genesis.kind->name != "genesis" ||
      genesis.fields.at("log_key") != shard.log_key)
    return malformed_shard("its first entry is no genesis that names its log key");
  shard.ledger = ledger_id(genesis);
  return {};
}

Status check_start(const PrunedShard& shard) {
  if (shard.number == 1)
    return shard.first == 0 ? Status() : malformed_shard("shard 1 begins at 0");
  SIGILLO_TRY(const KeptEntry entry, shard.entry(kShardStartIndex));
  SIGILLO_TRY(const Record record, kept_record(entry));
  SIGILLO_TRY(const ShardStart start, read_shard_start(record));
  if (start.shard == shard.number && start.first_entry == shard.first) return {};
  return malformed_shard("its start is that of another shard");
}

Status check_end(const PrunedShard& shard, const NoteVerifier& log) {
  SIGILLO_TRY(const Record record, kept_record(shard.entries.back()));
  SIGILLO_TRY(const ShardEnd end, read_shard_end(record));
  if (shard.entries.back().index + 1 != shard.checkpoint.size || end.shard != shard.number)
    return malformed_shard("its last entry is not the end of the shard");
  return core::verify_envelope(record.envelope, log.key());
}

}  // namespace

TlogProof PrunedShard::receipt(const KeptEntry& entry) const {
  return {entry.index, entry.path, note, {}};
}

Result<KeptEntry> PrunedShard::entry(std::uint64_t index) const {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const KeptEntry& one) { return one.index == index; });
  if (found != entries.end()) return *found;
  return Error{ErrorCode::not_found,
               fmt::format("nothing is kept of entry {} of the pruned shard {}", index, number),
               "a receipt that somebody holds still verifies, with the leaf's bytes"};
}

Result<std::string> pruned_shard_text(const PrunedShard& shard) {
  Json entries = Json::array();
  for (const KeptEntry& entry : shard.entries) {
    Json path = Json::array();
    for (const Digest& hash : entry.path) path.push_back(hash.hex());
    entries.push_back(
        Json{{"index", entry.index}, {"leaf", entry.leaf}, {"path", std::move(path)}});
  }
  return core::canonical_json(Json{{"format", kPrunedFormat},
                                   {"shard", shard.number},
                                   {"first_entry", shard.first},
                                   {"log_key", shard.log_key},
                                   {"checkpoint", shard.note},
                                   {"entries", std::move(entries)}});
}

Result<PrunedShard> parse_pruned_shard(std::string_view text) {
  SIGILLO_TRY(PrunedShard shard, parse_form(text));
  SIGILLO_TRY(const NoteVerifier log, NoteVerifier::parse(shard.log_key));
  SIGILLO_TRY_VOID(require_log_key(log));
  SIGILLO_TRY(shard.checkpoint, open_checkpoint(shard.note, log));
  for (const KeptEntry& entry : shard.entries)
    SIGILLO_TRY_VOID(verify_inclusion(leaf_hash(core::as_bytes(entry.leaf)), entry.index,
                                      shard.checkpoint.size, entry.path, shard.checkpoint.root));
  for (const KeptEntry& entry : shard.entries) {
    SIGILLO_TRY(const Record record, kept_record(entry));
    static_cast<void>(record);
  }
  SIGILLO_TRY_VOID(check_genesis(shard));
  SIGILLO_TRY_VOID(check_start(shard));
  SIGILLO_TRY_VOID(check_end(shard, log));
  return shard;
}

fs::path pruned_shard_file(const Workspace& workspace, std::uint64_t number) {
  return workspace.shard_file(number).replace_filename("pruned.json");
}

bool is_pruned(const Workspace& workspace, std::uint64_t number) {
  std::error_code ignored;
  return number < workspace.config().shard &&
         fs::exists(pruned_shard_file(workspace, number), ignored);
}

Result<PrunedShard> read_pruned_shard(const Workspace& workspace, std::uint64_t number) {
  const fs::path file = pruned_shard_file(workspace, number);
  SIGILLO_TRY(const core::Bytes bytes, core::read_file(file, kMaxPrunedShardBytes));
  auto shard = parse_pruned_shard(core::as_text(bytes));
  if (shard.has_value() && shard->number == number) return shard;
  return Error{ErrorCode::ledger_corrupt,
               fmt::format("{} is not what was left of shard {}: {}",
                           file.lexically_relative(workspace.folder()).string(), number,
                           shard.has_value() ? fmt::format("it is that of shard {}", shard->number)
                                             : shard.error().message),
               "keep this workspace, and restore a good copy"};
}

std::vector<fs::path> ledger_files(const Workspace& workspace, std::uint64_t number) {
  std::vector<fs::path> files;
  // The ledger first: what is left without it is derived or of no use.
  for (const fs::path& file : {workspace.shard_file(number), workspace.index_file(number)})
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
      std::error_code ignored;
      const fs::path one = file.string() + suffix;
      if (fs::exists(fs::symlink_status(one, ignored))) files.push_back(one);
    }
  return files;
}

Status remove_ledger_files(const Workspace& workspace, std::uint64_t number) {
  for (const fs::path& file : ledger_files(workspace, number)) {
    std::error_code error;
    fs::remove(file, error);
    if (error) return core::error_from_errno(error.value(), "cannot remove", file);
  }
  return {};
}

std::optional<Pruning> read_pruning(std::uint64_t number, const Record& record) {
  if (record.kind->name != kShardPrunedKind) return std::nullopt;
  const auto shard = record.fields.at("shard").get<std::int64_t>();
  return Pruning{number, record.recorded_at,
                 static_cast<std::uint64_t>(std::max<std::int64_t>(shard, 0)), record.fields};
}

Result<Json> identity_fields(const PrunedShard& shard) {
  SIGILLO_TRY(const NoteVerifier log, NoteVerifier::parse(shard.log_key));
  SIGILLO_TRY(const StampedCheckpoint last, stamped_checkpoint(shard.note, {log}));
  return Json{{"shard", shard.number},
              {"log_key", shard.log_key},
              {"pruned_ledger", shard.ledger.hex()},
              {"first_entry", shard.first},
              {"size", last.checkpoint.size},
              {"root", last.checkpoint.root.hex()},
              {"log_line", last.log_line.substr(0, last.log_line.size() - 1)},
              {"remainder", shard.digest.hex()}};
}

bool is_about(const Pruning& pruning, const PrunedShard& shard) {
  const auto identity = identity_fields(shard);
  if (!identity.has_value()) return false;
  return std::all_of(identity->items().begin(), identity->items().end(), [&](const auto& member) {
    const auto found = pruning.fields.find(member.key());
    return found != pruning.fields.end() && *found == member.value();
  });
}

}  // namespace sigillo::audit
