#ifndef DAEMON_TRANSPORT_TESTING_TUNNEL_H_
#define DAEMON_TRANSPORT_TESTING_TUNNEL_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace parley::transport::testing {

// A connection to 127.0.0.1, or -1.
int ConnectToLoopback(uint16_t port);

// Blocks until all is written; false once the peer is gone.
bool SendAll(int fd, absl::string_view bytes);

// Passes on what comes from either to the other, until one closes.
void Shuttle(int a, int b);

}  // namespace parley::transport::testing

#endif  // DAEMON_TRANSPORT_TESTING_TUNNEL_H_
