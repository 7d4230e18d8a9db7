#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/policy_file.hpp"
#include "app/cli/render.hpp"
#include "app/cli/time_stamp_files.hpp"
#include "app/pipeline/record_reader.hpp"
#include "sigillo/audit/entry_index.hpp"
#include "sigillo/audit/ledger_tiles.hpp"
#include "sigillo/audit/proof.hpp"
#include "sigillo/audit/shards.hpp"
#include "sigillo/audit/tile_folder.hpp"
#include "sigillo/audit/verify_proof.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
namespace {

using audit::Ledger;
using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Json;
using core::Result;
using core::Status;

constexpr std::size_t kMaxAppendBytes = std::size_t{256} << 20;

struct LogArguments {
  std::string file, output, leaf_file, key, from, policy, tiles, time_stamp, roots;
  std::uint64_t index = 0;
  std::optional<std::uint64_t> entry;                     // of `prove`
  std::string kind, subject, signer, run, since, before;  // of `list`
  std::optional<std::uint64_t> shard;
  bool read_all = false;
  bool raw = false;
};

// The ledger that is read for this is closed at the end: the last one to close it should be a
// writer, who folds its WAL into it.
Result<std::vector<std::string>> read_leaves(const Context& context,
                                             const audit::Workspace& workspace,
                                             const LogArguments& arguments) {
  SIGILLO_TRY(const core::PrivateKey key,
              workspace.keyring().signing_key(workspace.config().record_key));
  SIGILLO_TRY(const core::Bytes bytes, core::read_file(arguments.file, kMaxAppendBytes));
  SIGILLO_TRY(const core::Digest ledger, audit::ledger_id(workspace));
  SIGILLO_TRY(Ledger stored, workspace.ledger(Ledger::Access::read));
  app::LedgerTrust trust(std::move(stored), workspace.index_file(workspace.config().shard));
  const app::RecordReader reader(context.clock, ledger, key, trust);
  std::vector<std::string> leaves;
  std::string_view rest = core::as_text(bytes);
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    auto leaf = reader.leaf(rest.substr(0, end));
    if (!leaf.has_value())
      return leaf.error().in(
          fmt::format("{} line {}, nothing was appended", arguments.file, number));
    leaves.push_back(*std::move(leaf));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return leaves;
}

// All lines are read and checked before the first is appended; then they go in batches, each all or
// nothing.
Result<ExitCode> append(Context& context, const LogArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const std::vector<std::string> leaves, read_leaves(context, workspace, arguments));
  if (leaves.empty())
    return Error{ErrorCode::invalid_input, fmt::format("{} holds no records", arguments.file),
                 "give one JSON record a line"};
  std::uint64_t first = 0;
  for (std::size_t start = 0; start < leaves.size(); start += audit::kMaxBatch) {
    const auto batch =
        std::span(leaves).subspan(start, std::min(audit::kMaxBatch, leaves.size() - start));
    auto receipts = audit::append_records(workspace, batch);
    if (!receipts.has_value())
      return receipts.error().in(
          fmt::format("{} of {} records were appended", start, leaves.size()));
    if (start == 0) first = receipts->front().index;
    context.lasting = fmt::format("{} of {} records are in the ledger, from entry {} on",
                                  start + batch.size(), leaves.size(), first);
  }
  if (context.json) print_out("{}", json_line(Json{{"first", first}, {"count", leaves.size()}}));
  else print_out("{} records appended from entry {} on\n", leaves.size(), first);
  return ExitCode::done;
}

