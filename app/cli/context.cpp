#include "app/cli/context.hpp"

namespace sigillo::cli {

Command add_command(Command parent, Context& context, const std::string& name,
                    const std::string& help, std::function<core::Result<core::ExitCode>()> action) {
  return parent.leaf(name, help,
                     [&context, action = std::move(action)] { context.action = action; });
}

void add_json_flag(Command command, Context& context) {
  command.flag("--json", context.json, "print one JSON value on standard output");
}

}  // namespace sigillo::cli
