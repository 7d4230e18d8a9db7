// sigillo: the command line. Commands parse, call app/pipeline or audit, and render; they hold no
// logic of their own.
//
// Data goes to standard output, diagnostics to standard error. Exit codes: docs/errors.md.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "app/cli/context.hpp"
#include "app/cli/render.hpp"

namespace {

using namespace sigillo;

// What follows the first "--" of `run` belongs to the command, whatever it looks like.
std::vector<std::string> split_command(std::vector<std::string>& arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (std::find(arguments.begin(), dashes, "run") == dashes || dashes == arguments.end()) return {};
  std::vector<std::string> command(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());
  return command;
}

int finish(const core::Result<core::ExitCode>& result, const cli::Context& context) {
  // A full disk behind standard output must not look like success.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    fmt::print(stderr, "sigillo: error [io-error] standard output could not be written\n");
    return static_cast<int>(core::ExitCode::environment);
  }
  if (!result.has_value()) {
    fmt::print(stderr, "{}", cli::render_error(result.error()));
    return context.exact_exit.value_or(static_cast<int>(core::exit_code(result.error().code)));
  }
  return context.exact_exit.value_or(static_cast<int>(*result));
}

}  // namespace

int main(int argc, char** argv) {
  cli::Context context;
  const char* from_environment = std::getenv("SIGILLO_WORKSPACE");
  context.workspace_folder =
      from_environment != nullptr && *from_environment != '\0' ? from_environment : ".sigillo";
  std::vector<std::string> arguments(argv + 1, argv + argc);
  context.command = split_command(arguments);

  CLI::App app("seal what AI systems make and how they were made, and let anyone check the seal",
               "sigillo");
  app.add_option("--workspace", context.workspace_folder,
                 "the workspace (default: $SIGILLO_WORKSPACE or ./.sigillo)");
  app.set_version_flag("--version", std::string("sigillo ") + SIGILLO_VERSION, "print the version");
  bool man = false;
  app.add_flag("--man-page", man, "print the manual page (roff)");
  app.footer(
      "Exit codes: 0 done, 1 not verified, 2 could not decide, 3 usage or input, 4 the environment "
      "failed.");
  cli::add_workspace_commands(app, context);
  cli::add_record_commands(app, context);
  cli::add_run_command(app, context);
  cli::add_text_commands(app, context);
  cli::add_log_commands(app, context);
  cli::add_gate_commands(app, context);

  try {
    std::reverse(arguments.begin(), arguments.end());
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : static_cast<int>(core::ExitCode::usage);
  }
  if (man) {
    fmt::print("{}", cli::man_page(app));
    return 0;
  }
  if (!context.action) {
    fmt::print(stderr, "{}\n", app.help());
    return static_cast<int>(core::ExitCode::usage);
  }
  return finish(context.action(), context);
}
