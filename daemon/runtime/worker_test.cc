#include "daemon/runtime/worker.h"

#include <future>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace parley::runtime {
namespace {

TEST(WorkerTest, RunsJobsInOrderOnItsOwnThread) {
  std::vector<int> done;
  std::promise<std::thread::id> last;
  Worker worker("test", 10);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(worker.TryRun([&done, i] { done.push_back(i); }));
  }
  ASSERT_TRUE(
      worker.TryRun([&last] { last.set_value(std::this_thread::get_id()); }));
  EXPECT_NE(last.get_future().get(), std::this_thread::get_id());
  EXPECT_EQ(done, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(WorkerTest, RefusesWhatDoesNotFit) {
  std::promise<void> started;
  std::promise<void> release;
  Worker worker("test", 1);
  ASSERT_TRUE(worker.TryRun([&] {
    started.set_value();
    release.get_future().wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(worker.TryRun([] {}));
  EXPECT_FALSE(worker.TryRun([] {}));
  release.set_value();
}

TEST(WorkerTest, StopDropsWhatHasNotBegun) {
  bool ran = false;
  {
    std::promise<void> started;
    std::promise<void> release;
    Worker worker("test", 2);
    ASSERT_TRUE(worker.TryRun([&] {
      started.set_value();
      release.get_future().wait();
    }));
    started.get_future().wait();
    ASSERT_TRUE(worker.TryRun([&] { ran = true; }));
    worker.RequestStop();
    EXPECT_FALSE(worker.TryRun([&] { ran = true; }));
    release.set_value();
  }
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace parley::runtime