Result<ExitCode> show(const Context& context, const LogArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::EntryPlace place, audit::locate(workspace, arguments.index));
  SIGILLO_TRY(const Ledger ledger, workspace.shard(place.shard, Ledger::Access::read));
  SIGILLO_TRY(const std::string leaf, ledger.leaf(place.index));
  if (arguments.raw) {
    print_out("{}", leaf);
    return ExitCode::done;
  }
  SIGILLO_TRY(const audit::Record record, audit::read_record(leaf));
  Json signers = Json::array();
  for (const core::EnvelopeSignature& signature : record.envelope.signatures)
    signers.push_back(signature.key_id);
  Json subjects = Json::array();
  for (const core::Subject& subject : record.statement.subjects)
    subjects.push_back(Json{{"name", subject.name}, {"sha256", subject.sha256.hex()}});
  const Json json{
      {"entry", arguments.index}, {"kind", record.kind->name},
      {"shard", place.shard},     {"index", place.index},
      {"subjects", subjects},     {"fields", record.fields},
      {"signed_by", signers},     {"leaf_hash", audit::leaf_hash(core::as_bytes(leaf)).hex()}};
  print_out("{}", context.json ? json_line(json) : printable_lines(json.dump(2)));
  return ExitCode::done;
}

// A date or a time, as records write it.
Result<std::string> record_time(const std::string& text) {
  if (text.empty()) return text;
  const auto date = core::timestamp_from_date(text);
  SIGILLO_TRY(const core::Timestamp time,
              date.has_value() ? date : core::timestamp_from_rfc3339(text));
  return core::to_rfc3339(time);
}

// A key's id, or the name of a signing key of the keyring.
Result<std::string> signer_id(const audit::Workspace& workspace, const std::string& text) {
  if (text.empty() || core::Digest::from_hex(text).has_value()) return text;
  SIGILLO_TRY(const core::KeyInfo info, workspace.keyring().info(text));
  SIGILLO_TRY(const core::PublicKey key, core::PublicKey::from_pem(info.public_key));
  return key.id().hex();
}

Result<audit::EntryQuery> entry_query(const audit::Workspace& workspace,
                                      const LogArguments& arguments) {
  if (!arguments.kind.empty() && audit::find_record_kind(arguments.kind) == nullptr) {
    std::vector<std::string_view> names;
    for (const audit::RecordKind& kind : audit::record_kinds()) names.push_back(kind.name);
    return Error{ErrorCode::invalid_argument,
                 fmt::format("there is no record kind \"{}\"", printable(arguments.kind)),
                 fmt::format("the kinds are {}", fmt::join(names, ", "))};
  }
  audit::EntryQuery query;
  query.kind = arguments.kind;
  query.run = arguments.run;
  if (const auto digest = core::Digest::from_hex(arguments.subject); digest.has_value())
    query.subject_digest = *digest;
  else query.subject_name = arguments.subject;
  SIGILLO_TRY(query.signer, signer_id(workspace, arguments.signer));
  SIGILLO_TRY(query.since, record_time(arguments.since));
  SIGILLO_TRY(query.before, record_time(arguments.before));
  return query;
}

void print_entry(const Context& context, std::uint64_t index, const audit::Record* record) {
  const std::string kind = record == nullptr ? "(not readable)" : std::string(record->kind->name);
  const std::string subject = record == nullptr ? "" : record->statement.subjects.front().name;
  const std::string time = record == nullptr ? "" : record->recorded_at;
  if (context.json)
    print_out("{}",
              json_line(Json{
                  {"entry", index}, {"kind", kind}, {"subject", subject}, {"recorded_at", time}}));
  else print_out("{:>6}  {:<20}  {:<17}  {}\n", index, time, kind, printable(subject));
}

Status list_shard(const Context& context, const LogArguments& arguments,
                  const audit::Workspace& workspace, std::uint64_t shard,
                  const audit::EntryQuery& query) {
  SIGILLO_TRY(const Ledger ledger, workspace.shard(shard, Ledger::Access::read));
  SIGILLO_TRY(const std::uint64_t first, audit::first_entry(ledger, shard));
  if (query.everything() || arguments.read_all)
    return ledger.for_each(0, audit::kNoEnd, [&](const audit::StoredEntry& entry) -> Status {
      const auto record = audit::read_record(core::as_text(entry.leaf));
      if (record.has_value() ? matches(*record, query) : query.everything())
        print_entry(context, first + entry.index, record.has_value() ? &*record : nullptr);
      return {};
    });
  SIGILLO_TRY(const audit::EntryIndex index,
              audit::EntryIndex::open(workspace.index_file(shard), ledger));
  return index.find(ledger, query, [&](std::uint64_t entry, const audit::Record& record) -> Status {
    print_entry(context, first + entry, &record);
    return {};
  });
}

