#ifndef DAEMON_RUNTIME_CLOCK_H_
#define DAEMON_RUNTIME_CLOCK_H_

#include "daemon/base/time.h"

namespace parley::runtime {

// Where the time comes from. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual base::Now Now() const = 0;
};

// The device's clocks. The monotonic one goes on while the device sleeps: a
// connection that was silent through the night is known to be dead at once.
class RealClock : public Clock {
 public:
  base::Now Now() const override;
};

}  // namespace parley::runtime

#endif  // DAEMON_RUNTIME_CLOCK_H_
