#include "daemon/runtime/timer_queue.h"

#include "gtest/gtest.h"

namespace parley::runtime {
namespace {

using core::TimerId;
using core::TimerKind;

base::MonotonicTime At(int seconds) {
  return base::MonotonicTime(absl::Seconds(seconds));
}

TimerId Retry() { return {TimerKind::kConnectRetry, {}}; }
TimerId Send(const char* room) {
  return {TimerKind::kSendTimeout, model::RoomId(room)};
}

TEST(TimerQueueTest, IsEmptyAtFirst) {
  TimerQueue timers;
  EXPECT_EQ(timers.next(), base::MonotonicTime::InfiniteFuture());
  EXPECT_EQ(timers.PopDue(At(1000000)), std::nullopt);
}

TEST(TimerQueueTest, FiresInOrderAndNotBeforeTheTime) {
  TimerQueue timers;
  timers.Set(Send("a"), At(3));
  timers.Set(Retry(), At(1));
  EXPECT_EQ(timers.next(), At(1));
  EXPECT_EQ(timers.PopDue(At(0)), std::nullopt);
  EXPECT_EQ(timers.PopDue(At(1)), Retry());
  EXPECT_EQ(timers.PopDue(At(2)), std::nullopt);
  EXPECT_EQ(timers.PopDue(At(9)), Send("a"));
  EXPECT_EQ(timers.next(), base::MonotonicTime::InfiniteFuture());
}

TEST(TimerQueueTest, BreaksTiesByName) {
  TimerQueue timers;
  timers.Set(Send("b"), At(1));
  timers.Set(Send("a"), At(1));
  timers.Set(Retry(), At(1));
  EXPECT_EQ(timers.PopDue(At(1)), Retry());
  EXPECT_EQ(timers.PopDue(At(1)), Send("a"));
  EXPECT_EQ(timers.PopDue(At(1)), Send("b"));
}

TEST(TimerQueueTest, MovesATimerThatIsSet) {
  TimerQueue timers;
  timers.Set(Retry(), At(1));
  timers.Set(Retry(), At(5));
  EXPECT_EQ(timers.PopDue(At(4)), std::nullopt);
  EXPECT_EQ(timers.PopDue(At(5)), Retry());
  EXPECT_EQ(timers.PopDue(At(9)), std::nullopt);
}

TEST(TimerQueueTest, CancelsOneOrAll) {
  TimerQueue timers;
  timers.Set(Retry(), At(1));
  timers.Set(Send("a"), At(2));
  timers.Set(Send("b"), At(3));
  timers.Cancel(Send("a"));
  timers.Cancel(Send("unknown"));
  EXPECT_EQ(timers.PopDue(At(9)), Retry());
  EXPECT_EQ(timers.PopDue(At(9)), Send("b"));
  timers.Set(Retry(), At(1));
  timers.Clear();
  EXPECT_EQ(timers.PopDue(At(9)), std::nullopt);
}

}  // namespace
}  // namespace parley::runtime
