#include "daemon/platform/platform_monitor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "daemon/base/check.h"
#include "daemon/core/api/event.h"

namespace parley::platform {
namespace {

// For ppoll, until this time of CLOCK_MONOTONIC.
timespec TimeUntil(uint64_t deadline_us) {
  timespec now = {};
  PARLEY_CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  const absl::Duration left =
      absl::Microseconds(deadline_us) - absl::DurationFromTimespec(now);
  return absl::ToTimespec(std::max(left, absl::ZeroDuration()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<PlatformMonitor>> PlatformMonitor::Start(
    const Options& options, runtime::EventSink* sink) {
  runtime::UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "cannot make an event descriptor: ", std::strerror(errno)));
  }
  return std::unique_ptr<PlatformMonitor>(
      new PlatformMonitor(options, sink, std::move(stop)));
}

PlatformMonitor::PlatformMonitor(const Options& options,
                                 runtime::EventSink* sink,
                                 runtime::UniqueFd stop)
    : stop_(std::move(stop)),
      network_(
          options.network,
          [sink](bool online) { sink->Post(core::NetworkChanged{online}); }),
      sleep_(options.sleep, [sink] { sink->Post(core::SystemResumed{}); }),
      thread_([this] {
        pthread_setname_np(pthread_self(), "parley-platform");
        Run();
      }) {}

void PlatformMonitor::Stop() {
  const uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof(one));
  if (thread_.joinable()) thread_.join();
}

void PlatformMonitor::Run() {
  network_.Start();
  sleep_.Start();
  // Once without a wait: a bus that was opened has something to do already.
  do {
    network_.Handle();
    sleep_.Handle();
  } while (Wait());
}

bool PlatformMonitor::Wait() const {
  const SleepMonitor::BusWait bus = sleep_.bus_wait();
  // A descriptor below 0 is passed over.
  pollfd events[] = {{stop_.get(), POLLIN, 0},
                     {network_.socket_fd(), POLLIN, 0},
                     {network_.timer_fd(), POLLIN, 0},
                     {sleep_.timer_fd(), POLLIN, 0},
                     {bus.fd, bus.events, 0}};
  timespec left = {};
  const bool bounded = bus.deadline_us != UINT64_MAX;
  if (bounded) left = TimeUntil(bus.deadline_us);
  const int ready =
      ::ppoll(events, std::size(events), bounded ? &left : nullptr, nullptr);
  // What else could fail is our own mistake, and would spin.
  PARLEY_CHECK(ready >= 0 || errno == EINTR || errno == ENOMEM);
  return (events[0].revents & POLLIN) == 0;
}

}  // namespace parley::platform
