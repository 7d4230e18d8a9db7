#include "sigillo/audit/private_values.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "core/sqlite.hpp"
#include "sigillo/core/files.hpp"

namespace sigillo::audit {
namespace fs = std::filesystem;
namespace sqlite = core::sqlite;
using core::Digest;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

namespace {
constexpr std::string_view kValuesSchema =
    "CREATE TABLE IF NOT EXISTS private_values(commitment BLOB PRIMARY KEY, field TEXT NOT NULL,"
    " salt BLOB NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID";
}  // namespace

Digest commitment(core::ByteView salt, std::string_view field, std::string_view value) {
  core::Bytes message = core::to_bytes(field);
  message.push_back(0);
  message.insert(message.end(), value.begin(), value.end());
  return core::hmac_sha256(salt, message);
}

struct PrivateValues::Impl {
  mutable sqlite::Database database;
};
PrivateValues::PrivateValues(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PrivateValues::PrivateValues(PrivateValues&&) noexcept = default;
PrivateValues& PrivateValues::operator=(PrivateValues&&) noexcept = default;
PrivateValues::~PrivateValues() = default;

Result<PrivateValues> PrivateValues::open(const fs::path& file) {
  // The file is made first, so that it is never readable by others; SQLite gives its journal the
  // same mode.
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
  if (descriptor < 0) return core::error_from_errno(errno, "cannot open", file);
  ::close(descriptor);
  SIGILLO_TRY(auto database, sqlite::Database::open(file, sqlite::OpenMode::read_write));
  // Not WAL: an erased value must not live on in a second file.
  SIGILLO_TRY_VOID(database.execute(
      "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON"));
  SIGILLO_TRY_VOID(database.execute(kValuesSchema));
  SIGILLO_TRY_VOID(database.require_schema(kValuesSchema));
  return PrivateValues(std::make_unique<Impl>(Impl{std::move(database)}));
}

Result<PrivateValues> PrivateValues::open_read(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored))
    return Error{ErrorCode::not_found, file.string() + " does not exist", ""};
  SIGILLO_TRY(auto database, sqlite::Database::open(file, sqlite::OpenMode::read_only));
  SIGILLO_TRY_VOID(database.require_schema(kValuesSchema));
  return PrivateValues(std::make_unique<Impl>(Impl{std::move(database)}));
}

Result<Digest> PrivateValues::commit(std::string_view field, std::string_view value,
                                     core::Entropy& entropy) {
  core::Bytes salt(32);
  SIGILLO_TRY_VOID(entropy.fill(salt));
  const Digest name = commitment(salt, field, value);
  SIGILLO_TRY(
      auto insert,
      impl_->database.prepare(
          "INSERT INTO private_values(commitment, field, salt, value) VALUES (?1, ?2, ?3, ?4)"));
  SIGILLO_TRY_VOID(insert.bind(1, name.view())
                       .bind(2, field)
                       .bind(3, core::ByteView(salt))
                       .bind(4, value)
                       .run());
  return name;
}

Result<std::string> PrivateValues::reveal(const Digest& name) const {
  SIGILLO_TRY(auto select,
              impl_->database.prepare("SELECT value FROM private_values WHERE commitment = ?1"));
  SIGILLO_TRY(const bool row, select.bind(1, name.view()).step());
  if (!row)
    return Error{ErrorCode::not_found, "the value behind this commitment is not stored here",
                 "it may have been erased"};
  return select.text(0);
}

Result<std::uint64_t> PrivateValues::erase(const std::vector<Digest>& commitments) {
  SIGILLO_TRY(auto transaction, sqlite::Transaction::begin(impl_->database));
  std::uint64_t erased = 0;
  for (const Digest& name : commitments) {
    SIGILLO_TRY(auto remove, impl_->database.prepare(
                                 "DELETE FROM private_values WHERE commitment = ?1 RETURNING 1"));
    SIGILLO_TRY(const bool there, remove.bind(1, name.view()).step());
    erased += there ? 1 : 0;
  }
  SIGILLO_TRY_VOID(transaction.commit());
  // secure_delete clears the cells that are deleted, not the copies that page splits left behind.
  SIGILLO_TRY_VOID(impl_->database.execute("PRAGMA temp_store=MEMORY; VACUUM"));
  return erased;
}

Status PrivateValues::for_each(const std::function<Status(const PrivateValue&)>& visit) const {
  SIGILLO_TRY(auto select,
              impl_->database.prepare(
                  "SELECT commitment, field, salt, value FROM private_values ORDER BY commitment"));
  for (;;) {
    SIGILLO_TRY(const bool row, select.step());
    if (!row) return {};
    const auto name = Digest::from_bytes(select.blob_view(0));
    if (!name.has_value())
      return Error{ErrorCode::evidence_corrupt, "private values: a stored commitment is no digest",
                   ""};
    SIGILLO_TRY_VOID(visit({*name, select.text(1), select.blob(2), select.text(3)}));
  }
}

}  // namespace sigillo::audit
