#ifndef DAEMON_TRANSPORT_TESTING_CONNECT_PROXY_H_
#define DAEMON_TRANSPORT_TESTING_CONNECT_PROXY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/base/mutex.h"
#include "daemon/transport/testing/scripted_peer.h"

namespace parley::transport::testing {

// An HTTP proxy that answers every CONNECT alike, and then is a tunnel to one
// port of 127.0.0.1, whatever was asked for; to port 0: closes.
class ConnectProxy {
 public:
  explicit ConnectProxy(
      uint16_t target,
      const std::string& answer =
          "HTTP/1.1 200 Connection established\r\nProxy-Agent: test\r\n\r\n",
      bool byte_by_byte = false);

  uint16_t port() const { return listener_->port(); }
  int accepted() const { return listener_->accepted(); }
  std::vector<std::string> requests() const;

 private:
  void Serve(PeerConnection* connection);

  const uint16_t target_;
  const std::string answer_;
  const bool byte_by_byte_;
  mutable base::Mutex mutex_;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ScriptedPeer> listener_;  // last: its scripts use the rest
};

}  // namespace parley::transport::testing

#endif  // DAEMON_TRANSPORT_TESTING_CONNECT_PROXY_H_
