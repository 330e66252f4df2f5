#include "daemon/platform/platform_monitor.h"

#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/base/mutex.h"
#include "daemon/core/api/event.h"
#include "daemon/platform/testing/fake_logind.h"
#include "daemon/platform/testing/fake_network.h"
#include "gtest/gtest.h"

namespace parley::platform {
namespace {

using testing::FakeLogind;
using testing::FakeNetwork;

// Keeps what was posted.
class Sink : public runtime::EventSink {
 public:
  bool TryPost(core::Event event) override {
    Post(std::move(event));
    return true;
  }
  void Post(core::Event event) override {
    base::MutexLock lock(&mutex_);
    events_.push_back(std::move(event));
    changed_.Signal();
  }

  // The next event if it is one of these, within a while.
  template <typename Wanted>
  std::optional<Wanted> Next(absl::Duration patience = absl::Seconds(30)) {
    const absl::Time deadline = absl::Now() + patience;
    base::MutexLock lock(&mutex_);
    while (events_.size() <= read_ && absl::Now() < deadline) {
      changed_.WaitFor(&mutex_, deadline - absl::Now());
    }
    if (events_.size() <= read_) return std::nullopt;
    const auto* event = std::get_if<Wanted>(&events_[read_++]);
    return event == nullptr ? std::nullopt : std::optional<Wanted>(*event);
  }

  size_t size() {
    base::MutexLock lock(&mutex_);
    return events_.size();
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<core::Event> events_;
  size_t read_ = 0;
};

PlatformMonitor::Options WithBus(const std::string& address) {
  PlatformMonitor::Options options;
  options.sleep.bus_address = address;
  return options;
}

TEST(PlatformMonitorTest, TellsOfTheNetworkAtTheStart) {
  Sink sink;
  auto monitor = PlatformMonitor::Start(WithBus("unix:path=/none"), &sink);
  ASSERT_TRUE(monitor.ok()) << monitor.status();
  EXPECT_TRUE(sink.Next<core::NetworkChanged>().has_value());
}

TEST(PlatformMonitorTest, TellsOfTheNetworkWhenItChanges) {
  auto network = FakeNetwork::Create();
  if (!network.has_value()) {
    GTEST_SKIP() << "this system does not let us make a network of our own";
  }
  Sink sink;
  auto monitor = PlatformMonitor::Start(WithBus("unix:path=/none"), &sink);
  ASSERT_TRUE(monitor.ok()) << monitor.status();
  auto change = sink.Next<core::NetworkChanged>();
  ASSERT_TRUE(change.has_value());
  EXPECT_FALSE(change->online);
  network->SwitchOn(FakeNetwork::kFar);
  network->SwitchOn(FakeNetwork::kNear);
  network->SetAddress("10.1.2.3");
  change = sink.Next<core::NetworkChanged>();
  ASSERT_TRUE(change.has_value());
  EXPECT_TRUE(change->online);
}

TEST(PlatformMonitorTest, TellsOfAResume) {
  FakeLogind logind;
  Sink sink;
  auto monitor = PlatformMonitor::Start(WithBus(logind.bus_address()), &sink);
  ASSERT_TRUE(monitor.ok()) << monitor.status();
  ASSERT_TRUE(sink.Next<core::NetworkChanged>().has_value());
  // Again until it is heard: the monitor may not listen yet.
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  bool resumed = false;
  while (!resumed && absl::Now() < deadline) {
    logind.SignalSleep(/*begins=*/false);
    resumed =
        sink.Next<core::SystemResumed>(absl::Milliseconds(50)).has_value();
  }
  EXPECT_TRUE(resumed);
}

TEST(PlatformMonitorTest, StopsAtAnyTimeAndIsSilentAfterwards) {
  for (int i = 0; i < 20; ++i) {
    Sink sink;
    auto monitor = PlatformMonitor::Start(WithBus("unix:path=/none"), &sink);
    ASSERT_TRUE(monitor.ok()) << monitor.status();
    if (i % 2 == 0) {
      EXPECT_TRUE(sink.Next<core::NetworkChanged>().has_value());
    }
    (*monitor)->Stop();
    const size_t posted = sink.size();
    (*monitor)->Stop();
    monitor->reset();
    EXPECT_EQ(sink.size(), posted);
  }
}

}  // namespace
}  // namespace parley::platform
