#include "daemon/transport/lws_transport.h"

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/transport/testing/recording_sink.h"
#include "daemon/transport/testing/scripted_peer.h"
#include "daemon/transport/testing/transport_test_bed.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::transport {
namespace {

using ::testing::AllOf;
using testing::ClosePayload;
using ::testing::ElementsAre;
using testing::EncodeFrame;
using testing::EventsWith;
using testing::Frame;
using ::testing::HasSubstr;
using testing::MakeTransport;
using testing::PeerConnection;
using testing::RecordingSink;
using testing::ScriptedPeer;
using ::testing::StartsWith;

constexpr core::ConnectionId kFirst(1);
constexpr core::ConnectionId kSecond(2);

TEST(LwsTransportTest, ExchangesTextWithAServer) {
  std::promise<std::string> request;
  ScriptedPeer peer([&](PeerConnection* connection) {
    request.set_value(connection->Upgrade());
    connection->SendText("0{}");
    for (int i = 0; i < 2; ++i) {
      std::optional<Frame> frame = connection->ReadFrame();
      ASSERT_TRUE(frame.has_value());
      EXPECT_TRUE(frame->masked);
      connection->SendText("echo " + frame->payload);
    }
    std::optional<Frame> close = connection->ReadFrame();
    ASSERT_TRUE(close.has_value());
    EXPECT_EQ(close->opcode, 8);
    EXPECT_EQ(close->payload, ClosePayload(1000, ""));
    connection->Send(EncodeFrame({true, 8, false, ClosePayload(1000, "")}));
    EXPECT_TRUE(connection->WaitForClose());
  });
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink);
  transport->Open(kFirst, peer.url() + "/chat/");
  EXPECT_NE(sink.WaitFor("opened 1"), "");
  transport->Send(kFirst, "a");
  transport->Send(kFirst, std::string(300000, 'b'));
  EXPECT_NE(sink.WaitFor("text 1 echo b"), "");
  // What was sent before Close leaves before the close frame.
  transport->Close(kFirst);
  transport->Stop();
  EXPECT_THAT(sink.lines(),
              ElementsAre("opened 1", "text 1 0{}", "text 1 echo a",
                          "text 1 echo " + std::string(300000, 'b')));
  EXPECT_THAT(request.get_future().get(),
              AllOf(StartsWith("GET /chat/socket.io/?EIO=4&transport=websocket "
                               "HTTP/1.1\r\n"),
                    HasSubstr(absl::StrCat("Host: ", "127.0.0.1:", peer.port(),
                                           "\r\n"))));
}

TEST(LwsTransportTest, SendsWhatWasQueuedBeforeItCloses) {
  std::promise<std::string> received;
  ScriptedPeer peer([&](PeerConnection* connection) {
    connection->Upgrade();
    std::string all;
    while (std::optional<Frame> frame = connection->ReadFrame()) {
      if (frame->opcode == 8) break;
      all += frame->payload;
    }
    received.set_value(all);
  });
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink);
  transport->Open(kFirst, peer.url());
  ASSERT_NE(sink.WaitFor("opened 1"), "");
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += absl::StrCat(i, ",");
    transport->Send(kFirst, absl::StrCat(i, ","));
  }
  transport->Close(kFirst);
  EXPECT_EQ(received.get_future().get(), all);
}

TEST(LwsTransportTest, AssemblesFragments) {
  EXPECT_THAT(
      EventsWith([](PeerConnection* peer) {
        peer->Upgrade();
        peer->Send(EncodeFrame({false, 1, false, "a"}));
        peer->Send(EncodeFrame({true, 9, false, "ping"}));  // in between
        peer->Send(EncodeFrame({false, 0, false, ""}));
        peer->Send(EncodeFrame({false, 0, false, std::string(70000, 'b')}));
        peer->Send(EncodeFrame({true, 0, false, "c"}));
        peer->Send(EncodeFrame({true, 1, false, ""}));
        peer->Send(EncodeFrame({false, 2, false, "12345"}));
        peer->Send(EncodeFrame({true, 0, false, "67"}));
        std::optional<Frame> pong = peer->ReadFrame();
        ASSERT_TRUE(pong.has_value());
        EXPECT_EQ(pong->opcode, 10);
        EXPECT_EQ(pong->payload, "ping");
      }),
      ElementsAre("opened 1", "text 1 a" + std::string(70000, 'b') + "c",
                  "text 1 ", "binary 1 7 bytes",
                  AllOf(StartsWith("closed 1 connection to 127.0.0.1:"),
                        HasSubstr("lost (1006, no close frame)"))));
}

