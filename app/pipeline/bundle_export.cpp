#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/pipeline/bundle_members.hpp"
#include "core/tar.hpp"
#include "sigillo/audit/pruned_shard.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::app {
namespace fs = std::filesystem;
using bundle::Members;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

namespace {

Error too_large() {
  return Error{ErrorCode::input_too_large,
               fmt::format("the bundle would be past its limits of {} bytes and {} members",
                           kMaxBundleBytes, kMaxBundleMembers),
               "hand over a copy of the workspace without its keys folder and private.db"};
}

std::uint64_t pruned_shards(const audit::Workspace& workspace) {
  std::uint64_t count = 0;
  while (audit::is_pruned(workspace, count + 1)) ++count;
  return count;
}

// What stays of a pruned shard, as its file has it.
Result<bundle::ShardEntries> remainder_of(const audit::Workspace& workspace, std::uint64_t number) {
  SIGILLO_TRY(const core::Bytes bytes, core::read_file(audit::pruned_shard_file(workspace, number),
                                                       audit::kMaxPrunedShardBytes));
  SIGILLO_TRY(const audit::PrunedShard pruned, audit::parse_pruned_shard(core::as_text(bytes)));
  return bundle::ShardEntries{
      {}, pruned.note, std::string(core::as_text(bytes)), pruned.checkpoint.size};
}

// Of a sealed shard all entries; of the current one those under the evidence's checkpoint.
Result<std::vector<bundle::ShardEntries>> entries_of(const audit::Workspace& workspace,
                                                     const core::Evidence& evidence) {
  std::vector<bundle::ShardEntries> shards;
  std::size_t bytes = 0;
  for (std::uint64_t number = 1; number <= workspace.config().shard; ++number) {
    if (audit::is_pruned(workspace, number)) {
      SIGILLO_TRY(shards.emplace_back(), remainder_of(workspace, number));
      continue;
    }
    SIGILLO_TRY(const audit::Ledger ledger, workspace.shard(number, audit::Ledger::Access::read));
    const bool current = number == workspace.config().shard;
    SIGILLO_TRY(const audit::LedgerHead head, ledger.head());
    bundle::ShardEntries& shard = shards.emplace_back();
    shard.checkpoint = evidence.checkpoint;
    if (!current) {
      SIGILLO_TRY(shard.checkpoint, ledger.latest_checkpoint());
    }
    const std::uint64_t size = current ? static_cast<std::uint64_t>(evidence.size) : head.size;
    SIGILLO_TRY_VOID(ledger.for_each(0, size, [&](const audit::StoredEntry& entry) -> Status {
      shard.leaves.emplace_back(core::as_text(entry.leaf));
      bytes += shard.leaves.back().size() + 1;
      return bytes > kMaxBundleBytes ? Status(too_large()) : Status();
    }));
    shard.size = shard.leaves.size();
  }
  return shards;
}

Result<core::Bytes> lines_of(const std::vector<std::string>& leaves) {
  core::Bytes lines;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (leaves[i].find('\n') != std::string::npos)
      return Error{ErrorCode::unsupported, fmt::format("entry {} holds a line feed", i),
                   "no writer of ours makes such an entry: run `sigillo log fsck`"};
    lines.insert(lines.end(), leaves[i].begin(), leaves[i].end());
    lines.push_back('\n');
  }
  return lines;
}

// What records name and what is there: fsck has told what is missing.
void add_blobs(const audit::Workspace& workspace, const std::vector<core::Digest>& named,
               Members& members) {
  const audit::BlobStore blobs = workspace.blobs();
  for (const core::Digest& digest : named) {
    auto bytes = blobs.get(digest);
    if (bytes.has_value()) members[bundle::blob_name(digest)] = *std::move(bytes);
  }
}

// Adds the entries of all shards, what the manifest says of the sealed ones, and what any names.
Status add_shards(const audit::Workspace& workspace,
                  const std::vector<bundle::ShardEntries>& shards, bundle::Header& header,
                  Members& members) {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (const std::string& text = shards[i].remainder; !text.empty()) {
      members[bundle::remainder_name(i + 1)] = core::to_bytes(text);
      SIGILLO_TRY(const audit::PrunedShard pruned, audit::parse_pruned_shard(text));
      const audit::Checkpoint& last = pruned.checkpoint;
      header.sealed.push_back({last.origin, last.root.hex(), pruned.log_key, last.size, true});
      continue;
    }
    SIGILLO_TRY(members[bundle::entries_name(i + 1, shards.size())], lines_of(shards[i].leaves));
    members[bundle::checkpoint_name(i + 1, shards.size())] = core::to_bytes(shards[i].checkpoint);
    const bundle::Replay replay = bundle::replay(shards[i].leaves);
    add_blobs(workspace, replay.named, members);
    if (i + 1 == shards.size()) continue;
    SIGILLO_TRY(const audit::NoteVerifier log, audit::NoteVerifier::parse(replay.trust.log_vkey()));
    SIGILLO_TRY(const audit::Checkpoint last, audit::open_checkpoint(shards[i].checkpoint, log));
    header.sealed.push_back({last.origin, last.root.hex(), log.vkey(), last.size, false});
  }
  return {};
}