Result<ExitCode> list(const Context& context, const LogArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::EntryQuery query, entry_query(workspace, arguments));
  const std::uint64_t first = arguments.shard.value_or(1);
  const std::uint64_t last = arguments.shard.value_or(workspace.config().shard);
  for (std::uint64_t shard = first; shard <= last; ++shard) {
    if (!arguments.shard.has_value() && audit::is_pruned(workspace, shard)) {
      print_err("sigillo: note: shard {} was pruned: its entries are not in the list\n", shard);
      continue;
    }
    SIGILLO_TRY_VOID(list_shard(context, arguments, workspace, shard, query));
  }
  return ExitCode::done;
}

Result<ExitCode> checkpoint(const Context& context) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const core::PrivateKey key,
              workspace.keyring().signing_key(workspace.config().log_key));
  SIGILLO_TRY(Ledger ledger, workspace.ledger(Ledger::Access::write));
  SIGILLO_TRY(const std::string note, ledger.publish(key, workspace.checkpoint_store()));
  print_out("{}", context.json ? json_line(Json{{"checkpoint", note}}) : note);
  return ExitCode::done;
}

// What makes a checkpoint of this log count: its key, and a policy's quorum if one is asked for.
Result<audit::CheckpointTrust> trust_of(const Context& context, const std::string& policy_file,
                                        const audit::NoteVerifier& log) {
  if (policy_file.empty()) return audit::trust_log(log);
  SIGILLO_TRY(audit::WitnessPolicy policy, read_policy(policy_file));
  return audit::trust_policy(std::move(policy), log, context.clock.now());
}

// The newest checkpoint that covers the entry and whose quorum holds; without a policy the latest.
Result<std::string> checkpoint_for(const Context& context, const Ledger& ledger,
                                   const audit::NoteVerifier& log, const LogArguments& arguments) {
  if (arguments.policy.empty()) return ledger.latest_checkpoint();
  SIGILLO_TRY(const audit::CheckpointTrust trust, trust_of(context, arguments.policy, log));
  SIGILLO_TRY(const std::vector<audit::StoredCheckpoint> stored, ledger.checkpoints());
  for (auto one = stored.rbegin(); one != stored.rend() && one->size > arguments.entry.value_or(0);
       ++one)
    if (audit::open_trusted_checkpoint(one->note, trust).has_value()) return one->note;
  return Error{ErrorCode::not_found,
               "no stored checkpoint covers the entry and has the quorum of the policy",
               "ask the witnesses with `sigillo log cosign --policy FILE`"};
}

// Where proofs come from: the ledger, hashed from its entries, or an exported folder.
struct Prover {
  audit::NoteVerifier log;
  std::function<Result<std::string>()> checkpoint;
  std::function<Result<audit::TlogProof>(std::uint64_t index)> entry;
  std::function<Result<audit::ConsistencyProof>(std::uint64_t old_size)> growth;
  core::Bytes response;  // the time stamp on the checkpoint, if one was asked for
};

