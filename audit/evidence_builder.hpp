// Turns trusted records into evidence rows (docs/formats/views.md). Private to audit.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sigillo/audit/blobs.hpp"
#include "sigillo/audit/manifest.hpp"
#include "sigillo/audit/record.hpp"
#include "sigillo/core/evidence.hpp"

namespace sigillo::audit {

struct BlobProblem {
  std::string place;  // "entry 7 (outputs-batch), blob sha256:..."
  core::Error error;
};

// Each row has a key, and the last row for a key counts. What a rule must be able to weigh against
// an earlier statement (placements, outputs, notifications) has the entry in its key: all of it
// stands, so that a later record cannot take back an earlier one.
class EvidenceBuilder {
 public:
  explicit EvidenceBuilder(BlobStore blobs) : blobs_(std::move(blobs)) {}
  // Takes one trusted record. A blob that it names and that is missing or altered becomes a
  // problem, and gives no rows.
  void accept(std::uint64_t index, const Record& record, const std::string& signer);
  [[nodiscard]] core::Evidence evidence() const;  // rows only; sorted
  [[nodiscard]] const std::vector<BlobProblem>& problems() const { return problems_; }
  [[nodiscard]] std::uint64_t blobs() const { return blob_count_; }

 private:
  struct Source;
  void put(std::string_view view, std::string key, core::Row row);
  void take_actor(const Source& source);
  void take_placement(const Source& source);
  void take_marking(const Source& source);
  void take_dataset(const Source& source);
  void take_run_start(const Source& source);
  void take_run_end(const Source& source);
  void take_release(const Source& source);
  void take_time_stamp(const Source& source);
  void take_outputs(const Source& source);
  void forget_outputs_of_other_files(const std::string& release, const std::string& model_digest);
  [[nodiscard]] std::string producing_run(const Manifest& manifest) const;
  // The verified bytes of a blob that the record names in `field`; empty optional and a problem
  // otherwise.
  [[nodiscard]] std::optional<core::Bytes> blob(const Source& source, std::string_view field);
  void problem(const Source& source, std::string_view what, core::Error error);

  BlobStore blobs_;
  std::map<std::string, std::map<std::string, core::Row>, std::less<>> rows_;
  std::vector<BlobProblem> problems_;
  std::uint64_t blob_count_ = 0;
};

}  // namespace sigillo::audit
