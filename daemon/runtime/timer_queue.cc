#include "daemon/runtime/timer_queue.h"

namespace parley::runtime {

void TimerQueue::Set(core::TimerId timer, base::MonotonicTime at) {
  Cancel(timer);
  by_time_.emplace(at, timer);
  by_name_.emplace(std::move(timer), at);
}

void TimerQueue::Cancel(const core::TimerId& timer) {
  const auto it = by_name_.find(timer);
  if (it == by_name_.end()) return;
  by_time_.erase({it->second, it->first});
  by_name_.erase(it);
}

void TimerQueue::Clear() {
  by_name_.clear();
  by_time_.clear();
}

base::MonotonicTime TimerQueue::next() const {
  if (by_time_.empty()) return base::MonotonicTime::InfiniteFuture();
  return by_time_.begin()->first;
}

std::optional<core::TimerId> TimerQueue::PopDue(base::MonotonicTime now) {
  if (by_time_.empty() || by_time_.begin()->first > now) return std::nullopt;
  core::TimerId timer = by_time_.begin()->second;
  Cancel(timer);
  return timer;
}

}  // namespace parley::runtime
