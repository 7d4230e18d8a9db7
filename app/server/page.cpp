#include "app/server/page.hpp"

#include <fmt/format.h>

#include <cmath>

#include "app/server/assets.hpp"
#include "sigillo/core/digest.hpp"

namespace sigillo::server {
using core::DetectionResult;

namespace {

// A sentence of the table with what belongs into its braces.
template <typename... Arguments>
std::string fill(std::string_view sentence, const Arguments&... arguments) {
  return fmt::format(fmt::runtime(sentence), arguments...);
}

std::string sha256_source(std::string_view text) {
  return fmt::format("'sha256-{}'", core::base64_encode(core::sha256(text).view()));
}

constexpr std::string_view kSeal =
    R"(<svg class="seal" viewBox="0 0 48 48" width="40" height="40" aria-hidden="true" focusable="false"><path d="M24 2l4.6 3.6 5.8-.7 2.3 5.4 5.4 2.3-.7 5.8L45 23l-3.6 4.6.7 5.8-5.4 2.3-2.3 5.4-5.8-.7L24 44l-4.6-3.6-5.8.7-2.3-5.4-5.4-2.3.7-5.8L3 23l3.6-4.6-.7-5.8 5.4-2.3 2.3-5.4 5.8.7z"/><path class="s" d="M30.5 17.2c-1.3-2-3.7-3-6.5-3-3.8 0-6.5 1.9-6.5 4.8 0 6.7 13.5 2.9 13.5 9.3 0 3.200-3 5.300-7 5.300-3.200 0-5.900-1.300-7.200-3.600"/></svg>)";

std::string language_links(const Words& current) {
  std::string out;
  for (const Words& words : all_words())
    out += fmt::format(R"(<li><a href="/?lang={0}" lang="{0}" hreflang="{0}"{2}>{1}</a></li>)",
                       words.language, words.language_name,
                       words.language == current.language ? " aria-current=\"true\"" : "");
  return out;
}

std::string document(const Words& words, std::string_view title, std::string_view body) {
  return fmt::format(
      R"(<!doctype html>
<html lang="{lang}" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><div class="bar">
<a class="brand" href="/?lang={lang}">{seal}<span>Sigillo</span></a>
<nav aria-label="{languages}"><ul>{links}</ul></nav>
</div></header>
<main>
{body}</main>
<footer><div class="bar">
<section><h2>{local}</h2><p>{local_text} <code>sigillo text detect</code></p></section>
<section><h2>{api}</h2><p>{api_text} <a href="/openapi.json"><code>/openapi.json</code></a></p></section>
</div></footer>
<script>{script}</script>
</body>
</html>
)",
      fmt::arg("lang", words.language), fmt::arg("title", title), fmt::arg("style", asset_style()),
      fmt::arg("seal", kSeal), fmt::arg("languages", words.languages_label),
      fmt::arg("links", language_links(words)), fmt::arg("body", body),
      fmt::arg("local", words.local), fmt::arg("local_text", words.local_text),
      fmt::arg("api", words.api), fmt::arg("api_text", words.api_text),
      fmt::arg("script", asset_script()));
}

std::string form(const Words& words) {
  return fmt::format(
      R"(<form method="post" action="/" enctype="multipart/form-data">
<input type="hidden" name="lang" value="{lang}">
<label for="text">{text_label}</label>
<p class="hint" id="text-hint">{text_hint}</p>
<textarea id="text" name="text" rows="11" aria-describedby="text-hint privacy" spellcheck="false" autocomplete="off"></textarea>
<div class="file">
<label for="file">{file_label}</label>
<input id="file" name="file" type="file" accept=".txt,.md,text/plain" aria-describedby="file-hint">
<p class="hint" id="file-hint">{file_hint} <span class="drop" hidden>{drop_hint}</span></p>
</div>
<div class="act">
<button type="submit">{submit}</button>
<p class="hint" id="privacy">{privacy}</p>
</div>
</form>
)",
      fmt::arg("lang", words.language), fmt::arg("text_label", words.text_label),
      fmt::arg("text_hint", words.text_hint), fmt::arg("file_label", words.file_label),
      fmt::arg("file_hint", words.file_hint), fmt::arg("drop_hint", words.drop_hint),
      fmt::arg("submit", words.submit), fmt::arg("privacy", words.privacy));
}

