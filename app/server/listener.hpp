// Listener: sockets, epoll and deadlines round Connection.
//
//  1. A thread takes a connection only while it has bytes to read or room to write, so a slow
//  client
//     costs memory and no thread. epoll's one-shot mode gives each connection one owner at a time.
//  2. A request must be there `request_time` after its first byte, an answer must be taken in the
//     same time, and a connection without either may stay for `idle_time`. One thread looks after
//     these deadlines and only shuts sockets down; the owner closes them.
//  3. Memory is bounded: connections, bytes a connection (Connection), and bytes of all of them.
//     When the connections are used up, the one that has waited longest for its peer makes room.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "app/server/exchange.hpp"

namespace sigillo::server {

struct ListenOptions {
  std::string address = "127.0.0.1:8080";  // HOST:PORT, [IPV6]:PORT; numeric; port 0: any free one
  int threads = 32;  // one waits for the disk while its record is made durable
  std::size_t max_connections = 1024;
  std::size_t max_buffered_bytes = std::size_t{32} << 20;
  std::size_t max_per_address = 64;  // not for loopback, where a proxy may be
  std::chrono::milliseconds request_time{10000};
  std::chrono::milliseconds idle_time{30000};
};

class Listener {
 public:
  // Binds and listens; serves nothing yet. invalid_argument for a bad address; permission_denied,
  // already_exists (in use), io_error. exchange and metrics must outlive it.
  [[nodiscard]] static core::Result<Listener> open(const ListenOptions& options, Exchange& exchange,
                                                   Metrics& metrics);
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();  // stops

  [[nodiscard]] std::string url() const;  // "http://127.0.0.1:8080"
  [[nodiscard]] bool loopback() const;
  void start();
  // Takes no more connections, lets requests that have begun end for at most `grace`, and returns
  // when every thread has ended.
  void stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sigillo::server
