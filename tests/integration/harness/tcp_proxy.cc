#include "tests/integration/harness/tcp_proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <utility>
#include <vector>

#include "absl/time/clock.h"

namespace parley::integration {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
// What is on its way in one direction; beyond that the sender must wait.
constexpr size_t kMaxBuffered = 4 * 1024 * 1024;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

int Listen() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_in address = Loopback(0);
  if (fd < 0 ||
      bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
          0 ||
      listen(fd, 64) != 0) {
    Die("cannot listen on 127.0.0.1");
  }
  return fd;
}

int PortOf(int fd) {
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    Die("cannot tell the port");
  }
  return ntohs(address.sin_port);
}

void NoDelay(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

// Blocks for as long as a connect on this machine does, which is nothing.
int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) != 0) {
    close(fd);
    return -1;
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  NoDelay(fd);
  return fd;
}

void CloseWithReset(int fd) {
  const linger immediately = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &immediately, sizeof(immediately));
  close(fd);
}

}  // namespace

// One direction of a connection.
struct TcpProxy::Pipe {
  struct Chunk {
    absl::Time due;
    std::string bytes;
  };

  int from = -1;
  int to = -1;
  std::deque<Chunk> chunks;
  size_t buffered = 0;
  bool ended = false;  // `from` sends no more
  bool told = false;   // so does `to`'s end
  uint64_t* left_to_cut = nullptr;
  uint64_t* passed = nullptr;
};

struct TcpProxy::Connection {
  int client = -1;
  int server = -1;  // -1: nobody answers
  Pipe to_server;
  Pipe to_client;
};

TcpProxy::TcpProxy(int target_port)
    : listener_(Listen()),
      port_(PortOf(listener_)),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      target_port_(target_port) {
  thread_ = std::thread([this] { Run(); });
}

TcpProxy::~TcpProxy() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
  for (const auto& connection : connections_) End(connection.get(), true);
  close(listener_);
  close(wake_fd_);
}

void TcpProxy::SetTargetPort(int port) {
  const std::lock_guard<std::mutex> lock(mutex_);
  target_port_ = port;
}

void TcpProxy::SetMode(Mode mode) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    mode_ = mode;
  }
  Wake();
}

void TcpProxy::SetDelay(absl::Duration delay) {
  const std::lock_guard<std::mutex> lock(mutex_);
  delay_ = delay;
}

void TcpProxy::CutAll(bool reset) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    cut_all_ = true;
    cut_with_reset_ = reset;
  }
  Wake();
}

void TcpProxy::CutAfterBytesToServer(uint64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  left_to_server_ = bytes;
}

void TcpProxy::CutAfterBytesToClient(uint64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  left_to_client_ = bytes;
}

TcpProxy::Stats TcpProxy::stats() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  Stats stats = stats_;
  stats.open = connections_.size();
  return stats;
}

std::vector<absl::Time> TcpProxy::reached_server() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return reached_server_;
}

void TcpProxy::Wake() {
  const uint64_t one = 1;
  // It can only fail when the counter is full, and then the thread is awake.
  (void)!write(wake_fd_, &one, sizeof(one));
}

void TcpProxy::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    std::vector<pollfd> events = PollSet();
    const int timeout_ms = mode_ == Mode::kFreeze ? -1 : PollTimeoutMs();
    lock.unlock();
    poll(events.data(), events.size(), timeout_ms);
    lock.lock();
    uint64_t ignored;
    (void)!read(wake_fd_, &ignored, sizeof(ignored));
    Move();
    Accept();
  }
}

std::vector<pollfd> TcpProxy::PollSet() const {
  const bool moves = mode_ != Mode::kFreeze;
  const auto events = [](const Pipe& in, const Pipe& out) {
    short events = 0;
    if (!in.ended && in.buffered < kMaxBuffered) events |= POLLIN;
    if (!out.chunks.empty() && out.chunks.front().due <= absl::Now()) {
      events |= POLLOUT;
    }
    return events;
  };
  // A descriptor below 0 is passed over.
  std::vector<pollfd> set = {{wake_fd_, POLLIN, 0},
                             {moves ? listener_ : -1, POLLIN, 0}};
  for (const auto& connection : connections_) {
    set.push_back({moves ? connection->client : -1,
                   events(connection->to_server, connection->to_client), 0});
    set.push_back({moves ? connection->server : -1,
                   events(connection->to_client, connection->to_server), 0});
  }
  return set;
}

void TcpProxy::Move() {
  for (auto it = connections_.begin(); it != connections_.end();) {
    it = Move(it->get()) ? connections_.erase(it) : std::next(it);
  }
  cut_all_ = false;
}

