// From the bytes of a connection to the bytes of its answers
// (docs/decisions/0030-http-without-a-library.md).
//
//   bytes -> Connection -> read_head -> Exchange -> handler -> bytes
//
// Nothing here knows a socket: tests and the fuzzer drive the whole server with strings.
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "app/server/head.hpp"
#include "app/server/metrics.hpp"
#include "sigillo/core/clock.hpp"

namespace sigillo::server {

// Thread-safe. What it throws is answered with 500.
using Handler = std::function<Response(const Request&)>;

class Exchange {
 public:
  // behind_proxy: the client's address is the last element of X-Forwarded-For, which the proxy
  // writes. metrics must outlive the exchange.
  Exchange(Handler handler, Metrics& metrics, core::Entropy& entropy, bool behind_proxy = false);

  // The answer to a complete request. Overwrites the body. Thread-safe.
  [[nodiscard]] std::string answer(const Head& head, std::string& body, const std::string& address);
  // The answer to what never becomes a request; the connection ends after it. Thread-safe.
  [[nodiscard]] std::string refuse(const Problem& problem);

 private:
  [[nodiscard]] Response handle(const Request& request) const;
  [[nodiscard]] std::string next_request_id();

  Handler handler_;
  Metrics& metrics_;
  bool behind_proxy_;
  std::uint64_t request_seed_ = 0;
  std::atomic<std::uint64_t> requests_{0};
};

// One connection. One owner at a time.
class Connection {
 public:
  Connection(Exchange& exchange, std::string address)
      : exchange_(exchange), address_(std::move(address)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { core::secure_zero(in_.data(), in_.size()); }

  // Takes what arrived and answers each request that is complete. A peer that does not take its
  // answers gets no more of them: further requests wait.
  void receive(std::string_view bytes);
  void sent(std::size_t bytes);
  // Ends the connection with this answer.
  void refuse(const Problem& problem);

  [[nodiscard]] std::string_view to_send() const { return std::string_view(out_).substr(sent_); }
  // The connection ends once to_send() is empty; what still arrives is dropped.
  [[nodiscard]] bool ending() const { return ending_; }
  // Nothing of a request has arrived, and nothing of an answer is left.
  [[nodiscard]] bool idle() const { return in_.empty() && to_send().empty(); }
  [[nodiscard]] std::size_t buffered_bytes() const { return in_.size() + out_.size(); }

 private:
  void answer_complete_requests();
  bool answer_one();
  void drop_input(std::size_t bytes);

  Exchange& exchange_;
  std::string address_, in_, out_;
  std::size_t sent_ = 0;
  std::optional<Head> head_;  // of the request whose body is still to come
  bool ending_ = false;
};

}  // namespace sigillo::server
