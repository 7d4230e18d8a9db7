#include "sigillo/audit/witness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <variant>

#include "audit/lines.hpp"
#include "core/folder_lock.hpp"
#include "core/sqlite.hpp"
#include "sigillo/audit/cosignature.hpp"
#include "sigillo/audit/proof.hpp"
#include "sigillo/core/files.hpp"
#include "sigillo/core/json.hpp"
#include "sigillo/core/keyring.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
namespace sqlite = core::sqlite;
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;
using core::Status;

namespace {

constexpr std::int64_t kWitnessFormat = 1;
constexpr int kStateVersion = 1;
constexpr std::int32_t kStateId = 0x53475754;  // "SGWT"
constexpr std::string_view kKeyName = "witness";
constexpr std::size_t kMaxWitnessConfigBytes = std::size_t{1} << 20;
// A request took its time before it waited for another one's transaction.
constexpr std::int64_t kLongestWaitSeconds = 5;

constexpr std::string_view kWitnessSchema = R"(
  CREATE TABLE cosigned(origin_sha256 TEXT PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL,
                        root BLOB NOT NULL, time INTEGER NOT NULL, note TEXT NOT NULL) STRICT;
)";

Error state_corrupt(std::string what) {
  return Error{ErrorCode::ledger_corrupt, std::move(what),
               "a witness without its true state would cosign a second history: do not restore an "
               "old copy; make a new witness with a new name, and tell those who rely on this one"};
}

// What was cosigned last of one log; the empty tree before that.
struct Seen {
  std::uint64_t size = 0;
  Digest root = tree_root({});
  std::int64_t time = 0;
};

struct Submission {
  ConsistencyProof proof;
  Checkpoint checkpoint;
  std::string text;       // the checkpoint's
  std::string log_lines;  // those that hold
};

WitnessAnswer refusal(int status, std::string_view why) {
  return {status, "text/plain; charset=utf-8", fmt::format("{}\n", why)};
}

bool claims_no_entries(std::string_view text) {
  const auto origin = take_line(text);
  const auto size = take_line(text);
  return origin.has_value() && size == "0";
}

using Reading = std::variant<Submission, WitnessAnswer>;

// Everything that can be said without the state. Nothing of an untrusted line goes on from here.
Reading read_submission(std::string_view body, const std::vector<NoteVerifier>& logs) {
  auto proof = parse_consistency_proof(body);
  if (!proof.has_value()) return refusal(400, proof.error().message);
  std::string_view note = proof->checkpoint;
  const auto origin = take_line(note);
  std::vector<NoteVerifier> known;
  for (const NoteVerifier& log : logs)
    if (origin == log.name()) known.push_back(log);
  if (known.empty()) return refusal(404, "this witness does not know the log");
  const auto opened = open_note(proof->checkpoint, known);
  if (!opened.has_value())
    return refusal(opened.error().code == ErrorCode::signature_invalid ? 403 : 400,
                   opened.error().message);
  auto checkpoint = parse_checkpoint_text(opened->text);
  if (!checkpoint.has_value())
    return refusal(claims_no_entries(opened->text) ? 422 : 400, checkpoint.error().message);
  Submission submission{*std::move(proof), *std::move(checkpoint), opened->text, ""};
  for (const NoteSigner& signer : opened->signers) submission.log_lines += signer.line;
  return submission;
}

// The refusal that the protocol asks for, or nothing: the tree grew from the one that was seen.
std::optional<WitnessAnswer> compare(const Submission& submission, const Seen& seen) {
  const ConsistencyProof& proof = submission.proof;
  const Checkpoint& checkpoint = submission.checkpoint;
  if (proof.old_size > checkpoint.size)
    return refusal(400, "the old size is larger than that of the checkpoint");
  if (proof.old_size != seen.size)
    return WitnessAnswer{409, std::string(kSizeMediaType), fmt::format("{}\n", seen.size)};
  if (seen.size == 0) {
    if (proof.path.empty()) return std::nullopt;  // whatever it is, it grew from the empty tree
    return refusal(422, "a proof from size 0 has no hashes");
  }
  const Status grew =
      verify_consistency(seen.size, seen.root, checkpoint.size, checkpoint.root, proof.path);
  if (grew.has_value()) return std::nullopt;
  return refusal(422, grew.error().message);
}

