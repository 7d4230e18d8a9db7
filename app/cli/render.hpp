// Text for people. Pure: values in, text out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/pipeline/text.hpp"
#include "app/report/plain_text.hpp"
#include "sigillo/audit/fsck.hpp"
#include "sigillo/core/result.hpp"
#include "sigillo/policy/verdict.hpp"

namespace sigillo::cli {

using core::p_value_text;
using report::printable;
using report::printable_lines;

// Columns padded to their widest cell; the first row is the heading.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);
[[nodiscard]] std::string render_error(const core::Error& error);
[[nodiscard]] std::string render_detections(const std::vector<app::FileDetection>& detections);
[[nodiscard]] std::string render_fsck(const audit::FsckReport& report);
[[nodiscard]] std::string render_verdicts(const policy::Verdicts& verdicts);
[[nodiscard]] core::Json fsck_json(const audit::FsckReport& report);

}  // namespace sigillo::cli
