#include "daemon/model/errors.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace parley::model {
namespace {

constexpr absl::string_view kReasonPayload = "parley/reason";
constexpr absl::string_view kFieldPayload = "parley/field";
constexpr absl::string_view kRetryPayload = "parley/retry-after-ms";

constexpr struct {
  ErrorReason reason;
  absl::string_view name;
} kNames[] = {
    {ErrorReason::kInvalidArgument, "INVALID_ARGUMENT"},
    {ErrorReason::kNotFound, "NOT_FOUND"},
    {ErrorReason::kOutboxFull, "OUTBOX_FULL"},
    {ErrorReason::kMessageTooLarge, "MESSAGE_TOO_LARGE"},
    {ErrorReason::kIdempotencyMismatch, "IDEMPOTENCY_MISMATCH"},
    {ErrorReason::kCredentialsRequired, "CREDENTIALS_REQUIRED"},
    {ErrorReason::kAccountMismatch, "ACCOUNT_MISMATCH"},
    {ErrorReason::kNotInRoom, "NOT_IN_ROOM"},
    {ErrorReason::kTooManyRooms, "TOO_MANY_ROOMS"},
    {ErrorReason::kWrongState, "WRONG_STATE"},
    {ErrorReason::kUnsupportedByServer, "UNSUPPORTED_BY_SERVER"},
    {ErrorReason::kConsumerLagged, "CONSUMER_LAGGED"},
    {ErrorReason::kTooManyRequests, "TOO_MANY_REQUESTS"},
    {ErrorReason::kPeerNotAllowed, "PEER_NOT_ALLOWED"},
    {ErrorReason::kStoreFull, "STORE_FULL"},
    {ErrorReason::kStoreFailed, "STORE_FAILED"},
    {ErrorReason::kShuttingDown, "SHUTTING_DOWN"},
};

ErrorReason DefaultReason(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return ErrorReason::kInvalidArgument;
    case absl::StatusCode::kNotFound:
      return ErrorReason::kNotFound;
    case absl::StatusCode::kFailedPrecondition:
      return ErrorReason::kWrongState;
    case absl::StatusCode::kResourceExhausted:
      return ErrorReason::kTooManyRequests;
    case absl::StatusCode::kUnimplemented:
      return ErrorReason::kUnsupportedByServer;
    default:
      return ErrorReason::kStoreFailed;
  }
}

}  // namespace

absl::string_view ErrorReasonName(ErrorReason reason) {
  for (const auto& entry : kNames) {
    if (entry.reason == reason) return entry.name;
  }
  return "UNKNOWN";
}

absl::Status MakeError(absl::StatusCode code, ErrorReason reason,
                       absl::string_view message) {
  absl::Status status(code, message);
  status.SetPayload(kReasonPayload, absl::Cord(ErrorReasonName(reason)));
  return status;
}

absl::Status InvalidField(absl::string_view field, absl::string_view message) {
  absl::Status status = MakeError(absl::StatusCode::kInvalidArgument,
                                  ErrorReason::kInvalidArgument,
                                  absl::StrCat(field, ": ", message));
  status.SetPayload(kFieldPayload, absl::Cord(field));
  return status;
}

absl::Status WithRetryAfter(absl::Status status, absl::Duration delay) {
  status.SetPayload(kRetryPayload,
                    absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(delay))));
  return status;
}

ErrorReason ErrorReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kReasonPayload);
  if (payload.has_value()) {
    for (const auto& entry : kNames) {
      if (*payload == entry.name) return entry.reason;
    }
  }
  return DefaultReason(status.code());
}

std::optional<std::string> ErrorFieldOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kFieldPayload);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

std::optional<absl::Duration> RetryAfterOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryPayload);
  int64_t ms = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &ms)) {
    return std::nullopt;
  }
  return absl::Milliseconds(ms);
}

}  // namespace parley::model
