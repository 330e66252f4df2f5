#include "clients/cli/exit_code.h"

#include "clients/cpp/errors.h"

namespace parley::cli {

ExitCode ExitCodeOf(const grpc::Status& status) {
  const v1::ErrorReason reason = client::ReasonOf(status);
  switch (reason) {
    case v1::ERROR_REASON_CREDENTIALS_REQUIRED:
    case v1::ERROR_REASON_ACCOUNT_MISMATCH:
      return kCredentialsNeeded;
    case v1::ERROR_REASON_MESSAGE_TOO_LARGE:
      return kLimitReached;
    case v1::ERROR_REASON_STORE_FAILED:
      return kRefused;
    default:
      break;
  }
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return kDone;
    case grpc::StatusCode::INVALID_ARGUMENT:
      return kUsage;
    case grpc::StatusCode::UNAVAILABLE:
      return kUnreachable;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return kLimitReached;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return kTimedOut;
    case grpc::StatusCode::NOT_FOUND:
      return kNotFound;
    case grpc::StatusCode::ALREADY_EXISTS:
    case grpc::StatusCode::ABORTED:
      return kConflict;
    default:
      return kRefused;
  }
}

}  // namespace parley::cli
