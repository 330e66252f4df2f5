#include "clients/cli/exit_code.h"

#include <gtest/gtest.h>

#include "clients/cpp/testing/fake_daemon.h"

namespace parley::cli {
namespace {

using grpc::StatusCode;

TEST(ExitCodeTest, SaysWhatTheDaemonsReasonMeans) {
  constexpr struct {
    const char* reason;
    StatusCode code;
    ExitCode expected;
  } kCases[] = {
      {"INVALID_ARGUMENT", StatusCode::INVALID_ARGUMENT, kUsage},
      {"NOT_FOUND", StatusCode::NOT_FOUND, kNotFound},
      {"OUTBOX_FULL", StatusCode::RESOURCE_EXHAUSTED, kLimitReached},
      {"MESSAGE_TOO_LARGE", StatusCode::INVALID_ARGUMENT, kLimitReached},
      {"IDEMPOTENCY_MISMATCH", StatusCode::ALREADY_EXISTS, kConflict},
      {"CREDENTIALS_REQUIRED", StatusCode::FAILED_PRECONDITION,
       kCredentialsNeeded},
      {"ACCOUNT_MISMATCH", StatusCode::FAILED_PRECONDITION, kCredentialsNeeded},
      {"NOT_IN_ROOM", StatusCode::FAILED_PRECONDITION, kRefused},
      {"TOO_MANY_ROOMS", StatusCode::RESOURCE_EXHAUSTED, kLimitReached},
      {"WRONG_STATE", StatusCode::FAILED_PRECONDITION, kRefused},
      {"UNSUPPORTED_BY_SERVER", StatusCode::UNIMPLEMENTED, kRefused},
      {"CONSUMER_LAGGED", StatusCode::RESOURCE_EXHAUSTED, kLimitReached},
      {"TOO_MANY_REQUESTS", StatusCode::RESOURCE_EXHAUSTED, kLimitReached},
      {"PEER_NOT_ALLOWED", StatusCode::PERMISSION_DENIED, kRefused},
      {"STORE_FULL", StatusCode::RESOURCE_EXHAUSTED, kLimitReached},
      {"STORE_FAILED", StatusCode::UNAVAILABLE, kRefused},
      {"STORE_FAILED", StatusCode::DATA_LOSS, kRefused},
      {"SHUTTING_DOWN", StatusCode::UNAVAILABLE, kUnreachable},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ExitCodeOf(client::DaemonError(c.code, c.reason, "")), c.expected)
        << c.reason;
  }
}

TEST(ExitCodeTest, SaysWhatGrpcsOwnErrorsMean) {
  EXPECT_EQ(ExitCodeOf(grpc::Status::OK), kDone);
  EXPECT_EQ(ExitCodeOf(grpc::Status(StatusCode::UNAVAILABLE, "")),
            kUnreachable);
  EXPECT_EQ(ExitCodeOf(grpc::Status(StatusCode::DEADLINE_EXCEEDED, "")),
            kTimedOut);
  EXPECT_EQ(ExitCodeOf(grpc::Status(StatusCode::UNIMPLEMENTED, "")), kRefused);
  EXPECT_EQ(ExitCodeOf(grpc::Status(StatusCode::INTERNAL, "")), kRefused);
}

}  // namespace
}  // namespace parley::cli
