#ifndef DAEMON_PLATFORM_SLEEP_MONITOR_H_
#define DAEMON_PLATFORM_SLEEP_MONITOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "daemon/platform/sleep_detector.h"
#include "daemon/runtime/unique_fd.h"

struct sd_bus;

namespace parley::platform {

// Tells when the device has woken up from sleep. Two know of it: logind, if it
// is there, and the clocks, one of which is set at every resume. Nothing runs
// until one of them tells.
//
// Belongs to one thread, which waits for the descriptors and calls Handle.
class SleepMonitor {
 public:
  struct Options {
    std::string bus_address;  // empty: the system's bus
  };

  SleepMonitor(Options options, std::function<void()> on_resumed);
  ~SleepMonitor();

  SleepMonitor(const SleepMonitor&) = delete;
  SleepMonitor& operator=(const SleepMonitor&) = delete;

  // Without a bus, or a timer, it does without; a log line says so.
  void Start();

  // To be waited for until readable; -1: nothing to wait for.
  int timer_fd() const { return timer_.get(); }

  // The same for the bus, for these events of poll, and no longer than until
  // `deadline_us` of CLOCK_MONOTONIC; UINT64_MAX: for ever.
  struct BusWait {
    int fd = -1;
    short events = 0;
    uint64_t deadline_us = UINT64_MAX;
  };
  BusWait bus_wait() const;

  // Does what can be done without waiting.
  void Handle();

 private:
  struct CloseBus {
    void operator()(sd_bus* bus) const;
  };

  // 0 or an errno, negative.
  int OpenBus();
  void LoseBus(absl::string_view problem, int error);
  void ArmTimer();
  void HandleTimer();
  void HandleBus();
  void OnPrepareForSleep(bool begins);

  const Options options_;
  const std::function<void()> on_resumed_;
  std::optional<SleepDetector> detector_;
  runtime::UniqueFd timer_;
  std::unique_ptr<sd_bus, CloseBus> bus_;
};

}  // namespace parley::platform

#endif  // DAEMON_PLATFORM_SLEEP_MONITOR_H_
