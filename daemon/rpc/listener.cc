#include "daemon/rpc/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daemon/base/check.h"
#include "daemon/base/logging.h"
#include "daemon/model/errors.h"
#include "daemon/rpc/socket_path.h"

namespace parley::rpc {
namespace {

namespace logging = base::logging;

// Numbers of handed over connections; far above what else the process opens.
constexpr int kFirstNumber = 1000;
constexpr int kNumbers = 30000;
// Refused connections that are answered in words at a time; more are closed.
constexpr size_t kMaxRefused = 32;
// A client reads a refusal at once or not at all.
constexpr int64_t kRefusalMs = 2000;

// What an epoll event is about: the kind above, a descriptor below.
enum EventKind : uint64_t {
  kListening = 0,
  kStop = 1,
  kConnection = 2,
  kRefused = 3,
};
uint64_t Key(EventKind kind, int fd) {
  return static_cast<uint64_t>(kind) << 32 | static_cast<uint32_t>(fd);
}

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// The numbers [first, last) as far as this process may use them.
std::pair<int, int> NumberRange() {
  rlimit limit = {};
  PARLEY_CHECK(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const auto max = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
  const int first = std::min(kFirstNumber, max / 2);
  return {first, std::min(max, first + kNumbers)};
}

absl::Status TooManyConnections(absl::string_view whose, int count) {
  return model::WithRetryAfter(
      model::MakeError(
          absl::StatusCode::kResourceExhausted,
          model::ErrorReason::kTooManyRequests,
          absl::StrCat(whose, " has ", count,
                       " connections open, as many as it may; close one")),
      absl::Seconds(1));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Bind(
    const Options& options) {
  absl::StatusOr<BoundSocket> bound = BindSocketPath(options.socket_path);
  if (!bound.ok()) return bound.status();
  return std::unique_ptr<Listener>(
      new Listener(options, std::move(bound->socket), std::move(bound->lock),
                   options.socket_path));
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Adopt(
    runtime::UniqueFd socket, const Options& options) {
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return absl::InvalidArgumentError(
        "the socket that was passed to this process is not usable");
  }
  return std::unique_ptr<Listener>(
      new Listener(options, std::move(socket), runtime::UniqueFd(), ""));
}

absl::StatusOr<std::optional<runtime::UniqueFd>> Listener::TakePassedSocket() {
  return rpc::TakePassedSocket();
}

Listener::Listener(const Options& options, runtime::UniqueFd socket,
                   runtime::UniqueFd lock, std::string owned_path)
    : options_(options),
      path_(LocalPath(socket.get())),
      owned_path_(std::move(owned_path)),
      lock_(std::move(lock)),
      socket_(std::move(socket)) {}

Listener::~Listener() { Stop(); }

void Listener::Start(OnConnection on_connection) {
  PARLEY_CHECK(!thread_.joinable() && !stopped_);
  on_connection_ = std::move(on_connection);
  next_number_ = NumberRange().first;
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  stop_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  reserve_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Watch(stop_.get(), EPOLLIN, Key(kStop, 0));
  Watch(socket_.get(), EPOLLIN, Key(kListening, 0));
  thread_ = std::thread([this] { Run(); });
}

void Listener::Stop() {
  if (stopped_) return;
  stopped_ = true;
  if (thread_.joinable()) {
    const uint64_t one = 1;
    PARLEY_CHECK(::write(stop_.get(), &one, sizeof(one)) == sizeof(one));
    thread_.join();
  }
  socket_.reset();
  // The lock is still held, so this is no other daemon's socket.
  if (!owned_path_.empty()) ::unlink(owned_path_.c_str());
}

int Listener::connections() const {
  base::MutexLock lock(&mutex_);
  return static_cast<int>(connections_.size());
}

std::optional<Peer> Listener::FindPeer(const std::string& grpc_peer) const {
  constexpr absl::string_view kPrefix = "fd:";
  int number = 0;
  if (!absl::StartsWith(grpc_peer, kPrefix) ||
      !absl::SimpleAtoi(absl::string_view(grpc_peer).substr(kPrefix.size()),
                        &number)) {
    return std::nullopt;
  }
  base::MutexLock lock(&mutex_);
  const auto it = connections_.find(number);
  if (it == connections_.end()) return std::nullopt;
  return it->second.peer;
}

void Listener::Watch(int fd, uint32_t events, uint64_t key) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = key;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    // Out of kernel memory: the connection is served, but not counted down.
    logging::Error("cannot watch a connection",
                   {{"error", std::strerror(errno)}});
  }
}

void Listener::Run() {
  while (true) {
    epoll_event events[64];
    const int count = ::epoll_wait(epoll_.get(), events, 64, WaitTimeoutMs());
    for (int i = 0; i < count; ++i) {
      const auto fd = static_cast<int>(events[i].data.u64 & 0xffffffff);
      switch (events[i].data.u64 >> 32) {
        case kStop:
          refused_.clear();
          return;
        case kListening:
          AcceptAll();
          break;
        case kConnection: {
          base::MutexLock lock(&mutex_);
          const auto it = connections_.find(fd);
          if (it == connections_.end()) break;
          const auto process = per_process_.find(it->second.peer.pid);
          if (--process->second == 0) per_process_.erase(process);
          connections_.erase(it);
          break;
        }
        case kRefused:
          ServeRefused(fd, events[i].events);
          break;
      }
    }
    CloseOverdueRefused();
  }
}

void Listener::AcceptAll() {
  while (true) {
    runtime::UniqueFd fd(::accept4(socket_.get(), nullptr, nullptr,
                                   SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid()) {
      if (errno == EMFILE || errno == ENFILE) DropOne();
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return;
    }
    Peer peer;
    const absl::Status admitted = Admit(fd.get(), &peer);
    if (admitted.ok()) {
      HandOver(std::move(fd), peer);
    } else {
      logging::Warning(
          "connection refused",
          {{"pid", peer.pid}, {"uid", peer.uid}, {"why", admitted.message()}});
      Refuse(std::move(fd), admitted);
    }
  }
}

absl::Status Listener::Admit(int fd, Peer* peer) const {
  ucred credentials = {};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    credentials.uid = static_cast<uid_t>(-1);
  }
  *peer = {credentials.pid, credentials.uid};
  const bool allowed =
      options_.allowed_users.has_value()
          ? std::count(options_.allowed_users->begin(),
                       options_.allowed_users->end(), peer->uid) > 0
          : peer->uid == 0 || peer->uid == ::geteuid();
  if (!allowed) {
    return model::MakeError(
        absl::StatusCode::kPermissionDenied,
        model::ErrorReason::kPeerNotAllowed,
        absl::StrCat("this daemon serves user ", ::geteuid(), ", and process ",
                     peer->pid, " is of user ", peer->uid,
                     "; use that user's own daemon"));
  }
  base::MutexLock lock(&mutex_);
  const auto all = static_cast<int>(connections_.size());
  if (all >= options_.max_connections) {
    return TooManyConnections("the daemon", all);
  }
  const auto process = per_process_.find(peer->pid);
  if (process != per_process_.end() &&
      process->second >= options_.max_connections_per_process) {
    return TooManyConnections(absl::StrCat("process ", peer->pid),
                              process->second);
  }
  return absl::OkStatus();
}

void Listener::HandOver(runtime::UniqueFd fd, const Peer& peer) {
  // gRPC names a connection by its descriptor, and the kernel gives the lowest
  // free one again and again: numbers that rise name one connection only.
  const auto [first, last] = NumberRange();
  if (next_number_ >= last) next_number_ = first;
  int number = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, next_number_);
  if (number < 0) number = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, first);
  if (number < 0) {
    logging::Error("connection dropped: out of descriptors",
                   {{"error", std::strerror(errno)}});
    return;
  }
  next_number_ = number + 1;
  const int watched = fd.get();
  {
    base::MutexLock lock(&mutex_);
    connections_[number] = Connection{peer, std::move(fd)};
    ++per_process_[peer.pid];
  }
  logging::Debug("connection accepted",
                 {{"fd", number}, {"pid", peer.pid}, {"uid", peer.uid}});
  on_connection_(number);
  // It reports at once when the connection has ended already.
  Watch(watched, EPOLLRDHUP | EPOLLONESHOT, Key(kConnection, number));
}

