#ifndef DAEMON_RUNTIME_ENGINE_HOST_H_
#define DAEMON_RUNTIME_ENGINE_HOST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/base/rng.h"
#include "daemon/base/time.h"
#include "daemon/core/api/event.h"
#include "daemon/core/step_executor.h"
#include "daemon/core/sync_engine.h"
#include "daemon/storage/staged_store.h"
#include "daemon/storage/store.h"
#include "daemon/storage/tables.h"

namespace parley::runtime {

// The store as the host needs it: reads at once, commits and recovery later.
// Each Submit is answered by EngineHost::OnCommitDone, each Recover by
// EngineHost::OnRecovered.
class StorePort : public core::CommitPort {
 public:
  virtual const storage::StoreReader& reader() const = 0;
  virtual void Recover() = 0;
};

// Keeps one engine running over one store, and builds it anew when a commit
// fails, because a failed commit is an unknown outcome:
//
//             Start                      commit or read failed
//   (none) ---------> RUNNING -------------------------------> DOWN
//                        ^                                      | Recover
//                        '--- engine built from the store <-----'
//
// While it is down, commands are answered UNAVAILABLE/STORE_FAILED (or
// RESOURCE_EXHAUSTED/STORE_FULL) and nothing else is taken. Calls that were
// waiting for the failed commit are answered by what the recovered store says.
// Single-threaded and deterministic: the simulator runs it too.
class EngineHost {
 public:
  // The ports must outlive the host.
  EngineHost(const core::EngineOptions& options, StorePort* store,
             core::EffectSink* sink, base::Rng rng);
  ~EngineHost();

  // The store must have been prepared (storage::PrepareStore).
  absl::Status Start(base::Now now);

  void Handle(core::Event event, base::Now now);
  void OnCommitDone(uint64_t commit, const absl::Status& status, base::Now now);
  void OnRecovered(const absl::Status& status, base::Now now);

  // Why the store is down; OK while it runs.
  const absl::Status& store_status() const { return store_status_; }
  // Everything told so far is on the disk, and nothing waits.
  bool idle() const;

 private:
  struct WaitingCall {
    core::CallId call;
    // Of a SendMessage whose commit failed: what became of it is looked up.
    model::ClientMessageId client_id;
    bool repeated = false;  // it had been accepted before
  };

  absl::Status Build();
  // The first events of an engine.
  void Begin(base::Now now);
  void Run(core::Event event, base::Now now);
  void GoDown(const absl::Status& status, base::Now now);
  void AnswerWaiting();
  void ArmSyncTimer(base::Now now);

  // Between two looks at a store that could not be recovered.
  static constexpr absl::Duration kRecoverInterval = absl::Seconds(5);

  const core::EngineOptions options_;
  StorePort* const store_;
  core::EffectSink* const sink_;
  base::Rng rng_;

  std::unique_ptr<storage::StagedStore> staged_;
  std::optional<storage::Tables> tables_;
  std::unique_ptr<core::SyncEngine> engine_;
  std::unique_ptr<core::StepExecutor> executor_;
  absl::Status store_status_;
  std::optional<core::NetworkChanged> network_;  // the last
  std::vector<WaitingCall> waiting_;
  uint32_t incarnation_ = 0;
  bool sync_timer_set_ = false;
};

}  // namespace parley::runtime

#endif  // DAEMON_RUNTIME_ENGINE_HOST_H_
