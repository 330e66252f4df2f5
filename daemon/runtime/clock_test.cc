#include "daemon/runtime/clock.h"

#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace parley::runtime {
namespace {

TEST(RealClockTest, TellsTheTimeAndNeverGoesBack) {
  const RealClock clock;
  const absl::Time before = absl::Now();
  base::Now last = clock.Now();
  EXPECT_GE(last.wall, before);
  EXPECT_LE(last.wall, absl::Now());
  for (int i = 0; i < 1000; ++i) {
    const base::Now next = clock.Now();
    EXPECT_GE(next.monotonic, last.monotonic);
    last = next;
  }
  EXPECT_GT(last.monotonic.since_origin(), absl::ZeroDuration());
}

}  // namespace
}  // namespace parley::runtime
