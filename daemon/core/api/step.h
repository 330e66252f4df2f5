#ifndef DAEMON_CORE_API_STEP_H_
#define DAEMON_CORE_API_STEP_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "daemon/base/rng.h"
#include "daemon/base/time.h"
#include "daemon/core/api/effect.h"
#include "daemon/storage/store.h"
#include "daemon/storage/tables.h"

namespace parley::core {

// What handling one event leads to: writes that belong together, and what the
// world is told. StepExecutor commits the one and releases the other.
struct Step {
  storage::Transaction transaction;
  // The number of the last non-empty transaction up to and including this
  // step: what its kAfterCommit effects wait for.
  uint64_t transaction_number = 0;
  std::vector<Effect> effects;  // in order
};

// What a component works with while one event is handled. It writes through
// `tables` and tells the world through Emit.
class StepContext {
 public:
  StepContext(base::Now now, storage::Tables* tables, base::Rng* rng)
      : now_(now), tables_(tables), rng_(rng) {}

  const base::Now& now() const { return now_; }
  base::MonotonicTime monotonic() const { return now_.monotonic; }
  base::WallTime wall() const { return now_.wall; }
  storage::Tables& tables() { return *tables_; }
  base::Rng* rng() { return rng_; }

  void Emit(EffectBody body, Release release) {
    effects_.push_back(Effect{std::move(body), release});
  }
  // Timers promise nothing: what a fired timer leads to is a step of its own.
  void SetTimerAt(TimerId timer, base::MonotonicTime at) {
    Emit(SetTimer{std::move(timer), at}, Release::kNow);
  }
  void SetTimerIn(TimerId timer, absl::Duration delay) {
    SetTimerAt(std::move(timer), now_.monotonic + delay);
  }
  void StopTimer(TimerId timer) {
    Emit(CancelTimer{std::move(timer)}, Release::kNow);
  }
  void LogLine(Log::Severity severity, std::string text) {
    Emit(Log{severity, std::move(text)}, Release::kNow);
  }
  void ReplyTo(CallId call, absl::StatusOr<ReplyBody> result) {
    Emit(Reply{call, std::move(result)}, Release::kAfterCommit);
  }

  std::vector<Effect> TakeEffects() { return std::move(effects_); }

 private:
  const base::Now now_;
  storage::Tables* const tables_;
  base::Rng* const rng_;
  std::vector<Effect> effects_;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_API_STEP_H_
