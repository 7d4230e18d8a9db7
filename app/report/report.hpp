// The report: one self-contained HTML file from one gate result (docs/formats/report.md).
#pragma once

#include <string>

#include "app/pipeline/gate.hpp"
#include "sigillo/audit/lineage.hpp"

namespace sigillo::report {

struct ReportInput {
  app::GateResult gate;
  audit::Lineage lineage;  // empty if the gate refused
  core::Timestamp generated_at;
  std::string key_id;    // of the record key that will sign the report
  std::string log_vkey;  // verifier key of the log, for those who check the checkpoint
};

// report_content is what the report says, as JSON of strings and integers: what is signed.
[[nodiscard]] core::Json report_content(const ReportInput& input);

// report_page renders the same facts, with empty places for the signed JSON and the seal. Pure:
// equal inputs give equal bytes. No script is needed to read it; nothing is asked from outside.
[[nodiscard]] std::string report_page(const ReportInput& input);

// How a claim is known. One meaning each, everywhere in a report.
enum class Claim {
  measured,  // recomputed from bytes by this program while the report was made
  recorded,  // a signed statement of an actor at a time, made by a program at that time
  asserted,  // typed by a person, and signed
};
[[nodiscard]] std::string_view to_string(Claim claim);
// What a column of the evidence is: "ev1_systems.placed_on" is asserted, "ev1_outputs.result"
// recorded.
[[nodiscard]] Claim claim_of_column(std::string_view column);

// Detections by strength: bins of equal width over log10 p, from strong to weak.
struct HistogramBin {
  std::int64_t from = 0, to = 0;  // whole decades: from <= log10 p < to
  std::int64_t count = 0;
};
struct Histogram {
  std::vector<HistogramBin> bins;  // without gaps; empty if there are no detections
  std::int64_t threshold = -6;     // log10, from the pack's rule if it states one
  std::int64_t total = 0, at_or_below = 0, inconclusive = 0;
};
[[nodiscard]] Histogram histogram(const app::GateResult& gate);

}  // namespace sigillo::report
