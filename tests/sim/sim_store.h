#ifndef TESTS_SIM_SIM_STORE_H_
#define TESTS_SIM_SIM_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/base/rng.h"
#include "daemon/core/step_executor.h"
#include "daemon/runtime/engine_host.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/trace.h"

namespace parley::sim {

// How often, in a thousand, commits go wrong, and how slow they are.
struct StoreFaults {
  absl::Duration latency = absl::Milliseconds(2);
  int slow = 0;         // the commit takes 500 ms
  int fail_before = 0;  // an error, and nothing was written
  int fail_after = 0;   // an error, but all was written
  int full = 0;         // the disk is full for a while
  int recover_fails = 0;
  // Sabotage, what an auditor must catch: reports commits that are not made.
  bool reports_early = false;
};

// What a store tells the process that it belongs to.
class StoreOwner {
 public:
  virtual ~StoreOwner() = default;
  // The disk shows a commit. Nobody was told yet.
  virtual void OnApplied() = 0;
  virtual void OnCommitDone(uint64_t commit, const absl::Status& status) = 0;
  virtual void OnRecovered(const absl::Status& status) = 0;
  // Whether the process crashes here: nothing more is called then.
  virtual bool CrashesBeforeCommit() = 0;
  virtual bool CrashesAfterCommit() = 0;
};

// The storage thread of one process, in virtual time. The disk outlives it.
//
//   Submit --time passes--> applied to the disk --time passes--> OnCommitDone
//      '--> fails, applied or not --> refuses all until Recover is done
class SimStore : public runtime::StorePort {
 public:
  SimStore(const StoreFaults& faults, Scheduler* scheduler, SimDisk* disk,
           StoreOwner* owner, Trace* trace, Probes* probes, base::Rng rng);
  ~SimStore() override;

  // StorePort.
  void Submit(core::CommitRequest request) override;
  const storage::StoreReader& reader() const override { return *disk_; }
  void Recover() override;

  void SetFaults(const StoreFaults& faults) { faults_ = faults; }
  // The process ends: a commit on its way is on the disk, or it is not.
  void Crash();

 private:
  enum class Fate { kDone, kFailsBefore, kFailsAfter, kFull };

  bool OneIn1000(int per_mille);
  Fate DrawFate();
  void Apply(const core::CommitRequest& request);
  void Finish(uint64_t commit, const absl::Status& status);
  // Runs `action` later, unless the process has ended by then.
  void Later(absl::Duration delay, std::function<void()> action);

  StoreFaults faults_;
  Scheduler* const scheduler_;
  SimDisk* const disk_;
  StoreOwner* const owner_;
  Trace* const trace_;
  Probes* const probes_;
  base::Rng rng_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::optional<core::CommitRequest> in_flight_;  // not applied yet
  int recoveries_to_fail_ = 0;
};

}  // namespace parley::sim

#endif  // TESTS_SIM_SIM_STORE_H_
