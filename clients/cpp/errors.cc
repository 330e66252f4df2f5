#include "clients/cpp/errors.h"

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace parley::client {
namespace {

constexpr char kDomain[] = "parley";

void ReadErrorInfo(const google::rpc::ErrorInfo& info, ErrorDetails* details) {
  if (info.domain() != kDomain) return;
  details->reason_name = info.reason();
  v1::ErrorReason reason;
  if (v1::ErrorReason_Parse(absl::StrCat("ERROR_REASON_", info.reason()),
                            &reason)) {
    details->reason = reason;
  }
}

}  // namespace

ErrorDetails DetailsOf(const grpc::Status& status) {
  ErrorDetails details;
  google::rpc::Status rich;
  if (!rich.ParseFromString(status.error_details())) return details;
  for (const google::protobuf::Any& any : rich.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    google::rpc::BadRequest bad;
    if (any.UnpackTo(&info)) {
      ReadErrorInfo(info, &details);
    } else if (any.UnpackTo(&retry)) {
      details.retry_after = absl::Seconds(retry.retry_delay().seconds()) +
                            absl::Nanoseconds(retry.retry_delay().nanos());
    } else if (any.UnpackTo(&bad)) {
      for (const auto& violation : bad.field_violations()) {
        details.fields.push_back({violation.field(), violation.description()});
      }
    }
  }
  return details;
}

v1::ErrorReason ReasonOf(const grpc::Status& status) {
  return DetailsOf(status).reason;
}

}  // namespace parley::client
