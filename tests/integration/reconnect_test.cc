#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "google/protobuf/util/time_util.h"
#include "gtest/gtest.h"
#include "parley/v1/status.pb.h"
#include "tests/integration/harness/calls.h"
#include "tests/integration/harness/daemon.h"
#include "tests/integration/harness/realtime_server.h"
#include "tests/integration/harness/tcp_proxy.h"
#include "tests/integration/harness/test_bed.h"
#include "tests/integration/harness/wait_for.h"

namespace parley::integration {
namespace {

// What a handshake and a busy machine may take beyond the wait itself.
constexpr absl::Duration kSlack = absl::Seconds(15);

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixNanos(
      google::protobuf::util::TimeUtil::TimestampToNanoseconds(timestamp));
}

// The longest wait after so many attempts that failed: the reconnect policy's.
absl::Duration LongestWait(int failed_attempts) {
  const double seconds =
      std::min(30.0, std::max(4.0, static_cast<double>(
                                       1 << std::min(failed_attempts - 1, 5))));
  return absl::Seconds(seconds);
}

// One fault each, in a network between a daemon and its server. After it the
// daemon must be back as soon as it promises, with one connection, and with
// each message there once.
class ReconnectTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // A silent network is noticed within a second.
    bed_ = std::make_unique<TestBed>(std::vector<std::string>{
        "--ping-interval", "300", "--ping-timeout", "700"});
    ASSERT_OK(bed_->server().Start());
    proxy_.SetTargetPort(bed_->server().port());
    alice_ = &bed_->AddDaemon("alice");
    alice_->options().server_url =
        absl::StrCat("http://127.0.0.1:", proxy_.port());
    ASSERT_OK(alice_->Start());
    ASSERT_OK(calls().Join("general"));
    Send();
    ASSERT_OK(calls().WaitUntilSent());
    ASSERT_EQ(proxy_.stats().open, 1u);
    fault_began_ = absl::Now();
  }

  Calls calls() { return Calls(&alice_->client()); }

  void Send() {
    texts_.push_back(absl::StrCat("message ", texts_.size() + 1));
    ASSERT_OK(calls().Send("general", texts_.back()));
  }

  absl::Status WaitUntilLost() {
    return calls().WaitUntil([](const v1::DaemonStatus& status) {
      return status.connection().state() != v1::CONNECTION_STATE_READY;
    });
  }

  // From when the fault is over; `hung`: how long an attempt may still hang.
  void CheckItComesBack(absl::Duration hung = absl::ZeroDuration()) {
    const auto now = calls().Status();
    ASSERT_OK(now);
    // One attempt more may fail, that the fault had met.
    const absl::Duration longest =
        LongestWait(now->connection().failed_attempts() + 2) + hung;
    ASSERT_OK(calls().WaitUntil(
        [&](const v1::DaemonStatus& status) {
          const v1::ConnectionStatus& connection = status.connection();
          if (connection.state() == v1::CONNECTION_STATE_WAITING) {
            EXPECT_LE(
                ToTime(connection.next_retry_at()) - ToTime(connection.since()),
                LongestWait(connection.failed_attempts()) +
                    absl::Milliseconds(1));
          }
          return connection.state() == v1::CONNECTION_STATE_READY &&
                 ToTime(connection.since()) > fault_began_;
        },
        longest + kSlack));
    Send();
    ASSERT_OK(calls().WaitUntilSent());
    EXPECT_TRUE(WaitFor([this] { return proxy_.stats().open == 1; }))
        << proxy_.stats().open << " connections";
    const auto history = bed_->server().Texts("general", "alice");
    ASSERT_OK(history);
    EXPECT_EQ(*history, texts_);
  }

  TcpProxy proxy_{0};
  std::unique_ptr<TestBed> bed_;
  Daemon* alice_ = nullptr;
  absl::Time fault_began_;
  std::vector<std::string> texts_;
};

// --- Connections that end ----------------------------------------------------

TEST_F(ReconnectTest, AfterAReset) {
  proxy_.CutAll(/*reset=*/true);
  CheckItComesBack();
}

TEST_F(ReconnectTest, AfterAPoliteEnd) {
  proxy_.CutAll(/*reset=*/false);
  CheckItComesBack();
}

TEST_F(ReconnectTest, AfterACutInTheMiddleOfAFrameToTheServer) {
  proxy_.CutAfterBytesToServer(5);
  Send();
  CheckItComesBack();
}

TEST_F(ReconnectTest, AfterACutInTheMiddleOfAFrameToTheDevice) {
  proxy_.CutAfterBytesToClient(5);
  Send();
  CheckItComesBack();
}

TEST_F(ReconnectTest, AfterTheServerWasKilled) {
  bed_->server().Kill();
  Send();
  ASSERT_OK(WaitUntilLost());
  ASSERT_OK(bed_->server().Start());
  CheckItComesBack();
}

// The waits grow with each, and each wait keeps its bound.
TEST_F(ReconnectTest, AfterSeveralAttemptsThatFailed) {
  proxy_.SetMode(TcpProxy::Mode::kClose);
  proxy_.CutAll();
  Send();
  ASSERT_OK(calls().WaitUntil([](const v1::DaemonStatus& status) {
    return status.connection().failed_attempts() >= 4;
  }));
  proxy_.SetMode(TcpProxy::Mode::kForward);
  CheckItComesBack();
}

// --- Connections that do not end ---------------------------------------------

TEST_F(ReconnectTest, AfterItFellSilent) {
  proxy_.SetMode(TcpProxy::Mode::kFreeze);
  Send();
  ASSERT_OK(WaitUntilLost());
  proxy_.SetMode(TcpProxy::Mode::kForward);
  CheckItComesBack();
}

TEST_F(ReconnectTest, AfterBytesWereLost) {
  proxy_.SetMode(TcpProxy::Mode::kSwallow);
  Send();
  ASSERT_OK(WaitUntilLost());
  proxy_.SetMode(TcpProxy::Mode::kForward);
  CheckItComesBack(/*hung=*/absl::Seconds(20));
}

TEST_F(ReconnectTest, OverASlowNetwork) {
  proxy_.SetDelay(absl::Milliseconds(150));
  proxy_.CutAll();
  CheckItComesBack();
}

// An attempt that hangs is one attempt, however often somebody asks for
// another.
TEST_F(ReconnectTest, AfterAnAttemptThatWasNeverAnswered) {
  proxy_.SetMode(TcpProxy::Mode::kSilent);
  const uint64_t before = proxy_.stats().accepted;
  proxy_.CutAll();
  ASSERT_TRUE(WaitFor([&] { return proxy_.stats().accepted > before; }));
  for (int i = 0; i < 10; ++i) ASSERT_OK(calls().Connect());
  Send();
  EXPECT_EQ(proxy_.stats().accepted, before + 1);
  EXPECT_EQ(proxy_.stats().open, 1u);
  proxy_.SetMode(TcpProxy::Mode::kForward);
  CheckItComesBack(/*hung=*/absl::Seconds(20));
}

}  // namespace
}  // namespace parley::integration
