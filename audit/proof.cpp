#include "sigillo/audit/proof.hpp"

#include <fmt/format.h>

#include "audit/lines.hpp"

namespace sigillo::audit {
namespace {

using core::Error;
using core::ErrorCode;

constexpr std::string_view kHeader = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";

constexpr std::string_view kOld = "old ";

Error malformed_proof(std::string_view why, std::string_view what = "tlog-proof") {
  return Error{ErrorCode::invalid_input, fmt::format("not a {}: {}", what, why), ""};
}

core::Result<core::Bytes> parse_extra(std::string_view text) {
  auto bytes = core::base64_decode(text);
  if (!bytes) return malformed_proof("its extra data is not valid base64");
  // No extra data has one form: no such line.
  if (bytes->empty()) return malformed_proof("its extra line is empty");
  return bytes;
}

// Reads hash lines up to and including the blank one.
core::Result<std::vector<Digest>> parse_path(std::string_view& rest,
                                             std::string_view what = "tlog-proof") {
  std::vector<Digest> path;
  for (;;) {
    const auto line = take_line(rest);
    if (!line) return malformed_proof("no blank line ends its path", what);
    if (line->empty()) return path;
    if (path.size() == kMaxPathHashes)
      return malformed_proof(fmt::format("it has more than {} hashes", kMaxPathHashes), what);
    const auto bytes = core::base64_decode(*line);
    if (!bytes || bytes->size() != sizeof(Digest::bytes))
      return malformed_proof(
          fmt::format("line {} of its path is not the base64 of 32 bytes", path.size() + 1), what);
    SIGILLO_TRY(const Digest hash, Digest::from_bytes(*bytes));
    path.push_back(hash);
  }
}

}  // namespace

std::string tlog_proof_text(const TlogProof& proof) {
  std::string text = fmt::format("{}\n", kHeader);
  if (!proof.extra.empty()) text += fmt::format("{}{}\n", kExtra, core::base64_encode(proof.extra));
  text += fmt::format("{}{}\n", kIndex, proof.index);
  for (const Digest& hash : proof.path)
    text += fmt::format("{}\n", core::base64_encode(hash.view()));
  return text + "\n" + proof.checkpoint;
}

core::Result<TlogProof> parse_tlog_proof(std::string_view text) {
  if (text.size() > kMaxProofBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("a tlog-proof has at most {} bytes", kMaxProofBytes), ""};
  if (take_line(text) != kHeader)
    return malformed_proof(fmt::format("it does not begin {}", kHeader));
  TlogProof proof;
  auto line = take_line(text);
  if (line && line->starts_with(kExtra)) {
    SIGILLO_TRY(proof.extra, parse_extra(line->substr(kExtra.size())));
    line = take_line(text);
  }
  if (!line || !line->starts_with(kIndex)) return malformed_proof("it has no index line");
  const auto index = parse_decimal(line->substr(kIndex.size()));
  if (!index) return malformed_proof("its index is not a plain decimal below 2^63");
  proof.index = *index;
  SIGILLO_TRY(proof.path, parse_path(text));
  if (text.empty()) return malformed_proof("it has no checkpoint");
  proof.checkpoint = std::string(text);
  return proof;
}

core::Result<TrustedCheckpoint> verify_tlog_proof(const TlogProof& proof, core::ByteView leaf,
                                                  const CheckpointTrust& trust) {
  SIGILLO_TRY(TrustedCheckpoint trusted, open_trusted_checkpoint(proof.checkpoint, trust));
  SIGILLO_TRY_VOID(verify_inclusion(leaf_hash(leaf), proof.index, trusted.checkpoint.size,
                                    proof.path, trusted.checkpoint.root));
  return trusted;
}

core::Result<Checkpoint> verify_tlog_proof(const TlogProof& proof, core::ByteView leaf,
                                           const NoteVerifier& log) {
  SIGILLO_TRY(TrustedCheckpoint trusted, verify_tlog_proof(proof, leaf, trust_log(log)));
  return std::move(trusted.checkpoint);
}

std::string consistency_proof_text(const ConsistencyProof& proof) {
  std::string text = fmt::format("{}{}\n", kOld, proof.old_size);
  for (const Digest& hash : proof.path)
    text += fmt::format("{}\n", core::base64_encode(hash.view()));
  return text + "\n" + proof.checkpoint;
}

core::Result<ConsistencyProof> parse_consistency_proof(std::string_view text) {
  constexpr std::string_view what = "consistency proof";
  if (text.size() > kMaxProofBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("a consistency proof has at most {} bytes", kMaxProofBytes), ""};
  const auto line = take_line(text);
  if (!line || !line->starts_with(kOld))
    return malformed_proof("it does not begin with \"old \"", what);
  ConsistencyProof proof;
  const auto size = parse_decimal(line->substr(kOld.size()));
  if (!size) return malformed_proof("its size is not a plain decimal below 2^63", what);
  proof.old_size = *size;
  SIGILLO_TRY(proof.path, parse_path(text, what));
  if (text.empty()) return malformed_proof("it has no checkpoint", what);
  proof.checkpoint = std::string(text);
  return proof;
}

core::Result<Checkpoint> verify_consistency_proof(const ConsistencyProof& proof,
                                                  std::string_view old_note,
                                                  const NoteVerifier& log) {
  SIGILLO_TRY(const Checkpoint older, open_checkpoint(old_note, log));
  SIGILLO_TRY(Checkpoint newer, open_checkpoint(proof.checkpoint, log));
  if (older.size != proof.old_size)
    return Error{ErrorCode::proof_invalid,
                 fmt::format("the proof starts at size {}, the older checkpoint has {}",
                             proof.old_size, older.size),
                 "give the checkpoint that the proof was made for"};
  SIGILLO_TRY_VOID(verify_consistency(older.size, older.root, newer.size, newer.root, proof.path));
  return newer;
}

}  // namespace sigillo::audit
