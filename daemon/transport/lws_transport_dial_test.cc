#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "daemon/transport/lws_transport.h"
#include "daemon/transport/testing/recording_sink.h"
#include "daemon/transport/testing/scripted_peer.h"
#include "daemon/transport/testing/transport_test_bed.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::transport {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using testing::ClosePayload;
using ::testing::ElementsAre;
using testing::EncodeFrame;
using testing::EventsWith;
using testing::HasIpv6;
using ::testing::HasSubstr;
using testing::MakeTransport;
using testing::PeerConnection;
using testing::RecordingSink;
using testing::RefusingPort;
using testing::ScriptedPeer;
using ::testing::StartsWith;

constexpr core::ConnectionId kFirst(1);

TEST(LwsTransportDialTest, NamesWhoRefusedTheConnection) {
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink);
  const RefusingPort refusing;
  transport->Open(kFirst, absl::StrCat("ws://127.0.0.1:", refusing.port()));
  EXPECT_EQ(sink.WaitFor("closed 1"),
            absl::StrCat("closed 1 connection refused by 127.0.0.1:",
                         refusing.port()));
  EXPECT_EQ(sink.last_closed().close_code, 0);
}

TEST(LwsTransportDialTest, ReportsAServerUrlThatIsWrong) {
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink);
  transport->Open(kFirst, "chat.example");
  EXPECT_THAT(sink.WaitFor("closed 1"), HasSubstr("must start with https://"));
}

TEST(LwsTransportDialTest, ReportsAServerThatSaysNothing) {
  LwsTransport::Options options;
  options.handshake_timeout = absl::Milliseconds(50);
  EXPECT_THAT(
      EventsWith([](PeerConnection* peer) { peer->HoldOpen(); }, nullptr,
                 options),
      ElementsAre(HasSubstr("accepted the connection but did not answer")));
}

TEST(LwsTransportDialTest, CanGiveUpAServerThatSaysNothing) {
  std::promise<bool> closed;
  ScriptedPeer peer([&](PeerConnection* connection) {
    connection->ReadUntil("\r\n\r\n");
    closed.set_value(connection->WaitForClose());
  });
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink);
  transport->Open(kFirst, peer.url());
  while (peer.accepted() == 0) std::this_thread::yield();
  transport->Close(kFirst);
  EXPECT_TRUE(closed.get_future().get());
  transport->Stop();
  EXPECT_THAT(sink.lines(), ElementsAre());
}

TEST(LwsTransportDialTest, ReportsAServerThatClosesAtOnce) {
  EXPECT_THAT(EventsWith([](PeerConnection*) {}),
              ElementsAre(HasSubstr("closed the connection during the")));
  // A reset may come so early that it looks like a refusal.
  EXPECT_THAT(EventsWith([](PeerConnection* peer) { peer->Reset(); }),
              ElementsAre(AnyOf(HasSubstr("closed the connection during the"),
                                HasSubstr("connection refused by"))));
  EXPECT_THAT(
      EventsWith([](PeerConnection* peer) { peer->ReadUntil("\r\n\r\n"); }),
      ElementsAre(HasSubstr("closed the connection during the")));
}

TEST(LwsTransportDialTest, ReportsTheHttpStatusAndTheServersWish) {
  auto answer = [](const std::string& head) {
    return [head](PeerConnection* peer) {
      peer->ReadUntil("\r\n\r\n");
      peer->Send(head + "Content-Length: 2\r\n\r\nno");
      peer->WaitForClose();
    };
  };
  core::TransportClosed closed;
  EXPECT_THAT(EventsWith(answer("HTTP/1.1 200 OK\r\n")),
              ElementsAre(AllOf(StartsWith("closed 1 HTTP 200 from 127.0.0.1:"),
                                HasSubstr("instead of a WebSocket upgrade"))));
  EXPECT_THAT(EventsWith(answer("HTTP/1.1 401 Unauthorized\r\n"), &closed),
              ElementsAre(StartsWith("closed 1 HTTP 401 ")));
  EXPECT_EQ(closed.retry_after, std::nullopt);
  EXPECT_THAT(
      EventsWith(answer("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n"), &closed),
      ElementsAre(StartsWith("closed 1 HTTP 503 ")));
  EXPECT_EQ(closed.retry_after, absl::Seconds(7));
  EXPECT_THAT(EventsWith(answer("HTTP/1.1 503 Busy\r\nRetry-After: "
                                "Fri, 31 Dec 2100 23:59:59 GMT\r\n"),
                         &closed),
              ElementsAre(StartsWith("closed 1 HTTP 503 ")));
  EXPECT_EQ(closed.retry_after, absl::Hours(24));
  EXPECT_THAT(
      EventsWith(answer("HTTP/1.1 503 Busy\r\nRetry-After: soon\r\n"), &closed),
      ElementsAre(StartsWith("closed 1 HTTP 503 ")));
  EXPECT_EQ(closed.retry_after, std::nullopt);
}

