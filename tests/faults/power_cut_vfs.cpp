#include "tests/faults/power_cut_vfs.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "sigillo/core/result.hpp"

namespace faults {
namespace fs = std::filesystem;

namespace {

double chance(Random& random) { return std::uniform_real_distribution<double>(0, 1)(random); }
std::size_t below(Random& random, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

}  // namespace

PowerCutDisk::PowerCutDisk(const Disk& durable) {
  for (const auto& [name, bytes] : durable) {
    durable_names_[name] = static_cast<int>(files_.size());
    files_.push_back({bytes, bytes, {}, {}});
  }
}

void PowerCutDisk::touch(File& file, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t sector = from / kSector; sector * kSector < to; ++sector) {
    const std::uint64_t start = sector * kSector;
    Version version;
    version.from = static_cast<std::size_t>(std::max(from, start) - start);
    version.to = static_cast<std::size_t>(std::min<std::uint64_t>(to, start + kSector) - start);
    if (start < file.latest.size())
      std::copy_n(file.latest.begin() + static_cast<std::ptrdiff_t>(start),
                  std::min<std::size_t>(kSector, file.latest.size() - start),
                  version.bytes.begin());
    file.versions[sector].push_back(version);
  }
}

void PowerCutDisk::sync(File& file) {
  file.durable.resize(file.latest.size());
  for (auto each = file.versions.begin(); each != file.versions.end();) {
    const auto& [sector, versions] = *each;
    const std::size_t start = sector * kSector;
    if (versions.back().clean) {
      ++each;
      continue;
    }
    if (start < file.durable.size())
      std::copy_n(versions.back().bytes.begin(), std::min(kSector, file.durable.size() - start),
                  file.durable.begin() + static_cast<std::ptrdiff_t>(start));
    each = file.versions.erase(each);
  }
  file.sizes.clear();
}

void PowerCutDisk::apply(const Operation& operation) {
  using Kind = Operation::Kind;
  if (operation.kind == Kind::sync_names) {
    for (const auto& [name, states] : names_) durable_names_[name] = states.back();
    names_.clear();
    return;
  }
  if (operation.kind == Kind::remove) {
    names_[operation.name].push_back(std::nullopt);
    return;
  }
  if (operation.kind == Kind::create) {
    SIGILLO_CHECK(operation.file == static_cast<int>(files_.size()));
    files_.emplace_back();
    names_[operation.name].emplace_back(operation.file);
    return;
  }
  File& file = files_.at(static_cast<std::size_t>(operation.file));
  switch (operation.kind) {
    case Kind::write: {
      const std::uint64_t end = operation.place + operation.bytes.size();
      if (end > file.latest.size()) {
        file.latest.resize(end);
        file.sizes.push_back(end);
      }
      std::ranges::copy(operation.bytes,
                        file.latest.begin() + static_cast<std::ptrdiff_t>(operation.place));
      touch(file, operation.place, end);
      break;
    }
    case Kind::truncate: {
      const std::uint64_t old = file.latest.size();
      file.latest.resize(operation.place);
      file.sizes.push_back(operation.place);
      if (operation.place < old) touch(file, operation.place, old);
      break;
    }
    case Kind::sync:
      sync(file);
      break;
    case Kind::failed_sync:
      for (auto& [sector, versions] : file.versions)
        for (Version& version : versions) version.clean = true;
      break;
    default:
      break;
  }
}

Bytes PowerCutDisk::cut(const File& file, Rule rule, double keep, Random& random) {
  Bytes content = file.durable;
  for (const auto& [sector, versions] : file.versions) {
    if (rule == Rule::drop_all) break;
    const std::size_t start = sector * kSector;
    std::size_t count = versions.size();  // that many have reached the disk
    const double luck = chance(random);
    if (rule == Rule::random && luck >= keep) count = below(random, versions.size() + 1);
    const bool torn = rule == Rule::random && count < versions.size() && chance(random) < 0.5;
    if (count == 0 && !torn) continue;
    if (content.size() < start + kSector) content.resize(start + kSector);
    const auto place = content.begin() + static_cast<std::ptrdiff_t>(start);
    if (count > 0) std::ranges::copy(versions[count - 1].bytes, place);
    if (!torn) continue;
    // The next one was being written when the power failed.
    const Version& next = versions[count];
    const std::size_t written = next.from + below(random, next.to - next.from + 1);
    std::copy(next.bytes.begin() + static_cast<std::ptrdiff_t>(next.from),
              next.bytes.begin() + static_cast<std::ptrdiff_t>(written),
              place + static_cast<std::ptrdiff_t>(next.from));
    const double rest = chance(random);
    for (std::size_t i = written; rest < 0.5 && i < next.to; ++i)
      place[static_cast<std::ptrdiff_t>(i)] =
          rest < 0.25 ? std::uint8_t{0} : static_cast<std::uint8_t>(random());
  }
  std::uint64_t size = file.durable.size();
  if (rule == Rule::keep_all) size = file.latest.size();
  if (rule == Rule::random && !file.sizes.empty()) {
    const std::size_t chosen =
        chance(random) < keep ? file.sizes.size() : below(random, file.sizes.size() + 1);
    if (chosen > 0) size = file.sizes[chosen - 1];
  }
  content.resize(size);
  return content;
}

Disk PowerCutDisk::cut(Rule rule, Random& random) const {
  std::map<std::string, Name> names = durable_names_;
  const double keep = std::array{0.05, 0.5, 0.9}.at(below(random, 3));
  for (const auto& [name, states] : names_) {
    std::size_t chosen = rule == Rule::drop_all ? 0 : states.size();
    if (rule == Rule::random && chance(random) >= keep) chosen = below(random, states.size() + 1);
    if (chosen > 0) names[name] = states[chosen - 1];
  }
  Disk disk;
  for (const auto& [name, file] : names)
    if (file.has_value())
      disk[name] = cut(files_.at(static_cast<std::size_t>(*file)), rule, keep, random);
  return disk;
}

// An open file of ours. SQLite owns the memory; the real one follows in it.
struct OpenFile {
  sqlite3_file base;
  Recording* recording;
  int file;          // -1: not recorded
  bool syncs_names;  // with its next xSync
  const char* name;  // SQLite's, valid while it is open
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

namespace {

OpenFile& own(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }
const sqlite3_io_methods& real_methods(sqlite3_file* file) { return *own(file).real()->pMethods; }

}  // namespace

// The functions that SQLite calls.
struct Shim {
  static Recording& of(sqlite3_vfs* vfs) { return *static_cast<Recording*>(vfs->pAppData); }
  static void note(OpenFile& file, Operation::Kind kind, std::uint64_t place = 0,
                   Bytes bytes = {}) {
    if (file.file < 0) return;
    file.recording->operations_.push_back(
        {kind, fs::path(file.name).filename().string(), file.file, place, std::move(bytes)});
  }
  // The code of SQLite's unix VFS for a call that the system refused.
  static std::optional<int> refuse(OpenFile& file, Call call, int code) {
    if (file.file < 0) return std::nullopt;
    const auto error = file.recording->inject(call);
    if (!error.has_value()) return std::nullopt;
    return *error == ENOSPC && call == Call::write ? SQLITE_FULL : code;
  }