// The newest checkpoint with a time stamp that covers the entry, and whose quorum holds if one is
// asked for.
Result<StampedNote> stamped_checkpoint_for(const Context& context,
                                           const audit::Workspace& workspace, const Ledger& ledger,
                                           const audit::NoteVerifier& log,
                                           const LogArguments& arguments) {
  SIGILLO_TRY(const audit::CheckpointTrust trust, trust_of(context, arguments.policy, log));
  return newest_stamp(workspace, ledger, log, arguments.entry.value_or(0),
                      [&](const std::string& note) {
                        return audit::open_trusted_checkpoint(note, trust).has_value();
                      });
}
Result<StampedNote> chosen_note(const Context& context, const audit::Workspace& workspace,
                                const Ledger& ledger, const audit::NoteVerifier& log,
                                const LogArguments& arguments) {
  if (!arguments.time_stamp.empty())
    return stamped_checkpoint_for(context, workspace, ledger, log, arguments);
  StampedNote chosen;
  SIGILLO_TRY(chosen.note, checkpoint_for(context, ledger, log, arguments));
  return chosen;
}

// Of the shard that holds the entry; for an older size of the one that is named, or the current.
Result<Prover> ledger_prover(const Context& context, LogArguments arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  audit::EntryPlace place{arguments.shard.value_or(workspace.config().shard), 0};
  if (arguments.entry.has_value()) {
    SIGILLO_TRY(place, audit::locate(workspace, *arguments.entry));
    arguments.entry = place.index;
  }
  SIGILLO_TRY(const Ledger ledger, workspace.shard(place.shard, Ledger::Access::read));
  SIGILLO_TRY(audit::NoteVerifier log, audit::shard_verifier(workspace, place.shard));
  SIGILLO_TRY(const StampedNote chosen, chosen_note(context, workspace, ledger, log, arguments));
  const auto tiles = std::make_shared<audit::LedgerTiles>(
      [workspace, shard = place.shard] { return workspace.shard(shard, Ledger::Access::read); },
      log, [note = chosen.note](const Ledger&) { return note; });
  SIGILLO_TRY_VOID(tiles->catch_up());
  return Prover{std::move(log), [tiles] { return tiles->checkpoint(); },
                [tiles, place](std::uint64_t) { return tiles->prove_entry(place.index); },
                [tiles](std::uint64_t old_size) { return tiles->prove_growth(old_size); },
                chosen.response};
}

Result<Prover> folder_prover(const std::string& path, const std::string& key) {
  if (key.empty())
    return Error{ErrorCode::invalid_argument, "an exported folder needs the log's verifier key",
                 "name the key that you know from elsewhere with --log-key"};
  SIGILLO_TRY(const audit::NoteVerifier log, audit::NoteVerifier::parse(key));
  const audit::TileFolder folder(path);
  return Prover{
      log,
      [folder] { return folder.checkpoint(); },
      [folder, log](std::uint64_t index) { return audit::prove_entry(folder, index, log); },
      [folder, log](std::uint64_t size) { return audit::prove_growth(folder, size, log); },
      {}};
}

// `from` is a size, or the file of an older checkpoint, which must then be of this history.
Result<std::string> consistency(const Prover& latest, const std::string& from) {
  std::uint64_t old_size = 0;
  std::string older;
  if (from.find_first_not_of("0123456789") == std::string::npos && from.size() <= 18) {
    old_size = std::stoull(from);
  } else {
    SIGILLO_TRY(const core::Bytes note, core::read_file(from, std::size_t{1} << 20));
    older = core::as_text(note);
    SIGILLO_TRY(const audit::Checkpoint checkpoint, audit::open_checkpoint(older, latest.log));
    old_size = checkpoint.size;
  }
  SIGILLO_TRY(const std::string note, latest.checkpoint());
  SIGILLO_TRY(const audit::Checkpoint checkpoint, audit::open_checkpoint(note, latest.log));
  if (old_size < 1 || old_size > checkpoint.size)
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("there is no proof from size {} to size {}", old_size, checkpoint.size),
        "an older size is at least 1 and at most that of the latest checkpoint"};
  SIGILLO_TRY(const audit::ConsistencyProof proof, latest.growth(old_size));
  if (!older.empty()) {
    SIGILLO_TRY(const audit::Checkpoint newer,
                audit::verify_consistency_proof(proof, older, latest.log));
    static_cast<void>(newer);
  }
  return audit::consistency_proof_text(proof);
}

