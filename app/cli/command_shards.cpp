// Shards: sealing one and beginning the next, and what a reader needs to follow.
#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "sigillo/audit/pruning.hpp"
#include "sigillo/audit/shards.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
namespace {

using core::ExitCode;
using core::Json;
using core::Result;

struct ShardArguments {
  std::string origin, file, output, key;
  audit::PruneRequest prune;
};

Result<ExitCode> rotate(Context& context, const ShardArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::Rotation rotation,
              audit::rotate(workspace, arguments.origin, context.entropy, context.clock));
  context.lasting = fmt::format("shard {} is the current one", rotation.shard);
  if (context.json) {
    print_out("{}", json_line(Json{{"shard", rotation.shard},
                                   {"first_entry", rotation.first},
                                   {"origin", rotation.origin},
                                   {"log_key", rotation.log_key},
                                   {"last_checkpoint", rotation.last_checkpoint},
                                   {"checkpoint", rotation.checkpoint}}));
    return ExitCode::done;
  }
  print_out(
      "shard {} is sealed, and its private key is deleted\nshard {} goes on from entry {} on, as "
      "{}\nits verifier key: {}\nfinal checkpoint of shard {}:\n\n{}",
      rotation.shard - 1, rotation.shard, rotation.first, printable(rotation.origin),
      printable(rotation.log_key), rotation.shard - 1, rotation.last_checkpoint);
  print_err(
      "sigillo: note: make the new key known: to witnesses, readers and policies; `sigillo log "
      "handovers` writes what proves it. Backups from before still hold the old private key\n");
  return ExitCode::done;
}

Json shard_json(const audit::Shard& shard, const audit::ShardRetention& retention) {
  Json json{{"shard", shard.number},    {"origin", shard.origin},
            {"log_key", shard.log_key}, {"first_entry", shard.first},
            {"size", shard.size},       {"sealed", shard.sealed},
            {"pruned", shard.pruned},   {"checkpoint", shard.checkpoint}};
  if (retention.deadline.has_value()) {
    json["prunable_from"] = core::to_rfc3339(retention.deadline->until);
    json["basis"] = retention.deadline->basis;
  }
  if (retention.pruning.has_value()) {
    json["pruned_by"] = retention.pruning->entry;
    json["pruned_at"] = retention.pruning->recorded_at;
  }
  return json;
}

std::string retention_text(const audit::ShardRetention& retention) {
  if (retention.deadline.has_value())
    return fmt::format("prunable from {}", core::to_date(retention.deadline->until));
  if (retention.pruning.has_value())
    return fmt::format("by entry {}, {}", retention.pruning->entry, retention.pruning->recorded_at);
  return "-";
}

Result<ExitCode> list(const Context& context) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const std::vector<audit::Shard> shards, audit::shards(workspace));
  SIGILLO_TRY(const std::vector<audit::ShardRetention> retention,
              audit::shard_retention(workspace));
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows{
      {"shard", "first", "entries", "state", "retention", "origin"}};
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const audit::Shard& shard = shards[i];
    json.push_back(shard_json(shard, retention[i]));
    rows.push_back({fmt::format("{}", shard.number), fmt::format("{}", shard.first),
                    fmt::format("{}", shard.size),
                    shard.pruned   ? "pruned"
                    : shard.sealed ? "sealed"
                                   : "current",
                    retention_text(retention[i]), printable(shard.origin)});
  }
  print_out("{}", context.json ? json_line(json) : table(rows));
  return ExitCode::done;
}

Json pruned_json(const audit::PrunedNow& now) {
  Json json{{"shard", now.shard},
            {"first_entry", now.first},
            {"size", now.size},
            {"blobs", now.blobs},
            {"values", now.values}};
  if (now.entry > 0) json["entry"] = now.entry;
  if (!now.basis.empty()) json["basis"] = now.basis;
  return json;
}

