#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "sigillo/audit/cose_key.hpp"
#include "sigillo/audit/cose_receipt.hpp"
#include "sigillo/audit/shards.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
namespace {

using core::ExitCode;
using core::Json;
using core::Result;

Json key_json(const core::KeyInfo& key) {
  Json json{{"name", key.name},
            {"kind", key.kind},
            {"algorithm", key.algorithm},
            {"key_id", key.key_id},
            {"created_at", key.created_at}};
  if (!key.public_key.empty()) json["public_key"] = key.public_key;
  return json;
}

ExitCode print_key(Context& context, const core::KeyInfo& key) {
  context.lasting = fmt::format("key \"{}\" is in the keyring", key.name);
  if (context.json) print_out("{}", json_line(key_json(key)));
  else print_out("key {}: {} {}, id {}\n", key.name, key.kind, key.algorithm, key.key_id);
  return ExitCode::done;
}

struct InitArguments {
  std::string origin;
  std::string actor = "self";
  std::string checkpoint_store;
};

Result<ExitCode> init(Context& context, InitArguments arguments) {
  if (arguments.origin.empty()) {
    core::Bytes random(4);
    SIGILLO_TRY_VOID(context.entropy.fill(random));
    arguments.origin = "local/" + core::hex_encode(random);
  }
  SIGILLO_TRY(const audit::Workspace workspace,
              audit::Workspace::init(context.workspace_folder, arguments.origin, arguments.actor,
                                     context.entropy, context.clock, arguments.checkpoint_store));
  SIGILLO_TRY(const audit::Ledger ledger, workspace.ledger(audit::Ledger::Access::read));
  SIGILLO_TRY(const std::string checkpoint, ledger.latest_checkpoint());
  context.lasting = fmt::format("the workspace {} is made", printable(workspace.folder().string()));
  if (context.json) {
    print_out("{}", json_line(Json{{"workspace", workspace.folder().string()},
                                   {"origin", arguments.origin},
                                   {"checkpoint", checkpoint}}));
    return ExitCode::done;
  }
  print_out(
      "workspace {} made: keyring, genesis, trust list (one key for everything: "
      "self-recorded)\nfirst checkpoint:\n\n{}",
      printable(workspace.folder().string()), checkpoint);
  return ExitCode::done;
}

struct KeyArguments {
  std::string name, file, format = "pem";
  std::string algorithm = "ed25519";
};

Result<ExitCode> generate(Context& context, const KeyArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  core::Keyring keyring = workspace.keyring();
  if (arguments.algorithm == "watermark") {
    SIGILLO_TRY(const core::KeyInfo key,
                keyring.generate_watermark(arguments.name, context.entropy, context.clock));
    return print_key(context, key);
  }
  SIGILLO_TRY(const core::KeyAlgorithm algorithm, core::key_algorithm(arguments.algorithm));
  SIGILLO_TRY(const core::KeyInfo key,
              keyring.generate_signing(arguments.name, algorithm, context.entropy, context.clock));
  return print_key(context, key);
}

Result<ExitCode> import_key(Context& context, const KeyArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(core::Bytes text, core::read_file(arguments.file, 16384));
  auto key = workspace.keyring().import_key(arguments.name, core::as_text(text), context.entropy,
                                            context.clock);
  core::secure_zero(text.data(), text.size());
  if (!key.has_value()) return key.error();
  return print_key(context, *key);
}

Result<ExitCode> list_keys(const Context& context) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const std::vector<core::KeyInfo> keys, workspace.keyring().list());
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {{"NAME", "KIND", "ALGORITHM", "ID", "CREATED"}};
  for (const core::KeyInfo& key : keys) {
    json.push_back(key_json(key));
    rows.push_back({key.name, key.kind, key.algorithm, key.key_id.substr(0, 19), key.created_at});
  }
  print_out("{}", context.json ? json_line(json) : table(rows));
  return ExitCode::done;
}

Result<ExitCode> export_cose_key(const core::KeyInfo& info, const core::PublicKey& key) {
  if (info.name != audit::kCoseKeyName)
    return core::Error{
        core::ErrorCode::unsupported,
        fmt::format("key \"{}\" signs no COSE receipts: it is not given as a COSE_Key", info.name),
        fmt::format("`sigillo keys export {} --format cose-key` gives the one that does, once "
                    "`sigillo log cose-receipt` has made it",
                    audit::kCoseKeyName)};
  SIGILLO_TRY(const core::Bytes bytes, audit::cose_key_bytes(key));
  print_out("{}\n", core::hex_encode(bytes));
  return ExitCode::done;
}