TEST(LwsTransportDialTest, FollowsNoRedirect) {
  ScriptedPeer other([](PeerConnection* peer) { peer->Upgrade(); });
  EXPECT_THAT(
      EventsWith([&](PeerConnection* peer) {
        peer->ReadUntil("\r\n\r\n");
        peer->Send(absl::StrCat("HTTP/1.1 302 Found\r\nLocation: ", other.url(),
                                "/\r\nContent-Length: 0\r\n\r\n"));
        peer->WaitForClose();
      }),
      ElementsAre(StartsWith("closed 1 HTTP 302 ")));
  EXPECT_EQ(other.accepted(), 0);
}

TEST(LwsTransportDialTest, ReportsAnAnswerThatIsNoUpgrade) {
  auto answer = [](const std::string& bytes) {
    return [bytes](PeerConnection* peer) {
      peer->ReadUntil("\r\n\r\n");
      peer->Send(bytes);
      peer->WaitForClose();
    };
  };
  // Long before the deadline, though the server stays.
  LwsTransport::Options impatient;
  impatient.answer_timeout = absl::Milliseconds(20);
  EXPECT_THAT(EventsWith(answer("SSH-2.0-OpenSSH_9.2\r\n"), nullptr, impatient),
              ElementsAre(HasSubstr("did not answer with HTTP")));
  EXPECT_THAT(
      EventsWith(answer(std::string(20000, '\xff')), nullptr, impatient),
      ElementsAre(HasSubstr("did not answer with HTTP")));
  EXPECT_THAT(
      EventsWith(answer("HTTP/1.1 101 Switching Protocols\r\n"
                        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: bm90IHRoZSByaWdodCBrZXk=\r\n"
                        "\r\n")),
      ElementsAre(HasSubstr("sent an invalid WebSocket upgrade")));
  EXPECT_THAT(EventsWith(answer("HTTP/1.1 101 Switching Protocols\r\n\r\n")),
              ElementsAre(HasSubstr("sent an invalid WebSocket upgrade")));
}

TEST(LwsTransportDialTest, TakesAnAnswerByteByByte) {
  EXPECT_THAT(EventsWith([](PeerConnection* peer) {
                const std::string request = peer->ReadUntil("\r\n\r\n");
                peer->SendByteByByte(absl::StrCat(
                    "HTTP/1.1 101 Switching Protocols\r\n"
                    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: ",
                    testing::AcceptKey(request), "\r\n\r\n",
                    EncodeFrame({true, 1, false, "hello"}),
                    EncodeFrame({true, 8, false, ClosePayload(1000, "bye")})));
                peer->WaitForClose();
              }),
              ElementsAre("opened 1", "text 1 hello",
                          "closed 1 closed by the server (1000 bye)"));
}

// The upgrade and the first frames in one segment.
TEST(LwsTransportDialTest, LosesNothingThatComesWithTheUpgrade) {
  EXPECT_THAT(
      EventsWith([](PeerConnection* peer) {
        const std::string request = peer->ReadUntil("\r\n\r\n");
        peer->Send(
            absl::StrCat("HTTP/1.1 101 Switching Protocols\r\n"
                         "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: ",
                         testing::AcceptKey(request), "\r\n\r\n",
                         EncodeFrame({true, 1, false, "one"}),
                         EncodeFrame({true, 1, false, "two"})));
        peer->Send(EncodeFrame({true, 8, false, ClosePayload(1001, "")}));
        peer->WaitForClose();
      }),
      ElementsAre("opened 1", "text 1 one", "text 1 two",
                  "closed 1 closed by the server (1001)"));
}

TEST(LwsTransportDialTest, TriesEachAddressOfAName) {
  ScriptedPeer peer([](PeerConnection* connection) {
    EXPECT_THAT(connection->Upgrade(), HasSubstr("Host: chat.example:"));
    connection->HoldOpen();
  });
  LwsTransport::Options options;
  std::atomic<int> look_ups = 0;
  options.look_up = [&](const std::string& host) {
    EXPECT_EQ(host, "chat.example");
    ++look_ups;
    // The peer listens on 127.0.0.1 only.
    return absl::StatusOr<Addresses>(
        Addresses{"127.0.0.2", "127.0.0.3", "127.0.0.1"});
  };
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  transport->Open(kFirst, absl::StrCat("http://chat.example:", peer.port()));
  EXPECT_EQ(sink.WaitFor(""), "opened 1");
  EXPECT_EQ(look_ups, 1);
}

