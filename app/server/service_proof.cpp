// POST /v1/verify-proof: audit::verify_proof over HTTP. A proof that does not hold is an answer
// (200, "verified": false); a question that cannot be read is a problem.
#include <map>
#include <nlohmann/json.hpp>

#include "app/server/form.hpp"
#include "app/server/service.hpp"
#include "sigillo/audit/verify_proof.hpp"

namespace sigillo::server {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;

namespace {

const core::JsonLimits kQuestionLimits{kMaxBodyBytes, 2};

struct OwnedQuestion {
  std::map<std::string, std::string, std::less<>> members;
  core::Bytes leaf, time_stamp;

  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const {
    const auto found = members.find(name);
    if (found == members.end()) return std::nullopt;
    return std::string_view(found->second);
  }
  [[nodiscard]] audit::ProofQuestion view() const {
    audit::ProofQuestion question{*find("receipt"), leaf,         find("log_key"),
                                  find("policy"),   std::nullopt, find("roots")};
    if (find("time_stamp").has_value()) question.time_stamp = time_stamp;
    return question;
  }
};

Result<core::Bytes> bytes_of(const OwnedQuestion& question, std::string_view name) {
  auto bytes = core::base64_decode(question.find(name).value_or(""));
  if (!bytes.has_value()) return bytes.error().in(name);
  return bytes;
}

Result<OwnedQuestion> read_proof_question(std::string_view body) {
  constexpr std::array<std::string_view, 7> known{"receipt", "leaf",       "leaf_text", "log_key",
                                                  "policy",  "time_stamp", "roots"};
  SIGILLO_TRY(const Json value, core::parse_json(body, kQuestionLimits));
  OwnedQuestion question;
  if (value.is_object())
    for (const auto& [name, member] : value.items()) {
      if (std::find(known.begin(), known.end(), name) == known.end() || !member.is_string())
        return Error{ErrorCode::invalid_input,
                     "the question has a member that is not known, or is no text", ""};
      question.members[name] = member.get<std::string>();
    }
  if (!question.find("receipt").has_value() ||
      question.find("leaf").has_value() == question.find("leaf_text").has_value())
    return Error{ErrorCode::invalid_input,
                 "the question is an object with a receipt, and a leaf (base64) or a leaf_text",
                 ""};
  SIGILLO_TRY(question.leaf, bytes_of(question, "leaf"));
  SIGILLO_TRY(question.time_stamp, bytes_of(question, "time_stamp"));
  if (const auto text = question.find("leaf_text"); text.has_value())
    question.leaf = core::to_bytes(*text);
  return question;
}

// What the caller sent cannot be judged; "unsupported" is about a key, not about the body's media.
Problem unreadable(const Error& error) {
  Problem problem = problem_of(error);
  if (problem.kind == ProblemKind::unsupported_media) problem.kind = ProblemKind::invalid_content;
  return problem;
}

}  // namespace

Response Service::verify_proof(const Request& request) {
  const auto refuse = [&](const Problem& problem) {
    return to_response(problem, request.request_id);
  };
  if (const auto problem = over_limit(request)) return refuse(*problem);
  if (!request.query.empty()) return refuse({ProblemKind::bad_request, "this path has no query"});
  if (media_type(request.content_type) != kJsonType)
    return refuse(unsupported_media({std::string(kJsonType)}));
  const auto question = read_proof_question(request.body);
  if (!question.has_value()) return refuse({ProblemKind::bad_request, question.error().message});
  const auto answer = audit::verify_proof(question->view(), clock_.now());
  if (!answer.has_value() && !audit::is_refusal(answer.error().code))
    return refuse(unreadable(answer.error()));
  metrics_.count_proof(answer.has_value());
  Json body = answer.has_value() ? audit::to_json(*answer)
                                 : Json{{"verified", false},
                                        {"code", to_string(answer.error().code)},
                                        {"message", answer.error().message}};
  body["request_id"] = request.request_id;
  // Names in the parts need not be UTF-8.
  return {200, std::string(kJsonType),
          body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

}  // namespace sigillo::server
