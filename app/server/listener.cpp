#include "app/server/listener.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "sigillo/core/files.hpp"

namespace sigillo::server {
using core::Error;
using core::ErrorCode;
using core::Result;
using Time = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

namespace {

constexpr int kBacklog = 511;
constexpr int kAcceptsInARow = 16;
constexpr int kReadsInARow = 4;  // then others have their turn
constexpr std::size_t kReadBytes = std::size_t{16} << 10;
constexpr milliseconds kSweep{100};
// What a peer still sends after a refusal is read and dropped for so long: closing at once would
// reset the connection, and the refusal could be lost.
constexpr milliseconds kLinger{1000};
constexpr std::size_t kMaxDroppedBytes = std::size_t{8} << 20;

Time now() { return std::chrono::steady_clock::now(); }

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

struct Address {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

std::string host_of(Address address) {
  std::array<char, NI_MAXHOST> host{};
  if (::getnameinfo(address.raw(), address.length, host.data(), host.size(), nullptr, 0,
                    NI_NUMERICHOST) != 0)
    return "";
  const std::string_view text(host.data());
  return std::string(text.starts_with("::ffff:") ? text.substr(7) : text);
}

bool is_loopback(std::string_view host) { return host == "::1" || host.starts_with("127."); }

Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const Error bad{ErrorCode::invalid_argument,
                  fmt::format("\"{}\" is no address to listen on", text),
                  "give a numeric address and a port, such as 127.0.0.1:8080 or [::1]:8080"};
  if (colon == std::string_view::npos) return bad;
  std::string host(text.substr(0, colon));
  const std::string port(text.substr(colon + 1));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string::npos) return bad;
  if (port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string::npos || std::stoi(port) > 65535)
    return bad;
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return bad;
  Address address;
  std::copy_n(reinterpret_cast<const char*>(found->ai_addr), found->ai_addrlen,
              reinterpret_cast<char*>(&address.storage));
  address.length = found->ai_addrlen;
  ::freeaddrinfo(found);
  return address;
}

Result<Descriptor> listen_on(Address address, std::string_view text) {
  Descriptor socket(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (socket.get() < 0 ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.get(), address.raw(), address.length) != 0 ||
      ::listen(socket.get(), kBacklog) != 0) {
    if (errno == EADDRINUSE)
      return Error{ErrorCode::already_exists, fmt::format("{} is in use", text),
                   "stop the other server, or choose another port"};
    return core::error_from_errno(errno, "cannot listen on", std::string(text));
  }
  return socket;
}

}  // namespace

// A connection and its socket. `connection` belongs to the thread that epoll gave it to; what else
// is here, to Impl::mutex.
struct Peer {
  Peer(Descriptor s, Exchange& exchange, std::string host)
      : socket(std::move(s)), address(host), connection(exchange, std::move(host)) {}
  Descriptor socket;
  std::string address;
  Connection connection;
  bool write_closed = false;      // the owner's
  std::size_t dropped_bytes = 0;  // the owner's: what came after the end
  std::size_t counted_bytes = 0;  // the owner's: its part of buffered_bytes

  bool owned = false;
  bool shut = false;
  bool idle = true;
  Time deadline;
};

struct Listener::Impl {
  ListenOptions options;
  Exchange& exchange;
  Metrics& metrics;
  Address bound;
  Descriptor listening, epoll, wake;
  std::vector<std::thread> threads;

  std::atomic<bool> stopping{false};
  std::atomic<std::size_t> buffered_bytes{0};
  std::mutex mutex;  // guards peers and the fields of Peer that say so
  std::unordered_map<int, std::unique_ptr<Peer>> peers;

  Impl(const ListenOptions& o, Exchange& e, Metrics& m) : options(o), exchange(e), metrics(m) {}

