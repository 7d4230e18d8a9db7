#include "app/server/serve_witness.hpp"

#include <fmt/format.h>

#include "app/server/lifetime.hpp"

namespace sigillo::server {
namespace {

constexpr std::chrono::milliseconds kWitnessGrace{5000};

}  // namespace

core::Status serve_witness(audit::Witness& witness, const ServeWitnessOptions& options,
                           const core::Clock& clock, core::Entropy& entropy,
                           const ServeTalk& talk) {
  if (witness.logs().empty())
    return core::Error{core::ErrorCode::invalid_argument, "the witness watches no log",
                       "name one with `sigillo witness watch`"};
  SIGILLO_TRY_VOID(forbid_memory_dumps());
  raise_descriptor_limit();
  const sigset_t stop_signals = block_stop_signals();
  Metrics metrics(WitnessService::paths());
  WitnessService service(witness, clock, options.rate);
  Exchange exchange([&](const Request& request) { return service.respond(request); }, metrics,
                    entropy, options.behind_proxy);
  SIGILLO_TRY(Listener listener, Listener::open(options.listen, exchange, metrics));
  if (!listener.loopback())
    talk.note(
        "this address is not loopback and HTTP is not encrypted: put a proxy with TLS before it");
  listener.start();
  talk.listening(fmt::format("listening on {}", listener.url()));
  wait_for(stop_signals);
  listener.stop(kWitnessGrace);
  talk.note(fmt::format("stopped after {} requests and {} refusals", metrics.answers(),
                        metrics.refusals()));
  return {};
}

}  // namespace sigillo::server
