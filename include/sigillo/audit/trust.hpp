// Trust: which key may sign which kinds of record. The list itself is a record in the ledger,
// signed by an owner.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sigillo/audit/record.hpp"

namespace sigillo::audit {

struct TrustedKey {
  core::PublicKey key;
  std::string actor;
  std::string role;                // "owner" or "recorder"
  std::vector<std::string> kinds;  // "*" for all
  core::Timestamp valid_from;
  std::optional<core::Timestamp> valid_to;
};

// TrustList follows a ledger from its first entry. Entry 0 must be a genesis that is signed by the
// owner key it names; later trust-list records replace the list and must be signed by an owner of
// the list before them. A statement counts once: whoever can append, but holds no key, must not be
// able to bring back an old fact or a revoked key by appending its record again. Not thread-safe.
class TrustList {
 public:
  // first: the number of the ledger's first entry (shards.hpp).
  explicit TrustList(std::uint64_t first = 0) : first_(first) {}
  // Judges one record and, if it is a genesis or trust list, takes it over. Gives the actor whose
  // key signed it. not_trusted, naming the entry, if none of the keys that may sign this kind at
  // its time did, if it was made for another ledger, if it repeats a record that counts already, or
  // if it is a trust list that cannot be used; signature_invalid if it names a trusted key whose
  // signature does not hold.
  [[nodiscard]] core::Result<std::string> accept(std::uint64_t index, const Record& record);
  // Judges a record as if it came next, and takes nothing over; whether it repeats one is not
  // asked.
  [[nodiscard]] core::Result<std::string> judge(const Record& record) const;
  [[nodiscard]] const std::map<std::string, TrustedKey>& keys() const {
    return keys_;
  }  // by key id
  // The number of the trust list that took the key off, if a key that was trusted before, and is
  // not now, signed the record: a revoked key.
  [[nodiscard]] std::optional<std::uint64_t> revoked_by(const Record& record) const;
  [[nodiscard]] const core::Digest& ledger() const { return ledger_; }     // after entry 0
  [[nodiscard]] const std::string& origin() const { return origin_; }      // after entry 0
  [[nodiscard]] const std::string& log_vkey() const { return log_vkey_; }  // after entry 0

 private:
  [[nodiscard]] core::Result<std::string> accept_genesis(const Record& record);
  [[nodiscard]] core::Status replace(std::uint64_t index, const Record& record);
  std::uint64_t first_;
  core::Digest ledger_;  // after entry 0
  std::string origin_, log_vkey_;
  std::map<std::string, TrustedKey> keys_;
  std::map<std::string, std::pair<std::uint64_t, TrustedKey>> revoked_;  // by which entry
  std::set<core::Digest> accepted_;                                      // statements that count
};

// The fields of a trust-list record that says what the list says, keys by id.
[[nodiscard]] core::Json trust_fields(const TrustList& trust);

// The fields of a trust-list record that trusts one key for everything ("self-recorded").
[[nodiscard]] core::Json single_key_trust(const core::PublicKey& key, std::string_view actor,
                                          core::Timestamp valid_from);

}  // namespace sigillo::audit
