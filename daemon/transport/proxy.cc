#include "daemon/transport/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace parley::transport {
namespace {

constexpr uint16_t kDefaultPort = 80;
// Longer ones fit into no request head that a proxy takes.
constexpr size_t kMaxCredentialBytes = 1024;

absl::Status Wrong(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("no proxy URL such as http://proxy.example:3128: ", what));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// None for a "%" without two hexadecimal digits.
std::optional<std::string> PercentDecode(absl::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

absl::Status ParseCredentials(absl::string_view text, base::Secret* result) {
  const std::optional<std::string> plain = PercentDecode(text);
  if (!plain.has_value()) {
    return Wrong("a '%' in its user name or password must be written %25");
  }
  if (plain->size() > kMaxCredentialBytes) {
    return Wrong("its user name and password are too long");
  }
  *result = base::Secret(
      absl::StrContains(*plain, ':') ? *plain : absl::StrCat(*plain, ":"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HttpProxy> ParseProxyUrl(absl::string_view text) {
  const size_t separator = text.find("://");
  if (separator != absl::string_view::npos) {
    const std::string scheme = absl::AsciiStrToLower(text.substr(0, separator));
    if (absl::StartsWith(scheme, "socks")) {
      return Wrong("SOCKS proxies are not supported, only HTTP proxies");
    }
    if (scheme == "https") {
      return Wrong(
          "TLS to the proxy itself is not supported; it starts with http:// "
          "also when the server has TLS, which goes through the tunnel");
    }
    if (scheme != "http") return Wrong("it must start with http://");
    text.remove_prefix(separator + 3);
  }
  absl::ConsumeSuffix(&text, "/");
  HttpProxy proxy;
  const size_t at = text.rfind('@');
  if (at != absl::string_view::npos) {
    if (absl::Status status =
            ParseCredentials(text.substr(0, at), &proxy.credentials);
        !status.ok()) {
      return status;
    }
    text.remove_prefix(at + 1);
  }
  if (text.find_first_of("/?#") != absl::string_view::npos) {
    return Wrong("nothing can follow the port");
  }
  if (absl::Status status =
          ParseHostPort(text, kDefaultPort, &proxy.host, &proxy.port);
      !status.ok()) {
    return Wrong(status.message());
  }
  return proxy;
}

std::optional<NoProxyList::Address> NoProxyList::ParseAddress(
    const std::string& text) {
  Address address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (inet_pton(AF_INET, text.c_str(), &address[12]) == 1) return address;
  if (inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
  return std::nullopt;
}

absl::Status NoProxyList::Add(absl::string_view entry) {
  absl::Status wrong = absl::InvalidArgumentError(
      "must be a host, a domain, an IP address, a network such as 10.0.0.0/8, "
      "or \"*\"");
  Rule rule;
  if (entry == "*") {
    rules_.push_back(rule);
    return absl::OkStatus();
  }
  const size_t slash = entry.find('/');
  std::string host(entry.substr(0, slash));
  rule.network = ParseAddress(host);
  rule.prefix_bits = 128;
  if (slash != absl::string_view::npos) {
    const bool v4 = host.find(':') == std::string::npos;
    int bits = 0;
    if (!rule.network.has_value() ||
        !absl::SimpleAtoi(entry.substr(slash + 1), &bits) || bits < 0 ||
        bits > (v4 ? 32 : 128)) {
      return wrong;
    }
    rule.prefix_bits = v4 ? 96 + bits : bits;
  } else if (!rule.network.has_value()) {
    absl::ConsumePrefix(&entry, "*");
    absl::ConsumePrefix(&entry, ".");
    if (!ParseHostPort(entry, 0, &host, &rule.port).ok()) return wrong;
    rule.network = ParseAddress(host);
    if (!rule.network.has_value()) rule.domain = host;
  }
  rules_.push_back(std::move(rule));
  return absl::OkStatus();
}

bool NoProxyList::Matches(const std::string& host, uint16_t port) const {
  const std::optional<Address> address = ParseAddress(host);
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    if (rule.port != 0 && rule.port != port) return false;
    if (!rule.domain.empty()) {
      return host == rule.domain ||
             absl::EndsWith(host, absl::StrCat(".", rule.domain));
    }
    if (!rule.network.has_value()) return true;
    if (!address.has_value()) return false;
    for (int bit = 0; bit < rule.prefix_bits; ++bit) {
      const int mask = 0x80 >> (bit % 8);
      const size_t byte = static_cast<size_t>(bit / 8);
      if (((*address)[byte] & mask) != ((*rule.network)[byte] & mask)) {
        return false;
      }
    }
    return true;
  });
}

const HttpProxy* ProxyRules::ProxyFor(const ServerUrl& server) const {
  const std::optional<HttpProxy>& proxy = server.tls ? for_https : for_http;
  if (!proxy.has_value()) return nullptr;
  if (no_proxy.Matches(server.host, server.port)) return nullptr;
  return &*proxy;
}

}  // namespace parley::transport
