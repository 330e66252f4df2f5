#include "daemon/transport/url.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::transport {
namespace {

using ::testing::HasSubstr;

std::string Normalised(absl::string_view text) {
  const absl::StatusOr<ServerUrl> url = ParseServerUrl(text);
  return url.ok() ? url->Normalised() : std::string(url.status().message());
}

TEST(UrlTest, HasOneSpellingForEachServer) {
  EXPECT_EQ(Normalised("http://chat.example"), "http://chat.example");
  EXPECT_EQ(Normalised("ws://Chat.Example:80/"), "http://chat.example");
  EXPECT_EQ(Normalised("WS://chat.example:3101"), "http://chat.example:3101");
  EXPECT_EQ(Normalised("http://127.0.0.1:1/a/b//"), "http://127.0.0.1:1/a/b");
  EXPECT_EQ(Normalised("http://[0:0:0:0:0:0:0:1]:8080"), "http://[::1]:8080");
  EXPECT_EQ(Normalised("http://[::1]"), "http://[::1]");
  EXPECT_EQ(Normalised("http://h:00080"), "http://h");
  EXPECT_EQ(Normalised("http://h/a%20b"), "http://h/a%20b");
}

TEST(UrlTest, KeepsServersWithAndWithoutTlsApart) {
  EXPECT_EQ(Normalised("https://chat.example"), "https://chat.example");
  EXPECT_EQ(Normalised("WSS://Chat.Example:443/"), "https://chat.example");
  EXPECT_EQ(Normalised("wss://chat.example:80"), "https://chat.example:80");
  EXPECT_EQ(Normalised("ws://chat.example:443"), "http://chat.example:443");
  EXPECT_TRUE(ParseServerUrl("wss://h")->tls);
  EXPECT_EQ(ParseServerUrl("wss://h")->Authority(), "h:443");
  EXPECT_FALSE(ParseServerUrl("ws://h")->tls);
}

TEST(UrlTest, KnowsItsParts) {
  const absl::StatusOr<ServerUrl> url = ParseServerUrl("ws://[::1]:3101/chat/");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 3101);
  EXPECT_EQ(url->base_path, "/chat");
  EXPECT_EQ(url->HostHeader(), "[::1]:3101");
  EXPECT_EQ(url->Authority(), "[::1]:3101");
  EXPECT_EQ(ParseServerUrl("ws://h")->Authority(), "h:80");
  EXPECT_EQ(ParseServerUrl("ws://h")->HostHeader(), "h");
}

TEST(UrlTest, SaysWhatIsWrong) {
  constexpr struct {
    const char* text;
    const char* problem;
  } kCases[] = {
      {"", "must start with https://"},
      {"chat.example", "must start with https://"},
      {"ftp://chat.example", "must start with https://"},
      {"https://", "the host is missing"},
      {"wss://chat.example:0", "the port must be 1 to 65535"},
      {"http://", "the host is missing"},
      {"http://:80", "the host is missing"},
      {"http:///path", "the host is missing"},
      {"http://user:secret@h", "a user name or password"},
      {"http://h ost", "a host has only letters"},
      {"http://h\n", "a host has only letters"},
      {"http://h:", "the port must be 1 to 65535"},
      {"http://h:0", "the port must be 1 to 65535"},
      {"http://h:65536", "the port must be 1 to 65535"},
      {"http://h:99999999999", "the port must be 1 to 65535"},
      {"http://h:+1", "the port is no number"},
      {"http://h:8o", "the port is no number"},
      {"http://::1", "the host is missing"},
      {"http://[::1", "no closing bracket"},
      {"http://[::g]", "IPv6 address is malformed"},
      {"http://[127.0.0.1]", "IPv6 address is malformed"},
      {"http://[::1]80", "only \":port\" can follow"},
      {"http://h/?x=1", "no query and no fragment"},
      {"http://h#x", "no query and no fragment"},
      {"http://h/a b", "must be %-escaped"},
      {"http://h/\r\nX: y", "must be %-escaped"},
  };
  for (const auto& test : kCases) {
    const absl::StatusOr<ServerUrl> url = ParseServerUrl(test.text);
    ASSERT_FALSE(url.ok()) << test.text;
    EXPECT_EQ(url.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(url.status().message()), HasSubstr(test.problem))
        << test.text;
  }
}

TEST(UrlTest, LimitsLengths) {
  EXPECT_TRUE(ParseServerUrl("http://" + std::string(253, 'h')).ok());
  EXPECT_FALSE(ParseServerUrl("http://" + std::string(254, 'h')).ok());
  EXPECT_TRUE(ParseServerUrl("http://h/" + std::string(1023, 'p')).ok());
  EXPECT_FALSE(ParseServerUrl("http://h/" + std::string(1024, 'p')).ok());
}

}  // namespace
}  // namespace parley::transport
