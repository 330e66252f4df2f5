#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/integration/harness/calls.h"
#include "tests/integration/harness/daemon.h"
#include "tests/integration/harness/realtime_server.h"
#include "tests/integration/harness/tcp_proxy.h"
#include "tests/integration/harness/test_bed.h"

namespace parley::integration {
namespace {

// One at a time, 100 messages over 100 ms would take 10 s. With a window of 16
// they take less than a second.
TEST(LatencyTest, AQueueDrainsOverASlowNetworkInOrder) {
  TestBed bed;
  ASSERT_OK(bed.server().Start());
  TcpProxy proxy(bed.server().port());
  proxy.SetDelay(absl::Milliseconds(50));
  proxy.SetMode(TcpProxy::Mode::kClose);
  Daemon& alice = bed.AddDaemon("alice");
  alice.options().server_url = absl::StrCat("http://127.0.0.1:", proxy.port());
  ASSERT_OK(alice.Start());
  Calls calls(&alice.client());
  ASSERT_OK(calls.Join("general"));
  std::vector<std::string> texts;
  for (int i = 1; i <= 100; ++i) {
    texts.push_back(absl::StrCat("message ", i));
    ASSERT_OK(calls.Send("general", texts.back()));
  }

  proxy.SetMode(TcpProxy::Mode::kForward);
  ASSERT_OK(calls.Connect());
  ASSERT_OK(calls.WaitUntilReady());
  const absl::Time ready = absl::Now();
  ASSERT_OK(calls.WaitUntilSent());
  const absl::Duration took = absl::Now() - ready;
  RecordProperty("sent_in_ms",
                 static_cast<int>(absl::ToInt64Milliseconds(took)));
  EXPECT_LT(took, absl::Seconds(5));
  EXPECT_GT(took, absl::Milliseconds(100)) << "it was not a slow network";

  const auto history = bed.server().Texts("general", "alice");
  ASSERT_OK(history);
  EXPECT_EQ(*history, texts);
}

}  // namespace
}  // namespace parley::integration
