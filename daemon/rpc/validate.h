#ifndef DAEMON_RPC_VALIDATE_H_
#define DAEMON_RPC_VALIDATE_H_

#include <cstddef>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/base/secret.h"
#include "daemon/model/ids.h"

// Fields that several requests have. Errors are INVALID_ARGUMENT and name the
// field.
namespace parley::rpc {

absl::StatusOr<model::RoomId> RoomField(absl::string_view room);

// Nothing for an empty field: all rooms.
absl::StatusOr<std::optional<model::RoomId>> RoomFilterField(
    absl::string_view room);

// A token is a few kilobytes at most; this is what HTTP servers take.
inline constexpr size_t kMaxTokenBytes = 64 * 1024;

// The token of a SetCredentialsRequest. The error does not quote it.
absl::StatusOr<base::Secret> TokenField(absl::string_view token);

absl::StatusOr<model::ClientMessageId> ClientMessageIdField(
    absl::string_view id);

}  // namespace parley::rpc

#endif  // DAEMON_RPC_VALIDATE_H_