  static int close(sqlite3_file* file) { return real_methods(file).xClose(own(file).real()); }
  static int read(sqlite3_file* file, void* out, int count, sqlite3_int64 place) {
    return real_methods(file).xRead(own(file).real(), out, count, place);
  }
  static int write(sqlite3_file* file, const void* data, int count, sqlite3_int64 place) {
    const auto refused = refuse(own(file), Call::write, SQLITE_IOERR_WRITE);
    if (refused.has_value()) count /= 2;
    const int code = real_methods(file).xWrite(own(file).real(), data, count, place);
    if (code != SQLITE_OK) return code;
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    if (count > 0)
      note(own(file), Operation::Kind::write, static_cast<std::uint64_t>(place),
           Bytes(bytes, bytes + count));
    return refused.value_or(SQLITE_OK);
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    if (const auto refused = refuse(own(file), Call::truncate, SQLITE_IOERR_TRUNCATE))
      return *refused;
    const int code = real_methods(file).xTruncate(own(file).real(), size);
    if (code == SQLITE_OK)
      note(own(file), Operation::Kind::truncate, static_cast<std::uint64_t>(size));
    return code;
  }
  static int sync(sqlite3_file* file, int flags) {
    OpenFile& ours = own(file);
    if (const auto refused = refuse(ours, Call::sync, SQLITE_IOERR_FSYNC)) {
      note(ours, Operation::Kind::failed_sync);
      return *refused;
    }
    const int code = real_methods(file).xSync(ours.real(), flags);
    if (code != SQLITE_OK) return code;
    note(ours, Operation::Kind::sync);
    if (ours.syncs_names) note(ours, Operation::Kind::sync_names);
    ours.syncs_names = false;
    return code;
  }
  static int file_size(sqlite3_file* file, sqlite3_int64* size) {
    return real_methods(file).xFileSize(own(file).real(), size);
  }
  static int lock(sqlite3_file* file, int level) {
    return real_methods(file).xLock(own(file).real(), level);
  }
  static int unlock(sqlite3_file* file, int level) {
    return real_methods(file).xUnlock(own(file).real(), level);
  }
  static int check_lock(sqlite3_file* file, int* held) {
    return real_methods(file).xCheckReservedLock(own(file).real(), held);
  }
  static int control(sqlite3_file* file, int operation, void* argument) {
    OpenFile& ours = own(file);
    if (operation == SQLITE_FCNTL_PRAGMA && ours.recording->forced_synchronous_.has_value()) {
      char** pragma = static_cast<char**>(argument);  // result, name, value
      if (sqlite3_stricmp(pragma[1], "synchronous") == 0 && pragma[2] != nullptr &&
          pragma[2][0] != '\0') {
        pragma[2][0] = *ours.recording->forced_synchronous_;
        pragma[2][1] = '\0';
      }
    }
    return real_methods(file).xFileControl(ours.real(), operation, argument);
  }
  static int sector_size(sqlite3_file* file) {
    return real_methods(file).xSectorSize(own(file).real());
  }
  static int characteristics(sqlite3_file* file) {
    return real_methods(file).xDeviceCharacteristics(own(file).real());
  }
  static int shared_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
    return real_methods(file).xShmMap(own(file).real(), page, size, extend, out);
  }
  static int shared_lock(sqlite3_file* file, int offset, int count, int flags) {
    return real_methods(file).xShmLock(own(file).real(), offset, count, flags);
  }
  static void shared_barrier(sqlite3_file* file) {
    real_methods(file).xShmBarrier(own(file).real());
  }
  static int shared_unmap(sqlite3_file* file, int remove) {
    return real_methods(file).xShmUnmap(own(file).real(), remove);
  }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
    // Version 2: no memory-mapped pages, which would pass us by.
    static const sqlite3_io_methods kMethods = {2,
                                                close,
                                                read,
                                                write,
                                                truncate,
                                                sync,
                                                file_size,
                                                lock,
                                                unlock,
                                                check_lock,
                                                control,
                                                sector_size,
                                                characteristics,
                                                shared_map,
                                                shared_lock,
                                                shared_barrier,
                                                shared_unmap,
                                                nullptr,
                                                nullptr};
    Recording& recording = of(vfs);
    OpenFile& ours = own(file);
    ours = {{nullptr}, &recording, -1, false, name};
    const bool recorded = name != nullptr && (flags & SQLITE_OPEN_DELETEONCLOSE) == 0 &&
                          fs::path(name).parent_path() == recording.folder_;
    if (recorded && recording.inject(Call::open).has_value()) return SQLITE_CANTOPEN;
    const bool is_new =
        recorded && !recording.current_.contains(fs::path(name).filename().string());
    const int code = recording.real_->xOpen(recording.real_, name, ours.real(), flags, out);
    if (code != SQLITE_OK) return code;
    if (recorded) {
      ours.file = recording.file_of(fs::path(name).filename().string(), is_new);
      ours.syncs_names =
          is_new &&
          (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL | SQLITE_OPEN_SUPER_JOURNAL)) != 0;
    }
    ours.base.pMethods = &kMethods;
    return code;
  }
  static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    Recording& recording = of(vfs);
    const fs::path path = name;
    const auto file = recording.current_.find(path.filename().string());
    const bool recorded =
        path.parent_path() == recording.folder_ && file != recording.current_.end();
    if (recorded && recording.inject(Call::remove).has_value()) return SQLITE_IOERR_DELETE;
    const int code = recording.real_->xDelete(recording.real_, name, sync_folder);
    if (code != SQLITE_OK || !recorded) return code;
    recording.operations_.push_back({Operation::Kind::remove, file->first, file->second, 0, {}});
    recording.current_.erase(file);
    if (sync_folder != 0)
      recording.operations_.push_back(
          {Operation::Kind::sync_names, path.filename().string(), 0, 0, {}});
    return code;
  }
  static int last_error(sqlite3_vfs* vfs, int size, char* text) {
    Recording& recording = of(vfs);
    if (recording.failed_.has_value()) return recording.error_number_;
    return recording.real_->xGetLastError(recording.real_, size, text);
  }
};

