#include "daemon/platform/sleep_detector.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace parley::platform {
namespace {

class SleepDetectorTest : public ::testing::Test {
 protected:
  void Work(absl::Duration time) {
    now_.boot += time;
    now_.monotonic += time;
  }
  void Sleep(absl::Duration time) { now_.boot += time; }

  // The device may have slept before it was looked at.
  ClockPair now_{absl::Hours(9), absl::Hours(2)};
  SleepDetector detector_{now_};
};

TEST_F(SleepDetectorTest, AClockThatWasSetIsNoSleep) {
  Work(absl::Hours(1));
  EXPECT_FALSE(detector_.OnClockSet(now_));
}

TEST_F(SleepDetectorTest, SleepShowsInTheClocks) {
  Work(absl::Minutes(5));
  Sleep(absl::Hours(1));
  EXPECT_TRUE(detector_.OnClockSet(now_));
  EXPECT_FALSE(detector_.OnClockSet(now_)) << "it was told";
}

TEST_F(SleepDetectorTest, AShortSleepIsNone) {
  // However often.
  for (int i = 0; i < 3; ++i) {
    Sleep(SleepDetector::kMinSleep);
    EXPECT_FALSE(detector_.OnClockSet(now_));
  }
  Sleep(SleepDetector::kMinSleep + absl::Milliseconds(1));
  EXPECT_TRUE(detector_.OnClockSet(now_));
}

TEST_F(SleepDetectorTest, LogindIsBelieved) {
  Work(absl::Minutes(5));
  EXPECT_TRUE(detector_.OnResumeSignal(now_));
}

TEST_F(SleepDetectorTest, OneResumeIsToldOnceWhoeverComesFirst) {
  Sleep(absl::Hours(1));
  EXPECT_TRUE(detector_.OnResumeSignal(now_));
  Work(absl::Milliseconds(20));
  EXPECT_FALSE(detector_.OnClockSet(now_));

  Work(absl::Hours(1));
  Sleep(absl::Hours(1));
  EXPECT_TRUE(detector_.OnClockSet(now_));
  Work(absl::Seconds(1));
  EXPECT_FALSE(detector_.OnResumeSignal(now_));
}

TEST_F(SleepDetectorTest, TheNextResumeIsAnotherOne) {
  Sleep(absl::Hours(1));
  EXPECT_TRUE(detector_.OnResumeSignal(now_));
  // Back to sleep at once.
  Work(absl::Seconds(1));
  Sleep(absl::Seconds(3));
  EXPECT_TRUE(detector_.OnResumeSignal(now_));
  // One that the clocks do not show, long after.
  Work(SleepDetector::kSameResume + absl::Milliseconds(1));
  EXPECT_TRUE(detector_.OnResumeSignal(now_));
}

}  // namespace
}  // namespace parley::platform
