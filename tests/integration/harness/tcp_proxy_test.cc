#include "tests/integration/harness/tcp_proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "tests/integration/harness/wait_for.h"

namespace parley::integration {
namespace {

constexpr int kPatienceMs = 30000;

// A blocking socket.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  static Socket ConnectTo(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address)),
              0);
    return Socket(fd);
  }

  void Send(const std::string& text) {
    EXPECT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  bool Readable(int timeout_ms) const {
    pollfd event = {fd_, POLLIN, 0};
    return poll(&event, 1, timeout_ms) == 1;
  }

  // As many bytes; fewer when the other side ends before.
  std::string Receive(size_t size) {
    std::string text;
    char byte;
    while (text.size() < size && Readable(kPatienceMs) &&
           read(fd_, &byte, 1) == 1) {
      text.push_back(byte);
    }
    return text;
  }

  // What read says once the connection has ended: 0 or an errno.
  int End() {
    char byte;
    EXPECT_TRUE(Readable(kPatienceMs));
    return read(fd_, &byte, 1) == 0 ? 0 : errno;
  }

  Socket Accept() {
    EXPECT_TRUE(Readable(kPatienceMs));
    return Socket(accept(fd_, nullptr, nullptr));
  }

  int fd() const { return fd_; }

 private:
  int fd_;
};

class TcpProxyTest : public testing::Test {
 protected:
  TcpProxyTest() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener_.fd(), reinterpret_cast<sockaddr*>(&address), size),
              0);
    EXPECT_EQ(listen(listener_.fd(), 10), 0);
    EXPECT_EQ(getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&address),
                          &size),
              0);
    proxy_ = std::make_unique<TcpProxy>(ntohs(address.sin_port));
  }

  Socket Connect() { return Socket::ConnectTo(proxy_->port()); }

  Socket listener_;
  std::unique_ptr<TcpProxy> proxy_;
};

TEST_F(TcpProxyTest, ForwardsBothWays) {
  Socket client = Connect();
  Socket server = listener_.Accept();
  client.Send("up");
  EXPECT_EQ(server.Receive(2), "up");
  server.Send("down");
  EXPECT_EQ(client.Receive(4), "down");
  const TcpProxy::Stats stats = proxy_->stats();
  EXPECT_EQ(stats.accepted, 1u);
  EXPECT_EQ(stats.open, 1u);
  EXPECT_EQ(stats.bytes_to_server, 2u);
  EXPECT_EQ(stats.bytes_to_client, 4u);
}

TEST_F(TcpProxyTest, PassesTheEndOn) {
  {
    Socket client = Connect();
    client.Send("last words");
    Socket accepted = listener_.Accept();
    EXPECT_EQ(accepted.Receive(10), "last words");
    EXPECT_EQ(proxy_->stats().open, 1u);
    shutdown(client.fd(), SHUT_WR);
    EXPECT_EQ(accepted.End(), 0);
    accepted.Send("bye");
    EXPECT_EQ(client.Receive(3), "bye");
  }
  EXPECT_TRUE(WaitFor([this] { return proxy_->stats().open == 0; }));
}

TEST_F(TcpProxyTest, DelaysBytes) {
  Socket client = Connect();
  Socket server = listener_.Accept();
  proxy_->SetDelay(absl::Milliseconds(100));
  const absl::Time start = absl::Now();
  client.Send("slow");
  EXPECT_EQ(server.Receive(4), "slow");
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(100));
}

TEST_F(TcpProxyTest, CutsWithAReset) {
  Socket client = Connect();
  Socket server = listener_.Accept();
  proxy_->CutAll();
  EXPECT_EQ(client.End(), ECONNRESET);
  EXPECT_EQ(server.End(), ECONNRESET);
}

TEST_F(TcpProxyTest, CutsPolitely) {
  Socket client = Connect();
  Socket server = listener_.Accept();
  proxy_->CutAll(/*reset=*/false);
  EXPECT_EQ(client.End(), 0);
  EXPECT_EQ(server.End(), 0);
}

TEST_F(TcpProxyTest, CutsAfterSoManyBytes) {
  Socket client = Connect();
  Socket server = listener_.Accept();
  proxy_->CutAfterBytesToServer(3);
  client.Send("abcdef");
  EXPECT_EQ(proxy_->stats().accepted, 1u);
  EXPECT_EQ(client.End(), ECONNRESET);
  EXPECT_TRUE(WaitFor([this] { return proxy_->stats().open == 0; }));
  EXPECT_EQ(proxy_->stats().bytes_to_server, 3u);
}

TEST_F(TcpProxyTest, FreezesWithoutTellingAnybody) {
  Socket client = Connect();
  Socket server = listener_.Accept();
  client.Send("a");
  EXPECT_EQ(server.Receive(1), "a");
  proxy_->SetMode(TcpProxy::Mode::kFreeze);
  client.Send("b");
  EXPECT_FALSE(server.Readable(100));
  EXPECT_FALSE(client.Readable(0));
  proxy_->SetMode(TcpProxy::Mode::kForward);
  EXPECT_EQ(server.Receive(1), "b");
}

TEST_F(TcpProxyTest, SwallowsBytesWithoutTellingAnybody) {
  Socket client = Connect();
  Socket server = listener_.Accept();
  proxy_->SetMode(TcpProxy::Mode::kSwallow);
  client.Send("lost");
  EXPECT_TRUE(WaitFor([this] { return proxy_->stats().bytes_lost == 4; }));
  EXPECT_FALSE(server.Readable(0));
  EXPECT_FALSE(client.Readable(0));
  proxy_->SetMode(TcpProxy::Mode::kForward);
  client.Send("found");
  EXPECT_EQ(server.Receive(5), "found");
}

TEST_F(TcpProxyTest, TellsWhenConnectionsReachedTheServer) {
  EXPECT_TRUE(proxy_->reached_server().empty());
  const absl::Time start = absl::Now();
  Socket client = Connect();
  Socket server = listener_.Accept();
  const auto reached = proxy_->reached_server();
  ASSERT_EQ(reached.size(), 1u);
  EXPECT_GE(reached.front(), start);
  EXPECT_LE(reached.front(), absl::Now());
  proxy_->SetMode(TcpProxy::Mode::kClose);
  EXPECT_EQ(Connect().End(), 0);
  EXPECT_EQ(proxy_->reached_server().size(), 1u);
}

TEST_F(TcpProxyTest, PlaysBadServers) {
  proxy_->SetMode(TcpProxy::Mode::kClose);
  EXPECT_EQ(Connect().End(), 0);

  proxy_->SetMode(TcpProxy::Mode::kGarbage);
  EXPECT_NE(Connect().Receive(3), "HTT");

  proxy_->SetMode(TcpProxy::Mode::kSilent);
  Socket client = Connect();
  client.Send("anybody?");
  EXPECT_FALSE(client.Readable(100));
  EXPECT_FALSE(listener_.Readable(0));
}

TEST_F(TcpProxyTest, ClosesWhenTheServerIsDown) {
  const int free_port = [] {
    const TcpProxy other(1);
    return other.port();
  }();
  proxy_->SetTargetPort(free_port);
  EXPECT_EQ(Connect().End(), 0);
}

}  // namespace
}  // namespace parley::integration