std::string hash_of(std::string_view origin) { return core::sha256(origin).hex(); }

Result<Seen> load(sqlite::Database& database, std::string_view origin) {
  SIGILLO_TRY(auto select, database.prepare("SELECT size, root, time FROM cosigned WHERE "
                                            "origin_sha256 = ?1"));
  SIGILLO_TRY(const bool row, select.bind(1, hash_of(origin)).step());
  if (!row) return Seen{};
  const auto root = Digest::from_bytes(select.blob_view(1));
  if (!root.has_value() || select.integer(0) < 0)
    return state_corrupt("the state of the witness holds no size and root");
  return Seen{static_cast<std::uint64_t>(select.integer(0)), *root, select.integer(2)};
}

Status store(sqlite::Database& database, const Checkpoint& checkpoint, std::int64_t time,
             std::string_view note) {
  SIGILLO_TRY(
      auto write,
      database.prepare("INSERT INTO cosigned(origin_sha256, origin, size, root, time, note) "
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(origin_sha256) DO UPDATE "
                       "SET size = ?3, root = ?4, time = ?5, note = ?6"));
  write.bind(1, hash_of(checkpoint.origin)).bind(2, checkpoint.origin);
  write.bind(3, static_cast<std::int64_t>(checkpoint.size)).bind(4, checkpoint.root.view());
  return write.bind(5, time).bind(6, note).run();
}

struct Config {
  std::string name;
  std::vector<NoteVerifier> logs;
};

Status write_config(const fs::path& folder, const Config& config) {
  Json logs = Json::array();
  for (const NoteVerifier& log : config.logs) logs.push_back(log.vkey());
  SIGILLO_TRY(const std::string text,
              core::canonical_json(Json{
                  {"format", kWitnessFormat}, {"name", config.name}, {"logs", std::move(logs)}}));
  return core::write_file_atomically(folder / "witness.json", core::as_bytes(text + "\n"));
}

Result<Config> parse_witness_config(std::string_view text) {
  constexpr std::string_view where = "witness.json";
  SIGILLO_TRY(const Json value, core::parse_json(text));
  SIGILLO_TRY(const std::int64_t format, core::json_integer(value, "format", where));
  if (format != kWitnessFormat)
    return Error{
        ErrorCode::workspace_newer,
        fmt::format("the witness has format {}; this sigillo knows {}", format, kWitnessFormat),
        "use the sigillo that wrote it, or a newer one"};
  Config config;
  SIGILLO_TRY(config.name, core::json_string(value, "name", where));
  const auto logs = value.find("logs");
  if (logs == value.end() || !logs->is_array())
    return Error{ErrorCode::invalid_input, "witness.json has no list of logs", ""};
  for (const Json& log : *logs) {
    if (!log.is_string())
      return Error{ErrorCode::invalid_input, "witness.json: a log is no verifier key", ""};
    SIGILLO_TRY(NoteVerifier key, NoteVerifier::parse(log.get<std::string>()));
    SIGILLO_TRY_VOID(require_log_key(key));
    config.logs.push_back(std::move(key));
  }
  return config;
}

Result<Config> read_config(const fs::path& folder) {
  std::error_code error;
  if (fs::status(folder / "witness.json", error).type() == fs::file_type::not_found)
    return Error{ErrorCode::not_found, fmt::format("{} is no folder of a witness", folder.string()),
                 "`sigillo witness init` makes one"};
  SIGILLO_TRY(const core::Bytes text,
              core::read_file(folder / "witness.json", kMaxWitnessConfigBytes));
  return parse_witness_config(core::as_text(text));
}

