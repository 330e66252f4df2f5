#include "daemon/base/time.h"

#include "gtest/gtest.h"

namespace parley::base {
namespace {

TEST(MonotonicTime, OrdersAndMeasures) {
  const MonotonicTime start(absl::Seconds(5));
  const MonotonicTime later = start + absl::Seconds(2);
  EXPECT_LT(start, later);
  EXPECT_GT(later, start);
  EXPECT_LE(start, start);
  EXPECT_GE(start, start);
  EXPECT_NE(start, later);
  EXPECT_EQ(later - start, absl::Seconds(2));
  EXPECT_EQ(start - later, -absl::Seconds(2));
}

TEST(MonotonicTime, NothingComesAfterTheInfiniteFuture) {
  const MonotonicTime never = MonotonicTime::InfiniteFuture();
  EXPECT_LT(MonotonicTime(absl::Hours(24 * 365 * 1000)), never);
  EXPECT_EQ(never + absl::Seconds(1), never);
  EXPECT_EQ(never - MonotonicTime(), absl::InfiniteDuration());
}

}  // namespace
}  // namespace parley::base
