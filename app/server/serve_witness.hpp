// serve_witness: a witness as a process, from its options to a clean end.
#pragma once

#include "app/server/serve.hpp"
#include "app/server/witness_service.hpp"

namespace sigillo::server {

struct ServeWitnessOptions {
  ListenOptions listen;
  Rate rate{10, 100};
  bool behind_proxy = false;
};

// Serves until SIGTERM or SIGINT; to be called before another thread exists, as serve is.
// invalid_argument for a witness that watches no log.
[[nodiscard]] core::Status serve_witness(audit::Witness& witness,
                                         const ServeWitnessOptions& options,
                                         const core::Clock& clock, core::Entropy& entropy,
                                         const ServeTalk& talk);

}  // namespace sigillo::server
