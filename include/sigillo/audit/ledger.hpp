// Ledger: an append-only list of records in one SQLite file, with its RFC 6962 tree and signed
// checkpoints.
//
//  1. The rows are the only truth. WAL and synchronous=FULL: append() returns when the batch is on
//  the disk.
//  2. Several processes may append. A batch is one transaction; the head moves by compare-and-swap;
//  no lock is held between calls.
//  3. A checkpoint is signed only over bytes that were read back and hashed again, and only if they
//  give the stored root.
//  4. The file is never created by accident: only create() makes one.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sigillo/audit/checkpoint_store.hpp"

namespace sigillo::audit {

inline constexpr int kLedgerVersion = 1;                         // PRAGMA user_version
inline constexpr std::uint64_t kNoEnd = std::uint64_t{1} << 62;  // of for_each: all entries
inline constexpr std::size_t kMaxBatch = 4096;                   // entries in one append
inline constexpr std::int32_t kApplicationId = 0x53474C4F;       // "SGLO"

struct LedgerHead {
  std::uint64_t size = 0;
  Digest root;
};

struct StoredEntry {
  std::uint64_t index = 0;
  core::ByteView leaf;       // valid during the call
  core::ByteView leaf_hash;  // as stored, unchecked
};

struct StoredCheckpoint {
  std::uint64_t size = 0;
  std::string note;      // the log's line, and those of witnesses
  core::Bytes subtrees;  // CompactRange hashes at this size, as stored, unchecked
};

// Not thread-safe: one object per thread. Any number of objects and processes may use one file.
class Ledger {
 public:
  enum class Access { read, write };
  // create: the folder must exist, the file must not (already_exists).
  [[nodiscard]] static core::Result<Ledger> create(const std::filesystem::path& file,
                                                   std::string_view origin);
  // open: not_found, workspace_newer (a later schema), ledger_corrupt (no ledger), locked,
  // permission_denied, read_only. A read-only file system is enough for Access::read.
  [[nodiscard]] static core::Result<Ledger> open(const std::filesystem::path& file, Access access);
  Ledger(Ledger&&) noexcept;
  Ledger& operator=(Ledger&&) noexcept;
  ~Ledger();

  [[nodiscard]] const std::string& origin() const;
  [[nodiscard]] core::Result<LedgerHead> head() const;  // as stored, unchecked
  // Appends 1..kMaxBatch leaves of 1..65535 bytes, all or none, and gives the index of the first.
  // ledger_corrupt, and nothing is appended, if the stored entries do not end where the head says;
  // locked if it is sealed.
  [[nodiscard]] core::Result<std::uint64_t> append(std::span<const std::string> leaves);
  // Appends one last leaf and closes the ledger, in one transaction: every append after it is
  // `locked`. A lock for writers, not a truth for readers: those look at the last entry.
  [[nodiscard]] core::Result<std::uint64_t> seal(const std::string& leaf);
  [[nodiscard]] core::Result<bool> sealed() const;
  [[nodiscard]] core::Status require_open() const;  // locked if it is sealed
  // Signs and stores a checkpoint over every durable entry; gives the stored one if it covers them
  // already. ledger_corrupt, and nothing is signed, if what is stored does not give the stored
  // root, or does not go on from what `signed_before` knows: then this is an old copy, or a fork.
  [[nodiscard]] core::Result<std::string> publish(const core::PrivateKey& log_key,
                                                  const CheckpointStore& signed_before);
  // The same for a ledger that no store belongs to: the first checkpoint of one that nobody else
  // can open yet.
  [[nodiscard]] core::Result<std::string> publish(const core::PrivateKey& log_key);

  // ledger_corrupt if this log has signed a checkpoint of more entries than are here, or the store
  // does not know it or was restored: then it is to take no more. Whether the entries that are here
  // are the right ones, publish() finds.
  [[nodiscard]] core::Status require_newest(const NoteVerifier& log,
                                            const CheckpointStore& signed_before) const;

  // Stores a checkpoint that was signed elsewhere over exactly these entries, for a copy of a
  // ledger whose key is not here. proof_invalid if it is about another size or root.
  [[nodiscard]] core::Status adopt(std::string_view note, const NoteVerifier& log);

  // Adds cosignature lines of these witnesses to the stored checkpoint of this size, and gives that
  // note; an earlier line of a witness is replaced. Lines of other keys are left out.
  // signature_invalid, and nothing is stored, if a line does not hold or there is none; not_found.
  [[nodiscard]] core::Result<std::string> add_cosignatures(
      std::uint64_t size, std::string_view lines, const std::vector<NoteVerifier>& witnesses);

  [[nodiscard]] core::Result<std::string> leaf(
      std::uint64_t index) const;  // not_found past the end
  [[nodiscard]] core::Result<std::vector<StoredCheckpoint>> checkpoints() const;  // by size
  [[nodiscard]] core::Result<std::string> latest_checkpoint() const;  // not_found if none
  // Rows of the entries table, whatever their index: more than head().size if some were planted.
  [[nodiscard]] core::Result<std::uint64_t> row_count() const;
  // A copy of one moment in a new file, made while others append. The copy is no WAL file yet:
  // use_wal makes it one.
  [[nodiscard]] core::Status copy_to(const std::filesystem::path& file) const;
  [[nodiscard]] core::Status use_wal();
  // The storage engine's version, and how this file is journalled ("wal").
  struct Storage {
    std::string engine_version, journal_mode;
  };
  [[nodiscard]] core::Result<Storage> storage() const;
  // Calls read in one read transaction: all that it reads here is of one moment, while others
  // append. Not to be nested.
  [[nodiscard]] core::Status in_snapshot(const std::function<core::Status()>& read) const;
  // Calls visit for each entry of [first, end) in order, in one read transaction; stops at its
  // first Error.
  [[nodiscard]] core::Status for_each(
      std::uint64_t first, std::uint64_t end,
      const std::function<core::Status(const StoredEntry&)>& visit) const;

 private:
  struct Impl;
  [[nodiscard]] core::Result<std::uint64_t> append(std::span<const std::string> leaves, bool last);
  [[nodiscard]] core::Result<std::string> publish(const core::PrivateKey& log_key,
                                                  const CheckpointStore* signed_before);
  explicit Ledger(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sigillo::audit
