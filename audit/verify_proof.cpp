#include "sigillo/audit/verify_proof.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sigillo/audit/record.hpp"

namespace sigillo::audit {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;

namespace {

// What makes a checkpoint count: the log's key, a policy's quorum, or both.
Result<CheckpointTrust> trust_of(const ProofQuestion& question, core::Timestamp now) {
  std::optional<NoteVerifier> log;
  if (question.log_key.has_value()) {
    SIGILLO_TRY(log, NoteVerifier::parse(*question.log_key));
  }
  if (!question.policy.has_value()) {
    if (log.has_value()) return trust_log(*log);
    return Error{ErrorCode::invalid_argument, "nothing says which log is trusted",
                 "give the log's key, or a policy that lists logs"};
  }
  auto policy = WitnessPolicy::parse(*question.policy);
  if (!policy.has_value()) return policy.error().in(question.policy_name);
  return trust_policy(*std::move(policy), log, now);
}

Result<core::TimeStampRoots> roots_of(const ProofQuestion& question) {
  auto roots = core::TimeStampRoots::from_pem(question.roots.value_or(""));
  if (!roots.has_value()) return roots.error().in(question.roots_name);
  return roots;
}

}  // namespace

Result<StampedCheckpoint> stamped_checkpoint(std::string_view note,
                                             const std::vector<NoteVerifier>& logs) {
  for (const NoteVerifier& log : logs) SIGILLO_TRY_VOID(require_log_key(log));
  SIGILLO_TRY(const OpenedNote opened, open_note(note, logs));
  SIGILLO_TRY(Checkpoint checkpoint, parse_checkpoint_text(opened.text));
  for (const NoteSigner& signer : opened.signers)
    if (signer.key.name() == checkpoint.origin)
      return StampedCheckpoint{std::move(checkpoint), signer.line,
                               fmt::format("{}\n{}", opened.text, signer.line)};
  return Error{ErrorCode::not_trusted,
               fmt::format("no key of the log \"{}\" has signed the checkpoint", checkpoint.origin),
               "check that the verifier key is that of the log"};
}

Result<StampedProof> verify_stamped_proof(const TlogProof& proof, core::ByteView leaf,
                                          const CheckpointTrust& trust, core::ByteView response,
                                          const core::TimeStampRoots& roots, core::Timestamp now) {
  SIGILLO_TRY(TrustedCheckpoint trusted, verify_tlog_proof(proof, leaf, trust));
  SIGILLO_TRY(const StampedCheckpoint stamped, stamped_checkpoint(proof.checkpoint, trust.logs));
  SIGILLO_TRY(core::TimeStamp stamp,
              core::verify_time_stamp(response, stamped.imprint(), roots, now));
  return StampedProof{std::move(trusted), std::move(stamp)};
}

Result<ProofAnswer> verify_proof(const ProofQuestion& question, core::Timestamp now) {
  if (question.time_stamp.has_value() != question.roots.has_value())
    return Error{ErrorCode::invalid_argument, "a time stamp and its roots belong together",
                 "give both, or neither"};
  if (question.leaf.size() > kMaxLeafBytes)
    return Error{ErrorCode::input_too_large,
                 fmt::format("an entry has at most {} bytes", kMaxLeafBytes), ""};
  SIGILLO_TRY(const CheckpointTrust trust, trust_of(question, now));
  SIGILLO_TRY(const TlogProof proof, parse_tlog_proof(question.receipt));
  ProofAnswer answer;
  answer.index = proof.index;
  if (trust.policy.has_value()) answer.quorum = trust.policy->quorum();
  TrustedCheckpoint trusted;
  if (question.time_stamp.has_value()) {
    SIGILLO_TRY(const core::TimeStampRoots roots, roots_of(question));
    SIGILLO_TRY(StampedProof stamped, verify_stamped_proof(proof, question.leaf, trust,
                                                           *question.time_stamp, roots, now));
    trusted = std::move(stamped.trusted);
    answer.stamp = std::move(stamped.stamp);
  } else {
    SIGILLO_TRY(trusted, verify_tlog_proof(proof, question.leaf, trust));
  }
  answer.checkpoint = std::move(trusted.checkpoint);
  answer.cosigned = std::move(trusted.cosigned);
  return answer;
}

bool is_refusal(ErrorCode code) {
  return code == ErrorCode::proof_invalid || code == ErrorCode::signature_invalid ||
         code == ErrorCode::not_trusted;
}

Json to_json(const ProofAnswer& answer) {
  Json json{{"verified", true},
            {"origin", answer.checkpoint.origin},
            {"size", answer.checkpoint.size},
            {"index", answer.index},
            {"quorum", nullptr},       // nothing but the log's word
            {"time_stamp", nullptr}};  // nobody said when
  if (answer.quorum.has_value()) {
    json["quorum"] = *answer.quorum;
    Json cosigned = Json::array();
    for (const Cosigned& one : answer.cosigned)
      cosigned.push_back(Json{{"witness", one.witness}, {"time", cosignature_time(one.time)}});
    json["cosigned"] = std::move(cosigned);
  }
  if (answer.stamp.has_value()) json["time_stamp"] = to_json(*answer.stamp);
  return json;
}

Json to_json(const core::TimeStamp& stamp) {
  Json json{{"time", core::to_rfc3339(stamp.time)},
            {"authority", stamp.authority},
            {"policy", stamp.policy},
            {"serial", stamp.serial}};
  if (stamp.accuracy_micros.has_value()) json["accuracy_micros"] = *stamp.accuracy_micros;
  return json;
}

std::string cosignature_time(std::uint64_t seconds) {
  constexpr std::uint64_t kYear10000 = 253402300800;
  return seconds < kYear10000 ? core::to_rfc3339({static_cast<std::int64_t>(seconds), 0})
                              : std::to_string(seconds);
}

}  // namespace sigillo::audit
