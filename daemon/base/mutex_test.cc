#include "daemon/base/mutex.h"

#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace parley::base {
namespace {

struct Shared {
  Mutex mutex;
  CondVar changed;
  int value ABSL_GUARDED_BY(mutex) = 0;
};

TEST(Mutex, ExcludesOtherThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 10000;
  Shared shared;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&shared] {
      for (int round = 0; round < kRounds; ++round) {
        MutexLock lock(&shared.mutex);
        ++shared.value;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  MutexLock lock(&shared.mutex);
  EXPECT_EQ(shared.value, kThreads * kRounds);
}

TEST(CondVar, WakesAWaiter) {
  Shared shared;
  std::thread other([&shared] {
    MutexLock lock(&shared.mutex);
    shared.value = 1;
    shared.changed.Signal();
  });
  {
    MutexLock lock(&shared.mutex);
    while (shared.value == 0) shared.changed.Wait(&shared.mutex);
    EXPECT_EQ(shared.value, 1);
  }
  other.join();
}

TEST(CondVar, SignalAllWakesEveryWaiter) {
  Shared shared;
  std::vector<std::thread> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.emplace_back([&shared] {
      MutexLock lock(&shared.mutex);
      while (shared.value == 0) shared.changed.Wait(&shared.mutex);
    });
  }
  {
    MutexLock lock(&shared.mutex);
    shared.value = 1;
    shared.changed.SignalAll();
  }
  for (std::thread& waiter : waiters) waiter.join();
}

TEST(CondVar, WaitForReturnsByItself) {
  Shared shared;
  MutexLock lock(&shared.mutex);
  const absl::Time start = absl::Now();
  const absl::Time deadline = start + absl::Milliseconds(5);
  while (absl::Now() < deadline) {
    shared.changed.WaitFor(&shared.mutex, deadline - absl::Now());
  }
  // Had it not returned, the test would have hung.
  EXPECT_EQ(shared.value, 0);
}

TEST(CondVar, WaitForTakesTimeoutsOfAnySize) {
  Shared shared;
  std::thread other([&shared] {
    MutexLock lock(&shared.mutex);
    shared.value = 1;
    shared.changed.Signal();
  });
  {
    MutexLock lock(&shared.mutex);
    shared.changed.WaitFor(&shared.mutex, absl::ZeroDuration());
    shared.changed.WaitFor(&shared.mutex, -absl::Seconds(1));
    while (shared.value == 0) {
      shared.changed.WaitFor(&shared.mutex, absl::InfiniteDuration());
    }
  }
  other.join();
}

}  // namespace
}  // namespace parley::base
