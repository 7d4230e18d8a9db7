// EntryIndex finds entries by subject, kind, signer, time and run without reading the log.
//
// index.db is derived: made from the ledger's leaves, brought up to date before each search, made
// anew when it is damaged or belongs to another history, and safe to delete. It helps to find and
// proves nothing: each hit is read from the ledger and must match before it is given, so that an
// altered index can hide an entry but not make one up. Whoever must be sure that nothing is missing
// asks the log itself (for_each). No verdict rests on it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sigillo/audit/ledger.hpp"
#include "sigillo/audit/record.hpp"

namespace sigillo::audit {

// All that is given must hold. Times are RFC 3339 in UTC, as in records.
struct EntryQuery {
  std::string kind;                            // a record kind's name
  std::optional<core::Digest> subject_digest;  // SHA-256 of a subject
  std::string subject_name;                    // "system:chat", or "chat"
  std::string signer;                          // a key id, as in envelopes
  std::string run;                             // a run's id
  std::string since;                           // recorded at or after
  std::string before;                          // recorded earlier than
  [[nodiscard]] bool everything() const;
};
// Whether a record answers the query: what the index is held to.
[[nodiscard]] bool matches(const Record& record, const EntryQuery& query);

// Not thread-safe. Several processes may use one file.
class EntryIndex {
 public:
  // Opens or makes the file and reads what the ledger has beyond it. Where it cannot be written
  // (read-only media), an index in memory is made instead. Errors: locked, disk_full, and what the
  // ledger gives.
  [[nodiscard]] static core::Result<EntryIndex> open(const std::filesystem::path& file,
                                                     const Ledger& ledger);
  EntryIndex(EntryIndex&&) noexcept;
  EntryIndex& operator=(EntryIndex&&) noexcept;
  ~EntryIndex();

  // Calls visit for each entry that answers, by index, as they are found; stops at its first Error.
  [[nodiscard]] core::Status find(
      const Ledger& ledger, const EntryQuery& query,
      const std::function<core::Status(std::uint64_t index, const Record& record)>& visit) const;

 private:
  struct Impl;
  explicit EntryIndex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sigillo::audit