void Listener::Refuse(runtime::UniqueFd fd, const absl::Status& reason) {
  if (refused_.size() >= kMaxRefused) return;
  ConnectionRefusal refusal(reason);
  const std::string greeting = refusal.Greeting();
  if (::send(fd.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL) < 0) {
    return;
  }
  const int number = fd.get();
  refused_.emplace(
      number, Refused{std::move(fd), std::move(refusal), NowMs() + kRefusalMs});
  Watch(number, EPOLLIN | EPOLLRDHUP, Key(kRefused, number));
}

void Listener::ServeRefused(int fd, uint32_t events) {
  const auto it = refused_.find(fd);
  if (it == refused_.end()) return;
  char buffer[4096];
  const ssize_t size = ::recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size > 0) {
    ConnectionRefusal& refusal = it->second.refusal;
    const std::string answer =
        refusal.Feed(absl::string_view(buffer, static_cast<size_t>(size)));
    // A socket whose buffer does not take this much is not read from.
    const bool sent = answer.empty() ||
                      ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) ==
                          static_cast<ssize_t>(answer.size());
    if (sent && !refusal.done()) return;
  }
  refused_.erase(it);
}

void Listener::CloseOverdueRefused() {
  const int64_t now = NowMs();
  for (auto it = refused_.begin(); it != refused_.end();) {
    it = it->second.close_at_ms <= now ? refused_.erase(it) : std::next(it);
  }
}

int Listener::WaitTimeoutMs() const {
  if (refused_.empty()) return -1;
  int64_t earliest = INT64_MAX;
  for (const auto& [fd, refused] : refused_) {
    earliest = std::min(earliest, refused.close_at_ms);
  }
  return static_cast<int>(std::max<int64_t>(0, earliest - NowMs()) + 1);
}

void Listener::DropOne() {
  logging::Error("connection dropped: out of descriptors", {});
  reserve_.reset();
  runtime::UniqueFd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC))
      .reset();
  reserve_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  errno = EMFILE;
}

}  // namespace parley::rpc