Result<std::string> proof_text(const Prover& prover, const LogArguments& arguments) {
  if (!arguments.entry.has_value()) return consistency(prover, arguments.from);
  SIGILLO_TRY(const audit::TlogProof proof, prover.entry(*arguments.entry));
  return audit::tlog_proof_text(proof);
}

Result<ExitCode> prove(const Context& context, const LogArguments& arguments) {
  if (arguments.entry.has_value() == !arguments.from.empty())
    return Error{ErrorCode::invalid_argument, "it is not said what to prove, or said twice",
                 "name an entry, or an older size or checkpoint with --from"};
  if (!arguments.time_stamp.empty() && (!arguments.entry.has_value() || !arguments.tiles.empty()))
    return Error{ErrorCode::invalid_argument, "a time stamp belongs to a receipt of a workspace",
                 "name an entry and no folder of tiles, or leave out --time-stamp"};
  if (!arguments.tiles.empty() && !arguments.policy.empty())
    return Error{ErrorCode::invalid_argument,
                 "a policy chooses among the checkpoints of a workspace; a folder has one",
                 "leave out --policy, and hold the receipt against it with `log verify-proof`"};
  const auto prover = arguments.tiles.empty() ? ledger_prover(context, arguments)
                                              : folder_prover(arguments.tiles, arguments.key);
  if (!prover.has_value()) return prover.error();
  SIGILLO_TRY(const std::string text, proof_text(*prover, arguments));
  if (!arguments.time_stamp.empty())
    SIGILLO_TRY_VOID(core::write_file_atomically(arguments.time_stamp, prover->response));
  if (arguments.output.empty()) {
    print_out("{}", text);
    return ExitCode::done;
  }
  SIGILLO_TRY_VOID(core::write_file_atomically(arguments.output, core::as_bytes(text)));
  return ExitCode::done;
}

Result<ExitCode> verify_consistency(const Context& context, const LogArguments& arguments) {
  SIGILLO_TRY(const core::Bytes older, core::read_file(arguments.from, std::size_t{1} << 20));
  SIGILLO_TRY(const core::Bytes text, core::read_file(arguments.file, audit::kMaxProofBytes));
  SIGILLO_TRY(const audit::NoteVerifier log, audit::NoteVerifier::parse(arguments.key));
  SIGILLO_TRY(const audit::ConsistencyProof proof,
              audit::parse_consistency_proof(core::as_text(text)));
  SIGILLO_TRY(const audit::Checkpoint newer,
              audit::verify_consistency_proof(proof, core::as_text(older), log));
  if (context.json)
    print_out("{}", json_line(Json{{"verified", true},
                                   {"origin", newer.origin},
                                   {"old_size", proof.old_size},
                                   {"size", newer.size},
                                   {"root", newer.root.hex()}}));
  else
    print_out("verified: {} at size {} is the beginning of it at size {}\n",
              printable(newer.origin), proof.old_size, newer.size);
  return ExitCode::done;
}

// The files of a question; an empty name leaves a part out.
struct ProofFiles {
  core::Bytes receipt, leaf, policy, time_stamp, roots;
};
Result<ProofFiles> read_proof_files(const LogArguments& arguments) {
  ProofFiles files;
  SIGILLO_TRY(files.receipt, core::read_file(arguments.file, audit::kMaxProofBytes));
  SIGILLO_TRY(files.leaf, core::read_file(arguments.leaf_file, audit::kMaxLeafBytes));
  if (!arguments.policy.empty()) {
    SIGILLO_TRY(files.policy, core::read_file(arguments.policy, audit::kMaxPolicyBytes));
  }
  if (arguments.time_stamp.empty()) return files;
  SIGILLO_TRY(files.roots, core::read_file(arguments.roots, core::kMaxTimeStampRootsBytes));
  SIGILLO_TRY(files.time_stamp, core::read_file(arguments.time_stamp, core::kMaxTimeStampBytes));
  return files;
}

