// A device is away while others write, and reads what it missed through a
// network that breaks, with kills in between: its store equals the server's
// history, room by room, in order, each message once.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "parley/v1/message.pb.h"
#include "parley/v1/status.pb.h"
#include "parley/v1/sync.pb.h"
#include "tests/integration/harness/calls.h"
#include "tests/integration/harness/daemon.h"
#include "tests/integration/harness/realtime_server.h"
#include "tests/integration/harness/tcp_proxy.h"
#include "tests/integration/harness/test_bed.h"
#include "tests/integration/harness/wait_for.h"

namespace parley::integration {
namespace {

constexpr int kRooms = 6;
// More than two pages of history.
constexpr int kMessages = 500;
// Of one page and a half, by which the network breaks again and again.
constexpr uint64_t kBytesUntilACut = 120000;
constexpr int kCuts = 4;

std::string RoomName(int room) { return absl::StrCat("room-", room); }

class CatchUpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(bed_.server().Start());
    proxy_.SetTargetPort(bed_.server().port());
    alice_ = &bed_.AddDaemon("alice");
    bob_ = &bed_.AddDaemon("bob");
    bob_->options().server_url =
        absl::StrCat("http://127.0.0.1:", proxy_.port());
    for (Daemon* daemon : {alice_, bob_}) {
      ASSERT_OK(daemon->Start());
      for (int room = 0; room < kRooms; ++room) {
        ASSERT_OK(Calls(&daemon->client()).Join(RoomName(room)));
      }
    }
    ASSERT_OK(bob().WaitUntil([](const v1::DaemonStatus& status) {
      return status.rooms().joined() == kRooms;
    }));
  }

  Calls alice() { return Calls(&alice_->client()); }
  Calls bob() { return Calls(&bob_->client()); }

  void AliceWrites() {
    for (int i = 0; i < kMessages; ++i) {
      for (int room = 0; room < kRooms; ++room) {
        ASSERT_OK(alice().Send(RoomName(room), absl::StrCat(room, "/", i)));
      }
    }
    ASSERT_OK(alice().WaitUntilSent());
  }

  void BobCatchesUp() {
    ASSERT_OK(bob().WaitUntil([](const v1::DaemonStatus& status) {
      return status.connection().state() == v1::CONNECTION_STATE_READY &&
             status.rooms().joined() == kRooms &&
             status.sync().phase() == v1::SYNC_PHASE_COMPLETED &&
             status.sync().rooms_failed() == 0;
    }));
  }

  void CheckBobHasAll() {
    for (int room = 0; room < kRooms; ++room) {
      const auto expected = bed_.server().Texts(RoomName(room), "alice");
      ASSERT_OK(expected);
      const auto messages = bob().Messages(RoomName(room));
      ASSERT_OK(messages);
      std::vector<std::string> texts;
      for (const v1::Message& message : *messages) {
        texts.push_back(message.text());
      }
      EXPECT_EQ(texts, *expected) << RoomName(room);
    }
  }

  TcpProxy proxy_{0};
  TestBed bed_;
  Daemon* alice_ = nullptr;
  Daemon* bob_ = nullptr;
};

TEST_F(CatchUpTest, AfterAnAbsenceEverythingOnceInOrder) {
  bob_->Kill();
  AliceWrites();
  ASSERT_OK(bob_->Start());
  ASSERT_OK(bob().Status());
  BobCatchesUp();
  CheckBobHasAll();
}

TEST_F(CatchUpTest, ThroughANetworkThatBreaksAndKills) {
  bob_->Kill();
  AliceWrites();
  for (int cut = 0; cut < kCuts; ++cut) {
    // The next connection after the cut, which comes by itself.
    uint64_t accepted = proxy_.stats().accepted + 1;
    proxy_.CutAfterBytesToClient(kBytesUntilACut);
    if (!bob_->IsRunning()) {
      ++accepted;
      ASSERT_OK(bob_->Start());
      ASSERT_OK(bob().Status());
    }
    EXPECT_TRUE(WaitFor([&] { return proxy_.stats().accepted >= accepted; }));
    if (cut % 2 == 1) bob_->Kill();
  }
  ASSERT_OK(bob_->Start());
  ASSERT_OK(bob().Status());
  BobCatchesUp();
  CheckBobHasAll();
}

TEST_F(CatchUpTest, WhatIsWrittenMeanwhileComesToo) {
  bob_->Kill();
  AliceWrites();
  ASSERT_OK(bob_->Start());
  ASSERT_OK(bob().Status());
  ASSERT_OK(alice().Send(RoomName(0), "meanwhile"));
  ASSERT_OK(alice().WaitUntilSent());
  BobCatchesUp();
  EXPECT_TRUE(WaitFor([this] {
    const auto messages = bob().Messages(RoomName(0));
    return messages.ok() && messages->back().text() == "meanwhile";
  }));
  CheckBobHasAll();
}

}  // namespace
}  // namespace parley::integration
