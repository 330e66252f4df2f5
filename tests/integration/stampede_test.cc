#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/integration/harness/calls.h"
#include "tests/integration/harness/daemon.h"
#include "tests/integration/harness/realtime_server.h"
#include "tests/integration/harness/tcp_proxy.h"
#include "tests/integration/harness/test_bed.h"
#include "tests/integration/harness/wait_for.h"

namespace parley::integration {
namespace {

constexpr size_t kDaemons = 30;
constexpr absl::Duration kWindow = absl::Milliseconds(500);

// The most of these times, in order, that lie within any one window.
size_t MostWithin(const std::vector<absl::Time>& times, absl::Duration window) {
  size_t most = 0;
  size_t first = 0;
  for (size_t last = 0; last < times.size(); ++last) {
    while (times[last] - times[first] > window) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

// How the daemons come back to a server that has started again. The spread is
// random: that more than half come within the window has a chance of a few in
// a thousand, see reconnect_policy_test.
class StampedeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(bed_.server().Start());
    proxy_.SetTargetPort(bed_.server().port());
    for (size_t i = 0; i < kDaemons; ++i) {
      daemons_.push_back(&bed_.AddDaemon("alice", absl::StrCat("device", i)));
      daemons_.back()->options().server_url =
          absl::StrCat("http://127.0.0.1:", proxy_.port());
      ASSERT_OK(daemons_.back()->Start());
    }
    WaitUntilAllAreReady();
  }

  void WaitUntilAllAreReady() {
    for (Daemon* daemon : daemons_) {
      ASSERT_OK(Calls(&daemon->client()).WaitUntilReady());
    }
    EXPECT_TRUE(WaitFor([this] { return proxy_.stats().open == kDaemons; }))
        << proxy_.stats().open << " connections of " << kDaemons << " daemons";
  }

  // After the server went down.
  void CheckTheyComeBackOneByOne() {
    const size_t before = proxy_.reached_server().size();
    ASSERT_EQ(before, kDaemons);
    ASSERT_OK(bed_.server().Start());
    EXPECT_TRUE(WaitFor(
        [&] { return proxy_.reached_server().size() >= before + kDaemons; }));
    WaitUntilAllAreReady();
    std::vector<absl::Time> times = proxy_.reached_server();
    EXPECT_EQ(times.size(), before + kDaemons) << "each of them once";
    times.erase(times.begin(), times.begin() + before);
    const size_t most = MostWithin(times, kWindow);
    RecordProperty("most_within_500_ms", static_cast<int>(most));
    EXPECT_LE(most, kDaemons / 2);
  }

  TestBed bed_;
  TcpProxy proxy_{0};
  std::vector<Daemon*> daemons_;
};

TEST_F(StampedeTest, AfterTheServerWasKilled) {
  bed_.server().Kill();
  CheckTheyComeBackOneByOne();
}

TEST_F(StampedeTest, AfterTheServerWasStopped) {
  ASSERT_OK(bed_.server().Stop());
  CheckTheyComeBackOneByOne();
}

TEST(MostWithinTest, CountsTheWorstWindow) {
  const absl::Time start = absl::UnixEpoch();
  std::vector<absl::Time> times;
  for (const int at_ms : {0, 100, 600, 700, 1100, 1101, 2000}) {
    times.push_back(start + absl::Milliseconds(at_ms));
  }
  EXPECT_EQ(MostWithin(times, kWindow), 3u);
  EXPECT_EQ(MostWithin({}, kWindow), 0u);
}

}  // namespace
}  // namespace parley::integration
