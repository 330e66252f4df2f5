#ifndef DAEMON_BASE_TIME_H_
#define DAEMON_BASE_TIME_H_

#include "absl/time/time.h"

namespace parley::base {

// A point on the device's monotonic clock. It only orders and measures: it has
// no meaning to a person, another process or another boot, and is never stored.
class MonotonicTime {
 public:
  constexpr MonotonicTime() = default;
  constexpr explicit MonotonicTime(absl::Duration since_origin)
      : since_origin_(since_origin) {}

  static constexpr MonotonicTime InfiniteFuture() {
    return MonotonicTime(absl::InfiniteDuration());
  }

  constexpr absl::Duration since_origin() const { return since_origin_; }

  friend MonotonicTime operator+(MonotonicTime t, absl::Duration d) {
    return MonotonicTime(t.since_origin_ + d);
  }
  friend absl::Duration operator-(MonotonicTime a, MonotonicTime b) {
    return a.since_origin_ - b.since_origin_;
  }
  friend bool operator==(MonotonicTime a, MonotonicTime b) {
    return a.since_origin_ == b.since_origin_;
  }
  friend bool operator!=(MonotonicTime a, MonotonicTime b) { return !(a == b); }
  friend bool operator<(MonotonicTime a, MonotonicTime b) {
    return a.since_origin_ < b.since_origin_;
  }
  friend bool operator<=(MonotonicTime a, MonotonicTime b) { return !(b < a); }
  friend bool operator>(MonotonicTime a, MonotonicTime b) { return b < a; }
  friend bool operator>=(MonotonicTime a, MonotonicTime b) { return !(a < b); }

 private:
  absl::Duration since_origin_ = absl::ZeroDuration();
};

// Wall time: what people mean by "when". It may jump; nothing is ordered or
// kept alive by it. Stored with millisecond resolution.
using WallTime = absl::Time;

// Both clocks, read once when an event enters the core.
struct Now {
  MonotonicTime monotonic;
  WallTime wall;
};

}  // namespace parley::base

#endif  // DAEMON_BASE_TIME_H_
