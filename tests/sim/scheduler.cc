#include "tests/sim/scheduler.h"

#include <algorithm>
#include <utility>

namespace parley::sim {
namespace {

// Any date will do; a fixed one keeps traces equal.
constexpr int64_t kWallOriginSeconds = 1767225600;  // 2026-01-01

}  // namespace

base::Now Scheduler::Read() const {
  return {now_,
          absl::FromUnixSeconds(kWallOriginSeconds) + now_.since_origin()};
}

Scheduler::Handle Scheduler::At(base::MonotonicTime at,
                                std::function<void()> action) {
  const Handle handle{std::max(at, now_), ++last_number_};
  actions_.emplace(handle, std::move(action));
  return handle;
}

Scheduler::Handle Scheduler::After(absl::Duration delay,
                                   std::function<void()> action) {
  return At(now_ + delay, std::move(action));
}

bool Scheduler::RunNext(base::MonotonicTime end) {
  auto first = actions_.begin();
  if (first == actions_.end() || end < first->first.at) {
    now_ = std::max(now_, end);
    return false;
  }
  now_ = first->first.at;
  std::function<void()> action = std::move(first->second);
  actions_.erase(first);
  ++actions_run_;
  action();
  return true;
}

}  // namespace parley::sim