Result<ExitCode> verify_proof(const Context& context, const LogArguments& arguments) {
  SIGILLO_TRY(const ProofFiles files, read_proof_files(arguments));
  if (arguments.key.empty() && arguments.policy.empty())
    return Error{ErrorCode::invalid_argument, "nothing says which log is trusted",
                 "give --log-key, or --policy with a policy that lists logs"};
  audit::ProofQuestion question{core::as_text(files.receipt), files.leaf, {}, {}, {}, {}};
  question.policy_name = arguments.policy;
  question.roots_name = arguments.roots;
  if (!arguments.key.empty()) question.log_key = arguments.key;
  if (!arguments.policy.empty()) question.policy = core::as_text(files.policy);
  if (!arguments.time_stamp.empty()) {
    question.time_stamp = files.time_stamp;
    question.roots = core::as_text(files.roots);
  }
  SIGILLO_TRY(const audit::ProofAnswer answer, audit::verify_proof(question, context.clock.now()));
  if (context.json) {
    print_out("{}", json_line(audit::to_json(answer)));
    return ExitCode::done;
  }
  print_out("verified: this is entry {} of {} at size {}\n", answer.index,
            printable(answer.checkpoint.origin), answer.checkpoint.size);
  for (const audit::Cosigned& one : answer.cosigned)
    print_out("cosigned by {} at {}\n", printable(one.witness), audit::cosignature_time(one.time));
  if (answer.stamp.has_value())
    print_out("stamped by {} at {}\n", printable(answer.stamp->authority),
              stamp_time(*answer.stamp));
  return ExitCode::done;
}

Result<ExitCode> check(const Context& context, const LogArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  audit::KnownBefore known{arguments.key, ""};
  if (!arguments.file.empty()) {
    SIGILLO_TRY(const core::Bytes note, core::read_file(arguments.file, std::size_t{1} << 20));
    known.checkpoint = core::as_text(note);
  }
  SIGILLO_TRY(const audit::FsckReport report, audit::fsck(workspace, known));
  print_out("{}", context.json ? json_line(fsck_json(report)) : render_fsck(report));
  return report.sound() ? ExitCode::done : ExitCode::undecided;
}

void add_shard_option(Command command, LogArguments& arguments, const std::string& help) {
  command.option("--shard", arguments.shard, help).between(std::uint64_t{1}, std::uint64_t{10000});
}

// The range stops what the number's type would wrap or clamp, such as -1.
void add_entry_argument(Command command, LogArguments& arguments) {
  command.option("entry", arguments.index, "its index")
      .required()
      .between(std::uint64_t{0}, std::uint64_t{core::kMaxJsonInteger});
}

}  // namespace

