// WitnessService: what a witness answers over HTTP (C2SP tlog-witness).
//
//   POST /add-checkpoint                        the cosignature, or a refusal with its status
//   GET  /<hex SHA-256 of the origin>/checkpoint   the latest checkpoint that was cosigned
//   GET  /healthz
#pragma once

#include "app/server/http.hpp"
#include "app/server/limiter.hpp"
#include "sigillo/audit/witness.hpp"

namespace sigillo::server {

// Thread-safe. What it is given must outlive it.
class WitnessService {
 public:
  // rate: requests for cosignatures, an address. A signature is verified for each.
  WitnessService(audit::Witness& witness, const core::Clock& clock, Rate rate)
      : witness_(witness), clock_(clock), rate_(rate), limiter_(rate) {}
  [[nodiscard]] Response respond(const Request& request);

  // The literal paths, for metrics.
  [[nodiscard]] static std::vector<std::string> paths();

 private:
  Response add_checkpoint(const Request& request);
  Response latest(const Request& request, std::string_view origin_sha256);

  audit::Witness& witness_;
  const core::Clock& clock_;
  Rate rate_;
  RateLimiter limiter_;
};

}  // namespace sigillo::server
