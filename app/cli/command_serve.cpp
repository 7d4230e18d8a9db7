#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "app/cli/serve_talk.hpp"

namespace sigillo::cli {
namespace {

using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Json;
using core::Result;

struct ServeArguments {
  server::ServeOptions options;
  std::vector<std::string> detectors;
};

struct TokenArguments {
  std::string name, id;
  std::vector<std::string> scopes;
  int days = 90;
};

// KEY:PROFILE:TOKENIZER.json; the file's name may hold colons.
Result<app::TextDetectorSpec> detector_spec(std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos || first == 0 || second == first + 1 ||
      second + 1 == text.size())
    return Error{ErrorCode::invalid_argument,
                 fmt::format("\"{}\" is not KEY:PROFILE:TOKENIZER.json", text),
                 "such as release:vllm-gumbel:model/tokenizer.json"};
  return app::TextDetectorSpec{std::string(text.substr(0, first)),
                               std::string(text.substr(first + 1, second - first - 1)),
                               std::filesystem::path(text.substr(second + 1))};
}

Result<ExitCode> serve(Context& context, ServeArguments arguments) {
  for (const std::string& text : arguments.detectors) {
    SIGILLO_TRY(app::TextDetectorSpec spec, detector_spec(text));
    arguments.options.detectors.push_back(std::move(spec));
  }
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY_VOID(server::serve(workspace, arguments.options, context.clock, context.entropy,
                                 serve_talk("serve")));
  return ExitCode::done;
}

Json to_json(const server::Token& token) {
  return Json{{"id", token.id},
              {"name", token.name},
              {"scopes", token.scopes},
              {"created_at", token.created_at},
              {"expires_at", token.expires_at}};
}

Result<ExitCode> create_token(Context& context, const TokenArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  server::TokenFile tokens(workspace.folder() / "tokens.json");
  SIGILLO_TRY(const server::TokenFile::Created created,
              tokens.create(arguments.name, arguments.scopes, arguments.days, context.entropy,
                            context.clock));
  Json json = to_json(created.token);
  json["token"] = created.secret;
  if (context.json) {
    print_out("{}", json_line(json));
    return ExitCode::done;
  }
  print_out("{}\n", created.secret);
  print_err("sigillo: this token is shown once; it is valid until {}\n", created.token.expires_at);
  return ExitCode::done;
}

Result<ExitCode> list_tokens(const Context& context) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const std::vector<server::Token> tokens,
              server::TokenFile(workspace.folder() / "tokens.json").list());
  if (context.json) {
    Json list = Json::array();
    for (const server::Token& token : tokens) list.push_back(to_json(token));
    print_out("{}", json_line(list));
    return ExitCode::done;
  }
  std::vector<std::vector<std::string>> rows = {{"ID", "NAME", "SCOPES", "EXPIRES"}};
  for (const server::Token& token : tokens)
    rows.push_back(
        {token.id, token.name, fmt::format("{}", fmt::join(token.scopes, " ")), token.expires_at});
  print_out("{}", table(rows));
  return ExitCode::done;
}

Result<ExitCode> revoke_token(const Context& context, const TokenArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  server::TokenFile tokens(workspace.folder() / "tokens.json");
  SIGILLO_TRY_VOID(tokens.revoke(arguments.id));
  if (context.json) print_out("{}", json_line(Json{{"revoked", arguments.id}}));
  else print_out("revoked {}\n", arguments.id);
  return ExitCode::done;
}

void add_serve(Command app, Context& context) {
  auto arguments = std::make_shared<ServeArguments>();
  server::ServeOptions& options = arguments->options;
  Command command =
      add_command(app, context, "serve", "answer verifications over HTTP, with a public page",
                  [&context, arguments] { return serve(context, *arguments); });
  command
      .option("--detector", arguments->detectors,
              "KEY:PROFILE:TOKENIZER.json, a mark to look for; may be repeated")
      .required()
      .repeated();
  command.option("--listen", options.listen.address, "numeric address and port; port 0: any")
      .show_default();
  command.option("--metrics-listen", options.metrics_address,
                 "answer /metrics here and not at --listen");
  command
      .option("--rate", options.anonymous.per_second,
              "verifications a second from one address without a token")
      .between(0.0, 1e9)
      .show_default();
  command.option("--burst", options.anonymous.burst, "verifications at once, likewise")
      .between(1.0, 1e9)
      .show_default();
  command.flag("--publish-log", options.publish_log,
               "let everybody read the log: /checkpoint, /tile/ (C2SP tlog-tiles) and "
               "/v1/proofs/; every entry becomes public");
  command
      .option("--log-rate", options.log_reads.per_second,
              "tiles and proofs a second from one address")
      .between(0.0, 1e9)
      .show_default();
  command.flag("--behind-proxy", options.behind_proxy,
               "take the client's address from the last element of X-Forwarded-For");
  command.option("--threads", options.listen.threads, "threads that answer requests")
      .between(1, 256)
      .show_default();
  command.footer(
      "HTTP only: put a proxy with TLS before it for the public. SIGTERM ends it after the "
      "requests "
      "that have begun.\nNothing of a submitted text is stored or logged.");
}

void add_tokens(Command app, Context& context) {
  Command tokens = app.group("tokens", "bearer tokens for `serve`");
  auto arguments = std::make_shared<TokenArguments>();
  Command command =
      add_command(tokens, context, "create", "make a token and print it, once",
                  [&context, arguments] { return create_token(context, *arguments); });
  command.option("name", arguments->name, "who gets it").required();
  command
      .option("--scope", arguments->scopes,
              "verify (without the public limit) or records:write; may be repeated")
      .required()
      .repeated();
  command.option("--days", arguments->days, "days until it expires").show_default();
  add_json_flag(command, context);

  command = add_command(tokens, context, "list", "list the tokens; their secrets are not stored",
                        [&context] { return list_tokens(context); });
  add_json_flag(command, context);

  command = add_command(tokens, context, "revoke", "end a token; a running server obeys at once",
                        [&context, arguments] { return revoke_token(context, *arguments); });
  command.option("id", arguments->id, "its id, from `sigillo tokens list`").required();
  add_json_flag(command, context);
}

}  // namespace

void add_serve_commands(Command app, Context& context) {
  add_serve(app, context);
  add_tokens(app, context);
}

}  // namespace sigillo::cli
