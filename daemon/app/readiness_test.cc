#include "daemon/app/readiness.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "gtest/gtest.h"

namespace parley::app {
namespace {

// Stands in for systemd.
class ReadinessTest : public ::testing::Test {
 protected:
  ReadinessTest() {
    char pattern[] = "/tmp/parley.XXXXXX";
    directory_ = mkdtemp(pattern);
    path_ = directory_ + "/notify";
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(
        bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
        0);
    setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  }
  ~ReadinessTest() override {
    unsetenv("NOTIFY_SOCKET");
    close(socket_);
    unlink(path_.c_str());
    rmdir(directory_.c_str());
  }

  std::string Next() {
    pollfd poller = {socket_, POLLIN, 0};
    if (poll(&poller, 1, 20000) <= 0) return "nothing came";
    char text[1024];
    const ssize_t size = recv(socket_, text, sizeof(text), 0);
    return std::string(text, static_cast<size_t>(size));
  }

  std::string directory_;
  std::string path_;
  int socket_ = -1;
};

TEST_F(ReadinessTest, SpeaksSystemdsProtocol) {
  Readiness readiness(std::nullopt);
  readiness.Serving();
  EXPECT_EQ(Next(), "READY=1");
  readiness.Status("READY; two\nlines");
  EXPECT_EQ(Next(), "STATUS=READY; two lines");
  readiness.Stopping();
  EXPECT_EQ(Next(), "STOPPING=1");
}

TEST_F(ReadinessTest, AsksForPatienceUntilItIsOver) {
  PatienceRequest patience;
  EXPECT_EQ(Next(), "EXTEND_TIMEOUT_USEC=30000000");
}

TEST_F(ReadinessTest, WritesToTheDescriptorOnce) {
  int pipe_fds[2];
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  Readiness readiness(pipe_fds[1]);
  readiness.Serving();
  readiness.Serving();
  char text[16];
  EXPECT_EQ(read(pipe_fds[0], text, sizeof(text)), 2);
  EXPECT_EQ(std::string(text, 2), "1\n");
  EXPECT_EQ(read(pipe_fds[0], text, sizeof(text)), 0);
  close(pipe_fds[0]);
}

TEST(ReadinessWithoutSystemdTest, SaysNothing) {
  unsetenv("NOTIFY_SOCKET");
  Readiness readiness(std::nullopt);
  readiness.Serving();
  readiness.Status("x");
  readiness.Stopping();
  PatienceRequest patience;
}

}  // namespace
}  // namespace parley::app
