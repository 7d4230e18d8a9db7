// tinylm: trains a small n-gram language model on a folder of text, and writes texts with it,
// marked or not.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "examples/tinylm/bpe.hpp"
#include "examples/tinylm/corpus.hpp"
#include "examples/tinylm/model_file.hpp"
#include "examples/tinylm/texts.hpp"
#include "sigillo/core/files.hpp"

namespace {
namespace fs = std::filesystem;
namespace core = sigillo::core;
namespace watermark = sigillo::watermark;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::Status;

// ---- Signals and progress
// -------------------------------------------------------------------------------------------

volatile sig_atomic_t stop_signal = 0;

extern "C" void note_signal(int number) { stop_signal = number; }

// Files are written whole or not at all, and a write that has begun ends; so it is enough to look
// at the flag between steps.
void watch_signals() {
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaction(number, &action, nullptr);
}

// One line on a terminal, rewritten when the percentage changes. Nothing anywhere else.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet) : on_(!quiet && ::isatty(STDERR_FILENO) == 1) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() {
    if (on_ && !shown_.empty()) std::cerr << "\r\033[K" << std::flush;
  }
  void show(std::string_view step, std::uint64_t done, std::uint64_t total) {
    if (!on_) return;
    std::string line = fmt::format("{} {}%", step, total == 0 ? 100 : 100 * done / total);
    if (line == shown_) return;
    shown_ = std::move(line);
    std::cerr << "\r\033[K" << shown_ << std::flush;
  }

 private:
  bool on_;
  std::string shown_;
};

tinylm::Control make_control(ProgressLine& line) {
  tinylm::Control control;
  control.stop_requested = [] { return stop_signal != 0; };
  control.progress = [&line](std::string_view step, std::uint64_t done, std::uint64_t total) {
    line.show(step, done, total);
  };
  return control;
}

// ---- Output
// ---------------------------------------------------------------------------------------------------------

std::int64_t thousandths(double value) { return std::llround(value * 1000); }
std::string shown(double value) { return fmt::format("{:.3f}", value); }

// A summary is a list of names and values: lines for people, one JSON object for programs.
using Summary = nlohmann::ordered_json;

void print(const Summary& summary, bool json) {
  if (json) {
    std::cout << summary.dump() << '\n';
    return;
  }
  for (const auto& [name, value] : summary.items())
    std::cout << fmt::format("{:<28} {}\n", name,
                             value.is_string() ? value.get<std::string>() : value.dump());
}

Status make_folder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) return core::error_from_errno(failure.value(), "cannot create folder", folder);
  return {};
}

// ---- train
// ----------------------------------------------------------------------------------------------------------

struct TrainArguments {
  std::string corpus, output;
  std::int32_t vocabulary = 4096;
  std::int32_t order = 3;
  bool json = false, quiet = false;
};

// For whoever runs this program and accounts for its compute: $SIGILLO_RUN_REPORT names the file to
// leave the figures in.
Status write_run_report(const tinylm::Model& model, const tinylm::TrainingReport& report) {
  const char* path = std::getenv("SIGILLO_RUN_REPORT");
  if (path == nullptr || *path == '\0') return {};
  const Summary content{{"flop", std::to_string(report.flop)},
                        {"flop_method", tinylm::kFlopMethod},
                        {"tokens", report.tokens},
                        {"parameters", model.parameters()},
                        {"mean_entropy_millinats", thousandths(report.mean_entropy)},
                        {"vocabulary", model.vocabulary}};
  return core::write_file_atomically(path, core::as_bytes(content.dump() + "\n"));
}

Summary summarize(const tinylm::Model& model, const tinylm::TrainingReport& report) {
  return {{"documents", model.document_count},
          {"vocabulary", model.vocabulary},
          {"tokens", report.tokens},
          {"tuning_tokens", report.tuning_tokens},
          {"test_tokens", report.test_tokens},
          {"cross_entropy_nats", shown(report.cross_entropy)},
          {"mean_entropy_nats", shown(report.mean_entropy)},
          {"parameters", model.parameters()},
          {"flop", std::to_string(report.flop)},
          {"flop_method", tinylm::kFlopMethod}};
}

Status train(const TrainArguments& arguments) {
  ProgressLine line(arguments.quiet);
  const tinylm::Control control = make_control(line);
  SIGILLO_TRY(const auto texts, tinylm::read_corpus(arguments.corpus, control));
  SIGILLO_TRY(const auto bpe, tinylm::learn_bpe(texts, arguments.vocabulary, control));
  SIGILLO_TRY(auto trained,
              tinylm::train_model(bpe.documents, bpe.tokens, arguments.order, control));
  auto& [model, report] = trained;
  const std::string tokenizer = tinylm::tokenizer_json(bpe);
  model.tokenizer = core::sha256(tokenizer);
  if (control.stop_requested()) return tinylm::stopped();
  SIGILLO_TRY_VOID(make_folder(arguments.output));
  SIGILLO_TRY_VOID(core::write_file_atomically(fs::path(arguments.output) / "tokenizer.json",
                                               core::as_bytes(tokenizer)));
  SIGILLO_TRY_VOID(core::write_file_atomically(fs::path(arguments.output) / "model.tinylm",
                                               tinylm::model_bytes(model)));
  SIGILLO_TRY_VOID(write_run_report(model, report));
  print(summarize(model, report), arguments.json);
  return {};
}

