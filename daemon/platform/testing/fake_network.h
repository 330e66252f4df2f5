#ifndef DAEMON_PLATFORM_TESTING_FAKE_NETWORK_H_
#define DAEMON_PLATFORM_TESTING_FAKE_NETWORK_H_

#include <optional>
#include <string>

#include "daemon/runtime/unique_fd.h"

namespace parley::platform::testing {

// A network of its own for the calling thread, and for those that it starts
// later: the thread stays in it. It has a loopback, and a cable whose ends are
// the links kNear and kFar, both switched off.
class FakeNetwork {
 public:
  static constexpr char kNear[] = "near";
  static constexpr char kFar[] = "veth0";  // the kernel's name for it
  static constexpr char kBridge[] = "bridge";

  // None where the system does not let us: containers often do not.
  static std::optional<FakeNetwork> Create();

  void SwitchOn(const char* link) { Switch(link, true); }
  void SwitchOff(const char* link) { Switch(link, false); }

  // The bridge kBridge, without ports and switched off.
  void AddBridge();
  // Makes a link a port of the bridge.
  void SetMaster(const char* port, const char* bridge);

  // The link's IPv4 address; "0.0.0.0": none.
  void SetAddress(const std::string& address, const char* link = kNear);
  void SetMtu(int bytes);
  // The default route, by way of the link that has the gateway for a neighbour.
  void AddDefaultRoute(const std::string& gateway);
  void RemoveDefaultRoute(const std::string& gateway);

 private:
  explicit FakeNetwork(runtime::UniqueFd socket) : socket_(std::move(socket)) {}

  void Switch(const char* link, bool on);
  void ChangeDefaultRoute(unsigned long request, const std::string& gateway);

  runtime::UniqueFd socket_;  // any of this network, to make its requests on
};

}  // namespace parley::platform::testing

#endif  // DAEMON_PLATFORM_TESTING_FAKE_NETWORK_H_
