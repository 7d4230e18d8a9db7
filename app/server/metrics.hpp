// Counters of the server, in the Prometheus text format. Paths that are no routes count as "other";
// nothing here names a client or a content.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sigillo::server {

// Thread-safe.
class Metrics {
 public:
  // Only these paths become labels.
  explicit Metrics(std::vector<std::string> routes) : routes_(std::move(routes)) {}

  class InFlight {
   public:
    explicit InFlight(Metrics& metrics) : metrics_(metrics) { ++metrics_.in_flight_; }
    ~InFlight() { --metrics_.in_flight_; }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;

   private:
    Metrics& metrics_;
  };

  void count_answer(std::string_view path, int status, double seconds);
  void count_refusal(std::string_view problem);
  void count_verdict(std::string_view verdict);
  void count_proof(bool verified);
  void count_connections(int change) { connections_ += change; }

  [[nodiscard]] std::uint64_t answers() const;
  [[nodiscard]] std::uint64_t refusals() const;
  [[nodiscard]] std::string text() const;

 private:
  static constexpr std::array<double, 9> kBuckets{0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                  0.025,  0.1,   0.5,    2.5};
  struct Route {
    std::map<int, std::uint64_t> statuses;
    std::array<std::uint64_t, kBuckets.size()> buckets{};
    std::uint64_t count = 0;
    double seconds = 0;
  };
  [[nodiscard]] std::string_view label_of(std::string_view path) const;

  std::vector<std::string> routes_;
  std::atomic<int> in_flight_{0}, connections_{0};
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, Route, std::less<>> answers_;
  std::map<std::string, std::uint64_t, std::less<>> refusals_, verdicts_, proofs_;
};

}  // namespace sigillo::server
