// Witness: C2SP tlog-witness. It remembers the largest tree of each log that it was shown, and
// cosigns another one only if that grew from it. One that two readers' checkpoints carry has seen
// both: a log cannot show them two histories.
//
//   FOLDER/witness.json   format, name, the logs that it watches     keys/   keyring, 0600
//   FOLDER/state.db       what it has cosigned: never to be restored from a backup
//
//  1. It stores, durably, and then answers. Comparing with what is stored and storing are one
//     transaction, so that two requests cannot roll it back.
//  2. Of a submitted note it keeps the text and the lines that hold for trusted keys, nothing else.
//  3. Its key is its own. A log that is its own witness proves nothing.
//  4. The state is never created by accident: only init makes one.
#pragma once

#include <filesystem>
#include <memory>

#include "sigillo/audit/checkpoint.hpp"

namespace sigillo::audit {

inline constexpr std::string_view kSizeMediaType = "text/x.tlog.size";

// An answer as the protocol has it.
struct WitnessAnswer {
  int status = 200;  // 200, 400, 403, 404, 409, 422
  std::string media_type;
  std::string body;
};

// Thread-safe. Several processes may use one folder.
class Witness {
 public:
  // init makes a folder with a new key and an empty state. name: a note key name, such as
  // witness.example.com/w1. already_exists.
  [[nodiscard]] static core::Status init(const std::filesystem::path& folder, std::string_view name,
                                         core::Entropy& entropy, const core::Clock& clock);
  // open: not_found; workspace_newer; ledger_corrupt if the state is gone or damaged.
  [[nodiscard]] static core::Result<Witness> open(const std::filesystem::path& folder);
  Witness(Witness&&) noexcept;
  Witness& operator=(Witness&&) noexcept;
  ~Witness();

  [[nodiscard]] const NoteVerifier& key() const;
  [[nodiscard]] const std::vector<NoteVerifier>& logs() const;
  // Watches one log more, in the folder's configuration: running servers read it when they start.
  // A log may have several keys. already_exists; invalid_argument for the witness's own key.
  [[nodiscard]] core::Status add_log(const NoteVerifier& log);

  // add_checkpoint answers a request body (proof.hpp, consistency_proof_text).
  //   200  the cosignature line            400  no such request, or the old size is past the new
  //   one 403  no trusted key of the log has signed it, or a line of one does not hold 404  the
  //   origin is of no log that is watched      409  the size that was cosigned last 422  it did not
  //   grow from what was cosigned last
  // An Error is of this machine: disk, lock, or a clock that went back.
  [[nodiscard]] core::Result<WitnessAnswer> add_checkpoint(std::string_view body,
                                                           core::Timestamp now);
  // The latest cosigned checkpoint of a log, by the lower-case hex SHA-256 of its origin.
  // not_found.
  [[nodiscard]] core::Result<std::string> latest(std::string_view origin_sha256);

 private:
  struct Impl;
  explicit Witness(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sigillo::audit
