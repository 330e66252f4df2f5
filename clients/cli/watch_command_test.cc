#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "clients/cli/cli_runner.h"

namespace parley::cli {
namespace {

using ::parley::client::DaemonError;
using ::parley::client::FakeDaemon;
using ::parley::client::FakeMethods;
using ::parley::client::FakeStream;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

grpc::Status Stopping() {
  return DaemonError(grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN",
                     "the daemon is stopping");
}

// Streams that stay open, but for the one of messages, which ends with `end`.
FakeMethods BusyDaemon(const std::optional<grpc::Status>& end) {
  FakeMethods methods;
  methods.watch_status = [](const v1::WatchStatusRequest&) {
    FakeStream<v1::WatchStatusResponse> stream;
    stream.responses.emplace_back()
        .add_updates()
        ->mutable_connection()
        ->set_state(v1::CONNECTION_STATE_READY);
    return stream;
  };
  methods.watch_rooms = [](const v1::WatchRoomsRequest&) {
    FakeStream<v1::WatchRoomsResponse> stream;
    stream.responses.emplace_back().set_caught_up(true);
    return stream;
  };
  methods.watch_outbox = [](const v1::WatchOutboxRequest&) {
    return FakeStream<v1::WatchOutboxResponse>();
  };
  methods.watch_sync = [](const v1::WatchSyncRequest&) {
    return FakeStream<v1::WatchSyncResponse>();
  };
  methods.watch_messages = [end](const v1::WatchMessagesRequest&) {
    FakeStream<v1::WatchMessagesResponse> stream;
    v1::Message* message =
        stream.responses.emplace_back().add_updates()->mutable_message();
    message->set_room("general");
    message->set_sender("bob");
    message->set_text("hello\nthere");
    message->mutable_sent_at()->set_seconds(1577934245);
    stream.responses[0].set_resume_token("t1");
    v1::Delivery* delivery =
        stream.responses.emplace_back().add_updates()->mutable_delivery();
    delivery->set_room("general");
    delivery->set_client_message_id("m1");
    delivery->set_state(v1::DELIVERY_STATE_SENT);
    stream.end = end;
    return stream;
  };
  return methods;
}

TEST(WatchTest, PrintsResponsesWithTheirTopic) {
  const FakeDaemon daemon(BusyDaemon(Stopping()));
  const RunResult result =
      CliRunner(daemon).Run({"watch", "--topics", "messages", "--json"});
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(result.err,
            "parleyctl: cannot watch any longer: the daemon is stopping\n");
  const auto lines = result.Json();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["topic"], "messages");
  EXPECT_EQ(lines[0]["updates"][0]["message"]["text"], "hello\nthere");
  EXPECT_EQ(lines[0]["resumeToken"], "t1");
  EXPECT_EQ(lines[0]["caughtUp"], false);
  EXPECT_EQ(lines[1]["updates"][0]["delivery"]["clientMessageId"], "m1");
}

TEST(WatchTest, EndsAllStreamsWithTheFirstThatEnds) {
  const FakeDaemon daemon(BusyDaemon(Stopping()));
  const RunResult result = CliRunner(daemon).Run({"watch", "--json"});
  EXPECT_EQ(result.code, 3);
  for (const auto& line : result.Json()) {
    EXPECT_TRUE(line.is_object()) << result.out;  // lines are never mixed up
  }
}

TEST(WatchTest, WatchesEachTopicOnce) {
  const FakeDaemon daemon(BusyDaemon(Stopping()));
  const RunResult result = CliRunner(daemon).Run(
      {"watch", "--topics", "messages,messages", "--json"});
  EXPECT_EQ(result.Json().size(), 2u);
}

TEST(WatchTest, PrintsLinesForPeople) {
  const FakeDaemon daemon(BusyDaemon(Stopping()));
  const RunResult result =
      CliRunner(daemon).Run({"watch", "--topics", "messages"});
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("2020-01-02 03:04 message general bob: hello "
                              "there\n"),
                    HasSubstr(" message general m1 sent\n")));
}

TEST(WatchTest, PrintsTheOtherTopicsForPeople) {
  FakeMethods methods;
  methods.watch_outbox = [](const v1::WatchOutboxRequest&) {
    FakeStream<v1::WatchOutboxResponse> stream;
    v1::WatchOutboxResponse& response = stream.responses.emplace_back();
    v1::OutboxEntry* entry = response.add_updates()->mutable_entry();
    entry->set_client_message_id("m1");
    entry->set_room("general");
    entry->set_state(v1::OUTBOX_STATE_SENDING);
    v1::RemovedOutboxEntry* removed = response.add_updates()->mutable_removed();
    removed->set_client_message_id("m1");
    removed->set_room("general");
    removed->set_message_id("s1");
    stream.end = Stopping();
    return stream;
  };
  methods.watch_rooms = [](const v1::WatchRoomsRequest&) {
    FakeStream<v1::WatchRoomsResponse> stream;
    v1::WatchRoomsResponse& response = stream.responses.emplace_back();
    v1::Room* room = response.add_updates()->mutable_room();
    room->set_name("general");
    room->set_membership(v1::MEMBERSHIP_JOINED);
    room->set_join_state(v1::JOIN_STATE_PENDING);
    response.add_updates()->set_removed_room("old");
    stream.end = Stopping();
    return stream;
  };
  methods.watch_status = [](const v1::WatchStatusRequest&) {
    FakeStream<v1::WatchStatusResponse> stream;
    v1::DaemonStatus status;
    status.mutable_connection()->set_state(v1::CONNECTION_STATE_READY);
    status.mutable_outbox()->set_queued(2);
    for (const int percent : {0, 1, 2}) {  // no news for this line
      status.mutable_sync()->set_progress_percent(percent);
      status.mutable_connection()->mutable_quality()->set_samples(percent);
      *stream.responses.emplace_back().add_updates() = status;
    }
    stream.end = Stopping();
    return stream;
  };
  methods.watch_sync = [](const v1::WatchSyncRequest&) {
    FakeStream<v1::WatchSyncResponse> stream;
    v1::SyncState* state = stream.responses.emplace_back().add_updates();
    state->set_phase(v1::SYNC_PHASE_RUNNING);
    state->set_progress_percent(10);
    state->set_rooms_total(2);
    stream.end = Stopping();
    return stream;
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);
  EXPECT_THAT(runner.Run({"watch", "--topics", "outbox"}).out,
              AllOf(HasSubstr(" outbox general m1 sending\n"),
                    HasSubstr(" outbox general m1 gone (sent as s1)\n")));
  EXPECT_THAT(runner.Run({"watch", "--topics", "rooms"}).out,
              AllOf(HasSubstr(" room general pending\n"),
                    HasSubstr(" room old left\n")));
  const std::string status = runner.Run({"watch", "--topics", "status"}).out;
  EXPECT_THAT(status,
              HasSubstr(" status READY (outbox: 2 queued, 0 failed)\n"));
  EXPECT_EQ(std::count(status.begin(), status.end(), '\n'), 1) << status;
  EXPECT_THAT(runner.Run({"watch", "--topics", "sync"}).out,
              HasSubstr(" sync running, 10 %, 0 of 2 rooms, 0 messages\n"));
}

TEST(WatchTest, SaysThatNoDaemonIsThere) {
  const FakeDaemon daemon{FakeMethods()};
  const RunResult result = CliRunner(daemon.socket_path() + "x").Run({"watch"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("no socket at"));
  EXPECT_THAT(result.err, Not(HasSubstr("ended the call")));
}

}  // namespace
}  // namespace parley::cli
