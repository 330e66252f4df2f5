#include "daemon/platform/network_monitor.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/platform/testing/fake_network.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::platform {
namespace {

using ::testing::ElementsAre;
using testing::FakeNetwork;

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr char kHome[] = "192.168.1.5";
constexpr char kCafe[] = "10.20.30.40";
constexpr char kNowhere[] = "0.0.0.0";

// In a network of its own.
class NetworkMonitorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    network_ = FakeNetwork::Create();
    if (!network_.has_value()) {
      GTEST_SKIP() << "this system does not let us make a network of our own";
    }
  }

  void Start(const NetworkMonitor::Options& options = {}) {
    monitor_.emplace(options, [this](bool online) { told_.push_back(online); });
    monitor_->Start();
    WaitUntilTold(1);
  }

  // A cable in use, with an address: online.
  void GoHome() {
    network_->SwitchOn(FakeNetwork::kFar);
    network_->SwitchOn(FakeNetwork::kNear);
    network_->SetAddress(kHome);
  }

  // Waits for the kernel, and lets the monitor handle what comes. False: it
  // took too long.
  bool HandleNext(absl::Time deadline) {
    pollfd events[] = {{monitor_->socket_fd(), POLLIN, 0},
                       {monitor_->timer_fd(), POLLIN, 0}};
    const auto left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0 || poll(events, 2, static_cast<int>(left)) <= 0) return false;
    monitor_->Handle();
    return true;
  }

  void WaitUntilTold(size_t times) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (told_.size() < times && HandleNext(deadline)) continue;
    ASSERT_GE(told_.size(), times);
  }

  bool IsSettling() const {
    itimerspec left = {};
    EXPECT_EQ(timerfd_gettime(monitor_->timer_fd(), &left), 0);
    return left.it_value.tv_sec != 0 || left.it_value.tv_nsec != 0;
  }

  void WaitUntilSettled() {
    const absl::Time deadline = absl::Now() + kPatience;
    while (IsSettling()) ASSERT_TRUE(HandleNext(deadline));
    // The list, which is told or not with its last message.
    monitor_->Handle();
  }

  std::optional<FakeNetwork> network_;
  std::optional<NetworkMonitor> monitor_;
  std::vector<bool> told_;
};

TEST_F(NetworkMonitorTest, TellsAtTheStartThatThereIsNoWayOut) {
  network_->SwitchOn("lo");
  Start();
  EXPECT_THAT(told_, ElementsAre(false));
  EXPECT_FALSE(IsSettling());
}

TEST_F(NetworkMonitorTest, TellsAtTheStartThatThereIsOne) {
  GoHome();
  Start();
  // The kernel may take a moment to see the cable.
  if (!told_.back()) WaitUntilTold(2);
  EXPECT_TRUE(told_.back());
}

TEST_F(NetworkMonitorTest, FollowsTheCable) {
  Start();
  GoHome();
  WaitUntilTold(2);
  network_->SwitchOff(FakeNetwork::kFar);
  WaitUntilTold(3);
  network_->SwitchOn(FakeNetwork::kFar);
  WaitUntilTold(4);
  EXPECT_THAT(told_, ElementsAre(false, true, false, true));
}

TEST_F(NetworkMonitorTest, TellsOfAnotherNetwork) {
  Start();
  GoHome();
  WaitUntilTold(2);
  network_->SetAddress(kCafe);
  WaitUntilTold(3);
  network_->AddDefaultRoute("10.20.30.1");
  WaitUntilTold(4);
  network_->RemoveDefaultRoute("10.20.30.1");
  WaitUntilTold(5);
  network_->SetAddress(kNowhere);
  WaitUntilTold(6);
  EXPECT_THAT(told_, ElementsAre(false, true, true, true, true, false));
}

