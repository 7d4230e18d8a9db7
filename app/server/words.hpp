// Every sentence of the public page, in each of its languages.
#pragma once

#include <span>
#include <string_view>

namespace sigillo::server {

// A {} stands for a number or a name.
struct Words {
  std::string_view language, language_name;
  char thousands;
  std::string_view title, lead, text_label, text_hint, file_label, file_hint, drop_hint, submit,
      privacy, again, languages_label;
  // The verdict in one sentence, and what it rests on.
  std::string_view found, found_detail, not_found, not_found_detail, inconclusive,
      inconclusive_detail;
  // The table: one row a signal.
  std::string_view signals, column_signal, column_result, column_strength, column_meaning;
  std::string_view text_mark, row_found, row_not_found, row_inconclusive;
  std::string_view very_strong, strong, none, unknown, chance, chance_power;
  std::string_view means_found, means_not_found, means_inconclusive;
  // What the result does not say.
  std::string_view limits, limit_author, limit_truth, limit_edited, limit_person, limit_removed,
      limit_others;
  std::string_view receipt, receipt_hint, details, detail_detector, detail_profile, detail_key,
      detail_tokens, detail_tokens_value, detail_p_value, detail_threshold, detail_hash,
      detail_time, detail_tries;
  std::string_view local, local_text, api, api_text;
  std::string_view problem, problem_too_large, problem_too_many, problem_no_text, problem_other;
};

[[nodiscard]] std::span<const Words> all_words();
// The language asked for by name, else the first of an Accept-Language field that there is, else
// English.
[[nodiscard]] const Words& words_for(std::string_view asked, std::string_view accept_language);

}  // namespace sigillo::server
