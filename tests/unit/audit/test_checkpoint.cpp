#include "sigillo/audit/checkpoint.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/unit/audit/tree_fixture.hpp"

namespace {

using namespace sigillo::audit;
using namespace sigillo::audit::test;

constexpr std::string_view kRoot = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=";
constexpr std::string_view kEmptyRoot = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

std::string text_of(std::string_view origin, std::string_view size, std::string_view root) {
  return fmt::format("{}\n{}\n{}\n", origin, size, root);
}
std::string verdict_of(std::string_view text) { return verdict(parse_checkpoint_text(text)); }

}  // namespace

TEST_CASE("checkpoint: text and back") {
  const Checkpoint checkpoint = reference_checkpoint();
  CHECK(checkpoint_text(checkpoint) == text_of(kLogName, "8", kRoot));
  CHECK(parse_checkpoint_text(checkpoint_text(checkpoint)).value() == checkpoint);
  const Checkpoint empty{"a", 0, tree_root({})};
  CHECK(checkpoint_text(empty) == text_of("a", "0", kEmptyRoot));
  CHECK(parse_checkpoint_text(checkpoint_text(empty)).value() == empty);
}

TEST_CASE("checkpoint: every cut is refused") {
  const std::string text = text_of(kLogName, "8", kRoot);
  for (std::size_t i = 0; i < text.size(); ++i) {
    REQUIRE(verdict_of(text.substr(0, i)) == "invalid-input");
  }
}

TEST_CASE("checkpoint: malformed texts") {
  CHECK(verdict_of(text_of("", "8", kRoot)) == "invalid-input");
  CHECK(verdict_of("\n" + text_of("origin", "8", kRoot)) == "invalid-input");
  for (const std::string_view size :
       {"", " 8", "8 ", "+8", "-8", "08", "00", "0x8", "8.0", "8e0", "eight", "\xD9\xA8"})
    CHECK(verdict_of(text_of("origin", size, kRoot)) == "invalid-input");
  for (const std::string_view root :
       {"", "=", "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg",
        "not base64 at all, not base64 at all, no",
        "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyh=",  // unused bits
        "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz-Nw7_RgQyg=",  // URL-safe
        "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQw==",  // 31 bytes
        "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQygo",  // 33 bytes
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"})
    CHECK(verdict_of(text_of("origin", "8", root)) == "invalid-input");
  CHECK(verdict_of(text_of("origin", "8\r", kRoot)) == "invalid-input");
}

TEST_CASE("checkpoint: sizes below 2^63") {
  CHECK(verdict_of(text_of("origin", "9223372036854775807", kRoot)) == "accepted");
  for (const std::string_view size :
       {"9223372036854775808", "18446744073709551615", "18446744073709551616",
        "18446744073709551624", "99999999999999999999999999999999"})
    CHECK(verdict_of(text_of("origin", size, kRoot)) == "invalid-input");
}

TEST_CASE("checkpoint: the empty log has one root") {
  CHECK(verdict_of(text_of("origin", "0", kEmptyRoot)) == "accepted");
  CHECK(verdict_of(text_of("origin", "0", kRoot)) == "invalid-input");
}

TEST_CASE("checkpoint: extension lines are unsupported, not ignored") {
  const std::string text = text_of("origin", "8", kRoot);
  CHECK(verdict_of(text + "extension\n") == "unsupported");
  CHECK(verdict_of(text + "extension\nanother\n") == "unsupported");
  CHECK(verdict_of(text + "\n") == "invalid-input");
  CHECK(verdict_of(text + "not ended") == "invalid-input");
}

TEST_CASE("checkpoint: signed and opened") {
  const auto opened = open_checkpoint(reference_note(), log_verifier());
  REQUIRE(opened.has_value());
  CHECK(*opened == reference_checkpoint());
  // A witness's line, and a line of a kind that we do not know, change nothing.
  const std::string cosigned =
      reference_note() +
      "\xE2\x80\x94 witness.example/w1 "
      "IDJKvgAAAABkGFDL6vML1/LlwBttjP1yKHGli1NBmsmiHwbcftYzljGJ/8rn+drN5FSpngeAbUBVtG3s4EWyr58rgmfG"
      "PbJ2l5lGDw==\n";
  CHECK(open_checkpoint(cosigned, log_verifier()).value() == reference_checkpoint());
}

TEST_CASE("checkpoint: every incremented byte is refused") {
  const std::string note = reference_note();
  for (std::size_t i = 0; i < note.size(); ++i) {
    std::string changed = note;
    changed[i] = static_cast<char>(changed[i] + 1);
    REQUIRE_FALSE(open_checkpoint(changed, log_verifier()).has_value());
  }
}

TEST_CASE("checkpoint: only the log's own key and origin will do") {
  const auto stranger = NoteVerifier::create(kLogName, counting_key(0x20).public_key()).value();
  CHECK(verdict(open_checkpoint(reference_note(), stranger)) == "signature-invalid");
  const auto renamed = NoteVerifier::create("other.example", log_key().public_key()).value();
  CHECK(verdict(open_checkpoint(reference_note(), renamed)) == "signature-invalid");
  // The right key signs, under its own name, a checkpoint of somebody else's log.
  const auto other = sign_note(text_of("other.example", "8", kRoot), kLogName, log_key());
  REQUIRE(other.has_value());
  CHECK(verdict(open_checkpoint(*other, log_verifier())) == "not-trusted");
  // A genuine note of the log that is no checkpoint.
  const auto letter = sign_note("Dear auditor,\n", kLogName, log_key());
  REQUIRE(letter.has_value());
  CHECK(verdict(open_checkpoint(*letter, log_verifier())) == "invalid-input");
  const auto extended =
      sign_note(text_of(kLogName, "8", kRoot) + "extension\n", kLogName, log_key());
  REQUIRE(extended.has_value());
  CHECK(verdict(open_checkpoint(*extended, log_verifier())) == "unsupported");
}

TEST_CASE("checkpoint: what could not be read back is not signed") {
  const auto signing = [](std::string origin, std::uint64_t size) {
    const Digest root = size == 0 ? tree_root({}) : Digest{};
    return verdict(sign_checkpoint({std::move(origin), size, root}, log_key()));
  };
  CHECK(signing("a.example", 0) == "accepted");
  CHECK(signing("a.example", (std::uint64_t{1} << 63) - 1) == "accepted");
  CHECK(signing("a.example", std::uint64_t{1} << 63) == "invalid-argument");
  CHECK(signing("", 1) == "invalid-argument");
  CHECK(signing("a b", 1) == "invalid-argument");
  CHECK(signing("a+b", 1) == "invalid-argument");
  CHECK(signing("a\n5", 1) == "invalid-argument");
  CHECK(signing(std::string("a\n5\n") + std::string(kRoot), 1) == "invalid-argument");
  CHECK(verdict(sign_checkpoint({"a.example", 0, Digest{}}, log_key())) == "invalid-argument");
}