// A link that goes takes its routes along, and the kernel says nothing of it.
TEST_F(NetworkMonitorTest, SeesARouteThatWentInSilence) {
  Start();
  GoHome();
  WaitUntilTold(2);
  network_->AddDefaultRoute("192.168.1.1");
  WaitUntilTold(3);
  network_->SwitchOff(FakeNetwork::kNear);
  WaitUntilTold(4);
  network_->SwitchOn(FakeNetwork::kNear);
  WaitUntilTold(5);
  // The same route again is one more change, as it had gone.
  network_->AddDefaultRoute("192.168.1.1");
  WaitUntilTold(6);
  EXPECT_THAT(told_, ElementsAre(false, true, true, false, true, true));
}

// The near end of the cable stands for a container's.
TEST_F(NetworkMonitorTest, ABridgeOfContainersIsNoWayOut) {
  network_->AddBridge();
  network_->SetMaster(FakeNetwork::kFar, FakeNetwork::kBridge);
  for (const char* link :
       {FakeNetwork::kNear, FakeNetwork::kFar, FakeNetwork::kBridge}) {
    network_->SwitchOn(link);
  }
  network_->SetAddress("172.17.0.1", FakeNetwork::kBridge);
  Start();
  // The container is a router: now the bridge is a way out, which also shows
  // that the bridge was up before.
  network_->AddDefaultRoute("172.17.0.2");
  WaitUntilTold(2);
  network_->RemoveDefaultRoute("172.17.0.2");
  WaitUntilTold(3);
  EXPECT_THAT(told_, ElementsAre(false, true, false));
}

TEST_F(NetworkMonitorTest, SaysNothingOfWhatChangesNothing) {
  Start();
  GoHome();
  WaitUntilTold(2);
  network_->SetMtu(1400);
  ASSERT_TRUE(HandleNext(absl::Now() + kPatience)) << "the kernel told of it";
  EXPECT_FALSE(IsSettling());
  EXPECT_EQ(told_.size(), 2u);
}

TEST_F(NetworkMonitorTest, SaysNothingOfAShortBlip) {
  Start();
  GoHome();
  WaitUntilTold(2);
  network_->SetAddress(kNowhere);
  ASSERT_TRUE(HandleNext(absl::Now() + kPatience));
  EXPECT_TRUE(IsSettling());
  network_->SetAddress(kHome);
  WaitUntilSettled();
  EXPECT_THAT(told_, ElementsAre(false, true));
}

TEST_F(NetworkMonitorTest, TellsOfManyStepsOnce) {
  Start();
  GoHome();
  WaitUntilTold(2);
  for (int i = 1; i <= 20; ++i)
    network_->SetAddress(absl::StrCat("10.0.0.", i));
  WaitUntilTold(3);
  WaitUntilSettled();
  EXPECT_THAT(told_, ElementsAre(false, true, true));
}

TEST_F(NetworkMonitorTest, LooksAtANetworkThatIsNeverQuiet) {
  NetworkMonitor::Options options;
  options.settle = absl::Hours(1);
  options.max_settle = absl::Milliseconds(50);
  Start(options);
  GoHome();
  WaitUntilTold(2);
  EXPECT_TRUE(told_.back());
}

// The kernel drops what it has to say when nobody listens, the last word too.
TEST_F(NetworkMonitorTest, LooksAgainWhenMessagesWereLost) {
  NetworkMonitor::Options options;
  options.receive_buffer_bytes = 1;  // the least that there is
  Start(options);
  GoHome();
  WaitUntilTold(2);
  for (int i = 0; i < 200; ++i) {
    network_->SetAddress(kHome);
    network_->SetAddress(kNowhere);
  }
  network_->SetAddress(kCafe);
  WaitUntilTold(3);
  WaitUntilSettled();
  EXPECT_TRUE(told_.back());
  network_->SetAddress(kNowhere);
  WaitUntilTold(told_.size() + 1);
  EXPECT_FALSE(told_.back());
}

TEST_F(NetworkMonitorTest, WithoutNetlinkItIsOnline) {
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none = limit;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  Start();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_THAT(told_, ElementsAre(true));
  EXPECT_EQ(monitor_->socket_fd(), -1);
  EXPECT_EQ(monitor_->timer_fd(), -1);
  monitor_->Handle();
  EXPECT_THAT(told_, ElementsAre(true));
}

}  // namespace
}  // namespace parley::platform
