#ifndef TESTS_SIM_SCHEDULER_H_
#define TESTS_SIM_SCHEDULER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <tuple>

#include "absl/time/time.h"
#include "daemon/base/time.h"

namespace parley::sim {

// Virtual time. Everything that happens in a simulation is an action that this
// class runs: by time, and at one time in the order in which the actions were
// added. Nothing here, or called from here, reads a real clock.
class Scheduler {
 public:
  // Names an action that has not run yet. A default one names none.
  struct Handle {
    base::MonotonicTime at;
    uint64_t number = 0;

    friend bool operator<(const Handle& a, const Handle& b) {
      if (a.at != b.at) return a.at < b.at;
      return a.number < b.number;
    }
  };

  Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  base::MonotonicTime now() const { return now_; }
  // Both clocks; wall time runs along with the other.
  base::Now Read() const;

  // A time that is past is now.
  Handle At(base::MonotonicTime at, std::function<void()> action);
  Handle After(absl::Duration delay, std::function<void()> action);
  // Does nothing when it has run, or was cancelled before.
  void Cancel(const Handle& handle) { actions_.erase(handle); }

  // Runs the next action, unless it is later than `end`. False: nothing ran,
  // and the time is `end`.
  bool RunNext(base::MonotonicTime end);

  uint64_t actions_run() const { return actions_run_; }

 private:
  base::MonotonicTime now_;
  uint64_t last_number_ = 0;
  uint64_t actions_run_ = 0;
  std::map<Handle, std::function<void()>> actions_;
};

}  // namespace parley::sim

#endif  // TESTS_SIM_SCHEDULER_H_
