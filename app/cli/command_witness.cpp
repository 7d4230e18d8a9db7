#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/policy_file.hpp"
#include "app/cli/render.hpp"
#include "app/cli/serve_talk.hpp"
#include "app/client/cosigning.hpp"
#include "app/server/serve_witness.hpp"
#include "sigillo/audit/verify_proof.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
namespace {

using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Json;
using core::Result;

struct WitnessArguments {
  std::string folder, name, log_key;
  server::ServeWitnessOptions options;
};

struct CosignArguments {
  std::string policy, output;
  int timeout_seconds = 5;
  bool fail_open = false;
};

Result<ExitCode> print_key(const Context& context, const WitnessArguments& arguments) {
  SIGILLO_TRY(const audit::Witness witness, audit::Witness::open(arguments.folder));
  std::vector<std::string> logs;
  for (const audit::NoteVerifier& log : witness.logs()) logs.push_back(log.vkey());
  if (context.json)
    print_out("{}",
              json_line(Json{
                  {"name", witness.key().name()}, {"vkey", witness.key().vkey()}, {"logs", logs}}));
  else print_out("{}\n", printable(witness.key().vkey()));
  return ExitCode::done;
}

Result<ExitCode> init(Context& context, const WitnessArguments& arguments) {
  SIGILLO_TRY_VOID(
      audit::Witness::init(arguments.folder, arguments.name, context.entropy, context.clock));
  context.lasting = fmt::format("{} is the folder of a new witness", arguments.folder);
  return print_key(context, arguments);
}

Result<ExitCode> watch(const Context& context, const WitnessArguments& arguments) {
  SIGILLO_TRY(audit::Witness witness, audit::Witness::open(arguments.folder));
  SIGILLO_TRY(const audit::NoteVerifier log, audit::NoteVerifier::parse(arguments.log_key));
  SIGILLO_TRY_VOID(witness.add_log(log));
  if (context.json) print_out("{}", json_line(Json{{"watched", log.vkey()}}));
  else
    print_out("{} watches {}; a running server does so after its next start\n",
              printable(witness.key().name()), printable(log.name()));
  return ExitCode::done;
}

Result<ExitCode> serve(Context& context, const WitnessArguments& arguments) {
  SIGILLO_TRY(audit::Witness witness, audit::Witness::open(arguments.folder));
  SIGILLO_TRY_VOID(server::serve_witness(witness, arguments.options, context.clock, context.entropy,
                                         serve_talk("witness serve")));
  return ExitCode::done;
}

Json to_json(const client::Cosigning& cosigning, const std::string& quorum) {
  Json witnesses = Json::array();
  for (const client::WitnessReport& one : cosigning.witnesses) {
    Json report{{"witness", one.witness}, {"state", to_string(one.state)}};
    if (one.state == client::WitnessState::cosigned)
      report["time"] = audit::cosignature_time(one.time);
    else report["detail"] = one.detail;
    witnesses.push_back(std::move(report));
  }
  return Json{{"checkpoint", cosigning.note},
              {"size", cosigning.checkpoint.size},
              {"quorum", quorum},
              {"quorum_met", cosigning.quorum_met},
              {"witnesses", std::move(witnesses)}};
}

// Who did not cosign, and that it was published all the same: for people, beside the data.
void tell(const client::Cosigning& cosigning) {
  for (const client::WitnessReport& one : cosigning.witnesses)
    if (one.state != client::WitnessState::cosigned)
      print_err("sigillo log cosign: {} {}: {}\n", printable(one.witness), to_string(one.state),
                printable(one.detail));
  if (!cosigning.quorum_met)
    print_err("sigillo log cosign: the quorum does not hold; published because of --fail-open\n");
}

Result<ExitCode> cosign(Context& context, const CosignArguments& arguments) {
  SIGILLO_TRY(const audit::WitnessPolicy policy, read_policy(arguments.policy));
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  const client::CosigningOptions options{std::chrono::seconds(arguments.timeout_seconds),
                                         arguments.fail_open};
  SIGILLO_TRY(const client::Cosigning cosigning,
              client::cosign_ledger(workspace, policy, client::http_post, context.clock, options));
  context.lasting = "the cosigned checkpoint is in the ledger";
  tell(cosigning);
  if (!arguments.output.empty())
    SIGILLO_TRY_VOID(core::write_file_atomically(arguments.output, core::as_bytes(cosigning.note)));
  if (context.json) print_out("{}", json_line(to_json(cosigning, policy.quorum())));
  else if (arguments.output.empty()) print_out("{}", cosigning.note);
  return ExitCode::done;
}

void add_cosign(Command log, Context& context) {
  auto arguments = std::make_shared<CosignArguments>();
  Command command =
      add_command(log, context, "cosign", "have the checkpoint cosigned by a policy's witnesses",
                  [&context, arguments] { return cosign(context, *arguments); });
  command
      .option("--policy", arguments->policy,
              "the policy (C2SP tlog-policy); witnesses with a URL are asked")
      .required();
  command
      .option("--timeout", arguments->timeout_seconds,
              "seconds for one request; all witnesses are asked at the same time")
      .between(1, 300)
      .show_default();
  command.flag("--fail-open", arguments->fail_open,
               "publish although the quorum does not hold, and say so");
  command.option("-o,--output", arguments->output,
                 "file for the cosigned checkpoint (default: standard output)");
  command.footer(
      "Signs a checkpoint over all entries first. Without a quorum nothing is published. A witness "
      "that has cosigned more of this log than there is, or another history, stops it whatever is "
      "given: the ledger may have been rolled back.");
  add_json_flag(command, context);
}

Command add_folder_command(Command parent, Context& context, const std::string& name,
                           const std::string& help, WitnessArguments& arguments,
                           std::function<Result<ExitCode>()> action) {
  Command command = add_command(parent, context, name, help, std::move(action));
  command.option("folder", arguments.folder, "the witness's folder").required();
  return command;
}

void add_serve(Command witness, Context& context,
               const std::shared_ptr<WitnessArguments>& arguments) {
  server::ServeWitnessOptions& options = arguments->options;
  Command command =
      add_folder_command(witness, context, "serve", "answer requests for cosignatures over HTTP",
                         *arguments, [&context, arguments] { return serve(context, *arguments); });
  command.option("--listen", options.listen.address, "numeric address and port; port 0: any")
      .show_default();
  command.option("--rate", options.rate.per_second, "requests a second from one address")
      .between(0.0, 1e9)
      .show_default();
  command.option("--burst", options.rate.burst, "requests at once, likewise")
      .between(1.0, 1e9)
      .show_default();
  command.flag("--behind-proxy", options.behind_proxy,
               "take the client's address from the last element of X-Forwarded-For");
  command.option("--threads", options.listen.threads, "threads that answer requests")
      .between(1, 256)
      .show_default();
  command.footer(
      "Answers POST /add-checkpoint and GET /<hex SHA-256 of the origin>/checkpoint (C2SP "
      "tlog-witness). HTTP only: put a proxy with TLS before it for the public. SIGTERM ends it.");
}

}  // namespace

void add_witness_commands(Command app, Context& context) {
  add_cosign(app.find_group("log"), context);
  Command witness = app.group("witness", "a witness of other people's logs");
  auto arguments = std::make_shared<WitnessArguments>();
  Command command =
      add_folder_command(witness, context, "init", "make a witness, and print its verifier key",
                         *arguments, [&context, arguments] { return init(context, *arguments); });
  command
      .option("--name", arguments->name, "its name in cosignatures, such as witness.example.com/w1")
      .required();
  command.footer(
      "A witness has a key of its own and needs no workspace. Its state must never be restored "
      "from a backup.");
  add_json_flag(command, context);

  command = add_folder_command(witness, context, "watch", "cosign for one log more", *arguments,
                               [&context, arguments] { return watch(context, *arguments); });
  command.option("vkey", arguments->log_key, "the log's verifier key").required();
  add_json_flag(command, context);

  command = add_folder_command(witness, context, "key", "print its verifier key", *arguments,
                               [&context, arguments] { return print_key(context, *arguments); });
  add_json_flag(command, context);
  add_serve(witness, context, arguments);
}

}  // namespace sigillo::cli
