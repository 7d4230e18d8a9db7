// Lineage: which datasets went into which run, which release came out of it, and what that release
// generated. Read from verified evidence alone; docs/formats/lineage.md has the nodes and edges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sigillo/core/evidence.hpp"

namespace sigillo::audit {

// In the order in which data flows.
enum class LineageKind { dataset, run, release, outputs, system };
[[nodiscard]] std::string_view to_string(LineageKind kind);
// invalid_argument, naming the five words, for any other.
[[nodiscard]] core::Result<LineageKind> lineage_kind(std::string_view text);

struct LineageFact {
  std::string name, value;
};

// LineageNode is one thing that evidence names. A dataset is one version of it: its name and root.
struct LineageNode {
  LineageKind kind = LineageKind::dataset;
  std::string name;     // the dataset's, run's, release's or system's; of outputs: their release's
  std::string version;  // dataset: its Merkle root; outputs: their ledger entry; otherwise empty
  std::optional<std::int64_t> entry;  // nothing: another record names it, none describes it
  std::string signer, recorded_at;    // empty without an entry
  std::vector<LineageFact> facts;     // in a fixed order for each kind
  std::vector<std::string> gaps;      // what is missing, as sentences; empty if nothing is
  std::int64_t distance = 0;          // fewest steps from a start
};

// LineageEdge leads in the direction in which data flows; the numbers are indices of nodes.
struct LineageEdge {
  std::size_t from = 0, to = 0;
  std::string role;  // "trained", "released as", "generated", "placed as"
};

// Lineage is a graph: nodes by kind, name and version; edges by from, to and role.
struct Lineage {
  std::vector<LineageNode> nodes;
  std::vector<LineageEdge> edges;
  std::vector<std::size_t> starts;
  std::size_t gaps = 0;  // over all nodes
};

enum class LineageDirection { ancestors, descendants, both };
[[nodiscard]] core::Result<LineageDirection> lineage_direction(std::string_view text);

struct LineageRequest {
  std::string name = {};  // empty: everything
  std::optional<LineageKind> kind =
      std::nullopt;  // of the start; nothing: every kind that has the name
  LineageDirection direction = LineageDirection::both;
  std::int64_t depth = 64;  // steps, 0 to kMaxLineageDepth
};
inline constexpr std::int64_t kMaxLineageDepth = 1000;
inline constexpr std::int64_t kMaxLineageNodes = 1'000'000;

// lineage walks from the start along the edges. `both` is what it came from and what came of it,
// not the relatives of either. A walk ends also where the edges form a ring. Errors: not_found
// (nothing has this name), invalid_argument (depth), input_too_large (more nodes than the limit),
// evidence_corrupt. Thread-safe: each call has its own in-memory database.
[[nodiscard]] core::Result<Lineage> lineage(const core::Evidence& evidence,
                                            const LineageRequest& request);

}  // namespace sigillo::audit
