// Text for people. Pure: values in, text out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/pipeline/text.hpp"
#include "sigillo/audit/fsck.hpp"
#include "sigillo/core/result.hpp"
#include "sigillo/policy/verdict.hpp"

namespace sigillo::cli {

// Columns padded to their widest cell; the first row is the heading.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);
[[nodiscard]] std::string render_error(const core::Error& error);
[[nodiscard]] std::string render_detections(const std::vector<app::FileDetection>& detections);
[[nodiscard]] std::string render_fsck(const audit::FsckReport& report);
[[nodiscard]] std::string render_verdicts(const policy::Verdicts& verdicts);
[[nodiscard]] core::Json fsck_json(const audit::FsckReport& report);
// Text from records and files may hold terminal escapes: control characters, marks that reorder
// text and bytes that are not UTF-8 are shown as \xNN.
[[nodiscard]] std::string printable(std::string_view text);
// The same, line by line.
[[nodiscard]] std::string printable_lines(std::string_view text);

}  // namespace sigillo::cli