std::string again(const Words& words) {
  return fmt::format("<p class=\"again\"><a class=\"button\" href=\"/?lang={}\">{}</a></p>\n",
                     words.language, words.again);
}

std::string verdict_block(std::string_view kind, std::string_view sentence,
                          std::string_view detail) {
  return fmt::format(
      "<div class=\"verdict {}\" role=\"status\">\n<h1 id=\"result\" tabindex=\"-1\" "
      "autofocus>{}</h1>\n<p>{}</p>\n</div>\n",
      kind, sentence, detail);
}

// "1,000,000": the threshold that was passed, not the p-value, so that no more is said than
// was promised beforehand.
std::string threshold_odds(const Words& words, std::int64_t threshold_log10_micro) {
  const double odds = std::pow(10.0, static_cast<double>(-threshold_log10_micro) / 1e6);
  return grouped(static_cast<std::uint64_t>(std::llround(std::min(odds, 1e15))), words.thousands);
}

std::string chance_text(const Words& words, std::int64_t log10_micro) {
  const auto exponent =
      static_cast<std::uint64_t>(std::max<std::int64_t>(-log10_micro, 0) / 1000000);
  if (exponent > 9) return fill(words.chance_power, exponent);
  const double odds =
      std::pow(10.0, static_cast<double>(std::max<std::int64_t>(-log10_micro, 0)) / 1e6);
  return fill(words.chance,
              grouped(static_cast<std::uint64_t>(std::llround(odds)), words.thousands));
}

struct Row {
  std::string_view kind, result, strength, meaning;
};

Row row_of(const Words& words, const core::Detection& detection) {
  switch (detection.result) {
    case DetectionResult::found:
      return {"found", words.row_found,
              detection.log10_p_micro <= 2 * detection.threshold_log10_micro ? words.very_strong
                                                                             : words.strong,
              words.means_found};
    case DetectionResult::not_found:
      return {"not-found", words.row_not_found, words.none, words.means_not_found};
    case DetectionResult::inconclusive:
      break;
  }
  return {"inconclusive", words.row_inconclusive, words.unknown, words.means_inconclusive};
}

std::string signal_table(const Words& words, const app::Verification& verification) {
  std::string rows;
  for (const app::Signal& signal : verification.signals) {
    const Row row = row_of(words, signal.detection);
    rows += fmt::format(
        "<tr><th scope=\"row\">{} <span class=\"sub\">{}</span></th><td data-label=\"{}\"><span "
        "class=\"tag {}\">{}</span></td><td data-label=\"{}\">{} <span class=\"sub\">{}</span></td>"
        "<td data-label=\"{}\">{}</td></tr>\n",
        words.text_mark, escape_html(signal.profile), words.column_result, row.kind, row.result,
        words.column_strength, row.strength, chance_text(words, signal.detection.log10_p_micro),
        words.column_meaning, row.meaning);
  }
  return fmt::format(
      "<section><h2 id=\"signals\">{}</h2>\n<table aria-labelledby=\"signals\"><thead><tr><th "
      "scope=\"col\">{}</th><th scope=\"col\">{}</th><th scope=\"col\">{}</th><th "
      "scope=\"col\">{}</th></tr></thead>\n<tbody>\n{}</tbody></table></section>\n",
      words.signals, words.column_signal, words.column_result, words.column_strength,
      words.column_meaning, rows);
}

std::string limits(const Words& words, app::Verdict verdict) {
  const bool found = verdict == app::Verdict::watermark_found;
  std::string items;
  for (const std::string_view item :
       {found ? words.limit_author : words.limit_person,
        found ? words.limit_truth : words.limit_removed,
        found ? words.limit_edited : words.limit_truth, words.limit_others})
    items += fmt::format("<li>{}</li>\n", item);
  return fmt::format("<section class=\"limits\"><h2>{}</h2>\n<ul>\n{}</ul></section>\n",
                     words.limits, items);
}

