#include "sigillo/audit/backup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <nlohmann/json.hpp>

#include "core/sqlite.hpp"
#include "core/tar.hpp"
#include "sigillo/audit/shards.hpp"
#include "sigillo/core/files.hpp"
#include "sigillo/core/json.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

constexpr std::int64_t kBackupFormat = 1;
constexpr const char* kSummary = "summary.json";  // after all others in the archive's order
constexpr std::size_t kMaxSummaryBytes = std::size_t{256} << 20;
constexpr std::string_view kSummaryWhere = "backup summary";

// A folder beside the target that only we can read, removed at the end.
class Beside {
 public:
  static Result<Beside> create(const fs::path& target) {
    const fs::path parent = target.has_parent_path() ? target.parent_path() : fs::path(".");
    Beside beside(parent / fmt::format(".{}.{}.parts", target.filename().string(), ::getpid()));
    std::error_code ignored;
    fs::remove_all(beside.path, ignored);  // of a process with our id that was killed
    if (::mkdir(beside.path.c_str(), 0700) != 0) {
      const int cause = errno;
      const Error error = core::error_from_errno(cause, "cannot create", beside.path);
      beside.path.clear();
      return error;
    }
    return beside;
  }
  explicit Beside(fs::path folder) : path(std::move(folder)) {}
  Beside(Beside&& other) noexcept : path(std::exchange(other.path, fs::path())) {}
  Beside& operator=(Beside&&) = delete;
  ~Beside() {
    std::error_code ignored;
    if (!path.empty()) fs::remove_all(path, ignored);
  }
  fs::path path;
};

// Regular files below a folder of the workspace, by member name; hidden ones are being written.
Status list_files(const fs::path& workspace, const char* below,
                  std::map<std::string, fs::path>& files) {
  std::error_code error;
  if (!fs::exists(workspace / below, error)) return {};
  for (fs::recursive_directory_iterator at(workspace / below, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().filename().native().starts_with(".") || !at->is_regular_file()) continue;
    files[at->path().lexically_relative(workspace).generic_string()] = at->path();
  }
  if (error) return core::error_from_errno(error.value(), "cannot read", workspace / below);
  return {};
}

// The ledger, or what stays of a pruned one.
std::string member_of(const Workspace& workspace, std::uint64_t shard) {
  const fs::path file = is_pruned(workspace, shard) ? pruned_shard_file(workspace, shard)
                                                    : workspace.shard_file(shard);
  return file.lexically_relative(workspace.folder()).generic_string();
}

Status copy_plain(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy_file(from, to, error);
  return error ? core::error_from_errno(error.value(), "cannot copy", from) : Status();
}

// All of one moment: a rotation in between is noticed.
Status copy_ledgers(const Workspace& workspace, const fs::path& parts,
                    std::map<std::string, fs::path>& files) {
  for (std::uint64_t shard = 1; shard <= workspace.config().shard; ++shard) {
    const std::string member = member_of(workspace, shard);
    const fs::path target = parts / member;
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    if (error) return core::error_from_errno(error.value(), "cannot create", target.parent_path());
    files[member] = target;
    if (is_pruned(workspace, shard)) {
      SIGILLO_TRY_VOID(copy_plain(pruned_shard_file(workspace, shard), target));
      continue;
    }
    SIGILLO_TRY(const Ledger ledger, workspace.shard(shard, Ledger::Access::read));
    SIGILLO_TRY_VOID(ledger.copy_to(target));
  }
  SIGILLO_TRY_VOID(copy_plain(workspace.folder() / "sigillo.json", parts / "sigillo.json"));
  files["sigillo.json"] = parts / "sigillo.json";
  SIGILLO_TRY(const Workspace copied, Workspace::open(parts));
  SIGILLO_TRY(const Ledger current, copied.ledger(Ledger::Access::read));
  SIGILLO_TRY(const bool sealed, current.sealed());
  if (copied.config().shard == workspace.config().shard && !sealed) return {};
  return Error{ErrorCode::locked, "the ledger was rotated meanwhile", "try again"};
}

