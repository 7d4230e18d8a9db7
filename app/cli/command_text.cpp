#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "app/cli/context.hpp"
#include "app/cli/output.hpp"
#include "app/cli/render.hpp"

namespace sigillo::cli {
namespace {

using core::DetectionResult;
using core::ExitCode;
using core::Json;
using core::Result;

struct DetectArguments {
  app::TextDetectRequest request;
  double threshold = 1e-6;
  bool tokens = false;
};

// The worst result decides: 0 only if the mark was found in every text.
ExitCode exit_of(const std::vector<app::FileDetection>& detections) {
  ExitCode exit = ExitCode::done;
  for (const app::FileDetection& file : detections) {
    if (file.detection.result == DetectionResult::inconclusive) return ExitCode::undecided;
    if (file.detection.result == DetectionResult::not_found) exit = ExitCode::not_verified;
  }
  return exit;
}

Result<ExitCode> detect(const Context& context, DetectArguments arguments) {
  if (arguments.tokens == arguments.request.tokenizer.has_value())
    return core::Error{core::ErrorCode::invalid_argument,
                       "either --tokenizer FILE or --tokens is needed",
                       "texts need the model's tokenizer.json; --tokens is for files of token ids"};
  if (!(arguments.threshold > 0 && arguments.threshold < 1))
    return core::Error{core::ErrorCode::invalid_argument, "--threshold must lie between 0 and 1",
                       "1e-6 is the default"};
  arguments.request.threshold_log10_micro =
      static_cast<std::int64_t>(std::floor(std::log10(arguments.threshold) * 1e6));
  SIGILLO_TRY(const audit::Workspace workspace, context.workspace());
  SIGILLO_TRY(const std::vector<app::FileDetection> detections,
              app::detect_text_files(workspace, arguments.request));
  if (context.json) {
    Json list = Json::array();
    for (const app::FileDetection& file : detections)
      list.push_back(
          Json{{"file", file.file.string()}, {"detection", core::to_json(file.detection)}});
    print_out("{}", json_line(list));
  } else {
    print_out("{}", render_detections(detections));
  }
  return exit_of(detections);
}

}  // namespace

void add_text_commands(Command app, Context& context) {
  Command text = app.group("text", "text watermarks");
  auto arguments = std::make_shared<DetectArguments>();
  Command command = add_command(text, context, "detect",
                                "look for a mark in texts; exits 0 if every text carries it, 1 "
                                "if one does not, 2 if one is too short to tell",
                                [&context, arguments] { return detect(context, *arguments); });
  command
      .option("files", arguments->request.files, "texts, folders of texts, or - for standard input")
      .required();
  command.option("--profile", arguments->request.profile, "watermark profile").show_default();
  command.option("--key", arguments->request.key, "watermark key in the keyring").required();
  command.option("--tokenizer", arguments->request.tokenizer, "tokenizer.json of the model");
  command.flag("--tokens", arguments->tokens, "the files hold token ids instead of text");
  command.option("--threshold", arguments->threshold, "found means p <= this").show_default();
  add_json_flag(command, context);
  command.footer(
      "A p-value says how often a text that does not depend on the key scores as high. It is exact "
      "and counts each\n"
      "repeated context once. \"not found\" does not mean that a person wrote the text.");
}

}  // namespace sigillo::cli
