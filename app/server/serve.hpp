// serve: the whole server, from its options to a clean end.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "app/server/listener.hpp"
#include "app/server/service.hpp"

namespace sigillo::server {

struct ServeOptions {
  ListenOptions listen;
  std::optional<std::string> metrics_address;  // /metrics, /healthz and /readyz only there
  Rate anonymous;
  bool behind_proxy = false;
  bool publish_log = false;  // everybody may read every entry
  Rate log_reads{1000, 5000};
  std::vector<app::TextDetectorSpec> detectors;
};

// What the command line tells people: where it listens (standard output), and the rest.
struct ServeTalk {
  std::function<void(const std::string&)> listening;
  std::function<void(const std::string&)> note;
};

// Serves until SIGTERM or SIGINT. To be called before another thread exists: it blocks the two
// signals for all threads.
[[nodiscard]] core::Status serve(const audit::Workspace& workspace, const ServeOptions& options,
                                 const core::Clock& clock, core::Entropy& entropy,
                                 const ServeTalk& talk);

// forbid_memory_dumps: no core dump of this process, and no reading of its memory by other
// processes of its user. io_error if the system refuses.
[[nodiscard]] core::Status forbid_memory_dumps();

}  // namespace sigillo::server