  void arm(int operation, int fd, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll.get(), operation, fd, &event);
  }

  void work() {
    for (;;) {
      epoll_event event{};
      const int count = ::epoll_wait(epoll.get(), &event, 1, -1);
      if (stopping) return;
      if (count != 1) continue;
      if (event.data.fd == listening.get()) accept_some();
      else serve(event.data.fd);
    }
  }

  void accept_some() {
    for (int i = 0; i < kAcceptsInARow; ++i) {
      Address address;
      Descriptor socket(
          ::accept4(listening.get(), address.raw(), &address.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket.get() < 0) {
        // Without descriptors the pending connection would wake this thread for ever.
        if (errno == EMFILE || errno == ENFILE) std::this_thread::sleep_for(milliseconds(5));
        break;
      }
      const int on = 1;
      ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      add(std::move(socket), host_of(address));
    }
    if (!stopping) arm(EPOLL_CTL_MOD, listening.get(), EPOLLIN | EPOLLONESHOT);
  }

  void add(Descriptor socket, std::string host) {
    const int fd = socket.get();
    const std::lock_guard lock(mutex);
    if (!is_loopback(host) && connections_of(host) >= options.max_per_address) return;
    if (peers.size() >= options.max_connections) {
      make_room();
      if (peers.size() >= options.max_connections + options.max_connections / 8) return;
    }
    auto peer = std::make_unique<Peer>(std::move(socket), exchange, std::move(host));
    peer->deadline = now() + options.request_time;
    peers[fd] = std::move(peer);
    metrics.count_connections(1);
    arm(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT);
  }

  // With the mutex held.
  std::size_t connections_of(std::string_view host) const {
    return static_cast<std::size_t>(
        std::count_if(peers.begin(), peers.end(),
                      [&](const auto& item) { return item.second->address == host; }));
  }

  // With the mutex held: the peer that has kept us waiting longest goes.
  void make_room() {
    Peer* oldest = nullptr;
    for (const auto& [fd, peer] : peers)
      if (!peer->owned && !peer->shut && (oldest == nullptr || peer->deadline < oldest->deadline))
        oldest = peer.get();
    if (oldest != nullptr) shut_down(*oldest);
  }

  static void shut_down(Peer& peer) {
    ::shutdown(peer.socket.get(), SHUT_RDWR);
    peer.shut = true;
  }

  Peer* own(int fd) {
    const std::lock_guard lock(mutex);
    const auto found = peers.find(fd);
    if (found == peers.end()) return nullptr;
    found->second->owned = true;
    return found->second.get();
  }

  void serve(int fd) {
    Peer* peer = own(fd);
    if (peer == nullptr) return;
    const bool was_idle = peer->connection.idle();
    // A peer that has closed its side may still read its answer.
    const bool more = read_some(*peer);
    const bool open = send_some(*peer) && more;
    count_bytes(*peer);
    // Who holds no more than a fair part goes on: those who ask for much do not shut out the rest.
    const std::size_t fair_part = options.max_buffered_bytes / options.max_connections;
    if (open && buffered_bytes > options.max_buffered_bytes && !peer->connection.ending() &&
        peer->connection.buffered_bytes() > fair_part) {
      peer->connection.refuse({ProblemKind::unavailable,
                               "the server holds too much already",
                               "",
                               {},
                               {{"Retry-After", "5"}}});
      if (!send_some(*peer)) return remove(fd);
      count_bytes(*peer);
    }
    if (!open) return remove(fd);
    give_back(fd, *peer, was_idle);
  }

  // False: nothing more will come.
  bool read_some(Peer& peer) {
    std::array<char, kReadBytes> buffer;  // NOLINT: filled by recv
    bool open = true;
    for (int i = 0; i < kReadsInARow && open; ++i) {
      if (!peer.connection.to_send().empty() && !peer.connection.ending()) break;
      const ssize_t count = ::recv(peer.socket.get(), buffer.data(), buffer.size(), 0);
      if (count < 0) {
        open = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        break;
      }
      if (count == 0) {
        open = false;
        break;
      }
      if (peer.write_closed) peer.dropped_bytes += static_cast<std::size_t>(count);
      if (peer.dropped_bytes > kMaxDroppedBytes) return false;
      peer.connection.receive({buffer.data(), static_cast<std::size_t>(count)});
      core::secure_zero(buffer.data(), static_cast<std::size_t>(count));
      if (static_cast<std::size_t>(count) < buffer.size()) break;
    }
    return open;
  }

  // False: the connection is to be closed.
  static bool send_some(Peer& peer) {
    while (!peer.connection.to_send().empty()) {
      const std::string_view bytes = peer.connection.to_send();
      const ssize_t count = ::send(peer.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
      peer.connection.sent(static_cast<std::size_t>(count));
    }
    if (peer.connection.ending() && !peer.write_closed) {
      ::shutdown(peer.socket.get(), SHUT_WR);
      peer.write_closed = true;
    }
    return true;
  }

  void count_bytes(Peer& peer) {
    const std::size_t bytes = peer.connection.buffered_bytes();
    buffered_bytes += bytes;
    buffered_bytes -= std::exchange(peer.counted_bytes, bytes);
  }

  void give_back(int fd, Peer& peer, bool was_idle) {
    const bool waits_to_send = !peer.connection.to_send().empty();
    const std::lock_guard lock(mutex);
    peer.idle = peer.connection.idle();
    // The clock of a request starts with its first byte and does not start again.
    if (peer.write_closed) peer.deadline = std::min(peer.deadline, now() + kLinger);
    else if (peer.idle) peer.deadline = now() + options.idle_time;
    else if (was_idle) peer.deadline = now() + options.request_time;
    peer.owned = false;
    arm(EPOLL_CTL_MOD, fd, (waits_to_send ? EPOLLOUT : EPOLLIN) | EPOLLONESHOT);
  }

  void remove(int fd) {
    const std::lock_guard lock(mutex);
    const auto found = peers.find(fd);
    buffered_bytes -= found->second->counted_bytes;
    peers.erase(found);
    metrics.count_connections(-1);
  }

  void watch_deadlines() {
    while (!stopping) {
      std::this_thread::sleep_for(kSweep);
      const Time time = now();
      const std::lock_guard lock(mutex);
      for (const auto& [fd, peer] : peers)
        if (!peer->owned && !peer->shut && peer->deadline < time) shut_down(*peer);
    }
  }

  bool has_begun_requests() {
    const std::lock_guard lock(mutex);
    return std::any_of(peers.begin(), peers.end(), [](const auto& item) {
      const Peer& peer = *item.second;
      return peer.owned || (!peer.idle && !peer.shut && !peer.write_closed);
    });
  }
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&&) noexcept = default;
Listener::~Listener() {
  if (impl_) stop(milliseconds(0));
}

Result<Listener> Listener::open(const ListenOptions& options, Exchange& exchange,
                                Metrics& metrics) {
  SIGILLO_TRY(const Address address, parse_address(options.address));
  auto impl = std::make_unique<Impl>(options, exchange, metrics);
  SIGILLO_TRY(impl->listening, listen_on(address, options.address));
  ::getsockname(impl->listening.get(), impl->bound.raw(), &impl->bound.length);
  impl->epoll = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  impl->wake = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (impl->epoll.get() < 0 || impl->wake.get() < 0)
    return core::error_from_errno(errno, "cannot wait for events of", options.address);
  impl->arm(EPOLL_CTL_ADD, impl->listening.get(), EPOLLIN | EPOLLONESHOT);
  impl->arm(EPOLL_CTL_ADD, impl->wake.get(), EPOLLIN);
  return Listener(std::move(impl));
}

std::string Listener::url() const {
  const std::string host = host_of(impl_->bound);
  const auto port = impl_->bound.storage.ss_family == AF_INET6
                        ? reinterpret_cast<const sockaddr_in6*>(&impl_->bound.storage)->sin6_port
                        : reinterpret_cast<const sockaddr_in*>(&impl_->bound.storage)->sin_port;
  return host.find(':') == std::string::npos ? fmt::format("http://{}:{}", host, ntohs(port))
                                             : fmt::format("http://[{}]:{}", host, ntohs(port));
}

bool Listener::loopback() const { return is_loopback(host_of(impl_->bound)); }

void Listener::start() {
  for (int i = 0; i < impl_->options.threads; ++i)
    impl_->threads.emplace_back([impl = impl_.get()] { impl->work(); });
  impl_->threads.emplace_back([impl = impl_.get()] { impl->watch_deadlines(); });
}

void Listener::stop(milliseconds grace) {
  if (impl_->listening.get() >= 0) {
    ::epoll_ctl(impl_->epoll.get(), EPOLL_CTL_DEL, impl_->listening.get(), nullptr);
    const Time end = now() + grace;
    while (impl_->has_begun_requests() && now() < end)
      std::this_thread::sleep_for(milliseconds(10));
  }
  impl_->stopping = true;
  const std::uint64_t one = 1;
  static_cast<void>(::write(impl_->wake.get(), &one, sizeof one));
  for (std::thread& thread : impl_->threads) thread.join();
  impl_->threads.clear();
}

}  // namespace sigillo::server
