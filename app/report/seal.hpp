// The signature of a report: who signed what the page shows (docs/formats/report.md).
#pragma once

#include <optional>
#include <string>

#include "sigillo/core/dsse.hpp"

namespace sigillo::report {

inline constexpr std::string_view kReportPayloadType = "application/vnd.sigillo.report+json";
inline constexpr std::size_t kMaxReportBytes = std::size_t{64} << 20;

// seal_page puts the signed JSON and its signature into a page that has an empty
// <script id="evidence"> and an empty <script id="seal">. `content` gets the members signed_by (key
// id), page_sha256 (the page's bytes before) and structure_sha256 (page_structure of it). The key
// must be Ed25519 (unsupported otherwise): browsers check it offline.
[[nodiscard]] core::Result<std::string> seal_page(const std::string& page, core::Json content,
                                                  const core::PrivateKey& key);

struct SealedReport {
  core::Json content;   // what was signed
  core::PublicKey key;  // the key that the page itself names: whose it is, the page cannot prove
};
// open_report checks a sealed page's bytes: the signature holds, under a key whose id is the signed
// one, and every other byte of the file is what was signed. signature_invalid if not; invalid_input
// if it is no report; input_too_large.
[[nodiscard]] core::Result<SealedReport> open_report(std::string_view file);

// The script that checks the same in a browser, from the document that it shows.
[[nodiscard]] std::string_view check_script();

}  // namespace sigillo::report
