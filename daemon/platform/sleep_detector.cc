#include "daemon/platform/sleep_detector.h"

namespace parley::platform {

bool SleepDetector::OnClockSet(const ClockPair& now) {
  const bool slept = Look(now);
  if (slept) told_at_ = now.monotonic;
  return slept;
}

bool SleepDetector::OnResumeSignal(const ClockPair& now) {
  const bool slept = Look(now);
  if (!slept && now.monotonic - told_at_ <= kSameResume) return false;
  told_at_ = now.monotonic;
  return true;
}

bool SleepDetector::Look(const ClockPair& now) {
  const bool slept = now.asleep() - asleep_ > kMinSleep;
  asleep_ = now.asleep();
  return slept;
}

}  // namespace parley::platform
