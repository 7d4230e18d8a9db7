#include "app/server/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/server/assets.hpp"
#include "app/server/form.hpp"
#include "app/server/page.hpp"

namespace sigillo::server {
using core::Error;
using core::ErrorCode;
using core::Json;
using core::Result;

namespace {

constexpr std::string_view kHtml = "text/html; charset=utf-8";
const core::JsonLimits kBodyLimits{kMaxBodyBytes, 16};

Response json_response(int status, const Json& value) {
  return {status, std::string(kJsonType), value.dump() + "\n"};
}

Response refuse(const Request& request, ProblemKind kind, std::string detail) {
  return to_response({kind, std::move(detail)}, request.request_id);
}

Response refuse(const Request& request, const Error& error) {
  return to_response(problem_of(error), request.request_id);
}

struct Question {
  std::string text;
  bool receipt = false;
  Question() = default;
  Question(Question&&) = default;
  Question& operator=(Question&&) = default;
  ~Question() { core::secure_zero(text.data(), text.size()); }
};

Result<bool> receipt_asked(std::string_view query) {
  SIGILLO_TRY(const auto values, read_query(query));
  for (const auto& [name, value] : values)
    if (name != "receipt" || (value != "true" && value != "false"))
      return Error{ErrorCode::invalid_argument, "the query is not receipt=true or receipt=false",
                   ""};
  return values.contains("receipt") && values.at("receipt") == "true";
}

Result<Question> question_from_json(std::string_view body) {
  SIGILLO_TRY(const Json value, core::parse_json(body, kBodyLimits));
  Question question;
  SIGILLO_TRY(question.text, core::json_string(value, "text", "the question"));
  for (const auto& [name, member] : value.items()) {
    if (name == "receipt" && member.is_boolean()) question.receipt = member.get<bool>();
    else if (name != "text")
      return Error{ErrorCode::invalid_input,
                   "the question has members other than text and receipt (true or false)", ""};
  }
  return question;
}

// A browser's form sends each line end of a text field as CR LF (HTML, form submission); a file is
// sent as it is. The text that was pasted is what a watermark and a hash are about.
std::string pasted(std::string_view content) {
  std::string text;
  text.reserve(content.size());
  for (std::size_t i = 0; i < content.size(); ++i)
    if (content.substr(i, 2) != "\r\n") text += content[i];
  return text;
}

// A form has a text field, a file, or both with one of them empty.
Result<Question> question_from_form(const Request& request) {
  SIGILLO_TRY(const std::vector<FormPart> parts, read_form(request.content_type, request.body));
  Question question;
  for (const FormPart& part : parts) {
    if (part.name == "receipt") question.receipt = part.content == "true";
    else if (part.name == "text" || part.name == "file") {
      if (part.content.empty()) continue;
      if (!question.text.empty())
        return Error{ErrorCode::invalid_input, "the form holds more than one text", ""};
      question.text = part.is_file ? std::string(part.content) : pasted(part.content);
    } else if (part.name != "lang") {
      return Error{ErrorCode::invalid_input, "the form has a field that is not known", ""};
    }
  }
  return question;
}

bool is_utf8_plain(std::string_view content_type) {
  std::string charset = media_parameter(content_type, "charset");
  std::transform(charset.begin(), charset.end(), charset.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return charset.empty() || charset == "utf-8" || charset == "us-ascii";
}

// Nothing: the media type is none of ours.
std::optional<Result<Question>> read_question(const Request& request) {
  const std::string type = media_type(request.content_type);
  if (type == kJsonType) return question_from_json(request.body);
  if (type == "multipart/form-data") return question_from_form(request);
  if (type != "text/plain" || !is_utf8_plain(request.content_type)) return std::nullopt;
  Question question;
  question.text = request.body;
  return question;
}

}  // namespace

Service::Service(const audit::Workspace& workspace, const app::Verifier& verifier,
                 const core::Clock& clock, Metrics& metrics, const ServiceOptions& options)
    : workspace_(workspace),
      verifier_(verifier),
      clock_(clock),
      metrics_(metrics),
      options_(options),
      limiter_(options.anonymous),
      log_limiter_(options.log_reads),
      tokens_(workspace.folder() / "tokens.json"),
      intake_(workspace, clock) {}

const std::vector<Service::Route>& Service::routes() {
  static const std::vector<Route> table{
      {"GET", "/", "text/html", &Service::page},
      {"POST", "/", "text/html", &Service::page_result},
      {"POST", "/v1/verify", kJsonType, &Service::verify},
      {"POST", "/v1/verify-proof", kJsonType, &Service::verify_proof},
      {"POST", "/v1/records", kJsonType, &Service::append_record},
      {"GET", "/v1/detectors", kJsonType, &Service::detectors},
      {"GET", "/healthz", "text/plain", &Service::health},
      {"GET", "/readyz", "text/plain", &Service::readiness},
      {"GET", "/metrics", "text/plain", &Service::metrics_text},
      {"GET", "/openapi.json", kJsonType, &Service::openapi},
      {"GET", "/checkpoint", "text/plain", &Service::log_checkpoint, true},
      {"GET", "/tile/", "application/octet-stream", &Service::log_tile, true},
      {"GET", "/v1/proofs/", "text/plain", &Service::log_proof, true},
  };
  return table;
}

bool Service::Route::matches(std::string_view requested) const {
  return requested == path ||
         (path.size() > 1 && path.ends_with('/') && requested.starts_with(path));
}

std::vector<std::string> Service::paths() {
  std::vector<std::string> paths;
  for (const Route& route : routes()) paths.emplace_back(route.path);
  return paths;
}

Response Service::respond(const Request& request) {
  std::string allowed;
  for (const Route& route : routes()) {
    if (!route.matches(request.path) || (route.of_log && options_.log == nullptr)) continue;
    if (route.method == request.method) {
      if (accepts(request.accept, route.type)) return (this->*route.answer)(request);
      Problem problem{ProblemKind::not_acceptable, "the answer has the media type that is listed"};
      problem.supported = {std::string(route.type)};
      return to_response(problem, request.request_id);
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == "GET") allowed += ", HEAD";
  }
  if (allowed.empty())
    return refuse(request, ProblemKind::not_found, "/openapi.json lists the paths");
  Problem problem{ProblemKind::method_not_allowed, "the Allow field lists the methods"};
  problem.headers = {{"Allow", allowed}};
  return to_response(problem, request.request_id);
}

Result<std::optional<Token>> Service::token_of(const Request& request) const {
  constexpr std::string_view scheme = "Bearer ";
  if (!std::string_view(request.authorization).starts_with(scheme)) return std::optional<Token>();
  return tokens_.find(std::string_view(request.authorization).substr(scheme.size()), clock_.now());
}

// Who shows a token must have a good one; who shows none is the public.
std::optional<Problem> Service::over_limit(const Request& request) {
  if (!request.authorization.empty()) {
    const auto token = token_of(request);
    if (!token.has_value()) return problem_of(token.error());
    if (!token->has_value())
      return Problem{ProblemKind::unauthorized,
                     "the token is not known or has expired",
                     "",
                     {},
                     {{"WWW-Authenticate", "Bearer error=\"invalid_token\""}}};
    if (has_scope(**token, kScopeVerify)) return std::nullopt;
  }
  const auto wait = limiter_.take(request.address, clock_.now());
  if (!wait.has_value()) return std::nullopt;
  Problem problem{ProblemKind::too_many_requests,
                  fmt::format("the public service takes {} verifications at once and {} a second "
                              "from one address; try again in {} s",
                              options_.anonymous.burst, options_.anonymous.per_second, *wait)};
  problem.headers = {{"Retry-After", std::to_string(*wait)}};
  return problem;
}

Result<Service::Verified> Service::run_verification(std::string_view text, bool with_receipt) {
  Verified verified;
  SIGILLO_TRY(verified.verification, verifier_.verify_text(text));
  if (with_receipt) {
    SIGILLO_TRY(verified.receipt, verifier_.receipt(verified.verification));
  }
  metrics_.count_verdict(app::to_string(verified.verification.verdict));
  return verified;
}

Response Service::verify(const Request& request) {
  if (const auto problem = over_limit(request)) return to_response(*problem, request.request_id);
  auto in_query = receipt_asked(request.query);
  if (!in_query.has_value())
    return refuse(request, ProblemKind::bad_request, in_query.error().message);
  auto question = read_question(request);
  if (!question.has_value())
    return to_response(
        unsupported_media({"text/plain; charset=utf-8", "application/json", "multipart/form-data"}),
        request.request_id);
  if (!question->has_value())
    return refuse(request, ProblemKind::bad_request, question->error().message);
  const auto verified = run_verification((*question)->text, *in_query || (*question)->receipt);
  if (!verified.has_value()) return refuse(request, verified.error());
  Json body = app::to_json(verified->verification);
  body["request_id"] = request.request_id;
  if (verified->receipt.has_value()) body["receipt"] = Json::parse(*verified->receipt);
  return json_response(200, body);
}

Response Service::append_record(const Request& request) {
  const auto token = token_of(request);
  if (!token.has_value()) return refuse(request, token.error());
  if (!token->has_value()) {
    Problem problem{ProblemKind::unauthorized, "send Authorization: Bearer TOKEN"};
    problem.headers = {{"WWW-Authenticate", "Bearer"}};
    return to_response(problem, request.request_id);
  }
  if (!has_scope(**token, kScopeRecords))
    return refuse(request, ProblemKind::forbidden,
                  fmt::format("the scope {} is needed", kScopeRecords));
  if (!request.query.empty())
    return refuse(request, ProblemKind::bad_request, "this path has no query");
  if (media_type(request.content_type) != kJsonType)
    return to_response(unsupported_media({std::string(kJsonType)}), request.request_id);
  const auto parsed = core::parse_json(request.body, kBodyLimits);
  if (!parsed.has_value()) return refuse(request, ProblemKind::bad_request, parsed.error().message);
  const auto receipt = intake_.append(request.body);
  if (!receipt.has_value()) return refuse(request, receipt.error());
  return json_response(201, Json{{"entry", receipt->index},
                                 {"leaf_hash", receipt->leaf_hash.hex()},
                                 {"checkpoint", receipt->checkpoint},
                                 {"request_id", request.request_id}});
}

Response Service::detectors(const Request&) {
  Json list = Json::array();
  for (const app::DetectorInfo& detector : verifier_.detectors())
    list.push_back(Json{{"kind", detector.kind},
                        {"detector", detector.detector},
                        {"profile", detector.profile},
                        {"profile_digest", detector.profile_digest},
                        {"key_id", detector.key_id},
                        {"tokenizer_digest", detector.tokenizer_digest}});
  return json_response(200, Json{{"detectors", list},
                                 {"max_content_bytes", app::kMaxVerifyBytes},
                                 {"receipt_key", verifier_.receipt_key_pem()}});
}

Response Service::health(const Request&) { return {200, "text/plain; charset=utf-8", "ok\n"}; }

// Ready: the detectors are loaded (else there is no Service) and the ledger can be opened.
Response Service::readiness(const Request& request) {
  const auto ledger = workspace_.ledger(audit::Ledger::Access::read);
  if (ledger.has_value()) return {200, "text/plain; charset=utf-8", "ready\n"};
  return refuse(request, ProblemKind::unavailable, "the ledger cannot be opened");
}

Response Service::metrics_text(const Request& request) {
  if (!options_.public_metrics)
    return refuse(request, ProblemKind::not_found, "metrics are answered at another address");
  return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_.text()};
}

Response Service::openapi(const Request&) {
  return {200, std::string(kJsonType), std::string(asset_openapi())};
}

Response Service::page(const Request& request) {
  const auto query = read_query(request.query);
  if (!query.has_value()) return refuse(request, ProblemKind::bad_request, query.error().message);
  const auto asked = query->find("lang");
  const Words& words =
      words_for(asked == query->end() ? "" : asked->second, request.accept_language);
  return {200, std::string(kHtml), render_form(words), page_headers(words)};
}

Response Service::page_result(const Request& request) {
  std::string language;
  if (const auto parts = read_form(request.content_type, request.body))
    for (const FormPart& part : *parts)
      if (part.name == "lang") language = part.content;
  const Words& words = words_for(language, request.accept_language);
  const auto html = [&](int status, std::string body) {
    return Response{status, std::string(kHtml), std::move(body), page_headers(words)};
  };
  if (const auto problem = over_limit(request)) {
    Response response = html(problem_status(problem->kind), render_problem(words, *problem));
    response.headers.insert(response.headers.end(), problem->headers.begin(),
                            problem->headers.end());
    return response;
  }
  if (media_type(request.content_type) != "multipart/form-data")
    return to_response(unsupported_media({"multipart/form-data"}), request.request_id);
  auto question = question_from_form(request);
  if (!question.has_value())
    return html(400, render_problem(words, {ProblemKind::bad_request, question.error().message}));
  const auto verified = run_verification(question->text, true);
  if (!verified.has_value()) {
    const Problem problem = problem_of(verified.error());
    return html(problem_status(problem.kind), render_problem(words, problem));
  }
  return html(200, render_result(words, verified->verification, *verified->receipt));
}

}  // namespace sigillo::server
