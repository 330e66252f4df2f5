#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/transport/testing/scripted_peer.h"
#include "gtest/gtest.h"
#include "parley/v1/status.pb.h"
#include "tests/integration/harness/calls.h"
#include "tests/integration/harness/daemon.h"
#include "tests/integration/harness/realtime_server.h"
#include "tests/integration/harness/tcp_proxy.h"
#include "tests/integration/harness/test_bed.h"
#include "tests/integration/harness/wait_for.h"

namespace parley::integration {
namespace {

using transport::testing::PeerConnection;
using transport::testing::ScriptedPeer;

constexpr char kOpenPacket[] =
    R"(0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,)"
    R"("maxPayload":1000000})";

class ServerFaultsTest : public ::testing::Test {
 protected:
  void Begin(const std::vector<std::string>& server_flags = {}) {
    bed_ = std::make_unique<TestBed>(server_flags);
    ASSERT_OK(bed_->server().Start());
    proxy_.SetTargetPort(bed_->server().port());
    alice_ = &bed_->AddDaemon("alice");
    alice_->options().server_url =
        absl::StrCat("http://127.0.0.1:", proxy_.port());
  }

  Calls calls() { return Calls(&alice_->client()); }

  void Send(const std::string& room, int count) {
    for (int i = 0; i < count; ++i) {
      texts_.push_back(absl::StrCat("message ", texts_.size() + 1));
      ASSERT_OK(calls().Send(room, texts_.back()));
    }
  }

  // Without the waits between attempts to connect, which grow.
  absl::Status WaitUntilSent() {
    return calls().WaitUntil([this](const v1::DaemonStatus& status) {
      if (status.connection().state() == v1::CONNECTION_STATE_WAITING) {
        const absl::Status connected = calls().Connect();
        EXPECT_TRUE(connected.ok()) << connected;
      }
      return status.connection().state() == v1::CONNECTION_STATE_READY &&
             status.outbox().queued() == 0;
    });
  }

  // Everything that was accepted is there once, in order.
  void CheckHistory(const std::string& room) {
    ASSERT_OK(WaitUntilSent());
    const auto history = bed_->server().Texts(room, "alice");
    ASSERT_OK(history);
    EXPECT_EQ(*history, texts_);
  }

  // The daemon meets a bad server first, says so in `words`, goes on trying,
  // and gives all to the good server that follows on the same port.
  void BadThenGood(const std::string& words, int failures = 2) {
    ASSERT_OK(alice_->Start());
    ASSERT_OK(calls().Join("general"));
    Send("general", 3);
    ASSERT_OK(calls().WaitUntil([&](const v1::DaemonStatus& status) {
      return status.connection().failed_attempts() >= failures;
    }));
    const auto status = calls().Status();
    ASSERT_OK(status);
    EXPECT_TRUE(
        absl::StrContains(status->connection().last_error_message(), words))
        << status->connection().last_error_message();
    EXPECT_NE(status->connection().last_error_code(), "");
    EXPECT_EQ(status->outbox().queued(), 3);
    EXPECT_TRUE(alice_->IsRunning());

    proxy_.SetTargetPort(bed_->server().port());
    proxy_.SetMode(TcpProxy::Mode::kForward);
    proxy_.CutAll();
    Send("general", 2);
    CheckHistory("general");
  }

  // The same with a server that a script plays.
  void ScriptThenGood(ScriptedPeer::Script script, const std::string& words) {
    Begin();
    ScriptedPeer peer(std::move(script));
    proxy_.SetTargetPort(peer.port());
    BadThenGood(words);
    EXPECT_GE(peer.accepted(), 2);
  }

