#include "daemon/transport/proxy.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::transport {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ProxyUrlTest, KnowsItsParts) {
  const absl::StatusOr<HttpProxy> proxy =
      ParseProxyUrl("http://al%40ice:p%3Ass@Proxy.Example:3128/");
  ASSERT_TRUE(proxy.ok()) << proxy.status();
  EXPECT_EQ(proxy->Authority(), "proxy.example:3128");
  EXPECT_EQ(proxy->credentials.Reveal(), "al@ice:p:ss");
  EXPECT_EQ(ParseProxyUrl("proxy:3128")->Authority(), "proxy:3128");
  EXPECT_EQ(ParseProxyUrl("HTTP://proxy")->Authority(), "proxy:80");
  EXPECT_TRUE(ParseProxyUrl("proxy")->credentials.empty());
  EXPECT_EQ(ParseProxyUrl("http://alice@proxy")->credentials.Reveal(),
            "alice:");
  EXPECT_EQ(ParseProxyUrl("http://[::1]:8080")->Authority(), "[::1]:8080");
}

TEST(ProxyUrlTest, SaysWhatIsWrongAndRepeatsNoPassword) {
  constexpr struct {
    const char* text;
    const char* problem;
  } kCases[] = {
      {"", "the host is missing"},
      {"socks5://u:secret@proxy:1080", "SOCKS proxies are not supported"},
      {"SOCKS5h://proxy", "SOCKS proxies are not supported"},
      {"https://u:secret@proxy", "TLS to the proxy itself is not supported"},
      {"ftp://u:secret@proxy", "must start with http://"},
      {"http://u:secret@proxy:0", "the port must be 1 to 65535"},
      {"http://u:secret@proxy:x", "the port is no number"},
      {"http://u:secret@", "the host is missing"},
      {"http://u:secret@proxy/path", "nothing can follow the port"},
      {"http://u:secret%@proxy", "must be written %25"},
      {"http://u:secret%4@proxy", "must be written %25"},
      {"http://u:secret%xx@proxy", "must be written %25"},
  };
  for (const auto& test : kCases) {
    const absl::StatusOr<HttpProxy> proxy = ParseProxyUrl(test.text);
    ASSERT_FALSE(proxy.ok()) << test.text;
    EXPECT_THAT(std::string(proxy.status().message()),
                AllOf(HasSubstr(test.problem), Not(HasSubstr("secret"))))
        << test.text;
  }
}

TEST(ProxyUrlTest, LimitsCredentials) {
  EXPECT_TRUE(
      ParseProxyUrl("http://" + std::string(1022, 'u') + ":p@proxy").ok());
  EXPECT_FALSE(
      ParseProxyUrl("http://" + std::string(1023, 'u') + ":p@proxy").ok());
}

TEST(NoProxyListTest, MatchesWhatItNames) {
  constexpr struct {
    const char* entry;
    const char* host;
    uint16_t port;
    bool matches;
  } kCases[] = {
      {"*", "chat.example", 80, true},
      {"example.com", "example.com", 80, true},
      {"Example.COM", "chat.example.com", 80, true},
      {".example.com", "example.com", 80, true},
      {"*.example.com", "chat.example.com", 80, true},
      {"example.com", "badexample.com", 80, false},
      {"example.com", "example.com.evil", 80, false},
      {"example.com:443", "example.com", 443, true},
      {"example.com:443", "example.com", 80, false},
      {"127.0.0.1", "127.0.0.1", 80, true},
      {"127.0.0.1", "127.0.0.2", 80, false},
      {"127.0.0.1:81", "127.0.0.1", 80, false},
      {"10.0.0.0/8", "10.1.2.3", 80, true},
      {"10.0.0.0/8", "11.0.0.0", 80, false},
      {"10.0.0.0/8", "chat.example", 80, false},
      {"0.0.0.0/0", "1.2.3.4", 80, true},
      {"0.0.0.0/0", "::1", 80, false},
      {"10.1.2.3/32", "10.1.2.3", 80, true},
      {"10.1.2.3/31", "10.1.2.4", 80, false},
      {"::1", "::1", 80, true},
      {"[::1]", "::1", 80, true},
      {"[::1]:80", "::1", 81, false},
      {"fd00::/8", "fd12::1", 80, true},
      {"fd00::/8", "fe80::1", 80, false},
  };
  for (const auto& test : kCases) {
    NoProxyList list;
    ASSERT_TRUE(list.Add(test.entry).ok()) << test.entry;
    EXPECT_EQ(list.Matches(test.host, test.port), test.matches)
        << test.entry << " and " << test.host << ":" << test.port;
  }
  EXPECT_FALSE(NoProxyList().Matches("chat.example", 80));
}

TEST(NoProxyListTest, RefusesWhatItDoesNotUnderstand) {
  for (const char* entry :
       {"", ".", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "::/129",
        "example.com/8", "http://example.com", "a b", "example.com:0"}) {
    NoProxyList list;
    EXPECT_FALSE(list.Add(entry).ok()) << entry;
    EXPECT_FALSE(list.Matches("example.com", 80)) << entry;
  }
}

TEST(ProxyRulesTest, PicksTheProxyOfTheScheme) {
  ProxyRules rules;
  const ServerUrl plain = *ParseServerUrl("http://chat.example");
  const ServerUrl secure = *ParseServerUrl("https://chat.example");
  EXPECT_EQ(rules.ProxyFor(plain), nullptr);
  rules.for_http = *ParseProxyUrl("plain:1");
  rules.for_https = *ParseProxyUrl("secure:2");
  EXPECT_EQ(rules.ProxyFor(plain)->Authority(), "plain:1");
  EXPECT_EQ(rules.ProxyFor(secure)->Authority(), "secure:2");
  ASSERT_TRUE(rules.no_proxy.Add("chat.example:443").ok());
  EXPECT_EQ(rules.ProxyFor(secure), nullptr);
  EXPECT_NE(rules.ProxyFor(plain), nullptr);
}

}  // namespace
}  // namespace parley::transport