Status copy_private_values(const fs::path& from, const fs::path& to) {
  SIGILLO_TRY(auto database, core::sqlite::Database::open(from, core::sqlite::OpenMode::read_only));
  return database.copy_to(to);
}

Result<std::string> summary_text(const BackupSummary& summary, const std::string& origin,
                                 const std::map<std::string, Digest>& digests) {
  Json members = Json::object();
  for (const auto& [name, digest] : digests) members[name] = digest.hex();
  return core::canonical_json(Json{{"format", kBackupFormat},
                                   {"origin", origin},
                                   {"size", summary.size},
                                   {"root", summary.root.hex()},
                                   {"with_keys", summary.with_keys},
                                   {"sha256", std::move(members)}});
}

Result<BackupSummary> parse_summary(std::string_view text,
                                    const std::map<std::string, Digest>& digests) {
  SIGILLO_TRY(const Json json, core::parse_canonical_json(text, {kMaxSummaryBytes, 4}));
  SIGILLO_TRY(const std::int64_t format, core::json_integer(json, "format", kSummaryWhere));
  if (format != kBackupFormat)
    return Error{ErrorCode::workspace_newer, fmt::format("the backup has format {}", format),
                 "use the sigillo that wrote it, or a newer one"};
  BackupSummary summary;
  SIGILLO_TRY(const std::int64_t size, core::json_integer(json, "size", kSummaryWhere));
  SIGILLO_TRY(const std::string root, core::json_string(json, "root", kSummaryWhere));
  SIGILLO_TRY(const std::string origin, core::json_string(json, "origin", kSummaryWhere));
  SIGILLO_TRY(summary.root, Digest::from_hex(root));
  SIGILLO_TRY(const Json with_keys, core::json_member(json, "with_keys", kSummaryWhere));
  summary.size = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0));
  summary.with_keys = with_keys == true;
  summary.files = digests.size();
  SIGILLO_TRY(const std::string expected, summary_text(summary, origin, digests));
  if (expected == text) return summary;
  return Error{ErrorCode::evidence_corrupt, "the backup's files are not those that it lists",
               "use another backup: this one is damaged"};
}

bool is_shard_file(std::string_view name) {
  constexpr std::string_view folder = "shards/";
  if (name == "ledger.db" || name == "pruned.json") return true;
  if (!name.starts_with(folder)) return false;
  name.remove_prefix(folder.size());
  const std::size_t digits = name.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return false;
  name.remove_prefix(digits);
  return name == "/ledger.db" || name == "/pruned.json";
}
// Where a member may go, and with which mode; 0 if nowhere.
unsigned mode_of(std::string_view name) {
  if (is_shard_file(name)) return 0644;
  if (name == "sigillo.json" || name.starts_with("blobs/")) return 0644;
  if (name == "private.db") return 0600;
  const bool key = name.starts_with("keys/") && name.find('/', 5) == std::string_view::npos;
  return key ? 0600 : 0;
}

Result<BackupSummary> unpack(const fs::path& file, const fs::path& folder) {
  SIGILLO_TRY(core::TarReader tar, core::TarReader::open(file));
  std::map<std::string, Digest> digests;
  for (;;) {
    SIGILLO_TRY(const auto entry, tar.next());
    if (!entry.has_value())
      return Error{ErrorCode::invalid_input, fmt::format("{} is no backup", file.string()),
                   "name a file that `sigillo backup` wrote"};
    if (entry->name == kSummary) break;
    const unsigned mode = mode_of(entry->name);
    if (mode == 0)
      return Error{ErrorCode::invalid_input,
                   fmt::format("{}: \"{}\" is no file of a workspace", file.string(), entry->name),
                   "name a file that `sigillo backup` wrote"};
    const fs::path target = folder / entry->name;
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    if (error) return core::error_from_errno(error.value(), "cannot create", target);
    if (entry->name.starts_with("keys/"))
      fs::permissions(target.parent_path(), fs::perms::owner_all, error);
    SIGILLO_TRY_VOID(tar.content_to(target, mode));
    SIGILLO_TRY(const core::FileDigest digest, core::digest_file(target));
    digests[entry->name] = digest.digest;
  }
  SIGILLO_TRY(const core::Bytes text, tar.content(kMaxSummaryBytes));
  SIGILLO_TRY(const auto more, tar.next());
  if (more.has_value())
    return Error{ErrorCode::invalid_input,
                 fmt::format("{}: \"{}\" follows the summary", file.string(), more->name),
                 "name a file that `sigillo backup` wrote"};
  return parse_summary(core::as_text(text), digests);
}

