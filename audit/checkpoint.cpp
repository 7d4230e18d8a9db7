#include "sigillo/audit/checkpoint.hpp"

#include <fmt/format.h>

#include "audit/lines.hpp"

namespace sigillo::audit {
namespace {

using core::Error;
using core::ErrorCode;

Error malformed_checkpoint(std::string_view why) {
  return Error{ErrorCode::invalid_input, fmt::format("not a checkpoint: {}", why), ""};
}

core::Result<Digest> parse_root(std::string_view text) {
  const auto bytes = core::base64_decode(text);
  if (!bytes || bytes->size() != sizeof(Digest::bytes))
    return malformed_checkpoint("its root is not the base64 of 32 bytes");
  return Digest::from_bytes(*bytes);
}

}  // namespace

std::string checkpoint_text(const Checkpoint& checkpoint) {
  return fmt::format("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size,
                     core::base64_encode(checkpoint.root.view()));
}

core::Result<Checkpoint> parse_checkpoint_text(std::string_view text) {
  const auto origin = take_line(text);
  const auto size_line = take_line(text);
  const auto root_line = take_line(text);
  if (!origin || !size_line || !root_line)
    return malformed_checkpoint("it has fewer than three lines");
  if (origin->empty()) return malformed_checkpoint("its origin is empty");
  const auto size = parse_decimal(*size_line);
  if (!size) return malformed_checkpoint("its size is not a plain decimal below 2^63");
  SIGILLO_TRY(const Digest root, parse_root(*root_line));
  if (*size == 0 && root != tree_root({}))
    return malformed_checkpoint("size 0 has another root than the empty tree");
  if (!text.empty()) {
    const auto extension = take_line(text);
    if (!extension || extension->empty())
      return malformed_checkpoint("its last line is not ended or empty");
    return Error{ErrorCode::unsupported, "the checkpoint has extension lines",
                 "ask the log's operator for checkpoints of three lines"};
  }
  return Checkpoint{std::string(*origin), *size, root};
}

core::Result<std::string> sign_checkpoint(const Checkpoint& checkpoint,
                                          const core::PrivateKey& log_key) {
  const std::string text = checkpoint_text(checkpoint);
  // Never sign what our own reader would refuse, or read as something else.
  const auto read_back = parse_checkpoint_text(text);
  if (!read_back || *read_back != checkpoint)
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("a checkpoint of \"{}\" with size {} can not be written: {}", checkpoint.origin,
                    checkpoint.size,
                    read_back ? "its origin has several lines" : read_back.error().message),
        ""};
  return sign_note(text, checkpoint.origin, log_key);
}

core::Status require_log_key(const NoteVerifier& log) {
  if (log.type() == SignatureType::ed25519) return {};
  return Error{ErrorCode::invalid_argument,
               fmt::format("{} is the key of a witness, not of a log", log.vkey()),
               "give the log's verifier key; witnesses are named by a policy"};
}

core::Result<Checkpoint> open_checkpoint(std::string_view note, const NoteVerifier& log) {
  SIGILLO_TRY_VOID(require_log_key(log));
  SIGILLO_TRY(const OpenedNote opened, open_note(note, {log}));
  SIGILLO_TRY(Checkpoint checkpoint, parse_checkpoint_text(opened.text));
  // One key may sign other notes too: only under its own name is one a checkpoint of this log.
  if (checkpoint.origin != log.name())
    return Error{ErrorCode::not_trusted,
                 fmt::format("key {} signed a checkpoint for another origin, \"{}\"", log.name(),
                             checkpoint.origin),
                 ""};
  return checkpoint;
}

}  // namespace sigillo::audit
