#ifndef DAEMON_TRANSPORT_URL_H_
#define DAEMON_TRANSPORT_URL_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace parley::transport {

// Where a realtime server is. `http://` and `ws://` name the same server, as do
// `https://` and `wss://`.
struct ServerUrl {
  bool tls = false;
  std::string host;  // lower case; an IPv6 address has no brackets
  uint16_t port = 0;
  std::string base_path;  // "" or "/chat": where the server is mounted

  // The one spelling of this server: "https://host:port/base", without the
  // default port. Two URLs name the same server iff these are equal.
  std::string Normalised() const;
  // Of the HTTP request: "host" or "host:port".
  std::string HostHeader() const;
  // "host:port", for people.
  std::string Authority() const;
};

// Takes an absolute URL without user, query and fragment. INVALID_ARGUMENT says
// what is wrong with it and what would be right.
absl::StatusOr<ServerUrl> ParseServerUrl(absl::string_view text);

// Splits "host", "host:port", "[v6]" or "[v6]:port"; the host is brought into
// lower case, an IPv6 address into its canonical form without brackets. The
// message of an error says only what is wrong, not in what.
absl::Status ParseHostPort(absl::string_view text, uint16_t default_port,
                           std::string* host, uint16_t* port);

// An IPv4 or IPv6 address in its text form, without brackets.
bool IsNumericAddress(const std::string& host);

// "127.0.0.1:80", "[::1]:80".
std::string JoinHostPort(absl::string_view host, uint16_t port);

}  // namespace parley::transport

#endif  // DAEMON_TRANSPORT_URL_H_
