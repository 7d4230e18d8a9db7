#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "app/cli/time_stamp_files.hpp"
#include "app/client/http_client.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
namespace {

using audit::Ledger;
using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Json;
using core::Result;

// The checkpoint over everything that is durable; signed now if there is none.
Result<audit::StampedCheckpoint> checkpoint_to_stamp(const audit::Workspace& workspace) {
  SIGILLO_TRY(const core::PrivateKey key,
              workspace.keyring().signing_key(workspace.config().log_key));
  SIGILLO_TRY(Ledger ledger, workspace.ledger(Ledger::Access::write));
  SIGILLO_TRY(const std::string note, ledger.publish(key, workspace.checkpoint_store()));
  SIGILLO_TRY(const audit::NoteVerifier log,
              audit::NoteVerifier::create(ledger.origin(), key.public_key()));
  return audit::stamped_checkpoint(note, {log});
}

Result<ExitCode> append(Context& context, const audit::Workspace& workspace,
                        const audit::StampedCheckpoint& stamped, const core::Bytes& response,
                        const core::TimeStamp& stamp) {
  SIGILLO_TRY(const audit::Receipt receipt,
              audit::record_time_stamp(workspace, stamped, response, stamp, context.clock));
  context.lasting = fmt::format("the time stamp is entry {}", receipt.index);
  if (context.json) {
    Json json = audit::to_json(stamp);
    json["entry"] = receipt.index;
    json["size"] = stamped.checkpoint.size;
    print_out("{}", json_line(json));
  } else {
    print_out("size {} stamped at {} by {}; recorded as entry {}\n", stamped.checkpoint.size,
              stamp_time(stamp), printable(stamp.authority), receipt.index);
  }
  return ExitCode::done;
}

Result<ExitCode> stamp_online(Context& context, const AuthorityArguments& arguments) {
  SIGILLO_TRY_VOID(client::check_http_url(arguments.tsa));
  SIGILLO_TRY(const core::TimeStampRoots roots, read_roots(arguments.roots));
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::StampedCheckpoint stamped, checkpoint_to_stamp(workspace));
  SIGILLO_TRY(const core::Bytes query, core::time_stamp_query(stamped.imprint(), context.entropy));
  SIGILLO_TRY(const core::Bytes response, ask_authority(arguments, query));
  const auto stamp = core::verify_time_stamp_answer(response, query, stamped.imprint(), roots,
                                                    context.clock.now());
  if (!stamp.has_value()) return stamp.error().in(arguments.tsa);
  return append(context, workspace, stamped, response, *stamp);
}

Result<ExitCode> write_request(Context& context, const AuthorityArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::StampedCheckpoint stamped, checkpoint_to_stamp(workspace));
  SIGILLO_TRY(const core::Bytes query, core::time_stamp_query(stamped.imprint(), context.entropy));
  SIGILLO_TRY_VOID(core::write_file_atomically(arguments.request, query));
  if (context.json)
    print_out("{}", json_line(Json{{"request", arguments.request},
                                   {"size", stamped.checkpoint.size},
                                   {"imprint", stamped.imprint().hex()}}));
  else
    print_out(
        "{} asks for a time stamp on size {}; have it answered, then: sigillo log stamp "
        "--response FILE --request {} --tsa-roots FILE\n",
        arguments.request, stamped.checkpoint.size, arguments.request);
  return ExitCode::done;
}

// The ledger may have grown since the query: what the response is about is looked up.
Result<audit::StampedCheckpoint> checkpoint_of(const audit::Workspace& workspace,
                                               const core::Digest& imprint) {
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  SIGILLO_TRY(const audit::NoteVerifier log, audit::log_verifier(workspace, ledger));
  SIGILLO_TRY(const std::vector<audit::StoredCheckpoint> stored, ledger.checkpoints());
  for (auto one = stored.rbegin(); one != stored.rend(); ++one) {
    SIGILLO_TRY(audit::StampedCheckpoint stamped, audit::stamped_checkpoint(one->note, {log}));
    if (stamped.imprint() == imprint) return stamped;
  }
  return Error{ErrorCode::proof_invalid,
               "the time stamp is about no checkpoint that is stored here",
               "give the answer to a query that this workspace wrote"};
}