// One file: with a log beside it (WAL), the loss of that would be a state that was rolled back.
// EXTRA also syncs the folder once the journal is gone.
constexpr std::string_view kStorage = "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA";

Status create_state(const fs::path& file) {
  SIGILLO_TRY(auto database, sqlite::Database::open(file, sqlite::OpenMode::create));
  SIGILLO_TRY_VOID(database.execute(kStorage));
  SIGILLO_TRY(auto transaction, sqlite::Transaction::begin(database));
  SIGILLO_TRY_VOID(database.execute(kWitnessSchema));
  SIGILLO_TRY_VOID(database.execute(
      fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kStateId, kStateVersion)));
  return transaction.commit();
}

Result<sqlite::Database> open_database(const fs::path& file) {
  SIGILLO_TRY(auto database, sqlite::Database::open(file, sqlite::OpenMode::read_write));
  SIGILLO_TRY(const std::int64_t id, database.integer("PRAGMA application_id"));
  SIGILLO_TRY(const std::int64_t version, database.integer("PRAGMA user_version"));
  if (id != kStateId || version != kStateVersion)
    return state_corrupt(fmt::format("{} is no state of a witness", file.string()));
  SIGILLO_TRY_VOID(database.require_schema(kWitnessSchema));
  SIGILLO_TRY_VOID(database.execute(kStorage));
  return database;
}

Result<sqlite::Database> open_state(const fs::path& file) {
  std::error_code error;
  if (fs::status(file, error).type() == fs::file_type::not_found)
    return state_corrupt(fmt::format("the witness has lost its {}", file.filename().string()));
  auto database = open_database(file);
  // Damage of a ledger asks for a backup; here that is the wrong remedy.
  if (!database.has_value() && database.error().code == ErrorCode::ledger_corrupt)
    return state_corrupt(database.error().message);
  return database;
}

Status fill(const fs::path& folder, std::string_view name, core::Entropy& entropy,
            const core::Clock& clock) {
  core::Keyring keyring(folder / "keys");
  SIGILLO_TRY(const core::KeyInfo info,
              keyring.generate_signing(kKeyName, core::KeyAlgorithm::ed25519, entropy, clock));
  SIGILLO_TRY(const core::PublicKey key, core::PublicKey::from_pem(info.public_key));
  SIGILLO_TRY(const NoteVerifier named,
              NoteVerifier::create(name, key, SignatureType::cosignature));
  SIGILLO_TRY_VOID(create_state(folder / "state.db"));
  return write_config(folder, {named.name(), {}});
}

}  // namespace

struct Witness::Impl {
  fs::path folder;
  core::PrivateKey secret;
  NoteVerifier key;
  std::vector<NoteVerifier> logs;
  std::mutex mutex;  // guards database
  sqlite::Database database;

  Impl(fs::path f, core::PrivateKey s, NoteVerifier k, std::vector<NoteVerifier> l,
       sqlite::Database d)
      : folder(std::move(f)),
        secret(std::move(s)),
        key(std::move(k)),
        logs(std::move(l)),
        database(std::move(d)) {}

  [[nodiscard]] Status refuse_own_key(const NoteVerifier& log) const {
    if (log.key().spki_der() != key.key().spki_der()) return {};
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("{} has the key of this witness: it would vouch for itself", log.name()),
        "a log and each of its witnesses have keys of their own"};
  }
};

