#include <fmt/format.h>

#include <csignal>
#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "sigillo/audit/runs.hpp"

namespace sigillo::cli {
namespace {

using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Result;

Result<ExitCode> run(Context& context, audit::RunRequest request) {
  context.exact_exit = kStartNotRecorded;
  request.command = context.command;
  if (request.command.empty())
    return Error{ErrorCode::invalid_argument, "no command is given",
                 "write it after two dashes: `sigillo run --model NAME -- COMMAND ARGUMENT...`"};
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::RunResult result,
              audit::run_recorded(workspace, request, context.entropy, context.clock,
                                  [](const std::string& warning) {
                                    std::signal(SIGPIPE, SIG_IGN);
                                    print_err("sigillo: warning: {}\n", printable(warning));
                                  }));
  // The command has ended: a reader of standard error that is gone must not change its exit code.
  std::signal(SIGPIPE, SIG_IGN);
  context.exact_exit = result.exit_code;
  const std::string end =
      result.end_entry.has_value() ? fmt::format("entry {}", *result.end_entry) : "not recorded";
  print_err("sigillo: run {}: start is entry {}, end is {}; exit code {}\n", result.run_id,
            result.start_entry, end, result.exit_code);
  return ExitCode::done;
}

}  // namespace

void add_run_command(Command app, Context& context) {
  auto request = std::make_shared<audit::RunRequest>();
  Command command = add_command(app, context, "run",
                                "record a training run around a command; exits with the "
                                "command's own code, 125 if the start cannot be recorded",
                                [&context, request] { return run(context, *request); });
  command.option("--model", request->model, "name of the model that is trained").required();
  command
      .option("--dataset", request->datasets,
              "name of a sealed dataset that it reads; may be given several times")
      .repeated();
  command.option("--output", request->outputs,
                 "folder or file that it writes: hashed after the end");
  command.footer(
      "The command follows two dashes: sigillo run --model N --dataset D --output DIR -- CMD "
      "ARG...\n"
      "It finds SIGILLO_RUN_ID and SIGILLO_RUN_REPORT (a JSON file that it may write: \"flop\", "
      "\"flop_method\").\n"
      "A run that reports no operations leaves the compute rules of a gate undecided.");
}

}  // namespace sigillo::cli
