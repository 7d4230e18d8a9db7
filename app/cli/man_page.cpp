#include <fmt/format.h>

#include "app/cli/context.hpp"

namespace sigillo::cli {
namespace {

std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '-') out.push_back('\\');
    out.push_back(c);
  }
  return out.empty() || (out[0] != '.' && out[0] != '\'') ? out : "\\&" + out;
}

std::string command_section(const CLI::App& command, const std::string& path) {
  std::string out = fmt::format(".SS {}\n{}\n", roff(path), roff(command.get_description()));
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_name() == "--help" || option->get_description().empty()) continue;
    const std::string required = option->get_required() ? " (required)" : "";
    out += fmt::format(".TP\n.B {}\n{}{}\n", roff(option->get_name(false, true)),
                       roff(option->get_description()), required);
  }
  for (const CLI::App* child : command.get_subcommands({}))
    out += command_section(*child, path + " " + child->get_name());
  return out;
}

}  // namespace

std::string man_page(const CLI::App& app) {
  std::string out =
      fmt::format(".TH SIGILLO 1 \"\" \"sigillo {}\" \"User Commands\"\n.SH NAME\nsigillo \\- {}\n",
                  SIGILLO_VERSION, roff(app.get_description()));
  out += ".SH SYNOPSIS\n.B sigillo\n[\\-\\-workspace DIR] VERB ...\n.SH COMMANDS\n";
  for (const CLI::App* command : app.get_subcommands({}))
    out += command_section(*command, command->get_name());
  out +=
      ".SH EXIT STATUS\n.TP\n.B 0\ndone; gate: every mandatory rule passed on this "
      "evidence\n.TP\n.B 1\nnot verified; gate: at least one mandatory rule failed; text detect: "
      "no mark\n"
      ".TP\n.B 2\ncould not decide\n.TP\n.B 3\nusage, configuration or input\n.TP\n.B 4\nthe "
      "environment failed: disk, lock, permission\n"
      ".PP\n.B sigillo run\nexits with its command's own code, or 125 if the start could not be "
      "recorded.\n";
  out +=
      ".SH ENVIRONMENT\n.TP\n.B SIGILLO_WORKSPACE\nthe workspace, if \\-\\-workspace is not given; "
      "else ./.sigillo\n.TP\n.B SIGILLO_PACKS\nfolder in which packs are looked up by name\n";
  return out;
}

}  // namespace sigillo::cli