// The log key that the ledger itself names, if none is known from elsewhere: that of the shard
// whose name the checkpoint has.
Result<KnownBefore> with_key(const Workspace& workspace, KnownBefore known) {
  if (!known.log_key.empty() || known.checkpoint.empty()) return known;
  SIGILLO_TRY(const std::vector<Shard> all, shards(workspace));
  const std::string origin = known.checkpoint.substr(0, known.checkpoint.find('\n'));
  known.log_key = all.back().log_key;
  for (const Shard& shard : all)
    if (shard.origin == origin) known.log_key = shard.log_key;
  return known;
}

// Whether this error is one that the caller wants to put right.
bool is_accepted(const Finding& finding, bool accept_loss) {
  return finding.check == kCheckpointStore || (accept_loss && finding.check == kSignedBefore);
}

std::string_view remedy_of(const Finding& finding) {
  if (finding.check == "known-checkpoint" || finding.check == kSignedBefore)
    return "use a later copy, or accept the loss with --accept-loss";
  return "use another copy";
}

Status check_copy(const Workspace& workspace, const KnownBefore& known, bool accept_loss) {
  SIGILLO_TRY(const KnownBefore all, with_key(workspace, known));
  SIGILLO_TRY(const FsckReport report, fsck(workspace, all));
  for (const Finding& finding : report.findings)
    if (finding.severity == Severity::error && !is_accepted(finding, accept_loss))
      return Error{ErrorCode::ledger_corrupt,
                   fmt::format("{}: {}: {}", finding.check, finding.place, finding.message),
                   std::string(remedy_of(finding))};
  return {};
}

// A rehearsal must not take the log away from the ledger that is in use.
Status may_take_over(const Workspace& workspace, bool take_over) {
  if (take_over) return {};
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  SIGILLO_TRY(const NoteVerifier log, log_verifier(workspace, ledger));
  const CheckpointStore store = workspace.checkpoint_store();
  SIGILLO_TRY(const std::optional<std::string> last, store.last(log));
  if (!last.has_value()) return {};
  SIGILLO_TRY(const std::string latest, ledger.latest_checkpoint());
  SIGILLO_TRY(const Checkpoint here, open_checkpoint(latest, log));
  SIGILLO_TRY(const Checkpoint there, open_checkpoint(*last, log));
  if (here == there) return {};
  return Error{
      ErrorCode::invalid_argument,
      fmt::format("the checkpoint store {} knows size {} of this log, the backup {}: a ledger that "
                  "goes on from there may be in use",
                  store.folder().string(), there.size, here.size),
      "to rehearse, give the copy a store of its own with --checkpoint-store DIR; to take the log "
      "over, so that the other one can sign no more, --take-over"};
}

// What the store holds of the current log, to be taken down before anything is judged by it.
Result<std::optional<std::string>> in_store(const Workspace& workspace) {
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  SIGILLO_TRY(const NoteVerifier log, log_verifier(workspace, ledger));
  return workspace.checkpoint_store().stored(log);
}

// From here on the log goes on from what this copy has signed last; locked if somebody has signed
// since `before` was taken down.
Status go_on(const Workspace& workspace, const std::optional<std::string>& before) {
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  SIGILLO_TRY(const NoteVerifier log, log_verifier(workspace, ledger));
  SIGILLO_TRY(const std::string note, ledger.latest_checkpoint());
  return workspace.checkpoint_store().advance(log, before, note);
}

