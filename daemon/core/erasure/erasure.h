#ifndef DAEMON_CORE_ERASURE_ERASURE_H_
#define DAEMON_CORE_ERASURE_ERASURE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "daemon/core/api/event.h"
#include "daemon/core/api/step.h"

namespace parley::core {

// What a sign-out takes with it, in parts that are short enough not to hold up
// anybody else: a queue may have a million entries.
//
//      IDLE -- SignOut --> outbox --> messages --> rooms --> IDLE, and answered
//                        '-- each only if it was asked for --'
//
// It says what is next and is told what was done; whose things they are does
// the deleting. A crash on the way leaves the rest, and the call unanswered:
// the client asks again. Single-threaded, deterministic.
class Erasure {
 public:
  enum class Part { kOutbox, kMessages, kRooms };
  // Things of one part that are deleted in one step.
  static constexpr size_t kMaxAStep = 100;

  // A second sign-out meanwhile adds to what the first one takes.
  void Begin(CallId call, const SignOut& sign_out, StepContext* context);

  bool running() const { return !calls_.empty(); }
  // What to delete in this step; nothing: it is over.
  std::optional<Part> next() const;
  // The account has nothing left here, so that it may become another's.
  bool everything() const { return discard_outbox_ && wipe_cache_; }

  // `count` things of next() were deleted; fewer than kMaxAStep: it is empty.
  void OnErased(size_t count, StepContext* context);
  // next() is nothing: answers.
  void Finish(StepContext* context);

  std::vector<CallId> WaitingCalls() const { return calls_; }

 private:
  std::vector<CallId> calls_;
  bool discard_outbox_ = false;
  bool wipe_cache_ = false;
  std::deque<Part> left_;
  uint64_t discarded_ = 0;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_ERASURE_ERASURE_H_
