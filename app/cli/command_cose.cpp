#include <fmt/format.h>

#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "sigillo/audit/cose_key.hpp"
#include "sigillo/audit/cose_receipt.hpp"
#include "sigillo/audit/ledger_tiles.hpp"
#include "sigillo/audit/shards.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
namespace {

using audit::CoseReceipt;
using audit::Ledger;
using core::ExitCode;
using core::Json;
using core::Result;

struct CoseArguments {
  std::uint64_t entry = 0;
  std::string output, file, leaf_file, key, origin;
};

Json to_json(const CoseReceipt& receipt) {
  return {{"origin", receipt.origin},
          {"index", receipt.index},
          {"size", receipt.size},
          {"key", receipt.key.hex()}};
}

// Of the entry as it is under the latest checkpoint. Its key may have to be made and named first,
// and then the latest checkpoint is the one that covers that.
Result<CoseReceipt> write_receipt(Context& context, const audit::Workspace& workspace,
                                  const CoseArguments& arguments) {
  SIGILLO_TRY(const audit::EntryPlace place, audit::locate(workspace, arguments.entry));
  const auto shard = [&] { return workspace.shard(place.shard, Ledger::Access::read); };
  SIGILLO_TRY(const audit::NoteVerifier log, audit::shard_verifier(workspace, place.shard));
  SIGILLO_TRY(const Ledger ledger, shard());
  SIGILLO_TRY(const std::string leaf, ledger.leaf(place.index));
  SIGILLO_TRY(const core::PrivateKey key,
              audit::cose_signing_key(workspace, context.entropy, context.clock));
  context.lasting =
      fmt::format("the key \"{}\" is in the keyring and the trust list", audit::kCoseKeyName);
  audit::LedgerTiles tiles(shard, log);
  SIGILLO_TRY_VOID(tiles.catch_up());
  SIGILLO_TRY(const audit::TlogProof proof, tiles.prove_entry(place.index));
  SIGILLO_TRY(const core::Bytes receipt,
              audit::make_cose_receipt(proof, core::as_bytes(leaf), log, key));
  SIGILLO_TRY_VOID(core::write_file_atomically(arguments.output, receipt));
  return audit::parse_cose_receipt(receipt);
}

Result<ExitCode> cose_receipt(Context& context, const CoseArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const CoseReceipt receipt, write_receipt(context, workspace, arguments));
  if (context.json) {
    Json json = to_json(receipt);
    json["receipt"] = arguments.output;
    print_out("{}", json_line(json));
    return ExitCode::done;
  }
  print_out("{}: entry {} of {} at size {}, signed by the receipt key {}\n", arguments.output,
            receipt.index, printable(receipt.origin), receipt.size, receipt.key.hex());
  return ExitCode::done;
}

Result<ExitCode> verify_cose(const Context& context, const CoseArguments& arguments) {
  SIGILLO_TRY(const core::Bytes receipt,
              core::read_file(arguments.file, audit::kMaxCoseReceiptBytes));
  SIGILLO_TRY(const core::Bytes leaf, core::read_file(arguments.leaf_file, audit::kMaxLeafBytes));
  const auto bytes = core::hex_decode(arguments.key);
  if (!bytes.has_value()) return bytes.error().in("--key");
  const auto key = audit::parse_cose_key(*bytes);
  if (!key.has_value()) return key.error().in("--key");
  SIGILLO_TRY(const CoseReceipt verified,
              audit::verify_cose_receipt(receipt, leaf, *key, arguments.origin));
  if (context.json) {
    Json json = to_json(verified);
    json["verified"] = true;
    print_out("{}", json_line(json));
    return ExitCode::done;
  }
  print_out("verified: this is entry {} of {} at size {}\n", verified.index,
            printable(verified.origin), verified.size);
  return ExitCode::done;
}

}  // namespace

void add_cose_commands(Command app, Context& context) {
  const Command log = app.find_group("log");
  auto arguments = std::make_shared<CoseArguments>();
  Command command =
      add_command(log, context, "cose-receipt",
                  "write a COSE receipt (RFC 9942) that an entry is in the ledger",
                  [&context, arguments] { return cose_receipt(context, *arguments); });
  command.option("entry", arguments->entry, "its index")
      .required()
      .between(std::uint64_t{0}, std::uint64_t{core::kMaxJsonInteger});
  command.option("-o,--output", arguments->output, "file to write the receipt to").required();
  command.footer(
      "Receipts are signed by a key of their own, \"cose\" in the keyring. The first receipt makes "
      "it and appends a trust list that names it for this use.");
  add_json_flag(command, context);

  command = add_command(log, context, "verify-cose",
                        "check a COSE receipt of this program offline; needs no workspace",
                        [&context, arguments] { return verify_cose(context, *arguments); });
  command.option("file", arguments->file, "the receipt").required();
  command
      .option("--leaf,--entry", arguments->leaf_file,
              "the entry's exact bytes (`sigillo log show N --raw`)")
      .required();
  command
      .option("--key", arguments->key,
              "the key of the ledger's receipts (`sigillo keys export cose --format cose-key`)")
      .required();
  command.option("--origin", arguments->origin,
                 "the ledger's name, which the receipt must give as its issuer");
  add_json_flag(command, context);
}

}  // namespace sigillo::cli
