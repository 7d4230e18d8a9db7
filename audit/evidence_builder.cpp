#include "audit/evidence_builder.hpp"

#include <fmt/format.h>

#include "sigillo/audit/manifest.hpp"
#include "sigillo/audit/outputs.hpp"
#include "sigillo/audit/runs.hpp"
#include "sigillo/audit/time_stamp.hpp"

namespace sigillo::audit {
using core::Cell;
using core::Json;
using core::Row;

struct EvidenceBuilder::Source {
  std::uint64_t index;
  const Record& record;
  const std::string& signer;

  [[nodiscard]] const Json& fields() const { return record.fields; }
  [[nodiscard]] std::string name(std::string_view field) const {
    return fields().at(std::string(field)).get<std::string>();
  }
};

namespace {

Cell text_cell(const Json& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? Cell() : Cell(found->get<std::string>());
}
Cell integer_cell(const Json& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? Cell() : Cell(found->get<std::int64_t>());
}
Cell boolean_cell(const Json& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? Cell() : Cell(std::int64_t{found->get<bool>()});
}
Cell joined_cell(const Json& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end()
             ? Cell()
             : Cell(fmt::format("{}", fmt::join(found->get<std::vector<std::string>>(), ",")));
}

// Keys of rows: parts that cannot run into one another, because record text holds no control
// characters.
template <class... Parts>
std::string key_of(const Parts&... parts) {
  std::string key;
  ((key += parts, key += '\n'), ...);
  return key;
}

// The rows whose keys begin with key_of(...) of some parts.
void erase_prefix(std::map<std::string, Row>& rows, const std::string& prefix) {
  auto row = rows.lower_bound(prefix);
  while (row != rows.end() && row->first.starts_with(prefix)) row = rows.erase(row);
}

// Appends where a row comes from: the last three columns of every view.
Row from(const std::uint64_t index, const Record& record, const std::string& signer, Row row) {
  row.emplace_back(static_cast<std::int64_t>(index));
  row.emplace_back(signer);
  row.emplace_back(record.recorded_at);
  return row;
}

}  // namespace

void EvidenceBuilder::put(std::string_view view, std::string key, Row row) {
  rows_[std::string(view)][std::move(key)] = std::move(row);
}

void EvidenceBuilder::problem(const Source& source, std::string_view what, core::Error error) {
  problems_.push_back(
      {fmt::format("entry {} ({}), {}", source.index, source.record.kind->name, what),
       std::move(error)});
}

std::optional<core::Bytes> EvidenceBuilder::blob(const Source& source, std::string_view field) {
  const auto digest = core::Digest::from_hex(source.name(field));
  SIGILLO_CHECK(digest.has_value());  // validate_fields has seen to it
  auto bytes = blobs_.get(*digest);
  if (!bytes.has_value()) {
    problem(source, fmt::format("{} blob", field), bytes.error());
    return std::nullopt;
  }
  ++blob_count_;
  return *std::move(bytes);
}

void EvidenceBuilder::accept(std::uint64_t index, const Record& record, const std::string& signer) {
  const Source source{index, record, signer};
  const Json& f = record.fields;
  const std::string_view kind = record.kind->name;
  if (kind == "role-declaration") take_actor(source);
  else if (kind == "placement") take_placement(source);
  else if (kind == "marking-config") take_marking(source);
  else if (kind == "dataset-manifest") take_dataset(source);
  else if (kind == "run-start") take_run_start(source);
  else if (kind == "run-end") take_run_end(source);
  else if (kind == "model-release") take_release(source);
  else if (kind == "outputs-batch") take_outputs(source);
  else if (kind == kTimeStampKind) take_time_stamp(source);
  else if (kind == "detector-release")
    put("ev1_detector_releases",
        key_of(source.name("system"), source.name("scheme"), source.name("form")),
        from(index, record, signer,
             {text_cell(f, "system"), text_cell(f, "scheme"), text_cell(f, "form"),
              text_cell(f, "url")}));
  else if (kind == "exemption-claim")
    put("ev1_exemption_claims", key_of(source.name("system"), source.name("rule")),
        from(index, record, signer,
             {text_cell(f, "system"), text_cell(f, "rule"), text_cell(f, "ground"),
              text_cell(f, "attested_by")}));
  else if (kind == "notification")
    put("ev1_notifications", key_of(fmt::format("{}", index)),
        from(index, record, signer,
             {text_cell(f, "model"), text_cell(f, "kind"), text_cell(f, "known_on"),
              text_cell(f, "sent_on"), text_cell(f, "recipient")}));
  // genesis and trust-list say who may speak, ledger-restored what fsck tells: they are no evidence
  // of conduct.
}

void EvidenceBuilder::take_actor(const Source& s) {
  const std::string actor = s.name("actor");
  erase_prefix(rows_["ev1_actors"], key_of(actor));
  for (const Json& role : s.fields().at("role"))
    put("ev1_actors", key_of(actor, role.get<std::string>()),
        from(s.index, s.record, s.signer,
             {actor, role.get<std::string>(), text_cell(s.fields(), "size"),
              joined_cell(s.fields(), "jurisdiction"), boolean_cell(s.fields(), "cop_signatory")}));
}

void EvidenceBuilder::take_placement(const Source& s) {
  const std::string system = s.name("system");
  const Json& f = s.fields();
  put("ev1_systems", key_of(fmt::format("{}", s.index)),
      from(s.index, s.record, s.signer,
           {system, text_cell(f, "actor"), text_cell(f, "version"), text_cell(f, "market"),
            text_cell(f, "placed_on"), boolean_cell(f, "high_risk")}));
  for (const Json& modality : f.at("modality"))
    put("ev1_system_modalities", key_of(system, modality.get<std::string>()),
        from(s.index, s.record, s.signer, {system, modality.get<std::string>()}));
}

// One configuration per system, release and modality counts: the last one, with all its layers.
void EvidenceBuilder::take_marking(const Source& s) {
  const Json& f = s.fields();
  const std::string release = f.value("release", "");
  const std::string scope = key_of(s.name("system"), release, s.name("modality"));
  erase_prefix(rows_["ev1_marking_configs"], scope);
  for (const Json& layer : f.at("layer"))
    put("ev1_marking_configs", scope + layer.get<std::string>(),
        from(s.index, s.record, s.signer,
             {text_cell(f, "system"), text_cell(f, "release"), text_cell(f, "modality"),
              layer.get<std::string>(), text_cell(f, "scheme"), text_cell(f, "profile_digest"),
              text_cell(f, "key_id"), text_cell(f, "applied_at")}));
}

void EvidenceBuilder::take_dataset(const Source& s) {
  const auto bytes = blob(s, "manifest");
  if (!bytes.has_value()) return;
  const auto manifest = parse_manifest(core::as_text(*bytes));
  const Json& f = s.fields();
  if (!manifest.has_value()) return problem(s, "manifest blob", manifest.error());
  if (manifest->root().hex() != s.name("root") ||
      manifest->files.size() != f.at("files").get<std::uint64_t>() ||
      manifest->bytes() != f.at("bytes").get<std::uint64_t>())
    return problem(s, "manifest blob",
                   {core::ErrorCode::evidence_corrupt,
                    "root, files or bytes are not those of the manifest", ""});
  put("ev1_datasets", s.name("dataset"),
      from(s.index, s.record, s.signer,
           {text_cell(f, "dataset"), text_cell(f, "root"), text_cell(f, "license"),
            text_cell(f, "source"), integer_cell(f, "files"), integer_cell(f, "bytes")}));
}

void EvidenceBuilder::take_run_start(const Source& s) {
  const Json& f = s.fields();
  const std::string run = s.name("run_id");
  if (rows_["ev1_runs"].contains(run)) return;  // the first start counts
  put("ev1_runs", run,
      from(s.index, s.record, s.signer,
           {run, text_cell(f, "model"), Cell("no end recorded"), text_cell(f, "started_at"), Cell(),
            Cell(), Cell(), Cell(), Cell(), Cell(), Cell(), Cell()}));
  for (const Json& dataset : f.at("datasets"))
    put("ev1_run_datasets", key_of(run, dataset.at("dataset").get<std::string>()),
        from(s.index, s.record, s.signer,
             {run, text_cell(dataset, "dataset"), text_cell(dataset, "root")}));
}

void EvidenceBuilder::take_run_end(const Source& s) {
  const Json& f = s.fields();
  const std::string run = s.name("run_id");
  const auto started = rows_["ev1_runs"].find(run);
  // The first end counts: what a run cost cannot be restated.
  if (started != rows_["ev1_runs"].end() && started->second[2] != Cell("no end recorded")) return;
  const Cell started_at = started == rows_["ev1_runs"].end() ? Cell() : started->second[3];
  const bool done = f.contains("exit_code") && f.at("exit_code").get<std::int64_t>() == 0;
  const Json flop = f.value("flop", Json::object());
  const Json& energy = f.at("energy");
  put("ev1_runs", run,
      from(s.index, s.record, s.signer,
           {run, text_cell(f, "model"),
            Cell(done                   ? "completed"
                 : f.contains("signal") ? "ended by signal"
                                        : "failed"),
            started_at, text_cell(f, "ended_at"), integer_cell(f, "exit_code"),
            integer_cell(flop, "e12"), text_cell(flop, "basis"), text_cell(flop, "method"),
            integer_cell(energy, "milliwatt_hours"), text_cell(energy, "basis"),
            text_cell(energy, "method")}));
  if (!f.contains("outputs_manifest")) return;
  const auto bytes = blob(s, "outputs_manifest");
  if (!bytes.has_value()) return;
  const auto manifest = parse_manifest(core::as_text(*bytes));
  if (!manifest.has_value()) return problem(s, "outputs_manifest blob", manifest.error());
  if (!f.contains("outputs_root") || manifest->root().hex() != s.name("outputs_root"))
    return problem(
        s, "outputs_manifest blob",
        {core::ErrorCode::evidence_corrupt, "outputs_root is not the manifest's root", ""});
  for (const ManifestFile& file : manifest->files)
    put("ev1_run_outputs", key_of(run, file.path),
        from(s.index, s.record, s.signer, {run, file.path, file.sha256.hex()}));
}

void EvidenceBuilder::take_release(const Source& s) {
  const Json& f = s.fields();
  const auto bytes = blob(s, "manifest");
  if (!bytes.has_value()) return;
  const auto manifest = parse_manifest(core::as_text(*bytes));
  if (!manifest.has_value()) return problem(s, "manifest blob", manifest.error());
  if (manifest->root().hex() != s.name("model_digest"))
    return problem(
        s, "manifest blob",
        {core::ErrorCode::evidence_corrupt, "model_digest is not the manifest's root", ""});
  forget_outputs_of_other_files(s.name("release"), s.name("model_digest"));
  const std::string run = producing_run(*manifest);
  put("ev1_releases", s.name("release"),
      from(s.index, s.record, s.signer,
           {text_cell(f, "release"), text_cell(f, "system"), text_cell(f, "model"),
            text_cell(f, "model_digest"), run.empty() ? Cell() : Cell(run)}));
}

// What another model wrote says nothing about the one that now has its name.
void EvidenceBuilder::forget_outputs_of_other_files(const std::string& release,
                                                    const std::string& model_digest) {
  const auto before = rows_["ev1_releases"].find(release);
  if (before == rows_["ev1_releases"].end() || before->second[3] == Cell(model_digest)) return;
  std::erase_if(rows_["ev1_outputs"],
                [&](const auto& row) { return row.first.starts_with(key_of(release)); });
}

std::string EvidenceBuilder::producing_run(const Manifest& manifest) const {
  const auto outputs = rows_.find("ev1_run_outputs");
  if (outputs == rows_.end()) return "";
  std::vector<core::Row> rows;
  for (const auto& [key, row] : outputs->second) rows.push_back(row);
  return audit::producing_run(rows, manifest);
}

void EvidenceBuilder::take_outputs(const Source& s) {
  const Json& f = s.fields();
  const auto lines_digest = core::Digest::from_hex(s.name("lines"));
  const auto tree = blob(s, "tree");
  const auto raw = blobs_.get_unchecked(*lines_digest);
  if (!raw.has_value()) return problem(s, "detections blob", raw.error());
  if (core::sha256(*raw) != *lines_digest) {
    core::Error error{core::ErrorCode::evidence_corrupt,
                      fmt::format("blob sha256:{} was altered", lines_digest->hex()),
                      "restore the blob from a copy; the ledger names the right digest"};
    const auto altered =
        tree.has_value() ? altered_lines(core::as_text(*raw), *tree) : std::vector<std::size_t>();
    if (!altered.empty())
      error.message +=
          fmt::format("; detections that differ: line {}", fmt::join(altered, ", line "));
    return problem(s, "detections blob", std::move(error));
  }
  if (!tree.has_value()) return;
  ++blob_count_;
  const auto outputs = parse_output_lines(core::as_text(*raw));
  if (!outputs.has_value()) return problem(s, "detections blob", outputs.error());
  const auto batch = make_outputs_batch(*outputs);
  const bool whole = batch.has_value() && batch->root.hex() == s.name("batch_root") &&
                     batch->tree == *tree && batch->count == f.at("count").get<std::uint64_t>();
  if (!whole)
    return problem(s, "detections blob",
                   {core::ErrorCode::evidence_corrupt,
                    "count, tree or batch_root are not those of the lines", ""});
  for (const OutputLine& line : *outputs) {
    const core::Detection& d = line.detection;
    put("ev1_outputs",
        key_of(s.name("release"), line.output_digest.hex(), fmt::format("{}", s.index)),
        from(s.index, s.record, s.signer,
             {text_cell(f, "release"), line.output_digest.hex(), line.modality, d.tokens,
              d.artefact_digest, std::string(to_string(d.result)), d.scored, d.log10_p_micro,
              d.profile_digest, d.key_id, d.detector, text_cell(f, "sample_basis")}));
  }
}

// No row comes of it: when something was sealed is no conduct. But its blob is evidence, too.
void EvidenceBuilder::take_time_stamp(const Source& s) {
  const auto response = blob(s, "token");
  if (!response.has_value()) return;
  const core::Status same = check_recorded_response(s.record, *response);
  if (!same.has_value()) problem(s, "token blob", same.error());
}

core::Evidence EvidenceBuilder::evidence() const {
  core::Evidence evidence;
  for (const auto& [view, rows] : rows_)
    for (const auto& [key, row] : rows) evidence.add(view, row);
  evidence.sort();
  return evidence;
}

}  // namespace sigillo::audit