std::string receipt_block(const Words& words, std::string_view receipt) {
  return fmt::format(
      "<section class=\"receipt\"><p><a class=\"button\" download=\"sigillo-receipt.json\" "
      "href=\"data:application/json;base64,{}\">{}</a></p>\n<p class=\"hint\">{}</p></section>\n",
      core::base64_encode(core::as_bytes(receipt)), words.receipt, words.receipt_hint);
}

std::string details(const Words& words, const app::Verification& verification) {
  std::string list;
  const auto add = [&](std::string_view name, std::string_view value) {
    list += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, escape_html(value));
  };
  for (const app::Signal& signal : verification.signals) {
    const core::Detection& d = signal.detection;
    add(words.detail_detector, d.detector);
    add(words.detail_profile, fmt::format("{} ({})", signal.profile, d.profile_digest));
    add(words.detail_key, d.key_id);
    add(words.detail_tokens, fill(words.detail_tokens_value, d.tokens, d.scored));
    add(words.detail_p_value, d.tries > 1
                                  ? fmt::format("{} ({})", core::p_value_text(d.log10_p_micro),
                                                fill(words.detail_tries, d.tries))
                                  : core::p_value_text(d.log10_p_micro));
    add(words.detail_threshold, core::p_value_text(d.threshold_log10_micro));
  }
  add(words.detail_hash, verification.content_sha256);
  add(words.detail_time, verification.verified_at);
  return fmt::format("<details><summary>{}</summary>\n<dl>\n{}</dl></details>\n", words.details,
                     list);
}

// The row that says most: the smallest p-value against its threshold.
std::int64_t passed_threshold(const app::Verification& verification) {
  std::int64_t threshold = 0;
  for (const app::Signal& signal : verification.signals)
    if (signal.detection.result == DetectionResult::found)
      threshold = signal.detection.threshold_log10_micro;
  return threshold;
}

std::string retry_after(const Problem& problem) {
  for (const auto& [name, value] : problem.headers)
    if (name == "Retry-After") return value;
  return "60";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string grouped(std::uint64_t number, char separator) {
  std::string digits = fmt::format("{}", number);
  // A space must not let a number break over two lines.
  const std::string between = separator == ' ' ? "\u202f" : std::string(1, separator);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += between;
    out += digits[i];
  }
  return out;
}

std::string render_form(const Words& words) {
  return document(words, fmt::format("{} – Sigillo", words.title),
                  fmt::format("<h1>{}</h1>\n<p class=\"lead\">{}</p>\n{}", words.title, words.lead,
                              form(words)));
}

std::string render_result(const Words& words, const app::Verification& verification,
                          std::string_view receipt) {
  std::string_view kind = "inconclusive", sentence = words.inconclusive;
  std::string detail(words.inconclusive_detail);
  if (verification.verdict == app::Verdict::watermark_found) {
    kind = "found";
    sentence = words.found;
    detail = fill(words.found_detail, threshold_odds(words, passed_threshold(verification)));
  } else if (verification.verdict == app::Verdict::not_found) {
    kind = "not-found";
    sentence = words.not_found;
    detail = words.not_found_detail;
  }
  return document(words, fmt::format("{} – Sigillo", sentence),
                  verdict_block(kind, sentence, detail) + signal_table(words, verification) +
                      limits(words, verification.verdict) + receipt_block(words, receipt) +
                      details(words, verification) + again(words));
}

std::string render_problem(const Words& words, const Problem& problem) {
  std::string detail(words.problem_other);
  if (problem.kind == ProblemKind::content_too_large) detail = words.problem_too_large;
  else if (problem.kind == ProblemKind::too_many_requests)
    detail = fill(words.problem_too_many, retry_after(problem));
  else if (problem_status(problem.kind) < 500) detail = words.problem_no_text;
  return document(words, fmt::format("{} – Sigillo", words.problem),
                  verdict_block("problem", words.problem, detail) + again(words));
}

HeaderFields page_headers(const Words& words) {
  static const std::string policy = fmt::format(
      "default-src 'none'; style-src {}; script-src {}; img-src data:; form-action 'self'; "
      "base-uri 'none'; frame-ancestors 'none'",
      sha256_source(asset_style()), sha256_source(asset_script()));
  return {{"Content-Security-Policy", policy},
          {"Content-Language", std::string(words.language)},
          {"Vary", "Accept-Language"}};
}

}  // namespace sigillo::server