Result<ExitCode> export_key(const Context& context, const KeyArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const core::KeyInfo info, workspace.keyring().info(arguments.name));
  if (info.kind != "signing")
    return core::Error{
        core::ErrorCode::unsupported,
        fmt::format("key \"{}\" is a {} key: it has no public half", info.name, info.kind),
        "name a signing key"};
  if (arguments.format == "pem") {
    print_out("{}", info.public_key);
    return ExitCode::done;
  }
  SIGILLO_TRY(const core::PublicKey key, core::PublicKey::from_pem(info.public_key));
  if (arguments.format == "fingerprint") {
    print_out("{}\n", key.id().hex());
    return ExitCode::done;
  }
  if (arguments.format == "cose-key") return export_cose_key(info, key);
  if (info.name != workspace.config().log_key) {
    // A sealed shard's key has a name of its own, too.
    SIGILLO_TRY(const std::vector<audit::Shard> shards, audit::shards(workspace));
    for (const audit::Shard& shard : shards) {
      SIGILLO_TRY(const audit::NoteVerifier sealed, audit::NoteVerifier::parse(shard.log_key));
      if (!(sealed.key().id() == key.id())) continue;
      print_out("{}\n", shard.log_key);
      return ExitCode::done;
    }
    return core::Error{
        core::ErrorCode::unsupported,
        fmt::format("key \"{}\" signs no checkpoints: it has no verifier key", info.name),
        fmt::format(
            "`sigillo keys export {} --format vkey` gives the ledger's; or use --format pem",
            workspace.config().log_key)};
  }
  SIGILLO_TRY(const audit::NoteVerifier verifier,
              audit::NoteVerifier::create(workspace.config().origin, key));
  print_out("{}\n", verifier.vkey());
  return ExitCode::done;
}

}  // namespace

void add_workspace_commands(Command app, Context& context) {
  auto init_arguments = std::make_shared<InitArguments>();
  Command command =
      add_command(app, context, "init",
                  "make a workspace: keyring, ledger with genesis and trust list, first checkpoint",
                  [&context, init_arguments] { return init(context, *init_arguments); });
  command.option(
      "--origin", init_arguments->origin,
      "the ledger's name, such as example.com/audit (default: local/ and 8 random digits)");
  command.option("--actor", init_arguments->actor, "who holds the signing key").show_default();
  command.option("--checkpoint-store", init_arguments->checkpoint_store,
                 "folder, best on another disk, that remembers what was signed last; never to be "
                 "restored from a backup (default: signed/ in the workspace)");
  add_json_flag(command, context);

  Command keys = app.group("keys", "the keyring; secrets never appear in arguments or output");
  auto arguments = std::make_shared<KeyArguments>();
  command = add_command(keys, context, "generate", "make a key",
                        [&context, arguments] { return generate(context, *arguments); });
  command.option("name", arguments->name, "name of the key").required();
  command
      .option("--algorithm", arguments->algorithm,
              "ed25519, ecdsa-p256 or watermark (64 random bits)")
      .one_of({"ed25519", "ecdsa-p256", "watermark"})
      .show_default();
  add_json_flag(command, context);

  command = add_command(keys, context, "list", "list the keys",
                        [&context] { return list_keys(context); });
  add_json_flag(command, context);

  command =
      add_command(keys, context, "import",
                  "take a key from a file: PEM (PKCS#8), or a watermark key (one 64-bit number, "
                  "or a list of numbers)",
                  [&context, arguments] { return import_key(context, *arguments); });
  command.option("name", arguments->name, "name of the key").required();
  command.option("--from-file", arguments->file, "the file, or - for standard input").required();
  add_json_flag(command, context);

  command = add_command(keys, context, "export", "print the public half of a signing key",
                        [&context, arguments] { return export_key(context, *arguments); });
  command.option("name", arguments->name, "name of the key").required();
  command
      .option(
          "--format", arguments->format,
          "pem, vkey (C2SP verifier key under the ledger's name), cose-key (hex of the COSE_Key "
          "that receipts are signed with), or fingerprint (SHA-256 of the SPKI DER, which "
          "reports name)")
      .one_of({"pem", "vkey", "cose-key", "fingerprint"})
      .show_default();
}

}  // namespace sigillo::cli
