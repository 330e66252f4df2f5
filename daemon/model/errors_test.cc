#include "daemon/model/errors.h"

#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace parley::model {
namespace {

TEST(ErrorsTest, EveryReasonHasItsOwnNameAndSurvivesAttachment) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(ErrorReason::kShuttingDown); ++i) {
    const auto reason = static_cast<ErrorReason>(i);
    const std::string name(ErrorReasonName(reason));
    EXPECT_NE(name, "UNKNOWN");
    EXPECT_TRUE(names.insert(name).second) << name;
    const absl::Status status =
        MakeError(absl::StatusCode::kInternal, reason, "words");
    EXPECT_EQ(ErrorReasonOf(status), reason);
    EXPECT_EQ(status.message(), "words");
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  }
  EXPECT_EQ(ErrorReasonName(ErrorReason::kOutboxFull), "OUTBOX_FULL");
  EXPECT_EQ(ErrorReasonName(static_cast<ErrorReason>(99)), "UNKNOWN");
}

TEST(ErrorsTest, FallsBackOnTheCode) {
  EXPECT_EQ(ErrorReasonOf(absl::InvalidArgumentError("x")),
            ErrorReason::kInvalidArgument);
  EXPECT_EQ(ErrorReasonOf(absl::OutOfRangeError("x")),
            ErrorReason::kInvalidArgument);
  EXPECT_EQ(ErrorReasonOf(absl::NotFoundError("x")), ErrorReason::kNotFound);
  EXPECT_EQ(ErrorReasonOf(absl::FailedPreconditionError("x")),
            ErrorReason::kWrongState);
  EXPECT_EQ(ErrorReasonOf(absl::ResourceExhaustedError("x")),
            ErrorReason::kTooManyRequests);
  EXPECT_EQ(ErrorReasonOf(absl::UnimplementedError("x")),
            ErrorReason::kUnsupportedByServer);
  EXPECT_EQ(ErrorReasonOf(absl::DataLossError("x")), ErrorReason::kStoreFailed);
}

TEST(ErrorsTest, InvalidFieldNamesTheField) {
  const absl::Status status = InvalidField("attachments[2].url", "is too long");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "attachments[2].url: is too long");
  EXPECT_EQ(ErrorReasonOf(status), ErrorReason::kInvalidArgument);
  EXPECT_EQ(ErrorFieldOf(status), "attachments[2].url");
  EXPECT_EQ(ErrorFieldOf(absl::InvalidArgumentError("x")), std::nullopt);
}

TEST(ErrorsTest, RetryAfterJoinsWhatIsThere) {
  const absl::Status status =
      WithRetryAfter(MakeError(absl::StatusCode::kResourceExhausted,
                               ErrorReason::kOutboxFull, "full"),
                     absl::Milliseconds(1500));
  EXPECT_EQ(RetryAfterOf(status), absl::Milliseconds(1500));
  EXPECT_EQ(ErrorReasonOf(status), ErrorReason::kOutboxFull);
  EXPECT_EQ(status.message(), "full");
  EXPECT_EQ(RetryAfterOf(absl::UnavailableError("x")), std::nullopt);
}

}  // namespace
}  // namespace parley::model