Status add_pack(const fs::path& folder, const policy::Pack& pack, Members& members) {
  for (const policy::PackFile& file : pack.files) {
    SIGILLO_TRY(core::Bytes bytes, core::read_file(folder / file.path, policy::kMaxRuleBytes));
    if (core::sha256(bytes).hex() != file.sha256)
      return Error{ErrorCode::io_error, fmt::format("{} changed while it was read", file.path),
                   "try again"};
    members[bundle::kPackPrefix + file.path] = std::move(bytes);
  }
  return {};
}

Result<std::optional<core::ExitCode>> add_verdict(const BundleRequest& request,
                                                  const core::Evidence& evidence,
                                                  const std::vector<bundle::ShardEntries>& shards,
                                                  bundle::Header& header, Members& members) {
  if (!request.pack.has_value()) return std::optional<core::ExitCode>();
  SIGILLO_TRY(const policy::Pack pack, policy::load_pack(*request.pack));
  SIGILLO_TRY_VOID(add_pack(*request.pack, pack, members));
  SIGILLO_TRY(const policy::Verdicts verdicts,
              policy::evaluate(pack, evidence, {request.as_of, SIGILLO_VERSION, request.release}));
  SIGILLO_TRY(const std::string text, core::canonical_json(policy::to_json(verdicts)));
  members[bundle::kVerdict] = core::to_bytes(text);
  SIGILLO_TRY(Members proofs, bundle::proofs(verdicts, shards));
  members.merge(proofs);
  header.as_of = verdicts.as_of;
  header.release = verdicts.scope_release;
  header.pack_digest = verdicts.pack_digest;
  return std::optional(policy::gate_exit(verdicts));
}

Result<std::string> sign_manifest(const audit::Workspace& workspace, const bundle::Header& header,
                                  const Members& members) {
  SIGILLO_TRY(const core::PrivateKey key,
              workspace.keyring().signing_key(workspace.config().record_key));
  SIGILLO_TRY(const std::string payload, bundle::manifest_payload(header, members));
  SIGILLO_TRY(const core::Envelope envelope,
              core::sign_envelope(kBundlePayloadType, core::as_bytes(payload), key));
  return core::envelope_bytes(envelope);
}

Status write(const fs::path& output, const std::string& manifest, const Members& members) {
  std::size_t bytes = manifest.size();
  for (const auto& [name, content] : members) bytes += content.size();
  if (bytes > kMaxBundleBytes || members.size() >= kMaxBundleMembers) return too_large();
  SIGILLO_TRY(core::TarWriter tar, core::TarWriter::create(output, 0644));
  SIGILLO_TRY_VOID(tar.add(bundle::kManifest, core::as_bytes(manifest)));
  for (const auto& [name, content] : members) SIGILLO_TRY_VOID(tar.add(name, content));
  return tar.finish(true);
}

}  // namespace

Result<BundleSummary> export_bundle(const audit::Workspace& workspace,
                                    const BundleRequest& request) {
  const std::uint64_t pruned = pruned_shards(workspace);
  SIGILLO_TRY(const audit::FsckReport report, audit::fsck(workspace));
  if (!report.sound())
    return Error{ErrorCode::ledger_corrupt, "the ledger is not sound: nothing was exported",
                 "`sigillo log fsck` names what is wrong"};
  const core::Evidence& evidence = report.evidence;
  if (report.shards != workspace.config().shard)
    return Error{ErrorCode::locked, "the ledger was rotated meanwhile", "try again"};
  SIGILLO_TRY(const std::vector<bundle::ShardEntries> shards, entries_of(workspace, evidence));
  if (pruned_shards(workspace) != pruned)
    return Error{ErrorCode::locked, "the ledger was pruned meanwhile", "try again"};
  const bundle::Replay replay = bundle::replay(shards.back().leaves);
  Members members;
  members[bundle::kLogKey] = core::to_bytes(replay.trust.log_vkey() + "\n");
  SIGILLO_TRY(const std::string trust, bundle::trust_bytes(replay.trust));
  members[bundle::kTrust] = core::to_bytes(trust);
  bundle::Header header;
  header.tool_version = SIGILLO_VERSION;
  header.origin = evidence.origin;
  header.root = evidence.root;
  header.log_key = replay.trust.log_vkey();
  header.size = shards.back().leaves.size();
  SIGILLO_TRY_VOID(add_shards(workspace, shards, header, members));
  BundleSummary summary;
  SIGILLO_TRY(summary.verdict, add_verdict(request, evidence, shards, header, members));
  SIGILLO_TRY(const std::string manifest, sign_manifest(workspace, header, members));
  SIGILLO_TRY_VOID(write(request.output, manifest, members));
  summary.members = members.size() + 1;
  for (const bundle::ShardEntries& shard : shards) summary.entries += shard.leaves.size();
  summary.root = evidence.root;
  return summary;
}

}  // namespace sigillo::app
