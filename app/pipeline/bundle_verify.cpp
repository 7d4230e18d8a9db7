// One judge: the bundle becomes a workspace without keys, and fsck and the policy engine look at
// that as at any other.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/pipeline/bundle_members.hpp"
#include "app/pipeline/gate.hpp"
#include "core/tar.hpp"
#include "sigillo/audit/proof.hpp"
#include "sigillo/audit/pruned_shard.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::app {
namespace fs = std::filesystem;
using bundle::Members;
using core::Error;
using core::ErrorCode;
using core::ExitCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

// Members that are words of the tool, and may be put otherwise by another version.
bool is_wording(std::string_view member) {
  return member == "reason" || member == "notes" || member == "tool_version";
}

// Whether a verdict of another version says what ours says: what it has must be in ours and the
// same, words aside. Ours may say more: a later version adds members.
bool agrees(const Json& stored, const Json& ours) {
  if (stored.is_object() && ours.is_object())
    return std::all_of(stored.items().begin(), stored.items().end(), [&](const auto& member) {
      const auto found = ours.find(member.key());
      return found != ours.end() && (is_wording(member.key()) || agrees(member.value(), *found));
    });
  if (stored.is_array() && ours.is_array())
    return std::equal(stored.begin(), stored.end(), ours.begin(), ours.end(), agrees);
  return stored == ours;
}

// What no version leaves out: without it a verdict could agree by saying nothing.
bool says_all(const Json& verdict) {
  const auto has = [](const Json& object, std::initializer_list<const char*> members) {
    return object.is_object() && std::all_of(members.begin(), members.end(), [&](const char* name) {
             return object.contains(name);
           });
  };
  return has(verdict, {"as_of", "checkpoint", "evidence_digest", "exit_code", "pack", "rules",
                       "scope", "summary"}) &&
         has(verdict["pack"], {"name", "version", "digest"}) && verdict["rules"].is_array() &&
         std::all_of(verdict["rules"].begin(), verdict["rules"].end(), [&](const Json& rule) {
           return has(rule, {"id", "outcome", "enforcement", "severity", "counts", "subjects"});
         });
}

class BundleVerification {
 public:
  explicit BundleVerification(const audit::KnownBefore& known) : known_(known) {}
  Status run(const fs::path& file);
  BundleReport report;

 private:
  // Each step adds a check. false ends the verification: what follows would rest on what failed.
  Result<bool> read(const fs::path& file);
  bool check_manifest();
  bool check_exporter();
  bool check_derived();
  Result<bool> rebuild(const fs::path& folder);
  Result<bool> check_ledger();
  Result<bool> check_verdict(const fs::path& folder);
  bool compare_verdict(const std::string& recomputed);
  bool check_proofs();
  void conclude();

  bool hold(std::string check, std::string message) {
    report.checks.push_back({std::move(check), true, std::move(message)});
    return true;
  }
  bool fail(std::string check, std::string message) {
    report.checks.push_back({std::move(check), false, std::move(message)});
    return false;
  }
  [[nodiscard]] std::string_view text(const char* name) const {
    const auto found = members_.find(name);
    return found == members_.end() ? std::string_view() : core::as_text(found->second);
  }
  [[nodiscard]] std::string_view text(const std::string& name) const { return text(name.c_str()); }
  bool read_entries();
  bool check_sealed();
  Result<bool> rebuild_shard(std::size_t place);
  [[nodiscard]] bool is_known_member(const std::string& name) const;

  const audit::KnownBefore& known_;
  Members members_;
  core::Envelope manifest_;
  bundle::Header header_;
  std::vector<bundle::ShardEntries> shards_;  // oldest first; the last is the current one
  bundle::Replay replay_;                     // of the current one
  std::optional<audit::Workspace> workspace_;
  core::Evidence evidence_;
};

// The fault of the file, not of this machine.
bool is_of_the_file(const Error& error) {
  return core::exit_code(error.code) != ExitCode::environment && error.code != ErrorCode::not_found;
}

