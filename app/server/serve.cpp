#include "app/server/serve.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "app/server/lifetime.hpp"

namespace sigillo::server {
using core::Error;
using core::ErrorCode;
using core::Status;

namespace {

constexpr std::chrono::milliseconds kGrace{5000};

// The address for machines: no page, no verification.
Handler operations_only(Service& service) {
  return [&service](const Request& request) {
    if (request.path == "/metrics" || request.path == "/healthz" || request.path == "/readyz")
      return service.respond(request);
    return to_response({ProblemKind::not_found, "this address answers /metrics, /healthz, /readyz"},
                       request.request_id);
  };
}

// Reads the whole ledger once, so that no request has to.
core::Result<audit::LedgerTiles> published_log(const audit::Workspace& workspace) {
  SIGILLO_TRY(const audit::Ledger ledger, workspace.ledger(audit::Ledger::Access::read));
  SIGILLO_TRY(const audit::NoteVerifier key, audit::log_verifier(workspace, ledger));
  audit::LedgerTiles tiles([&workspace] { return workspace.ledger(audit::Ledger::Access::read); },
                           key);
  SIGILLO_TRY_VOID(tiles.catch_up());
  return tiles;
}

}  // namespace

Status forbid_memory_dumps() {
  const rlimit none{0, 0};
  if (::prctl(PR_SET_DUMPABLE, 0) != 0 || ::prctl(PR_GET_DUMPABLE) != 0 ||
      ::setrlimit(RLIMIT_CORE, &none) != 0)
    return Error{ErrorCode::io_error, "the system does not let this process forbid core dumps",
                 "look for a sandbox that refuses prctl or setrlimit"};
  return {};
}

Status serve(const audit::Workspace& workspace, const ServeOptions& options,
             const core::Clock& clock, core::Entropy& entropy, const ServeTalk& talk) {
  SIGILLO_TRY_VOID(forbid_memory_dumps());
  raise_descriptor_limit();
  const sigset_t stop_signals = block_stop_signals();
  SIGILLO_TRY(const app::Verifier verifier,
              app::Verifier::open(workspace, options.detectors, clock));

  std::optional<audit::LedgerTiles> log;
  if (options.publish_log) {
    SIGILLO_TRY(log, published_log(workspace));
  }

  Metrics metrics(Service::paths());
  Service service(workspace, verifier, clock, metrics,
                  {options.anonymous, !options.metrics_address.has_value(),
                   log.has_value() ? &*log : nullptr, options.log_reads});
  Exchange exchange([&](const Request& request) { return service.respond(request); }, metrics,
                    entropy, options.behind_proxy);
  SIGILLO_TRY(Listener listener, Listener::open(options.listen, exchange, metrics));

  Service operations(workspace, verifier, clock, metrics,
                     {options.anonymous, true, nullptr, options.log_reads});
  Exchange operations_exchange(operations_only(operations), metrics, entropy);
  std::optional<Listener> operations_listener;
  if (options.metrics_address.has_value()) {
    ListenOptions listen;
    listen.address = *options.metrics_address;
    listen.threads = 1;
    listen.max_connections = 32;
    SIGILLO_TRY(operations_listener, Listener::open(listen, operations_exchange, metrics));
    operations_listener->start();
    talk.listening(fmt::format("metrics at {}", operations_listener->url()));
  }
  if (!listener.loopback())
    talk.note(
        "this address is not loopback and HTTP is not encrypted: put a proxy with TLS before it");
  if (options.publish_log) talk.note("everybody who reaches this address can read every entry");
  listener.start();
  talk.listening(fmt::format("listening on {}", listener.url()));
  wait_for(stop_signals);
  listener.stop(kGrace);
  if (operations_listener.has_value()) operations_listener->stop(std::chrono::milliseconds(0));
  talk.note(fmt::format("stopped after {} requests and {} refusals", metrics.answers(),
                        metrics.refusals()));
  return {};
}

}  // namespace sigillo::server
