// The page, from first screen to last, in the order in which a reader asks.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "app/report/gate_identity.hpp"
#include "app/report/html.hpp"
#include "app/report/lineage.hpp"
#include "app/report/plain_text.hpp"
#include "app/report/report.hpp"
#include "app/report/seal.hpp"
#include "app/report/style.hpp"

namespace sigillo::report {
namespace {

using policy::RuleVerdict;
using policy::Status;

// -- words and shapes
// ---------------------------------------------------------------------------------------------------

std::string_view status_words(Status status) {
  switch (status) {
    case Status::pass:
      return "Holds";
    case Status::fail:
      return "Does not hold";
    case Status::error:
      return "Rule error";
    case Status::no_evidence:
      return "No evidence";
    case Status::not_applicable:
      return "Does not apply";
    case Status::not_yet_due:
      return "Not yet due";
    case Status::manual:
      return "A person must judge";
    case Status::waived:
      return "Waived";
  }
  return "";
}

// A shape of its own for each status: colour is never the only sign.
std::string_view shape_path(Status status) {
  switch (status) {
    case Status::pass:  // disc with a tick
      return "M8 0a8 8 0 1 0 0 16A8 8 0 0 0 8 0zM6.9 11.6 3.5 8.2l1.4-1.4 2 2 4.2-4.3 1.4 1.4z";
    case Status::fail:  // square with a cross
      return "M0 0h16v16H0zM4.3 3 3 4.3 6.7 8 3 11.7 4.3 13 8 9.3l3.7 3.7 1.3-1.3L9.3 8 13 4.3 "
             "11.7 3 8 6.7z";
    case Status::error:
    case Status::no_evidence:  // triangle with a bar
      return "M8 0l8 15H0zM7 5v5h2V5zM7 11v2h2v-2z";
    case Status::not_yet_due:  // ring with a hand
      return "M8 0a8 8 0 1 0 0 16A8 8 0 0 0 8 0zm0 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM7 "
             "4v5l3.6 2.1 1-1.6L9 8V4z";
    case Status::manual:  // diamond
      return "M8 0l8 8-8 8-8-8z";
    case Status::not_applicable:  // bar
      return "M0 6h16v4H0z";
    case Status::waived:  // half disc
      return "M8 0a8 8 0 1 0 0 16z";
  }
  return "";
}

Html shape(Status status, std::string_view css_class = "shape") {
  return Html::rendered(
      fmt::format("<svg class=\"{}\" viewBox=\"0 0 16 16\" aria-hidden=\"true\">"
                  "<path fill=\"currentColor\" fill-rule=\"evenodd\" d=\"{}\"></path></svg>",
                  css_class, shape_path(status)));
}

Html status_sign(Status status) {
  return Html::element("span", {{"class", fmt::format("status s-{}", to_string(status))}},
                       {shape(status), Html::text(status_words(status))});
}

Html claim_sign(Claim claim) {
  return tag("span", fmt::format("claim c-{}", to_string(claim)), Html::text(to_string(claim)));
}

std::string plural(std::int64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string long_date(const std::string& date) {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "January", "February", "March",     "April",   "May",      "June",
      "July",    "August",   "September", "October", "November", "December"};
  if (!core::timestamp_from_date(date).has_value()) return date;
  const auto number = [&](std::size_t at) { return (date[at] - '0') * 10 + (date[at + 1] - '0'); };
  return fmt::format("{} {} {}", number(8), kMonths[static_cast<std::size_t>(number(5) - 1)],
                     date.substr(0, 4));
}

// -- the first screen
// ---------------------------------------------------------------------------------------------------

bool is_undecided(Status s) {
  return s == Status::error || s == Status::no_evidence || s == Status::manual;
}

struct Tally {
  std::int64_t mandatory = 0, failed = 0, undecided = 0;
};
Tally tally(const policy::Verdicts& verdicts) {
  Tally t;
  for (const RuleVerdict& rule : verdicts.rules) {
    if (rule.enforcement != policy::Enforcement::mandatory) continue;
    ++t.mandatory;
    t.failed += rule.outcome == Status::fail;
    t.undecided += is_undecided(rule.outcome);
  }
  return t;
}

std::string verdict_sentence(const app::GateResult& gate) {
  if (!gate.verdicts.has_value()) return "No verdict: what is stored is not what was sealed.";
  const Tally t = tally(*gate.verdicts);
  const auto of = [&](std::int64_t count) {
    return fmt::format("{} of {} mandatory rules", count, t.mandatory);
  };
  if (gate.exit == core::ExitCode::done)
    return "Every mandatory rule holds on this evidence, does not apply, or is not yet due.";
  if (gate.exit == core::ExitCode::not_verified)
    return fmt::format("{} {} not hold on this evidence.", of(t.failed),
                       t.failed == 1 ? "does" : "do");
  if (t.mandatory == 0) return "No verdict: the pack has no mandatory rule.";
  std::string sentence = fmt::format("{} cannot be decided on this evidence", of(t.undecided));
  return sentence + (t.failed > 0
                         ? fmt::format("; {} {} not hold.", t.failed, t.failed == 1 ? "does" : "do")
                         : std::string("."));
}

Status seal_status(core::ExitCode exit) {
  return exit == core::ExitCode::done           ? Status::pass
         : exit == core::ExitCode::not_verified ? Status::fail
                                                : Status::no_evidence;
}

struct Release {
  std::string name, digest;
};
std::vector<Release> releases_of(const app::GateResult& gate) {
  std::vector<Release> list;
  const auto rows = gate.ledger.evidence.rows.find("ev1_releases");
  if (!gate.verdicts.has_value() || rows == gate.ledger.evidence.rows.end()) return list;
  for (const core::Row& row : rows->second) {
    const auto text = [&](std::size_t i) {
      const auto* value = std::get_if<std::string>(&row[i]);
      return value == nullptr ? std::string("unknown") : *value;
    };
    const std::string& scope = gate.verdicts->scope_release;
    if (scope.empty() || text(0) == scope) list.push_back({text(0), text(3)});
  }
  return list;
}

struct Signer {
  std::int64_t rows = 0;
  std::string last;
};
std::map<std::string, Signer> signers_of(const core::Evidence& evidence) {
  std::map<std::string, Signer> signers;
  for (const auto& [view, rows] : evidence.rows)
    for (const core::Row& row : rows) {
      const auto* actor = std::get_if<std::string>(&row[row.size() - 2]);
      const auto* time = std::get_if<std::string>(&row[row.size() - 1]);
      if (actor == nullptr || time == nullptr) continue;
      Signer& signer = signers[*actor];
      ++signer.rows;
      signer.last = std::max(signer.last, *time);
    }
  return signers;
}

Html fact(std::string_view name, const Html& value) {
  return tag("div", tag("dt", name).add(tag("dd", value)));
}

Html subject_fact(const app::GateResult& gate) {
  constexpr std::size_t kShown = 4;
  const auto releases = releases_of(gate);
  Html value;
  for (std::size_t i = 0; i < std::min(kShown, releases.size()); ++i)
    value.add(
        tag("div", tag("strong", releases[i].name)
                       .add(Html::element("br", {}))
                       .add(tag("span", "hash", Html::text("sha256:" + releases[i].digest)))));
  if (releases.size() > kShown)
    value.add(
        tag("div", fmt::format("and {} more, listed with the lineage", releases.size() - kShown)));
  if (releases.empty()) value.add(Html::text("no release is recorded"));
  const bool one = gate.verdicts.has_value() && !gate.verdicts->scope_release.empty();
  return fact(one ? "Release" : "All releases that are recorded", value);
}

Html front_facts(const ReportInput& input) {
  const app::GateResult& gate = input.gate;
  Html list;
  if (gate.verdicts.has_value()) {
    const policy::Verdicts& v = *gate.verdicts;
    list.add(subject_fact(gate));
    list.add(fact("The law as of",
                  tag("strong", long_date(v.as_of))
                      .add(Html::element("br", {}))
                      .add(Html::text(fmt::format("rules: {} {}", v.pack_name, v.pack_version)))
                      .add(Html::element("br", {}))
                      .add(tag("span", "hash", Html::text("sha256 " + v.pack_digest)))));
    list.add(fact("Checkpoint of the ledger",
                  tag("strong", fmt::format("{}, {}", v.origin, plural(v.size, "entry", "entries")))
                      .add(Html::element("br", {}))
                      .add(tag("span", "hash", Html::text("root " + v.root)))));
    Html people;
    for (const auto& [actor, signer] : signers_of(gate.ledger.evidence))
      people.add(tag("div", tag("strong", actor)
                                .add(Html::text(fmt::format(
                                    ": {}, last on {}", plural(signer.rows, "fact", "facts"),
                                    long_date(signer.last.substr(0, 10)))))));
    list.add(fact("Evidence signed by", people));
  } else {
    list.add(
        fact("Ledger", Html::text(fmt::format("{} entries; not sound", gate.ledger.head.size))));
  }
  list.add(fact("This report signed by key", tag("span", "hash", Html::text(input.key_id))));
  return tag("dl", "facts", list);
}

Html counts(const policy::Verdicts& verdicts) {
  const auto total = static_cast<std::int64_t>(verdicts.rules.size());
  std::string bar;
  Html legend;
  double x = 0;
  for (const Status status :
       {Status::fail, Status::error, Status::no_evidence, Status::manual, Status::pass,
        Status::waived, Status::not_yet_due, Status::not_applicable}) {
    const std::int64_t count = verdicts.outcomes[status];
    if (count == 0) continue;
    const double width = 1000.0 * static_cast<double>(count) / static_cast<double>(total);
    bar += fmt::format(
        "<rect class=\"f-{}\" x=\"{:.1f}\" y=\"0\" width=\"{:.1f}\" height=\"14\"></rect>",
        to_string(status), x, std::max(width - 4, 1.0));
    x += width;
    legend.add(tag(
        "li", status_sign(status).add(Html::text(": ")).add(tag("b", fmt::format("{}", count)))));
  }
  if (total == 0) return {};
  return tag("div", "counts",
             Html::rendered(fmt::format("<svg viewBox=\"0 0 1000 14\" preserveAspectRatio=\"none\" "
                                        "aria-hidden=\"true\">{}</svg>",
                                        bar))
                 .add(tag("ul", "legend",
                          legend.add(tag("li", fmt::format("of {}, {} of them mandatory",
                                                           plural(total, "rule", "rules"),
                                                           tally(verdicts).mandatory))))));
}

Html front(const ReportInput& input) {
  const app::GateResult& gate = input.gate;
  const Status sign = seal_status(gate.exit);
  Html head = tag("h1", verdict_sentence(gate));
  head.add(tag("p", "lede",
               Html::text("This is evidence for the duties named below, never a statement of "
                          "conformity. Moving the date moves the law's clock, not the evidence.")));
  Html inside =
      tag("p", "kicker",
          tag("span", "Article 50 report")
              .add(tag("span", fmt::format("Made on {} at {} UTC by Sigillo {}",
                                           long_date(core::to_date(input.generated_at)),
                                           core::to_rfc3339(input.generated_at).substr(11, 5),
                                           SIGILLO_VERSION))));
  inside.add(tag("div", "verdict",
                 Html::element("span", {{"class", fmt::format("s-{}", to_string(sign))}},
                               {shape(sign, "seal")})
                     .add(tag("div", head))));
  if (gate.verdicts.has_value()) inside.add(counts(*gate.verdicts));
  inside.add(front_facts(input));
  return tag("header", "front", tag("div", inside));
}

// -- the sections
// -------------------------------------------------------------------------------------------------------

Html section(std::string_view id, std::string_view title, std::string_view hint, const Html& body) {
  Html inside = Html::element("h2", {{"id", std::string(id)}}, {Html::text(title)});
  if (!hint.empty()) inside.add(tag("p", "hint", Html::text(hint)));
  return Html::element("section", {{"aria-labelledby", std::string(id)}}, {inside, body});
}

Html bullet_list(const std::vector<std::string>& items) {
  Html list;
  for (const std::string& item : items) list.add(tag("li", item));
  return tag("ul", "plain", list);
}

// Obligations by date: when each rule starts, and when each transition ends.
Html timeline(const app::GateResult& gate) {
  std::map<std::string, std::set<std::string>> dates;
  for (const policy::Rule& rule : gate.pack.rules) {
    dates[rule.applies_from].insert(fmt::format("{} applies: {}", rule.id, rule.title));
    for (const policy::Transition& t : rule.transitions)
      dates[t.due].insert(
          fmt::format("{}: end of the transition for what was placed before {} ({})", rule.id,
                      long_date(t.placed_before), t.ref));
  }
  const std::string as_of = gate.verdicts.has_value() ? gate.verdicts->as_of : "";
  Html list;
  bool told = as_of.empty();
  const auto now = [&] {
    told = true;
    list.add(tag("li", "now",
                 Html::element("time", {{"datetime", as_of}}, {Html::text(long_date(as_of))})
                     .add(Html::text(": the date of this report's question"))));
  };
  for (const auto& [date, items] : dates) {
    if (!told && date > as_of) now();
    Html lines;
    for (const std::string& item : items) lines.add(tag("li", item));
    list.add(
        Html::element("li", {{"class", date <= as_of ? "past" : "ahead"}},
                      {Html::element("time", {{"datetime", date}}, {Html::text(long_date(date))}),
                       Html::text(date <= as_of ? ", in force" : ", ahead"), tag("ul", lines)}));
  }
  if (!told) now();
  return tag("ol", "times", list);
}

Html claims_key() {
  Html list;
  const auto line = [&](Claim claim, std::string_view meaning) {
    list.add(tag("li", claim_sign(claim).add(Html::text(meaning))));
  };
  line(Claim::measured,
       "recomputed from bytes by this program while it made this report: the ledger's tree and "
       "signatures, digests, counts, and each verdict from its evidence.");
  line(
      Claim::recorded,
      "a signed statement of an actor at a time, computed by a program then: a run, a detection, a "
      "digest of files. It was not computed again here.");
  line(Claim::asserted,
       "typed by a person, then signed: a date of placement, a licence, an address. Nobody checked "
       "it "
       "here.");
  return tag("ul", "plain", list);
}

std::vector<std::string> not_checked(const app::GateResult& gate) {
  std::vector<std::string> list;
  const policy::Verdicts& v = *gate.verdicts;
  for (const RuleVerdict& rule : v.rules)
    if (is_undecided(rule.outcome))
      list.push_back(fmt::format("{} ({}): {}.", rule.id, rule.title,
                                 rule.outcome == Status::manual
                                     ? "a person has to judge"
                                     : "the evidence does not decide it"));
  std::int64_t not_due = v.outcomes[Status::not_yet_due],
               not_bound = v.outcomes[Status::not_applicable];
  if (not_due > 0)
    list.push_back(fmt::format(
        "{} not judged, because the date of the question is before the duty: see the dates.",
        not_due == 1 ? "One rule was" : fmt::format("{} rules were", not_due)));
  if (not_bound > 0)
    list.push_back(fmt::format(
        "{} on this evidence. Whether the evidence names all that there is, no program can tell.",
        not_bound == 1 ? "One rule does not apply"
                       : fmt::format("{} rules do not apply", not_bound)));
  if (!v.scope_release.empty())
    list.push_back(fmt::format("Other releases than {}.", v.scope_release));
  list.emplace_back(
      "The files themselves: manifests were read from the ledger's blobs, the files that they name "
      "were not opened again.");
  list.emplace_back(
      "The outputs themselves: the detector ran when they were recorded, not when this report was "
      "made. If the sample was chosen by the provider, it says nothing about other outputs.");
  list.emplace_back("Marks of other systems, and whether a mark survives editing.");
  list.emplace_back(
      "Whether the operator of the ledger kept a second one: only a checkpoint that somebody else "
      "holds can show that.");
  for (const audit::Finding& f : gate.ledger.findings)
    if (f.severity == audit::Severity::warning)
      list.push_back(fmt::format("Counts for nothing: {}: {}", f.place, f.message));
  return list;
}

// -- rules by article
// ---------------------------------------------------------------------------------------------------

// "Article 50(2), first sentence" belongs to "Article 50".
std::string article_of(const RuleVerdict& rule) {
  if (rule.basis.empty()) return "Without a basis";
  const policy::Basis& basis = rule.basis.front();
  return fmt::format("{}, {}", basis.law, basis.ref.substr(0, basis.ref.find_first_of("(,")));
}

Html basis_text(const RuleVerdict& rule) {
  Html out;
  for (const policy::Basis& basis : rule.basis) {
    if (!out.bytes().empty()) out.add(Html::text("; "));
    const std::string words = fmt::format("{}, {}", basis.law, basis.ref);
    if (basis.url.starts_with("https://"))
      out.add(
          Html::element("a", {{"href", basis.url}, {"rel", "noreferrer"}}, {Html::text(words)}));
    else out.add(Html::text(words));
  }
  return out;
}

Html claims_of(const RuleVerdict& rule) {
  std::set<Claim> claims;
  for (const std::string& column : rule.footprint)
    if (!column.ends_with(".entry") && column.find('.') != std::string::npos)
      claims.insert(claim_of_column(column));
  Html out = Html::text("Verdict ").add(claim_sign(Claim::measured));
  if (claims.empty()) return out;
  out.add(Html::text("on evidence that is "));
  for (const Claim claim : claims) out.add(claim_sign(claim));
  return out;
}

Html subjects_table(const RuleVerdict& rule) {
  constexpr std::size_t kShown = 200;
  Html rows;
  for (std::size_t i = 0; i < std::min(kShown, rule.subjects.size()); ++i) {
    const policy::SubjectVerdict& s = rule.subjects[i];
    rows.add(
        tag("tr", Html::element("th", {{"scope", "row"}}, {Html::text(s.resource)})
                      .add(tag("td", status_sign(s.status)))
                      .add(tag("td", s.reason))
                      .add(tag("td", s.evidence.has_value() ? fmt::format("entry {}", *s.evidence)
                                                            : std::string("none")))));
  }
  Html head;
  for (const char* name : {"Subject", "Status", "Why", "Ledger"})
    head.add(Html::element("th", {{"scope", "col"}}, {Html::text(name)}));
  Html out = tag("table", "rows", tag("thead", tag("tr", head)).add(tag("tbody", rows)));
  if (rule.subjects.size() > kShown)
    out.add(tag("p", "hint",
                Html::text(fmt::format("{} more are in the evidence at the end of this file.",
                                       rule.subjects.size() - kShown))));
  return out;
}

Html rule_card(const RuleVerdict& rule) {
  Html card =
      tag("div", "rule-head",
          tag("h4", fmt::format("{}  {}", rule.id, rule.title)).add(status_sign(rule.outcome)));
  card.add(tag(
      "p", "rule-meta",
      basis_text(rule)
          .add(Html::text(fmt::format(". Binds: {}; applies from {}; {}. ", rule.binds,
                                      long_date(rule.applies_from), to_string(rule.enforcement))))
          .add(claims_of(rule))));
  if (rule.subjects.empty()) card.add(tag("p", rule.reason));
  else card.add(subjects_table(rule));
  if (is_undecided(rule.outcome) || rule.outcome == Status::fail)
    card.add(tag("p", "todo", tag("strong", "What to do: ").add(Html::text(rule.remediation))));
  return tag("div", "card", card);
}

Html rules_by_article(const policy::Verdicts& verdicts) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const RuleVerdict*>> groups;
  for (const RuleVerdict& rule : verdicts.rules) {
    const std::string article = article_of(rule);
    if (!groups.contains(article)) order.push_back(article);
    groups[article].push_back(&rule);
  }
  Html out;
  for (const std::string& article : order) {
    Html open, folded;
    std::int64_t quiet = 0;
    for (const RuleVerdict* rule : groups[article]) {
      const bool work = is_undecided(rule->outcome) || rule->outcome == Status::fail;
      (work ? open : folded).add(rule_card(*rule));
      quiet += work ? 0 : 1;
    }
    out.add(tag("h3", article)).add(open);
    if (quiet > 0)
      out.add(tag(
          "details",
          tag("summary", fmt::format("{} that {}, {} not apply or {} not yet due",
                                     plural(quiet, "rule", "rules"), quiet == 1 ? "holds" : "hold",
                                     quiet == 1 ? "does" : "do", quiet == 1 ? "is" : "are"))
              .add(folded)));
  }
  return out;
}

// -- pictures
// -----------------------------------------------------------------------------------------------------------

std::string power(std::int64_t exponent) {
  return exponent == 0 ? "1" : fmt::format("1e{}", exponent);
}

Html histogram_svg(const Histogram& h) {
  constexpr int kWidth = 900, kHeight = 230, kLeft = 46, kBottom = 44, kTop = 22;
  const int plot = kWidth - kLeft - 14, tall = kHeight - kBottom - kTop;
  std::int64_t most = 1;
  for (const HistogramBin& bin : h.bins) most = std::max(most, bin.count);
  const auto n = static_cast<int>(h.bins.size());
  const auto x_of = [&](int i) { return kLeft + plot * i / n; };
  std::string out;
  int line = -1;
  for (int i = 0; i < n; ++i) {
    const HistogramBin& bin = h.bins[static_cast<std::size_t>(i)];
    const int height = static_cast<int>(bin.count * tall / most) + (bin.count > 0 ? 1 : 0);
    if (bin.from == h.threshold) line = x_of(i);
    if (bin.count > 0)
      out += fmt::format(
          "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"></rect>"
          "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
          bin.from < h.threshold ? "h-bar" : "h-over", x_of(i) + 1, kTop + tall - height,
          std::max(x_of(i + 1) - x_of(i) - 2, 2), height, (x_of(i) + x_of(i + 1)) / 2,
          kTop + tall - height - 5, bin.count);
    if (i % std::max(1, n / 9) == 0)
      out +=
          fmt::format("<text class=\"h-soft\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                      x_of(i), kTop + tall + 17, power(bin.from));
  }
  if (line >= 0)
    out += fmt::format(
        "<path class=\"h-line\" d=\"M{0} {1}V{2}\"></path><text x=\"{3}\" y=\"{4}\" "
        "text-anchor=\"end\">found at p below {5}</text>",
        line, kTop - 12, kTop + tall, line - 6, kTop - 6, power(h.threshold));
  return Html::rendered(fmt::format(
      "<svg viewBox=\"0 0 {0} {1}\" role=\"img\" aria-labelledby=\"hist-title hist-desc\">"
      "<title id=\"hist-title\">Detections by p-value</title><desc id=\"hist-desc\">{2} of {3} "
      "outputs "
      "lie at or below the threshold {4}. The table that follows holds the numbers.</desc>"
      "<path class=\"h-axis\" fill=\"none\" d=\"M{5} {6}H{7}\"></path>{8}<text class=\"h-soft\" "
      "x=\"{9}\" "
      "y=\"{10}\" text-anchor=\"middle\">p-value: how often an unmarked text would look this "
      "marked</text></svg>",
      kWidth, kHeight, h.at_or_below, h.total, power(h.threshold), kLeft, kTop + tall, kWidth - 14,
      out, kLeft + plot / 2, kHeight - 8));
}

Html histogram_section(const app::GateResult& gate) {
  const Histogram h = histogram(gate);
  if (h.total == 0) return tag("p", "No outputs are recorded, so no detector ran.");
  Html body =
      tag("p", claim_sign(Claim::recorded)
                   .add(Html::text(fmt::format(
                       "{} of {} outputs carry the mark at p at or below {}; {} inconclusive. The "
                       "number of outputs is the denominator of every rule about them.",
                       h.at_or_below, h.total, power(h.threshold), h.inconclusive))));
  if (h.bins.empty()) return body;
  body.add(Html::element("div",
                         {{"class", "chart fluid"},
                          {"tabindex", "0"},
                          {"role", "region"},
                          {"aria-label", "Histogram of detections"}},
                         {histogram_svg(h)}));
  Html rows;
  for (const HistogramBin& bin : h.bins)
    if (bin.count > 0)
      rows.add(tag(
          "tr", Html::element("th", {{"scope", "row"}},
                              {Html::text(fmt::format("{} to {}", power(bin.from), power(bin.to)))})
                    .add(tag("td", "n", Html::text(fmt::format("{}", bin.count))))
                    .add(tag("td", bin.from < h.threshold ? "below the threshold"
                                                          : "not below the threshold"))));
  const Html head =
      Html::element("th", {{"scope", "col"}}, {Html::text("p-value")})
          .add(Html::element("th", {{"scope", "col"}, {"class", "n"}}, {Html::text("Outputs")}))
          .add(Html::element("th", {{"scope", "col"}}, {Html::text("Side")}));
  return body.add(tag(
      "details", tag("summary", "The numbers as a table")
                     .add(tag("table", tag("thead", tag("tr", head)).add(tag("tbody", rows))))));
}

Html lineage_section(const audit::Lineage& lineage) {
  constexpr std::size_t kDrawn = 60;
  if (lineage.nodes.empty()) return tag("p", "Nothing is recorded.");
  Html body;
  const auto picture = lineage_svg(lineage, {true});
  if (lineage.nodes.size() <= kDrawn && picture.has_value())
    body.add(Html::element("div",
                           {{"class", "chart lineage"},
                            {"tabindex", "0"},
                            {"role", "region"},
                            {"aria-label", "Picture of the lineage"}},
                           {Html::rendered(*picture)}));
  else
    body.add(tag(
        "p", fmt::format(
                 "{} things and {} links are too many for a picture; they are in the evidence at "
                 "the end of this file.",
                 lineage.nodes.size(), lineage.edges.size())));
  Html rows;
  for (std::size_t i = 0; i < std::min(kDrawn, lineage.nodes.size()); ++i) {
    const audit::LineageNode& node = lineage.nodes[i];
    std::string to, gaps;
    for (const audit::LineageEdge& edge : lineage.edges)
      if (edge.from == i)
        to += fmt::format("{}{} {}", to.empty() ? "" : "; ", edge.role,
                          node_words(lineage.nodes[edge.to]));
    for (const std::string& gap : node.gaps) gaps += (gaps.empty() ? "" : "; ") + gap;
    rows.add(
        tag("tr", Html::element("th", {{"scope", "row"}}, {Html::text(node_words(node))})
                      .add(tag("td", to.empty() ? "nothing further" : to))
                      .add(tag("td", gaps.empty() ? "nothing" : gaps))
                      .add(tag("td", node.entry.has_value()
                                         ? fmt::format("entry {} by {}", *node.entry, node.signer)
                                         : std::string("no record")))));
  }
  Html head;
  for (const char* name : {"What", "What came of it", "What is missing", "Recorded"})
    head.add(Html::element("th", {{"scope", "col"}}, {Html::text(name)}));
  return body.add(
      tag("details",
          tag("summary", "The lineage as a table")
              .add(tag("table", "rows", tag("thead", tag("tr", head)).add(tag("tbody", rows))))));
}

Html check_section(const ReportInput& input) {
  Html body = Html::element("p", {{"id", "check"}, {"class", "check"}, {"role", "status"}});
  body.add(tag(
      "p", Html::text(
               "Where scripts run, this page checks its own signature, offline. A page that "
               "was rewritten whole, with another key, would pass its own check: compare the key's "
               "fingerprint with one that you have from elsewhere.")));
  body.add(tag(
      "dl", "facts",
      fact("Fingerprint of the key that signed (SHA-256 of its SubjectPublicKeyInfo)",
           tag("code", input.key_id))
          .add(fact("The log's verifier key", tag("code", input.log_vkey)))
          .add(fact("The same on the command line",
                    tag("code", fmt::format("sigillo report verify FILE --key FINGERPRINT"))))));
  return body;
}

Html refusal_section(const app::GateResult& gate) {
  Html rows;
  for (const audit::Finding& f : gate.ledger.findings)
    rows.add(tag("tr", Html::element("th", {{"scope", "row"}}, {Html::text(f.place)})
                           .add(tag("td", to_string(f.severity)))
                           .add(tag("td", f.message))
                           .add(tag("td", f.remedy))));
  Html head;
  for (const char* name : {"Place", "Severity", "What is wrong", "What to do"})
    head.add(Html::element("th", {{"scope", "col"}}, {Html::text(name)}));
  return tag("div", "card",
             tag("table", "rows", tag("thead", tag("tr", head)).add(tag("tbody", rows))));
}

Html body_of(const ReportInput& input) {
  const app::GateResult& gate = input.gate;
  Html main = section("check-title", "Is this page what was signed?", "", check_section(input));
  if (!gate.verdicts.has_value()) {
    main.add(section("findings", "Why there is no verdict",
                     "The ledger was recomputed before anything was judged. No rule was evaluated.",
                     refusal_section(gate)));
    return main;
  }
  main.add(section("dates", "Obligations by date",
                   "Dates are data of the rules, with their transitions.", timeline(gate)));
  main.add(section("unchecked", "What was not checked", "", bullet_list(not_checked(gate))));
  main.add(
      section("rules", "Rules by article",
              "What needs work stands open; the rest is folded. Every rule of the pack is here.",
              rules_by_article(*gate.verdicts)));
  main.add(section(
      "lineage", "Where it comes from",
      "Datasets, runs, releases, systems and outputs, as recorded; a triangle and a dashed border "
      "mark what is missing.",
      lineage_section(input.lineage)));
  main.add(section("detections", "How strongly the mark was found", "", histogram_section(gate)));
  main.add(section("claims", "How each claim is known", "", claims_key()));
  return main;
}

std::string hash_source(std::string_view text) {
  return fmt::format("'sha256-{}'", core::base64_encode(core::sha256(text).view()));
}

}  // namespace

std::string report_page(const ReportInput& input) {
  const std::string policy = fmt::format(
      "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
      hash_source(report_style()), hash_source(check_script()));
  Html head = Html::element("meta", {{"charset", "utf-8"}});
  head.add(Html::element("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", policy}}));
  head.add(Html::element(
      "meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}));
  head.add(Html::element("meta", {{"name", "referrer"}, {"content", "no-referrer"}}));
  head.add(tag("title", fmt::format("Article 50 report: {}", verdict_sentence(input.gate))));
  head.add(tag("style", Html::rendered(std::string(report_style()))));
  Html body = Html::element("a", {{"class", "skip"}, {"href", "#main"}},
                            {Html::text("Skip to the details")});
  body.add(front(input));
  body.add(Html::element("main", {{"id", "main"}}, {body_of(input)}));
  body.add(
      tag("footer",
          Html::text("Evidence for duties, never a statement of conformity. The evidence and its "
                     "signature are in this file as JSON; docs/formats/report.md says how to check "
                     "them with other tools.")));
  body.add(Html::element("script", {{"type", "application/json"}, {"id", "evidence"}}));
  body.add(Html::element("script", {{"type", "application/json"}, {"id", "seal"}}));
  body.add(tag("script", Html::rendered(std::string(check_script()))));
  return "<!doctype html><html lang=\"en\">" + tag("head", head).bytes() +
         tag("body", body).bytes() + "</html>";
}

}  // namespace sigillo::report
