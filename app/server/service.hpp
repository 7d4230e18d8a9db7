// Service: what each path answers. A handler parses, calls app/pipeline and renders; it holds no
// logic of its own and keeps nothing of a request.
#pragma once

#include "app/pipeline/record_intake.hpp"
#include "app/pipeline/verify.hpp"
#include "app/server/limiter.hpp"
#include "app/server/metrics.hpp"
#include "app/server/problem.hpp"
#include "app/server/tokens.hpp"
#include "sigillo/audit/ledger_tiles.hpp"

namespace sigillo::server {

struct ServiceOptions {
  Rate anonymous;              // of verifications, an address
  bool public_metrics = true;  // whether /metrics is answered here
  // The log that everybody may read: /checkpoint, /tile/, /v1/proofs/. Nothing: there are no such
  // paths.
  audit::LedgerTiles* log = nullptr;
  Rate log_reads{1000, 5000};  // of tiles and proofs, an address
};

// Thread-safe. What it is given must outlive it.
class Service {
 public:
  Service(const audit::Workspace& workspace, const app::Verifier& verifier,
          const core::Clock& clock, Metrics& metrics, const ServiceOptions& options);
  [[nodiscard]] Response respond(const Request& request);

  // Every path, for metrics.
  [[nodiscard]] static std::vector<std::string> paths();

 private:
  using Answer = Response (Service::*)(const Request&);
  struct Route {
    std::string_view method, path, type;  // the media type of its answer
    Answer answer;
    bool of_log = false;  // there only if the log is published
    // A path that ends in a slash stands for what follows it, too; "/" does not.
    [[nodiscard]] bool matches(std::string_view requested) const;
  };
  static const std::vector<Route>& routes();

  Response page(const Request& request);
  Response page_result(const Request& request);
  Response verify(const Request& request);
  Response verify_proof(const Request& request);
  Response append_record(const Request& request);
  Response detectors(const Request& request);
  Response health(const Request& request);
  Response readiness(const Request& request);
  Response metrics_text(const Request& request);
  Response openapi(const Request& request);
  Response log_checkpoint(const Request& request);
  Response log_tile(const Request& request);
  Response log_proof(const Request& request);

  struct Verified {
    app::Verification verification;
    std::optional<std::string> receipt;
  };
  core::Result<Verified> run_verification(std::string_view text, bool with_receipt);
  [[nodiscard]] std::optional<Problem> over_limit(const Request& request);
  [[nodiscard]] std::optional<Response> refuse_log_read(const Request& request);
  [[nodiscard]] core::Result<std::optional<Token>> token_of(const Request& request) const;

  const audit::Workspace& workspace_;
  const app::Verifier& verifier_;
  const core::Clock& clock_;
  Metrics& metrics_;
  ServiceOptions options_;
  RateLimiter limiter_, log_limiter_;
  TokenFile tokens_;
  app::RecordIntake intake_;
};

}  // namespace sigillo::server
