#include "clients/cpp/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace parley::client {
namespace {

google::rpc::ErrorInfo Info(const std::string& domain,
                            const std::string& reason) {
  google::rpc::ErrorInfo info;
  info.set_domain(domain);
  info.set_reason(reason);
  return info;
}

grpc::Status Failed(const google::rpc::Status& rich) {
  return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "no",
                      rich.SerializeAsString());
}

TEST(DetailsOfTest, ReadsWhatTheDaemonSays) {
  google::rpc::Status rich;
  rich.add_details()->PackFrom(Info("parley", "OUTBOX_FULL"));
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(2);
  retry.mutable_retry_delay()->set_nanos(500000000);
  rich.add_details()->PackFrom(retry);
  google::rpc::BadRequest bad;
  bad.add_field_violations()->set_field("room");
  bad.mutable_field_violations(0)->set_description("is empty");
  rich.add_details()->PackFrom(bad);

  const ErrorDetails details = DetailsOf(Failed(rich));
  EXPECT_EQ(details.reason, v1::ERROR_REASON_OUTBOX_FULL);
  EXPECT_EQ(details.reason_name, "OUTBOX_FULL");
  EXPECT_EQ(details.retry_after, absl::Milliseconds(2500));
  ASSERT_EQ(details.fields.size(), 1u);
  EXPECT_EQ(details.fields[0].field, "room");
  EXPECT_EQ(details.fields[0].description, "is empty");
}

TEST(DetailsOfTest, KeepsTheNameOfAReasonThatIsNewer) {
  google::rpc::Status rich;
  rich.add_details()->PackFrom(Info("parley", "FROM_THE_FUTURE"));
  const ErrorDetails details = DetailsOf(Failed(rich));
  EXPECT_EQ(details.reason, v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(details.reason_name, "FROM_THE_FUTURE");
}

TEST(DetailsOfTest, PassesOverOtherDomains) {
  google::rpc::Status rich;
  rich.add_details()->PackFrom(Info("example.org", "OUTBOX_FULL"));
  EXPECT_EQ(DetailsOf(Failed(rich)).reason_name, "");
  EXPECT_EQ(ReasonOf(Failed(rich)), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(DetailsOfTest, FindsNothingWhereThereIsNothing) {
  EXPECT_EQ(DetailsOf(grpc::Status::OK).reason_name, "");
  EXPECT_EQ(DetailsOf(grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone"))
                .reason_name,
            "");
  EXPECT_EQ(DetailsOf(grpc::Status(grpc::StatusCode::INTERNAL, "bad",
                                   "\xff\xff no protobuf"))
                .reason_name,
            "");
}

}  // namespace
}  // namespace parley::client
