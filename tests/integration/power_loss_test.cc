// A script of some forty messages, with the power cut at each write to the
// disk that it leads to: the engine of the daemon, RocksDB on real files, and a
// server in virtual time.

#include <deque>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "clients/cpp/testing/temp_dir.h"
#include "daemon/base/rng.h"
#include "daemon/core/api/effect.h"
#include "daemon/core/api/event.h"
#include "daemon/model/connection.h"
#include "daemon/model/ids.h"
#include "daemon/model/outbox.h"
#include "daemon/storage/queries.h"
#include "daemon/storage/rocksdb/fault_file_system.h"
#include "gtest/gtest.h"
#include "tests/integration/no_sync_file_system.h"
#include "tests/integration/power_loss_device.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_server.h"
#include "tests/sim/trace.h"

namespace parley::integration {
namespace {

using Tail = storage::FaultFileSystem::Tail;

constexpr char kUser[] = "alice";
// Of virtual time: far longer than any timeout and backoff together.
constexpr absl::Duration kConvergeWithin = absl::Minutes(10);

// What a client does next: a call, something that happens to the network, or
// nothing for a while.
using Step =
    std::variant<core::CommandBody, std::function<void()>, absl::Duration>;

// What the script's client knows of one message.
struct Message {
  std::string room;
  bool accepted = false;  // it was told so
  bool retried = false;   // hence perhaps not at its first place
  std::optional<model::CancelOutcome> cancelled;
  bool cancel_asked = false;
};

// One run of the script, with the power lost as `power_losses` of
// PowerLossDevice::Options says.
class ScriptRun : public DeviceClients, public sim::ServerObserver {
 public:
  explicit ScriptRun(std::vector<uint64_t> power_losses,
                     Tail tail = Tail::kDrop);

  void ToTheEnd();

  size_t power_losses() const { return device_.power_losses(); }
  const std::map<std::string, int>& seen() const { return seen_; }

 private:
  void WriteScript();
  void Send(const std::string& room, int count, const std::string& mark = "");
  void Call(core::CommandBody body) { script_.emplace_back(std::move(body)); }
  void Do(std::function<void()> action) { script_.emplace_back(action); }
  void Pause(absl::Duration duration) { script_.emplace_back(duration); }
  std::string LastId() const;

  void Act();
  bool AtRest() const;
  std::string WhatIsLeft() const;
  void CheckTheEnd();

  // DeviceClients.
  void OnReply(const core::Reply& reply) override;
  void OnStoreOpened(const storage::StoreReader& store) override;
  void OnPowerLost() override;
  // sim::ServerObserver.
  void OnAppended(const sim::LogEntry& entry) override;
  void OnRefused(const std::string& room, const std::string& client_id,
                 const std::string& code) override;
  void OnHistoryLost() override {}

  static sim::ServerOptions ServerOptions();
  PowerLossDevice::Options DeviceOptions(std::vector<uint64_t> power_losses,
                                         Tail tail) const;

  client::TempDir folder_;
  std::shared_ptr<storage::FaultFileSystem> file_system_;
  sim::Scheduler scheduler_;
  sim::Trace trace_{&scheduler_, sim::Trace::Keep::kLastLines};
  sim::Probes probes_;
  sim::SimNetwork network_{&scheduler_, &trace_, &probes_, base::Rng(1)};
  sim::SimServer server_{ServerOptions(), &scheduler_, &network_, this,
                         base::Rng(2)};
  PowerLossDevice device_;

