#include "daemon/app/local_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/match.h"
#include "daemon/transport/url.h"

namespace parley::app {

bool IsLocalServer(const std::string& url) {
  const auto server = transport::ParseServerUrl(url);
  if (!server.ok()) return false;
  in_addr v4 = {};
  if (::inet_pton(AF_INET, server->host.c_str(), &v4) == 1) {
    return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  in6_addr v6 = {};
  if (::inet_pton(AF_INET6, server->host.c_str(), &v6) == 1) {
    return IN6_IS_ADDR_LOOPBACK(&v6);
  }
  // RFC 6761 keeps these names for it.
  return server->host == "localhost" ||
         absl::EndsWith(server->host, ".localhost");
}

}  // namespace parley::app
