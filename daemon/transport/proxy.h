#ifndef DAEMON_TRANSPORT_PROXY_H_
#define DAEMON_TRANSPORT_PROXY_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/base/secret.h"
#include "daemon/transport/url.h"

namespace parley::transport {

// An HTTP proxy that is asked for a tunnel (CONNECT) to the server.
struct HttpProxy {
  std::string host;  // as ServerUrl::host
  uint16_t port = 0;
  base::Secret credentials;  // "user:password"; empty: none

  // "host:port", for people and logs.
  std::string Authority() const { return JoinHostPort(host, port); }
};

// Takes "http://user:password@host:port" or less of it; the port is 80 unless
// given. INVALID_ARGUMENT says what is wrong, and repeats nothing that could be
// a password.
absl::StatusOr<HttpProxy> ParseProxyUrl(absl::string_view text);

// Which servers are reached without the proxy: "*" (all), "example.com" or
// ".example.com" (it and all below it), an IP address, a network as
// "10.0.0.0/8"; each with ":port" for that port alone (an IPv6 address in
// brackets then).
class NoProxyList {
 public:
  // INVALID_ARGUMENT when the entry is none of these.
  absl::Status Add(absl::string_view entry);
  bool Matches(const std::string& host, uint16_t port) const;

 private:
  using Address = std::array<uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d
  struct Rule {
    std::string domain;              // without leading dot; "": not a domain
    std::optional<Address> network;  // none: everything, or a domain
    int prefix_bits = 0;
    uint16_t port = 0;  // 0: any
  };
  static std::optional<Address> ParseAddress(const std::string& text);

  std::vector<Rule> rules_;
};

// How to leave this machine.
struct ProxyRules {
  std::optional<HttpProxy> for_http;   // servers without TLS
  std::optional<HttpProxy> for_https;  // servers with TLS
  NoProxyList no_proxy;

  // Null: directly.
  const HttpProxy* ProxyFor(const ServerUrl& server) const;
};

}  // namespace parley::transport

#endif  // DAEMON_TRANSPORT_PROXY_H_
