#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "sigillo/audit/erasure.hpp"

namespace sigillo::cli {
namespace {

using audit::CommittedValue;
using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Json;
using core::Result;

struct ValuesArguments {
  audit::ErasureRequest request;
  bool again = false;
};

std::string state_of(const CommittedValue& value) {
  if (value.erased.has_value())
    return fmt::format("{} by entry {}, {}", value.stored ? "erased, but stored again" : "erased",
                       value.erased->entry, value.erased->recorded_at);
  return value.stored ? "stored" : "not stored here";
}

Result<ExitCode> list(const Context& context, const ValuesArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const std::vector<CommittedValue> values,
              audit::committed_values(workspace, arguments.request.selection));
  if (context.json) {
    Json json = Json::array();
    for (const CommittedValue& value : values) {
      Json item{{"commitment", value.commitment},
                {"field", value.field},
                {"entry", value.entry},
                {"subject", value.subject},
                {"stored", value.stored}};
      if (value.erased.has_value())
        item["erased"] = Json{{"entry", value.erased->entry},
                              {"recorded_at", value.erased->recorded_at},
                              {"reason", value.erased->reason}};
      json.push_back(std::move(item));
    }
    print_out("{}", json_line(json));
    return ExitCode::done;
  }
  std::vector<std::vector<std::string>> rows{{"entry", "field", "commitment", "value"}};
  for (const CommittedValue& value : values)
    rows.push_back(
        {fmt::format("{}", value.entry), value.field, value.commitment, state_of(value)});
  print_out("{}", table(rows));
  return ExitCode::done;
}

Result<ExitCode> erase(Context& context, const ValuesArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  audit::ErasureResult result;
  if (arguments.again) {
    SIGILLO_TRY(result.values, audit::erase_again(workspace));
  } else {
    if (arguments.request.reason.empty())
      return Error{ErrorCode::invalid_argument, "an erasure needs a reason",
                   "give it with --reason; it is published with the ledger: no personal data"};
    SIGILLO_TRY(result, audit::erase_values(workspace, arguments.request, context.clock));
  }
  context.lasting = fmt::format("{} values are erased", result.values);
  if (context.json) {
    print_out("{}", json_line(Json{{"erased", result.values}, {"entries", result.entries}}));
    return ExitCode::done;
  }
  std::string recorded;
  for (const std::uint64_t entry : result.entries)
    recorded += fmt::format("{}{}", recorded.empty() ? "" : ", ", entry);
  print_out("{} value{} erased; {}\n", result.values, result.values == 1 ? "" : "s",
            recorded.empty() ? "nothing new was recorded"
                             : fmt::format("recorded as entry {}", recorded));
  print_err("Copies in backups are not reached: erase those, too.\n");
  return ExitCode::done;
}

void add_selection(Command command, audit::ValueSelection& selection) {
  command.option("commitment", selection.commitments, "only these commitments (hex)");
  command.option("--entry", selection.entry, "only those of this entry");
  command.option("--field", selection.field,
                 "only this field: command, environment, user, host_name or folder");
}

}  // namespace

void add_values_commands(Command app, Context& context) {
  Command values = app.group("values", "what commitments in records hide, and its erasure");
  auto listed = std::make_shared<ValuesArguments>();
  Command command = add_command(values, context, "list",
                                "list commitments and whether their values are stored or erased",
                                [&context, listed] { return list(context, *listed); });
  add_selection(command, listed->request.selection);
  add_json_flag(command, context);

  auto arguments = std::make_shared<ValuesArguments>();
  command =
      add_command(values, context, "erase", "record an erasure, and delete the values for good",
                  [&context, arguments] { return erase(context, *arguments); });
  add_selection(command, arguments->request.selection);
  command.option("--reason", arguments->request.reason,
                 "why; published with the ledger: no personal data");
  command.option("--basis", arguments->request.basis,
                 "the legal basis, such as \"GDPR Art. 17(1)(b)\"");
  command.flag("--again", arguments->again,
               "delete what the ledger says is erased, as after a restore; records nothing");
  command.footer(
      "The records stay, and still verify: a commitment without its salt says nothing. A legal "
      "hold "
      "(`sigillo record legal-hold`) forbids it.");
  add_json_flag(command, context);
}

}  // namespace sigillo::cli
