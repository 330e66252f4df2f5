#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

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

// Run 7, of two rooms.
v1::SyncState State(v1::SyncPhase phase, int percent, int done) {
  v1::SyncState state;
  state.set_phase(phase);
  state.set_trigger(v1::SYNC_TRIGGER_REQUEST);
  state.set_run(7);
  state.set_progress_percent(percent);
  state.set_rooms_total(2);
  state.set_rooms_done(done);
  state.set_messages_read(10 * percent);
  return state;
}

v1::SyncState OfRun(int64_t run, v1::SyncState state) {
  state.set_run(run);
  return state;
}

// A daemon whose run has begun, and whose watch then says `later`.
FakeMethods SyncingDaemon(const std::vector<v1::SyncState>& later) {
  FakeMethods methods;
  methods.start_sync = [](const v1::StartSyncRequest&,
                          v1::StartSyncResponse* response) {
    *response->mutable_state() = State(v1::SYNC_PHASE_RUNNING, 0, 0);
    return grpc::Status::OK;
  };
  methods.watch_sync = [later](const v1::WatchSyncRequest&) {
    FakeStream<v1::WatchSyncResponse> stream;
    for (const v1::SyncState& state : later) {
      *stream.responses.emplace_back().add_updates() = state;
      if (stream.responses.size() == 1) {
        stream.responses.emplace_back().set_caught_up(true);
      }
    }
    return stream;
  };
  return methods;
}

