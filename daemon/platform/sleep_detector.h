#ifndef DAEMON_PLATFORM_SLEEP_DETECTOR_H_
#define DAEMON_PLATFORM_SLEEP_DETECTOR_H_

#include "absl/time/time.h"

namespace parley::platform {

// Two clocks of the system, read together. Both tell the time since it was
// started, but the second one stands still while it sleeps.
struct ClockPair {
  absl::Duration boot;
  absl::Duration monotonic;

  absl::Duration asleep() const { return boot - monotonic; }
};

// Makes one event of what may tell several times, and in any order, that the
// device has slept. Pure; not thread-safe.
//
//   the clock was set   slept, if it stood still since the last look: at a
//                       resume the system sets its clock, but not only then
//   logind says so      slept, unless that was told just before
class SleepDetector {
 public:
  // A shorter sleep is none for a connection.
  static constexpr absl::Duration kMinSleep = absl::Seconds(2);
  // Of one resume everyone has told within this time.
  static constexpr absl::Duration kSameResume = absl::Seconds(10);

  explicit SleepDetector(const ClockPair& now) : asleep_(now.asleep()) {}

  // Each returns whether this is a resume that was not told yet.
  bool OnClockSet(const ClockPair& now);
  bool OnResumeSignal(const ClockPair& now);

 private:
  // Whether one clock stood still since the last look.
  bool Look(const ClockPair& now);

  absl::Duration asleep_;  // at the last look
  // By the clock that stands still, so that a sleep never widens the window.
  absl::Duration told_at_ = -absl::InfiniteDuration();
};

}  // namespace parley::platform

#endif  // DAEMON_PLATFORM_SLEEP_DETECTOR_H_