Result<ExitCode> take_response(Context& context, const AuthorityArguments& arguments) {
  SIGILLO_TRY(const core::TimeStampRoots roots, read_roots(arguments.roots));
  SIGILLO_TRY(const core::Bytes response,
              core::read_file(arguments.response, core::kMaxTimeStampBytes));
  SIGILLO_TRY(const core::Bytes query,
              core::read_file(arguments.request, core::kMaxTimeStampQueryBytes));
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const core::TimeStamp claims, core::read_time_stamp(response));
  SIGILLO_TRY(const audit::StampedCheckpoint stamped, checkpoint_of(workspace, claims.imprint));
  SIGILLO_TRY(const core::TimeStamp stamp,
              core::verify_time_stamp_answer(response, query, stamped.imprint(), roots,
                                             context.clock.now()));
  return append(context, workspace, stamped, response, stamp);
}

Result<ExitCode> stamp(Context& context, const AuthorityArguments& arguments) {
  const bool offline = arguments.tsa.empty() && !arguments.request.empty();
  if (offline && arguments.response.empty()) return write_request(context, arguments);
  if (arguments.roots.empty())
    return Error{ErrorCode::invalid_argument, "nothing says which authority is trusted",
                 "give --tsa-roots with the authority's root certificates"};
  if (offline) return take_response(context, arguments);
  if (!arguments.tsa.empty() && arguments.request.empty() && arguments.response.empty())
    return stamp_online(context, arguments);
  return Error{ErrorCode::invalid_argument, "it is not said how to reach the authority, or twice",
               "give --tsa URL; or --request FILE, and later --request FILE --response FILE"};
}

// Every time stamp; with roots, whether each one holds.
Result<ExitCode> stamps(const Context& context, const AuthorityArguments& arguments) {
  std::optional<core::TimeStampRoots> roots;
  if (!arguments.roots.empty()) {
    SIGILLO_TRY(roots, read_roots(arguments.roots));
  }
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  SIGILLO_TRY(const audit::NoteVerifier log, audit::log_verifier(workspace, ledger));
  SIGILLO_TRY(const std::vector<audit::RecordedStamp> list, audit::recorded_time_stamps(ledger));
  SIGILLO_TRY(const std::uint64_t first, audit::first_entry(ledger, workspace.config().shard));
  bool all_hold = true;
  for (const audit::RecordedStamp& one : list) {
    Json json{{"entry", first + one.entry},
              {"size", one.size},
              {"time", one.record.fields.at("time")},
              {"authority", one.record.fields.at("authority")},
              {"token", one.token.hex()}};
    std::string state;
    if (roots.has_value()) {
      const auto held = [&]() -> Result<core::TimeStamp> {
        SIGILLO_TRY(const audit::StampedCheckpoint stamped,
                    audit::recorded_checkpoint(one.record, log));
        SIGILLO_TRY(const core::Bytes response, workspace.blobs().get(one.token));
        return core::verify_time_stamp(response, stamped.imprint(), *roots, context.clock.now());
      }();
      all_hold = all_hold && held.has_value();
      json["verified"] = held.has_value();
      state = held.has_value() ? "  verified" : "  NOT VERIFIED: " + held.error().message;
      if (!held.has_value()) json["problem"] = held.error().message;
    }
    if (context.json) print_out("{}", json_line(json));
    else
      print_out("{:>6}  size {:<8}  {}  {}{}\n", first + one.entry, one.size,
                one.record.fields.at("time").get<std::string>(),
                printable(one.record.fields.at("authority").get<std::string>()), printable(state));
  }
  return all_hold ? ExitCode::done : ExitCode::not_verified;
}

}  // namespace

void add_stamp_commands(Command app, Context& context) {
  Command log = app.find_group("log");
  auto arguments = std::make_shared<AuthorityArguments>();
  Command command =
      add_command(log, context, "stamp", "have the checkpoint time-stamped by a third party",
                  [&context, arguments] { return stamp(context, *arguments); });
  add_authority_options(command, *arguments,
                        "URL of an RFC 3161 time-stamping authority, http or https");
  command.footer(
      "Signs a checkpoint over all entries first. The answer is verified, then recorded as an "
      "entry, so that the next checkpoint covers it.");
  add_json_flag(command, context);

  command = add_command(log, context, "stamps", "list the time stamps in the ledger",
                        [&context, arguments] { return stamps(context, *arguments); });
  command.option("--tsa-roots", arguments->roots,
                 "verify each under these roots (PEM); exit code 1 if one does not hold");
  add_json_flag(command, context);
}

}  // namespace sigillo::cli
