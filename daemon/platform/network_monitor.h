#ifndef DAEMON_PLATFORM_NETWORK_MONITOR_H_
#define DAEMON_PLATFORM_NETWORK_MONITOR_H_

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "daemon/platform/network_picture.h"
#include "daemon/runtime/unique_fd.h"

namespace parley::platform {

// Tells when the device gets out in another way than before, from the kernel's
// messages about links, addresses and routes.
//
//                  Start
//                    v
//      +--------> LISTING    all is asked for, into a new picture
//      |             | the list is whole: told, if the ways are new
//      |             v
//      |          WATCHING   messages mend the picture
//      |             | the ways are others, or messages were lost
//  the time          v
//  is over  <---- SETTLING   more of that begins the time anew, within bounds
//
//   any state --- the kernel refuses ---> OFF: online, for all that is known
//
// A network that changes does so in many steps, and not each of them is told
// (routes go with their link in silence): hence the wait, and the new list.
// While nothing changes nothing runs.
//
// Belongs to one thread, which waits for the descriptors and calls Handle.
class NetworkMonitor {
 public:
  struct Options {
    // Of quiet, before a change is looked at.
    absl::Duration settle = absl::Milliseconds(200);
    // A network that is never quiet is looked at after this all the same.
    absl::Duration max_settle = absl::Seconds(2);
    // Of the kernel's messages that wait for us; 0: the system's choice.
    int receive_buffer_bytes = 0;
  };
  // Whether there is a way out beside loopback.
  using OnChange = std::function<void(bool online)>;

  NetworkMonitor(const Options& options, OnChange on_change);

  NetworkMonitor(const NetworkMonitor&) = delete;
  NetworkMonitor& operator=(const NetworkMonitor&) = delete;

  // Tells once in any case: here, or after a few calls of Handle.
  void Start();

  // To be waited for until readable; -1: nothing to wait for.
  int socket_fd() const { return socket_.get(); }
  int timer_fd() const { return timer_.get(); }

  // Does what can be done without waiting.
  void Handle();

 private:
  enum class State { kOff, kListing, kWatching, kSettling };

  // Of a picture: online, and its ways.
  using Outlook = std::pair<bool, std::string>;

  bool Open();
  void TurnOff(const std::string& problem);
  void StartList();
  // Asks for all links, addresses or routes; one question at a time.
  void Ask();
  void HandleTimer();
  void HandleSocket();
  void HandleDatagram(const char* data, size_t size);
  void HandleListEnd(const nlmsghdr& message);
  void FinishList();
  void Settle();

  const Options options_;
  const OnChange on_change_;
  runtime::UniqueFd socket_;
  runtime::UniqueFd timer_;
  State state_ = State::kOff;
  NetworkPicture picture_;
  size_t question_ = 0;    // of the list
  uint32_t sequence_ = 0;  // of the question
  uint32_t port_ = 0;      // the socket's address
  bool list_broken_ = false;
  Outlook watched_;  // while WATCHING: the picture's
  std::optional<Outlook> told_;
  absl::Time settle_by_;
  bool said_truncated_ = false;
};

}  // namespace parley::platform

#endif  // DAEMON_PLATFORM_NETWORK_MONITOR_H_
