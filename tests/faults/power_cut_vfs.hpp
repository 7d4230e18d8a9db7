// A disk that loses power, for tests: what SQLite did to the files of one folder is recorded call
// by call, and cut() gives what a disk might hold if the power had failed at that moment.
//
// What is promised to survive, and no more:
//  1. bytes and size of a file that were there when its last xSync returned;
//  2. a name that was made or removed before the last synchronisation of the folder (SQLite does
//  one
//     with the first xSync of a new journal or WAL, and where xDelete is asked to).
// Everything younger is, for each 512-byte sector, each file size and each name apart: kept, lost,
// an older version of several, or torn inside the written bytes (the rest old, zero or garbage).
// Bytes of a sector that were not written are not touched (SQLITE_IOCAP_POWERSAFE_OVERWRITE, which
// SQLite's unix VFS claims, too). Shared memory (-shm) is gone. decisions/0060 says what is left
// out.
#pragma once

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace faults {

using Bytes = std::vector<std::uint8_t>;
using Disk = std::map<std::string, Bytes>;  // file name in the folder: bytes
using Random = std::mt19937_64;

inline constexpr std::size_t kSector = 512;

enum class Call { open, write, truncate, sync, remove };

// One call that changed the disk. A failed synchronisation is one, too: what it should have written
// is clean in the page cache then, so that a later one that succeeds does not write it.
struct Operation {
  enum class Kind { create, remove, write, truncate, sync, failed_sync, sync_names };
  Kind kind = Kind::sync;
  std::string name;         // create and remove; of others for messages
  int file = 0;             // which of all files that ever were
  std::uint64_t place = 0;  // write: first byte; truncate: size
  Bytes bytes;              // write
};

// The disk at one moment, as the operations so far leave it. Not thread-safe.
class PowerCutDisk {
 public:
  // The files that are there at the beginning are durable; they are numbered in order from 0.
  explicit PowerCutDisk(const Disk& durable);
  void apply(const Operation& operation);

  enum class Rule { drop_all, keep_all, random };
  [[nodiscard]] Disk cut(Rule rule, Random& random) const;

 private:
  using Sector = std::array<std::uint8_t, kSector>;
  struct Version {
    Sector bytes{};
    std::size_t from = 0, to = 0;  // what of it was written
    bool clean = false;            // a synchronisation failed after it
  };
  struct File {
    Bytes durable, latest;
    std::vector<std::uint64_t> sizes;                        // since the last synchronisation
    std::map<std::uint64_t, std::vector<Version>> versions;  // by sector: not durable, oldest first
  };
  using Name = std::optional<int>;  // the file, or none

  void touch(File& file, std::uint64_t from, std::uint64_t to);
  static void sync(File& file);
  [[nodiscard]] static Bytes cut(const File& file, Rule rule, double keep, Random& random);

  std::vector<File> files_;
  std::map<std::string, Name> durable_names_;
  std::map<std::string, std::vector<Name>> names_;  // since the last synchronisation, oldest first
};

// While it lives, SQLite's default VFS is this one, over the real one: every file of `folder` is
// recorded, others pass. One at a time; its own files must be closed before it ends. Not
// thread-safe, as far as it is asked between two calls of SQLite.
class Recording {
 public:
  explicit Recording(const std::filesystem::path& folder);
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording();

  [[nodiscard]] const Disk& before() const { return before_; }
  [[nodiscard]] const std::vector<Operation>& operations() const { return operations_; }
  [[nodiscard]] std::size_t position() const { return operations_.size(); }

  // The n-th call (from 0) fails with error_number, EIO or ENOSPC, as SQLite's unix VFS tells it; a
  // write leaves its first half behind. `forever`: and so do all after it. Counting begins here.
  void fail_at(std::uint64_t n, int error_number, bool forever);
  void heal() { fail_from_ = fail_to_ = 0; }
  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] std::optional<Call> failed() const { return failed_; }  // the first, since fail_at

  // Every `PRAGMA synchronous` is given this level instead: how a careless ledger would open its
  // file.
  void force_synchronous(char level) { forced_synchronous_ = level; }

 private:
  friend struct Shim;
  std::optional<int> inject(Call call);
  int file_of(const std::string& name, bool created);

  std::filesystem::path folder_;
  Disk before_;
  std::vector<Operation> operations_;
  std::map<std::string, int> current_;  // names as processes see them
  int files_ = 0;
  std::uint64_t calls_ = 0, fail_from_ = 0, fail_to_ = 0;
  int error_number_ = 0;
  std::optional<Call> failed_;
  std::optional<char> forced_synchronous_;
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
};

[[nodiscard]] Disk read_disk(const std::filesystem::path& folder);
// Replaces everything in the folder.
void write_disk(const std::filesystem::path& folder, const Disk& disk);

}  // namespace faults
