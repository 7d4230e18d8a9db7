#include "app/pipeline/bundle_members.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "sigillo/audit/proof.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::app::bundle {
namespace fs = std::filesystem;
using core::Digest;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;

namespace {

constexpr std::string_view kWhere = "bundle manifest";

// It is shown to people, so it is nothing but a version.
bool is_version(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of(
             "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+-") ==
             std::string_view::npos;
}

void collect(const Json& value, std::set<Digest>& named) {
  if (value.is_string()) {
    const auto digest = Digest::from_hex(value.get_ref<const std::string&>());
    if (digest.has_value()) named.insert(*digest);
  }
  if (value.is_structured())
    for (const Json& item : value) collect(item, named);
}

core::Status read_sealed(const Json& json, Header& header) {
  if (!json.contains("shards")) return {};
  if (!json["shards"].is_array())
    return Error{ErrorCode::invalid_input, "the manifest's shards are no list", ""};
  for (const Json& item : json["shards"]) {
    SealedShard shard;
    SIGILLO_TRY(shard.origin, core::json_string(item, "origin", kWhere));
    SIGILLO_TRY(shard.root, core::json_string(item, "root", kWhere));
    SIGILLO_TRY(shard.log_key, core::json_string(item, "log_key", kWhere));
    SIGILLO_TRY(const std::int64_t size, core::json_integer(item, "size", kWhere));
    shard.size = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0));
    shard.pruned = item.contains("pruned");  // its value: the payload has one form
    header.sealed.push_back(std::move(shard));
  }
  return {};
}

}  // namespace

std::string entries_name(std::size_t number, std::size_t count) {
  return number == count ? kEntries : fmt::format("{}{}/{}", kShardPrefix, number, kEntries);
}
std::string checkpoint_name(std::size_t number, std::size_t count) {
  return number == count ? kCheckpoint : fmt::format("{}{}/{}", kShardPrefix, number, kCheckpoint);
}

std::string remainder_name(std::size_t number) {
  return fmt::format("{}{}/pruned.json", kShardPrefix, number);
}

namespace {

int format_of(const Header& header) {
  const bool pruned = std::any_of(header.sealed.begin(), header.sealed.end(),
                                  [](const SealedShard& shard) { return shard.pruned; });
  return pruned ? kBundleVersion : header.sealed.empty() ? 1 : 2;
}

}  // namespace

Result<std::string> manifest_payload(const Header& header, const Members& members) {
  Json list = Json::array();
  for (const auto& [name, bytes] : members)
    list.push_back(
        Json{{"name", name}, {"size", bytes.size()}, {"sha256", core::sha256(bytes).hex()}});
  Json json{{"format", format_of(header)}, {"tool_version", header.tool_version},
            {"origin", header.origin},     {"size", header.size},
            {"root", header.root},         {"log_key", header.log_key},
            {"members", std::move(list)}};
  for (const SealedShard& shard : header.sealed) {
    json["shards"].push_back(Json{{"origin", shard.origin},
                                  {"size", shard.size},
                                  {"root", shard.root},
                                  {"log_key", shard.log_key}});
    if (shard.pruned) json["shards"].back()["pruned"] = true;
  }
  if (!header.as_of.empty()) {
    json["verdict"] = Json{{"as_of", header.as_of}, {"pack_digest", header.pack_digest}};
    if (!header.release.empty()) json["verdict"]["release"] = header.release;
  }
  return core::canonical_json(json);
}

