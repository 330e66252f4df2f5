#include "daemon/platform/sleep_monitor.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include <cstring>
#include <limits>
#include <utility>

#include "daemon/base/check.h"
#include "daemon/base/logging.h"

namespace parley::platform {
namespace {

namespace logging = base::logging;

constexpr char kLogindName[] = "org.freedesktop.login1";
constexpr char kLogindPath[] = "/org/freedesktop/login1";
constexpr char kLogindManager[] = "org.freedesktop.login1.Manager";

absl::Duration ReadClock(clockid_t clock) {
  timespec now = {};
  PARLEY_CHECK(clock_gettime(clock, &now) == 0);
  return absl::DurationFromTimespec(now);
}

ClockPair ReadClocks() {
  ClockPair now;
  now.monotonic = ReadClock(CLOCK_MONOTONIC);
  now.boot = ReadClock(CLOCK_BOOTTIME);
  return now;
}

}  // namespace

SleepMonitor::SleepMonitor(Options options, std::function<void()> on_resumed)
    : options_(std::move(options)), on_resumed_(std::move(on_resumed)) {}

SleepMonitor::~SleepMonitor() = default;

void SleepMonitor::CloseBus::operator()(sd_bus* bus) const {
  sd_bus_close_unref(bus);
}

void SleepMonitor::Start() {
  detector_.emplace(ReadClocks());
  timer_.reset(::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  if (timer_.valid()) {
    ArmTimer();
  } else {
    logging::Warning("the clocks do not tell when this device wakes up",
                     {{"problem", std::strerror(errno)}});
  }
  if (const int error = OpenBus(); error < 0) {
    LoseBus("logind does not tell when this device wakes up", error);
  }
}

int SleepMonitor::OpenBus() {
  sd_bus* bus = nullptr;
  if (options_.bus_address.empty()) {
    if (const int error = sd_bus_open_system(&bus); error < 0) return error;
    bus_.reset(bus);
  } else {
    if (const int error = sd_bus_new(&bus); error < 0) return error;
    bus_.reset(bus);
    int error = sd_bus_set_address(bus, options_.bus_address.c_str());
    if (error >= 0) error = sd_bus_set_bus_client(bus, 1);
    if (error >= 0) error = sd_bus_start(bus);
    if (error < 0) return error;
  }
  const sd_bus_message_handler_t on_signal = [](sd_bus_message* message,
                                                void* self, sd_bus_error*) {
    int begins = 0;
    if (sd_bus_message_read(message, "b", &begins) >= 0) {
      static_cast<SleepMonitor*>(self)->OnPrepareForSleep(begins != 0);
    }
    return 0;
  };
  // Only from logind itself: the bus knows who that is.
  return sd_bus_match_signal_async(bus, nullptr, kLogindName, kLogindPath,
                                   kLogindManager, "PrepareForSleep", on_signal,
                                   nullptr, this);
}

SleepMonitor::BusWait SleepMonitor::bus_wait() const {
  BusWait wait;
  if (bus_ == nullptr) return wait;
  wait.fd = sd_bus_get_fd(bus_.get());
  const int events = sd_bus_get_events(bus_.get());
  wait.events = static_cast<short>(events < 0 ? 0 : events);
  if (sd_bus_get_timeout(bus_.get(), &wait.deadline_us) < 0) {
    wait.deadline_us = UINT64_MAX;
  }
  return wait;
}

void SleepMonitor::Handle() {
  HandleTimer();
  HandleBus();
}

// The time never comes; what is wanted is that the timer is cancelled when
// somebody sets the clock, as the kernel does at a resume.
void SleepMonitor::ArmTimer() {
  itimerspec never = {};
  never.it_value.tv_sec = std::numeric_limits<time_t>::max();
  // ECANCELED: the clock was set between the last look and this one, which
  // the next look at the clocks covers.
  if (::timerfd_settime(timer_.get(),
                        TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
                        nullptr) != 0 &&
      errno != ECANCELED) {
    logging::Warning("the clocks do not tell when this device wakes up",
                     {{"problem", std::strerror(errno)}});
    timer_.reset();
  }
}

void SleepMonitor::HandleTimer() {
  if (!timer_.valid()) return;
  uint64_t expirations;
  if (::read(timer_.get(), &expirations, sizeof(expirations)) < 0 &&
      errno != ECANCELED) {
    return;
  }
  ArmTimer();
  if (detector_->OnClockSet(ReadClocks())) on_resumed_();
}

void SleepMonitor::HandleBus() {
  int more = 1;
  while (bus_ != nullptr && more > 0) {
    more = sd_bus_process(bus_.get(), nullptr);
    if (more < 0) LoseBus("the bus of logind has gone", more);
  }
}

// Whoever lives without a bus does not get one later, and a bus that goes
// takes the session along: there is nothing to try again for.
void SleepMonitor::LoseBus(absl::string_view problem, int error) {
  logging::Info("only the clocks tell when this device wakes up",
                {{"problem", problem}, {"error", std::strerror(-error)}});
  bus_.reset();
}

// True before a sleep, false after it.
void SleepMonitor::OnPrepareForSleep(bool begins) {
  if (!begins && detector_->OnResumeSignal(ReadClocks())) on_resumed_();
}

}  // namespace parley::platform
