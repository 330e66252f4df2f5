#include "daemon/transport/testing/connect_proxy.h"

#include <unistd.h>

#include "daemon/transport/testing/tunnel.h"

namespace parley::transport::testing {

ConnectProxy::ConnectProxy(uint16_t target, const std::string& answer,
                           bool byte_by_byte)
    : target_(target), answer_(answer), byte_by_byte_(byte_by_byte) {
  listener_ = std::make_unique<ScriptedPeer>(
      [this](PeerConnection* connection) { Serve(connection); });
}

std::vector<std::string> ConnectProxy::requests() const {
  base::MutexLock lock(&mutex_);
  return requests_;
}

void ConnectProxy::Serve(PeerConnection* connection) {
  const std::string request = connection->ReadUntil("\r\n\r\n");
  {
    base::MutexLock lock(&mutex_);
    requests_.push_back(request);
  }
  const int backend = target_ == 0 ? -1 : ConnectToLoopback(target_);
  byte_by_byte_ ? connection->SendByteByByte(answer_)
                : connection->Send(answer_);
  if (backend < 0) return;
  Shuttle(connection->descriptor(), backend);
  close(backend);
}

}  // namespace parley::transport::testing