Result<ExitCode> prune(Context& context, const ShardArguments& arguments) {
  const bool dry = arguments.prune.dry_run;
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::PruneResult result,
              audit::prune(workspace, arguments.prune, context.clock));
  Json json{{"dry_run", dry}, {"pruned", Json::array()}};
  std::string text;
  for (const audit::PrunedNow& now : result.shards) {
    json["pruned"].push_back(pruned_json(now));
    text += fmt::format(
        "shard {}, entries {} to {}: {}{}; {} blobs and {} private values{}\n", now.shard,
        now.first, now.first + now.size - 1, dry ? "would be pruned" : "pruned",
        dry || now.entry == 0 ? "" : fmt::format(", recorded as entry {}", now.entry), now.blobs,
        now.values, dry ? " would go with it" : " went with it");
    if (!now.basis.empty()) text += fmt::format("  expired: {}\n", now.basis);
  }
  if (result.next.has_value() && result.next->deadline.has_value()) {
    json["next"] = Json{{"shard", result.next->shard},
                        {"prunable_from", core::to_rfc3339(result.next->deadline->until)},
                        {"basis", result.next->deadline->basis}};
    text += fmt::format("shard {} is prunable from {}: {}\n", result.next->shard,
                        core::to_date(result.next->deadline->until), result.next->deadline->basis);
  }
  if (text.empty()) text = "no sealed shard is there to be pruned\n";
  if (!dry && !result.shards.empty())
    context.lasting = fmt::format("{} shards are pruned", result.shards.size());
  print_out("{}", context.json ? json_line(json) : printable_lines(text));
  if (!dry && !result.shards.empty())
    print_err(
        "sigillo: note: copies in backups, exported tiles and bundles are not reached: delete "
        "those, "
        "too\n");
  return ExitCode::done;
}

Result<ExitCode> write_handovers(const Context& context, const ShardArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const std::vector<audit::Handover> chain, audit::handovers(workspace));
  SIGILLO_TRY(const std::string text, audit::handovers_text(chain));
  if (arguments.output.empty()) print_out("{}\n", text);
  else SIGILLO_TRY_VOID(core::write_file_atomically(arguments.output, core::as_bytes(text + "\n")));
  return ExitCode::done;
}

Result<ExitCode> verify_handovers(const Context& context, const ShardArguments& arguments) {
  SIGILLO_TRY(const core::Bytes bytes,
              core::read_file(arguments.file, audit::kMaxHandoversBytes + 1));
  std::string_view text = core::as_text(bytes);
  if (text.ends_with('\n')) text.remove_suffix(1);
  SIGILLO_TRY(const std::vector<audit::Handover> chain, audit::parse_handovers(text));
  SIGILLO_TRY(const audit::NoteVerifier known, audit::NoteVerifier::parse(arguments.key));
  SIGILLO_TRY(const std::vector<audit::NoteVerifier> logs, audit::follow_handovers(chain, known));
  Json keys = Json::array();
  for (const audit::NoteVerifier& log : logs) keys.push_back(log.vkey());
  if (context.json) {
    print_out("{}", json_line(Json{{"verified", true}, {"log_keys", std::move(keys)}}));
    return ExitCode::done;
  }
  for (const audit::NoteVerifier& log : logs) print_out("{}\n", printable(log.vkey()));
  return ExitCode::done;
}

}  // namespace

void add_shard_commands(Command app, Context& context) {
  Command log = app.find_group("log");
  auto arguments = std::make_shared<ShardArguments>();
  Command command = add_command(log, context, "rotate",
                                "seal the current shard, and begin the next with a new log key",
                                [&context, arguments] { return rotate(context, *arguments); });
  command.option("--origin", arguments->origin,
                 "the new log's name (default: the first shard's, and /YEAR-NUMBER)");
  command.footer(
      "The sealed shard stays, readable and checked, and never signs again. A rotation that was "
      "interrupted is finished by running it again.");
  add_json_flag(command, context);

  command = add_command(log, context, "prune",
                        "delete sealed shards that nobody has to keep any longer; proofs of what "
                        "remains stay",
                        [&context, arguments] { return prune(context, *arguments); });
  command
      .option("--shard", arguments->prune.shard,
              "this one; it must be the oldest (default: all that may go)")
      .between(std::uint64_t{1}, std::uint64_t{10000});
  command.flag("--dry-run", arguments->prune.dry_run,
               "check everything, say what would go, and change nothing");
  command.footer(
      "A record in the ledger says what was pruned, and by which law it had expired. A legal hold "
      "(`sigillo record legal-hold`) forbids it. A pruning that was interrupted is finished by "
      "running it again.");
  add_json_flag(command, context);

  command =
      add_command(log, context, "shards", "list the shards, and from when on each may be pruned",
                  [&context] { return list(context); });
  add_json_flag(command, context);

  command =
      add_command(log, context, "handovers",
                  "write what shows a reader of an older shard that the newer ones continue it",
                  [&context, arguments] { return write_handovers(context, *arguments); });
  command.option("-o,--output", arguments->output, "file to write (default: standard output)");

  command = add_command(
      log, context, "verify-handovers",
      "check handovers offline, and print the keys of the logs that follow the known one; needs no "
      "workspace",
      [&context, arguments] { return verify_handovers(context, *arguments); });
  command.option("file", arguments->file, "the handovers").required();
  command.option("--log-key", arguments->key, "the verifier key of a log that you know").required();
  add_json_flag(command, context);
}

}  // namespace sigillo::cli
