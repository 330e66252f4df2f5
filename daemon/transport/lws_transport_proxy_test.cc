#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/transport/lws_transport.h"
#include "daemon/transport/testing/connect_proxy.h"
#include "daemon/transport/testing/recording_sink.h"
#include "daemon/transport/testing/scripted_peer.h"
#include "daemon/transport/testing/tls_peer.h"
#include "daemon/transport/testing/transport_test_bed.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::transport {
namespace {

using ::testing::AllOf;
using testing::CertificateRequest;
using testing::ConnectProxy;
using ::testing::ElementsAre;
using testing::Frame;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MakeCertificate;
using testing::MakeTransport;
using ::testing::Not;
using testing::PeerConnection;
using testing::RecordingSink;
using testing::RefusingPort;
using testing::ScriptedPeer;
using ::testing::StartsWith;
using testing::TlsPeer;
using testing::WriteTestFile;

constexpr core::ConnectionId kFirst(1);

void Echo(PeerConnection* connection) {
  connection->Upgrade();
  while (std::optional<Frame> frame = connection->ReadFrame()) {
    if (frame->opcode == 8) return;
    connection->SendText("echo " + frame->payload);
  }
}

LwsTransport::Options Through(const std::string& proxy) {
  LwsTransport::Options options;
  absl::StatusOr<HttpProxy> parsed = ParseProxyUrl(proxy);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  options.proxies.for_http = *parsed;
  options.proxies.for_https = *parsed;
  // The proxy's name alone is looked up here.
  options.look_up = [](const std::string& host) -> absl::StatusOr<Addresses> {
    if (host == "proxy.example") return Addresses{"127.0.0.1"};
    return absl::UnavailableError("cannot look up " + host);
  };
  return options;
}

std::string UrlOf(uint16_t port, const std::string& user = "") {
  return absl::StrCat("http://", user, "proxy.example:", port);
}

TEST(LwsTransportProxyTest, ReachesAServerThroughATunnel) {
  ScriptedPeer server(&Echo);
  const ConnectProxy proxy(server.port());
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport =
      MakeTransport(&sink, Through(UrlOf(proxy.port(), "al%20ice:p:w@")));
  transport->Open(kFirst, "http://chat.example:3101/base");
  ASSERT_EQ(sink.WaitFor(""), "opened 1");
  const std::string large(3000000, 'x');
  transport->Send(kFirst, large);
  EXPECT_EQ(sink.WaitFor("text 1"), "text 1 echo " + large);
  transport->Close(kFirst);
  transport->Stop();
  EXPECT_THAT(proxy.requests(),
              ElementsAre("CONNECT chat.example:3101 HTTP/1.1\r\n"
                          "Host: chat.example:3101\r\n"
                          "Proxy-Authorization: Basic YWwgaWNlOnA6dw==\r\n"
                          "\r\n"));
}

TEST(LwsTransportProxyTest, SpeaksTlsWithTheServerThroughTheTunnel) {
  ScriptedPeer server(&Echo);
  CertificateRequest request;
  request.names = "DNS:chat.example";
  TlsPeer::Options tls;
  tls.certificate = MakeCertificate(request, nullptr);
  const TlsPeer secure(tls, server.port());
  // Byte by byte: the head of the answer may come in pieces.
  const ConnectProxy proxy(secure.port(), "HTTP/1.0 200 OK\r\nVia: us\r\n\r\n",
                           true);
  LwsTransport::Options options = Through(UrlOf(proxy.port()));
  options.ca_file = WriteTestFile("tunnel-ca", tls.certificate.Pem());
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  transport->Open(kFirst, "wss://chat.example");
  ASSERT_EQ(sink.WaitFor(""), "opened 1");
  transport->Send(kFirst, "hello");
  EXPECT_EQ(sink.WaitFor("text 1"), "text 1 echo hello");
  transport->Stop();
  EXPECT_THAT(secure.names_asked_for(), ElementsAre("chat.example"));
  EXPECT_THAT(proxy.requests(),
              ElementsAre("CONNECT chat.example:443 HTTP/1.1\r\n"
                          "Host: chat.example:443\r\n\r\n"));
}

TEST(LwsTransportProxyTest, BracketsAnIpv6Address) {
  ScriptedPeer server(&Echo);
  const ConnectProxy proxy(server.port());
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport =
      MakeTransport(&sink, Through(UrlOf(proxy.port())));
  transport->Open(kFirst, "http://[fd00::1]:3101");
  EXPECT_EQ(sink.WaitFor(""), "opened 1");
  EXPECT_THAT(proxy.requests(),
              ElementsAre(StartsWith("CONNECT [fd00::1]:3101 HTTP/1.1\r\n")));
}

TEST(LwsTransportProxyTest, GoesPastTheProxyWhereItIsToldTo) {
  ScriptedPeer server(&Echo);
  const ConnectProxy proxy(server.port());
  LwsTransport::Options options = Through(UrlOf(proxy.port()));
  ASSERT_TRUE(options.proxies.no_proxy.Add("127.0.0.0/8").ok());
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  transport->Open(kFirst, server.url());
  EXPECT_EQ(sink.WaitFor(""), "opened 1");
  EXPECT_THAT(proxy.requests(), IsEmpty());
}

TEST(LwsTransportProxyTest, SaysWhyAProxyRefuses) {
  constexpr struct {
    const char* answer;
    const char* user;
    const char* reason;
  } kCases[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "",
       "wants a user name and a password (HTTP 407); put them into "
       "server.proxy"},
      {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "bob:pass-word@",
       "does not accept the user name and password in server.proxy"},
      {"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "",
       "does not allow a connection to chat.example:80 (HTTP 403)"},
      {"HTTP/1.1 502 Bad Gateway\r\n\r\n", "",
       "cannot reach chat.example:80 (HTTP 502)"},
      {"HTTP/1.1 504 Gateway Timeout\r\n\r\n", "",
       "cannot reach chat.example:80 (HTTP 504)"},
      {"HTTP/1.1 418 I'm a teapot\x01\r\n\r\n", "",
       "refused a connection to chat.example:80: HTTP 418 I\\'m a "
       "teapot\\x01"},
      {"HTTP/1.1 20x What\r\n\r\n", "", "is no HTTP proxy: it answered"},
      {"SSH-2.0-OpenSSH_9.2\r\n", "",
       "is no HTTP proxy: it answered \"SSH-2.0-OpenSSH_9.2\""},
      {"", "", "closed the connection without an answer"},
      {"HTTP/1.1 200 O", "", "closed the connection without an answer"},
  };
  for (const auto& test : kCases) {
    SCOPED_TRACE(test.answer);
    const ConnectProxy proxy(0, test.answer);
    RecordingSink sink;
    std::unique_ptr<LwsTransport> transport =
        MakeTransport(&sink, Through(UrlOf(proxy.port(), test.user)));
    transport->Open(kFirst, "http://chat.example");
    EXPECT_THAT(
        sink.WaitFor(""),
        AllOf(StartsWith(absl::StrCat(
                  "closed 1 the proxy proxy.example:", proxy.port(), " ")),
              HasSubstr(test.reason), Not(HasSubstr("pass-word"))));
  }
}

