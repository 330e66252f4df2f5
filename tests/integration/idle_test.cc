#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/harness/calls.h"
#include "tests/integration/harness/daemon.h"
#include "tests/integration/harness/process.h"
#include "tests/integration/harness/realtime_server.h"
#include "tests/integration/harness/test_bed.h"
#include "tests/integration/harness/wait_for.h"

namespace parley::integration {
namespace {

constexpr absl::Duration kWatched = absl::Seconds(20);
// One timer of ours may wake the process so often.
constexpr absl::Duration kTimerInterval = absl::Seconds(5);
// How often one thread may go to sleep for one thing that wakes it: what it
// does with it waits for a socket, a lock, or another thread in between.
constexpr int64_t kSleepsPerWakeUp = 4;

// Threads of libraries, which none of our timers drives. Their own ticks are
// theirs: gRPC 1.51 looks at its timers once a second, twice.
const std::set<std::string>& ForeignThreads() {
  static const auto* const names = new std::set<std::string>{
      "default-executo",  // gRPC
      "event_engine",     // gRPC
      "grpc_global_tim",  // gRPC
      "grpcpp_sync_ser",  // gRPC
      "resolver-execut",  // gRPC
      "timer_manager",    // gRPC
      "rocksdb:high",    "rocksdb:low",
  };
  return *names;
}

struct Thread {
  std::string name;
  int64_t sleeps = 0;  // how often it went to wait for something
};

std::map<int, Thread> ThreadsOf(pid_t pid) {
  std::map<int, Thread> threads;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(
           absl::StrCat("/proc/", pid, "/task"), ignored)) {
    int id = 0;
    EXPECT_TRUE(absl::SimpleAtoi(entry.path().filename().string(), &id));
    Thread thread;
    const std::string status = ReadTextFile(entry.path() / "status");
    for (absl::string_view line : absl::StrSplit(status, '\n')) {
      if (absl::ConsumePrefix(&line, "Name:\t")) {
        thread.name = std::string(line);
      } else if (absl::ConsumePrefix(&line, "voluntary_ctxt_switches:\t")) {
        EXPECT_TRUE(absl::SimpleAtoi(line, &thread.sleeps)) << line;
      }
    }
    threads[id] = thread;
  }
  return threads;
}

// An idle device must be able to sleep deeply: counted is how often threads
// wake up, not when, so that a busy machine does not matter.
TEST(IdleTest, NoTimerOfOursTicks) {
  // No ping while we look: what is counted is ours alone.
  TestBed bed({"--ping-interval", "300000"});
  ASSERT_OK(bed.server().Start());
  Daemon& alice = bed.AddDaemon("alice");
  ASSERT_OK(alice.Start());
  {
    Calls calls(&alice.client());
    ASSERT_OK(calls.Join("general"));
    ASSERT_OK(calls.Send("general", "the last word"));
    ASSERT_OK(calls.WaitUntilSent());
  }

  const absl::Time start = absl::Now();
  const std::map<int, Thread> before = ThreadsOf(alice.pid());
  // Nothing is what is to happen: there is no condition to wait for.
  EXPECT_FALSE(WaitFor([&] { return !alice.IsRunning(); }, kWatched));
  const std::map<int, Thread> after = ThreadsOf(alice.pid());
  const absl::Duration watched = absl::Now() - start;

  const int64_t limit =
      kSleepsPerWakeUp * static_cast<int64_t>(watched / kTimerInterval);
  std::set<std::string> ours;
  for (const auto& [id, thread] : after) {
    const auto it = before.find(id);
    const int64_t sleeps =
        thread.sleeps - (it == before.end() ? 0 : it->second.sleeps);
    RecordProperty(absl::StrCat("sleeps_of_", thread.name),
                   static_cast<int>(sleeps));
    if (ForeignThreads().count(thread.name) > 0) continue;
    ours.insert(thread.name);
    EXPECT_LE(sleeps, limit)
        << "the thread " << thread.name << " in " << watched;
  }
  EXPECT_THAT(ours,
              ::testing::IsSupersetOf({"parley-core", "parley-network",
                                       "parley-platform", "parley-storage"}));
}

}  // namespace
}  // namespace parley::integration
