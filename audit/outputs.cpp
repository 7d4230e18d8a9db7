#include "sigillo/audit/outputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;

namespace {

constexpr std::size_t kMaxOutputs = 100000;

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Result<OutputLine> parse_line(std::string_view text) {
  constexpr std::string_view where = "output line";
  SIGILLO_TRY(const Json value, core::parse_json(text));
  OutputLine line;
  SIGILLO_TRY(const std::string hex, core::json_string(value, "output_digest", where));
  SIGILLO_TRY(line.output_digest, Digest::from_hex(hex));
  SIGILLO_TRY(line.modality, core::json_string(value, "modality", where));
  SIGILLO_TRY(const Json detection, core::json_member(value, "detection", where));
  SIGILLO_TRY(line.detection, core::detection_from_json(detection));
  return line;
}

core::Status check_detection(const core::Detection& detection) {
  auto read = core::detection_from_json(core::to_json(detection));
  return read.has_value() ? core::Status() : read.error();
}

}  // namespace

Result<OutputsBatch> make_outputs_batch(std::vector<OutputLine> outputs) {
  if (outputs.empty() || outputs.size() > kMaxOutputs)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("a batch has 1 to {} outputs, not {}", kMaxOutputs, outputs.size()),
                 "record them in several batches"};
  std::sort(outputs.begin(), outputs.end(),
            [](const auto& a, const auto& b) { return a.output_digest < b.output_digest; });
  const auto twin = std::adjacent_find(
      outputs.begin(), outputs.end(),
      [](const auto& a, const auto& b) { return a.output_digest == b.output_digest; });
  if (twin != outputs.end())
    return Error{
        ErrorCode::invalid_input,
        fmt::format("two outputs have the same bytes (sha256:{})", twin->output_digest.hex()),
        "give each output once"};
  OutputsBatch batch;
  CompactRange range;
  for (const OutputLine& output : outputs) {
    // What the reader would refuse must not be signed.
    SIGILLO_TRY_VOID(check_detection(output.detection));
    SIGILLO_TRY(const std::string line,
                core::canonical_json(Json{{"output_digest", output.output_digest.hex()},
                                          {"modality", output.modality},
                                          {"detection", core::to_json(output.detection)}}));
    const Digest hash = leaf_hash(core::as_bytes(line));
    range.append(hash);
    batch.tree.insert(batch.tree.end(), hash.bytes.begin(), hash.bytes.end());
    batch.lines += line + "\n";
  }
  batch.root = range.root();
  batch.count = outputs.size();
  return batch;
}

Result<std::vector<OutputLine>> parse_output_lines(std::string_view lines) {
  std::vector<OutputLine> outputs;
  for (const std::string_view line : split_lines(lines)) {
    auto output = parse_line(line);
    if (!output.has_value()) return output.error().in(fmt::format("line {}", outputs.size() + 1));
    outputs.push_back(*std::move(output));
  }
  // One form only: this refuses unknown members, another order, a repeated output and a cut line.
  SIGILLO_TRY(const OutputsBatch batch, make_outputs_batch(outputs));
  if (batch.lines != lines)
    return Error{ErrorCode::invalid_input, "output lines: not in their canonical form and order",
                 ""};
  return outputs;
}

std::vector<std::size_t> altered_lines(std::string_view lines, core::ByteView tree) {
  std::vector<std::size_t> altered;
  const auto split = split_lines(lines);
  const std::size_t count = std::max(split.size(), tree.size() / 32);
  for (std::size_t i = 0; i < count; ++i) {
    const bool there = i < split.size() && (i + 1) * 32 <= tree.size();
    if (!there ||
        !std::ranges::equal(leaf_hash(core::as_bytes(split[i])).bytes, tree.subspan(i * 32, 32)))
      altered.push_back(i + 1);
  }
  return altered;
}

}  // namespace sigillo::audit