// ---- write
// ----------------------------------------------------------------------------------------------------------

struct WriteArguments {
  std::string model, output, key_file, profile = "vllm-gumbel";
  std::int64_t count = 1, tokens_mean = 260, tokens_spread = 30;
  std::uint64_t seed = 0;
  float temperature = 1.0F;
  bool json = false, quiet = false;
};

// The file holds what `sigillo keys import` takes and a keyring keeps. It appears in no message.
Result<watermark::TextKey> read_key(const fs::path& path) {
  SIGILLO_TRY(core::Bytes bytes, core::read_file(path, 4096));
  auto key = core::parse_watermark_values(core::as_text(bytes));
  core::secure_zero(bytes.data(), bytes.size());
  if (!key.has_value()) return key.error().in(path.string());
  return key;
}

Result<tinylm::WriteOptions> make_options(const WriteArguments& arguments) {
  tinylm::WriteOptions options;
  options.seed = arguments.seed;
  options.tokens_mean = arguments.tokens_mean;
  options.tokens_spread = arguments.tokens_spread;
  options.temperature = arguments.temperature;
  SIGILLO_TRY(options.profile, watermark::text_profile(arguments.profile));
  if (!arguments.key_file.empty()) {
    SIGILLO_TRY(const auto key, read_key(arguments.key_file));
    options.key.emplace(key);
  }
  return options;
}

struct Totals {
  std::int64_t texts = 0, tokens = 0, sampled = 0, differing = 0, texts_that_differ = 0,
               shortest = 0, longest = 0;
  std::int64_t entropy_steps = 0;
  double entropy_sum = 0;

  void add(const tinylm::Text& text) {
    shortest = texts == 0 ? text.tokens : std::min(shortest, text.tokens);
    longest = std::max(longest, text.tokens);
    ++texts;
    tokens += text.tokens;
    sampled += text.sampled;
    differing += text.differing;
    texts_that_differ += text.differing > 0 ? 1 : 0;
    entropy_steps += text.entropy_steps;
    entropy_sum += text.entropy_sum;
  }
};

Summary summarize(const Totals& totals, const WriteArguments& arguments) {
  const double entropy = totals.entropy_sum / static_cast<double>(totals.entropy_steps);
  Summary summary{{"texts", totals.texts},
                  {"marked", !arguments.key_file.empty()},
                  {"tokens", totals.tokens},
                  {"shortest", totals.shortest},
                  {"longest", totals.longest},
                  {"sampled_tokens", totals.sampled},
                  {"tokens_cut_otherwise", totals.differing},
                  {"texts_cut_otherwise", totals.texts_that_differ},
                  {"mean_entropy_nats", shown(entropy)}};
  // Said of the scheme that it holds for. Aaronson's bound for the Gumbel choice: a marked token
  // scores at least 1 + (pi^2/6 - 1) H on average, an unmarked one 1.
  if (arguments.profile != "vllm-gumbel") return summary;
  constexpr double kPerNat = 3.14159265358979323846 * 3.14159265358979323846 / 6 - 1;
  summary["expected_score_per_token"] = arguments.key_file.empty()
                                            ? std::string("1.000")
                                            : "at least " + shown(1 + kPerNat * entropy);
  return summary;
}

// Writes texts that are all different. One that came out as an earlier one is replaced by the next
// number past the end: a watermark's choices repeat where two texts begin alike.
class DifferentTexts {
 public:
  DifferentTexts(tinylm::TextWriter& writer, std::int64_t count)
      : writer_(writer), spare_(static_cast<std::uint64_t>(count) + 1), last_(spare_ + kMaxSpare) {}
  Result<tinylm::Text> write(std::uint64_t number) {
    for (;;) {
      SIGILLO_TRY(tinylm::Text text, writer_.write(number));
      if (seen_.insert(core::sha256(text.bytes)).second) return text;
      if (spare_ == last_)
        return Error{ErrorCode::invalid_argument, "the model gives too few different texts",
                     "train it on more, or raise --temperature or --tokens-mean"};
      number = spare_++;
    }
  }

 private:
  static constexpr std::uint64_t kMaxSpare = 10000;
  tinylm::TextWriter& writer_;
  std::uint64_t spare_, last_;
  std::set<core::Digest> seen_;
};

