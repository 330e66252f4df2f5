#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "parley/v1/status.pb.h"
#include "tests/integration/harness/calls.h"
#include "tests/integration/harness/daemon.h"
#include "tests/integration/harness/realtime_server.h"
#include "tests/integration/harness/test_bed.h"
#include "tests/integration/harness/wait_for.h"

namespace parley::integration {
namespace {

constexpr int kSamples = 9;

// A daemon on a slow disk that is kept busy by a client who sends.
class SlowDiskTest : public ::testing::Test {
 protected:
  void Begin(const std::vector<std::string>& server_flags) {
    bed_ = std::make_unique<TestBed>(server_flags);
    ASSERT_OK(bed_->server().Start());
    alice_ = &bed_->AddDaemon("alice");
    alice_->options().program = "tests/integration/slow_disk_parleyd";
    ASSERT_OK(alice_->Start());
    ASSERT_OK(calls().Join("general"));
    ASSERT_OK(calls().Send("general", "while the disk is quick"));
    ASSERT_OK(calls().WaitUntilSent());
  }

  void TearDown() override { StopSending(); }

  Calls calls() { return Calls(&alice_->client()); }
  std::string folder() const { return bed_->dir() + "/alice"; }

  void SetSyncTime(absl::Duration time) {
    // Renamed, so that it is never seen half written.
    const std::string path = folder() + "/sync-takes-ms";
    std::ofstream(path + ".new") << absl::ToInt64Milliseconds(time);
    std::filesystem::rename(path + ".new", path);
  }
  bool Syncing() const {
    return std::filesystem::exists(folder() + "/syncing");
  }

  void KeepSending() {
    sender_ = std::thread([this] {
      while (!stop_) {
        const absl::Time start = absl::Now();
        const auto sent = calls().Send("general", "while the disk is slow");
        EXPECT_TRUE(sent.ok()) << sent.status();
        const absl::Duration took = absl::Now() - start;
        fastest_send_ = std::min(fastest_send_, took);
        ++sends_;
      }
    });
  }
  void StopSending() {
    stop_ = true;
    if (sender_.joinable()) sender_.join();
  }

  // The median time of a call that begins and ends during one sync.
  absl::Duration MedianDuringSync(absl::FunctionRef<absl::Status()> call) {
    std::vector<absl::Duration> times;
    while (times.size() < kSamples) {
      if (!WaitFor([this] { return Syncing(); })) {
        ADD_FAILURE() << "the disk is idle";
        return absl::InfiniteDuration();
      }
      const absl::Time start = absl::Now();
      const absl::Status status = call();
      const absl::Duration took = absl::Now() - start;
      EXPECT_TRUE(status.ok()) << status;
      // One that outlasts the sync counts too, as what it is: too slow.
      times.push_back(took);
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }

  std::unique_ptr<TestBed> bed_;
  Daemon* alice_ = nullptr;
  std::thread sender_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> sends_ = 0;
  // Of the sender, to be read after StopSending.
  absl::Duration fastest_send_ = absl::InfiniteDuration();
};

TEST_F(SlowDiskTest, NoStatusAndNoReadWaitsForIt) {
  Begin({});
  SetSyncTime(absl::Milliseconds(500));
  KeepSending();
  constexpr absl::Duration kLimit = absl::Milliseconds(100);
  EXPECT_LT(MedianDuringSync([this] { return calls().Status().status(); }),
            kLimit);
  EXPECT_LT(
      MedianDuringSync([this] { return calls().Messages("general").status(); }),
      kLimit);
  EXPECT_LT(MedianDuringSync([this] { return calls().Outbox().status(); }),
            kLimit);
  EXPECT_LT(MedianDuringSync([this] { return calls().Rooms().status(); }),
            kLimit);
  StopSending();
  EXPECT_GT(sends_, 0);
  // What promises something waits for the disk.
  EXPECT_GE(fastest_send_, absl::Milliseconds(500));
}

// A pong that waited for a sync would come too late for the server, which would
// end the connection.
TEST_F(SlowDiskTest, NoPongWaitsForIt) {
  Begin({"--ping-interval", "200", "--ping-timeout", "1000"});
  const auto before = calls().Status();
  ASSERT_OK(before);
  SetSyncTime(absl::Seconds(2));
  KeepSending();
  ASSERT_TRUE(WaitFor([this] { return Syncing(); }));
  ASSERT_TRUE(WaitFor([this] { return sends_ >= 3; }));
  const auto after = calls().Status();
  ASSERT_OK(after);
  EXPECT_EQ(after->connection().state(), v1::CONNECTION_STATE_READY);
  EXPECT_EQ(after->connection().last_error_code(), "");
  // It is the same connection.
  EXPECT_EQ(after->connection().since().SerializeAsString(),
            before->connection().since().SerializeAsString());
}

}  // namespace
}  // namespace parley::integration
