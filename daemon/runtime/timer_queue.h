#ifndef DAEMON_RUNTIME_TIMER_QUEUE_H_
#define DAEMON_RUNTIME_TIMER_QUEUE_H_

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "daemon/base/time.h"
#include "daemon/core/api/timer_id.h"

namespace parley::runtime {

// The core's timers: each name is set at most once. Belongs to one thread.
class TimerQueue {
 public:
  // Moves a timer that is set.
  void Set(core::TimerId timer, base::MonotonicTime at);
  void Cancel(const core::TimerId& timer);
  void Clear();

  // Of the earliest timer; InfiniteFuture when none is set.
  base::MonotonicTime next() const;

  // Takes the earliest timer that is due. Of several at one time, the order of
  // their names decides, so that a run can be repeated.
  std::optional<core::TimerId> PopDue(base::MonotonicTime now);

 private:
  std::map<core::TimerId, base::MonotonicTime> by_name_;
  std::set<std::pair<base::MonotonicTime, core::TimerId>> by_time_;
};

}  // namespace parley::runtime

#endif  // DAEMON_RUNTIME_TIMER_QUEUE_H_
