// sigillo_verify_proof: audit::verify_proof, and its answer as a struct and as JSON.
#include <cstring>
#include <nlohmann/json.hpp>

#include "app/capi/status.hpp"
#include "sigillo/audit/verify_proof.hpp"

using namespace sigillo;
using capi::guarded;
using capi::null_argument;

namespace {

constexpr std::string_view kFunction = "sigillo_verify_proof";

core::ByteView bytes_of(const void* data, std::size_t size) {
  return {static_cast<const std::uint8_t*>(data), size};
}
std::optional<std::string_view> text_of(const char* data, std::size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string_view(data, size);
}

core::Result<audit::ProofAnswer> ask(const sigillo_proof_question* given) {
  if (given == nullptr) return null_argument(kFunction, "question");
  SIGILLO_TRY(const sigillo_proof_question known, capi::read_struct(given, kFunction, "question"));
  if (known.receipt == nullptr) return null_argument(kFunction, "question->receipt");
  if (known.leaf == nullptr) return null_argument(kFunction, "question->leaf");
  audit::ProofQuestion question{{known.receipt, known.receipt_size},
                                bytes_of(known.leaf, known.leaf_size),
                                text_of(known.log_key, known.log_key_size),
                                text_of(known.policy, known.policy_size),
                                std::nullopt,
                                text_of(known.roots, known.roots_size)};
  if (known.time_stamp != nullptr)
    question.time_stamp = bytes_of(known.time_stamp, known.time_stamp_size);
  return audit::verify_proof(
      question, known.now != 0 ? core::Timestamp{known.now, 0} : core::SystemClock().now());
}

void write_answer(const audit::ProofAnswer& answer, sigillo_proof_answer* out) {
  sigillo_proof_answer known{};
  known.struct_size = out->struct_size;
  known.index = answer.index;
  known.size = answer.checkpoint.size;
  known.cosigned = answer.cosigned.size();
  known.stamped_at = answer.stamp.has_value() ? answer.stamp->time.seconds : 0;
  known.has_policy = answer.quorum.has_value() ? 1 : 0;
  known.has_stamp = answer.stamp.has_value() ? 1 : 0;
  std::memcpy(out, &known, sizeof known);
}

// Nothing of an earlier answer is left to be read.
core::Status clear(sigillo_proof_answer* out) {
  SIGILLO_TRY_VOID(capi::check_result(out, kFunction, "answer", "sigillo_proof_answer"));
  sigillo_proof_answer none{};
  none.struct_size = out->struct_size;
  std::memcpy(out, &none, sizeof none);
  return {};
}

}  // namespace

extern "C" {

sigillo_status sigillo_verify_proof(const sigillo_proof_question* question,
                                    sigillo_proof_answer* answer, char* json, size_t json_capacity,
                                    size_t* json_size) {
  std::string text;
  const sigillo_status status = guarded([&]() -> core::Status {
    if (json_size != nullptr) *json_size = 0;
    SIGILLO_TRY_VOID(clear(answer));
    SIGILLO_TRY(const audit::ProofAnswer holds, ask(question));
    // Names of witnesses need not be UTF-8.
    text = audit::to_json(holds).dump(-1, ' ', false, core::Json::error_handler_t::replace);
    write_answer(holds, answer);
    return {};
  });
  if (status != SIGILLO_OK || json_size == nullptr) return status;
  return capi::fill_text(kFunction, text, json, json != nullptr ? json_capacity : 0, json_size);
}

}  // extern "C"