std::optional<int> Recording::inject(Call call) {
  const std::uint64_t number = calls_++;
  if (number < fail_from_ || number >= fail_to_) return std::nullopt;
  if (!failed_.has_value()) failed_ = call;
  return error_number_;
}

int Recording::file_of(const std::string& name, bool created) {
  if (created) {
    current_[name] = files_;
    operations_.push_back({Operation::Kind::create, name, files_++, 0, {}});
  }
  return current_.at(name);
}

void Recording::fail_at(std::uint64_t n, int error_number, bool forever) {
  calls_ = 0;
  fail_from_ = n;
  fail_to_ = forever ? UINT64_MAX : n + 1;
  error_number_ = error_number;
  failed_.reset();
}

Recording::Recording(const fs::path& folder)
    : folder_(fs::canonical(folder)), before_(read_disk(folder)), real_(sqlite3_vfs_find(nullptr)) {
  for (const auto& [name, bytes] : before_) current_[name] = files_++;
  vfs_ = *real_;  // what is not named below goes to the real one, which asks for nothing of ours
  vfs_.iVersion = 2;
  vfs_.szOsFile = static_cast<int>(sizeof(OpenFile)) + real_->szOsFile;
  vfs_.pNext = nullptr;
  vfs_.zName = "power-cut";
  vfs_.pAppData = this;
  vfs_.xOpen = Shim::open;
  vfs_.xDelete = Shim::remove;
  vfs_.xGetLastError = Shim::last_error;
  SIGILLO_CHECK(sqlite3_vfs_register(&vfs_, 1) == SQLITE_OK);
}

Recording::~Recording() {
  sqlite3_vfs_unregister(&vfs_);
  SIGILLO_CHECK(sqlite3_vfs_register(real_, 1) == SQLITE_OK);
}

Disk read_disk(const fs::path& folder) {
  Disk disk;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name.ends_with("-shm")) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    disk[name] = Bytes(std::istreambuf_iterator<char>(in), {});
  }
  return disk;
}

void write_disk(const fs::path& folder, const Disk& disk) {
  fs::remove_all(folder);
  SIGILLO_CHECK(fs::create_directory(folder));
  for (const auto& [name, bytes] : disk) {
    std::ofstream out(folder / name, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    SIGILLO_CHECK(out.flush().good());
  }
}

}  // namespace faults
