#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"
#include "app/pipeline/marking.hpp"
#include "app/pipeline/outputs.hpp"
#include "app/pipeline/sealing.hpp"
#include "sigillo/audit/erasure.hpp"
#include "sigillo/audit/shards.hpp"

namespace sigillo::cli {
namespace {

using audit::FieldSpec;
using audit::FieldType;
using audit::RecordKind;
using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Json;
using core::Result;

Json receipt_json(const audit::Receipt& receipt) {
  return Json{{"entry", receipt.index},
              {"leaf_hash", receipt.leaf_hash.hex()},
              {"checkpoint", receipt.checkpoint}};
}

// What stays true if the output that should tell it is lost.
std::string in_ledger(const audit::Receipt& receipt) {
  return fmt::format("the record is in the ledger, as entry {}", receipt.index);
}

// -- record KIND: options, help and validation come from the kind's table
// ---------------------------------------------------

using FieldValues = std::map<std::string, std::vector<std::string>>;

std::string option_name(std::string_view field) {
  std::string name = "--" + std::string(field);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

bool is_list(FieldType type) {
  return type == FieldType::text_list || type == FieldType::choice_list ||
         type == FieldType::digest_list;
}

Result<Json> field_value(const FieldSpec& field, const std::vector<std::string>& given) {
  if (is_list(field.type)) return Json(given);
  if (field.type != FieldType::boolean) return Json(given.front());
  if (given.front() == "true" || given.front() == "false") return Json(given.front() == "true");
  return Error{
      ErrorCode::invalid_argument,
      fmt::format("{}: \"{}\" is not true or false", option_name(field.name), given.front()), ""};
}

Result<ExitCode> record(Context& context, const RecordKind& kind, const FieldValues& values,
                        bool schema) {
  if (schema) {
    print_out("{}\n", audit::json_schema(kind).dump(2));
    return ExitCode::done;
  }
  Json fields = Json::object();
  for (const FieldSpec& field : kind.fields) {
    const auto given = values.find(std::string(field.name));
    if (given == values.end() || given->second.empty()) continue;
    SIGILLO_TRY(fields[std::string(field.name)], field_value(field, given->second));
  }
  SIGILLO_TRY_VOID(audit::validate_fields(kind, fields));
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  if (kind.name == "marking-config") {
    SIGILLO_TRY(fields, app::resolve_marking(workspace, std::move(fields)));
  }
  const std::string subject = fields.at(std::string(kind.subject)).get<std::string>();
  SIGILLO_TRY(const audit::Receipt receipt,
              audit::record(workspace, kind.name, fields,
                            {audit::named_subject(kind.subject, subject)}, context.clock));
  context.lasting = in_ledger(receipt);
  // What a hold is relied upon for cannot be repaired later.
  if (kind.name == audit::kLegalHoldKind)
    SIGILLO_TRY_VOID(audit::require_counting(workspace, receipt.index));
  if (context.json) print_out("{}", json_line(receipt_json(receipt)));
  else print_out("recorded {} of {} as entry {}\n", kind.name, printable(subject), receipt.index);
  return ExitCode::done;
}

void add_kind(Command parent, Context& context, const RecordKind& kind) {
  auto values = std::make_shared<FieldValues>();
  auto schema = std::make_shared<bool>(false);
  Command command = add_command(
      parent, context, std::string(kind.name), std::string(kind.help),
      [&context, &kind, values, schema] { return record(context, kind, *values, *schema); });
  for (const FieldSpec& field : kind.fields) {
    std::string help(field.help);
    if (!field.choices.empty()) help += fmt::format(" ({})", fmt::join(field.choices, ", "));
    if (field.type == FieldType::boolean) help += " (true, false)";
    if (is_list(field.type)) help += "; may be given several times";
    if (field.required) help += " [required]";
    Option option =
        command.option(option_name(field.name), (*values)[std::string(field.name)], help);
    if (is_list(field.type)) option.repeated();
    else option.single();
  }
  command.flag("--schema", *schema, "print the kind's JSON Schema and record nothing");
  add_json_flag(command, context);
}

// -- dataset, model, outputs
// ------------------------------------------------------------------------------------------

ExitCode print_sealed(Context& context, std::string_view what, const app::Sealed& sealed) {
  context.lasting = in_ledger(sealed.receipt);
  if (context.json) {
    Json json{{"root", sealed.root},
              {"manifest", sealed.manifest},
              {"files", sealed.files},
              {"bytes", sealed.bytes},
              {"receipt", receipt_json(sealed.receipt)}};
    if (!sealed.run_id.empty()) json["run_id"] = sealed.run_id;
    print_out("{}", json_line(json));
    return ExitCode::done;
  }
  print_out("{}: {} files, {} bytes\n  root      {}\n  manifest  sha256:{}\n  entry     {}\n", what,
            sealed.files, sealed.bytes, sealed.root, sealed.manifest, sealed.receipt.index);
  if (!sealed.run_id.empty()) print_out("  made by   run {}\n", sealed.run_id);
  return ExitCode::done;
}

Result<ExitCode> seal(Context& context, const app::SealDatasetRequest& request) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  std::uint64_t shown = 0;
  const auto progress = [&](std::uint64_t bytes) {
    if (!terminal || bytes < shown + (std::uint64_t{16} << 20)) return;
    shown = bytes;
    print_err("\r{} MiB hashed", bytes >> 20);
  };
  auto sealed = app::seal_dataset(workspace, request, context.clock, progress);
  if (shown > 0) print_err("\r\033[K");
  if (!sealed.has_value()) return sealed.error();
  return print_sealed(context, fmt::format("dataset {} sealed", printable(request.name)), *sealed);
}

Result<ExitCode> release(Context& context, const app::ReleaseRequest& request) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const app::Sealed sealed, app::release_model(workspace, request, context.clock));
  return print_sealed(context, fmt::format("release {} recorded", printable(request.name)), sealed);
}

