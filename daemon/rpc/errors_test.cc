#include "daemon/rpc/errors.h"

#include <vector>

#include "absl/time/time.h"
#include "daemon/model/errors.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "parley/v1/errors.pb.h"

namespace parley::rpc {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

// All details of one type.
template <typename Detail>
std::vector<Detail> Find(const google::rpc::Status& details) {
  std::vector<Detail> found;
  for (const auto& any : details.details()) {
    Detail detail;
    if (any.UnpackTo(&detail)) found.push_back(detail);
  }
  return found;
}

TEST(ErrorsTest, OkIsOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(ErrorsTest, CarriesCodeMessageAndOneReason) {
  const grpc::Status status = ToGrpcStatus(model::MakeError(
      absl::StatusCode::kResourceExhausted, model::ErrorReason::kOutboxFull,
      "10000 messages are queued"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "10000 messages are queued");

  const google::rpc::Status details = DetailsOf(status);
  EXPECT_EQ(details.code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(details.message(), status.error_message());
  const auto infos = Find<google::rpc::ErrorInfo>(details);
  ASSERT_EQ(infos.size(), 1u);
  EXPECT_EQ(infos[0].domain(), "parley");
  EXPECT_EQ(infos[0].reason(), "OUTBOX_FULL");
  EXPECT_EQ(details.details_size(), 1);
}

TEST(ErrorsTest, SaysWhenToTryAgain) {
  const google::rpc::Status details =
      DetailsOf(ToGrpcStatus(model::WithRetryAfter(
          absl::ResourceExhaustedError("busy"), absl::Milliseconds(1250))));
  const auto retries = Find<google::rpc::RetryInfo>(details);
  ASSERT_EQ(retries.size(), 1u);
  EXPECT_EQ(retries[0].retry_delay().seconds(), 1);
  EXPECT_EQ(retries[0].retry_delay().nanos(), 250000000);
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(details).size(), 1u);
}

TEST(ErrorsTest, NamesTheField) {
  const google::rpc::Status details =
      DetailsOf(ToGrpcStatus(model::InvalidField("room", "is empty")));
  const auto requests = Find<google::rpc::BadRequest>(details);
  ASSERT_EQ(requests.size(), 1u);
  ASSERT_EQ(requests[0].field_violations_size(), 1);
  EXPECT_EQ(requests[0].field_violations(0).field(), "room");
  EXPECT_THAT(requests[0].field_violations(0).description(),
              HasSubstr("is empty"));
}

TEST(ErrorsTest, AnErrorWithoutAReasonGetsOne) {
  const auto infos = Find<google::rpc::ErrorInfo>(
      DetailsOf(ToGrpcStatus(absl::DataLossError("a record is damaged"))));
  ASSERT_EQ(infos.size(), 1u);
  EXPECT_EQ(infos[0].reason(), "STORE_FAILED");
}

TEST(ErrorsTest, ForeignBytesDoNotMakeDetailsUnreadable) {
  const grpc::Status status =
      ToGrpcStatus(absl::NotFoundError("no room \xff\xfe!"));
  EXPECT_EQ(status.error_message(), "no room ?\?!");
  EXPECT_EQ(DetailsOf(status).message(), "no room ?\?!");
}

TEST(ErrorsTest, ALongTextIsCutBetweenCharacters) {
  // Three bytes a character, so that none ends at the limit.
  std::string quoted;
  for (int i = 0; i < 5000; ++i) quoted += "\u20ac";
  const grpc::Status status =
      ToGrpcStatus(model::InvalidField(quoted, "is long"));
  const google::rpc::Status details = DetailsOf(status);
  EXPECT_EQ(details.message(), status.error_message());
  EXPECT_LE(status.error_message().size(), 1004u);
  EXPECT_THAT(status.error_message(), EndsWith("\u20ac ..."));
  EXPECT_LE(status.error_details().size(), 4000u);
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(details).size(), 1u);
  EXPECT_EQ(Find<google::rpc::BadRequest>(details).size(), 1u);

  const std::string fits(1000, 'x');
  EXPECT_EQ(ToGrpcStatus(absl::NotFoundError(fits)).error_message(), fits);
}

// The enum documents the reasons: it must name all that leave, and no other.
TEST(ErrorsTest, TheApiNamesEveryReason) {
  const auto* const values = parley::v1::ErrorReason_descriptor();
  for (int i = 1; i < values->value_count(); ++i) {
    const std::string name =
        values->value(i)->name().substr(sizeof("ERROR_REASON_") - 1);
    const auto reason = static_cast<model::ErrorReason>(i - 1);
    EXPECT_EQ(model::ErrorReasonName(reason), name);
  }
  const auto behind_last =
      static_cast<model::ErrorReason>(values->value_count() - 1);
  EXPECT_EQ(model::ErrorReasonName(behind_last), "UNKNOWN");
}

}  // namespace
}  // namespace parley::rpc
