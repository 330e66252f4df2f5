// kill9_test [CYCLES [SEED]]
//
// Cycles of: clients enqueue into three rooms while the daemon is offline or
// online, it is killed at a moment that the seed draws, it starts again. In
// the end the server's history is compared with what the daemon said.

#include <signal.h>

#include <atomic>
#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daemon/base/rng.h"
#include "gtest/gtest.h"
#include "tests/integration/harness/calls.h"
#include "tests/integration/harness/daemon.h"
#include "tests/integration/harness/realtime_server.h"
#include "tests/integration/harness/tcp_proxy.h"
#include "tests/integration/harness/test_bed.h"
#include "tests/integration/harness/wait_for.h"

namespace parley::integration {
namespace {

uint64_t cycles = 12;
uint64_t seed = 1;

constexpr char kUser[] = "alice";
// Of one room in one cycle: more than a window of ordered sends.
constexpr uint64_t kMaxMessages = 20;

struct Message {
  std::string client_id;
  bool accepted = false;
};

// A room and its one client, which sends one message after the other.
struct Room {
  std::string name;
  std::string prefix;             // of its client message ids
  std::vector<Message> messages;  // in the order of their first try
};

std::string TextOf(const std::string& client_id) {
  return absl::StrCat("this is ", client_id);
}

// What the seed has drawn for one cycle.
struct Plan {
  bool online = false;
  bool wait_until_ready = false;
  // Bytes to the server until the network fails; 0: it does not.
  uint64_t cut_after = 0;
  // The kill: so many messages were accepted; or so many bytes went to the
  // server, or came from it. The first that is reached.
  uint64_t accepted = UINT64_MAX;
  uint64_t bytes_up = UINT64_MAX;
  uint64_t bytes_down = UINT64_MAX;

  static Plan Draw(base::Rng* rng) {
    Plan plan;
    plan.online = !rng->OneIn(3);
    plan.wait_until_ready = plan.online && rng->OneIn(2);
    if (plan.online && rng->OneIn(4)) plan.cut_after = 1 + rng->Below(8000);
    switch (plan.online ? rng->Below(3) : 0) {
      case 0:
        plan.accepted = 1 + rng->Below(3 * kMaxMessages);
        break;
      case 1:
        plan.bytes_up = rng->Below(12000);
        break;
      case 2:
        plan.bytes_down = rng->Below(20000);
        break;
    }
    return plan;
  }
};

class Kill9Test : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(bed_.server().Start());
    proxy_.SetTargetPort(bed_.server().port());
    daemon_ = &bed_.AddDaemon(kUser);
    daemon_->options().server_url =
        absl::StrCat("http://127.0.0.1:", proxy_.port());
    ASSERT_OK(StartDaemon());
    for (Room& room : rooms_) ASSERT_OK(calls().Join(room.name));
  }

  // The channel of a client may not have noticed yet that its daemon was
  // killed; then its first call fails.
  absl::Status StartDaemon() {
    absl::Status status = daemon_->Start();
    if (!status.ok()) return status;
    WaitFor([&] {
      status = calls().Status().status();
      return status.ok();
    });
    return status;
  }

  Calls calls() { return Calls(&daemon_->client()); }

  // The client of a room, until the daemon is gone or it has said enough.
  void Chat(Room* room, const Plan& plan, uint64_t cycle, base::Rng rng) {
    Calls daemon = calls();
    // Whether the last one was accepted is not known: ask again, or never.
    if (!room->messages.empty() && !room->messages.back().accepted &&
        !rng.OneIn(3) && !Send(room, plan, &daemon)) {
      return;
    }
    const uint64_t count = 1 + rng.Below(kMaxMessages);
    for (uint64_t i = 0; i < count; ++i) {
      room->messages.push_back(
          {absl::StrCat(room->prefix, "-", cycle, "-", i)});
      if (!Send(room, plan, &daemon)) return;
    }
  }

  // Sends the room's last message; false when the daemon is gone.
  bool Send(Room* room, const Plan& plan, Calls* daemon) {
    Message& message = room->messages.back();
    const auto sent =
        daemon->Send(room->name, TextOf(message.client_id), message.client_id);
    if (!sent.ok()) {
      EXPECT_EQ(sent.status().code(), absl::StatusCode::kUnavailable)
          << sent.status();
      EXPECT_TRUE(killed_) << sent.status();
      return false;
    }
    message.accepted = true;
    if (accepted_.fetch_add(1) + 1 == plan.accepted) KillNow();
    return true;
  }

