// What a test asked of a ledger and what it was told, and the judge: whether what is on a disk
// agrees with that.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sigillo/audit/ledger.hpp"

namespace faults {

namespace audit = sigillo::audit;
namespace core = sigillo::core;
namespace fs = std::filesystem;

inline constexpr std::string_view kOrigin = "example.com/audit";
[[nodiscard]] const core::PrivateKey& log_key();

// Moments are positions among the operations of a Recording; 0 where there is none.
struct Attempt {
  std::vector<std::string> leaves;  // no two of a history are equal
  std::size_t from = 0;
  std::optional<std::size_t> acknowledged;
};
struct Published {
  std::string note;
  std::size_t at = 0;
};
struct History {
  std::optional<std::size_t> created;
  std::vector<std::string> before;  // entries that were durable at moment 0
  std::vector<Attempt> attempts;    // in order
  std::vector<Published> published;
};

struct Contents {
  std::vector<std::string> leaves;
  std::vector<std::string> notes;
};
// Everything in the ledger, recomputed: indices, leaf hashes, tree, head, and each checkpoint's
// signature and root. ledger_corrupt says what does not agree.
[[nodiscard]] core::Result<Contents> recompute(const audit::Ledger& ledger);

// What is wrong with the ledger of this folder after the power failed at `moment`. It must open,
// and hold every batch that was acknowledged by then, in order, whole, once, and besides them only
// whole batches that had been begun; every checkpoint that was given out is stored. Then it must
// take another entry and sign it, and keep it. Nothing is said of a ledger that was not created by
// then, but that nothing is in it.
//   lost: an acknowledged batch or checkpoint; invented: an entry that nobody submitted, or a part
//   of a batch; damaged: it does not open, does not agree with itself, or does not go on.
struct Problem {
  enum class Kind { lost, invented, damaged } kind = Kind::damaged;
  std::string what;
};
[[nodiscard]] std::optional<Problem> judge(const fs::path& folder, const History& history,
                                           std::size_t moment);

// A scratch folder in memory where there is such a file system, removed at the end.
class Scratch {
 public:
  Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  // An empty folder of this name.
  [[nodiscard]] fs::path folder(const std::string& name) const;

 private:
  fs::path path_;
};

}  // namespace faults
