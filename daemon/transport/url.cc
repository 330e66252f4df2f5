#include "daemon/transport/url.h"

#include <arpa/inet.h>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace parley::transport {
namespace {

constexpr uint16_t kHttpPort = 80;
// Of a DNS name in its text form.
constexpr size_t kMaxHostBytes = 253;
// Long enough for any mount point, short enough for any server.
constexpr size_t kMaxPathBytes = 1024;

absl::Status Wrong(absl::string_view url, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", absl::CHexEscape(url), "\" is no server URL: ", what));
}

bool IsIpv6(absl::string_view host) {
  return host.find(':') != absl::string_view::npos;
}

bool IsHostByte(char c) {
  return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
}

// What RFC 3986 lets stand in a path, unescaped or as "%41".
bool IsPathByte(char c) {
  return absl::ascii_isalnum(c) || absl::StrContains("-._~!$&'()*+,;=:@/%", c);
}

// The address in its one canonical form, or "" if it is none.
std::string CanonicalIpv6(const std::string& text) {
  in6_addr address;
  if (inet_pton(AF_INET6, text.c_str(), &address) != 1) return "";
  char canonical[INET6_ADDRSTRLEN];
  if (inet_ntop(AF_INET6, &address, canonical, sizeof(canonical)) == nullptr) {
    return "";
  }
  return canonical;
}

// Splits "host", "host:port", "[v6]" or "[v6]:port".
absl::Status ParseAuthority(absl::string_view url, absl::string_view authority,
                            ServerUrl* result) {
  if (absl::StrContains(authority, '@')) {
    return Wrong(url, "a user name or password does not belong in it");
  }
  absl::string_view port;
  bool has_port = false;
  if (absl::ConsumePrefix(&authority, "[")) {
    const size_t end = authority.find(']');
    if (end == absl::string_view::npos) {
      return Wrong(url, "the IPv6 address has no closing bracket");
    }
    result->host = CanonicalIpv6(std::string(authority.substr(0, end)));
    if (result->host.empty())
      return Wrong(url, "its IPv6 address is malformed");
    port = authority.substr(end + 1);
    has_port = absl::ConsumePrefix(&port, ":");
    if (!has_port && !port.empty()) {
      return Wrong(url, "only \":port\" can follow the IPv6 address");
    }
  } else {
    const size_t colon = authority.find(':');
    has_port = colon != absl::string_view::npos;
    if (has_port) port = authority.substr(colon + 1);
    const absl::string_view host = authority.substr(0, colon);
    if (host.empty()) return Wrong(url, "the host is missing");
    if (host.size() > kMaxHostBytes) return Wrong(url, "the host is too long");
    for (const char c : host) {
      if (!IsHostByte(c)) {
        return Wrong(url, "a host has only letters, digits, '-', '.' and '_'");
      }
    }
    result->host = absl::AsciiStrToLower(host);
  }
  result->port = kHttpPort;
  if (!has_port) return absl::OkStatus();
  uint32_t number = 0;
  for (const char c : port) {
    if (!absl::ascii_isdigit(c)) return Wrong(url, "the port is no number");
  }
  if (!absl::SimpleAtoi(port, &number) || number == 0 || number > 65535) {
    return Wrong(url, "the port must be 1 to 65535");
  }
  result->port = static_cast<uint16_t>(number);
  return absl::OkStatus();
}

}  // namespace

std::string JoinHostPort(absl::string_view host, uint16_t port) {
  if (IsIpv6(host)) return absl::StrCat("[", host, "]:", port);
  return absl::StrCat(host, ":", port);
}

std::string ServerUrl::HostHeader() const {
  if (port != kHttpPort) return JoinHostPort(host, port);
  return IsIpv6(host) ? absl::StrCat("[", host, "]") : host;
}

std::string ServerUrl::Authority() const { return JoinHostPort(host, port); }

std::string ServerUrl::Normalised() const {
  return absl::StrCat("http://", HostHeader(), base_path);
}

absl::StatusOr<ServerUrl> ParseServerUrl(absl::string_view text) {
  const size_t separator = text.find("://");
  if (separator == absl::string_view::npos) {
    return Wrong(text, "it must start with http:// or ws://");
  }
  const std::string scheme = absl::AsciiStrToLower(text.substr(0, separator));
  if (scheme == "https" || scheme == "wss") {
    return Wrong(text, "TLS is not supported; use http:// or ws://");
  }
  if (scheme != "http" && scheme != "ws") {
    return Wrong(text, "it must start with http:// or ws://");
  }
  const absl::string_view rest = text.substr(separator + 3);
  if (rest.find_first_of("?#") != absl::string_view::npos) {
    return Wrong(text, "it must have no query and no fragment");
  }
  const size_t slash = rest.find('/');
  ServerUrl result;
  if (absl::Status status =
          ParseAuthority(text, rest.substr(0, slash), &result);
      !status.ok()) {
    return status;
  }
  if (slash == absl::string_view::npos) return result;
  absl::string_view path = rest.substr(slash);
  while (absl::ConsumeSuffix(&path, "/")) {
  }
  if (path.size() > kMaxPathBytes) return Wrong(text, "its path is too long");
  for (const char c : path) {
    if (!IsPathByte(c)) {
      return Wrong(text, "its path has a byte that must be %-escaped");
    }
  }
  result.base_path = std::string(path);
  return result;
}

}  // namespace parley::transport
