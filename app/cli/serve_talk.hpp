// How the commands that serve tell people what they do.
#pragma once

#include <cstdio>
#include <string>

#include "app/cli/output.hpp"
#include "app/server/serve.hpp"

namespace sigillo::cli {

// command: "witness serve". A program that waits for the address reads a pipe: it is flushed.
inline server::ServeTalk serve_talk(const std::string& command) {
  return {[](const std::string& line) {
            print_out("{}\n", line);
            std::fflush(stdout);
          },
          [command](const std::string& line) { print_err("sigillo {}: {}\n", command, line); }};
}

}  // namespace sigillo::cli