Result<bool> BundleVerification::read(const fs::path& file) {
  SIGILLO_TRY(core::TarReader tar, core::TarReader::open(file));
  std::size_t left = kMaxBundleBytes;
  std::string manifest;
  for (std::size_t count = 0;; ++count) {
    auto entry = tar.next();
    if (!entry.has_value())
      return is_of_the_file(entry.error()) ? Result<bool>(fail("form", entry.error().message))
                                           : entry.error();
    if (!entry->has_value()) break;
    if (count == kMaxBundleMembers)
      return fail("form", fmt::format("it has more than {} members", kMaxBundleMembers));
    auto bytes = tar.content(left);
    if (!bytes.has_value())
      return is_of_the_file(bytes.error()) ? Result<bool>(fail("form", bytes.error().message))
                                           : bytes.error();
    left -= bytes->size();
    const std::string& name = (*entry)->name;
    if (name == bundle::kManifest) manifest = core::as_text(*bytes);
    else if (is_known_member(name)) members_[name] = *std::move(bytes);
    else return fail("form", fmt::format("\"{}\" is no member of a bundle", name));
  }
  auto envelope = core::parse_canonical_envelope(manifest);
  if (!envelope.has_value())
    return fail("form", fmt::format("it has no signed manifest: {}", envelope.error().message));
  manifest_ = *std::move(envelope);
  return hold("form",
              fmt::format("an archive of {} members, in the one form", members_.size() + 1));
}

bool BundleVerification::is_known_member(const std::string& name) const {
  for (const char* one :
       {bundle::kCheckpoint, bundle::kEntries, bundle::kLogKey, bundle::kTrust, bundle::kVerdict})
    if (name == one) return true;
  // The manifest says which shards there are: check_derived.
  return name.starts_with(bundle::kShardPrefix) || name.starts_with(bundle::kBlobPrefix) ||
         name.starts_with(bundle::kPackPrefix) || name.starts_with(bundle::kProofPrefix);
}

bool BundleVerification::check_manifest() {
  if (manifest_.payload_type != kBundlePayloadType || manifest_.signatures.size() != 1)
    return fail("digests", "the manifest is no bundle's");
  auto header = bundle::open_manifest(core::as_text(manifest_.payload), members_);
  if (!header.has_value()) return fail("digests", header.error().message);
  header_ = *std::move(header);
  report.tool_version = header_.tool_version;
  report.origin = header_.origin;
  report.root = header_.root;
  report.log_key = header_.log_key;
  report.entries = header_.size;
  return hold("digests", "each member is the one that the manifest lists");
}

// Whether the key may speak for the whole ledger, at the time of its last entry.
bool may_export(const audit::TrustedKey& key, std::string_view last_entry) {
  const auto record = audit::read_record(last_entry);
  if (!record.has_value()) return false;
  const auto time = core::timestamp_from_rfc3339(record->recorded_at);
  const bool for_all =
      key.role == "owner" || std::find(key.kinds.begin(), key.kinds.end(), "*") != key.kinds.end();
  return for_all && time.has_value() && key.valid_from <= *time &&
         (!key.valid_to.has_value() || *time < *key.valid_to);
}

// Of each shard that the manifest speaks of.
bool BundleVerification::read_entries() {
  const std::size_t count = header_.sealed.size() + 1;
  for (std::size_t number = 1; number <= count; ++number) {
    const std::string name = bundle::entries_name(number, count);
    bundle::ShardEntries& shard = shards_.emplace_back();
    if (number < count && header_.sealed[number - 1].pruned) {
      shard.remainder = text(bundle::remainder_name(number));
      shard.size = header_.sealed[number - 1].size;
      if (shard.remainder.empty())
        return fail("exporter", fmt::format("nothing is there of the pruned shard {}", number));
      continue;
    }
    shard.checkpoint = text(bundle::checkpoint_name(number, count));
    std::string_view rest = text(name);
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      if (end == std::string_view::npos || end == 0)
        return fail("exporter", fmt::format("{} is not one entry a line", name));
      shard.leaves.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    shard.size = shard.leaves.size();
  }
  replay_ = bundle::replay(shards_.back().leaves);
  return true;
}

// The key is looked up by its id: an id is a hint to others, here it is part of the one form.
bool BundleVerification::check_exporter() {
  if (!read_entries()) return false;
  const std::vector<std::string>& leaves = shards_.back().leaves;
  const auto key = replay_.trust.keys().find(manifest_.signatures.front().key_id);
  if (key == replay_.trust.keys().end())
    return fail("exporter", "no key of the ledger's trust list signed the manifest");
  const Status status = core::verify_envelope(manifest_, key->second.key);
  if (!status.has_value()) return fail("exporter", status.error().message);
  if (leaves.empty() || !may_export(key->second, leaves.back()))
    return fail("exporter",
                fmt::format("the key of {} that signed the manifest may not sign for all of the "
                            "ledger, or was not valid at its last entry",
                            key->second.actor));
  report.exporter = key->second.actor;
  return hold("exporter",
              fmt::format("{} signed the manifest, with key {}", key->second.actor, key->first));
}

