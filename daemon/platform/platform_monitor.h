#ifndef DAEMON_PLATFORM_PLATFORM_MONITOR_H_
#define DAEMON_PLATFORM_PLATFORM_MONITOR_H_

#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "daemon/platform/network_monitor.h"
#include "daemon/platform/sleep_monitor.h"
#include "daemon/runtime/ports.h"
#include "daemon/runtime/unique_fd.h"

namespace parley::platform {

// What the operating system has to tell, as events for the core:
// NetworkChanged, first at the start and then at each change, and
// SystemResumed. What the system does not offer is done without.
//
// One thread of its own, "parley-platform", which sleeps until something is to
// be told: no timer ticks.
class PlatformMonitor {
 public:
  struct Options {
    NetworkMonitor::Options network;
    SleepMonitor::Options sleep;
  };

  // Begins at once. `sink` must outlive the monitor.
  static absl::StatusOr<std::unique_ptr<PlatformMonitor>> Start(
      const Options& options, runtime::EventSink* sink);
  ~PlatformMonitor() { Stop(); }

  PlatformMonitor(const PlatformMonitor&) = delete;
  PlatformMonitor& operator=(const PlatformMonitor&) = delete;

  // Nothing is posted afterwards. A sink that is full must have stopped
  // before, or be emptied. A second call does nothing.
  void Stop();

 private:
  PlatformMonitor(const Options& options, runtime::EventSink* sink,
                  runtime::UniqueFd stop);

  void Run();
  // False: the end was asked for.
  bool Wait() const;

  const runtime::UniqueFd stop_;
  NetworkMonitor network_;  // of the thread
  SleepMonitor sleep_;      // of the thread
  std::thread thread_;
};

}  // namespace parley::platform

#endif  // DAEMON_PLATFORM_PLATFORM_MONITOR_H_