Witness::Witness(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Witness::Witness(Witness&&) noexcept = default;
Witness& Witness::operator=(Witness&&) noexcept = default;
Witness::~Witness() = default;

Status Witness::init(const fs::path& folder, std::string_view name, core::Entropy& entropy,
                     const core::Clock& clock) {
  std::error_code error;
  const bool made = fs::create_directory(folder, error);
  if (error) return core::error_from_errno(error.value(), "cannot create", folder);
  if (!made)
    return Error{ErrorCode::already_exists, fmt::format("{} exists already", folder.string()),
                 "use it, or choose another folder; a witness is never overwritten"};
  const Status status = fill(folder, name, entropy, clock);
  if (!status.has_value()) fs::remove_all(folder, error);  // a half of a witness is none
  return status;
}

Result<Witness> Witness::open(const fs::path& folder) {
  SIGILLO_TRY(Config config, read_config(folder));
  SIGILLO_TRY(core::PrivateKey secret, core::Keyring(folder / "keys").signing_key(kKeyName));
  SIGILLO_TRY(NoteVerifier key,
              NoteVerifier::create(config.name, secret.public_key(), SignatureType::cosignature));
  SIGILLO_TRY(auto database, open_state(folder / "state.db"));
  auto impl = std::make_unique<Impl>(folder, std::move(secret), std::move(key),
                                     std::move(config.logs), std::move(database));
  for (const NoteVerifier& log : impl->logs) SIGILLO_TRY_VOID(impl->refuse_own_key(log));
  return Witness(std::move(impl));
}

const NoteVerifier& Witness::key() const { return impl_->key; }
const std::vector<NoteVerifier>& Witness::logs() const { return impl_->logs; }

Status Witness::add_log(const NoteVerifier& log) {
  SIGILLO_TRY_VOID(require_log_key(log));
  SIGILLO_TRY_VOID(impl_->refuse_own_key(log));
  // Another process may have added one since this one read the list.
  SIGILLO_TRY(const core::FolderLock lock, core::FolderLock::take(impl_->folder));
  SIGILLO_TRY(Config config, read_config(impl_->folder));
  impl_->logs = config.logs;
  if (std::find(impl_->logs.begin(), impl_->logs.end(), log) != impl_->logs.end())
    return Error{ErrorCode::already_exists,
                 fmt::format("the witness watches {} already", log.vkey()), ""};
  config.logs.push_back(log);
  SIGILLO_TRY_VOID(write_config(impl_->folder, config));
  impl_->logs.push_back(log);
  return {};
}

Result<WitnessAnswer> Witness::add_checkpoint(std::string_view body, core::Timestamp now) {
  Reading reading = read_submission(body, impl_->logs);
  if (auto* refused = std::get_if<WitnessAnswer>(&reading)) return std::move(*refused);
  const Submission submission = std::get<Submission>(std::move(reading));
  const Checkpoint& checkpoint = submission.checkpoint;

  const std::lock_guard lock(impl_->mutex);
  SIGILLO_TRY(auto transaction, sqlite::Transaction::begin(impl_->database));
  SIGILLO_TRY(const Seen seen, load(impl_->database, checkpoint.origin));
  if (auto refused = compare(submission, seen)) return *std::move(refused);
  // "At this time it was the largest tree that I had seen" must stay true of the earlier ones.
  if (now.seconds < seen.time && seen.time - now.seconds <= kLongestWaitSeconds)
    now.seconds = seen.time;
  if (now.seconds < seen.time)
    return Error{ErrorCode::io_error,
                 fmt::format("the clock of the witness is {} s behind its last cosignature",
                             seen.time - now.seconds),
                 "set the clock of this machine"};
  SIGILLO_TRY(const std::string line,
              cosign(submission.text, impl_->key.name(), impl_->secret, now));
  const std::string note = fmt::format("{}\n{}{}", submission.text, submission.log_lines, line);
  SIGILLO_TRY_VOID(store(impl_->database, checkpoint, now.seconds, note));
  SIGILLO_TRY_VOID(transaction.commit());
  return WitnessAnswer{200, "text/plain; charset=utf-8", line};
}

Result<std::string> Witness::latest(std::string_view origin_sha256) {
  const std::lock_guard lock(impl_->mutex);
  SIGILLO_TRY(auto select,
              impl_->database.prepare("SELECT note FROM cosigned WHERE origin_sha256 = ?1"));
  SIGILLO_TRY(const bool row, select.bind(1, origin_sha256).step());
  if (row) return select.text(0);
  return Error{ErrorCode::not_found, "this witness has cosigned nothing of that log", ""};
}

}  // namespace sigillo::audit
