#include "clients/cpp/socket_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "clients/cpp/testing/temp_dir.h"

namespace parley::client {
namespace {

using ::testing::HasSubstr;

// A listening socket; closing it leaves its file behind, as a crash does.
class Listener {
 public:
  explicit Listener(const std::string& path)
      : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(
        bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
        0);
    EXPECT_EQ(listen(fd_, 1), 0);
  }
  ~Listener() { close(fd_); }

 private:
  const int fd_;
};

TEST(ProfileSocketPathTest, IsBelowTheRuntimeDirectory) {
  EXPECT_EQ(*ProfileSocketPath("default", "/run/user/1000"),
            "/run/user/1000/parley/default.sock");
  EXPECT_EQ(*ProfileSocketPath("at.work_2-b", "/r"),
            "/r/parley/at.work_2-b.sock");
}

TEST(ProfileSocketPathTest, RefusesNamesThatLeadElsewhere) {
  for (const char* name :
       {"", "..", ".hidden", "-x", "a/b", "a b", "\xc3\xa4"}) {
    EXPECT_EQ(ProfileSocketPath(name, "/r").status().code(),
              absl::StatusCode::kInvalidArgument)
        << name;
  }
  EXPECT_TRUE(ProfileSocketPath(std::string(64, 'a'), "/r").ok());
  EXPECT_FALSE(ProfileSocketPath(std::string(65, 'a'), "/r").ok());
}

TEST(ProfileSocketPathTest, NeedsTheVariable) {
  const absl::Status unset = ProfileSocketPath("default", "").status();
  EXPECT_EQ(unset.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(unset.message(), HasSubstr("XDG_RUNTIME_DIR is not set"));
  EXPECT_EQ(ProfileSocketPath("default", "run").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ValidateSocketPathTest, TakesWhatTheKernelTakes) {
  EXPECT_TRUE(ValidateSocketPath(std::string(107, 'a')).ok());
  EXPECT_FALSE(ValidateSocketPath(std::string(108, 'a')).ok());
  EXPECT_FALSE(ValidateSocketPath("").ok());
  EXPECT_FALSE(ValidateSocketPath(absl::string_view("a\0b", 3)).ok());
}

TEST(ProbeSocketTest, SaysWhatIsWrongWithAPath) {
  const TempDir dir;
  const std::string path = dir.path() + "/s";

  EXPECT_EQ(ProbeSocket(path).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ProbeSocket(dir.path() + "/no/such/folder").code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(ProbeSocket(dir.path()).code(), absl::StatusCode::kInvalidArgument);
  {
    const Listener listener(path);
    EXPECT_TRUE(ProbeSocket(path).ok());
  }
  const absl::Status dead = ProbeSocket(path);
  EXPECT_EQ(dead.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(dead.message(), HasSubstr("nobody listens"));
  unlink(path.c_str());

  std::ofstream(path) << "text";
  EXPECT_EQ(ProbeSocket(path).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ProbeSocket(path + "/below").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ProbeSocket("").code(), absl::StatusCode::kInvalidArgument);
}

TEST(ProbeSocketTest, TakesAFullQueueForALife) {
  const TempDir dir;
  const std::string path = dir.path() + "/s";
  const Listener listener(path);
  // Nobody accepts, and the queue holds a few.
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(ProbeSocket(path).ok());
}

}  // namespace
}  // namespace parley::client