bool TcpProxy::Move(Connection* connection) {
  if (cut_all_) {
    End(connection, cut_with_reset_);
    return true;
  }
  if (mode_ == Mode::kFreeze) return false;
  Pipe* up = &connection->to_server;
  Pipe* down = &connection->to_client;
  if (!(Read(up) && Read(down) && Write(up) && Write(down))) {
    End(connection, /*reset=*/true);
    return true;
  }
  if (up->told && down->told) {
    End(connection, /*reset=*/false);
    return true;
  }
  return false;
}

int TcpProxy::PollTimeoutMs() const {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& connection : connections_) {
    for (const Pipe* pipe : {&connection->to_server, &connection->to_client}) {
      if (!pipe->chunks.empty() && pipe->chunks.front().due > absl::Now()) {
        next = std::min(next, pipe->chunks.front().due);
      }
    }
  }
  if (next == absl::InfiniteFuture()) return -1;
  // Rounded up, or the thread would spin for a millisecond.
  return static_cast<int>(absl::ToInt64Milliseconds(std::max(
                              next - absl::Now(), absl::ZeroDuration())) +
                          1);
}

void TcpProxy::Accept() {
  // In a frozen network the handshake does not come through either.
  if (mode_ == Mode::kFreeze) return;
  int client;
  while ((client = accept4(listener_, nullptr, nullptr,
                           SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
    ++stats_.accepted;
    NoDelay(client);
    auto connection = std::make_unique<Connection>();
    connection->client = client;
    const bool forwards = mode_ == Mode::kForward || mode_ == Mode::kSwallow;
    if (forwards) connection->server = Connect(target_port_);
    if (connection->server >= 0) reached_server_.push_back(absl::Now());
    const bool refused = forwards && connection->server < 0;
    if (mode_ == Mode::kClose || refused) {
      close(client);
      continue;
    }
    if (mode_ == Mode::kGarbage) {
      // More than a reader keeps of a line that it waits to see the end of.
      const std::string garbage(16 * 1024, '\x16');
      (void)!write(client, garbage.data(), garbage.size());
    }
    connection->to_server.from = client;
    connection->to_server.to = connection->server;
    connection->to_server.left_to_cut = &left_to_server_;
    connection->to_server.passed = &stats_.bytes_to_server;
    connection->to_client.from = connection->server;
    connection->to_client.to = client;
    connection->to_client.left_to_cut = &left_to_client_;
    connection->to_client.passed = &stats_.bytes_to_client;
    connections_.push_back(std::move(connection));
  }
}

bool TcpProxy::Read(Pipe* pipe) {
  if (pipe->from < 0) return true;
  char buffer[kReadBytes];
  while (!pipe->ended && pipe->buffered < kMaxBuffered) {
    const ssize_t count = read(pipe->from, buffer, sizeof(buffer));
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) {
      pipe->ended = true;
      // Nobody is behind this proxy who could say goodbye.
      return pipe->to >= 0;
    }
    if (pipe->to < 0) continue;
    if (mode_ == Mode::kSwallow) {
      stats_.bytes_lost += count;
      continue;
    }
    pipe->chunks.push_back({absl::Now() + delay_, std::string(buffer, count)});
    pipe->buffered += count;
  }
  return true;
}

bool TcpProxy::Write(Pipe* pipe) {
  if (pipe->to < 0) return true;
  while (!pipe->chunks.empty() && pipe->chunks.front().due <= absl::Now()) {
    std::string& bytes = pipe->chunks.front().bytes;
    const size_t wanted = std::min<uint64_t>(bytes.size(), *pipe->left_to_cut);
    const ssize_t count =
        wanted == 0 ? 0 : send(pipe->to, bytes.data(), wanted, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    *pipe->passed += count;
    pipe->buffered -= count;
    if (*pipe->left_to_cut != UINT64_MAX) {
      *pipe->left_to_cut -= count;
      if (*pipe->left_to_cut == 0) {
        *pipe->left_to_cut = UINT64_MAX;
        return false;
      }
    }
    bytes.erase(0, count);
    if (!bytes.empty()) return true;
    pipe->chunks.pop_front();
  }
  if (pipe->ended && pipe->chunks.empty() && !pipe->told) {
    shutdown(pipe->to, SHUT_WR);
    pipe->told = true;
  }
  return true;
}

void TcpProxy::End(Connection* connection, bool reset) {
  for (const int fd : {connection->client, connection->server}) {
    if (fd < 0) continue;
    if (reset) {
      CloseWithReset(fd);
    } else {
      close(fd);
    }
  }
}

}  // namespace parley::integration
