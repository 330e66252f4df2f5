#include "daemon/base/bounded_queue.h"

#include <memory>
#include <utility>

#include "gtest/gtest.h"

namespace parley::base {
namespace {

TEST(BoundedQueue, KeepsOrder) {
  BoundedQueue<int> queue(3);
  EXPECT_TRUE(queue.TryPush(1));
  EXPECT_TRUE(queue.TryPush(2));
  EXPECT_EQ(queue.front(), 1);
  EXPECT_EQ(queue.Pop(), 1);
  EXPECT_EQ(queue.Pop(), 2);
  EXPECT_TRUE(queue.empty());
}

TEST(BoundedQueue, RefusesWhenFullAndLeavesTheItem) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  ASSERT_TRUE(queue.TryPush(std::make_unique<int>(1)));
  EXPECT_TRUE(queue.full());
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(queue.TryPush(std::move(second)));
  // NOLINTBEGIN(bugprone-use-after-move): a refused item stays whole
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(*second, 2);
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(queue.size(), 1u);

  queue.Pop();
  EXPECT_TRUE(queue.TryPush(std::move(second)));
  EXPECT_EQ(*queue.front(), 2);
}

TEST(BoundedQueue, OfNoCapacityTakesNothing) {
  BoundedQueue<int> queue(0);
  EXPECT_TRUE(queue.full());
  EXPECT_FALSE(queue.TryPush(1));
  EXPECT_TRUE(queue.empty());
}

TEST(BoundedQueue, TakeAllEmptiesIt) {
  BoundedQueue<int> queue(2);
  queue.TryPush(1);
  queue.TryPush(2);
  const std::deque<int> all = queue.TakeAll();
  EXPECT_EQ(all, (std::deque<int>{1, 2}));
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.TryPush(3));
}

TEST(BoundedQueueDeathTest, PopOfNothingIsABug) {
  BoundedQueue<int> queue(1);
  EXPECT_DEATH(queue.Pop(), "invariant broken");
}

}  // namespace
}  // namespace parley::base
