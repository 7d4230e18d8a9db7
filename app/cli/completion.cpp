// Completion for shells, from the same table as the help: one line for each command with the words
// that may follow it.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"

namespace sigillo::cli {
namespace {

// Sub-commands and long options of a command, in one line.
std::string words_after(const CLI::App& command) {
  std::string words;
  for (const CLI::App* child : command.get_subcommands({})) words += " " + child->get_name();
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) words += " --" + name;
  return words.empty() ? "" : words.substr(1);
}

void add_cases(const CLI::App& command, const std::string& path, std::string& cases) {
  cases += fmt::format("    \"{}\") words=\"{}\" ;;\n", path, words_after(command));
  for (const CLI::App* child : command.get_subcommands({}))
    add_cases(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), cases);
}

std::string bash_script(const CLI::App& app) {
  std::string cases;
  add_cases(app, "", cases);
  return "_sigillo() {\n"
         "  local word path=\"\" words=\"\" current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \"$word\" in --) return ;; -*) ;; *)\n"
         "      _sigillo_words \"${path:+$path }$word\" && path=\"${path:+$path }$word\" ;;\n"
         "    esac\n"
         "  done\n"
         "  _sigillo_words \"$path\"\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "_sigillo_words() {\n"
         "  case \"$1\" in\n" +
         cases +
         "    *) return 1 ;;\n"
         "  esac\n"
         "}\n"
         "complete -o default -F _sigillo sigillo\n";
}

void add_fish(const CLI::App& command, const std::string& path, std::string& script) {
  const std::string seen =
      path.empty()
          ? "__fish_use_subcommand"
          : fmt::format(
                "__fish_seen_subcommand_from {}",
                path.substr(path.rfind(' ') == std::string::npos ? 0 : path.rfind(' ') + 1));
  for (const CLI::App* child : command.get_subcommands({})) {
    script += fmt::format("complete -c sigillo -n '{}' -a {}\n", seen, child->get_name());
    add_fish(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), script);
  }
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames())
      script += fmt::format("complete -c sigillo -n '{}' -l {}\n", seen, name);
}

std::string script_for(const CLI::App& app, const std::string& shell) {
  if (shell == "bash") return bash_script(app);
  if (shell == "zsh") return "autoload -U +X bashcompinit && bashcompinit\n" + bash_script(app);
  std::string script;
  add_fish(app, "", script);
  return script;
}

}  // namespace

void add_completion_command(Command app, Context& context) {
  auto shell = std::make_shared<std::string>();
  Command command =
      add_command(app, context, "completion", "print a shell's completion for this program",
                  [app, shell]() -> core::Result<core::ExitCode> {
                    print_out("{}", script_for(app.app(), *shell));
                    return core::ExitCode::done;
                  });
  command.option("shell", *shell, "bash, zsh or fish").required().one_of({"bash", "zsh", "fish"});
}

}  // namespace sigillo::cli