Status write(const WriteArguments& arguments) {
  ProgressLine line(arguments.quiet);
  if (arguments.count < 1 || arguments.count > tinylm::kMaxTexts)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("{} texts are outside 1 to {}", arguments.count, tinylm::kMaxTexts),
                 "choose another --count"};
  SIGILLO_TRY(auto options, make_options(arguments));
  const fs::path folder = arguments.model;
  SIGILLO_TRY(const core::Bytes json,
              core::read_file(folder / "tokenizer.json", watermark::kMaxTokenizerFileBytes));
  SIGILLO_TRY(const core::Bytes bytes,
              core::read_file(folder / "model.tinylm", tinylm::kMaxModelBytes));
  SIGILLO_TRY(auto tokenizer, watermark::Tokenizer::from_json(core::as_text(json)));
  SIGILLO_TRY(const tinylm::Model model, tinylm::model_from_bytes(bytes));
  SIGILLO_TRY(auto writer,
              tinylm::TextWriter::create(model, std::move(tokenizer), std::move(options)));
  SIGILLO_TRY_VOID(make_folder(arguments.output));
  Totals totals;
  DifferentTexts texts(writer, arguments.count);
  for (std::int64_t i = 1; i <= arguments.count; ++i) {
    if (stop_signal != 0) return tinylm::stopped();
    line.show("write", static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(arguments.count));
    SIGILLO_TRY(const tinylm::Text text, texts.write(static_cast<std::uint64_t>(i)));
    const fs::path file = fs::path(arguments.output) / fmt::format("{:04}.txt", i);
    SIGILLO_TRY_VOID(core::write_file_atomically(file, core::as_bytes(text.bytes)));
    totals.add(text);
  }
  print(summarize(totals, arguments), arguments.json);
  return {};
}

// ---- Arguments
// ------------------------------------------------------------------------------------------------------

void add_train(CLI::App& app, TrainArguments& arguments) {
  auto* verb =
      app.add_subcommand("train", "learn a vocabulary and an n-gram model from a folder of text");
  verb->add_option("--corpus", arguments.corpus, "folder; all regular files below it are read")
      ->required();
  verb->add_option("--output", arguments.output,
                   "folder for tokenizer.json and model.tinylm; made if missing")
      ->required();
  verb->add_option(
          "--vocabulary", arguments.vocabulary,
          fmt::format("tokens to learn, {} to {}", tinylm::kMinVocabulary, tinylm::kMaxVocabulary))
      ->capture_default_str();
  verb->add_option("--order", arguments.order, "longest n-gram, 1 to 3")->capture_default_str();
  verb->add_flag("--json", arguments.json, "print one JSON object");
  verb->add_flag("--quiet", arguments.quiet, "no progress, even on a terminal");
  verb->footer(
      "If SIGILLO_RUN_REPORT names a file, the counted FLOP and the other figures are left there "
      "as JSON.");
}

void add_write(CLI::App& app, WriteArguments& arguments) {
  auto* verb = app.add_subcommand("write", "write texts as 0001.txt, 0002.txt, ...");
  verb->add_option("--model", arguments.model, "folder that train wrote")->required();
  verb->add_option("--count", arguments.count, "how many texts")->required();
  verb->add_option("--seed", arguments.seed, "text i depends on the seed and i only")->required();
  verb->add_option("--output", arguments.output,
                   "folder for the texts; made if missing, same names are replaced")
      ->required();
  verb->add_option("--tokens-mean", arguments.tokens_mean,
                   "middle of the lengths, in tokens of the text encoded anew")
      ->capture_default_str();
  verb->add_option("--tokens-spread", arguments.tokens_spread,
                   "lengths are drawn evenly from mean - spread to mean + spread")
      ->capture_default_str();
  verb->add_option("--key-file", arguments.key_file,
                   "mark the texts with the watermark key in this file (one 64-bit number, or the "
                   "list that the profile takes; decimal, or 0x and hexadecimal); without it: "
                   "unmarked");
  verb->add_option("--profile", arguments.profile, "watermark profile")->capture_default_str();
  verb->add_option("--temperature", arguments.temperature, "of the sampling")
      ->capture_default_str();
  verb->add_flag("--json", arguments.json, "print one JSON object");
  verb->add_flag("--quiet", arguments.quiet, "no progress, even on a terminal");
}

int report_error(const Error& error) {
  std::cerr << "tinylm: " << error.message << '\n';
  if (!error.remedy.empty()) std::cerr << "  " << error.remedy << '\n';
  return stop_signal != 0 ? 128 + stop_signal : static_cast<int>(core::exit_code(error.code));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "tinylm trains an interpolated n-gram language model (not a neural network) and writes texts "
      "with it.\n"
      "It is small enough to train in seconds on one core and real enough to carry a watermark."};
  app.require_subcommand(1);
  TrainArguments train_arguments;
  WriteArguments write_arguments;
  add_train(app, train_arguments);
  add_write(app, write_arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(core::ExitCode::usage);
  }
  watch_signals();
  const Status status =
      app.got_subcommand("train") ? train(train_arguments) : write(write_arguments);
  if (!status.has_value()) return report_error(status.error());
  return std::cout.flush() ? 0 : static_cast<int>(core::ExitCode::environment);
}
