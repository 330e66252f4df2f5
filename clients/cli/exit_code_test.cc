#include "clients/cli/exit_code.h"

#include <gtest/gtest.h>

#include "clients/cpp/testing/fake_daemon.h"

namespace parley::cli {
namespace {

using grpc::StatusCode;

TEST(ExitCodeTest, SaysWhatTheDaemonsReasonMeans) {
  const struct {
    StatusCode code;
    const char* reason;
    ExitCode expected;
  } kCases[] = {
      {StatusCode::INVALID_ARGUMENT, "INVALID_ARGUMENT", kUsage},
      {StatusCode::NOT_FOUND, "NOT_FOUND", kNotFound},
      {StatusCode::RESOURCE_EXHAUSTED, "OUTBOX_FULL", kLimitReached},
      {StatusCode::INVALID_ARGUMENT, "MESSAGE_TOO_LARGE", kLimitReached},
      {StatusCode::ALREADY_EXISTS, "IDEMPOTENCY_MISMATCH", kConflict},
      {StatusCode::FAILED_PRECONDITION, "CREDENTIALS_REQUIRED",
       kCredentialsNeeded},
      {StatusCode::FAILED_PRECONDITION, "ACCOUNT_MISMATCH", kCredentialsNeeded},
      {StatusCode::FAILED_PRECONDITION, "NOT_IN_ROOM", kRefused},
      {StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_ROOMS", kLimitReached},
      {StatusCode::FAILED_PRECONDITION, "WRONG_STATE", kRefused},
      {StatusCode::UNIMPLEMENTED, "UNSUPPORTED_BY_SERVER", kRefused},
      {StatusCode::RESOURCE_EXHAUSTED, "CONSUMER_LAGGED", kLimitReached},
      {StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS", kLimitReached},
      {StatusCode::PERMISSION_DENIED, "PEER_NOT_ALLOWED", kRefused},
      {StatusCode::RESOURCE_EXHAUSTED, "STORE_FULL", kLimitReached},
      {StatusCode::UNAVAILABLE, "STORE_FAILED", kRefused},
      {StatusCode::DATA_LOSS, "STORE_FAILED", kRefused},
      {StatusCode::UNAVAILABLE, "SHUTTING_DOWN", kUnreachable},
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
