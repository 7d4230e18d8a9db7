// Which keys may sign records from now on.
#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "sigillo/audit/key_change.hpp"

namespace sigillo::cli {
namespace {

using core::ExitCode;
using core::Json;
using core::Result;

struct TrustArguments {
  std::string key;
};

ExitCode tell(Context& context, const audit::KeyChange& change, std::string_view what) {
  context.lasting = fmt::format("the trust list is entry {}", change.entries.back());
  if (context.json)
    print_out("{}", json_line(Json{{"key_id", change.key_id}, {"entries", change.entries}}));
  else print_out("key {} {}: entry {}\n", change.key_id, what, change.entries.back());
  return ExitCode::done;
}

Result<ExitCode> rotate(Context& context, const TrustArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const audit::KeyChange change,
              audit::rotate_record_key(workspace, arguments.key, context.entropy, context.clock));
  return tell(context, change, "signs records from here on");
}

Result<ExitCode> revoke(Context& context, const TrustArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  std::string id = arguments.key;
  if (!core::Digest::from_hex(id).has_value()) {
    SIGILLO_TRY(const core::KeyInfo info, workspace.keyring().info(arguments.key));
    id = info.key_id;
  }
  SIGILLO_TRY(const audit::KeyChange change, audit::revoke_key(workspace, id, context.clock));
  return tell(context, change, "counts no more");
}

}  // namespace

void add_trust_commands(Command app, Context& context) {
  Command keys = app.find_group("keys");
  auto arguments = std::make_shared<TrustArguments>();
  Command command = add_command(keys, context, "rotate", "sign records with a new key from now on",
                                [&context, arguments] { return rotate(context, *arguments); });
  command.option("name", arguments->key, "name of the new key").required();
  command.footer(
      "The old key is taken off the trust list, and its secret is deleted; what it signed before "
      "stays. The log's own key changes with `sigillo log rotate`.");
  add_json_flag(command, context);

  command = add_command(keys, context, "revoke", "take a key off the trust list",
                        [&context, arguments] { return revoke(context, *arguments); });
  command.option("key", arguments->key, "its id in hex, or its name in the keyring").required();
  command.footer(
      "What it signs from the next entry on counts for nothing, whatever time it claims; "
      "what is recorded before stays.");
  add_json_flag(command, context);
}

}  // namespace sigillo::cli