void add_log_commands(Command app, Context& context) {
  Command log = app.group("log", "the ledger");
  auto arguments = std::make_shared<LogArguments>();

  Command command = add_command(log, context, "append", "append records, one JSON value a line",
                                [&context, arguments] { return append(context, *arguments); });
  command.option("file", arguments->file, "the file, or - for standard input").required();
  command.footer(
      "A line is {\"kind\": K, \"fields\": {...}}, which is signed here, or a signed DSSE "
      "envelope, which is appended as it is.");
  add_json_flag(command, context);

  command = add_command(log, context, "show", "show one entry",
                        [&context, arguments] { return show(context, *arguments); });
  add_entry_argument(command, *arguments);
  command.flag("--raw", arguments->raw, "print the leaf's exact bytes");
  add_json_flag(command, context);

  command = add_command(log, context, "list", "list the entries",
                        [&context, arguments] { return list(context, *arguments); });
  command.option("--kind", arguments->kind, "only this kind of record");
  command.option("--subject", arguments->subject,
                 "only about this: a subject's name, or its SHA-256 in hex");
  command.option("--signer", arguments->signer,
                 "only signed by this key: its id in hex, or its name in the keyring");
  command.option("--run", arguments->run, "only of this run: its id");
  command.option("--since", arguments->since,
                 "only recorded on or after this date or time (2026-11-25, "
                 "2026-11-25T12:00:00Z)");
  command.option("--before", arguments->before, "only recorded before this date or time");
  add_shard_option(command, *arguments, "only of this shard (default: all)");
  command.flag("--read-all", arguments->read_all,
               "read the whole log, and use no index: slower, and nothing can be hidden");
  add_json_flag(command, context);

  command = add_command(log, context, "checkpoint",
                        "sign a checkpoint over everything that is durable, and print it",
                        [&context] { return checkpoint(context); });
  add_json_flag(command, context);

  command = add_command(log, context, "prove",
                        "write a receipt that an entry is in the ledger, or a proof that an older "
                        "ledger is its beginning",
                        [&context, arguments] { return prove(context, *arguments); });
  command.option("entry", arguments->entry, "its index: a receipt (tlog-proof)")
      .between(std::uint64_t{0}, std::uint64_t{core::kMaxJsonInteger});
  command.option("--from", arguments->from,
                 "an older size, or the file of an older checkpoint: a consistency proof");
  add_shard_option(command, *arguments, "of this shard, for --from (default: the current one)");
  command.option("--policy", arguments->policy,
                 "a witness policy: use the newest checkpoint whose quorum holds");
  command.option("--time-stamp", arguments->time_stamp,
                 "file to write a time stamp to: use the newest checkpoint that has one");
  command.option("-o,--output", arguments->output, "file to write (default: standard output)");
  command.option("--tiles", arguments->tiles,
                 "from a few files of an exported folder, without a workspace; needs --log-key");
  command.option("--log-key", arguments->key, "the ledger's verifier key, for --tiles");

  command = add_command(log, context, "verify-proof", "check a receipt offline; needs no workspace",
                        [&context, arguments] { return verify_proof(context, *arguments); });
  command.option("file", arguments->file, "the receipt").required();
  command
      .option("--leaf", arguments->leaf_file,
              "the entry's exact bytes (`sigillo log show N --raw`)")
      .required();
  command.option("--log-key", arguments->key,
                 "the ledger's verifier key (`sigillo keys export log --format vkey`)");
  command.option("--policy", arguments->policy,
                 "a witness policy (C2SP tlog-policy) whose quorum must hold, too");
  Option time_stamp = command.option(
      "--time-stamp,--tsr", arguments->time_stamp,
      "a time stamp (RFC 3161 response) on the receipt's checkpoint, which must hold, too");
  Option roots =
      command.option("--tsa-roots", arguments->roots, "root certificates of its authority (PEM)");
  time_stamp.needs(roots);
  roots.needs(time_stamp);
  command.footer(
      "Entry, path, the log's signature, the quorum and the time stamp are checked together, "
      "offline, with one answer. A policy that lists logs stands in for --log-key.");
  add_json_flag(command, context);

  command = add_command(
      log, context, "verify-consistency",
      "check offline that an older ledger is the beginning of a newer one; needs no workspace",
      [&context, arguments] { return verify_consistency(context, *arguments); });
  command.option("old", arguments->from, "the older checkpoint").required();
  command.option("proof", arguments->file, "the proof; it holds the newer checkpoint").required();
  command.option("--log-key", arguments->key, "the ledger's verifier key").required();
  add_json_flag(command, context);

  command = add_command(log, context, "fsck",
                        "check the whole workspace from the leaf bytes up; writes nothing",
                        [&context, arguments] { return check(context, *arguments); });
  command.option("--log-key", arguments->key,
                 "verifier key (vkey) that the ledger must have, known from elsewhere");
  command.option("--since", arguments->file,
                 "a checkpoint that was seen earlier: its entries must still be the first; "
                 "needs --log-key");
  add_json_flag(command, context);
}

}  // namespace sigillo::cli
