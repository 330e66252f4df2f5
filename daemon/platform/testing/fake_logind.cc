#include "daemon/platform/testing/fake_logind.h"

#include <signal.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace parley::platform::testing {
namespace {

// Where a bus listens, and its process.
struct Bus {
  std::string address;
  pid_t pid = -1;
};

// Runs a bus; returns once it listens.
Bus StartBus() {
  Bus bus;
  int ready[2];
  if (pipe(ready) != 0) return bus;
  bus.pid = fork();
  if (bus.pid == 0) {
    const std::string print = absl::StrCat("--print-address=", ready[1]);
    close(ready[0]);
    execlp("dbus-daemon", "dbus-daemon", "--session", "--nofork", "--nopidfile",
           "--address=unix:tmpdir=/tmp", print.c_str(), nullptr);
    _exit(127);
  }
  close(ready[1]);
  char byte;
  while (read(ready[0], &byte, 1) == 1 && byte != '\n') {
    bus.address.push_back(byte);
  }
  close(ready[0]);
  EXPECT_NE(bus.address, "")
      << "dbus-daemon does not run; the package dbus-daemon has it";
  return bus;
}

void EmitSleep(sd_bus* bus, bool begins) {
  EXPECT_GE(sd_bus_emit_signal(bus, "/org/freedesktop/login1",
                               "org.freedesktop.login1.Manager",
                               "PrepareForSleep", "b", begins ? 1 : 0),
            0);
  EXPECT_GE(sd_bus_flush(bus), 0);
}

}  // namespace

FakeLogind::FakeLogind() {
  Bus bus = StartBus();
  address_ = std::move(bus.address);
  bus_pid_ = bus.pid;
  logind_ = Connect();
  EXPECT_GE(sd_bus_request_name(logind_, "org.freedesktop.login1", 0), 0);
}

FakeLogind::~FakeLogind() {
  sd_bus_close_unref(logind_);
  KillBus();
}

sd_bus* FakeLogind::Connect() const {
  sd_bus* bus = nullptr;
  EXPECT_GE(sd_bus_new(&bus), 0);
  EXPECT_GE(sd_bus_set_address(bus, address_.c_str()), 0);
  EXPECT_GE(sd_bus_set_bus_client(bus, 1), 0);
  EXPECT_GE(sd_bus_start(bus), 0);
  return bus;
}

void FakeLogind::SignalSleep(bool begins) { EmitSleep(logind_, begins); }

void FakeLogind::SignalSleepAsSomebodyElse(bool begins) {
  sd_bus* const bus = Connect();
  EmitSleep(bus, begins);
  // The bus answers in order.
  EXPECT_GE(sd_bus_request_name(bus, "org.example.impostor", 0), 0);
  sd_bus_close_unref(bus);
}

void FakeLogind::KillBus() {
  if (bus_pid_ <= 0) return;
  kill(bus_pid_, SIGTERM);
  waitpid(bus_pid_, nullptr, 0);
  bus_pid_ = -1;
}

}  // namespace parley::platform::testing
