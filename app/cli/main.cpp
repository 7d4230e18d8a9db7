// sigillo: the command line. Commands parse, call app/pipeline or audit, and render; they hold no
// logic of their own.
//
// Data goes to standard output, diagnostics to standard error. Exit codes: docs/errors.md.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <sstream>
#include <utility>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"

namespace {

using namespace sigillo;

// A stream that was closed must not hand its number to the next file that is opened: what is
// printed would go there. The stand-in fails every use, and a command of `run` finds the stream
// closed.
void occupy_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0)
      static_cast<void>(
          ::open("/dev/null", (stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC));
}

// The first argument that is no option of the program itself.
std::vector<std::string>::iterator find_verb(std::vector<std::string>& arguments) {
  auto argument = arguments.begin();
  while (argument != arguments.end() && argument->starts_with("-"))
    argument += *argument == "--workspace" && argument + 1 != arguments.end() ? 2 : 1;
  return argument;
}

// What follows the first "--" of `run` belongs to the command, whatever it looks like.
std::vector<std::string> split_command(std::vector<std::string>& arguments) {
  const auto dashes = std::find(find_verb(arguments), arguments.end(), "--");
  if (dashes == arguments.end()) return {};
  std::vector<std::string> command(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());
  return command;
}

int finish(const core::Result<core::ExitCode>& result, const cli::Context& context) {
  // A full disk behind standard output must not look like success.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    core::Error error{core::ErrorCode::io_error, "standard output could not be written",
                      "check the disk or the program that reads it"};
    if (!context.lasting.empty()) {
      error.message += fmt::format("; the command itself is done: {}", context.lasting);
      error.remedy += "; do not run the command again";
    }
    cli::print_err("{}", cli::render_error(error));
    return context.exact_exit.value_or(static_cast<int>(core::ExitCode::environment));
  }
  if (!result.has_value()) {
    cli::print_err("{}", cli::render_error(result.error()));
    return context.exact_exit.value_or(static_cast<int>(core::exit_code(result.error().code)));
  }
  return context.exact_exit.value_or(static_cast<int>(*result));
}

// The command that was reached before the parser stopped, with the words that lead to it.
const CLI::App& reached(const CLI::App& app, std::string& words) {
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) return app;
  words += chosen.front()->get_name() + " ";
  return reached(*chosen.front(), words);
}

// Insertions, deletions and replacements between two words.
std::size_t edits(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

// "Did you mean": the sub-command that is at most two edits away from an argument nobody took.
std::string nearest(const CLI::App& command, const std::vector<std::string>& arguments) {
  for (const std::string& word : arguments)
    for (const CLI::App* child : command.get_subcommands({}))
      if (word != child->get_name() && edits(word, child->get_name()) <= 2)
        return child->get_name();
  return "";
}

// No function of ours throws, but memory ends and libraries do.
core::Result<core::ExitCode> act(const cli::Context& context) {
  const auto failed = [&](std::string message) {
    if (!context.lasting.empty()) message += "; done before that: " + context.lasting;
    return core::Error{core::ErrorCode::io_error, std::move(message),
                       "check memory and disk, then try again; if it happens again, report it"};
  };
  try {
    return context.action();
  } catch (const std::bad_alloc&) {
    return failed("there is not enough memory");
  } catch (const std::exception& error) {
    return failed(fmt::format("the command was stopped: {}", cli::printable(error.what())));
  }
}

// An empty value is most often a shell variable that was not set; "not given" would be another
// question than the one that was meant.
void refuse_empty_values(CLI::App& app) {
  const CLI::Validator not_empty(
      [](const std::string& value) {
        return value.empty() ? std::string("the value is empty") : std::string();
      },
      "", "not-empty");
  for (CLI::Option* option : app.get_options())
    if (option->get_items_expected_max() > 0) option->check(not_empty);
  for (CLI::App* command : app.get_subcommands(nullptr)) refuse_empty_values(*command);
}

// --help and --version arrive as exceptions too: they are the ones whose exit code is 0.
core::Result<core::ExitCode> after_parse_error(const CLI::App& app, const CLI::ParseError& error,
                                               const std::vector<std::string>& given) {
  if (error.get_exit_code() != 0) {
    std::string words;
    const CLI::App& command = reached(app, words);
    const std::string meant = nearest(command, given);
    const std::string hint =
        meant.empty() ? "" : fmt::format("did you mean `sigillo {}{}`? ", words, meant);
    return core::Error{core::ErrorCode::invalid_argument, error.what(),
                       fmt::format("{}`sigillo {}--help` shows what can be given", hint, words)};
  }
  std::ostringstream text;
  app.exit(error, text, text);
  cli::print_out("{}", text.str());
  return core::ExitCode::done;
}

}  // namespace

int main(int argc, char** argv) {
  occupy_closed_streams();
  cli::Context context;
  const char* from_environment = std::getenv("SIGILLO_WORKSPACE");
  context.workspace_folder =
      from_environment != nullptr && *from_environment != '\0' ? from_environment : ".sigillo";
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto found = find_verb(arguments);
  const std::string verb = found == arguments.end() ? "" : *found;
  if (verb == "run") context.command = split_command(arguments);

  CLI::App app("seal what AI systems make and how they were made, and let anyone check the seal",
               "sigillo");
  app.fallthrough();  // --workspace is understood after the verb, too
  app.add_option("--workspace", context.workspace_folder,
                 "the workspace (default: $SIGILLO_WORKSPACE or ./.sigillo)");
  app.set_version_flag("--version", std::string("sigillo ") + SIGILLO_VERSION, "print the version");
  bool man = false;
  app.add_flag("--man-page", man, "print the manual page (roff)");
  app.footer(
      "Exit codes: 0 done, 1 not verified, 2 could not decide, 3 usage or input, 4 the environment "
      "failed.");
  const cli::Command commands(&app);
  cli::add_workspace_commands(commands, context);
  cli::add_record_commands(commands, context);
  cli::add_run_command(commands, context);
  cli::add_text_commands(commands, context);
  cli::add_log_commands(commands, context);
  cli::add_tile_commands(commands, context);
  cli::add_gate_commands(commands, context);
  cli::add_compute_commands(commands, context);
  cli::add_bundle_commands(commands, context);
  cli::add_care_commands(commands, context);
  cli::add_lineage_command(commands, context);
  cli::add_report_command(commands, context);
  cli::add_serve_commands(commands, context);
  cli::add_witness_commands(commands, context);
  cli::add_values_commands(commands, context);
  cli::add_stamp_commands(commands, context);
  cli::add_sigstore_command(commands, context);
  cli::add_shard_commands(commands, context);
  cli::add_trust_commands(commands, context);
  cli::add_cose_commands(commands, context);
  cli::add_completion_command(commands, context);
  refuse_empty_values(app);
  cli::add_examples(commands);

  const std::vector<std::string> given = arguments;
  try {
    std::reverse(arguments.begin(), arguments.end());
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    if (verb == "run" && error.get_exit_code() != 0) context.exact_exit = cli::kStartNotRecorded;
    return finish(after_parse_error(app, error, given), context);
  }
  if (man) {
    cli::print_out("{}", cli::man_page(commands));
    return finish(core::ExitCode::done, context);
  }
  if (!context.action) {
    cli::print_err("{}\n", app.help());
    return finish(core::Error{core::ErrorCode::invalid_argument, "no command is given",
                              "`sigillo --help` lists the commands"},
                  context);
  }
  return finish(act(context), context);
}
