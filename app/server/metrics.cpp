#include "app/server/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sigillo::server {
namespace {

void add(std::map<std::string, std::uint64_t, std::less<>>& counters, std::string_view name) {
  const auto found = counters.find(name);
  if (found != counters.end()) ++found->second;
  else counters.emplace(name, 1);
}

std::string heading(std::string_view name, std::string_view type, std::string_view help) {
  return fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

}  // namespace

// The route, or for a route that ends in a slash, whatever follows it.
std::string_view Metrics::label_of(std::string_view path) const {
  for (const std::string& route : routes_)
    if (path == route || (route.size() > 1 && route.ends_with('/') && path.starts_with(route)))
      return route;
  return "other";
}

void Metrics::count_answer(std::string_view path, int status, double seconds) {
  const std::string_view label = label_of(path);
  const std::lock_guard lock(mutex_);
  auto found = answers_.find(label);
  if (found == answers_.end()) found = answers_.emplace(label, Route{}).first;
  Route& route = found->second;
  ++route.statuses[status];
  ++route.count;
  route.seconds += seconds;
  for (std::size_t i = 0; i < kBuckets.size(); ++i)
    if (seconds <= kBuckets[i]) ++route.buckets[i];
}

void Metrics::count_refusal(std::string_view problem) {
  const std::lock_guard lock(mutex_);
  add(refusals_, problem);
}

void Metrics::count_verdict(std::string_view verdict) {
  const std::lock_guard lock(mutex_);
  add(verdicts_, verdict);
}

void Metrics::count_proof(bool verified) {
  const std::lock_guard lock(mutex_);
  add(proofs_, verified ? "true" : "false");
}

std::uint64_t Metrics::answers() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& [path, route] : answers_) sum += route.count;
  return sum;
}

std::uint64_t Metrics::refusals() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& [problem, count] : refusals_) sum += count;
  return sum;
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string out = heading("sigillo_http_requests_total", "counter", "Requests answered.");
  for (const auto& [path, route] : answers_)
    for (const auto& [status, count] : route.statuses)
      out += fmt::format("sigillo_http_requests_total{{route=\"{}\",status=\"{}\"}} {}\n", path,
                         status, count);
  out += heading("sigillo_http_request_duration_seconds", "histogram",
                 "From a complete request to its answer.");
  for (const auto& [path, route] : answers_) {
    const auto line = [&, name = path](std::string_view bound, std::uint64_t count) {
      out +=
          fmt::format("sigillo_http_request_duration_seconds_bucket{{route=\"{}\",le=\"{}\"}} {}\n",
                      name, bound, count);
    };
    for (std::size_t i = 0; i < kBuckets.size(); ++i)
      line(fmt::format("{}", kBuckets[i]), route.buckets[i]);
    line("+Inf", route.count);
    out += fmt::format("sigillo_http_request_duration_seconds_sum{{route=\"{}\"}} {}\n", path,
                       route.seconds);
    out += fmt::format("sigillo_http_request_duration_seconds_count{{route=\"{}\"}} {}\n", path,
                       route.count);
  }
  out += heading("sigillo_http_refused_total", "counter",
                 "Bytes that became no request, by kind of problem.");
  for (const auto& [problem, count] : refusals_)
    out += fmt::format("sigillo_http_refused_total{{problem=\"{}\"}} {}\n", problem, count);
  out += heading("sigillo_verifications_total", "counter", "Verifications, by verdict.");
  for (const auto& [verdict, count] : verdicts_)
    out += fmt::format("sigillo_verifications_total{{verdict=\"{}\"}} {}\n", verdict, count);
  out += heading("sigillo_proof_verifications_total", "counter", "Proofs judged, by answer.");
  for (const auto& [verified, count] : proofs_)
    out +=
        fmt::format("sigillo_proof_verifications_total{{verified=\"{}\"}} {}\n", verified, count);
  out += heading("sigillo_http_requests_in_flight", "gauge", "Requests being answered.");
  out += fmt::format("sigillo_http_requests_in_flight {}\n", in_flight_.load());
  out += heading("sigillo_http_connections", "gauge", "Open connections.");
  out += fmt::format("sigillo_http_connections {}\n", connections_.load());
  return out;
}

}  // namespace sigillo::server