TEST(LwsTransportProxyTest, NamesTheServerBehindTheTunnel) {
  ScriptedPeer server([](PeerConnection* connection) {
    connection->ReadUntil("\r\n\r\n");
    connection->Send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    connection->WaitForClose();
  });
  const ConnectProxy proxy(server.port());
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport =
      MakeTransport(&sink, Through(UrlOf(proxy.port())));
  transport->Open(kFirst, "http://chat.example");
  EXPECT_EQ(
      sink.WaitFor(""),
      absl::StrCat("closed 1 HTTP 503 from chat.example:80 (through the proxy "
                   "proxy.example:",
                   proxy.port(), ") instead of a WebSocket upgrade"));
}

TEST(LwsTransportProxyTest, LimitsTheAnswerOfAProxy) {
  const ConnectProxy proxy(0,
                           "HTTP/1.1 200 OK\r\nX: " + std::string(20000, 'x'));
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport =
      MakeTransport(&sink, Through(UrlOf(proxy.port())));
  transport->Open(kFirst, "http://chat.example");
  EXPECT_THAT(sink.WaitFor(""), HasSubstr("more than 16384 bytes of headers"));
}

TEST(LwsTransportProxyTest, NamesAProxyThatIsNotThere) {
  const RefusingPort refusing;
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport =
      MakeTransport(&sink, Through(UrlOf(refusing.port())));
  transport->Open(kFirst, "http://chat.example");
  EXPECT_EQ(sink.WaitFor("closed 1"),
            absl::StrCat("closed 1 connection refused by the proxy 127.0.0.1:",
                         refusing.port()));
  std::unique_ptr<LwsTransport> other =
      MakeTransport(&sink, Through("http://nowhere.example:1"));
  other->Open(core::ConnectionId(2), "http://chat.example");
  EXPECT_EQ(sink.WaitFor("closed 2"),
            "closed 2 cannot look up nowhere.example");
}