Result<Header> open_manifest(std::string_view payload, const Members& members) {
  SIGILLO_TRY(const Json json, core::parse_canonical_json(payload));
  SIGILLO_TRY(const std::int64_t format, core::json_integer(json, "format", kWhere));
  if (format < 1 || format > kBundleVersion)
    return Error{ErrorCode::unsupported, fmt::format("bundle format {} is not known", format),
                 "use the sigillo that wrote it, or a newer one"};
  Header header;
  SIGILLO_TRY(header.tool_version, core::json_string(json, "tool_version", kWhere));
  if (!is_version(header.tool_version))
    return Error{ErrorCode::invalid_input, "the manifest's tool_version is no version", ""};
  SIGILLO_TRY(header.origin, core::json_string(json, "origin", kWhere));
  SIGILLO_TRY(header.root, core::json_string(json, "root", kWhere));
  SIGILLO_TRY(header.log_key, core::json_string(json, "log_key", kWhere));
  SIGILLO_TRY(const std::int64_t size, core::json_integer(json, "size", kWhere));
  header.size = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0));
  SIGILLO_TRY_VOID(read_sealed(json, header));
  if (json.contains("verdict")) {
    const Json& verdict = json["verdict"];
    SIGILLO_TRY(header.as_of, core::json_string(verdict, "as_of", kWhere));
    SIGILLO_TRY(header.pack_digest, core::json_string(verdict, "pack_digest", kWhere));
    SIGILLO_TRY(header.release, core::json_string_or(verdict, "release", "", kWhere));
  }
  SIGILLO_TRY(const std::string again, manifest_payload(header, members));
  if (again == payload) return header;
  // Name the first member that differs; the list is sorted as the members are.
  SIGILLO_TRY(const Json list, core::json_member(json, "members", kWhere));
  for (const auto& [name, bytes] : members) {
    const Json expected{
        {"name", name}, {"size", bytes.size()}, {"sha256", core::sha256(bytes).hex()}};
    if (std::find(list.begin(), list.end(), expected) == list.end())
      return Error{ErrorCode::evidence_corrupt,
                   fmt::format("member \"{}\" is not the one that the manifest lists", name),
                   "get the bundle again from its maker"};
  }
  return Error{ErrorCode::evidence_corrupt, "the manifest lists other members than are there",
               "get the bundle again from its maker"};
}

Replay replay(const std::vector<std::string>& leaves) {
  Replay result;
  std::set<Digest> named;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const auto record = audit::read_record(leaves[i]);
    if (!record.has_value()) continue;
    static_cast<void>(result.trust.accept(i, *record));
    collect(record->fields, named);
  }
  result.named.assign(named.begin(), named.end());
  return result;
}

Result<std::string> trust_bytes(const audit::TrustList& trust) {
  Json keys = Json::array();
  for (const auto& [id, key] : trust.keys()) {
    keys.push_back(Json{{"key_id", id},
                        {"actor", key.actor},
                        {"role", key.role},
                        {"kinds", key.kinds},
                        {"valid_from", core::to_rfc3339(key.valid_from)},
                        {"public_key", key.key.pem()}});
    if (key.valid_to.has_value()) keys.back()["valid_to"] = core::to_rfc3339(*key.valid_to);
  }
  return core::canonical_json(
      Json{{"origin", trust.origin()}, {"log_key", trust.log_vkey()}, {"keys", std::move(keys)}});
}

std::string blob_name(const Digest& digest) {
  const std::string hex = digest.hex();
  return fmt::format("{}{}/{}", kBlobPrefix, hex.substr(0, 2), hex.substr(2));
}

std::string proof_name(std::uint64_t entry) {
  return fmt::format("{}{}.tlog-proof", kProofPrefix, entry);
}

Result<Members> proofs(const policy::Verdicts& verdicts, const std::vector<ShardEntries>& shards) {
  std::set<std::uint64_t> cited;
  for (const policy::RuleVerdict& rule : verdicts.rules)
    for (const policy::SubjectVerdict& subject : rule.subjects)
      if (subject.evidence.has_value() && *subject.evidence >= 0)
        cited.insert(static_cast<std::uint64_t>(*subject.evidence));
  Members members;
  std::uint64_t first = 0;
  for (const ShardEntries& shard : shards) {
    const std::uint64_t end = first + shard.size;  // a rule may cite any number
    std::vector<Digest> hashes;
    if (shard.remainder.empty())
      for (auto at = cited.lower_bound(first); at != cited.end() && *at < end; ++at) {
        if (hashes.empty())
          for (const std::string& leaf : shard.leaves)
            hashes.push_back(audit::leaf_hash(core::as_bytes(leaf)));
        audit::TlogProof proof;
        proof.index = *at - first;
        SIGILLO_TRY(proof.path, audit::inclusion_path(proof.index, hashes));
        proof.checkpoint = shard.checkpoint;
        members[proof_name(*at)] = core::to_bytes(audit::tlog_proof_text(proof));
      }
    first = end;
  }
  return members;
}

Result<TemporaryFolder> TemporaryFolder::create() {
  std::error_code error;
  fs::path parent = fs::temp_directory_path(error);
  if (error) return core::error_from_errno(error.value(), "cannot use", "TMPDIR");
  std::string name = (parent / "sigillo-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    return core::error_from_errno(errno, "cannot create a folder in", parent);
  return TemporaryFolder(name);
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept
    : path_(std::exchange(other.path_, fs::path())) {}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace sigillo::app::bundle
