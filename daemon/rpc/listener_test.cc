#include "daemon/rpc/listener.h"

#include <fcntl.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/base/mutex.h"
#include "daemon/rpc/testing/edge_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::rpc {
namespace {

using ::testing::HasSubstr;

sockaddr_un Address(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

// A connected socket, or one that is not valid.
runtime::UniqueFd ConnectTo(const std::string& path) {
  runtime::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = Address(path);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) != 0) {
    return runtime::UniqueFd();
  }
  return fd;
}

runtime::UniqueFd ListenOn(const std::string& path) {
  runtime::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = Address(path);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                   sizeof(address)),
            0);
  EXPECT_EQ(::listen(fd.get(), 8), 0);
  return fd;
}

// Whether the other side has closed the connection.
bool IsClosed(const runtime::UniqueFd& fd) {
  char byte;
  return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

class ListenerTest : public ::testing::Test {
 protected:
  ListenerTest() { options_.socket_path = dir_.path("sock"); }

  std::unique_ptr<Listener> Bind() {
    auto listener = Listener::Bind(options_);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return listener.ok() ? *std::move(listener) : nullptr;
  }

  // Accepts, and keeps what is handed over.
  void Start(Listener* listener) {
    listener->Start([this](int fd) {
      base::MutexLock lock(&mutex_);
      accepted_.push_back(runtime::UniqueFd(fd));
    });
  }
  size_t accepted() {
    base::MutexLock lock(&mutex_);
    return accepted_.size();
  }
  int accepted_number(size_t i) {
    base::MutexLock lock(&mutex_);
    return accepted_[i].get();
  }
  // As gRPC does when it is done with a connection.
  void CloseAccepted(size_t i) {
    base::MutexLock lock(&mutex_);
    ::shutdown(accepted_[i].get(), SHUT_RDWR);
    accepted_[i].reset();
  }

  SocketDir dir_;
  Listener::Options options_;
  base::Mutex mutex_;
  std::vector<runtime::UniqueFd> accepted_ ABSL_GUARDED_BY(mutex_);
};

mode_t ModeOf(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST_F(ListenerTest, SocketAndItsNewDirectoryAreForThisUserAlone) {
  options_.socket_path = dir_.path("new/sock");
  const mode_t old_mask = ::umask(0);
  auto listener = Bind();
  ::umask(old_mask);
  EXPECT_EQ(ModeOf(dir_.path("new")), 0700u);
  EXPECT_EQ(ModeOf(options_.socket_path), 0600u);
  EXPECT_EQ(ModeOf(options_.socket_path + ".lock"), 0600u);
  listener.reset();
  ::unlink((options_.socket_path + ".lock").c_str());
}

TEST_F(ListenerTest, HandsConnectionsOver) {
  auto listener = Bind();
  Start(listener.get());
  const runtime::UniqueFd client = ConnectTo(options_.socket_path);
  ASSERT_TRUE(client.valid());
  ASSERT_TRUE(WaitFor([&] { return accepted() == 1; }));
  const auto peer = listener->FindPeer(absl::StrCat("fd:", accepted_number(0)));
  ASSERT_TRUE(peer.has_value());
  EXPECT_EQ(peer->pid, ::getpid());
  EXPECT_EQ(peer->uid, ::geteuid());
  EXPECT_FALSE(listener->FindPeer("fd:1").has_value());
  EXPECT_FALSE(listener->FindPeer("ipv4:127.0.0.1:1").has_value());
}

TEST_F(ListenerTest, ConnectionsBeforeStartAreServedAfterIt) {
  auto listener = Bind();
  const runtime::UniqueFd client = ConnectTo(options_.socket_path);
  ASSERT_TRUE(client.valid());
  Start(listener.get());
  EXPECT_TRUE(WaitFor([&] { return accepted() == 1; }));
}

TEST_F(ListenerTest, NumbersOfConnectionsDoNotRepeat) {
  auto listener = Bind();
  Start(listener.get());
  std::vector<int> numbers;
  for (size_t i = 0; i < 20; ++i) {
    const runtime::UniqueFd client = ConnectTo(options_.socket_path);
    ASSERT_TRUE(WaitFor([&] { return accepted() == i + 1; }));
    numbers.push_back(accepted_number(i));
    CloseAccepted(i);
    ASSERT_TRUE(WaitFor([&] { return listener->connections() == 0; }));
  }
  for (size_t i = 1; i < numbers.size(); ++i) {
    EXPECT_GT(numbers[i], numbers[i - 1]);
  }
}

TEST_F(ListenerTest, NoticesWhenAClientLeaves) {
  auto listener = Bind();
  Start(listener.get());
  runtime::UniqueFd client = ConnectTo(options_.socket_path);
  ASSERT_TRUE(WaitFor([&] { return listener->connections() == 1; }));
  client.reset();
  EXPECT_TRUE(WaitFor([&] { return listener->connections() == 0; }));
}

TEST_F(ListenerTest, TheDuplicateDoesNotKeepAConnectionOpen) {
  auto listener = Bind();
  Start(listener.get());
  const runtime::UniqueFd client = ConnectTo(options_.socket_path);
  ASSERT_TRUE(WaitFor([&] { return accepted() == 1; }));
  CloseAccepted(0);
  EXPECT_TRUE(WaitFor([&] { return IsClosed(client); }));
}

TEST_F(ListenerTest, SecondListenerIsRefusedAndTheFirstGoesOn) {
  auto first = Bind();
  Start(first.get());
  const auto second = Listener::Bind(options_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(absl::StrCat("process ", ::getpid())));
  EXPECT_TRUE(ConnectTo(options_.socket_path).valid());
  first->Stop();
  EXPECT_NE(::access(options_.socket_path.c_str(), F_OK), 0);
}

TEST_F(ListenerTest, StaleSocketIsReplaced) {
  ListenOn(options_.socket_path).reset();  // as after a kill: nobody listens
  ASSERT_EQ(::access(options_.socket_path.c_str(), F_OK), 0);
  auto listener = Bind();
  Start(listener.get());
  EXPECT_TRUE(ConnectTo(options_.socket_path).valid());
}

TEST_F(ListenerTest, SocketOfAnotherProgramIsLeftAlone) {
  const runtime::UniqueFd other = ListenOn(options_.socket_path);
  const auto listener = Listener::Bind(options_);
  EXPECT_EQ(listener.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(listener.status().message()),
              HasSubstr("another program serves"));
  EXPECT_TRUE(ConnectTo(options_.socket_path).valid());
}

TEST_F(ListenerTest, WhatIsNoSocketIsLeftAlone) {
  std::ofstream(options_.socket_path) << "precious";
  const auto listener = Listener::Bind(options_);
  EXPECT_EQ(listener.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(listener.status().message()),
              HasSubstr("is no socket"));
  std::string content;
  std::ifstream(options_.socket_path) >> content;
  EXPECT_EQ(content, "precious");
}

TEST_F(ListenerTest, PathsThatCannotBeSaySo) {
  options_.socket_path = dir_.path(std::string(200, 'x'));
  EXPECT_EQ(Listener::Bind(options_).status().code(),
            absl::StatusCode::kInvalidArgument);
  options_.socket_path = "";
  EXPECT_EQ(Listener::Bind(options_).status().code(),
            absl::StatusCode::kInvalidArgument);
  options_.socket_path = dir_.path("no/such/dir/sock");
  EXPECT_THAT(std::string(Listener::Bind(options_).status().message()),
              HasSubstr("directory"));
}

TEST_F(ListenerTest, StopRemovesTheSocketAndTheNextOneFollows) {
  auto first = Bind();
  Start(first.get());
  first->Stop();
  EXPECT_FALSE(ConnectTo(options_.socket_path).valid());
  first.reset();
  auto second = Bind();
  Start(second.get());
  EXPECT_TRUE(ConnectTo(options_.socket_path).valid());
}

// --- Refusals ----------------------------------------------------------------

grpc::Status CallOver(const std::string& path) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto stub =
      parley::v1::DaemonService::NewStub(grpc::CreateCustomChannel(
          "unix:" + path, grpc::InsecureChannelCredentials(), arguments));
  Call call;
  parley::v1::GetStatusResponse response;
  return stub->GetStatus(&call, {}, &response);
}

TEST_F(ListenerTest, AnotherUsersProcessIsToldSo) {
  options_.allowed_users = std::vector<uid_t>{::geteuid() + 1};
  auto listener = Bind();
  Start(listener.get());
  const grpc::Status status = CallOver(options_.socket_path);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
      << status.error_message();
  EXPECT_EQ(ReasonOf(status), "PEER_NOT_ALLOWED");
  EXPECT_THAT(status.error_message(), HasSubstr("is of user"));
  EXPECT_EQ(accepted(), 0u);
}

TEST_F(ListenerTest, OneConnectionTooManyIsToldSo) {
  options_.max_connections = 2;
  auto listener = Bind();
  Start(listener.get());
  runtime::UniqueFd first = ConnectTo(options_.socket_path);
  const runtime::UniqueFd second = ConnectTo(options_.socket_path);
  ASSERT_TRUE(WaitFor([&] { return listener->connections() == 2; }));
  const grpc::Status status = CallOver(options_.socket_path);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), "TOO_MANY_REQUESTS");
  EXPECT_TRUE(HasRetryInfo(status));

  // The place of one that left is free again.
  first.reset();
  ASSERT_TRUE(WaitFor([&] { return listener->connections() == 1; }));
  const runtime::UniqueFd third = ConnectTo(options_.socket_path);
  EXPECT_TRUE(WaitFor([&] { return listener->connections() == 2; }));
}

