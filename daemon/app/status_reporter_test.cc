#include "daemon/app/status_reporter.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

using ::testing::ElementsAre;

TEST(DescribeConnectionTest, SaysWhatAPersonWantsToKnow) {
  model::ConnectionStatus status;
  status.state = model::ConnectionState::kReady;
  status.user = model::UserId("alice");
  status.server_url = "http://h";
  status.last_error_message = "long ago";
  EXPECT_EQ(DescribeConnection(status), "READY: alice at http://h");
  status.state = model::ConnectionState::kWaiting;
  status.last_error_message = "connection refused by 127.0.0.1:1";
  EXPECT_EQ(DescribeConnection(status),
            "WAITING: connection refused by 127.0.0.1:1");
  status.last_error_message.clear();
  status.cause = "why";
  EXPECT_EQ(DescribeConnection(status), "WAITING: why");
  status.state = model::ConnectionState::kStopped;
  EXPECT_EQ(DescribeConnection(status), "STOPPED");
}

class Clients : public runtime::ClientPort {
 public:
  void OnReply(core::CallId, absl::StatusOr<core::ReplyBody>) override {
    lines.push_back("reply");
  }
  void OnFeedAdvanced(model::ChangeSeq) override { lines.push_back("feed"); }
  void OnStatus(const model::CoreStatus&) override {
    lines.push_back("status");
  }
  std::vector<std::string> lines;
};

TEST(StatusReporterTest, PassesEverythingOn) {
  Clients clients;
  Readiness readiness(std::nullopt);
  StatusReporter reporter(&clients, &readiness);
  reporter.OnReply(core::CallId(1), core::ReplyBody(core::Done{}));
  reporter.OnFeedAdvanced(model::ChangeSeq(1));
  reporter.OnStatus(model::CoreStatus());
  reporter.OnStatus(model::CoreStatus());
  reporter.OnStoreStatus(absl::DataLossError("x"));
  EXPECT_THAT(clients.lines, ElementsAre("reply", "feed", "status", "status"));
}

TEST(StatusReporterTest, TellsSystemdOnceForEachChange) {
  char pattern[] = "/tmp/parley.XXXXXX";
  const std::string directory = mkdtemp(pattern);
  const std::string path = directory + "/notify";
  const int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(
      bind(socket_fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
      0);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  const auto next = [socket_fd] {
    pollfd poller = {socket_fd, POLLIN, 0};
    char text[256];
    if (poll(&poller, 1, 20000) <= 0) return std::string("nothing came");
    const ssize_t size = recv(socket_fd, text, sizeof(text), 0);
    return std::string(text, static_cast<size_t>(size));
  };

  Clients clients;
  Readiness readiness(std::nullopt);
  StatusReporter reporter(&clients, &readiness);
  model::CoreStatus status;
  status.connection.state = model::ConnectionState::kConnecting;
  reporter.OnStatus(status);
  reporter.OnStatus(status);
  EXPECT_EQ(next(), "STATUS=CONNECTING");
  reporter.OnStoreStatus(absl::DataLossError("beyond help"));
  EXPECT_EQ(next(), "STATUS=the store failed: beyond help");
  reporter.OnStoreStatus(absl::OkStatus());
  EXPECT_EQ(next(), "STATUS=CONNECTING");
  reporter.Stop();
  unsetenv("NOTIFY_SOCKET");
  close(socket_fd);
  unlink(path.c_str());
  rmdir(directory.c_str());
}

}  // namespace
}  // namespace parley::app