// A server must not mask. Some do; the bytes say what they say.
TEST(LwsTransportTest, UnmasksFramesOfAServerThatMasks) {
  EXPECT_THAT(
      EventsWith([](PeerConnection* peer) {
        peer->Upgrade();
        peer->Send(EncodeFrame({true, 1, true, "masked"}));
        peer->Send(EncodeFrame({true, 8, false, ClosePayload(1000, "")}));
        peer->WaitForClose();
      }),
      ElementsAre("opened 1", "text 1 masked",
                  "closed 1 closed by the server (1000)"));
}

TEST(LwsTransportTest, EndsAConnectionWhoseMessagesAreTooLarge) {
  LwsTransport::Options options;
  options.max_message_bytes = 10000;
  auto send = [](std::vector<Frame> frames) {
    return [frames = std::move(frames)](PeerConnection* peer) {
      peer->Upgrade();
      for (const Frame& frame : frames) peer->Send(EncodeFrame(frame));
      peer->WaitForClose();
    };
  };
  const std::string fits(10000, 'x');
  EXPECT_THAT(
      EventsWith(send({{true, 1, false, fits}, {true, 1, false, fits + "x"}}),
                 nullptr, options),
      ElementsAre("opened 1", "text 1 " + fits,
                  HasSubstr("a message of more than 10000 bytes")));
  EXPECT_THAT(
      EventsWith(send({{false, 1, false, fits}, {true, 0, false, "x"}}),
                 nullptr, options),
      ElementsAre("opened 1", HasSubstr("a message of more than 10000 bytes")));
  EXPECT_THAT(
      EventsWith(send({{false, 2, false, fits}, {true, 0, false, "x"}}),
                 nullptr, options),
      ElementsAre("opened 1", HasSubstr("a message of more than 10000 bytes")));
}

TEST(LwsTransportTest, ReportsCloseCodes) {
  for (const uint16_t code : {1000, 1001, 1008, 1011, 3001, 4999}) {
    core::TransportClosed closed;
    EXPECT_THAT(
        EventsWith(
            [code](PeerConnection* peer) {
              peer->Upgrade();
              peer->Send(
                  EncodeFrame({true, 8, false, ClosePayload(code, "w\x01")}));
              peer->WaitForClose();
            },
            &closed),
        ElementsAre("opened 1", absl::StrCat("closed 1 closed by the server (",
                                             code, " w\\x01)")));
    EXPECT_EQ(closed.close_code, code);
  }
}

