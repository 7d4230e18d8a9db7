// The largest of logit plus noise: what marked rows of "gumbel" and plain rows of every scheme
// share.
#pragma once

#include "watermark/kernels/gumbel_prf.hpp"
#include "watermark/text/scheme.hpp"

namespace sigillo::watermark {

// One row, in the order of its ids. The best so far is the bound.
[[nodiscard]] TokenId choose_row(const MarkedRow& row, const kernels::CandidateStream& stream);

}  // namespace sigillo::watermark