TEST_F(ListenerTest, OneConnectionTooManyOfAProcessIsToldSo) {
  options_.max_connections_per_process = 1;
  auto listener = Bind();
  Start(listener.get());
  const runtime::UniqueFd first = ConnectTo(options_.socket_path);
  ASSERT_TRUE(WaitFor([&] { return listener->connections() == 1; }));
  const grpc::Status status = CallOver(options_.socket_path);
  EXPECT_EQ(ReasonOf(status), "TOO_MANY_REQUESTS");
  EXPECT_THAT(status.error_message(),
              HasSubstr(absl::StrCat("process ", ::getpid())));
}

TEST_F(ListenerTest, RefusedConnectionsDoNotPileUp) {
  options_.max_connections = 0;
  auto listener = Bind();
  Start(listener.get());
  std::vector<runtime::UniqueFd> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(ConnectTo(options_.socket_path));
  }
  // Those that say nothing are closed as well, if not at once.
  for (const runtime::UniqueFd& client : clients) {
    EXPECT_TRUE(WaitFor([&] {
      char buffer[64];
      return ::recv(client.get(), buffer, sizeof(buffer), MSG_DONTWAIT) == 0;
    }));
  }
}

TEST_F(ListenerTest, WithoutDescriptorsItDropsConnectionsAndRecovers) {
  auto listener = Bind();
  Start(listener.get());
  std::vector<runtime::UniqueFd> hoard;
  rlimit old_limit = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old_limit), 0);
  const rlimit small = {64, old_limit.rlim_max};
  runtime::UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
  for (runtime::UniqueFd fd(::dup(0)); fd.valid();
       fd = runtime::UniqueFd(::dup(0))) {
    hoard.push_back(std::move(fd));
  }
  const sockaddr_un address = Address(options_.socket_path);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address)),
            0);
  EXPECT_TRUE(WaitFor([&] { return IsClosed(client); }));

  hoard.clear();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old_limit), 0);
  const runtime::UniqueFd next = ConnectTo(options_.socket_path);
  EXPECT_TRUE(WaitFor([&] { return accepted() == 1; }));
}

