// What every server process does with its signals and limits, from start to end.
#pragma once

#include <csignal>

namespace sigillo::server {

// Blocks SIGTERM and SIGINT for this thread and those that it starts, and gives the two.
[[nodiscard]] sigset_t block_stop_signals();
// Returns when one of them has come.
void wait_for(const sigset_t& signals);
// A connection is a descriptor; the soft limit is often 1024.
void raise_descriptor_limit();

}  // namespace sigillo::server
