#ifndef DAEMON_PLATFORM_TESTING_FAKE_LOGIND_H_
#define DAEMON_PLATFORM_TESTING_FAKE_LOGIND_H_

#include <sys/types.h>

#include <string>

struct sd_bus;

namespace parley::platform::testing {

// A message bus of its own, as a process, and the logind on it, in this one.
//
//   UP --- KillBus ---> DOWN
class FakeLogind {
 public:
  // Fails the test when there is no dbus-daemon.
  FakeLogind();
  ~FakeLogind();

  FakeLogind(const FakeLogind&) = delete;
  FakeLogind& operator=(const FakeLogind&) = delete;

  const std::string& bus_address() const { return address_; }

  // Tells all who listen, before a sleep with true and after it with false.
  void SignalSleep(bool begins);
  // The same from somebody who is not logind; returns once the bus has it.
  void SignalSleepAsSomebodyElse(bool begins);

  void KillBus();

 private:
  sd_bus* Connect() const;

  std::string address_;
  pid_t bus_pid_ = -1;
  sd_bus* logind_ = nullptr;
};

}  // namespace parley::platform::testing

#endif  // DAEMON_PLATFORM_TESTING_FAKE_LOGIND_H_
