#ifndef DAEMON_MODEL_ERRORS_H_
#define DAEMON_MODEL_ERRORS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// The stable reasons that errors carry to clients (ErrorInfo.reason). An error
// is an absl::Status with one of these attached; its message is for a person.
namespace parley::model {

enum class ErrorReason {
  kInvalidArgument,
  kNotFound,
  kOutboxFull,
  kMessageTooLarge,
  kIdempotencyMismatch,
  kCredentialsRequired,
  kAccountMismatch,
  kNotInRoom,
  kTooManyRooms,
  kWrongState,
  kUnsupportedByServer,
  kConsumerLagged,
  kTooManyRequests,
  kPeerNotAllowed,
  kStoreFull,
  kStoreFailed,
  kShuttingDown,
};

// The name on the wire, for example "OUTBOX_FULL". Never changes.
absl::string_view ErrorReasonName(ErrorReason reason);

absl::Status MakeError(absl::StatusCode code, ErrorReason reason,
                       absl::string_view message);

// An INVALID_ARGUMENT that names the offending field of the request.
absl::Status InvalidField(absl::string_view field, absl::string_view message);

// A copy of `status` that says when trying again makes sense.
absl::Status WithRetryAfter(absl::Status status, absl::Duration delay);

// What was attached, if anything. ErrorReasonOf falls back on the code.
ErrorReason ErrorReasonOf(const absl::Status& status);
std::optional<std::string> ErrorFieldOf(const absl::Status& status);
std::optional<absl::Duration> RetryAfterOf(const absl::Status& status);

}  // namespace parley::model

#endif  // DAEMON_MODEL_ERRORS_H_
