#include "daemon/transport/testing/tunnel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace parley::transport::testing {

int ConnectToLoopback(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) ==
      0) {
    return fd;
  }
  close(fd);
  return -1;
}

bool SendAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void Shuttle(int a, int b) {
  char chunk[16384];
  pollfd pollers[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
  while (poll(pollers, 2, -1) > 0) {
    for (int i = 0; i < 2; ++i) {
      if (pollers[i].revents == 0) continue;
      const ssize_t size = recv(pollers[i].fd, chunk, sizeof(chunk), 0);
      if (size <= 0) return;
      if (!SendAll(pollers[1 - i].fd, {chunk, static_cast<size_t>(size)})) {
        return;
      }
    }
  }
}

}  // namespace parley::transport::testing