Status mark_loss(const Workspace& workspace, const LedgerHead& head, const core::Clock& clock) {
  const std::string& origin = workspace.config().origin;
  SIGILLO_TRY(const Receipt receipt,
              record(workspace, "ledger-restored",
                     Json{{"origin", origin}, {"size", head.size}, {"root", head.root.hex()}},
                     {named_subject("ledger", origin)}, clock));
  static_cast<void>(receipt);
  return {};
}

Status require_decision(const KnownBefore& known, bool accept_loss) {
  if (!known.checkpoint.empty() || accept_loss) return {};
  return Error{ErrorCode::invalid_argument,
               "entries that were acknowledged after this copy would be lost without a trace",
               "show with --since CHECKPOINT (the last one published) that none are, or accept "
               "the loss with --accept-loss: it is then recorded in the ledger"};
}

Status move_into_place(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return core::error_from_errno(errno, "cannot create", to);
  const int parent = ::open(to.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = parent >= 0 && ::fsync(parent) == 0;
  const int cause = errno;
  if (parent >= 0) ::close(parent);
  return synced ? Status() : core::error_from_errno(cause, "cannot sync", to.parent_path());
}

}  // namespace

Result<BackupSummary> backup(const Workspace& workspace, const fs::path& file, bool with_keys) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(file, error)))
    return Error{ErrorCode::already_exists, fmt::format("{} exists already", file.string()),
                 "choose another name: a backup is never overwritten"};
  SIGILLO_TRY_VOID(require_sound(workspace, "no backup was made"));
  SIGILLO_TRY(const Beside parts, Beside::create(file));
  // The ledgers first: what their entries name was made before them.
  std::map<std::string, fs::path> files;
  SIGILLO_TRY_VOID(copy_ledgers(workspace, parts.path, files));
  if (fs::exists(workspace.private_values_file(), error)) {
    SIGILLO_TRY_VOID(
        copy_private_values(workspace.private_values_file(), parts.path / "private.db"));
    files["private.db"] = parts.path / "private.db";
  }
  SIGILLO_TRY_VOID(list_files(workspace.folder(), "blobs", files));
  if (with_keys) SIGILLO_TRY_VOID(list_files(workspace.folder(), "keys", files));

  const std::string current = member_of(workspace, workspace.config().shard);
  SIGILLO_TRY(const Ledger copy, Ledger::open(files.at(current), Ledger::Access::read));
  SIGILLO_TRY(const LedgerHead head, copy.head());
  const BackupSummary summary{head.size, head.root, files.size(), with_keys};
  SIGILLO_TRY(core::TarWriter tar, core::TarWriter::create(file, 0600));
  std::map<std::string, Digest> digests;
  for (const auto& [name, path] : files) {
    SIGILLO_TRY(digests[name], tar.add_file(name, path));
  }
  SIGILLO_TRY(const std::string text, summary_text(summary, workspace.config().origin, digests));
  SIGILLO_TRY_VOID(tar.add(kSummary, core::as_bytes(text)));
  SIGILLO_TRY_VOID(tar.finish(false));
  return summary;
}

