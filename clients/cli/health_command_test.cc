#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>

#include "clients/cli/cli_runner.h"
#include "clients/cpp/testing/temp_dir.h"

namespace parley::cli {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::parley::client::FakeDaemon;
using ::parley::client::FakeMethods;
using ::parley::client::FakeStream;
using ::testing::HasSubstr;

// The daemon serves, its connection does not.
FakeMethods OfflineDaemon() {
  FakeMethods methods;
  methods.health_check = [](const HealthCheckRequest& request,
                            HealthCheckResponse* response) {
    response->set_status(request.service() == "parley.upstream"
                             ? HealthCheckResponse::NOT_SERVING
                             : HealthCheckResponse::SERVING);
    return grpc::Status::OK;
  };
  methods.health_watch = [](const HealthCheckRequest& request) {
    FakeStream<HealthCheckResponse> stream;
    stream.responses.emplace_back().set_status(
        HealthCheckResponse::NOT_SERVING);
    if (request.service().empty()) {
      stream.responses.emplace_back().set_status(HealthCheckResponse::SERVING);
    }
    return stream;
  };
  methods.get_status = [](const v1::GetStatusRequest&,
                          v1::GetStatusResponse* response) {
    v1::ConnectionStatus* connection =
        response->mutable_status()->mutable_connection();
    connection->set_state(v1::CONNECTION_STATE_STOPPED);
    connection->set_cause("disconnected on purpose");
    return grpc::Status::OK;
  };
  return methods;
}

TEST(HealthTest, IsWellWhileDisconnected) {
  const FakeDaemon daemon(OfflineDaemon());
  const CliRunner runner(daemon);
  const RunResult result = runner.Run({"health"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "serving\n");
  EXPECT_EQ(runner.Run({"health", "--json"}).OneJson()["status"], "SERVING");
}

TEST(HealthTest, AsksForTheConnection) {
  const FakeDaemon daemon(OfflineDaemon());
  const RunResult result = CliRunner(daemon).Run({"health", "--upstream"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "not serving\n");
  EXPECT_EQ(result.err,
            "parleyctl: not healthy: the connection is STOPPED, disconnected "
            "on purpose\n");
}

TEST(HealthTest, TellsThatCredentialsAreNeeded) {
  FakeMethods methods = OfflineDaemon();
  methods.get_status = [](const v1::GetStatusRequest&,
                          v1::GetStatusResponse* response) {
    v1::ConnectionStatus* connection =
        response->mutable_status()->mutable_connection();
    connection->set_state(v1::CONNECTION_STATE_CREDENTIALS_REQUIRED);
    connection->set_cause("the server refused the token");
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const RunResult result = CliRunner(daemon).Run({"health", "--upstream"});
  EXPECT_EQ(result.code, 4);
  EXPECT_THAT(result.err, HasSubstr("CREDENTIALS_REQUIRED, the server refused "
                                    "the token"));
}

TEST(HealthTest, TellsWhatIsWrongWithTheStore) {
  FakeMethods methods;
  methods.health_check = [](const HealthCheckRequest&,
                            HealthCheckResponse* response) {
    response->set_status(HealthCheckResponse::NOT_SERVING);
    return grpc::Status::OK;
  };
  methods.get_status = [](const v1::GetStatusRequest&,
                          v1::GetStatusResponse* response) {
    v1::StoreStatus* store = response->mutable_status()->mutable_store();
    store->set_state(v1::STORE_STATE_FULL);
    store->set_error("no space left on device");
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const RunResult result = CliRunner(daemon).Run({"health"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err,
              HasSubstr("the store is full: no space left on device"));
}

TEST(HealthTest, IsUnreachableWithoutADaemon) {
  const client::TempDir dir;
  EXPECT_EQ(CliRunner(dir.path() + "/s").Run({"health"}).code, 3);
}

TEST(HealthWaitTest, WaitsUntilTheDaemonServes) {
  const FakeDaemon daemon(OfflineDaemon());
  EXPECT_EQ(CliRunner(daemon).Run({"health", "--wait", "30s"}).code, 0);
}

TEST(HealthWaitTest, EndsWhenTheTimeIsOver) {
  const FakeDaemon daemon(OfflineDaemon());
  const RunResult result =
      CliRunner(daemon).Run({"health", "--wait", "200ms", "--upstream"});
  EXPECT_EQ(result.code, 6);
  EXPECT_THAT(result.err, HasSubstr("not healthy after 200ms: the connection "
                                    "is STOPPED"));
}

TEST(HealthWaitTest, OutlastsADaemonThatEndsTheWatch) {
  FakeMethods methods;
  std::atomic<int> watches = 0;
  methods.health_watch = [&watches](const HealthCheckRequest&) {
    FakeStream<HealthCheckResponse> stream;
    if (++watches < 3) {
      stream.end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "starting");
    } else {
      stream.responses.emplace_back().set_status(HealthCheckResponse::SERVING);
    }
    return stream;
  };
  const FakeDaemon daemon(methods);
  EXPECT_EQ(CliRunner(daemon).Run({"health", "--wait", "30s"}).code, 0);
  EXPECT_EQ(watches, 3);
}

TEST(HealthWaitTest, EndsWithSixWithoutADaemonToo) {
  const client::TempDir dir;
  const RunResult result =
      CliRunner(dir.path() + "/s").Run({"health", "--wait", "200ms"});
  EXPECT_EQ(result.code, 6);
  EXPECT_THAT(result.err, HasSubstr("there is no socket at"));
}

TEST(HealthWaitTest, CoversASocketThatIsNotThereYet) {
  const client::TempDir dir;
  const std::string path = dir.path() + "/s";
  int code = -1;
  std::thread waiter([&code, &path] {
    code = CliRunner(path).Run({"health", "--wait", "30s"}).code;
  });
  const FakeDaemon daemon(OfflineDaemon(), path);
  waiter.join();
  EXPECT_EQ(code, 0);
}

TEST(HealthWaitTest, CoversASocketThatNobodyListensOn) {
  const client::TempDir dir;
  const std::string path = dir.path() + "/s";
  const std::string kept = dir.path() + "/kept";
  {
    // What a daemon leaves behind when it is killed.
    const FakeDaemon killed(OfflineDaemon(), path);
    ASSERT_EQ(link(path.c_str(), kept.c_str()), 0);
  }
  ASSERT_EQ(rename(kept.c_str(), path.c_str()), 0);
  ASSERT_FALSE(CliRunner(path).Run({"health"}).code == 0);

  int code = -1;
  std::thread waiter([&code, &path] {
    code = CliRunner(path).Run({"health", "--wait", "30s"}).code;
  });
  const FakeDaemon daemon(OfflineDaemon(), path);
  waiter.join();
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace parley::cli