  // Without waiting for its end, so that what other threads are doing is cut
  // off in the middle.
  void KillNow() {
    killed_ = true;
    kill(pid_, SIGKILL);
  }

  void RunCycle(uint64_t cycle, base::Rng rng) {
    const Plan plan = Plan::Draw(&rng);
    proxy_.SetMode(plan.online ? TcpProxy::Mode::kForward
                               : TcpProxy::Mode::kClose);
    ASSERT_OK(StartDaemon());
    if (plan.wait_until_ready) ASSERT_OK(calls().WaitUntilReady());
    if (plan.cut_after > 0) proxy_.CutAfterBytesToServer(plan.cut_after);
    pid_ = daemon_->pid();
    killed_ = false;
    accepted_ = 0;
    const TcpProxy::Stats before = proxy_.stats();
    std::atomic<size_t> chatting = rooms_.size();
    std::vector<std::thread> clients;
    for (Room& room : rooms_) {
      clients.emplace_back([&, rng = rng.Fork()] {
        Chat(&room, plan, cycle, rng);
        --chatting;
      });
    }
    EXPECT_TRUE(WaitFor([&] {
      const TcpProxy::Stats stats = proxy_.stats();
      return killed_ || chatting == 0 ||
             stats.bytes_to_server - before.bytes_to_server >= plan.bytes_up ||
             stats.bytes_to_client - before.bytes_to_client >= plan.bytes_down;
    }));
    KillNow();
    for (std::thread& client : clients) client.join();
    daemon_->Kill();
    proxy_.CutAll();
  }

  void CheckHistory(const Room& room) {
    const auto history = bed_.server().History(room.name, kUser);
    ASSERT_OK(history);
    std::map<std::string, size_t> place;
    for (size_t i = 0; i < room.messages.size(); ++i) {
      place[room.messages[i].client_id] = i;
    }
    std::vector<bool> seen(room.messages.size());
    size_t next = 0;
    for (const auto& message : *history) {
      const std::string id = message.value("clientMessageId", "");
      ASSERT_EQ(place.count(id), 1u) << id << " was never sent";
      EXPECT_EQ(message.value("content", ""), TextOf(id));
      EXPECT_FALSE(seen[place[id]]) << id << " is there twice";
      EXPECT_GE(place[id], next) << id << " is too late";
      seen[place[id]] = true;
      next = place[id] + 1;
    }
    size_t accepted = 0;
    for (size_t i = 0; i < room.messages.size(); ++i) {
      if (!room.messages[i].accepted) continue;
      ++accepted;
      EXPECT_TRUE(seen[i]) << room.messages[i].client_id << " is lost";
    }
    std::cout << room.name << ": " << accepted << " messages accepted, "
              << history->size() << " in the history\n";
    EXPECT_GE(accepted, cycles) << "the daemon accepted hardly anything";
  }

  TestBed bed_;
  TcpProxy proxy_{0};
  Daemon* daemon_ = nullptr;
  std::vector<Room> rooms_ = {
      {"general", "a", {}}, {"random", "b", {}}, {"böse ☃", "c", {}}};

  std::atomic<pid_t> pid_ = 0;
  std::atomic<bool> killed_ = false;
  std::atomic<uint64_t> accepted_ = 0;
};

TEST_F(Kill9Test, NothingIsLostDoubledOrReordered) {
  daemon_->Kill();
  base::Rng rng(seed);
  for (uint64_t cycle = 0; cycle < cycles; ++cycle) {
    SCOPED_TRACE(absl::StrCat("seed ", seed, ", cycle ", cycle));
    RunCycle(cycle, rng.Fork());
    if (HasFatalFailure()) return;
  }
  proxy_.SetMode(TcpProxy::Mode::kForward);
  ASSERT_OK(StartDaemon());
  ASSERT_OK(calls().WaitUntilSent());
  for (const Room& room : rooms_) {
    CheckHistory(room);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace parley::integration

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  using parley::integration::cycles;
  using parley::integration::seed;
  if ((argc > 1 && !absl::SimpleAtoi(argv[1], &cycles)) ||
      (argc > 2 && !absl::SimpleAtoi(argv[2], &seed))) {
    std::cerr << "usage: " << argv[0] << " [CYCLES [SEED]]\n";
    return 2;
  }
  return RUN_ALL_TESTS();
}