// What the manifest says of the sealed shards; roots and handovers are fsck's part.
bool BundleVerification::check_sealed() {
  const std::size_t count = shards_.size();
  std::size_t found = 0, expected = 0;
  for (const auto& [name, bytes] : members_) found += name.starts_with(bundle::kShardPrefix);
  for (const bundle::SealedShard& shard : header_.sealed) expected += shard.pruned ? 1 : 2;
  if (found != expected) return fail("trust", "there are shards that it does not speak of");
  for (std::size_t i = 0; i + 1 < count; ++i) {
    if (!shards_[i].remainder.empty()) {
      const auto pruned = audit::parse_pruned_shard(shards_[i].remainder);
      if (!pruned.has_value()) return fail("trust", pruned.error().message);
      const audit::Checkpoint& last = pruned->checkpoint;
      if (header_.sealed[i] !=
          bundle::SealedShard{last.origin, last.root.hex(), pruned->log_key, last.size, true})
        return fail("trust",
                    fmt::format("the manifest's shard {} is not the one that stays", i + 1));
      continue;
    }
    const bundle::Replay replay = bundle::replay(shards_[i].leaves);
    const auto log = audit::NoteVerifier::parse(replay.trust.log_vkey());
    const auto last = log.has_value() ? audit::open_checkpoint(shards_[i].checkpoint, *log)
                                      : core::Result<audit::Checkpoint>(log.error());
    if (!last.has_value()) return fail("trust", last.error().message);
    if (header_.sealed[i] !=
        bundle::SealedShard{last->origin, last->root.hex(), log->vkey(), last->size, false})
      return fail("trust",
                  fmt::format("the manifest's shard {} is not that of the entries", i + 1));
  }
  return true;
}

// What a reader without this program would look at must be what follows from the entries.
bool BundleVerification::check_derived() {
  const auto trust = bundle::trust_bytes(replay_.trust);
  if (!trust.has_value() || text(bundle::kTrust) != *trust)
    return fail("trust", "trust.json is not what the entries say");
  if (text(bundle::kLogKey) != replay_.trust.log_vkey() + "\n" ||
      header_.log_key != replay_.trust.log_vkey() || header_.origin != replay_.trust.origin() ||
      header_.size != shards_.back().leaves.size())
    return fail("trust", "the manifest's ledger is not the one of the entries");
  if (!check_sealed()) return false;
  const auto log = audit::NoteVerifier::parse(header_.log_key);
  if (!log.has_value()) return fail("trust", log.error().message);
  report.log_key_sha256 = log->key().id().hex();
  return hold("trust", "trust list and log key are those of the entries");
}

Result<bool> BundleVerification::rebuild_shard(std::size_t place) {
  const bundle::ShardEntries& shard = shards_[place];
  if (!shard.remainder.empty()) {
    SIGILLO_TRY_VOID(core::write_file_atomically(audit::pruned_shard_file(*workspace_, place + 1),
                                                 core::as_bytes(shard.remainder), 0644));
    SIGILLO_TRY_VOID(audit::remove_ledger_files(*workspace_, place + 1));
    return true;
  }
  const std::vector<std::string>& leaves = shard.leaves;
  SIGILLO_TRY(audit::Ledger ledger, workspace_->shard(place + 1, audit::Ledger::Access::write));
  for (std::size_t start = 0; start < leaves.size(); start += audit::kMaxBatch) {
    const auto batch =
        std::span(leaves).subspan(start, std::min(audit::kMaxBatch, leaves.size() - start));
    const auto first = ledger.append(batch);
    if (!first.has_value())
      return is_of_the_file(first.error()) ? Result<bool>(fail("checkpoint", first.error().message))
                                           : first.error();
  }
  const bool current = place + 1 == shards_.size();
  SIGILLO_TRY(
      const audit::NoteVerifier log,
      audit::NoteVerifier::parse(current ? header_.log_key : header_.sealed[place].log_key));
  const Status adopted = ledger.adopt(shard.checkpoint, log);
  if (adopted.has_value()) return true;
  return is_of_the_file(adopted.error()) ? Result<bool>(fail("checkpoint", adopted.error().message))
                                         : adopted.error();
}

Result<bool> BundleVerification::rebuild(const fs::path& folder) {
  std::vector<std::string> origins;
  std::size_t entries = 0;
  for (const bundle::SealedShard& shard : header_.sealed) origins.push_back(shard.origin);
  origins.push_back(header_.origin);
  SIGILLO_TRY(workspace_, audit::Workspace::replica(folder, origins));
  for (std::size_t place = 0; place < shards_.size(); ++place) {
    SIGILLO_TRY(const bool whole, rebuild_shard(place));
    if (!whole) return false;
    entries += shards_[place].leaves.size();
  }
  audit::BlobStore blobs = workspace_->blobs();
  for (const auto& [name, bytes] : members_) {
    if (!name.starts_with(bundle::kBlobPrefix)) continue;
    if (name != bundle::blob_name(core::sha256(bytes)))
      return fail("blobs", fmt::format("{} is not named by its digest", name));
    SIGILLO_TRY(const core::Digest digest, blobs.put(bytes));
    static_cast<void>(digest);
  }
  return hold("checkpoint",
              fmt::format("the log's key signs {} entries, and these are they", entries));
}

