#ifndef DAEMON_RPC_ERRORS_H_
#define DAEMON_RPC_ERRORS_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace parley::rpc {

inline constexpr char kErrorDomain[] = "parley";

// An error as it leaves the daemon: with exactly one ErrorInfo, with RetryInfo
// where the status says when to try again, and with BadRequest where it names
// a field. A text too long for gRPC to carry is cut. An OK status becomes an OK
// status.
grpc::Status ToGrpcStatus(const absl::Status& status);

// The same error as the text of the header `grpc-status-details-bin` before it
// is encoded: a serialized google.rpc.Status.
std::string ErrorDetails(const absl::Status& status);

// What a caller is told once the daemon stops.
absl::Status ShuttingDownError();

}  // namespace parley::rpc

#endif  // DAEMON_RPC_ERRORS_H_
