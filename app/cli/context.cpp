#include "app/cli/context.hpp"

namespace sigillo::cli {

CLI::App* add_command(CLI::App& parent, Context& context, const std::string& name,
                      const std::string& help,
                      std::function<core::Result<core::ExitCode>()> action) {
  CLI::App* command = parent.add_subcommand(name, help);
  command->callback([&context, action = std::move(action)] { context.action = action; });
  return command;
}

void add_json_flag(CLI::App& command, Context& context) {
  command.add_flag("--json", context.json, "print one JSON value on standard output");
}

}  // namespace sigillo::cli