TEST(LwsTransportTest, SurvivesEveryOtherEnd) {
  const std::vector<std::pair<const char*, ScriptedPeer::Script>> scripts = {
      {"reset", [](PeerConnection* peer) { peer->Reset(); }},
      {"close frame without a code",
       [](PeerConnection* peer) {
         peer->Send(EncodeFrame({true, 8, false, ""}));
       }},
      {"close code that may not be sent",
       [](PeerConnection* peer) {
         peer->Send(EncodeFrame({true, 8, false, ClosePayload(1006, "")}));
       }},
      {"service restart",
       [](PeerConnection* peer) {
         peer->Send(EncodeFrame({true, 8, false, ClosePayload(1012, "")}));
       }},
      {"close frame of one byte",
       [](PeerConnection* peer) {
         peer->Send(EncodeFrame({true, 8, false, "x"}));
       }},
      {"reserved opcode",
       [](PeerConnection* peer) {
         peer->Send(EncodeFrame({true, 5, false, ""}));
       }},
      {"reserved bits", [](PeerConnection* peer) { peer->Send("\xf1\x01x"); }},
      {"continuation of nothing",
       [](PeerConnection* peer) {
         peer->Send(EncodeFrame({true, 0, false, "x"}));
       }},
      {"length of 2^63",
       [](PeerConnection* peer) {
         peer->Send(std::string("\x81\x7f\x80\0\0\0\0\0\0\0", 10));
       }},
      {"half a frame", [](PeerConnection* peer) { peer->Send("\x81\x05he"); }},
  };
  for (const auto& [name, script] : scripts) {
    SCOPED_TRACE(name);
    EXPECT_THAT(EventsWith([&script = script](PeerConnection* peer) {
                  peer->Upgrade();
                  script(peer);
                }),
                ElementsAre("opened 1", StartsWith("closed 1 ")));
  }
}

TEST(LwsTransportTest, EndsAConnectionToAServerThatTakesNothing) {
  LwsTransport::Options options;
  options.max_queued_bytes = 8 * 1024 * 1024;
  ScriptedPeer peer([](PeerConnection* connection) {
    connection->Upgrade();
    connection->HoldOpen();  // and never reads
  });
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  transport->Open(kFirst, peer.url());
  ASSERT_NE(sink.WaitFor("opened 1"), "");
  // More than the kernel and the limit take together.
  for (int i = 0; i < 64; ++i) {
    transport->Send(kFirst, std::string(1024 * 1024, 'x'));
  }
  EXPECT_EQ(sink.WaitFor("closed 1"),
            "closed 1 the server takes nothing: 8388608 bytes are waiting to "
            "be sent");
  // What was queued for the dead connection no longer counts.
  ScriptedPeer reader([](PeerConnection* connection) {
    connection->Upgrade();
    std::optional<Frame> frame = connection->ReadFrame();
    ASSERT_TRUE(frame.has_value());
    connection->SendText(absl::StrCat("got ", frame->payload.size()));
    connection->HoldOpen();
  });
  transport->Open(kSecond, reader.url());
  ASSERT_NE(sink.WaitFor("opened 2"), "");
  transport->Send(kSecond, std::string(8 * 1024 * 1024, 'y'));
  EXPECT_EQ(sink.WaitFor("text 2"), "text 2 got 8388608");
}

TEST(LwsTransportTest, ReadsNothingWhileTheSinkBlocks) {
  std::atomic<int> sent = 0;
  ScriptedPeer peer([&](PeerConnection* connection) {
    connection->Upgrade();
    const std::string text(1000000, 'x');
    for (; sent < 30; ++sent) {
      if (!connection->SendText(text)) return;
    }
    connection->HoldOpen();
  });
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink);
  sink.Block(true);
  transport->Open(kFirst, peer.url());
  while (peer.accepted() == 0) std::this_thread::yield();
  // Nothing is read, so the peer cannot get rid of it all. Once the sink takes
  // events again, nothing is missing.
  sink.Block(false);
  EXPECT_TRUE(sink.WaitForCount(31));
  EXPECT_EQ(sent, 30);
}

TEST(LwsTransportTest, IgnoresWhatIsForAConnectionThatIsGone) {
  ScriptedPeer peer([](PeerConnection* connection) {
    connection->Upgrade();
    while (std::optional<Frame> frame = connection->ReadFrame()) {
      if (frame->opcode == 8) return;
      connection->SendText("echo " + frame->payload);
    }
  });
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink);
  transport->Close(kFirst);
  transport->Send(kFirst, "too early");
  transport->Open(kFirst, peer.url());
  ASSERT_NE(sink.WaitFor("opened 1"), "");
  transport->Close(kSecond);
  transport->Send(kSecond, "not this one");
  transport->Send(kFirst, "this one");
  EXPECT_EQ(sink.WaitFor("text 1"), "text 1 echo this one");
  // Open without Close: the old connection is dropped silently.
  transport->Open(kSecond, peer.url());
  ASSERT_NE(sink.WaitFor("opened 2"), "");
  transport->Send(kFirst, "too late");
  transport->Send(kSecond, "again");
  EXPECT_EQ(sink.WaitFor("text 2"), "text 2 echo again");
  transport->Stop();
  EXPECT_THAT(sink.lines(), ElementsAre("opened 1", "text 1 echo this one",
                                        "opened 2", "text 2 echo again"));
}

