// The log that everybody may read (C2SP tlog-tiles), as far as its latest checkpoint goes. A
// request reads at most one bundle; what a ledger gained meanwhile is taken up in bounded steps.
#include <fmt/format.h>

#include <charconv>

#include "app/server/service.hpp"

namespace sigillo::server {
namespace {

constexpr std::uint64_t kCatchUpStep = 32768;  // entries, some 50 ms
constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kImmutable = "public, max-age=604800, immutable";
// Public data: any page may read it.
const HeaderFields kForEverybody{{"Access-Control-Allow-Origin", "*"},
                                 {"Cross-Origin-Resource-Policy", "cross-origin"}};

Response for_everybody(Response response) {
  response.headers.insert(response.headers.end(), kForEverybody.begin(), kForEverybody.end());
  return response;
}

Response refusal(const Request& request, const Problem& problem) {
  Response response = for_everybody(to_response(problem, request.request_id));
  // What is not there yet may be there soon; tlog-tiles asks for no caching field at all.
  if (response.status == 404) response.headers.emplace_back("Cache-Control", "");
  return response;
}

Response not_there(const Request& request) {
  return refusal(request, {ProblemKind::not_found, "the log has no such thing yet, or never"});
}

Response failed(const Request& request, const core::Error& error) {
  const bool absent =
      error.code == core::ErrorCode::not_found || error.code == core::ErrorCode::invalid_argument;
  if (absent) return not_there(request);
  Problem problem{ProblemKind::unavailable, "the log cannot be read now",
                  std::string(to_string(error.code))};
  problem.headers = {{"Retry-After", "5"}};
  return refusal(request, problem);
}

std::optional<std::uint64_t> index_of(std::string_view text) {
  std::uint64_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return fmt::format("{}", index) == text ? std::optional(index) : std::nullopt;
}

}  // namespace

std::optional<Response> Service::refuse_log_read(const Request& request) {
  if (!request.query.empty())
    return refusal(request, {ProblemKind::bad_request, "this path has no query"});
  const auto wait = log_limiter_.take(request.address, clock_.now());
  if (!wait.has_value()) return std::nullopt;
  Problem problem{ProblemKind::too_many_requests,
                  fmt::format("tiles and proofs are given {} times a second to one address",
                              options_.log_reads.per_second)};
  problem.headers = {{"Retry-After", std::to_string(*wait)}};
  return refusal(request, problem);
}

Response Service::log_checkpoint(const Request& request) {
  if (auto refused = refuse_log_read(request)) return *std::move(refused);
  if (const auto status = options_.log->catch_up(kCatchUpStep); !status.has_value())
    return failed(request, status.error());
  auto note = options_.log->checkpoint();
  if (!note.has_value()) return failed(request, note.error());
  return for_everybody({200, std::string(kText), *std::move(note)});
}

Response Service::log_tile(const Request& request) {
  if (auto refused = refuse_log_read(request)) return *std::move(refused);
  const auto tile = audit::parse_tile_path(std::string_view(request.path).substr(1));
  if (!tile.has_value()) return not_there(request);
  const auto bytes = options_.log->tile(*tile);
  if (!bytes.has_value()) return failed(request, bytes.error());
  Response response = for_everybody(
      {200, "application/octet-stream", std::string(core::as_text(core::ByteView(*bytes)))});
  response.headers.emplace_back("Cache-Control", kImmutable);
  return response;
}

Response Service::log_proof(const Request& request) {
  if (auto refused = refuse_log_read(request)) return *std::move(refused);
  constexpr std::string_view prefix = "/v1/proofs/";
  const auto index = index_of(std::string_view(request.path).substr(prefix.size()));
  if (!index.has_value()) return not_there(request);
  if (const auto status = options_.log->catch_up(kCatchUpStep); !status.has_value())
    return failed(request, status.error());
  const auto proof = options_.log->prove_entry(*index);
  if (!proof.has_value()) return failed(request, proof.error());
  return for_everybody({200, std::string(kText), audit::tlog_proof_text(*proof)});
}

}  // namespace sigillo::server
