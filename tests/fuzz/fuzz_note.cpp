// Signed notes, checkpoints and verifier keys: any bytes are refused or understood in one way.
#include <cstddef>
#include <cstdint>

#include "known_log.hpp"
#include "sigillo/audit/checkpoint.hpp"

namespace {

using namespace sigillo::audit;
namespace core = sigillo::core;

void check_note(std::string_view input) {
  const auto opened = open_note(input, {known_log()});
  if (!opened) return;
  SIGILLO_CHECK(opened->signers.size() == 1);
  // What was read holds when it is added again.
  const auto again = add_signature_lines(input, opened->signers.front().line);
  SIGILLO_CHECK(again.has_value() && open_note(*again, {known_log()}).has_value());
  SIGILLO_CHECK(!opened->text.empty() && opened->text.back() == '\n');
  SIGILLO_CHECK(input.starts_with(opened->text));
}

void check_verifier_key(std::string_view input) {
  const auto verifier = NoteVerifier::parse(input);
  if (verifier) SIGILLO_CHECK(verifier->vkey() == input);
}

// A text has one reading, and that reading has one text.
void check_checkpoint(std::string_view input) {
  const auto checkpoint = parse_checkpoint_text(input);
  if (checkpoint) SIGILLO_CHECK(checkpoint_text(*checkpoint) == input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = core::as_text(core::ByteView(data, size));
  check_note(input);
  check_verifier_key(input);
  check_checkpoint(input);
  return 0;
}
