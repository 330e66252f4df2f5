#ifndef DAEMON_CORE_STEP_EXECUTOR_H_
#define DAEMON_CORE_STEP_EXECUTOR_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "daemon/core/api/effect.h"
#include "daemon/core/api/step.h"
#include "daemon/storage/store.h"

namespace parley::core {

// Where effects go. Perform must not call back into the core.
class EffectSink {
 public:
  virtual ~EffectSink() = default;
  virtual void Perform(EffectBody effect) = 0;
};

// What goes to the disk in one piece.
struct CommitRequest {
  uint64_t commit = 0;  // 1, 2, 3 ...
  std::vector<storage::Transaction> transactions;
  // Nothing to write: only make what was written relaxed survive a power cut.
  bool sync_only = false;
};

// Commits elsewhere (another thread, a later moment of a simulation). Each
// Submit is answered by one StepExecutor::OnCommitted, or ends this executor.
class CommitPort {
 public:
  virtual ~CommitPort() = default;
  virtual void Submit(CommitRequest request) = 0;
};

// Enforces the one rule that carries every guarantee: commit, then release.
//
//   step --> kNow effects ---------------------------------> sink, at once
//       '--> transaction --> batch --> CommitPort --> OnCommitted
//       '--> kAfterCommit effects ... held ... ------------> sink, in order
//
// At most one commit is on its way; transactions that arrive meanwhile form the
// next one (that is the group commit). A step that neither writes nor follows
// an unfinished write is released at once, however slow the disk is.
// Single-threaded; the same code runs in production and in the simulator.
class StepExecutor {
 public:
  StepExecutor(CommitPort* commits, EffectSink* sink)
      : commits_(commits), sink_(sink) {}

  StepExecutor(const StepExecutor&) = delete;
  StepExecutor& operator=(const StepExecutor&) = delete;

  void Execute(Step step);

  // The commit on its way is done. Releases what waited for it, and sends the
  // next. Returns the number of the last transaction that is committed.
  uint64_t OnCommitted(uint64_t commit);

  // Has relaxed writes reach the disk. Does nothing when none are waiting.
  void SyncRelaxed();
  // Relaxed writes that no sync has covered, committed or not.
  bool has_relaxed() const { return relaxed_unsynced_; }
  bool commit_in_flight() const { return in_flight_ != 0; }
  // Transactions that are not committed: the depth of the pipeline.
  size_t uncommitted() const { return pending_.size() + in_flight_count_; }

  // After a failed commit: everything that was held. Nothing was told; the
  // caller answers the calls among it. This executor is not used again.
  std::vector<EffectBody> Abandon();

 private:
  struct Held {
    uint64_t after_transaction;
    EffectBody effect;
  };

  void SubmitNext();
  void ReleaseUpTo(uint64_t transaction);

  CommitPort* const commits_;
  EffectSink* const sink_;

  uint64_t last_commit_ = 0;
  uint64_t in_flight_ = 0;  // the commit on its way; 0: none
  size_t in_flight_count_ = 0;
  uint64_t in_flight_last_ = 0;  // the last transaction in it
  bool in_flight_syncs_ = false;
  uint64_t committed_ = 0;  // the last transaction committed
  std::deque<storage::Transaction> pending_;
  uint64_t pending_last_ = 0;  // the number of the last in pending_
  bool sync_wanted_ = false;
  bool relaxed_unsynced_ = false;
  std::deque<Held> held_;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_STEP_EXECUTOR_H_
