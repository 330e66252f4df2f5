#include "daemon/app/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace parley::app {
namespace {

TEST(ProcessTest, KeepsSecrets) {
  HardenProcess();
  EXPECT_EQ(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_CORE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, 0u);
  const std::string path = ::testing::TempDir() + "/made";
  const int fd = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  ASSERT_GE(fd, 0);
  struct stat info;
  ASSERT_EQ(fstat(fd, &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  close(fd);
  // A peer that went away is an error to handle, not the end.
  int pipe_fds[2];
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  close(pipe_fds[0]);
  EXPECT_EQ(write(pipe_fds[1], "x", 1), -1);
  close(pipe_fds[1]);
}

TEST(ProcessTest, OpensWhatIsClosedOfTheStandardFiles) {
  const int kept = dup(STDIN_FILENO);
  close(STDIN_FILENO);
  HardenProcess();
  EXPECT_EQ(fcntl(STDIN_FILENO, F_GETFD), 0);
  dup2(kept, STDIN_FILENO);
  close(kept);
}

TEST(ProcessTest, RaisesTheLimitOfOpenFiles) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit low = {64, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  HardenProcess();
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, std::min<rlim_t>(4096, limit.rlim_max));
}

TEST(StopSignalsTest, EndsOnSigtermAndSigintButNotOnSighup) {
  absl::StatusOr<StopSignals> signals = StopSignals::Install();
  ASSERT_TRUE(signals.ok()) << signals.status();
  for (const int number : {SIGTERM, SIGINT}) {
    kill(getpid(), SIGHUP);
    kill(getpid(), number);
    EXPECT_EQ(signals->Wait(), StopCause::kSignal);
  }
}

TEST(StopSignalsTest, EndsWhenAskedTo) {
  absl::StatusOr<StopSignals> signals = StopSignals::Install();
  ASSERT_TRUE(signals.ok()) << signals.status();
  std::thread other([&] { signals->Request(); });
  EXPECT_EQ(signals->Wait(), StopCause::kRequest);
  other.join();
}

}  // namespace
}  // namespace parley::app
