#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/cli/cli_runner.h"

namespace parley::cli {
namespace {

using ::parley::client::DaemonError;
using ::parley::client::FakeDaemon;
using ::parley::client::FakeMethods;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

v1::DaemonStatus WaitingStatus() {
  v1::DaemonStatus status;
  status.set_version("0.1.0");
  status.set_profile("work");
  status.set_pid(42);
  v1::ConnectionStatus* connection = status.mutable_connection();
  connection->set_state(v1::CONNECTION_STATE_WAITING);
  *connection->mutable_since() = Ago(absl::Seconds(150));
  connection->set_cause("the server refused the connection");
  connection->set_failed_attempts(3);
  *connection->mutable_next_retry_at() = Ago(absl::Minutes(-90));
  connection->set_server_url("ws://127.0.0.1:4000");
  connection->set_user_id("alice");
  connection->set_device_online(true);
  connection->set_server_reachability(v1::SERVER_REACHABILITY_UNREACHABLE);
  *connection->mutable_token_expires_at() = Ago(absl::Minutes(-50.5));
  v1::ServerCapabilities* server = status.mutable_server();
  server->set_dialect(v1::SERVER_DIALECT_FULL);
  server->set_protocol_version("2.0");
  server->set_deduplicates_sends(true);
  server->set_history(true);
  server->set_ordered_sends(true);
  server->set_ordered_window(16);
  status.mutable_outbox()->set_queued(3);
  status.mutable_outbox()->set_failed(1);
  status.mutable_outbox()->set_bytes(1229);
  status.mutable_outbox()->set_max_bytes(64 << 20);
  *status.mutable_outbox()->mutable_oldest_queued_at() =
      Ago(absl::Minutes(5) + absl::Seconds(20));
  status.mutable_rooms()->set_rooms(2);
  status.mutable_clients()->set_connections(1);
  status.mutable_store()->set_state(v1::STORE_STATE_SERVING);
  return status;
}

FakeMethods DaemonWith(const v1::DaemonStatus& status) {
  FakeMethods methods;
  methods.get_status = [status](const v1::GetStatusRequest&,
                                v1::GetStatusResponse* response) {
    *response->mutable_status() = status;
    return grpc::Status::OK;
  };
  return methods;
}

TEST(StatusCommandTest, TellsHowEverythingStands) {
  const FakeDaemon daemon(DaemonWith(WaitingStatus()));
  const RunResult result = CliRunner(daemon).Run({"status"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(
      result.out,
      "connection  WAITING\n"
      "            for 2 min, the server refused the connection, 3 failed "
      "attempts, next in 1 h\n"
      "network     the device is online, the server is not reachable\n"
      "account     alice\n"
      "token       expires in 50 min\n"
      "server      ws://127.0.0.1:4000\n"
      "            full dialect 2.0, recognises repeats, keeps history, 16 "
      "sends at once\n"
      "            but no message ids, forgets rooms\n"
      "outbox      3 queued (the oldest for 5 min), 1 failed, 1.2 KiB of 64 "
      "MiB\n"
      "rooms       2 rooms, 0 joined\n"
      "clients     1 connection, 0 streams\n"
      "store       serving\n"
      "daemon      parleyd 0.1.0, profile work, pid 42\n");
}

TEST(StatusCommandTest, TellsHowGoodAConnectionIs) {
  v1::DaemonStatus status = WaitingStatus();
  v1::ConnectionStatus* connection = status.mutable_connection();
  connection->set_state(v1::CONNECTION_STATE_READY);
  connection->set_server_reachability(v1::SERVER_REACHABILITY_REACHABLE);
  v1::ConnectionQuality* quality = connection->mutable_quality();
  quality->set_level(v1::QUALITY_LEVEL_GOOD);
  quality->mutable_average_latency()->set_nanos(120900000);
  quality->set_samples(5);
  quality->set_lost_samples(1);
  *connection->mutable_token_expires_at() = Ago(absl::Minutes(2.5));
  const FakeDaemon daemon(DaemonWith(status));
  EXPECT_THAT(
      CliRunner(daemon).Run({"status"}).out,
      AllOf(HasSubstr("network     the device is online, the server is "
                      "reachable\n"),
            HasSubstr("quality     good, 120 ms over 5 samples, 1 lost\n"),
            HasSubstr("token       expired 2 min ago\n")));

  connection->clear_quality();
  connection->set_device_online(false);
  connection->clear_server_reachability();
  const FakeDaemon fresh(DaemonWith(status));
  EXPECT_THAT(CliRunner(fresh).Run({"status"}).out,
              AllOf(HasSubstr("no network, the server was not tried yet\n"),
                    HasSubstr("quality     not measured yet\n")));
}

TEST(StatusCommandTest, TellsOfACatchUpThatIsOnOrDidNotReadAll) {
  v1::DaemonStatus status = WaitingStatus();
  status.mutable_connection()->set_state(v1::CONNECTION_STATE_CATCHING_UP);
  v1::SyncState* sync = status.mutable_sync();
  sync->set_phase(v1::SYNC_PHASE_RUNNING);
  sync->set_progress_percent(42);
  sync->set_rooms_total(50);
  sync->set_rooms_done(10);
  sync->set_messages_read(1200);
  const FakeDaemon catching_up(DaemonWith(status));
  EXPECT_THAT(
      CliRunner(catching_up).Run({"status"}).out,
      AllOf(HasSubstr("connection  CATCHING_UP\n"), HasSubstr("quality "),
            HasSubstr("sync        running, 42 %, 10 of 50 rooms, 1200 "
                      "messages\n")));

  sync->set_phase(v1::SYNC_PHASE_COMPLETED);
  sync->set_rooms_done(49);
  sync->set_rooms_failed(1);
  const FakeDaemon behind(DaemonWith(status));
  EXPECT_THAT(CliRunner(behind).Run({"status"}).out,
              HasSubstr("sync        completed, 49 of 50 rooms, 1 failed, 1200 "
                        "messages\n"));

  sync->set_rooms_failed(0);
  const FakeDaemon caught_up(DaemonWith(status));
  EXPECT_THAT(CliRunner(caught_up).Run({"status"}).out, Not(HasSubstr("sync")));
}

TEST(StatusCommandTest, TellsOfADaemonThatKnowsNothingYet) {
  const FakeDaemon daemon(DaemonWith(v1::DaemonStatus()));
  const RunResult result = CliRunner(daemon).Run({"status"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("account     not known yet\n"),
                                HasSubstr("server      not configured\n"),
                                HasSubstr("            none was met yet\n")));
}

TEST(StatusCommandTest, PrintsTheResponseAsJson) {
  const FakeDaemon daemon(DaemonWith(WaitingStatus()));
  const RunResult result = CliRunner(daemon).Run({"status", "--json"});
  EXPECT_EQ(result.code, 0);
  const nlohmann::json status = result.OneJson()["status"];
  EXPECT_EQ(status["connection"]["state"], "CONNECTION_STATE_WAITING");
  EXPECT_EQ(status["connection"]["userId"], "alice");
  EXPECT_EQ(status["outbox"]["queued"], 3);
  EXPECT_EQ(status["rooms"]["joined"], 0);  // a default is there as well
}

TEST(ConnectCommandTest, CallsConnectAndDisconnect) {
  FakeMethods methods;
  int connects = 0;
  int disconnects = 0;
  methods.connect = [&](const v1::ConnectRequest&, v1::ConnectResponse*) {
    ++connects;
    return grpc::Status::OK;
  };
  methods.disconnect = [&](const v1::DisconnectRequest&,
                           v1::DisconnectResponse*) {
    ++disconnects;
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);
  RunResult result = runner.Run({"connect"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "going online, and staying so\n");
  EXPECT_EQ(connects, 1);
  result = runner.Run({"disconnect", "--json"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "{}\n");
  EXPECT_EQ(disconnects, 1);
}

TEST(ConnectCommandTest, TellsWhatTheDaemonRefuses) {
  FakeMethods methods;
  methods.connect = [](const v1::ConnectRequest&, v1::ConnectResponse*) {
    return DaemonError(grpc::StatusCode::RESOURCE_EXHAUSTED, "STORE_FULL",
                       "the disk is full", absl::Seconds(5));
  };
  const FakeDaemon daemon(methods);
  const RunResult result = CliRunner(daemon).Run({"connect"});
  EXPECT_EQ(result.code, 5);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err,
            "parleyctl: cannot go online: the disk is full; try again in "
            "5s\n");
}

}  // namespace
}  // namespace parley::cli
