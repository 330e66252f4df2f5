#ifndef TESTS_INTEGRATION_POWER_LOSS_DEVICE_H_
#define TESTS_INTEGRATION_POWER_LOSS_DEVICE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/base/rng.h"
#include "daemon/core/api/effect.h"
#include "daemon/core/api/event.h"
#include "daemon/core/step_executor.h"
#include "daemon/runtime/engine_host.h"
#include "daemon/storage/rocksdb/fault_file_system.h"
#include "daemon/storage/rocksdb/rocksdb_store.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/sim_network.h"

namespace parley::integration {

// What the clients of a device learn. Called while the engine runs: they act
// later.
class DeviceClients {
 public:
  virtual ~DeviceClients() = default;
  virtual void OnReply(const core::Reply& reply) = 0;
  // The store was opened; the engine is not yet built.
  virtual void OnStoreOpened(const storage::StoreReader& store) = 0;
  // Calls that were not answered never will be.
  virtual void OnPowerLost() = 0;
};

// A daemon in virtual time on a real store: the engine over RocksDB over a file
// system that loses what was not synced. Commits take a little time, as on a
// thread of their own, so that events pile up behind them.
//
//   DOWN --Start--> UP --the file system crashes--> DOWN --a moment later--> UP
class PowerLossDevice : public core::EffectSink,
                        public runtime::StorePort,
                        public sim::LinkOwner {
 public:
  struct Options {
    std::string user;
    std::string server_url = "ws://sim.invalid";
    std::string store_directory;
    std::shared_ptr<storage::FaultFileSystem> file_system;
    // What is left of bytes that were not synced.
    storage::FaultFileSystem::Tail tail = storage::FaultFileSystem::Tail::kDrop;
    // When power is lost: so many write points after the start, and again so
    // many after each loss.
    std::vector<uint64_t> power_losses;
  };

  // All must outlive the device.
  PowerLossDevice(const Options& options, sim::Scheduler* scheduler,
                  sim::SimNetwork* network, DeviceClients* clients);
  ~PowerLossDevice() override;

  void Start();
  bool up() const { return host_ != nullptr; }
  // Everything told so far is on the disk.
  bool idle() const { return up() && host_->idle(); }
  const storage::StoreReader& store() const { return *store_; }
  // How often power was lost so far.
  size_t power_losses() const { return power_losses_; }

  // A client's call. Only while it is up.
  void Call(core::Command command) { Handle(std::move(command)); }

  // core::EffectSink.
  void Perform(core::EffectBody effect) override;
  // runtime::StorePort.
  const storage::StoreReader& reader() const override { return *store_; }
  void Submit(core::CommitRequest request) override;
  void Recover() override;
  // sim::LinkOwner.
  void OnLinkEvent(core::Event event) override;

 private:
  absl::Status OpenStore();
  void Handle(core::Event event);
  void Commit(const core::CommitRequest& request);
  // Runs `action` later, unless the process has ended by then.
  void Later(absl::Duration delay, std::function<void()> action);
  void ArmNextPowerLoss();
  // True, and all is down, when the file system has crashed.
  bool DiedOfPowerLoss();
  void CloseLink();

  void Do(core::Reply& reply);
  void Do(core::OpenConnection& open);
  void Do(core::SendFrame& frame);
  void Do(core::CloseConnection& close);
  void Do(core::FetchCredentials& fetch);
  void Do(core::SetTimer& set);
  void Do(core::CancelTimer& cancel);
  void Do(core::EngineRebuilt& rebuilt);
  void Do(core::KeepCredentials&) {}
  void Do(core::FeedAdvanced&) {}
  void Do(core::StatusChanged&) {}
  void Do(core::Log&) {}

  const Options options_;
  sim::Scheduler* const scheduler_;
  sim::SimNetwork* const network_;
  DeviceClients* const clients_;
  size_t power_losses_ = 0;

  // Of the process that runs.
  uint64_t process_ = 0;
  std::unique_ptr<storage::RocksDbStore> store_;
  std::unique_ptr<runtime::EngineHost> host_;
  core::ConnectionId connection_;
  sim::LinkId link_ = 0;
  std::map<core::TimerId, sim::Scheduler::Handle> timers_;
};

}  // namespace parley::integration

#endif  // TESTS_INTEGRATION_POWER_LOSS_DEVICE_H_