  TcpProxy proxy_{0};
  std::unique_ptr<TestBed> bed_;
  Daemon* alice_ = nullptr;
  std::vector<std::string> texts_;
};

// --- Servers that are none ---------------------------------------------------

TEST_F(ServerFaultsTest, RefusesToConnect) {
  Begin();
  bed_->server().Kill();
  alice_->options().server_url = bed_->server().url();
  ASSERT_OK(alice_->Start());
  ASSERT_OK(calls().Join("general"));
  Send("general", 3);
  ASSERT_OK(calls().WaitUntil([](const v1::DaemonStatus& status) {
    return status.connection().failed_attempts() >= 2 &&
           absl::StrContains(status.connection().last_error_message(),
                             "refused");
  }));
  ASSERT_OK(bed_->server().Start());
  CheckHistory("general");
}

TEST_F(ServerFaultsTest, ClosesAtOnce) {
  Begin();
  proxy_.SetMode(TcpProxy::Mode::kClose);
  BadThenGood("closed the connection");
}

TEST_F(ServerFaultsTest, AnswersGarbage) {
  Begin();
  proxy_.SetMode(TcpProxy::Mode::kGarbage);
  BadThenGood("HTTP");
}

// Each attempt takes as long as a server may take: one is enough.
TEST_F(ServerFaultsTest, AcceptsAndSaysNothing) {
  Begin();
  proxy_.SetMode(TcpProxy::Mode::kSilent);
  BadThenGood("20s", /*failures=*/1);
}

TEST_F(ServerFaultsTest, IsUnavailable) {
  ScriptThenGood(
      [](PeerConnection* peer) {
        peer->ReadUntil("\r\n\r\n");
        peer->Send(
            "HTTP/1.1 503 Service Unavailable\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n");
      },
      "503");
}

// --- Servers of another kind -------------------------------------------------

TEST_F(ServerFaultsTest, SpeaksNoSocketIo) {
  ScriptThenGood(
      [](PeerConnection* peer) {
        peer->Upgrade();
        peer->SendText("hello, this is another chat");
        peer->WaitForClose();
      },
      "Engine.IO");
}

TEST_F(ServerFaultsTest, IsReadyInNoWayThatIsKnown) {
  ScriptThenGood(
      [](PeerConnection* peer) {
        peer->Upgrade();
        peer->SendText(kOpenPacket);
        peer->ReadFrame();
        peer->SendText(R"(40{"sid":"t"})");
        peer->SendText(R"(42["connected",{"userId":7,"capabilities":"all"}])");
        peer->WaitForClose();
      },
      "ready");
}

// --- A good server on a bad day ----------------------------------------------

TEST_F(ServerFaultsTest, RestartsInTheMiddleOfTraffic) {
  Begin();
  ASSERT_OK(alice_->Start());
  ASSERT_OK(calls().Join("general"));
  ASSERT_OK(calls().WaitUntilReady());
  std::atomic<size_t> accepted = 0;
  std::atomic<bool> stop = false;
  std::thread client([&] {
    Calls calls(&alice_->client());
    while (!stop && !HasFailure()) {
      texts_.push_back(absl::StrCat("message ", texts_.size() + 1));
      const auto sent = calls.Send("general", texts_.back());
      EXPECT_TRUE(sent.ok()) << sent.status();
      ++accepted;
    }
  });
  for (int restart = 1; restart <= 3; ++restart) {
    const size_t before = accepted;
    EXPECT_TRUE(WaitFor([&] { return accepted >= before + 30; }));
    bed_->server().Kill();
    EXPECT_TRUE(WaitFor([&] { return accepted >= before + 60; }));
    const absl::Status started = bed_->server().Start();
    EXPECT_TRUE(started.ok()) << started;
    const absl::Status connected = calls().Connect();
    EXPECT_TRUE(connected.ok()) << connected;
    const absl::Status ready = calls().WaitUntilReady();
    EXPECT_TRUE(ready.ok()) << ready;
  }
  stop = true;
  client.join();
  CheckHistory("general");
}

// Nobody says that the connection is gone: the heartbeat tells.
TEST_F(ServerFaultsTest, FallsSilent) {
  Begin({"--ping-interval", "300", "--ping-timeout", "700"});
  ASSERT_OK(alice_->Start());
  ASSERT_OK(calls().Join("general"));
  Send("general", 3);
  ASSERT_OK(calls().WaitUntilSent());
  proxy_.SetMode(TcpProxy::Mode::kFreeze);
  Send("general", 3);
  ASSERT_OK(calls().WaitUntil([](const v1::DaemonStatus& status) {
    return status.connection().state() != v1::CONNECTION_STATE_READY &&
           !status.connection().last_error_message().empty();
  }));
  Send("general", 3);
  proxy_.SetMode(TcpProxy::Mode::kForward);
  CheckHistory("general");
}

// It has stored the message, and the connection ends before it says so.
TEST_F(ServerFaultsTest, LosesItsAnswers) {
  Begin({"--fail-room", "general=LOST_ACK:2"});
  ASSERT_OK(alice_->Start());
  ASSERT_OK(calls().Join("general"));
  Send("general", 20);
  CheckHistory("general");
  // One connection may have lost both.
  EXPECT_GE(proxy_.stats().accepted, 2u);
  const auto parked = calls().Outbox();
  ASSERT_OK(parked);
  EXPECT_TRUE(parked->empty());
}

// The network ends the connection in the middle of frames, in both directions.
TEST_F(ServerFaultsTest, IsCutOffInTheMiddleOfFrames) {
  Begin();
  ASSERT_OK(alice_->Start());
  ASSERT_OK(calls().Join("general"));
  ASSERT_OK(calls().WaitUntilSent());
  for (int cut = 1; cut <= 6; ++cut) {
    const uint64_t accepted = proxy_.stats().accepted;
    if (cut % 2 == 0) {
      proxy_.CutAfterBytesToServer(100 + 97 * cut);
    } else {
      proxy_.CutAfterBytesToClient(100 + 97 * cut);
    }
    Send("general", 8);
    ASSERT_OK(WaitUntilSent());
    EXPECT_GT(proxy_.stats().accepted, accepted);
  }
  CheckHistory("general");
}

}  // namespace
}  // namespace parley::integration