TEST(LwsTransportProxyTest, GivesUpAProxyThatSaysNothing) {
  ScriptedPeer silent(
      [](PeerConnection* connection) { connection->HoldOpen(); });
  LwsTransport::Options options = Through(UrlOf(silent.port()));
  options.handshake_timeout = absl::Milliseconds(50);
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  transport->Open(kFirst, "https://chat.example");
  EXPECT_EQ(sink.WaitFor("closed 1"),
            absl::StrCat("closed 1 no answer from the proxy proxy.example:",
                         silent.port()));
}

// Whatever moment of a tunnel it is: what was closed is silent, and the last
// connection works.
TEST(LwsTransportProxyTest, SurvivesHurriedOpensAndCloses) {
  ScriptedPeer server([](PeerConnection* connection) {
    connection->Upgrade();
    connection->SendText("hello");
    while (connection->ReadFrame().has_value()) {
    }
  });
  const ConnectProxy proxy(server.port());
  LwsTransport::Options options = Through(UrlOf(proxy.port()));
  options.close_linger = absl::Milliseconds(20);
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  constexpr uint64_t kConnections = 100;
  for (uint64_t id = 1; id <= kConnections; ++id) {
    const core::ConnectionId connection(id);
    const int before = proxy.accepted();
    transport->Open(connection, "http://chat.example");
    if (id % 3 == 0) {
      ASSERT_NE(sink.WaitFor(absl::StrCat("opened ", id)), "");
    }
    if (id % 5 == 0) {
      // While the tunnel is being asked for.
      while (proxy.accepted() == before) std::this_thread::yield();
    }
    transport->Close(connection);
  }
  const core::ConnectionId last(kConnections + 1);
  transport->Open(last, "http://chat.example");
  EXPECT_EQ(sink.WaitFor(absl::StrCat("text ", last.value())),
            absl::StrCat("text ", last.value(), " hello"));
  transport->Stop();
  for (const std::string& line : sink.lines()) {
    EXPECT_FALSE(absl::StartsWith(line, "closed")) << line;
  }
}

TEST(LwsTransportProxyTest, StopsWhileATunnelIsAskedFor) {
  ScriptedPeer silent(
      [](PeerConnection* connection) { connection->HoldOpen(); });
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport =
      MakeTransport(&sink, Through(UrlOf(silent.port())));
  transport->Open(kFirst, "https://chat.example");
  while (silent.accepted() == 0) std::this_thread::yield();
  transport->Stop();
  EXPECT_THAT(sink.lines(), IsEmpty());
}

}  // namespace
}  // namespace parley::transport
