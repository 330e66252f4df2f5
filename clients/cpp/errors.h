#ifndef CLIENTS_CPP_ERRORS_H_
#define CLIENTS_CPP_ERRORS_H_

#include <grpcpp/grpcpp.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "parley/v1/errors.pb.h"

namespace parley::client {

// A field of the request that is to blame.
struct FieldViolation {
  std::string field;  // its name in the .proto file
  std::string description;
};

// What an error of the daemon says to a program; `status.error_message()` says
// it to a person.
struct ErrorDetails {
  // Unspecified when the daemon did not send the error (it was not reached, or
  // the deadline passed), and for a reason that this library does not know.
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  // The reason as it was sent, for example "OUTBOX_FULL"; or empty.
  std::string reason_name;
  // How long to wait before the call is worth repeating.
  std::optional<absl::Duration> retry_after;
  std::vector<FieldViolation> fields;
};

// Reads the details of a failed call. Those that are damaged, or of another
// domain than "parley", are as if they were not there.
ErrorDetails DetailsOf(const grpc::Status& status);

// DetailsOf(status).reason.
v1::ErrorReason ReasonOf(const grpc::Status& status);

}  // namespace parley::client

#endif  // CLIENTS_CPP_ERRORS_H_
