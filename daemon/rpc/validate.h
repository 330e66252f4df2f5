#ifndef DAEMON_RPC_VALIDATE_H_
#define DAEMON_RPC_VALIDATE_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/model/ids.h"

// Fields that several requests have. Errors are INVALID_ARGUMENT and name the
// field.
namespace parley::rpc {

absl::StatusOr<model::RoomId> RoomField(absl::string_view room);

// Nothing for an empty field: all rooms.
absl::StatusOr<std::optional<model::RoomId>> RoomFilterField(
    absl::string_view room);

absl::StatusOr<model::ClientMessageId> ClientMessageIdField(
    absl::string_view id);

}  // namespace parley::rpc

#endif  // DAEMON_RPC_VALIDATE_H_
