#ifndef TESTS_SIM_WORKLOAD_H_
#define TESTS_SIM_WORKLOAD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "daemon/base/rng.h"
#include "daemon/core/api/event.h"
#include "daemon/model/connection.h"
#include "tests/sim/device.h"
#include "tests/sim/watcher.h"

namespace parley::sim {

// The clients of one device: they send, repeat, cancel, retry, join, leave,
// watch and go away, as the seed has it. They know what they asked and were
// told, nothing else; judging is the auditor's part.
class Workload : public DeviceClients {
 public:
  struct Options {
    std::vector<std::string> rooms;
    absl::Duration mean_pause = absl::Milliseconds(700);
    bool marked_messages = false;  // some that the server refuses for good
    int burst = 12;                // the most messages at once
    uint64_t max_messages = 100;   // in all
  };

  Workload(const Options& options, Device* device, const Device::World& world,
           base::Rng rng);

  void Begin();
  void End() { running_ = false; }
  // Goes online again where the last status says that a client went offline.
  void StayConnected();
  // Asks for the status; the answer shows in status() once it is there.
  void AskStatus();

  // No call waits for an answer.
  bool answered() const { return calls_.empty(); }
  const std::optional<model::CoreStatus>& status() const { return status_; }
  // All watchers read on and are compared with the store.
  void CheckWatchers();

  // DeviceClients.
  void OnReply(const core::Reply& reply) override;
  void OnFeedAdvanced() override;
  void OnDown() override;
  void OnUp() override;

 private:
  void Later(absl::Duration delay, void (Workload::*act)());
  void Act();
  void Call(core::CommandBody body);
  void ReadFeeds();

  void SendOne(const std::string& room);
  void SendBurst();
  void SendAgain(bool other_content);
  void CancelOne();
  void RetryOne();
  void ChangeRoom();
  void ResendLost();
  void GiveToken();
  void DisturbWatcher();
  std::string SomeRoom();
  core::SendMessage NewMessage(const std::string& room);

  const Options options_;
  Device* const device_;
  const Device::World world_;
  base::Rng rng_;
  bool running_ = false;
  uint64_t last_call_ = 0;
  uint64_t last_message_ = 0;
  uint64_t last_token_ = 0;
  std::map<core::CallId, core::CommandBody> calls_;
  std::vector<core::SendMessage> sent_;  // all that were ever asked for
  std::vector<core::SendMessage> lost_;  // the daemon went away before it said
  std::vector<std::string> ids_;         // told to clients
  std::vector<std::unique_ptr<Watcher>> watchers_;
  std::optional<model::CoreStatus> status_;
  bool reading_ = false;
};

}  // namespace parley::sim

#endif  // TESTS_SIM_WORKLOAD_H_