TEST(LwsTransportTest, HoldsOneSocketAtATime) {
  ScriptedPeer peer([](PeerConnection* connection) {
    connection->Upgrade();
    connection->WaitForClose();  // never answers a close frame
  });
  LwsTransport::Options options;
  options.close_linger = absl::Milliseconds(20);
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  for (uint64_t id = 1; id <= 10; ++id) {
    transport->Open(core::ConnectionId(id), peer.url());
    ASSERT_NE(sink.WaitFor(absl::StrCat("opened ", id)), "");
    transport->Close(core::ConnectionId(id));
  }
  transport->Stop();
  EXPECT_EQ(peer.accepted(), 10);
  EXPECT_EQ(peer.most_at_once(), 1);
}

// Opens, sends and closes at every moment of a connection's life. Whatever the
// interleaving, a connection that was closed stays silent afterwards, and the
// last one works.
TEST(LwsTransportTest, SurvivesHurriedOpensAndCloses) {
  ScriptedPeer peer([](PeerConnection* connection) {
    connection->Upgrade();
    connection->SendText("hello");
    while (std::optional<Frame> frame = connection->ReadFrame()) {
      if (frame->opcode == 8) return;
    }
  });
  LwsTransport::Options options;
  options.close_linger = absl::Milliseconds(20);
  options.look_up = [](const std::string&) {
    return absl::StatusOr<Addresses>(Addresses{"127.0.0.2", "127.0.0.1"});
  };
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  const std::string named = absl::StrCat("http://peer.test:", peer.port());
  constexpr uint64_t kConnections = 300;
  for (uint64_t id = 1; id <= kConnections; ++id) {
    const core::ConnectionId connection(id);
    transport->Open(connection, id % 2 == 0 ? named : peer.url());
    if (id % 3 == 0) {
      ASSERT_NE(sink.WaitFor(absl::StrCat("opened ", id)), "");
    }
    transport->Send(connection, "x");
    if (id % 5 != 0) transport->Close(connection);
  }
  const core::ConnectionId last(kConnections + 1);
  transport->Open(last, peer.url());
  EXPECT_EQ(sink.WaitFor(absl::StrCat("text ", last.value())),
            absl::StrCat("text ", last.value(), " hello"));
  transport->Stop();
  const std::vector<std::string> lines = sink.lines();
  for (const std::string& line : lines) {
    EXPECT_FALSE(absl::StartsWith(line, "closed")) << line;
  }
}

TEST(LwsTransportTest, StopsInEveryState) {
  {
    RecordingSink sink;
    MakeTransport(&sink)->Stop();
  }
  {
    ScriptedPeer peer(
        [](PeerConnection* connection) { connection->HoldOpen(); });
    RecordingSink sink;
    std::unique_ptr<LwsTransport> transport = MakeTransport(&sink);
    transport->Open(kFirst, peer.url());
    while (peer.accepted() == 0) std::this_thread::yield();
    transport->Stop();
    transport->Stop();
    transport->Open(kSecond, peer.url());
    EXPECT_THAT(sink.lines(), ElementsAre());
  }
  {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    LwsTransport::Options options;
    options.look_up = [released](const std::string&) {
      released.wait();
      return absl::StatusOr<Addresses>(Addresses{"127.0.0.1"});
    };
    RecordingSink sink;
    MakeTransport(&sink, options)->Open(kFirst, "http://chat.example");
    release.set_value();
    EXPECT_THAT(sink.lines(), ElementsAre());
  }
}

}  // namespace
}  // namespace parley::transport
