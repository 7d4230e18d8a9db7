// The public page: plain HTML that needs no script, no cookie and nothing from elsewhere.
#pragma once

#include "app/pipeline/verify.hpp"
#include "app/server/problem.hpp"
#include "app/server/words.hpp"

namespace sigillo::server {

[[nodiscard]] std::string escape_html(std::string_view text);
[[nodiscard]] std::string render_form(const Words& words);
// receipt: the signed envelope; it travels in the page itself, for nothing is kept to fetch it
// from.
[[nodiscard]] std::string render_result(const Words& words, const app::Verification& verification,
                                        std::string_view receipt);
[[nodiscard]] std::string render_problem(const Words& words, const Problem& problem);
// Content-Security-Policy with the hashes of the page's own style and script, and the language.
[[nodiscard]] HeaderFields page_headers(const Words& words);

// "1,000,000" with the language's separator.
[[nodiscard]] std::string grouped(std::uint64_t number, char separator);

}  // namespace sigillo::server
