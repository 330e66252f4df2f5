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
constexpr uint16_t kHttpsPort = 443;
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

}  // namespace

absl::Status ParseHostPort(absl::string_view text, uint16_t default_port,
                           std::string* host, uint16_t* port) {
  absl::string_view digits;
  bool has_port = false;
  if (absl::ConsumePrefix(&text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) {
      return absl::InvalidArgumentError(
          "the IPv6 address has no closing bracket");
    }
    *host = CanonicalIpv6(std::string(text.substr(0, end)));
    if (host->empty()) {
      return absl::InvalidArgumentError("its IPv6 address is malformed");
    }
    digits = text.substr(end + 1);
    has_port = absl::ConsumePrefix(&digits, ":");
    if (!has_port && !digits.empty()) {
      return absl::InvalidArgumentError(
          "only \":port\" can follow the IPv6 address");
    }
  } else {
    const size_t colon = text.find(':');
    has_port = colon != absl::string_view::npos;
    if (has_port) digits = text.substr(colon + 1);
    const absl::string_view name = text.substr(0, colon);
    if (name.empty()) return absl::InvalidArgumentError("the host is missing");
    if (name.size() > kMaxHostBytes) {
      return absl::InvalidArgumentError("the host is too long");
    }
    for (const char c : name) {
      if (!IsHostByte(c)) {
        return absl::InvalidArgumentError(
            "a host has only letters, digits, '-', '.' and '_'");
      }
    }
    *host = absl::AsciiStrToLower(name);
  }
  *port = default_port;
  if (!has_port) return absl::OkStatus();
  for (const char c : digits) {
    if (!absl::ascii_isdigit(c)) {
      return absl::InvalidArgumentError("the port is no number");
    }
  }
  uint32_t number = 0;
  if (!absl::SimpleAtoi(digits, &number) || number == 0 || number > 65535) {
    return absl::InvalidArgumentError("the port must be 1 to 65535");
  }
  *port = static_cast<uint16_t>(number);
  return absl::OkStatus();
}

bool IsNumericAddress(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

std::string JoinHostPort(absl::string_view host, uint16_t port) {
  if (IsIpv6(host)) return absl::StrCat("[", host, "]:", port);
  return absl::StrCat(host, ":", port);
}

std::string ServerUrl::HostHeader() const {
  if (port != (tls ? kHttpsPort : kHttpPort)) return JoinHostPort(host, port);
  return IsIpv6(host) ? absl::StrCat("[", host, "]") : host;
}

std::string ServerUrl::Authority() const { return JoinHostPort(host, port); }

std::string ServerUrl::Normalised() const {
  return absl::StrCat(tls ? "https://" : "http://", HostHeader(), base_path);
}

absl::StatusOr<ServerUrl> ParseServerUrl(absl::string_view text) {
  constexpr char kSchemes[] =
      "it must start with https://, wss://, http:// or ws://";
  const size_t separator = text.find("://");
  if (separator == absl::string_view::npos) return Wrong(text, kSchemes);
  const std::string scheme = absl::AsciiStrToLower(text.substr(0, separator));
  ServerUrl result;
  if (scheme == "https" || scheme == "wss") {
    result.tls = true;
  } else if (scheme != "http" && scheme != "ws") {
    return Wrong(text, kSchemes);
  }
  const absl::string_view rest = text.substr(separator + 3);
  if (rest.find_first_of("?#") != absl::string_view::npos) {
    return Wrong(text, "it must have no query and no fragment");
  }
  const size_t slash = rest.find('/');
  const absl::string_view authority = rest.substr(0, slash);
  if (absl::StrContains(authority, '@')) {
    return Wrong(text, "a user name or password does not belong in it");
  }
  if (absl::Status status =
          ParseHostPort(authority, result.tls ? kHttpsPort : kHttpPort,
                        &result.host, &result.port);
      !status.ok()) {
    return Wrong(text, status.message());
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
