#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "app/report/report.hpp"
#include "app/report/seal.hpp"
#include "sigillo/audit/checkpoint.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::cli {
namespace {

using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Json;
using core::Result;

struct ReportArguments {
  std::string pack, as_of, release, output, file, key, log_key;
};

Result<report::ReportInput> report_input(const Context& context, const ReportArguments& arguments,
                                         const audit::Workspace& workspace,
                                         const core::PrivateKey& key) {
  report::ReportInput input;
  SIGILLO_TRY(const app::GateRequest request,
              app::gate_request(arguments.pack, arguments.as_of, arguments.release, context.clock));
  SIGILLO_TRY(input.gate, app::gate(workspace, request));
  if (input.gate.verdicts.has_value()) {
    audit::LineageRequest lineage;
    if (!arguments.release.empty()) {
      lineage.name = arguments.release;
      lineage.kind = audit::LineageKind::release;
    }
    SIGILLO_TRY(input.lineage, audit::lineage(input.gate.ledger.evidence, lineage));
  }
  input.generated_at = context.clock.now();
  input.key_id = key.public_key().id().hex();
  SIGILLO_TRY(const core::KeyInfo log, workspace.keyring().info(workspace.config().log_key));
  SIGILLO_TRY(const core::PublicKey log_key, core::PublicKey::from_pem(log.public_key));
  SIGILLO_TRY(const audit::NoteVerifier verifier,
              audit::NoteVerifier::create(workspace.config().origin, log_key));
  input.log_vkey = verifier.vkey();
  return input;
}

Result<ExitCode> write_report(const Context& context, const ReportArguments& arguments) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const core::PrivateKey key,
              workspace.keyring().signing_key(workspace.config().record_key));
  SIGILLO_TRY(const report::ReportInput input, report_input(context, arguments, workspace, key));
  SIGILLO_TRY(const std::string file,
              report::seal_page(report::report_page(input), report::report_content(input), key));
  SIGILLO_TRY_VOID(core::write_file_atomically(arguments.output, core::as_bytes(file)));
  const Json summary = {{"file", arguments.output},
                        {"sha256", core::sha256(file).hex()},
                        {"signed_by", input.key_id},
                        {"exit_code", static_cast<int>(input.gate.exit)}};
  if (context.json) print_out("{}", json_line(summary));
  else
    print_out("{}: {}\nsigned by key {}\n", printable(arguments.output),
              printable(report::report_content(input)["conclusion"].get<std::string>()),
              input.key_id);
  return input.gate.exit;
}

// A fingerprint, or a file that holds a public key.
Result<std::string> fingerprint_of(const std::string& key) {
  if (core::Digest::from_hex(key).has_value()) return key;
  SIGILLO_TRY(const core::Bytes pem, core::read_file(key, 65536));
  SIGILLO_TRY(const core::PublicKey parsed, core::PublicKey::from_pem(core::as_text(pem)));
  return parsed.id().hex();
}

core::Status check_checkpoint(const Json& content, const std::string& vkey) {
  SIGILLO_TRY(const audit::NoteVerifier log, audit::NoteVerifier::parse(vkey));
  SIGILLO_TRY(const std::string note, core::json_string(content, "checkpoint", "the report"));
  SIGILLO_TRY(const audit::Checkpoint checkpoint, audit::open_checkpoint(note, log));
  SIGILLO_TRY(const Json verdicts, core::json_member(content, "verdicts", "the report"));
  SIGILLO_TRY(const Json claimed,
              core::json_member(verdicts, "checkpoint", "the report's verdicts"));
  SIGILLO_TRY(const std::string root,
              core::json_string(claimed, "root", "the report's checkpoint"));
  SIGILLO_TRY(const std::int64_t size,
              core::json_integer(claimed, "size", "the report's checkpoint"));
  if (checkpoint.root.hex() == root && checkpoint.size == static_cast<std::uint64_t>(size))
    return {};
  return Error{ErrorCode::signature_invalid,
               "the verdict names another checkpoint than the one that the log signed",
               "ask the log's operator for the checkpoint of that size"};
}

Result<ExitCode> verify_report(const Context& context, const ReportArguments& arguments) {
  SIGILLO_TRY(const core::Bytes bytes, core::read_file(arguments.file, report::kMaxReportBytes));
  SIGILLO_TRY(const report::SealedReport sealed, report::open_report(core::as_text(bytes)));
  const std::string signed_by = sealed.key.id().hex();
  if (!arguments.key.empty()) {
    SIGILLO_TRY(const std::string expected, fingerprint_of(arguments.key));
    if (expected != signed_by)
      return Error{ErrorCode::signature_invalid,
                   fmt::format("the report is signed by key {}, not by {}", signed_by, expected),
                   "do not rely on this file: ask whoever should have signed it"};
  }
  if (!arguments.log_key.empty()) {
    SIGILLO_TRY_VOID(check_checkpoint(sealed.content, arguments.log_key));
  }
  const bool known = !arguments.key.empty();
  SIGILLO_TRY(const std::string conclusion,
              core::json_string(sealed.content, "conclusion", "the report"));
  if (context.json)
    print_out("{}", json_line(Json{{"verified", known},
                                   {"intact", true},
                                   {"signed_by", signed_by},
                                   {"checkpoint_verified", !arguments.log_key.empty()},
                                   {"conclusion", conclusion}}));
  else
    print_out("{}: every byte is what key {} signed\nit says: {}\n{}", printable(arguments.file),
              signed_by, printable(conclusion),
              known ? "verified: that is the key you named\n"
                    : "UNDECIDED: whose key that is, the file cannot prove; compare it, or name it "
                      "with --key\n");
  return known ? ExitCode::done : ExitCode::undecided;
}

}  // namespace

void add_report_command(Command app, Context& context) {
  auto arguments = std::make_shared<ReportArguments>();
  Command reports = app.group("report", "one signed page for people");
  Command command =
      add_command(reports, context, "art50", "run the gate and write its result as one HTML file",
                  [&context, arguments] { return write_report(context, *arguments); });
  command.option("--pack", arguments->pack, "name of an installed pack, or a folder").required();
  command.option("-o,--output", arguments->output, "the file to write").required();
  command.option("--as-of", arguments->as_of, "date of the question (default: today)");
  command.option("--release", arguments->release, "this release only");
  add_json_flag(command, context);
  command.footer("Exit codes as for gate; the file is written whatever the verdict.");
  command =
      add_command(reports, context, "verify", "check that a report is what was signed, and by whom",
                  [&context, arguments] { return verify_report(context, *arguments); });
  command.option("file", arguments->file, "the report").required();
  command.option(
      "--key", arguments->key,
      "the key that should have signed: its fingerprint, or a file with the public key (PEM)");
  command.option("--log-key", arguments->log_key,
                 "also check the checkpoint in it with the log's verifier key (vkey)");
  add_json_flag(command, context);
  command.footer("Without --key the exit code is 2: whose key signed, the file cannot prove.");
}

}  // namespace sigillo::cli