TEST(LwsTransportDialTest, ReachesAnIpv6Address) {
  if (!HasIpv6()) GTEST_SKIP() << "this machine has no IPv6";
  std::promise<std::string> request;
  ScriptedPeer peer(
      [&](PeerConnection* connection) {
        request.set_value(connection->Upgrade());
        connection->HoldOpen();
      },
      true);
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink);
  transport->Open(kFirst, peer.url());
  EXPECT_EQ(sink.WaitFor(""), "opened 1");
  EXPECT_THAT(request.get_future().get(),
              HasSubstr(absl::StrCat("Host: [::1]:", peer.port(), "\r\n")));
}

// Each address in its turn, whatever its family.
TEST(LwsTransportDialTest, TriesTheOtherFamily) {
  if (!HasIpv6()) GTEST_SKIP() << "this machine has no IPv6";
  for (const bool ipv6 : {false, true}) {
    ScriptedPeer peer(
        [](PeerConnection* connection) {
          connection->Upgrade();
          connection->HoldOpen();
        },
        ipv6);
    LwsTransport::Options options;
    options.look_up = [ipv6](const std::string&) {
      return absl::StatusOr<Addresses>(ipv6 ? Addresses{"127.0.0.1", "::1"}
                                            : Addresses{"::1", "127.0.0.1"});
    };
    RecordingSink sink;
    std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
    transport->Open(kFirst, absl::StrCat("http://chat.example:", peer.port()));
    EXPECT_EQ(sink.WaitFor(""), "opened 1");
  }
}

TEST(LwsTransportDialTest, ReachesLocalhost) {
  ScriptedPeer peer([](PeerConnection* connection) {
    connection->Upgrade();
    connection->HoldOpen();
  });
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink);
  transport->Open(kFirst, absl::StrCat("http://localhost:", peer.port()));
  EXPECT_EQ(sink.WaitFor(""), "opened 1");
}

TEST(LwsTransportDialTest, NamesEveryAddressThatFailed) {
  LwsTransport::Options options;
  options.look_up = [&](const std::string&) {
    return absl::StatusOr<Addresses>(Addresses{"127.0.0.2", "127.0.0.3"});
  };
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  const RefusingPort refusing;
  transport->Open(kFirst,
                  absl::StrCat("http://chat.example:", refusing.port()));
  EXPECT_THAT(sink.WaitFor("closed 1"),
              AllOf(HasSubstr("refused by 127.0.0.2:"),
                    HasSubstr("; connection refused by 127.0.0.3:")));
}

TEST(LwsTransportDialTest, ReportsANameThatCannotBeLookedUp) {
  LwsTransport::Options options;
  options.look_up = [](const std::string& host) {
    return absl::StatusOr<Addresses>(
        absl::UnavailableError("cannot look up " + host + ": no such name"));
  };
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  transport->Open(kFirst, "http://chat.example");
  EXPECT_EQ(sink.WaitFor("closed 1"),
            "closed 1 cannot look up chat.example: no such name");
}

TEST(LwsTransportDialTest, DoesNotWaitForALookUpThatHangs) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  LwsTransport::Options options;
  options.look_up_timeout = absl::Milliseconds(20);
  options.look_up = [released](const std::string&) {
    released.wait();
    return absl::StatusOr<Addresses>(Addresses{"127.0.0.1"});
  };
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  for (uint64_t id = 1; id <= Resolver::kMaxLookups; ++id) {
    transport->Open(core::ConnectionId(id), "http://chat.example");
    EXPECT_THAT(sink.WaitFor(absl::StrCat("closed ", id)),
                HasSubstr("cannot look up chat.example: no answer within"));
  }
  transport->Open(core::ConnectionId(9), "http://chat.example");
  EXPECT_THAT(sink.WaitFor("closed 9"),
              HasSubstr("lookups before it have not been answered"));
  // Their late answers reach nobody.
  release.set_value();
  transport->Stop();
  EXPECT_EQ(sink.lines().size(), Resolver::kMaxLookups + 1u);
}

TEST(LwsTransportDialTest, UsesNoProxyThatNobodyAskedFor) {
  setenv("http_proxy", "127.0.0.1:9", 1);
  ScriptedPeer peer([](PeerConnection* connection) {
    connection->Upgrade();
    connection->HoldOpen();
  });
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink);
  unsetenv("http_proxy");
  transport->Open(kFirst, peer.url());
  EXPECT_EQ(sink.WaitFor(""), "opened 1");
}

TEST(LwsTransportDialTest, WorksWithHighDescriptorNumbers) {
  std::vector<int> taken;
  for (int i = 0; i < 200; ++i) taken.push_back(dup(0));
  ScriptedPeer peer([](PeerConnection* connection) {
    connection->Upgrade();
    connection->HoldOpen();
  });
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink);
  transport->Open(kFirst, peer.url());
  EXPECT_EQ(sink.WaitFor(""), "opened 1");
  for (const int fd : taken) close(fd);
}

}  // namespace
}  // namespace parley::transport
