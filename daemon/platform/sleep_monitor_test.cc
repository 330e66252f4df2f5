#include "daemon/platform/sleep_monitor.h"

#include <poll.h>
#include <sys/timerfd.h>

#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/platform/testing/fake_logind.h"
#include "gtest/gtest.h"

namespace parley::platform {
namespace {

using testing::FakeLogind;

constexpr absl::Duration kPatience = absl::Seconds(30);

class SleepMonitorTest : public ::testing::Test {
 protected:
  void Start(const std::string& bus_address) {
    options_.bus_address = bus_address;
    monitor_.emplace(options_, [this] { ++resumes_; });
    monitor_->Start();
    monitor_->Handle();
  }

  // Waits for a word from the bus and has it handled.
  void HandleNext() {
    const SleepMonitor::BusWait wait = monitor_->bus_wait();
    pollfd event = {wait.fd, wait.events, 0};
    ASSERT_EQ(
        poll(&event, 1, static_cast<int>(absl::ToInt64Milliseconds(kPatience))),
        1);
    monitor_->Handle();
  }

  // From then on only a signal makes the bus say a word.
  void WaitUntilListening() {
    while (monitor_->bus_wait().deadline_us != UINT64_MAX) {
      ASSERT_NO_FATAL_FAILURE(HandleNext());
    }
  }

  SleepMonitor::Options options_;
  std::optional<SleepMonitor> monitor_;
  int resumes_ = 0;
};

TEST_F(SleepMonitorTest, LogindTellsOfAResume) {
  FakeLogind logind;
  Start(logind.bus_address());
  WaitUntilListening();
  logind.SignalSleep(/*begins=*/true);
  HandleNext();
  EXPECT_EQ(resumes_, 0);
  logind.SignalSleep(/*begins=*/false);
  HandleNext();
  EXPECT_EQ(resumes_, 1);
  // The same resume.
  logind.SignalSleep(/*begins=*/false);
  HandleNext();
  EXPECT_EQ(resumes_, 1);
}

TEST_F(SleepMonitorTest, OnlyLogindIsBelieved) {
  FakeLogind logind;
  Start(logind.bus_address());
  WaitUntilListening();
  logind.SignalSleepAsSomebodyElse(/*begins=*/false);
  logind.SignalSleep(/*begins=*/true);
  HandleNext();
  EXPECT_EQ(resumes_, 0);
}

TEST_F(SleepMonitorTest, LivesOnWithoutItsBus) {
  FakeLogind logind;
  Start(logind.bus_address());
  WaitUntilListening();
  logind.KillBus();
  while (monitor_->bus_wait().fd >= 0) ASSERT_NO_FATAL_FAILURE(HandleNext());
  EXPECT_EQ(monitor_->bus_wait().deadline_us, UINT64_MAX);
  EXPECT_GE(monitor_->timer_fd(), 0);
  monitor_->Handle();
  EXPECT_EQ(resumes_, 0);
}

TEST_F(SleepMonitorTest, TheClocksDoWithoutABus) {
  Start("unix:path=/nonexistent/bus");
  EXPECT_EQ(monitor_->bus_wait().fd, -1);
  itimerspec left = {};
  ASSERT_EQ(timerfd_gettime(monitor_->timer_fd(), &left), 0);
  EXPECT_GT(absl::DurationFromTimespec(left.it_value), absl::Hours(24 * 365))
      << "it is there to be cancelled, not to fire";
  pollfd event = {monitor_->timer_fd(), POLLIN, 0};
  EXPECT_EQ(poll(&event, 1, 0), 0);
  EXPECT_EQ(resumes_, 0);
}

}  // namespace
}  // namespace parley::platform
