#ifndef TESTS_SPEC_SPEC_DEVICE_H_
#define TESTS_SPEC_SPEC_DEVICE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/core/api/effect.h"
#include "daemon/core/api/event.h"
#include "daemon/core/step_executor.h"
#include "daemon/runtime/engine_host.h"
#include "tests/sim/auditor.h"
#include "tests/sim/scheduler.h"
#include "tests/spec/spec_disk.h"

namespace parley::spec {

// Why and where a crash run ends its process: after the n-th commit was made
// but before anyone heard of it, or after the n-th effect.
struct CrashPoint {
  enum class After { kNever, kCommit, kEffect };
  After after = After::kNever;
  int number = 0;
};

// One daemon under a script: nothing happens but what the script (or, once it
// has crashed, a live server) makes happen.
class SpecDevice : public core::EffectSink, public runtime::StorePort {
 public:
  // What is seen of an effect; called while the engine runs.
  using Listener = std::function<void(core::EffectBody& effect)>;

  // All pointers must outlive the device; `auditor` may be null.
  SpecDevice(const core::EngineOptions& options, SpecDisk* disk,
             sim::Scheduler* clock, sim::Auditor* auditor, uint64_t seed);

  void SetListener(Listener listener) { listener_ = std::move(listener); }
  void SetCrashPoint(const CrashPoint& point) { crash_ = point; }
  // Commits are then made by CommitNext and FailNext, not by themselves.
  void SetManualCommits(bool manual) { manual_commits_ = manual; }

  void Start();
  // Ends the process, if it has not ended, and mends the disk.
  void Stop(bool power_cut);
  // The crash point was reached.
  bool crashed() const { return crashed_; }

  void Handle(core::Event event);
  void Call(core::Command command);

  // False: no commit is waiting.
  bool CommitNext();
  bool FailNext(const absl::Status& status, bool applied);
  bool Recovered(const absl::Status& status);
  bool commit_waits() const { return commit_.has_value(); }

  // When the timer is due; nothing: it is not set.
  std::optional<base::MonotonicTime> TimerAt(const core::TimerId& timer) const;
  const std::map<core::TimerId, base::MonotonicTime>& timers() const {
    return timers_;
  }
  // Takes the timer off and fires it; the time is the clock's.
  void Fire(const core::TimerId& timer);

  core::ConnectionId connection() const { return connection_; }
  // The one that was opened before it.
  core::ConnectionId dead_connection() const { return dead_connection_; }
  // The auditor's name of it.
  sim::LinkId link() const { return link_; }
  bool recovering() const { return recovering_; }
  core::FetchId fetch() const { return fetch_; }
  // The one that was asked for before it.
  core::FetchId dead_fetch() const { return dead_fetch_; }
  int commits() const { return commits_; }
  int effects() const { return effects_; }
  const storage::Store& store() const { return *disk_->store(); }

  // EffectSink.
  void Perform(core::EffectBody effect) override;
  // StorePort.
  void Submit(core::CommitRequest request) override;
  const storage::StoreReader& reader() const override {
    return *disk_->store();
  }
  void Recover() override { recovering_ = true; }

 private:
  void Settle();
  void Apply(const core::CommitRequest& request);
  void Note(const core::EffectBody& effect);

  const core::EngineOptions options_;
  SpecDisk* const disk_;
  sim::Scheduler* const clock_;
  sim::Auditor* const auditor_;
  base::Rng rng_;
  Listener listener_;
  CrashPoint crash_;
  bool manual_commits_ = false;

  std::unique_ptr<runtime::EngineHost> host_;
  std::optional<core::CommitRequest> commit_;
  bool recovering_ = false;
  bool crashed_ = false;
  int commits_ = 0;
  int effects_ = 0;
  uint64_t link_ = 0;
  core::ConnectionId connection_;
  core::ConnectionId dead_connection_;
  core::FetchId fetch_;
  core::FetchId dead_fetch_;
  std::map<core::TimerId, base::MonotonicTime> timers_;
};

}  // namespace parley::spec

#endif  // TESTS_SPEC_SPEC_DEVICE_H_
