// JUnit XML in the dialect that Jenkins, GitLab and GitHub actions share
// (docs/formats/sarif-junit.md).
#pragma once

#include <string>

#include "app/report/gate_identity.hpp"

namespace sigillo::report {

// render_junit gives one test case for each subject, and one for each rule without subjects. Names
// are unique in the file, since GitLab drops the second of two. A mandatory fail is a <failure>; a
// mandatory error, no_evidence or manual is an <error>; what does not bind, is not due, is waived
// or only advisory is <skipped> with its reason. A file without <failure> and <error> means that
// the gate ended with 0, and the reverse: a gate that refused or judged nothing mandatory has a
// case of its own, which is an <error>. Pure; equal results give equal bytes.
[[nodiscard]] std::string render_junit(const app::GateResult& result, const GateSource& source);

}  // namespace sigillo::report