// --- Sockets of a service manager --------------------------------------------

// Puts a descriptor where a service manager passes it, and back.
class PassedSocket {
 public:
  explicit PassedSocket(int fd) : old_(::fcntl(3, F_DUPFD_CLOEXEC, 10)) {
    EXPECT_EQ(::dup2(fd, 3), 3);
  }
  ~PassedSocket() {
    if (old_.valid()) {
      ::dup2(old_.get(), 3);
    }
  }

 private:
  const runtime::UniqueFd old_;
};

void SetListenVariables(const std::string& pid, const std::string& count) {
  ::setenv("LISTEN_PID", pid.c_str(), 1);
  ::setenv("LISTEN_FDS", count.c_str(), 1);
}

TEST_F(ListenerTest, AdoptsAPassedSocketAndLeavesItInPlace) {
  const runtime::UniqueFd socket = ListenOn(options_.socket_path);
  {
    const PassedSocket passed(socket.get());
    SetListenVariables(absl::StrCat(::getpid()), "1");
    auto taken = Listener::TakePassedSocket();
    ASSERT_TRUE(taken.ok()) << taken.status();
    ASSERT_TRUE(taken->has_value());
    EXPECT_EQ(::getenv("LISTEN_FDS"), nullptr);
    EXPECT_NE(::fcntl(3, F_GETFD) & FD_CLOEXEC, 0);

    auto listener = Listener::Adopt(std::move(**taken), options_);
    ASSERT_TRUE(listener.ok());
    EXPECT_EQ((*listener)->path(), options_.socket_path);
    Start(listener->get());
    const runtime::UniqueFd client = ConnectTo(options_.socket_path);
    EXPECT_TRUE(WaitFor([&] { return accepted() == 1; }));
    (*listener)->Stop();
  }
  // The service manager's: clients wait in it for the next daemon.
  EXPECT_TRUE(ConnectTo(options_.socket_path).valid());
}

TEST_F(ListenerTest, SocketsForAnotherProcessAreNotTaken) {
  SetListenVariables(absl::StrCat(::getpid() + 1), "1");
  const auto taken = Listener::TakePassedSocket();
  ASSERT_TRUE(taken.ok());
  EXPECT_FALSE(taken->has_value());
}

TEST_F(ListenerTest, WhatIsNoListeningSocketIsRefused) {
  runtime::UniqueFd pipe_ends[2];
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  pipe_ends[0].reset(ends[0]);
  pipe_ends[1].reset(ends[1]);
  const PassedSocket passed(pipe_ends[0].get());
  SetListenVariables(absl::StrCat(::getpid()), "1");
  EXPECT_EQ(Listener::TakePassedSocket().status().code(),
            absl::StatusCode::kInvalidArgument);
  SetListenVariables(absl::StrCat(::getpid()), "2");
  EXPECT_EQ(Listener::TakePassedSocket().status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace parley::rpc