Result<ExitCode> outputs(Context& context, const app::RecordOutputsRequest& request) {
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const app::RecordedOutputs r, app::record_outputs(workspace, request, context.clock));
  context.lasting = in_ledger(r.receipt);
  if (context.json) {
    print_out("{}", json_line(Json{{"count", r.count},
                                   {"found", r.found},
                                   {"not_found", r.not_found},
                                   {"inconclusive", r.inconclusive},
                                   {"batch_root", r.batch_root},
                                   {"receipt", receipt_json(r.receipt)}}));
    return ExitCode::done;
  }
  print_out(
      "{} outputs of release {} recorded as hashes with their detections: {} found, {} not found, "
      "{} inconclusive\n  batch root  {}\n  entry       {}\n",
      r.count, printable(request.release), r.found, r.not_found, r.inconclusive, r.batch_root,
      r.receipt.index);
  return ExitCode::done;
}

}  // namespace

void add_record_commands(Command app, Context& context) {
  Command records = app.group("record", "record a declaration: validated, signed, appended");
  for (const RecordKind& kind : audit::record_kinds())
    if (kind.by_hand) add_kind(records, context, kind);

  Command dataset = app.group("dataset", "datasets");
  auto seal_request = std::make_shared<app::SealDatasetRequest>();
  Command command = add_command(
      dataset, context, "seal",
      "record what is in a dataset: file and chunk digests, Merkle root, licence, source",
      [&context, seal_request] { return seal(context, *seal_request); });
  command.option("path", seal_request->path, "a folder or file").required();
  command.option("--name", seal_request->name, "name of the dataset").required();
  command.option("--license", seal_request->license, "SPDX licence expression").required();
  command.option("--source", seal_request->source, "where it comes from (URI)").required();
  add_json_flag(command, context);

  Command model = app.group("model", "models");
  auto release_request = std::make_shared<app::ReleaseRequest>();
  command = add_command(
      model, context, "release",
      "record a release: digest of its files, and the run that made them, looked up by digest",
      [&context, release_request] { return release(context, *release_request); });
  command.option("path", release_request->path, "the released folder or file").required();
  command.option("--name", release_request->name, "name of the release").required();
  command.option("--system", release_request->system, "AI system that it is part of").required();
  command.option("--model", release_request->model, "name of the model").required();
  add_json_flag(command, context);

  Command output = app.group("outputs", "generated outputs");
  auto outputs_request = std::make_shared<app::RecordOutputsRequest>();
  command = add_command(
      output, context, "record",
      "record outputs as hashes with what is detected in each; the outputs themselves are not kept",
      [&context, outputs_request] { return outputs(context, *outputs_request); });
  command.option("files", outputs_request->detect.files, "text files, or folders of them")
      .required();
  command.option("--release", outputs_request->release, "release that made them").required();
  command.option("--profile", outputs_request->detect.profile, "watermark profile").show_default();
  command.option("--key", outputs_request->detect.key, "watermark key in the keyring").required();
  command.option("--tokenizer", outputs_request->detect.tokenizer, "tokenizer.json of the model")
      .required();
  add_json_flag(command, context);
}

}  // namespace sigillo::cli