  std::deque<Step> script_;
  std::map<core::CallId, core::CommandBody> calls_;  // not answered
  uint64_t last_call_ = 0;
  std::map<std::string, Message> messages_;                // by client id
  std::map<std::string, std::vector<std::string>> rooms_;  // ids, in order
  std::optional<model::CoreStatus> status_;
  std::set<std::string> at_server_;
  std::map<std::string, int> seen_;  // what happened, how often
};

sim::ServerOptions ScriptRun::ServerOptions() {
  sim::ServerOptions options;
  options.fail_rooms = {{"ops", "FORBIDDEN", 1},
                        {"random", "LOST_ACK", 2},
                        {"quiet", "RATE_LIMITED", 2}};
  return options;
}

PowerLossDevice::Options ScriptRun::DeviceOptions(
    std::vector<uint64_t> power_losses, Tail tail) const {
  PowerLossDevice::Options options;
  options.user = kUser;
  options.store_directory = folder_.path() + "/store";
  options.file_system = file_system_;
  options.tail = tail;
  options.power_losses = std::move(power_losses);
  return options;
}

ScriptRun::ScriptRun(std::vector<uint64_t> power_losses, Tail tail)
    : file_system_(std::make_shared<storage::FaultFileSystem>(
          std::make_shared<NoSyncFileSystem>(), folder_.path() + "/trash")),
      device_(DeviceOptions(std::move(power_losses), tail), &scheduler_,
              &network_, this) {
  std::filesystem::create_directory(folder_.path() + "/trash");
  network_.SetServer(&server_);
  WriteScript();
}

// --- The script --------------------------------------------------------------

void ScriptRun::Send(const std::string& room, int count,
                     const std::string& mark) {
  for (int i = 0; i < count; ++i) {
    core::SendMessage send;
    send.room = model::RoomId(room);
    send.client_id =
        model::ClientMessageId(absl::StrCat("m", messages_.size() + 1));
    send.content.text = absl::StrCat("this is ", send.client_id.value(), mark);
    messages_[send.client_id.value()].room = room;
    rooms_[room].push_back(send.client_id.value());
    Call(std::move(send));
    // Not all commits hold several messages.
    if (room != "general") Pause(absl::Milliseconds(3));
  }
}

std::string ScriptRun::LastId() const {
  return absl::StrCat("m", messages_.size());
}

void ScriptRun::WriteScript() {
  for (const char* room : {"general", "random", "ops", "quiet"}) {
    Call(core::JoinRoom{model::RoomId(room)});
  }
  // Some are queued before there is a connection, some while it lasts.
  Send("general", 5);
  Send("random", 3);
  Pause(absl::Milliseconds(200));
  Send("general", 6);
  Send("quiet", 3);
  Pause(absl::Milliseconds(5));
  Send("random", 3);
  Pause(absl::Seconds(5));
  // Parked, and sent again; one that stays parked; one that is cancelled on
  // its way.
  Send("ops", 1);
  const std::string refused = LastId();
  Pause(absl::Seconds(1));
  Send("ops", 2);
  Call(core::RetryMessage{model::ClientMessageId(refused)});
  messages_[refused].retried = true;
  Send("ops", 1, " !invalid");
  Send("ops", 1);
  Send("general", 1);
  Call(core::CancelMessage{model::ClientMessageId(LastId())});
  // The network fails with messages on their way, and what was queued
  // meanwhile follows; one of them is cancelled before it can leave.
  Send("general", 3);
  Send("random", 2);
  Do([this] {
    network_.CutAll();
    network_.SetServerUp(false);
  });
  Send("general", 4);
  const std::string withdrawn = LastId();
  Call(core::CancelMessage{model::ClientMessageId(withdrawn)});
  Send("quiet", 2);
  Pause(absl::Seconds(2));
  Do([this] { network_.SetServerUp(true); });
  Pause(absl::Seconds(20));
  // Offline on purpose.
  Call(core::Disconnect{});
  Send("general", 2);
  Call(core::LeaveRoom{model::RoomId("ops")});
  Call(core::Connect{});
  Send("random", 2);
  Pause(absl::Seconds(5));
}

void ScriptRun::Act() {
  scheduler_.After(absl::Milliseconds(1), [this] {
    absl::Duration pause;
    if (device_.up() && !script_.empty()) {
      Step step = std::move(script_.front());
      script_.pop_front();
      if (auto* body = std::get_if<core::CommandBody>(&step)) {
        const core::CallId call(++last_call_);
        calls_[call] = *body;
        device_.Call({call, std::move(*body)});
      } else if (auto* action = std::get_if<std::function<void()>>(&step)) {
        (*action)();
      } else {
        pause = std::get<absl::Duration>(step);
      }
    }
    scheduler_.After(pause, [this] { Act(); });
  });
}

// --- What the client learns --------------------------------------------------

void ScriptRun::OnReply(const core::Reply& reply) {
  const auto call = calls_.find(reply.call);
  ASSERT_NE(call, calls_.end());
  const core::CommandBody body = std::move(call->second);
  calls_.erase(call);
  if (const auto* send = std::get_if<core::SendMessage>(&body)) {
    EXPECT_TRUE(reply.result.ok()) << reply.result.status();
    messages_[send->client_id.value()].accepted = true;
  } else if (const auto* cancel = std::get_if<core::CancelMessage>(&body)) {
    Message& message = messages_[cancel->client_id.value()];
    message.cancel_asked = true;
    // Asked again after a crash, it may be gone already.
    if (!reply.result.ok()) return;
    const auto& told = std::get<core::CancelReply>(*reply.result);
    message.cancelled = told.outcome;
    seen_["cancelled"] += told.outcome == model::CancelOutcome::kCancelled;
  } else if (std::holds_alternative<core::RetryMessage>(body)) {
    seen_["retried"] += reply.result.ok();
  } else if (std::holds_alternative<core::GetStatus>(body)) {
    status_ = std::get<core::StatusReply>(*reply.result).status;
  } else {
    EXPECT_TRUE(reply.result.ok()) << reply.result.status();
  }
}

// The client asks again for what it was not told.
void ScriptRun::OnPowerLost() {
  for (auto it = calls_.rbegin(); it != calls_.rend(); ++it) {
    if (const auto* cancel = std::get_if<core::CancelMessage>(&it->second)) {
      messages_[cancel->client_id.value()].cancel_asked = true;
    }
    script_.emplace_front(std::move(it->second));
  }
  calls_.clear();
  status_.reset();
}

// Before anything is asked or sent again: what was told is there.
void ScriptRun::OnStoreOpened(const storage::StoreReader& store) {
  for (const auto& [id, message] : messages_) {
    if (!message.accepted) continue;
    const auto record =
        storage::GetSentRecord(store, model::ClientMessageId(id));
    ASSERT_TRUE(record.ok()) << record.status();
    ASSERT_TRUE(record->has_value()) << id << " is forgotten";
    using Outcome = model::SentRecord::Outcome;
    switch ((*record)->outcome) {
      case Outcome::kQueued:
      case Outcome::kFailed: {
        const auto entry =
            storage::GetOutboxEntry(store, model::ClientMessageId(id));
        ASSERT_TRUE(entry.ok()) << entry.status();
        EXPECT_TRUE(entry->has_value()) << id << " is not in the outbox";
        break;
      }
      case Outcome::kSent:
        EXPECT_EQ(at_server_.count(id), 1u) << id << " was not sent";
        break;
      case Outcome::kCancelled:
      case Outcome::kCancelledAfterSend:
        EXPECT_TRUE(message.cancel_asked) << id << " was cancelled";
        break;
    }
  }
}

void ScriptRun::OnAppended(const sim::LogEntry& entry) {
  EXPECT_TRUE(at_server_.insert(entry.client_id).second)
      << entry.client_id << " is there twice";
}

void ScriptRun::OnRefused(const std::string& room, const std::string& client_id,
                          const std::string& code) {
  ++seen_[code];
}

// --- The end -----------------------------------------------------------------

bool ScriptRun::AtRest() const {
  return script_.empty() && calls_.empty() && device_.idle() &&
         status_.has_value() && status_->outbox.queued == 0 &&
         status_->connection.state == model::ConnectionState::kReady;
}

std::string ScriptRun::WhatIsLeft() const {
  std::string left =
      absl::StrCat(script_.size(), " steps, ", calls_.size(), " calls");
  if (!status_.has_value()) return left;
  absl::StrAppend(&left, ", ", status_->outbox.queued, " messages; ",
                  model::ConnectionStateName(status_->connection.state), ": ",
                  status_->connection.last_error_message);
  return left;
}

void ScriptRun::ToTheEnd() {
  device_.Start();
  Act();
  const base::MonotonicTime end = scheduler_.now() + kConvergeWithin;
  while (true) {
    const base::MonotonicTime next = scheduler_.now() + absl::Milliseconds(500);
    while (scheduler_.RunNext(next)) {
    }
    if (testing::Test::HasFailure()) return;
    if (AtRest()) break;
    ASSERT_LT(scheduler_.now(), end)
        << "it does not converge: " << WhatIsLeft();
    if (script_.empty()) Call(core::GetStatus{});
  }
  CheckTheEnd();
}

void ScriptRun::CheckTheEnd() {
  std::map<std::string, std::vector<std::string>> history;
  for (const sim::LogEntry& entry : server_.log()) {
    if (!messages_[entry.client_id].retried) {
      history[entry.room].push_back(entry.client_id);
    }
  }
  std::map<std::string, std::vector<std::string>> expected;
  for (const auto& [room, ids] : rooms_) {
    for (const std::string& id : ids) {
      const Message& message = messages_[id];
      EXPECT_TRUE(message.accepted) << id;
      const bool there = at_server_.count(id) > 0;
      if (message.cancelled == model::CancelOutcome::kCancelled) {
        EXPECT_FALSE(there) << id << " was cancelled, and sent";
      } else if (message.cancelled == model::CancelOutcome::kAlreadySent) {
        EXPECT_TRUE(there) << id << " was said to be sent";
      } else if (!there && !message.cancel_asked) {
        // It must be parked, for a person to see.
        const auto entry = storage::GetOutboxEntry(device_.store(),
                                                   model::ClientMessageId(id));
        ASSERT_TRUE(entry.ok()) << entry.status();
        ASSERT_TRUE(entry->has_value()) << id << " is lost";
        EXPECT_EQ((*entry)->state, model::OutboxState::kFailed) << id;
        ++seen_["parked"];
      }
      if (there && !message.retried) expected[room].push_back(id);
    }
  }
  EXPECT_EQ(history, expected);
}

// --- The tests ---------------------------------------------------------------

TEST(PowerLossTest, TheScriptHasAllThatItSays) {
  ScriptRun run({});
  run.ToTheEnd();
  EXPECT_EQ(run.power_losses(), 0u);
  for (const char* what :
       {"INVALID_PAYLOAD", "OUT_OF_ORDER", "retried", "cancelled", "parked"}) {
    EXPECT_GT(run.seen().count(what), 0u) << what << " was not seen";
  }
}

// Every write point is in one of so many slices, which shards run at one time.
constexpr uint64_t kSlices = 8;

class PowerLossAtTest : public testing::TestWithParam<uint64_t> {
 protected:
  // Runs the script with power lost at each point of the slice, and again
  // `again(point)` points later; 0: not again.
  void VisitAll(Tail tail, uint64_t (*again)(uint64_t point)) {
    uint64_t visited = 0;
    for (uint64_t point = 1 + GetParam();; point += kSlices) {
      SCOPED_TRACE(absl::StrCat("power lost at write point ", point));
      std::vector<uint64_t> losses = {point};
      if (again(point) > 0) losses.push_back(again(point));
      ScriptRun run(losses, tail);
      run.ToTheEnd();
      if (HasFailure() || run.power_losses() == 0) break;
      ++visited;
    }
    std::cout << visited << " write points visited\n";
    EXPECT_GT(visited, 10u);
  }

  static uint64_t Never(uint64_t) { return 0; }
  // Mostly while it recovers from the first.
  static uint64_t Soon(uint64_t point) { return 1 + point * 13 % 50; }
};

TEST_P(PowerLossAtTest, DropsWhatWasNotSynced) { VisitAll(Tail::kDrop, Never); }

TEST_P(PowerLossAtTest, TearsWhatWasNotSynced) { VisitAll(Tail::kTear, Never); }

TEST_P(PowerLossAtTest, ScramblesWhatWasNotSynced) {
  VisitAll(Tail::kScramble, Never);
}

TEST_P(PowerLossAtTest, LosesPowerAgain) { VisitAll(Tail::kDrop, Soon); }

INSTANTIATE_TEST_SUITE_P(EveryWritePoint, PowerLossAtTest,
                         testing::Range<uint64_t>(0, kSlices));

}  // namespace
}  // namespace parley::integration