Result<bool> BundleVerification::check_ledger() {
  SIGILLO_TRY(const audit::FsckReport ledger, audit::fsck(*workspace_, known_));
  for (const audit::Finding& finding : ledger.findings) {
    if (finding.severity == audit::Severity::error)
      return fail("ledger",
                  fmt::format("{}: {}: {}", finding.check, finding.place, finding.message));
    report.remarks.push_back(
        fmt::format("{}: {}: {}", to_string(finding.severity), finding.place, finding.message));
  }
  if (ledger.evidence.root != header_.root)
    return fail("ledger", "the manifest names another root than the entries give");
  evidence_ = ledger.evidence;
  return hold("ledger", fmt::format("fsck: {} trusted records, {} blobs, no error", ledger.records,
                                    ledger.blobs));
}

Result<bool> BundleVerification::check_verdict(const fs::path& folder) {
  if (header_.as_of.empty()) {
    if (members_.contains(bundle::kVerdict))
      return fail("verdict", "there is a verdict that the manifest does not speak of");
    report.remarks.emplace_back("the bundle holds no verdict");
    return true;
  }
  for (const auto& [name, bytes] : members_) {
    if (!name.starts_with(bundle::kPackPrefix)) continue;
    const fs::path file = folder / name;
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    if (error) return core::error_from_errno(error.value(), "cannot create", file.parent_path());
    SIGILLO_TRY_VOID(core::write_file_atomically(file, bytes));
  }
  const auto pack = policy::load_pack(folder / "pack");
  if (!pack.has_value()) return fail("verdict", pack.error().message);
  if (pack->digest != header_.pack_digest)
    return fail("verdict", "the manifest names another pack than is there");
  policy::EvaluateOptions options;
  const auto as_of = core::timestamp_from_date(header_.as_of);
  if (!as_of.has_value()) return fail("verdict", as_of.error().message);
  options.as_of = *as_of;
  options.tool_version = header_.tool_version;
  if (!header_.release.empty()) options.scope_release = header_.release;
  auto verdicts = policy::evaluate(*pack, evidence_, options);
  if (!verdicts.has_value()) return fail("verdict", verdicts.error().message);
  SIGILLO_TRY(const std::string recomputed, core::canonical_json(policy::to_json(*verdicts)));
  report.verdict = *std::move(verdicts);
  return compare_verdict(recomputed);
}

bool BundleVerification::compare_verdict(const std::string& recomputed) {
  if (recomputed == text(bundle::kVerdict))
    return hold("verdict", "evaluated again from the evidence: the same, byte for byte");
  const bool same_version = header_.tool_version == SIGILLO_VERSION;
  const auto stored = core::parse_canonical_json(text(bundle::kVerdict));
  const auto ours = core::parse_canonical_json(recomputed);
  if (!same_version && stored.has_value() && ours.has_value() && says_all(*stored) &&
      agrees(*stored, *ours)) {
    report.remarks.push_back(fmt::format(
        "the verdict was written by version {}: its reasons are put otherwise than ours, and were "
        "not checked; all else in it is what we find",
        header_.tool_version));
    return hold("verdict", "evaluated again from the evidence: the same, but for words");
  }
  // Versions may judge differently; the same version may not.
  if (!same_version) report.exit = ExitCode::undecided;
  report.verdict.reset();
  return fail("verdict",
              same_version ? std::string("it is not what the evidence and the pack give")
                           : fmt::format("version {} of the tool gave another verdict than {} does",
                                         header_.tool_version, SIGILLO_VERSION));
}

bool BundleVerification::check_proofs() {
  std::size_t found = 0;
  for (const auto& [name, bytes] : members_) found += name.starts_with(bundle::kProofPrefix);
  if (!report.verdict.has_value())
    return found == 0 || fail("proofs", "there are proofs, but no verdict that cites an entry");
  const auto expected = bundle::proofs(*report.verdict, shards_);
  if (!expected.has_value()) return fail("proofs", expected.error().message);
  for (const auto& [name, bytes] : *expected) {
    const auto stored = members_.find(name);
    if (stored == members_.end() || stored->second != bytes)
      return fail("proofs", fmt::format("{} is missing or is not the entry's receipt", name));
  }
  if (found != expected->size()) return fail("proofs", "there are proofs of entries never cited");
  return hold("proofs",
              fmt::format("a receipt for each of the {} entries that the verdict cites", found));
}

