#ifndef TESTS_SIM_DEVICE_H_
#define TESTS_SIM_DEVICE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "daemon/base/rng.h"
#include "daemon/base/secret.h"
#include "daemon/core/api/effect.h"
#include "daemon/core/api/event.h"
#include "daemon/core/step_executor.h"
#include "daemon/runtime/engine_host.h"
#include "tests/sim/auditor.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/trace.h"

namespace parley::sim {

// How often, in a thousand, the device goes wrong.
struct DeviceFaults {
  int crash_before_commit = 0;
  int crash_after_commit = 0;
  int crash_after_effect = 0;
  int power_cut = 500;  // of crashes; the others are kills
  absl::Duration down_time = absl::Seconds(3);
  int no_token = 0;     // of fetches: there is none to be had
  int bad_token = 0;    // of fetches: the server does not take it
  int short_token = 0;  // of fetches: it must be renewed soon
};

// What the clients of a device learn. Called while the engine runs: they act
// later.
class DeviceClients {
 public:
  virtual ~DeviceClients() = default;
  virtual void OnReply(const core::Reply& reply) = 0;
  virtual void OnFeedAdvanced() = 0;
  // Their calls are lost, and so are their streams.
  virtual void OnDown() = 0;
  virtual void OnUp() = 0;
};

// One daemon: its disk, its processes one after the other, and every adapter
// that the real one has around its engine.
//
//   DOWN -- restart --> UP -- crash (between any two of its acts) --> DOWN
//
// A crash in the middle of an act of the engine is an end of the world for it:
// nothing that it does afterwards has an effect, and then it is destroyed.
class Device : public core::EffectSink, public LinkOwner, public StoreOwner {
 public:
  struct Options {
    std::string user;
    core::EngineOptions engine;
  };
  // Of the world around it; all must outlive the device.
  struct World {
    Scheduler* scheduler;
    SimNetwork* network;
    Trace* trace;
    Probes* probes;
    Verdict* verdict;
  };

  Device(const Options& options, const World& world, base::Rng rng);
  ~Device() override;

  // Both before Start.
  void SetAuditor(Auditor* auditor) { auditor_ = auditor; }
  void SetClients(DeviceClients* clients) { clients_ = clients; }

  // Starts a process, unless one runs.
  void Start();
  void Crash();
  bool up() const { return host_ != nullptr && !dying_; }
  void SetFaults(const DeviceFaults& faults, const StoreFaults& store_faults);

  // What the operating system says. Ignored while the device is down.
  void ChangeNetwork(bool online);
  void WakeUp();
  // A client's call; ignored while the device is down.
  void Call(core::Command command);

  const std::string& user() const { return options_.user; }
  SimDisk& disk() { return disk_; }
  // Everything told so far is on the disk.
  bool idle() const { return up() && host_->idle(); }

  // EffectSink.
  void Perform(core::EffectBody effect) override;
  // LinkOwner.
  void OnLinkEvent(core::Event event) override;
  // StoreOwner.
  void OnApplied() override;
  void OnCommitDone(uint64_t commit, const absl::Status& status) override;
  void OnRecovered(const absl::Status& status) override;
  bool CrashesBeforeCommit() override;
  bool CrashesAfterCommit() override;

 private:
  bool OneIn1000(int per_mille);
  void Handle(core::Event event);
  // Ends the process if a crash fell into what it was just doing.
  void AfterAct();
  void Die();
  void CloseLink();

  void Do(core::Reply& reply);
  void Do(core::OpenConnection& open);
  void Do(core::SendFrame& frame);
  void Do(core::CloseConnection& close);
  void Do(core::FetchCredentials& fetch);
  void Do(core::KeepCredentials& keep);
  void Do(core::SetTimer& set);
  void Do(core::CancelTimer& cancel);
  void Do(core::FeedAdvanced& feed);
  void Do(core::StatusChanged& changed);
  void Do(core::EngineRebuilt& rebuilt);
  void Do(core::Log& log);

  const Options options_;
  const World world_;
  base::Rng rng_;
  DeviceFaults faults_;
  StoreFaults store_faults_;
  Auditor* auditor_ = nullptr;
  DeviceClients* clients_ = nullptr;
  SimDisk disk_;

  // Of the process that runs.
  uint64_t process_ = 0;
  std::unique_ptr<SimStore> store_;
  std::unique_ptr<runtime::EngineHost> host_;
  base::Secret kept_token_;  // of this process
  bool dying_ = false;
  bool reopening_ = false;  // the engine is gone, its store is being recovered
  core::ConnectionId connection_;
  LinkId link_ = 0;
  std::map<core::TimerId, Scheduler::Handle> timers_;
};

}  // namespace parley::sim

#endif  // TESTS_SIM_DEVICE_H_