Result<BackupSummary> restore(const RestoreRequest& request, const core::Clock& clock) {
  std::error_code error;
  SIGILLO_TRY_VOID(require_decision(request.known, request.accept_loss));
  const fs::path target = fs::absolute(request.folder).lexically_normal();
  const fs::path folder = target.has_filename() ? target : target.parent_path();
  if (fs::exists(fs::symlink_status(folder, error)))
    return Error{ErrorCode::already_exists, fmt::format("{} exists already", folder.string()),
                 "restore into a new folder; an existing workspace is never overwritten"};
  SIGILLO_TRY(const Beside parts, Beside::create(folder));
  SIGILLO_TRY(const BackupSummary summary, unpack(request.file, parts.path));
  fs::create_directories(parts.path / "blobs", error);
  SIGILLO_TRY(Workspace workspace, Workspace::open(parts.path));
  if (!request.checkpoint_store.empty()) {
    WorkspaceConfig config = workspace.config();
    config.checkpoint_store = fs::absolute(request.checkpoint_store).lexically_normal().string();
    SIGILLO_TRY_VOID(workspace.switch_to(config));
  }
  {
    SIGILLO_TRY(Ledger ledger, workspace.ledger(Ledger::Access::write));
    SIGILLO_TRY_VOID(ledger.use_wal());
  }
  std::optional<std::string> before;
  if (summary.with_keys) {
    SIGILLO_TRY(before, in_store(workspace));
  }
  SIGILLO_TRY_VOID(check_copy(workspace, request.known, request.accept_loss));
  if (request.accept_loss && !summary.with_keys)
    return Error{ErrorCode::key_missing,
                 "the backup holds no keys: the loss cannot be recorded, and nothing appended",
                 "restore it with --since, to be read; or use a backup with keys"};
  if (request.accept_loss) SIGILLO_TRY_VOID(may_take_over(workspace, request.take_over));
  // Without keys it is a copy to be read, and must not stand in the way of the ledger itself.
  if (summary.with_keys) SIGILLO_TRY_VOID(go_on(workspace, before));
  if (request.accept_loss)
    SIGILLO_TRY_VOID(mark_loss(workspace, {summary.size, summary.root}, clock));
  fs::permissions(parts.path, fs::perms(0755), error);
  SIGILLO_TRY_VOID(move_into_place(parts.path, folder));
  return summary;
}

namespace {

struct StoreFits {
  bool fits = true;    // the store knows this log, and what it knows is here
  bool lacks = false;  // what it knows is not here
};
Result<StoreFits> fits_store(const Workspace& workspace) {
  SIGILLO_TRY(const FsckReport report, fsck(workspace));
  StoreFits store;
  for (const Finding& finding : report.findings) {
    store.lacks = store.lacks || finding.check == kSignedBefore;
    store.fits = store.fits && !store.lacks && finding.check != kCheckpointStore;
  }
  return store;
}

// An older checkpoint than the copy's own, or one of another shard, shows nothing about its end.
Status shows_something(const Workspace& workspace, const KnownBefore& known) {
  if (known.checkpoint.empty()) return {};
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  SIGILLO_TRY(const NoteVerifier log, log_verifier(workspace, ledger));
  SIGILLO_TRY(const std::string note, ledger.latest_checkpoint());
  SIGILLO_TRY(const Checkpoint latest, open_checkpoint(note, log));
  const auto checkpoint = open_checkpoint(known.checkpoint, log);
  if (checkpoint.has_value() && checkpoint->size >= latest.size) return {};
  return Error{
      ErrorCode::invalid_argument,
      fmt::format("this checkpoint is {}: it does not show that nothing is missing",
                  checkpoint.has_value() ? fmt::format("of {} entries, the copy's own latest of {}",
                                                       checkpoint->size, latest.size)
                                         : fmt::format("none of {}", ledger.origin())),
      "show the last one that was published, or accept the loss with --accept-loss"};
}

}  // namespace

Result<Resumed> resume(const Workspace& workspace, const KnownBefore& known, bool accept_loss,
                       const core::Clock& clock) {
  SIGILLO_TRY_VOID(require_decision(known, accept_loss));
  SIGILLO_TRY(const std::optional<std::string> before, in_store(workspace));
  SIGILLO_TRY_VOID(check_copy(workspace, known, accept_loss));
  SIGILLO_TRY_VOID(shows_something(workspace, known));
  SIGILLO_TRY(const Ledger ledger, workspace.ledger(Ledger::Access::read));
  SIGILLO_TRY(const LedgerHead head, ledger.head());
  SIGILLO_TRY(const StoreFits store, fits_store(workspace));
  if (!store.fits) SIGILLO_TRY_VOID(go_on(workspace, before));
  Resumed resumed;
  // What a checkpoint shows needs no accepting; what the store knows to be missing does.
  resumed.loss_recorded = accept_loss && !store.fits && (store.lacks || known.checkpoint.empty());
  if (resumed.loss_recorded) SIGILLO_TRY_VOID(mark_loss(workspace, head, clock));
  SIGILLO_TRY(resumed.checkpoint, ledger.latest_checkpoint());
  return resumed;
}

}  // namespace sigillo::audit