void BundleVerification::conclude() {
  report.exit = ExitCode::done;
  if (known_.log_key.empty())
    report.remarks.emplace_back(
        "no log key was given: the bundle is only consistent with itself; whoever holds the "
        "ledger's keys could have made all of it. Compare the key's fingerprint with one from "
        "elsewhere, and give --log-key");
  else if (known_.checkpoint.empty())
    report.remarks.emplace_back(
        "no earlier checkpoint was given: that nothing was rewritten since is not shown; give "
        "--since");
  report.remarks.emplace_back(
      "not proved: that everything that happened was recorded, and when a record was made");
}

Status BundleVerification::run(const fs::path& file) {
  SIGILLO_TRY(const bool readable, read(file));
  if (!readable || !check_manifest() || !check_exporter() || !check_derived()) return {};
  SIGILLO_TRY(const bundle::TemporaryFolder folder, bundle::TemporaryFolder::create());
  SIGILLO_TRY(const bool rebuilt, rebuild(folder.path() / "workspace"));
  if (!rebuilt) return {};
  SIGILLO_TRY(const bool sound, check_ledger());
  if (!sound) return {};
  SIGILLO_TRY(const bool judged, check_verdict(folder.path()));
  if (judged && check_proofs()) conclude();
  return {};
}

}  // namespace

Result<BundleReport> verify_bundle(const fs::path& file, const audit::KnownBefore& known) {
  if (!known.checkpoint.empty() && known.log_key.empty())
    return Error{ErrorCode::invalid_argument, "an earlier checkpoint needs the log's verifier key",
                 "give --log-key too"};
  if (!known.log_key.empty()) {
    SIGILLO_TRY(const audit::NoteVerifier log, audit::NoteVerifier::parse(known.log_key));
    if (!known.checkpoint.empty()) {
      SIGILLO_TRY(const audit::Checkpoint seen, audit::open_checkpoint(known.checkpoint, log));
      static_cast<void>(seen);
    }
  }
  BundleVerification verification(known);
  SIGILLO_TRY_VOID(verification.run(file));
  return std::move(verification.report);
}

Status check_rules(BundleReport& report, const std::string& pack) {
  if (!report.verdict.has_value() || report.exit != ExitCode::done) return {};
  const policy::Verdicts& verdict = *report.verdict;
  const auto unknown = [&](std::string_view why) -> Status {
    report.remarks.push_back(fmt::format(
        "{}: nothing says that the bundle's rules are those of the {} that you know. Compare their "
        "digest, or name a pack with --pack",
        why, verdict.pack_name));
    return {};
  };
  if (pack.empty() && verdict.pack_name.find('/') != std::string::npos)
    return unknown("the pack's name is no name");
  const auto folder = find_pack(pack.empty() ? verdict.pack_name : pack);
  if (!folder.has_value())
    return pack.empty() ? unknown("no pack of this name is installed") : Status(folder.error());
  const auto known = policy::load_pack(*folder);
  if (!known.has_value())
    return pack.empty() ? unknown("the installed pack cannot be read") : Status(known.error());
  if (pack.empty() && known->version != verdict.pack_version)
    return unknown(fmt::format("version {} is installed", known->version));
  const bool same = known->digest == verdict.pack_digest;
  report.checks.push_back(
      {"rules", same,
       same ? fmt::format("they are those of {}", folder->string())
            : fmt::format("they are not those of {}, which has the digest sha256:{}",
                          folder->string(), known->digest)});
  if (!same) report.exit = ExitCode::not_verified;
  return {};
}

Json to_json(const BundleReport& report) {
  Json checks = Json::array();
  for (const BundleCheck& check : report.checks)
    checks.push_back(
        Json{{"check", check.check}, {"holds", check.holds}, {"message", check.message}});
  Json json{{"verified", report.exit == ExitCode::done},
            {"exit_code", static_cast<int>(report.exit)},
            {"checks", std::move(checks)},
            {"remarks", report.remarks},
            {"tool_version", report.tool_version},
            {"origin", report.origin},
            {"size", report.entries},
            {"root", report.root},
            {"log_key", report.log_key},
            {"log_key_sha256", report.log_key_sha256},
            {"exporter", report.exporter}};
  if (report.verdict.has_value()) json["verdict"] = policy::to_json(*report.verdict);
  return json;
}

}  // namespace sigillo::app