TEST(SyncNowTest, AsksForTheRoomAndTheDeadline) {
  FakeMethods methods = SyncingDaemon({});
  v1::StartSyncRequest seen;
  const auto start = methods.start_sync;
  methods.start_sync = [&](const v1::StartSyncRequest& request,
                           v1::StartSyncResponse* response) {
    seen = request;
    return start(request, response);
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);
  RunResult result = runner.Run({"sync", "now"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "running, 0 %, 0 of 2 rooms, 0 messages\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(seen.room(), "");
  EXPECT_FALSE(seen.has_deadline());

  result = runner.Run(
      {"sync", "now", "--room", "general", "--deadline", "1h", "--json"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.OneJson()["state"]["phase"], "SYNC_PHASE_RUNNING");
  EXPECT_EQ(result.OneJson()["state"]["run"], "7");
  EXPECT_EQ(seen.room(), "general");
  EXPECT_EQ(seen.deadline().seconds(), 3600);
  EXPECT_EQ(seen.deadline().nanos(), 0);
}

TEST(SyncNowTest, TellsTheDaemonsRefusal) {
  FakeMethods methods;
  methods.start_sync = [](const v1::StartSyncRequest&, v1::StartSyncResponse*) {
    return DaemonError(grpc::StatusCode::UNIMPLEMENTED, "UNSUPPORTED_BY_SERVER",
                       "the server keeps no history");
  };
  const FakeDaemon daemon(methods);
  const RunResult result = CliRunner(daemon).Run({"sync", "now", "--wait"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err,
            "parleyctl: cannot catch up: the server keeps no history\n");
}

TEST(SyncNowWaitTest, TellsTheProgressAndEndsWithTheRun) {
  const FakeDaemon daemon(
      SyncingDaemon({OfRun(6, State(v1::SYNC_PHASE_FAILED, 3, 0)),
                     State(v1::SYNC_PHASE_RUNNING, 50, 1),
                     State(v1::SYNC_PHASE_RUNNING, 50, 1),
                     State(v1::SYNC_PHASE_COMPLETED, 100, 2)}));
  const CliRunner runner(daemon);
  RunResult result = runner.Run({"sync", "now", "--wait"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "completed, 2 of 2 rooms, 1000 messages\n");
  EXPECT_EQ(result.err,
            "parleyctl: catching up: 50 %, 1 of 2 rooms, 500 messages\n");

  result = runner.Run({"sync", "now", "--wait", "--json"});
  EXPECT_EQ(result.OneJson()["state"]["phase"], "SYNC_PHASE_COMPLETED");
}

TEST(SyncNowWaitTest, ARunThatIsOverAtOnceIsNotWatched) {
  FakeMethods methods;
  methods.start_sync = [](const v1::StartSyncRequest&,
                          v1::StartSyncResponse* response) {
    *response->mutable_state() = State(v1::SYNC_PHASE_COMPLETED, 100, 2);
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  EXPECT_EQ(CliRunner(daemon).Run({"sync", "now", "--wait"}).code, 0);
}

TEST(SyncNowWaitTest, NamesTheRoomsThatCouldNotBeRead) {
  v1::SyncState end = State(v1::SYNC_PHASE_COMPLETED, 100, 0);
  end.set_rooms_failed(2);
  v1::SyncRoomError* error = end.add_errors();
  error->set_room("general");
  error->set_error("FORBIDDEN: members only");
  const FakeDaemon daemon(SyncingDaemon({end}));
  const RunResult result = CliRunner(daemon).Run({"sync", "now", "--wait"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "completed, 0 of 2 rooms, 2 failed, 1000 messages\n");
  EXPECT_EQ(result.err,
            "parleyctl: cannot catch up with room \"general\": FORBIDDEN: "
            "members only\n"
            "parleyctl: the same with 1 more room\n");
}

TEST(SyncNowWaitTest, TellsWhyItEndedBefore) {
  for (const auto phase : {v1::SYNC_PHASE_FAILED, v1::SYNC_PHASE_CANCELLED}) {
    v1::SyncState end = State(phase, 40, 1);
    end.set_error("the reason");
    const FakeDaemon daemon(SyncingDaemon({end}));
    const RunResult result = CliRunner(daemon).Run({"sync", "now", "--wait"});
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.err, HasSubstr("cannot catch up: the reason; what was "
                                      "read is kept"));
  }
}

TEST(SyncNowWaitTest, AsksAgainWhenTheEndWasNotSeen) {
  FakeMethods methods;
  std::atomic<int> starts = 0;
  std::atomic<int64_t> deadline = 0;  // of the last request, in milliseconds
  methods.start_sync = [&](const v1::StartSyncRequest& request,
                           v1::StartSyncResponse* response) {
    deadline = request.deadline().seconds() * 1000 +
               request.deadline().nanos() / 1000000;
    *response->mutable_state() =
        OfRun(7 + starts++, State(v1::SYNC_PHASE_RUNNING, 0, 0));
    return grpc::Status::OK;
  };
  methods.watch_sync = [&](const v1::WatchSyncRequest&) {
    FakeStream<v1::WatchSyncResponse> stream;
    *stream.responses.emplace_back().add_updates() =
        OfRun(8, starts == 1 ? State(v1::SYNC_PHASE_RUNNING, 5, 0)
                             : State(v1::SYNC_PHASE_COMPLETED, 100, 2));
    return stream;
  };
  const FakeDaemon daemon(methods);
  const RunResult result =
      CliRunner(daemon).Run({"sync", "now", "--wait", "--deadline", "1h"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(starts, 2);
  // The same moment as before.
  EXPECT_GT(deadline, 0);
  EXPECT_LT(deadline, 3600 * 1000);
}

TEST(SyncNowWaitTest, EndsWhenTheTimeIsOver) {
  const FakeDaemon daemon(
      SyncingDaemon({State(v1::SYNC_PHASE_RUNNING, 50, 1)}));
  const RunResult result =
      CliRunner(daemon).Run({"sync", "now", "--wait", "--timeout", "300ms"});
  EXPECT_EQ(result.code, 6);
  EXPECT_EQ(result.out, "running, 50 %, 1 of 2 rooms, 500 messages\n");
  EXPECT_THAT(result.err, HasSubstr("not caught up within 300ms"));
}

TEST(SyncNowWaitTest, EndsWithTheDaemon) {
  FakeMethods methods = SyncingDaemon({});
  methods.watch_sync = [](const v1::WatchSyncRequest&) {
    FakeStream<v1::WatchSyncResponse> stream;
    stream.end = DaemonError(grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN",
                             "the daemon is stopping");
    return stream;
  };
  const FakeDaemon daemon(methods);
  const RunResult result = CliRunner(daemon).Run({"sync", "now", "--wait"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("cannot tell whether it has caught up: the "
                                    "daemon is stopping"));
}

TEST(SyncStateTest, TellsHowItWent) {
  v1::SyncState state = State(v1::SYNC_PHASE_FAILED, 40, 1);
  state.set_trigger(v1::SYNC_TRIGGER_CONNECT);
  state.set_error("the connection was lost");
  state.set_rooms_failed(1);
  state.set_rooms_restarted(1);
  state.mutable_started_at()->set_seconds(1577934245);
  state.mutable_ended_at()->set_seconds(1577934305);
  v1::SyncRoomError* error = state.add_errors();
  error->set_room("general");
  error->set_error("FORBIDDEN: members only");
  FakeMethods methods;
  methods.get_sync_state = [state](const v1::GetSyncStateRequest&,
                                   v1::GetSyncStateResponse* response) {
    *response->mutable_state() = state;
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);
  const RunResult result = runner.Run({"sync", "state"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out,
            "state      failed, 1 of 2 rooms, 1 failed, 400 messages: the "
            "connection was lost\n"
            "begun by   a connect\n"
            "began      2020-01-02 03:04\n"
            "ended      2020-01-02 03:05\n"
            "restarted  1 room, whose history began anew on the server\n"
            "error      general: FORBIDDEN: members only\n");
  EXPECT_EQ(runner.Run({"sync", "state", "--json"})
                .OneJson()["state"]["errors"][0]["room"],
            "general");
}

TEST(SyncStateTest, TellsThatThereWasNone) {
  FakeMethods methods;
  methods.get_sync_state = [](const v1::GetSyncStateRequest&,
                              v1::GetSyncStateResponse* response) {
    response->mutable_state()->set_phase(v1::SYNC_PHASE_IDLE);
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  EXPECT_EQ(CliRunner(daemon).Run({"sync", "state"}).out,
            "state  none since the daemon started\n");
}

TEST(SyncStateTest, NamesEveryTrigger) {
  for (int i = v1::SyncTrigger_MIN + 1; i <= v1::SyncTrigger_MAX; ++i) {
    FakeMethods methods;
    methods.get_sync_state = [i](const v1::GetSyncStateRequest&,
                                 v1::GetSyncStateResponse* response) {
      v1::SyncState* state = response->mutable_state();
      *state = State(v1::SYNC_PHASE_COMPLETED, 100, 2);
      state->set_trigger(static_cast<v1::SyncTrigger>(i));
      return grpc::Status::OK;
    };
    const FakeDaemon daemon(methods);
    EXPECT_THAT(CliRunner(daemon).Run({"sync", "state"}).out,
                AllOf(HasSubstr("begun by  "), Not(HasSubstr("else"))));
  }
}

TEST(SyncCancelTest, TellsHowFarItCame) {
  FakeMethods methods;
  methods.cancel_sync = [](const v1::CancelSyncRequest&,
                           v1::CancelSyncResponse* response) {
    *response->mutable_state() = State(v1::SYNC_PHASE_CANCELLED, 40, 1);
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);
  const RunResult result = runner.Run({"sync", "cancel"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "cancelled, 1 of 2 rooms, 400 messages\n");
  EXPECT_EQ(
      runner.Run({"sync", "cancel", "--json"}).OneJson()["state"]["phase"],
      "SYNC_PHASE_CANCELLED");
}

}  // namespace
}  // namespace parley::cli
