#ifndef DAEMON_CORE_ERASURE_ERASURE_H_
#define DAEMON_CORE_ERASURE_ERASURE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "daemon/core/api/event.h"
#include "daemon/core/api/step.h"
#include "daemon/storage/records.h"
#include "daemon/storage/tables.h"

namespace parley::core {

// What a sign-out takes with it, in parts that are short enough not to hold up
// anybody else: a queue may have a million entries.
//
//      IDLE -- SignOut --> outbox --> messages --> rooms --> IDLE, and answered
//                        '-- each only if it was asked for --'
//
// It says what is next and is told what was done; whose things they are does
// the deleting. What was asked for is stored with the wish to be signed out: a
// crash on the way leaves the call unanswered, and the rest is erased after it.
// Single-threaded, deterministic.
class Erasure {
 public:
  enum class Part { kOutbox, kMessages, kRooms };
  // Things of one part that are deleted in one step.
  static constexpr size_t kMaxAStep = 100;

  absl::Status Load(const storage::Tables& tables);
  // Goes on with what a crash left.
  void OnStarted(StepContext* context);

  // A second sign-out meanwhile adds to what the first one takes.
  void Begin(CallId call, const SignOut& sign_out, StepContext* context);

  bool running() const {
    return !calls_.empty() || scope_.outbox || scope_.cache;
  }
  // What to delete in this step; nothing: it is over.
  std::optional<Part> next() const;
  // The account has nothing left here, so that it may become another's.
  bool everything() const { return scope_.outbox && scope_.cache; }

  // `count` things of next() were deleted; fewer than kMaxAStep: it is empty.
  void OnErased(size_t count, StepContext* context);
  // next() is nothing: answers.
  void Finish(StepContext* context);

  std::vector<CallId> WaitingCalls() const { return calls_; }

 private:
  void ListParts();

  std::vector<CallId> calls_;
  storage::ErasureScope scope_;
  std::deque<Part> left_;
  uint64_t discarded_ = 0;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_ERASURE_ERASURE_H_
