#include <fmt/format.h>
#include <CLI/CLI.hpp>

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
  // What the help says below its options: notes, exit codes, an example.
  const std::string footer = command.get_footer();
  for (std::string_view rest = footer; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    out += line.starts_with("  ") ? fmt::format(".RS\n{}\n.RE\n", roff(line.substr(2)))
                                  : fmt::format(".PP\n{}\n", roff(line));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const CLI::App* child : command.get_subcommands({}))
    out += command_section(*child, path + " " + child->get_name());
  return out;
}

}  // namespace

std::string man_page(Command command) {
  const CLI::App& app = command.app();
  std::string out =
      fmt::format(".TH SIGILLO 1 \"\" \"sigillo {}\" \"User Commands\"\n.SH NAME\nsigillo \\- {}\n",
                  SIGILLO_VERSION, roff(app.get_description()));
  out += ".SH SYNOPSIS\n.B sigillo\n[\\-\\-workspace DIR] VERB ...\n.SH COMMANDS\n";
  for (const CLI::App* verb : app.get_subcommands({}))
    out += command_section(*verb, verb->get_name());
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
      "else ./.sigillo\n.TP\n.B SIGILLO_PACKS\nfolder in which packs are looked up by "
      "name\n.TP\n.B SIGILLO_RUN_ID, SIGILLO_RUN_REPORT\nset for the command of "
      "\\fBrun\\fR: its id, and the file into which it may report its FLOP\n.SH FILES\n.TP\n"
      ".B .sigillo\nthe workspace: keys, ledger, blobs\n.SH SEE ALSO\n"
      "docs/README.md of the source: formats, decisions, operating\n";
  return out;
}

}  // namespace sigillo::cli
