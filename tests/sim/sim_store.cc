#include "tests/sim/sim_store.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace parley::sim {
namespace {

constexpr absl::Duration kSlowCommit = absl::Milliseconds(500);
constexpr int kMaxFailedRecoveries = 3;

}  // namespace

SimStore::SimStore(const StoreFaults& faults, Scheduler* scheduler,
                   SimDisk* disk, StoreOwner* owner, Trace* trace,
                   Probes* probes, base::Rng rng)
    : faults_(faults),
      scheduler_(scheduler),
      disk_(disk),
      owner_(owner),
      trace_(trace),
      probes_(probes),
      rng_(rng) {}

SimStore::~SimStore() { *alive_ = false; }

bool SimStore::OneIn1000(int per_mille) {
  return per_mille > 0 && rng_.Below(1000) < static_cast<uint64_t>(per_mille);
}

void SimStore::Later(absl::Duration delay, std::function<void()> action) {
  scheduler_->After(delay, [alive = alive_, action = std::move(action)] {
    if (*alive) action();
  });
}

SimStore::Fate SimStore::DrawFate() {
  if (OneIn1000(faults_.fail_before)) return Fate::kFailsBefore;
  if (OneIn1000(faults_.fail_after)) return Fate::kFailsAfter;
  if (OneIn1000(faults_.full)) return Fate::kFull;
  return Fate::kDone;
}

void SimStore::Submit(core::CommitRequest request) {
  const uint64_t commit = request.commit;
  in_flight_ = std::move(request);
  if (owner_->CrashesBeforeCommit()) return;
  absl::Duration latency = rng_.DurationUpTo(faults_.latency);
  if (OneIn1000(faults_.slow)) {
    probes_->Hit("store.slow_commit");
    latency += kSlowCommit;
  }
  if (faults_.reports_early) {
    Later(absl::ZeroDuration(),
          [this, commit] { owner_->OnCommitDone(commit, absl::OkStatus()); });
    Later(latency, [this, request = *in_flight_] {
      Apply(request);
      owner_->OnApplied();
    });
    in_flight_.reset();
    return;
  }
  const Fate fate = DrawFate();
  const absl::Duration until_applied = rng_.DurationUpTo(latency);
  Later(until_applied, [this, commit, fate] {
    const core::CommitRequest request = std::move(*in_flight_);
    in_flight_.reset();
    if (fate == Fate::kDone || fate == Fate::kFailsAfter) {
      Apply(request);
      trace_->Line("store commit ", commit, " applied");
      owner_->OnApplied();
      if (owner_->CrashesAfterCommit()) return;
    }
  });
  Later(latency, [this, commit, fate] {
    switch (fate) {
      case Fate::kDone:
        return owner_->OnCommitDone(commit, absl::OkStatus());
      case Fate::kFailsBefore:
        probes_->Hit("store.commit_failed_before");
        return Finish(commit, absl::InternalError("write error"));
      case Fate::kFailsAfter:
        probes_->Hit("store.commit_failed_after");
        return Finish(commit, absl::InternalError("sync error"));
      case Fate::kFull:
        probes_->Hit("store.full");
        recoveries_to_fail_ = kMaxFailedRecoveries;
        return Finish(commit, absl::ResourceExhaustedError("disk full"));
    }
  });
}

void SimStore::Apply(const core::CommitRequest& request) {
  // The disk itself never fails.
  if (request.sync_only) {
    disk_->Sync().IgnoreError();
  } else {
    disk_->Commit(request.transactions).IgnoreError();
  }
}

void SimStore::Finish(uint64_t commit, const absl::Status& status) {
  trace_->Line("store commit ", commit, " fails: ", status.message());
  owner_->OnCommitDone(commit, status);
}

void SimStore::Recover() {
  Later(rng_.DurationUpTo(absl::Milliseconds(100)), [this] {
    if (recoveries_to_fail_ > 0 || OneIn1000(faults_.recover_fails)) {
      if (recoveries_to_fail_ > 0) --recoveries_to_fail_;
      probes_->Hit("store.recovery_failed");
      trace_->Line("store recovery fails");
      return owner_->OnRecovered(
          absl::ResourceExhaustedError("the disk is still full"));
    }
    trace_->Line("store recovered");
    disk_->Recover().IgnoreError();
    owner_->OnApplied();
    owner_->OnRecovered(absl::OkStatus());
  });
}

void SimStore::Crash() {
  *alive_ = false;
  if (!in_flight_.has_value()) return;
  if (rng_.OneIn(2)) Apply(*in_flight_);
  in_flight_.reset();
}

}  // namespace parley::sim
