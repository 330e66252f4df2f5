#include "daemon/runtime/clock.h"

#include <ctime>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/base/check.h"

namespace parley::runtime {

base::Now RealClock::Now() const {
  timespec since_boot;
  PARLEY_CHECK(clock_gettime(CLOCK_BOOTTIME, &since_boot) == 0);
  base::Now now;
  now.monotonic = base::MonotonicTime(absl::DurationFromTimespec(since_boot));
  now.wall = absl::Now();
  return now;
}

}  // namespace parley::runtime
